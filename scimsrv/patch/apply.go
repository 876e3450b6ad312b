package patch

import (
	"errors"
	"slices"
	"strings"

	"rollcall/scimsrv/attr"
	"rollcall/scimsrv/schema"
)

// Apply returns what the operations make of cur, the stored tree of a resource
// of type rt without id, schemas and meta, and whether that differs from cur. The
// order of list elements is no difference (RFC 7643 §2.4). cur is not changed and
// next shares no memory with it, except that without a change next is cur.
//
// The operations take effect in order and all or none; required attributes are
// checked at the end. The error is an *[Error]. Apply is safe for concurrent use.
func Apply(rt *schema.ResourceType, cur *attr.Object, ops []Operation, opt Options) (next *attr.Object, changed bool, err error) {
	e := engine{rt: rt, opt: opt, tree: cur.Clone()}
	for _, op := range ops {
		if err := e.apply(op); err != nil && !errors.Is(err, errIgnored) {
			return nil, false, at(op.Index, err)
		}
	}
	e.tidy()
	if err := rt.CheckRequired(e.tree); err != nil {
		return nil, false, because(schema.InvalidValue, err)
	}
	if err := rt.CheckImmutable(cur, e.tree); err != nil {
		return nil, false, because(schema.MutabilityErr, err)
	}
	next = rt.Arranged(e.tree)
	if attr.EqualSets(cur, next) {
		return cur, false, nil
	}
	return next, true, nil
}

type engine struct {
	rt      *schema.ResourceType
	opt     Options
	tree    *attr.Object
	touched []target // lists that were written
}

func (e *engine) apply(op Operation) error {
	if op.Path == "" {
		return e.applyWithoutPath(op)
	}
	t, err := resolve(e.rt, op.Path, e.opt)
	if err != nil {
		return err
	}
	if t.attribute == nil {
		return e.applyToExtension(t.extension, op)
	}
	return e.applyTo(t, op.Verb, op.Value)
}

// applyWithoutPath applies each member of the value by itself (RFC 7644 §3.5.2.1
// and §3.5.2.3). Every member is a name or the URN of an extension.
func (e *engine) applyWithoutPath(op Operation) error {
	if op.Verb == Remove {
		return refuse(schema.NoTarget, "path is missing: remove needs to be told what to remove")
	}
	o, ok := op.Value.(*attr.Object)
	if !ok {
		return refuse(schema.InvalidValue, "value: without a path an object of attributes is expected, not %s", attr.Kind(op.Value))
	}
	for name, v := range o.Members() {
		if err := e.applyMember(op, name, v); err != nil && !errors.Is(err, errIgnored) {
			return err
		}
	}
	return nil
}

func (e *engine) applyMember(op Operation, name string, v attr.Value) error {
	ref, err := resolveName(e.rt, name, e.opt)
	switch {
	case err != nil:
		return unknown(e.opt, err)
	case ref.Attribute == nil:
		return e.applyToExtension(ref.Extension, Operation{Verb: op.Verb, Value: v})
	case ref.Sub != nil, strings.Contains(name, ":") && !e.opt.Values.ShortNames:
		return refuse(schema.InvalidPath, "value: %s is a path, and a member of value is an attribute's name or an extension's URN", ref)
	default:
		return e.applyTo(target{extension: ref.Extension, attribute: ref.Attribute}, op.Verb, v)
	}
}

// applyToExtension merges into an extension's object, or removes all of it.
func (e *engine) applyToExtension(s *schema.Schema, op Operation) error {
	if op.Verb == Remove || op.Verb == Replace && op.Value == nil {
		e.tree.Delete(s.URN)
		return nil
	}
	if op.Value == nil {
		return nil
	}
	o, ok := op.Value.(*attr.Object)
	if !ok {
		return refuse(schema.InvalidValue, "%s: an object of its attributes is expected, not %s", s.URN, attr.Kind(op.Value))
	}
	for name, v := range o.Members() {
		a := s.Attribute(name)
		var err error
		if a == nil {
			err = unknown(e.opt, &schema.PathError{Path: s.URN + ":" + name, Err: schema.ErrUnknown})
		} else {
			err = e.applyTo(target{extension: s, attribute: a}, op.Verb, v)
		}
		if err != nil && !errors.Is(err, errIgnored) {
			return err
		}
	}
	return nil
}

// applyTo applies one operation to one attribute.
func (e *engine) applyTo(t target, verb Verb, v attr.Value) error {
	if err := e.writable(t, v); err != nil {
		return err
	}
	switch {
	case t.attribute.MultiValued:
		return e.list(t, verb, v)
	case t.match != nil:
		return e.filteredSingle(t, verb, v)
	case t.sub != nil:
		return e.sub(t, verb, v)
	default:
		return e.single(t, verb, v)
	}
}

// writable refuses readOnly targets, except a sub-attribute that the server
// computes, such as manager.displayName, where unknown attributes are ignored too.
func (e *engine) writable(t target, v attr.Value) error {
	if t.attribute.Discarded || t.sub != nil && t.sub.Discarded {
		return errIgnored
	}
	if t.attribute.Name == "schemas" {
		return errIgnored // it follows from the attributes there are (RFC 7643 §3)
	}
	if t.attribute.Mutability == schema.ReadOnly {
		// Okta and authentik repeat the id in every rename of a group.
		if t.attribute.Name == "id" && e.opt.ID != "" && v == e.opt.ID {
			return errIgnored
		}
		return refuse(schema.MutabilityErr, "%s is read-only", t.name())
	}
	if t.sub != nil && t.sub.Mutability == schema.ReadOnly {
		if e.opt.Values.IgnoreUnknown {
			e.opt.note(schema.UnknownIgnored)
			return errIgnored
		}
		return refuse(schema.MutabilityErr, "%s is read-only", t.name())
	}
	return nil
}

// container returns the object that holds the attribute: the resource or an
// extension's object, which is created when a value is about to be written.
func (e *engine) container(t target, create bool) *attr.Object {
	if t.extension == nil {
		return e.tree
	}
	v, _ := e.tree.Get(t.extension.URN)
	o, ok := v.(*attr.Object)
	if !ok && create {
		o = &attr.Object{}
		e.tree.Set(t.extension.URN, o)
	}
	return o
}

func (e *engine) get(t target) attr.Value {
	v, _ := e.container(t, false).Get(t.attribute.Name)
	return v
}

// put stores a value of the attribute; nil unassigns it.
func (e *engine) put(t target, v attr.Value) {
	if attr.IsEmpty(v) {
		if o := e.container(t, false); o != nil {
			o.Delete(t.attribute.Name)
		}
		return
	}
	e.container(t, true).Set(t.attribute.Name, v)
}

func (e *engine) touch(t target) {
	if !slices.ContainsFunc(e.touched, func(u target) bool { return u.attribute == t.attribute }) {
		e.touched = append(e.touched, t)
	}
}

// tidy drops elements that have become equal to an earlier one of their list,
// and objects of extensions that nothing is left of, so that their URN leaves
// "schemas".
func (e *engine) tidy() {
	for _, t := range e.touched {
		list, _ := e.get(t).(attr.Array)
		seen := make(map[string]bool, len(list))
		e.put(t, slices.DeleteFunc(list, func(v attr.Value) bool {
			key := string(attr.Canonical(nil, v))
			duplicate := seen[key]
			seen[key] = true
			return duplicate
		}))
	}
	for _, ext := range e.rt.Extensions {
		if v, ok := e.tree.Get(ext.Schema.URN); ok && attr.IsEmpty(v) {
			e.tree.Delete(ext.Schema.URN)
		}
	}
}
