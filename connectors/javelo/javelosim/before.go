package javelosim

import (
	"strings"

	"rollcall/connectors/cast"
)

// BeforeActivation is how a Javelo tenant looks that people were typed into by
// hand before any provisioning: of every twelve of the company seven are there,
// most with few attributes and no manager; one of them has the address in mixed
// case, one a personal address instead of the work one, one is disabled though
// they work here. Two accounts belong to nobody in the company: the
// administrator's and a former intern's.
func BeforeActivation(people []cast.Person) []Account {
	accounts := []Account{
		{UserName: "admin@" + cast.Domain, GivenName: "Admin", FamilyName: "Javelo", Active: true, Locale: "fr"},
		{UserName: "ancien.stagiaire@" + cast.Domain, GivenName: "Ancien", FamilyName: "Stagiaire", Active: true, Locale: "fr"},
	}
	for _, p := range people {
		a := Account{UserName: p.Email, GivenName: p.Given, FamilyName: p.Family, Active: true, Locale: p.Locale}
		switch p.Index % 12 {
		case 0:
			a.UserName = mixedCase(p.Email)
			a.Enterprise = map[string]string{"employeeNumber": p.EmployeeNumber}
		case 1, 4, 7:
			a.Enterprise = map[string]string{"employeeNumber": p.EmployeeNumber}
		case 2:
			a.UserName = p.PersonalEmail
		case 5:
			a.Active = false
		case 9:
			a.Title = p.Title
		default:
			continue
		}
		accounts = append(accounts, a)
	}
	return accounts
}

// mixedCase spells jane.doe@acme.example as Jane.Doe@Acme.example.
func mixedCase(email string) string {
	b := []byte(email)
	for i := range b {
		first := i == 0 || b[i-1] == '.' && !strings.Contains(email[:i], "@") || b[i-1] == '@'
		if first && b[i] >= 'a' && b[i] <= 'z' {
			b[i] -= 'a' - 'A'
		}
	}
	return string(b)
}
