package patch

import (
	"errors"
	"slices"

	"rollcall/scimsrv/attr"
	"rollcall/scimsrv/filter"
	"rollcall/scimsrv/schema"
)

// Member is one entry of a group's members.
type Member struct {
	Value   string // the id, never empty
	Display string
	Type    string // as the sender wrote it; empty when it did not say
}

// MemberOps are the operations of one PATCH on a group's members, in order. They
// are immutable and safe for concurrent use.
type MemberOps struct {
	steps []step
}

// step is one operation on members: clear, then remove, then add.
type step struct {
	clear  bool
	remove []string
	where  *filter.Filter // removes those it selects; nil: none
	add    []Member
}

// maxConditions bounds the filters that must each be asked about every member.
const maxConditions = 20

// SplitMembers takes the operations on "members" out of ops, those inside a value
// without path included, so that a group can be changed without its whole member
// list: rest goes to [Apply], members to [MemberOps.Change]. ops is not changed.
// Every way of naming members to remove is understood by all senders' options:
// members[value eq "a"], the same with or, and members with a value. The error
// is an *[Error].
func SplitMembers(rt *schema.ResourceType, ops []Operation, opt Options) (members MemberOps, rest []Operation, err error) {
	for _, op := range ops {
		var s []step
		var left *Operation
		if op.Path == "" {
			s, left, err = splitValue(rt, op, opt)
		} else {
			s, left, err = splitPath(rt, op, opt)
		}
		if err != nil {
			return MemberOps{}, nil, at(op.Index, err)
		}
		members.steps = append(members.steps, s...)
		if left != nil {
			rest = append(rest, *left)
		}
	}
	conditions := 0
	for _, s := range members.steps {
		if s.where != nil {
			conditions++
		}
	}
	if conditions > maxConditions {
		return MemberOps{}, nil, refuse(schema.InvalidFilter,
			"Operations: at most %d filters on members that look at more than value eq are accepted", maxConditions)
	}
	return members, rest, nil
}

func isMembers(ref schema.Ref) bool {
	return ref.Extension == nil && ref.Attribute != nil && ref.Attribute.Name == "members"
}

// splitValue divides the value of an operation without path.
func splitValue(rt *schema.ResourceType, op Operation, opt Options) ([]step, *Operation, error) {
	o, ok := op.Value.(*attr.Object)
	if !ok || op.Verb == Remove {
		return nil, &op, nil // Apply says what is wrong
	}
	var steps []step
	left := &attr.Object{}
	for name, v := range o.Members() {
		ref, err := resolveName(rt, name, opt)
		if err != nil || ref.Sub != nil || !isMembers(ref) {
			left.Set(name, v)
			continue
		}
		s, err := plainStep(ref.Attribute, op.Verb, v, opt)
		if err != nil {
			return nil, nil, err
		}
		steps = append(steps, s...)
	}
	if steps == nil && left.Len() == o.Len() {
		return nil, &op, nil
	}
	if left.Len() == 0 {
		return steps, nil, nil
	}
	op.Value = left
	return steps, &op, nil
}

func splitPath(rt *schema.ResourceType, op Operation, opt Options) ([]step, *Operation, error) {
	t, err := resolve(rt, op.Path, opt)
	if errors.Is(err, errIgnored) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	if !isMembers(schema.Ref{Extension: t.extension, Attribute: t.attribute}) {
		return nil, &op, nil
	}
	if t.match == nil && t.sub == nil {
		s, err := plainStep(t.attribute, op.Verb, op.Value, opt)
		return s, nil, err
	}
	s, err := filteredStep(t, op, opt)
	return s, nil, err
}

// plainStep reads an operation on members as a whole.
func plainStep(a *schema.Attribute, verb Verb, v attr.Value, opt Options) ([]step, error) {
	if v == nil {
		switch verb {
		case Add:
			return nil, nil
		default:
			return []step{{clear: true}}, nil
		}
	}
	list, err := readMembers(a, verb, v, opt)
	if err != nil {
		return nil, err
	}
	switch verb {
	case Add:
		return []step{{add: list}}, nil
	case Replace:
		return []step{{clear: true, add: list}}, nil
	default:
		// A value names who is to go. Taking it for "everybody", as the letter of
		// RFC 7644 §3.5.2.2 allows, has emptied groups (scimple 436, SCIM-SDK 149).
		s := step{}
		for _, m := range list {
			s.remove = append(s.remove, m.Value)
		}
		return []step{s}, nil
	}
}

func readMembers(a *schema.Attribute, verb Verb, v attr.Value, opt Options) ([]Member, error) {
	values := opt.Values
	if verb == Remove {
		values.LooseShapes = true // what the value of a remove means is not the RFC's to say
	}
	value, err := values.Value(a, a.Name, v)
	if err != nil {
		return nil, because(schema.InvalidValue, err)
	}
	list, _ := value.(attr.Array)
	members := make([]Member, 0, len(list))
	for _, element := range list {
		m, err := member(a, element)
		if err != nil {
			return nil, err
		}
		members = append(members, m)
	}
	return members, nil
}

func member(a *schema.Attribute, element attr.Value) (Member, error) {
	o, _ := element.(*attr.Object)
	m := Member{Value: o.String("value"), Display: o.String("display"), Type: o.String("type")}
	if m.Value == "" {
		return Member{}, refuse(schema.InvalidValue, "%s: each member needs a value, the id of a user or group", a.Name)
	}
	return m, nil
}

// filteredStep reads an operation on some members. They are removed, or added
// again in another form; their sub-attributes are immutable (RFC 7643 §8.7.1).
func filteredStep(t target, op Operation, opt Options) ([]step, error) {
	if t.sub != nil && !(t.sub.Name == "display" && op.Verb != Remove) {
		return nil, refuse(schema.MutabilityErr, "%s is immutable: remove the member and add another", t.name())
	}
	if t.match == nil {
		return nil, refuse(schema.InvalidPath, "path: say which member by a filter in brackets")
	}
	ids, plain := valuesNamed(t.expr)
	if op.Verb == Remove {
		return removeStep(t, op, ids, plain, opt)
	}
	if !plain || len(ids) != 1 {
		return nil, refuse(schema.InvalidPath, `path: members are written one by one; members[value eq "…"] is expected`)
	}
	if op.Value == nil {
		return nil, nil
	}
	if t.sub != nil {
		v, err := opt.Values.Value(t.sub, t.name(), op.Value)
		if err != nil {
			return nil, because(schema.InvalidValue, err)
		}
		display, _ := v.(string)
		return []step{{add: []Member{{Value: ids[0], Display: display}}}}, nil
	}
	v, err := opt.Values.Element(t.attribute, t.name(), op.Value)
	if err != nil {
		return nil, because(schema.InvalidValue, err)
	}
	o, _ := v.(*attr.Object)
	if o == nil {
		return nil, nil
	}
	if o.String("value") == "" {
		o = o.Clone()
		o.Set("value", ids[0])
	}
	m, err := member(t.attribute, o)
	if err != nil {
		return nil, err
	}
	s := step{add: []Member{m}}
	if m.Value != ids[0] {
		if op.Verb == Add {
			return nil, refuse(schema.MutabilityErr, "members.value is immutable: remove the member and add another")
		}
		s.remove = ids
	}
	return []step{s}, nil
}

func removeStep(t target, op Operation, ids []string, plain bool, opt Options) ([]step, error) {
	if op.Value == nil {
		if plain {
			return []step{{remove: ids}}, nil
		}
		return []step{{where: t.match}}, nil
	}
	// Both a filter and a value: those that both of them name.
	list, err := readMembers(t.attribute, op.Verb, op.Value, opt)
	if err != nil {
		return nil, err
	}
	if !plain {
		return nil, refuse(schema.InvalidPath, "path: either a filter or a value says which members to remove, not both")
	}
	s := step{}
	for _, m := range list {
		if slices.Contains(ids, m.Value) {
			s.remove = append(s.remove, m.Value)
		}
	}
	return []step{s}, nil
}

// valuesNamed returns the ids of a filter that is value eq "id", or several of
// them joined with or.
func valuesNamed(e filter.Expr) ([]string, bool) {
	switch e := e.(type) {
	case filter.Compare:
		id, ok := e.Value.(string)
		return []string{id}, ok && e.Op == filter.Equal && attr.EqualName(e.Attr.String(), "value")
	case filter.Or:
		var all []string
		for _, term := range e.Terms {
			ids, ok := valuesNamed(term)
			if !ok {
				return nil, false
			}
			all = append(all, ids...)
		}
		return all, true
	default:
		return nil, false
	}
}
