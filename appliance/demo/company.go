package demo

import (
	"fmt"
	"time"

	"rollcall/connectors/cast"
	"rollcall/connectors/javelo/javelosim"
)

// MinPeople is the smallest company in which the story has room: the people with
// a part in it, and enough others for guards to mean something.
const MinPeople = 50

// part is somebody with a part in the story, by their place from the end of the
// company: nobody there manages anybody.
type part int

const (
	starter     part = iota // HiBob: begins in three days, no email yet
	private                 // HiBob: a personal address in the work field
	circleA                 // HiBob: managed by circleB …
	circleB                 // … who is managed by circleA
	orphan                  // HiBob: managed by someone who was erased there
	titled                  // HiBob and Okta disagree on the title
	departed                // HiBob: left, but the Javelo account is still active
	returner                // HiBob: left before, comes back on day two
	promoted                // HiBob: a new title on day two
	leaver                  // HiBob and Okta: leaves on day two
	renamed                 // HiBob: another email on day two
	twinA                   // Lucca: one email for two records
	twinB                   //
	skipped                 // Lucca: the skip flag is set
	costed                  // Lucca and Azure: a cost centre on day two
	contractorA             // Okta only; ends on day two
	contractorB             // Okta only
	parts
)

// The second legal entity, whose people are in Lucca.
const studio = "Halcyon Atelier Studio SARL"

// company says who works where. It is made once and not changed after; what
// changes later, changes in the simulators.
type company struct {
	people []cast.Person // as the truth has it, by index
	hibob  []int         // who is in HiBob, by index
	lucca  []int
	okta   []int
	azure  []int

	inHiBob map[int]int  // index → position in hibob
	inOkta  map[int]bool //
	inLucca map[int]bool
	leads   []int // people in HiBob and Lucca who manage people of the second entity
}

// newCompany makes a company of n people. today is where the demo runs.
func newCompany(n int, seed uint64, today time.Time) *company {
	c := &company{people: cast.Company(n, seed), inHiBob: map[int]int{}, inOkta: map[int]bool{}, inLucca: map[int]bool{}}
	managers := (n-2)/8 + 1 // in cast.Company, everybody's manager is below this
	for i := range managers {
		if i%5 == 1 {
			c.leads = append(c.leads, i)
		}
		c.employ(i, true, i%5 == 1, i%2 == 0)
	}
	for i := managers; i < n-int(parts); i++ {
		p := &c.people[i]
		here := p.Status != "terminated" && p.Status != "hired"
		switch i % 10 {
		case 3, 6: // the second entity
			p.LegalEntity, p.Manager = studio, c.leads[i%len(c.leads)]
			c.employ(i, false, true, false)
			if here && i/10%5 < 3 {
				c.azure = append(c.azure, i)
			}
		case 9: // seconded: on the books of both
			c.employ(i, true, true, false)
		case 5, 7, 8:
			c.employ(i, true, false, false)
		default:
			c.employ(i, true, false, here)
		}
	}
	c.azure = append(c.azure, c.leads...)
	c.cast(today)
	return c
}

func (c *company) employ(i int, hibob, lucca, okta bool) {
	if hibob {
		c.inHiBob[i] = len(c.hibob)
		c.hibob = append(c.hibob, i)
	}
	if lucca {
		c.inLucca[i] = true
		c.lucca = append(c.lucca, i)
	}
	if okta {
		c.inOkta[i] = true
		c.okta = append(c.okta, i)
	}
}

// cast gives the parts of the story to the last people of the company.
func (c *company) cast(today time.Time) {
	for p := range parts {
		who := c.of(p)
		who.Status, who.End = "employed", ""
		if who.Start > "2026" {
			who.Start, who.FirstHired = "2024-03-04", "2024-03-04"
		}
		i := who.Index
		switch p {
		case starter:
			who.Status, who.Email = "hired", ""
			who.Start = today.AddDate(0, 0, 3).Format(time.DateOnly)
			who.FirstHired = who.Start
		case private:
			who.Email = who.PersonalEmail
		case circleA:
			who.Manager = c.of(circleB).Index
		case circleB:
			who.Manager = c.of(circleA).Index
		case departed, returner:
			who.Status, who.End = "terminated", today.AddDate(0, -6, 0).Format(time.DateOnly)
		case twinA, twinB, skipped, costed:
			who.LegalEntity, who.Manager = studio, c.leads[0]
			if p == twinB {
				who.Email = c.of(twinA).Email
			}
			c.employ(i, false, true, false)
			if p == costed {
				c.azure = append(c.azure, i)
			}
			continue
		case contractorA, contractorB:
			who.Title, who.EmployeeNumber = "Contractor", ""
			c.employ(i, false, false, true)
			continue
		}
		c.employ(i, true, false, p == titled || p == leaver || p == promoted)
	}
}

// of returns the person with a part.
func (c *company) of(p part) *cast.Person { return &c.people[len(c.people)-1-int(p)] }

// isPart reports whether the person with this index has a part.
func (c *company) isPart(i int) bool { return i >= len(c.people)-int(parts) }

// hibobStaff is the company as HiBob has it. Positions there stand for indexes
// here, and the last one is somebody who will be erased: the orphan's manager.
func (c *company) hibobStaff() []cast.Person {
	staff := make([]cast.Person, 0, len(c.hibob)+1)
	for _, i := range c.hibob {
		p := c.people[i]
		if p.Manager >= 0 {
			p.Manager = c.inHiBob[p.Manager]
		}
		staff = append(staff, p)
	}
	staff[c.inHiBob[c.of(orphan).Index]].Manager = len(staff)
	ghost := c.people[0]
	ghost.Given, ghost.Family, ghost.Email, ghost.EmployeeNumber = "Erased", "Manager", "erased.manager@"+cast.Domain, "99999"
	return append(staff, ghost)
}

func (c *company) luccaStaff() []cast.Person {
	staff := make([]cast.Person, 0, len(c.lucca))
	for _, i := range c.lucca {
		staff = append(staff, c.people[i])
	}
	return staff
}

// accounts is who has an account in Javelo before rollcall comes: some of those
// who work here, as people were typed in by hand, one who left long ago, and
// some who belong to nobody.
func (c *company) accounts() []javelosim.Account {
	var typed []cast.Person
	for _, p := range c.people {
		if !c.isPart(p.Index) && p.Status != "terminated" && p.Status != "hired" {
			typed = append(typed, p)
		}
	}
	accounts := javelosim.BeforeActivation(typed)
	for p, active := range map[part]bool{departed: true, returner: false, skipped: true, twinA: true} {
		who := c.of(p)
		accounts = append(accounts, javelosim.Account{UserName: who.Email, GivenName: who.Given, FamilyName: who.Family, Active: active, Locale: who.Locale})
	}
	return accounts
}

// profile is what an identity provider's directory says of somebody.
func (c *company) profile(i int, external string) profile {
	p := c.people[i]
	out := profile{Login: p.Email, ExternalID: fmt.Sprintf(external, i), Given: p.Given, Family: p.Family, Title: p.Title,
		Department: p.Department, Number: p.EmployeeNumber, Locale: map[string]string{"fr": "fr-FR"}[p.Locale]}
	if out.Locale == "" {
		out.Locale = "en-US"
	}
	if p.Manager >= 0 {
		out.Manager = c.people[p.Manager].Email
	}
	return out
}

// oktaTitle is what Okta says of the person on whose title HR disagrees.
const oktaTitle = "Acting Chief of Everything"

func (c *company) oktaProfile(i int) profile {
	p := c.profile(i, "00u1demo%09d")
	if i == c.of(titled).Index {
		p.Title = oktaTitle
	}
	return p
}

func (c *company) azureProfile(i int) profile {
	return c.profile(i, "7d1f0000-0000-4000-8000-%012d")
}

// reported are the people whom HiBob will call terminated by mistake: a third of
// the company, those first whom no other system knows. Nobody of them manages
// anybody or is in Lucca.
func (c *company) reported() []int {
	var only, also []int
	managers := (len(c.people)-2)/8 + 1
	for _, i := range c.hibob {
		p := c.people[i]
		if i < managers || c.isPart(i) || c.inLucca[i] || p.Status == "terminated" || p.Status == "hired" {
			continue
		}
		if c.inOkta[i] {
			also = append(also, i)
			continue
		}
		only = append(only, i)
	}
	all := append(only, also...)
	return all[:min(len(all), len(c.people)/3)]
}
