package reconcile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"rollcall/appliance/model"
)

// GroupName is the attribute by which "set" has a group relayed under another name.
const GroupName = model.DisplayName

// GroupRuling is what decisions say of one group of a source in one target; the zero
// value says that it is relayed as its source states it.
type GroupRuling struct {
	// Name is the name it is relayed under, empty: its own.
	Name string
	// Into is the group whose members these are, too; it is not relayed by itself.
	Into model.GroupRef
	// Out says that it is not relayed at all.
	Out bool
}

// RuleGroup reads what decisions about one target say of a group: the last word
// counts. A word that rests on another group, as its members being that one's or that
// one being preferred, holds as long as that one is there.
func RuleGroup(ref model.GroupRef, decisions []model.Decision, there func(model.GroupRef) bool) GroupRuling {
	decisions = slices.Clone(decisions)
	slices.SortFunc(decisions, func(a, b model.Decision) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) })
	var r GroupRuling
	var on model.GroupRef // what the ruling rests on
	for _, d := range decisions {
		if !slices.Contains(d.Groups, ref) {
			continue
		}
		named := string(d.Record) == ref.String()
		switch {
		case d.Verb == model.Merge && d.Groups[0] != ref:
			r, on = GroupRuling{Into: d.Groups[0]}, d.Groups[0]
		case d.Verb == model.Prefer && named:
			r.Into, r.Out, on = model.GroupRef{}, false, model.GroupRef{}
		case d.Verb == model.Prefer:
			on, _ = model.ParseGroupRef(string(d.Record))
			r = GroupRuling{Out: true}
		case d.Verb == model.Exclude && named:
			r, on = GroupRuling{Out: true}, model.GroupRef{}
		case d.Verb == model.Set && named:
			r, on = GroupRuling{Name: d.Value.Text}, model.GroupRef{}
		}
	}
	if on != (model.GroupRef{}) && !there(on) {
		return GroupRuling{}
	}
	return r
}

// TakesOver reports whether a decision gives the name, and with it the target's
// group, to the group that asked for it.
func TakesOver(d model.Decision) bool {
	if len(d.Groups) != 2 {
		return false
	}
	owner, asking := d.Groups[0].String(), d.Groups[1].String()
	return d.Verb == model.Prefer && string(d.Record) == asking || d.Verb == model.Exclude && string(d.Record) == owner
}

// GroupSide is one group of a duplicate_group: as its source states it, and as the
// target has it.
type GroupSide struct {
	Ref        model.GroupRef
	Name       string
	ExternalID string
	Members    []model.PersonID // sorted; those of groups in it, too
	// RemoteID is the target's id of it, empty while it has none there.
	RemoteID string
}

// Shared counts who is in both groups of the conflict.
func (c *Case) Shared() int {
	if len(c.Groups) != 2 {
		return 0
	}
	n := 0
	for _, p := range c.Groups[0].Members {
		if _, both := slices.BinarySearch(c.Groups[1].Members, p); both {
			n++
		}
	}
	return n
}

// overlap says how much two groups have in common.
func (c *Case) overlap() string {
	a, b, both := len(c.Groups[0].Members), len(c.Groups[1].Members), c.Shared()
	switch {
	case a == 0 || b == 0:
		return "one is empty"
	case both == a && both == b:
		return "the same members"
	case both == a || both == b:
		return "one within the other"
	case both == 0:
		return "no member in common"
	}
	return "some members in common"
}

func (c *Case) groupEvidence() (speaksFor, speaksAgainst []string) {
	if len(c.Groups) != 2 {
		return nil, nil
	}
	a, b := &c.Groups[0], &c.Groups[1]
	switch {
	case a.ExternalID == "" || b.ExternalID == "":
	case a.ExternalID == b.ExternalID:
		speaksFor = append(speaksFor, "their external ids are the same")
	default:
		speaksAgainst = append(speaksAgainst, "their external ids differ")
	}
	if strings.TrimSpace(a.Name) == strings.TrimSpace(b.Name) {
		speaksFor = append(speaksFor, "the names are the same, letter by letter")
	} else {
		speaksAgainst = append(speaksAgainst, "the names differ in upper and lower case")
	}
	switch overlap := c.overlap(); overlap {
	case "one is empty":
	case "no member in common":
		speaksAgainst = append(speaksAgainst, "they have no member in common")
	case "the same members":
		speaksFor = append(speaksFor, "they have the same members")
	default:
		speaksFor = append(speaksFor, fmt.Sprintf("%d of %d and %d members are in both", c.Shared(), len(a.Members), len(b.Members)))
	}
	if a.Ref.Source == b.Ref.Source {
		speaksAgainst = append(speaksAgainst, "both are groups of "+a.Ref.Source+", which keeps them apart")
	}
	return speaksFor, speaksAgainst
}

// suggestGroup says which answer the members speak for.
func (c *Case) suggestGroup() Suggestion {
	if len(c.Groups) != 2 {
		return Suggestion{Why: "rename the group at its source"}
	}
	owner, asking := &c.Groups[0], &c.Groups[1]
	id := func(g *GroupSide) model.RecordID { return model.RecordID(g.Ref.String()) }
	switch c.overlap() {
	case "one is empty":
		if len(asking.Members) > 0 {
			return Suggestion{Verb: model.Prefer, Record: id(asking), Why: "the group that has the name is empty"}
		}
		return Suggestion{Verb: model.Exclude, Record: id(asking), Why: "it has no members"}
	case "the same members":
		return Suggestion{Verb: model.Prefer, Record: id(owner), Why: "they have the same members, so one of them is enough"}
	case "no member in common":
		return Suggestion{Verb: model.Set, Record: id(asking), Attribute: GroupName, Value: c.freeName(asking),
			Why: "they have no member in common, so the second is another group and needs a name of its own"}
	}
	if owner.Ref.Source == asking.Ref.Source {
		return Suggestion{Why: "rename one of them at " + owner.Ref.Source + ", or set display_name=…"}
	}
	return Suggestion{Verb: model.Merge, Why: "they have members in common, and each source may know only its own"}
}

// freeName tells a group from another of its name by what tells them apart.
func (c *Case) freeName(g *GroupSide) string {
	if c.Groups[0].Ref.Source != c.Groups[1].Ref.Source {
		return strings.TrimSpace(g.Name) + " (" + g.Ref.Source + ")"
	}
	return strings.TrimSpace(g.Name) + " 2"
}

// groupRole says what a group is in its conflict.
func (c *Case) groupRole(i int) string {
	if i == 0 {
		return c.Groups[i].Ref.Source + " group, has the name"
	}
	return c.Groups[i].Ref.Source + " group, asks for it"
}
