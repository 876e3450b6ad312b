package reconcile

import (
	"maps"
	"slices"

	"rollcall/appliance/identity"
	"rollcall/appliance/model"
)

// TargetRules say what one target takes.
type TargetRules struct {
	// Attributes are those the target can hold, beyond email, manager and active.
	Attributes []model.Name
	// Custom says that it takes custom attributes as well.
	Custom bool
	// Derive computes further attributes out of the person's, as the target's
	// configured map says; nil: none.
	Derive func(model.Attributes) map[model.Name]string `json:"-"`
	// IdentifierChanges allows the login of an existing account to change.
	IdentifierChanges bool
}

func (t *TargetRules) takes(n model.Name) bool {
	if n == model.Email || n == model.Manager {
		return false
	}
	if len(n) > len(model.CustomPrefix) && n[:len(model.CustomPrefix)] == model.CustomPrefix {
		return t.Custom
	}
	return slices.Contains(t.Attributes, n)
}

// ManagerView is what projecting a person needs to know of their manager.
type ManagerView struct {
	Person model.PersonID // empty when the manager did not resolve
	// Linkable says that the manager has, or is about to get, an active account.
	Linkable bool
	// Off says that the manager's account is inactive and not about to change.
	Off bool
}

// Projection is what a target should hold of a person, compared with what it holds.
type Projection struct {
	Effect  model.Effect // EffectNone: nothing to do
	Want    model.Desired
	Changed []model.Name // sorted; empty for creations
	// Blocked says in words why nothing is relayed although something differs,
	// or would be created.
	Blocked string
	// LoginChange is set when the email changed and the target may not follow.
	LoginChange bool
}

// ActiveName stands for the state of the account among changed attributes.
const ActiveName model.Name = "active"

// Holding is what a target is known to hold of a person. The zero value: nothing.
type Holding struct {
	// State is what was delivered last or, before that, what the target listed
	// under the person's email.
	State *model.Desired
	// Ours says that State was delivered by us.
	Ours bool
	// Doubt names what writes without an answer may have changed: of these State
	// says only what they were before.
	Doubt []model.Name
	// Maybe says that a create without an answer may have made an account.
	Maybe bool
}

func (h Holding) doubts(n model.Name) bool { return slices.Contains(h.Doubt, n) }

// Project compares a person with what a target is known to hold. Absent
// attributes stay as they are, null ones are cleared, and an account that is off
// is only ever switched, never updated.
func Project(p model.Person, holding Holding, manager ManagerView, rules *TargetRules) Projection {
	have := holding.State
	switch {
	case len(p.Held) > 0:
		return Projection{Blocked: "an open conflict concerns this person"}
	case p.Access == model.AccessKeep:
		return Projection{Blocked: p.Reason}
	case p.Access == model.AccessOff:
		return switchOff(p, holding)
	case have == nil && p.Waiting != "":
		return Projection{Blocked: p.Waiting}
	case p.EmailKey == "" && have == nil:
		return Projection{Blocked: "there is no email to log in with"}
	}
	pr := Projection{Want: want(p, holding, manager, rules)}
	if have != nil && !SameLogin(have.Email, pr.Want.Email) && !rules.IdentifierChanges {
		pr.Want.Email, pr.LoginChange = have.Email, true
	}
	switch {
	case have == nil:
		pr.Effect = model.EffectCreate
		return pr
	case !have.Active:
		pr.Effect = model.EffectReactivate
	case !holding.Ours:
		pr.Effect = model.EffectAdopt
	default:
		pr.Effect = model.EffectUpdate
	}
	pr.Changed = holding.differs(pr.Want)
	if pr.Effect == model.EffectUpdate && len(pr.Changed) == 0 {
		pr.Effect = model.EffectNone
	}
	return pr
}

func switchOff(p model.Person, holding Holding) Projection {
	have := holding.State
	if have == nil && holding.Maybe {
		// Whether there is anything to switch off, the target must be asked.
		off := model.Desired{Person: p.ID, Email: identity.Deliverable(p.Attributes.Text(model.Email)), Attributes: map[model.Name]string{}}
		return Projection{Effect: model.EffectDeactivate, Want: off, Changed: []model.Name{ActiveName}}
	}
	if have == nil || !have.Active && !holding.doubts(ActiveName) {
		return Projection{}
	}
	off := *have
	off.Active = false
	// A disabled user cannot carry a manager in Javelo, and need not anywhere.
	if have.Manager != nil && have.Manager.Person != "" || holding.doubts(model.Manager) {
		off.Manager = &model.ManagerLink{}
	}
	return Projection{Effect: model.EffectDeactivate, Want: off, Changed: holding.differs(off)}
}

func want(p model.Person, holding Holding, manager ManagerView, rules *TargetRules) model.Desired {
	have := holding.State
	w := model.Desired{Person: p.ID, Active: true, Attributes: make(map[model.Name]string, min(len(p.Attributes), len(rules.Attributes)))}
	if have != nil {
		w.Email, w.Manager = have.Email, have.Manager
		for n, v := range have.Attributes {
			w.Attributes[n] = v
		}
	}
	said := steady(p, have)
	if email := identity.Deliverable(said.Text(model.Email)); email != "" && !(have != nil && SameLogin(have.Email, email)) {
		w.Email = email
	}
	for n, v := range said {
		if !rules.takes(n) {
			continue
		}
		if _, held := w.Attributes[n]; v.Null && !held && !holding.doubts(n) {
			continue // clearing what was never there is no change
		}
		w.Attributes[n] = v.Text
	}
	if rules.Derive != nil {
		for n, v := range rules.Derive(said) {
			if _, held := w.Attributes[n]; v != "" || held || holding.doubts(n) {
				w.Attributes[n] = v
			}
		}
	}
	if holding.doubts(model.Manager) && w.Manager == nil {
		w.Manager = &model.ManagerLink{} // back to what it was before the unanswered write
	}
	_, frozen := p.Frozen[model.Manager]
	switch v, told := said[model.Manager]; {
	case frozen && have != nil && !manager.Off:
		// It goes back and forth: the link stays what it is.
	case manager.Linkable:
		w.Manager = &model.ManagerLink{Person: manager.Person}
	case have == nil || have.Manager == nil || have.Manager.Person == "":
		// Nothing is linked and nothing can be: leave it alone.
	case manager.Off, told && v.Null:
		w.Manager = &model.ManagerLink{}
	}
	return w
}

// steady returns a person's attributes as accounts are to follow them: of those that
// are frozen, the value that the account has.
func steady(p model.Person, have *model.Desired) model.Attributes {
	if len(p.Frozen) == 0 || have == nil {
		return p.Attributes
	}
	out := maps.Clone(p.Attributes)
	for n := range p.Frozen {
		if v, held := have.Attributes[n]; held {
			out[n] = model.Text(v)
		} else if n == model.Email {
			out[n] = model.Text(have.Email)
		} else if n != model.Manager {
			delete(out, n)
		}
	}
	return out
}

// SameLogin reports whether two addresses are one login: spelling apart.
func SameLogin(a, b string) bool {
	if a == b {
		return true
	}
	ia, _, errA := identity.Email(a)
	ib, _, errB := identity.Email(b)
	return errA == nil && errB == nil && ia == ib
}

// Difference names what writing want over have would change, sorted.
func Difference(have, want model.Desired) []model.Name {
	var out []model.Name
	if have.Active != want.Active {
		out = append(out, ActiveName)
	}
	if have.Email != want.Email {
		out = append(out, model.Email)
	}
	for n, v := range want.Attributes {
		if old, ok := have.Attributes[n]; !ok || old != v {
			out = append(out, n)
		}
	}
	if managerOf(have) != managerOf(want) {
		out = append(out, model.Manager)
	}
	model.SortNames(out)
	return out
}

// differs names what has to be written for the account to hold want: what differs,
// and what cannot be known.
func (h Holding) differs(want model.Desired) []model.Name {
	out := Difference(*h.State, want)
	for _, n := range h.Doubt {
		_, said := want.Attributes[n]
		if (said || n == ActiveName || n == model.Email || n == model.Manager) && !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	model.SortNames(out)
	return out
}

// Unsure returns have with everything in doubt made to differ from want, so that
// whoever writes the difference writes that as well.
func Unsure(have, want model.Desired, doubt []model.Name) model.Desired {
	known := have
	known.Attributes = maps.Clone(have.Attributes)
	for _, n := range doubt {
		switch n {
		case ActiveName:
			known.Active = !want.Active
		case model.Email:
			known.Email = ""
		case model.Manager:
			known.Manager = nil
		default:
			delete(known.Attributes, n)
		}
	}
	return known
}

func managerOf(d model.Desired) model.PersonID {
	if d.Manager == nil {
		return ""
	}
	return d.Manager.Person
}

// FromAccount turns an account as listed into the state to compare with. The
// manager is left open: which person an account's manager is, only the caller
// knows.
func FromAccount(person model.PersonID, a model.Account) model.Desired {
	d := model.Desired{Person: person, Active: a.Active, Email: a.Login, Attributes: map[model.Name]string{}}
	for n, v := range a.Attributes {
		d.Attributes[n] = v
	}
	return d
}
