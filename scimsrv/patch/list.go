package patch

import (
	"slices"

	"rollcall/scimsrv/attr"
	"rollcall/scimsrv/schema"
)

// list applies to a multi-valued attribute.
func (e *engine) list(t target, verb Verb, v attr.Value) error {
	cur, _ := e.get(t).(attr.Array)
	var next attr.Array
	var err error
	switch {
	case t.sub != nil:
		next, err = e.setInElements(t, cur, verb, v)
	case verb == Remove:
		next, err = e.removeElements(t, cur, v)
	case t.match != nil:
		next, err = e.writeElements(t, cur, verb, v)
	case verb == Add:
		next, err = e.addElements(t, cur, v)
	default:
		next, err = e.elements(t, v)
	}
	if err != nil {
		return err
	}
	if len(next) > e.opt.maxElements() {
		return refuse(schema.InvalidValue, "%s: at most %d values are accepted", t.name(), e.opt.maxElements())
	}
	e.put(t, next)
	e.touch(t)
	return nil
}

// elements reads a value as a list of the attribute's elements.
func (e *engine) elements(t target, v attr.Value) (attr.Array, error) {
	value, err := e.opt.Values.Value(t.attribute, t.name(), v)
	if err != nil {
		return nil, because(schema.InvalidValue, err)
	}
	list, _ := value.(attr.Array)
	return list, nil
}

// addElements appends what is not there yet (RFC 7644 §3.5.2.1) and merges into
// what is, so that a repeated add changes nothing.
func (e *engine) addElements(t target, cur attr.Array, v attr.Value) (attr.Array, error) {
	added, err := e.elements(t, v)
	if err != nil {
		return nil, err
	}
	next := slices.Clone(cur)
	for _, element := range added {
		i := slices.IndexFunc(next, func(v attr.Value) bool { return same(t.attribute, v, element) })
		if i < 0 {
			i = len(next)
			next = append(next, element)
		} else if o, ok := element.(*attr.Object); ok {
			next[i] = merged(t.attribute, next[i], o, nil, Add)
		}
		if len(next) > e.opt.maxElements() {
			break // list refuses it
		}
		if isPrimary(element) {
			resetPrimary(next, i)
		}
	}
	return next, nil
}

// removeElements removes the elements that the filter selects, of those the ones
// that are like a value given, or all without either.
func (e *engine) removeElements(t target, cur attr.Array, v attr.Value) (attr.Array, error) {
	if v == nil && t.match == nil {
		return nil, e.remove(t)
	}
	var given attr.Array
	if v != nil {
		// A bare value or element is understood by every sender's profile: what
		// the value of a remove means is not the RFC's to say.
		lenient := e.opt.Values
		lenient.LooseShapes = true
		value, err := lenient.Value(t.attribute, t.name(), v)
		if err != nil {
			return nil, because(schema.InvalidValue, err)
		}
		given, _ = value.(attr.Array)
	}
	next := make(attr.Array, 0, len(cur))
	for _, element := range cur {
		selected := t.match == nil || t.match.Match(element)
		if selected && v != nil {
			selected = slices.ContainsFunc(given, func(g attr.Value) bool { return same(t.attribute, element, g) })
		}
		if !selected {
			next = append(next, element)
		}
	}
	if len(next) == 0 && len(cur) > 0 && t.attribute.Required {
		return nil, e.remove(t)
	}
	return next, nil
}

// writeElements adds to or replaces the elements that the filter selects.
func (e *engine) writeElements(t target, cur attr.Array, verb Verb, v attr.Value) (attr.Array, error) {
	if v == nil && verb == Add {
		return cur, nil
	}
	value, err := e.opt.Values.Element(t.attribute, t.name(), v)
	if err != nil {
		return nil, because(schema.InvalidValue, err)
	}
	given := value != nil
	if !given {
		if !partial(t.attribute, v) {
			return e.removeElements(t, cur, nil)
		}
		value = &attr.Object{}
	}
	next := slices.Clone(cur)
	matched := false
	for i, element := range next {
		if !t.match.Match(element) {
			continue
		}
		matched = true
		next[i] = e.written(t, element, value, v, verb)
		if isPrimary(next[i]) {
			resetPrimary(next, i)
		}
	}
	if matched || !given {
		return next, nil
	}
	element, err := e.created(t)
	if err != nil {
		return nil, err
	}
	o, ok := value.(*attr.Object)
	if !ok {
		return nil, refuse(schema.NoTarget, "path: no value of %s matches the filter", t.name())
	}
	e.opt.note(ElementCreated)
	next = append(next, merged(t.attribute, element, o, nil, Add))
	if isPrimary(next[len(next)-1]) {
		resetPrimary(next, len(next)-1)
	}
	return next, nil
}

// written returns an element after an add or a replace. A replaced element keeps
// what the filter says of it where elements are created by filters: the sender
// that relies on it expects to find by the same filter what it wrote.
func (e *engine) written(t target, element, value, raw attr.Value, verb Verb) attr.Value {
	o, ok := value.(*attr.Object)
	if !ok {
		return value
	}
	if verb == Add || o.Len() == 0 {
		return merged(t.attribute, element, o, raw, verb)
	}
	if described, ok := t.element(e.opt); ok && e.opt.CreateElements {
		return merged(t.attribute, described, o, nil, Add)
	}
	return o.Clone()
}

// setInElements writes a sub-attribute of the elements that the filter selects.
// Without a filter there must be no doubt which element is meant, unless the
// sub-attribute is removed from all of them.
func (e *engine) setInElements(t target, cur attr.Array, verb Verb, v attr.Value) (attr.Array, error) {
	if t.match == nil && verb != Remove && len(cur) > 1 {
		return nil, refuse(schema.InvalidPath, "path: %s has several values; say which by a filter in brackets", t.attribute.Name)
	}
	next := make(attr.Array, 0, len(cur)+1)
	matched, primary := false, -1
	for _, element := range cur {
		o, ok := element.(*attr.Object)
		if !ok || t.match != nil && !t.match.Match(o) {
			next = append(next, element)
			continue
		}
		matched = true
		o = o.Clone()
		if _, err := e.setSub(t, o, verb, v); err != nil {
			return nil, err
		}
		if element = kept(t, o); element == nil {
			continue
		}
		if attr.EqualName(t.sub.Name, "primary") && isPrimary(element) {
			primary = len(next)
		}
		next = append(next, element)
	}
	if !matched && verb != Remove {
		return e.createWithSub(t, next, verb, v)
	}
	if primary >= 0 {
		resetPrimary(next, primary)
	}
	return next, nil
}

// createWithSub appends the element that the filter describes, with the
// sub-attribute set. Later operations of the request find it by the same filter.
func (e *engine) createWithSub(t target, cur attr.Array, verb Verb, v attr.Value) (attr.Array, error) {
	element := &attr.Object{}
	if t.match != nil || !e.opt.CreateElements {
		var err error
		if element, err = e.created(t); err != nil {
			return nil, err
		}
	}
	changed, err := e.setSub(t, element, verb, v)
	if err != nil {
		return nil, err
	}
	if _, ok := element.Get(t.sub.Name); !ok || !changed {
		return cur, nil // there is nothing to unassign either
	}
	e.opt.note(ElementCreated)
	cur = append(cur, element)
	if isPrimary(element) {
		resetPrimary(cur, len(cur)-1)
	}
	return cur, nil
}

// created returns the element that the filter describes, or noTarget (RFC 7644
// §3.5.2.3) when creating it is not granted or the filter is no description. It
// is primary only if the filter says so: promoting an address silently has been
// a way to take over accounts (sim, pull request 7567).
func (e *engine) created(t target) (*attr.Object, error) {
	if e.opt.CreateElements && t.expr != nil {
		if o, ok := t.element(e.opt); ok {
			return o, nil
		}
	}
	return nil, refuse(schema.NoTarget, "path: no value of %s matches", t.attribute.Name)
}

// same reports whether an element is meant by another one: complex elements
// with a value by that and, where both have one, by type; others by all that
// the other one says.
func same(a *schema.Attribute, element, other attr.Value) bool {
	o, ok := element.(*attr.Object)
	p, ok2 := other.(*attr.Object)
	if !ok || !ok2 {
		return equal(a, element, other)
	}
	value := a.SubAttribute("value")
	v, _ := p.Get("value")
	if value == nil || v == nil {
		return says(a, o, p)
	}
	w, _ := o.Get("value")
	if !equal(value, v, w) {
		return false
	}
	kind := a.SubAttribute("type")
	s, t := o.String("type"), p.String("type")
	return kind == nil || s == "" || t == "" || kind.Fold(s) == kind.Fold(t)
}

// says reports whether o has every sub-attribute of p with an equal value.
func says(a *schema.Attribute, o, p *attr.Object) bool {
	for name, v := range p.Members() {
		w, ok := o.Get(name)
		if sub := a.SubAttribute(name); !ok || sub == nil || !equal(sub, v, w) {
			return false
		}
	}
	return p.Len() > 0
}

func equal(a *schema.Attribute, v, w attr.Value) bool {
	s, ok := v.(string)
	t, ok2 := w.(string)
	if ok && ok2 {
		return s == t || !a.CaseExact && a.Fold(s) == a.Fold(t)
	}
	return attr.EqualSets(v, w)
}

func isPrimary(v attr.Value) bool {
	o, _ := v.(*attr.Object)
	p, _ := o.Get("primary")
	return p == true
}

// resetPrimary makes the element at keep the only primary one (RFC 7644 §3.5.2).
func resetPrimary(list attr.Array, keep int) {
	for i, v := range list {
		if i != keep && isPrimary(v) {
			o := v.(*attr.Object).Clone()
			o.Set("primary", false)
			list[i] = o
		}
	}
}
