package patch

import (
	"rollcall/scimsrv/attr"
	"rollcall/scimsrv/schema"
)

// single applies to an attribute with one value, simple or complex.
func (e *engine) single(t target, verb Verb, v attr.Value) error {
	if verb == Remove {
		return e.remove(t)
	}
	if v == nil && verb == Add {
		return nil
	}
	value, err := e.opt.Values.Value(t.attribute, t.name(), v)
	if err != nil {
		return because(schema.InvalidValue, err)
	}
	o, _ := value.(*attr.Object)
	if t.attribute.Type != schema.Complex || o == nil && !partial(t.attribute, v) {
		e.put(t, value)
		return nil
	}
	e.put(t, merged(t.attribute, e.get(t), o, v, verb))
	return nil
}

// partial reports whether raw, from which nothing was read, speaks of some
// sub-attributes only: {"givenName":""} is no way to unassign the whole name,
// while {"value":""} unassigns a manager.
func partial(a *schema.Attribute, raw attr.Value) bool {
	o, ok := lone(raw).(*attr.Object)
	if !ok {
		return false
	}
	_, sent := o.Get("value")
	return !sent || a.SubAttribute("value") == nil
}

// lone returns the element of a list of one, and other values as they are.
func lone(raw attr.Value) attr.Value {
	if list, ok := raw.(attr.Array); ok && len(list) == 1 {
		return list[0]
	}
	return raw
}

// remove unassigns the attribute (RFC 7644 §3.5.2.2).
func (e *engine) remove(t target) error {
	if t.attribute.Required {
		return refuse(schema.MutabilityErr, "%s is required and cannot be removed", t.name())
	}
	e.put(t, nil)
	return nil
}

// merged writes the sub-attributes of value into a copy of the complex value
// cur (RFC 7644 §3.5.2.3: those that are not given are left alone). What raw, the
// value as received, has as null or empty is unassigned by a replace.
func merged(a *schema.Attribute, cur attr.Value, value *attr.Object, raw attr.Value, verb Verb) *attr.Object {
	out := &attr.Object{}
	if o, ok := cur.(*attr.Object); ok {
		out = o.Clone()
	}
	for name, v := range value.Members() {
		out.Set(name, v)
	}
	given, _ := lone(raw).(*attr.Object)
	if verb != Replace {
		return out
	}
	for _, sub := range a.Sub {
		_, sent := given.Get(sub.Name)
		if _, kept := value.Get(sub.Name); sent && !kept && sub.Mutability != schema.ReadOnly {
			out.Delete(sub.Name)
		}
	}
	return out
}

// sub applies to a sub-attribute of a single complex attribute.
func (e *engine) sub(t target, verb Verb, v attr.Value) error {
	cur, _ := e.get(t).(*attr.Object)
	cur = cur.Clone()
	if cur == nil {
		cur = &attr.Object{}
	}
	if changed, err := e.setSub(t, cur, verb, v); err != nil || !changed {
		return err
	}
	e.put(t, kept(t, cur))
	return nil
}

// setSub sets or unassigns the sub-attribute of one complex value. It reports
// false for an add of null, which asks for nothing.
func (e *engine) setSub(t target, o *attr.Object, verb Verb, v attr.Value) (bool, error) {
	if verb == Remove {
		if t.sub.Required {
			return false, refuse(schema.MutabilityErr, "%s is required and cannot be removed", t.name())
		}
		o.Delete(t.sub.Name)
		return true, nil
	}
	if v == nil && verb == Add {
		return false, nil
	}
	value, err := e.opt.Values.Value(t.sub, t.name(), v)
	if err != nil {
		return false, because(schema.InvalidValue, err)
	}
	if value == nil {
		o.Delete(t.sub.Name)
	} else {
		o.Set(t.sub.Name, value)
	}
	return true, nil
}

// kept returns a complex value after its sub-attribute was written, or nil if
// that took away what it was for: an email without its address is none.
func kept(t target, o *attr.Object) attr.Value {
	if _, ok := o.Get(t.sub.Name); ok {
		return o
	}
	if o.Len() == 0 || attr.EqualName(t.sub.Name, "value") {
		return nil
	}
	if !t.attribute.MultiValued {
		return o
	}
	for name := range o.Members() {
		if !attr.EqualName(name, "type") && !attr.EqualName(name, "primary") {
			return o
		}
	}
	return nil
}

// filteredSingle is for manager[value eq "id"] and its like, which RFC 7644 has
// no meaning for: the value counts as a list of at most one. Entra was seen to
// remove managers that way (scim-patch, issue 453).
func (e *engine) filteredSingle(t target, verb Verb, v attr.Value) error {
	e.opt.note(SingleFiltered)
	unfiltered := t
	unfiltered.match, unfiltered.expr = nil, nil
	if verb != Remove {
		return e.applyTo(unfiltered, verb, v)
	}
	if cur, ok := e.get(t).(*attr.Object); !ok || !t.match.Match(cur) {
		return nil
	}
	return e.applyTo(unfiltered, verb, nil)
}
