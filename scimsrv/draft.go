package scimsrv

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"rollcall/scimsrv/attr"
	"rollcall/scimsrv/patch"
	"rollcall/scimsrv/quirk"
	"rollcall/scimsrv/schema"
)

// uniqueKey is the key that no two users of a source share, whatever the dialect.
const uniqueKey = "username"

// keys returns the values by which a resource is found without a scan.
func (k *kind) keys(p quirk.Profile, body *attr.Object) []Key {
	var keys []Key
	add := func(path string, v attr.Value, unique bool) {
		ref, err := k.rt.Resolve(path)
		text, ok := v.(string)
		if err != nil || !ok || text == "" {
			return
		}
		key := Key{Attribute: attr.FoldName(path), Value: ref.Leaf().Fold(text), Unique: unique}
		if !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	get := func(name string) attr.Value { v, _ := body.Get(name); return v }
	if k.t == Group {
		add("displayName", get("displayName"), p.UniqueGroupName)
		add("externalId", get("externalId"), false)
		return keys
	}
	add("userName", get("userName"), true)
	add("externalId", get("externalId"), false) // neither unique nor fixed: Entra maps mailNickname to it
	emails, _ := get("emails").(attr.Array)
	for _, e := range emails {
		o, _ := e.(*attr.Object)
		v, _ := o.Get("value")
		add("emails.value", v, false)
	}
	return keys
}

// draft is what is to be stored of a body. Members are taken out before.
func (k *kind) draft(p quirk.Profile, body *attr.Object, ch MemberChange) Draft {
	slices.Sort(ch.Remove)
	slices.SortFunc(ch.Add, func(a, b Member) int { return strings.Compare(a.Value, b.Value) })
	return Draft{Body: body, Keys: k.keys(p, body), Members: ch}
}

// takeMembers removes the members from a validated group and returns them.
func takeMembers(body *attr.Object) []Member {
	v, _ := body.Get("members")
	list, _ := v.(attr.Array)
	body.Delete("members")
	var members []Member
	for _, e := range list {
		if o, ok := e.(*attr.Object); ok {
			members = append(members, Member{Value: o.String("value"), Display: o.String("display"), Type: Type(o.String("type"))})
		}
	}
	return members
}

// known looks up what is about to become a member of a group and returns it, each
// once and with its type. group is empty while the group is being created. It is
// called before the transaction, in which nothing else can be looked up; who is a
// member already needs no look.
func (s *Service) known(ctx context.Context, c *call, group string, members []Member) ([]Member, error) {
	var found []Member
	at := map[string]int{}
	for _, m := range members {
		if i, twice := at[m.Value]; twice {
			if m.Display != "" {
				found[i].Display = m.Display
			}
			continue
		}
		if m.Value == group && group != "" {
			return nil, refuse(http.StatusBadRequest, schema.InvalidValue, "members: a group cannot be a member of itself")
		}
		t, err := s.typeOf(ctx, c, group, m.Value)
		if err != nil {
			return nil, err
		}
		m.Type = t
		at[m.Value] = len(found)
		found = append(found, m)
	}
	return found, nil
}

// typeOf returns whether an id is a user or a group; nothing for somebody who is
// a member of the group already.
func (s *Service) typeOf(ctx context.Context, c *call, group, id string) (Type, error) {
	if group != "" {
		if is, err := s.dir.HasMember(ctx, c.caller, group, id); err != nil || is {
			return "", err
		}
	}
	for _, t := range []Type{User, Group} {
		_, err := s.dir.Get(ctx, c.caller, t, id)
		if err == nil {
			return t, nil
		}
		if !errors.Is(err, ErrNotFound) {
			return "", err
		}
	}
	return "", unknownMember(id)
}

// printable cuts an id from a sender to what may stand in a detail. What looks
// like an email is personal.
func printable(id string) string {
	for i := range len(id) {
		if c := id[i]; c <= ' ' || c > '~' || c == '@' || c == '"' {
			return "that was given"
		}
	}
	return id[:min(len(id), 64)]
}

// fromPatch gives the members of a PATCH the types that known found.
func fromPatch(ch patch.MemberChange, found []Member) MemberChange {
	types := make(map[string]Type, len(found))
	for _, m := range found {
		types[m.Value] = m.Type
	}
	out := MemberChange{Clear: ch.Clear, Remove: ch.Remove}
	for _, m := range ch.Add {
		out.Add = append(out.Add, Member{Value: m.Value, Display: m.Display, Type: types[m.Value]})
	}
	return out
}

// delta reduces a wanted change to what differs from the stored members, so that
// nobody who stays is written again, and tells whether anything is left.
func delta(v View, want MemberChange) (MemberChange, bool) {
	var d MemberChange
	if want.Clear {
		d = difference(v, want.Add)
	} else {
		for _, id := range want.Remove {
			if v.HasMember(id) {
				d.Remove = append(d.Remove, id)
			}
		}
		d.Add = additions(v, want.Add)
	}
	return d, d.Clear || len(d.Remove) > 0 || len(d.Add) > 0
}

// difference turns the stored list into the wanted one.
func difference(v View, wanted []Member) MemberChange {
	if len(wanted) == 0 {
		return MemberChange{Clear: v.Resource().MemberCount > 0}
	}
	left := make(map[string]Member, len(wanted))
	for _, m := range wanted {
		left[m.Value] = m
	}
	var d MemberChange
	for stored := range v.Members() {
		m, stays := left[stored.Value]
		if !stays {
			d.Remove = append(d.Remove, stored.Value)
			continue
		}
		delete(left, stored.Value)
		if next := updated(stored, m); next != stored {
			d.Add = append(d.Add, next)
		}
	}
	for _, m := range wanted {
		if _, isNew := left[m.Value]; isNew {
			d.Add = append(d.Add, m)
		}
	}
	return d
}

// additions returns who is not a member yet, and those whose display changes.
func additions(v View, wanted []Member) []Member {
	var add []Member
	there := map[string]Member{}
	for _, m := range wanted {
		switch {
		case !v.HasMember(m.Value):
			add = append(add, m)
		case m.Display != "":
			there[m.Value] = m
		}
	}
	if len(there) == 0 {
		return add
	}
	for stored := range v.Members() {
		if m, ok := there[stored.Value]; ok {
			if next := updated(stored, m); next != stored {
				add = append(add, next)
			}
		}
	}
	return add
}

// updated is a stored member after it was added again.
func updated(stored, m Member) Member {
	if m.Display != "" {
		stored.Display = m.Display
	}
	if m.Type != "" {
		stored.Type = m.Type
	}
	return stored
}
