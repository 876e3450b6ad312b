// Package cast makes up companies: plainly fictional people that every
// simulator, test, benchmark and the demo can share, so that the same Ada works
// here according to HiBob, Lucca, Okta and Azure at once.
//
// The same seed and size always give the same company. Addresses are under
// domains reserved for examples; nobody here exists.
package cast

import (
	"fmt"
	"math/rand/v2"
)

// Person is one employee as the truth has it; each simulator tells it in its
// service's words, and may tell it wrongly on purpose.
type Person struct {
	Index          int // position in the company, from 0; 0 leads it
	Given, Family  string
	Email          string
	PersonalEmail  string
	EmployeeNumber string // zero-padded, five digits or more
	Title          string
	Department     string
	Site           string
	LegalEntity    string
	Manager        int    // Index of the manager, -1 for none
	Gender         string // "female", "male", "" for not told
	BirthDate      string // YYYY-MM-DD, as all dates here
	FirstHired     string
	Start          string
	End            string // last working day, empty while employed
	WorkPhone      string
	MobilePhone    string
	Contract       string
	Locale         string // "fr" or "en"
	Status         string // "hired", "employed", "leave", "parental leave", "garden leave", "terminated"
}

// Domain is the mail domain of every company made here.
const Domain = "halcyon-atelier.example"

var (
	givenNames  = []string{"Ada", "Bilel", "Chloé", "Désiré", "Elif", "Farid", "Greta", "Hugo", "Inès", "Jonas", "Kenza", "Lév", "Maëlle", "Noor", "Oscar", "Priya", "Quentin", "Rosa", "Søren", "Tāne", "Uma", "Viktor", "Wanjiru", "Xavier", "Yuki", "Zoé"}
	familyNames = []string{"Adeyemi", "Bachelet", "Cortázar", "Dubreuil", "Eriksen", "Fontaine", "Güneş", "Haddad", "Ibsen", "Jourdain", "Kowalska", "Lefèvre", "Moreau", "Ngata", "O'Keeffe", "Pelletier", "Quiroga", "Rossi", "Sørensen", "Tanaka", "Ulrich", "Van der Berg", "Wójcik", "Xu", "Ylönen", "Zidane"}
	departments = []string{"Engineering", "Sales", "Finance", "People", "Operations", "Design", "Support", "Legal"}
	titles      = []string{"Analyst", "Engineer", "Specialist", "Partner", "Coordinator", "Architect", "Associate"}
	sites       = []string{"Lyon", "Paris", "Nantes", "Remote"}
	contracts   = []string{"Permanent", "Fixed-term", "Apprenticeship"}
)

// ascii spells the letters used above without accents, for addresses.
var ascii = map[rune]string{'é': "e", 'è': "e", 'ë': "e", 'á': "a", 'ā': "a", 'ø': "o", 'ö': "o", 'ó': "o", 'ü': "u", 'ş': "s", '\'': "", ' ': ""}

func local(s string) string {
	out := ""
	for _, r := range s {
		if a, ok := ascii[r]; ok {
			out += a
			continue
		}
		if r >= 'A' && r <= 'Z' {
			r += 'a' - 'A'
		}
		out += string(r)
	}
	return out
}

// Company makes n people. Everyone but the first has a manager with a lower
// index, no manager has more than about eight direct reports, and a few people
// are on leave, hired for the future or have left.
func Company(n int, seed uint64) []Person {
	rng := rand.New(rand.NewPCG(seed, 0x726f6c6c63616c6c))
	pick := func(list []string) string { return list[rng.IntN(len(list))] }
	people := make([]Person, n)
	taken := map[string]int{}
	for i := range people {
		p := Person{Index: i, Given: pick(givenNames), Family: pick(familyNames), Manager: -1}
		base := local(p.Given) + "." + local(p.Family)
		taken[base]++
		if k := taken[base]; k > 1 {
			base = fmt.Sprintf("%s%d", base, k)
		}
		p.Email = base + "@" + Domain
		p.PersonalEmail = base + "@home.example"
		p.EmployeeNumber = fmt.Sprintf("%05d", i+1)
		p.Department = departments[rng.IntN(len(departments))]
		p.Title = p.Department + " " + pick(titles)
		p.Site = pick(sites)
		p.LegalEntity = "Halcyon Atelier SAS"
		switch {
		case i == 0:
			p.Title, p.Department = "Managing Director", "Direction"
		default:
			p.Manager = (i - 1) / 8
		}
		p.Gender = []string{"female", "male", ""}[rng.IntN(3)]
		p.BirthDate = fmt.Sprintf("%04d-%02d-%02d", 1962+rng.IntN(42), 1+rng.IntN(12), 1+rng.IntN(28))
		p.Start = fmt.Sprintf("%04d-%02d-%02d", 2012+rng.IntN(13), 1+rng.IntN(12), 1+rng.IntN(28))
		p.FirstHired = p.Start
		p.WorkPhone = fmt.Sprintf("+33 4 00 00 %02d %02d", i/100%100, i%100)
		p.MobilePhone = fmt.Sprintf("+33 6 00 %02d %02d %02d", i/10000%100, i/100%100, i%100)
		p.Contract = pick(contracts)
		p.Locale = []string{"fr", "en"}[rng.IntN(2)]
		p.Status = "employed"
		if i >= 8 {
			switch r := rng.IntN(100); {
			case r < 2:
				p.Status = "parental leave"
			case r < 4:
				p.Status, p.End = "terminated", "2026-05-31"
			case r < 5:
				p.Status, p.Start, p.FirstHired = "hired", "2035-01-08", "2035-01-08"
			}
		}
		people[i] = p
	}
	return people
}
