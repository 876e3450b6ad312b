package reconcile

import (
	"slices"
	"strings"
	"time"

	"rollcall/appliance/identity"
	"rollcall/appliance/model"
)

// DefaultHotLimit is how many records may carry one identifier before it says
// nothing about who they are.
const DefaultHotLimit = 5

// Policy is the part of the configuration that decides. It is read-only.
type Policy struct {
	// Authority lists source names, best first; sources it does not name come
	// after those it names, by name.
	Authority []string
	// Attributes overrides Authority for single attributes, exactly: a source that
	// is not listed there never gives that attribute.
	Attributes map[model.Name][]string
	// Creates names the sources that may bring a new person in; empty means all.
	Creates []string
	// EmailDomains lists the domains of work addresses, in ASCII; empty means any
	// but known personal-mail domains.
	EmailDomains []string
	// CreateBeforeStart and DeactivateAfterEnd are whole days.
	CreateBeforeStart  int
	DeactivateAfterEnd int
	LeaveDeactivates   bool
	AbsentDeactivates  bool
	// AskRehires makes a question of what otherwise settles itself: an ended record
	// and a current one with the same identifier, and the same name or birth date.
	AskRehires bool
	HotLimit   int // 0 means DefaultHotLimit
}

func (p *Policy) hotLimit() int {
	if p.HotLimit > 0 {
		return p.HotLimit
	}
	return DefaultHotLimit
}

// silent is the rank of a source that may not give an attribute.
const silent = -1

// rank orders sources for one attribute: lower is better, silent is not at all.
// Sources that the authority does not name share the last rank and are ordered
// by name.
func (p *Policy) rank(n model.Name, source string) int {
	list := p.Authority
	if own, ok := p.Attributes[n]; ok {
		return slices.Index(own, source)
	}
	if i := slices.Index(list, source); i >= 0 {
		return i
	}
	return len(list)
}

// hearsAll reports whether a source may give every attribute.
func (p *Policy) hearsAll(source string) bool {
	for _, own := range p.Attributes {
		if !slices.Contains(own, source) {
			return false
		}
	}
	return true
}

func (p *Policy) mayCreate(source string) bool {
	return len(p.Creates) == 0 || slices.Contains(p.Creates, source)
}

// workEmail says why a normalised email may not be used for a new account, empty
// when it may.
func (p *Policy) workEmail(id model.Identifier) string {
	domain := identity.Domain(id)
	if len(p.EmailDomains) == 0 {
		if identity.ConsumerDomain(domain) {
			return "the address belongs to a personal-mail provider"
		}
		return ""
	}
	for _, d := range p.EmailDomains {
		if domain == d || strings.HasSuffix(domain, "."+d) {
			return ""
		}
	}
	return "the address is not in one of the company's email_domains"
}

// AddDays returns the date n days after d; a date that cannot be read stays as
// it is.
func AddDays(d model.Date, n int) model.Date {
	t, err := time.Parse(time.DateOnly, string(d))
	if err != nil {
		return d
	}
	return model.Date(t.AddDate(0, 0, n).Format(time.DateOnly))
}
