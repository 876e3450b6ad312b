package reconcile

import (
	"fmt"
	"slices"

	"rollcall/appliance/model"
)

// Answers lists the answers that a conflict takes, the most usual first. What is
// not listed would change nothing, or needs more records than there are.
func Answers(q model.Conflict) []model.Verb {
	var verbs []model.Verb
	switch q.Kind {
	case model.DuplicateIdentifier, model.AmbiguousMatch:
		verbs = []model.Verb{model.Merge, model.Separate, model.Prefer, model.Exclude, model.Set}
	case model.EmailRecycled:
		verbs = []model.Verb{model.Separate, model.Merge, model.Allow, model.Prefer, model.Exclude, model.Set}
	case model.AccountTaken:
		verbs = []model.Verb{model.Merge, model.Set, model.Exclude}
	case model.IdentifierChange, model.PersonalEmail:
		verbs = []model.Verb{model.Allow, model.Set, model.Exclude}
	case model.ManagerUnresolved, model.ManagerCycle:
		verbs = []model.Verb{model.Set, model.Allow, model.Exclude}
	case model.DuplicateGroup:
		if len(q.Groups) != 2 {
			return []model.Verb{model.Later}
		}
		return []model.Verb{model.Merge, model.Prefer, model.Exclude, model.Set, model.Later}
	default:
		verbs = []model.Verb{model.Set, model.Exclude}
	}
	if len(q.Records) < 2 {
		verbs = slices.DeleteFunc(verbs, func(v model.Verb) bool { return v == model.Merge || v == model.Separate || v == model.Prefer })
	}
	if len(q.Records) == 0 {
		verbs = slices.DeleteFunc(verbs, func(v model.Verb) bool { return v == model.Exclude || v == model.Set })
	}
	return append(verbs, model.Later)
}

// Suggestion is the answer that the evidence speaks for, or advice.
type Suggestion struct {
	Verb   model.Verb     // empty: there is only advice
	Record model.RecordID // prefer, exclude and set
	Apart  []model.RecordID
	// Attribute and Value are those of "set".
	Attribute model.Name
	Value     string
	Why       string
}

// String returns "separate r_1: why", in the words of the command.
func (s Suggestion) String() string {
	if s.Verb == "" {
		return s.Why
	}
	out := string(s.Verb)
	for _, r := range s.Apart {
		out += " " + string(r)
	}
	if s.Attribute != "" {
		out += fmt.Sprintf(" %s=%q --record %s", s.Attribute, s.Value, s.Record)
	} else if s.Record != "" {
		out += " " + string(s.Record)
	}
	return out + ": " + s.Why
}

// Suggest says which answer the evidence speaks for. like counts how conflicts of
// the same shape were answered before, by answer.
func (c *Case) Suggest(like map[model.Verb]int) Suggestion {
	s := c.suggest()
	verb, n, total := usual(like)
	switch {
	case total == 0:
	case verb == s.Verb:
		s.Why += fmt.Sprintf("; %d of %d like it were answered so", n, total)
	case n >= 2 && n == total && slices.Contains(Answers(c.Conflict), verb) && verb != model.Prefer && verb != model.Exclude && verb != model.Set:
		s = Suggestion{Verb: verb, Why: fmt.Sprintf("all %d like it were answered so (the records alone say: %s)", n, s)}
	default:
		s.Why += fmt.Sprintf("; of %d like it, %d were answered %s", total, n, verb)
	}
	return s
}

// usual returns the answer given most often; of equals, the first by name.
func usual(like map[model.Verb]int) (verb model.Verb, n, total int) {
	for v, k := range like {
		total += k
		if k > n || k == n && v < verb {
			verb, n = v, k
		}
	}
	return verb, n, total
}

func (c *Case) suggest() Suggestion {
	switch c.Conflict.Kind {
	case model.DuplicateIdentifier, model.AmbiguousMatch, model.EmailRecycled:
		if len(c.Records) < 2 {
			return Suggestion{Why: "set email=… with an address of their own, or exclude the record"}
		}
		return c.suggestIdentity()
	case model.AccountTaken:
		if len(c.Records) > 1 && c.allAlike() {
			return Suggestion{Verb: model.Merge, Why: "the records are alike: " + c.whyAlike()}
		}
		return Suggestion{Why: "free the address: correct the email of one of them at the source, or set email=…; merge only if they are one human"}
	case model.PersonalEmail:
		return Suggestion{Verb: model.Later, Why: "the work address usually follows; allow this one if it is meant"}
	case model.MissingIdentifier:
		return Suggestion{Verb: model.Later, Why: "the source usually gets the address before the first day; or set email=…"}
	case model.IdentifierChange:
		return Suggestion{Verb: model.Allow, Why: "the link to the source is the same, so it is the same human with a new address; correct the email at the source if it is not"}
	case model.ManagerUnresolved:
		return Suggestion{Why: "bring the manager into scope, correct the manager at the source, or set manager=…"}
	case model.ManagerCycle:
		return Suggestion{Why: "correct one of the managers at the source, or set manager=…"}
	case model.DuplicateGroup:
		return c.suggestGroup()
	case model.Rejected:
		return Suggestion{Why: "correct the data at the source, or set the value; rollcall deliveries retry tries again"}
	}
	return Suggestion{}
}

func (c *Case) allAlike() bool {
	for i := range c.Records[1:] {
		if !alike(&c.Records[0], &c.Records[i+1]) {
			return false
		}
	}
	return true
}

func (c *Case) whyAlike() string {
	if c.agreeOn(model.BirthDate) == agrees {
		return "they have the same birth date"
	}
	return "they have the same name"
}

// suggestIdentity weighs whether records are one human. When they fall into
// groups that are alike within and not between, the group that was there first
// stays and the others are put apart.
func (c *Case) suggestIdentity() Suggestion {
	if c.allAlike() {
		return Suggestion{Verb: model.Merge, Why: c.whyAlike()}
	}
	groups := newForest(len(c.Records))
	for i := range c.Records {
		for j := i + 1; j < len(c.Records); j++ {
			a, b := &c.Records[i], &c.Records[j]
			if alike(a, b) || a.Person != "" && a.Person == b.Person {
				groups.join(i, j)
			}
		}
	}
	count := map[int]int{}
	for i := range c.Records {
		count[groups.root(i)]++
	}
	const then = "; then give one of them another email at the source"
	switch {
	case len(count) == 1:
		return Suggestion{Why: "look closely: each is alike to some other, and not all to all"}
	case len(count) == len(c.Records):
		return Suggestion{Verb: model.Separate, Why: "neither names nor birth dates agree" + then}
	case len(count) > 2:
		return Suggestion{Why: "some are alike and some are not: separate RECORD… puts those named apart from the rest"}
	}
	// Two groups: name the smaller, and of equals the one that is not there yet.
	var apart []model.RecordID
	first := groups.root(0)
	other := -1
	for i := range c.Records {
		if groups.root(i) != first {
			other = groups.root(i)
		}
	}
	named := other
	if count[first] < count[other] || count[first] == count[other] && c.Records[first].Person == "" && c.Records[other].Person != "" {
		named = first
	}
	for i := range c.Records {
		if groups.root(i) == named {
			apart = append(apart, c.Records[i].ID)
		}
	}
	return Suggestion{Verb: model.Separate, Apart: apart, Why: "neither name nor birth date of the rest agree with theirs" + then}
}
