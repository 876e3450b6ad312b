package patch

import (
	"errors"

	"rollcall/scimsrv/attr"
	"rollcall/scimsrv/filter"
	"rollcall/scimsrv/schema"
)

// target is where an operation works: an attribute, which of its elements, and
// which part of them.
type target struct {
	extension *schema.Schema    // nil: core and common attributes
	attribute *schema.Attribute // nil: the extension as a whole
	expr      filter.Expr       // nil without brackets
	match     *filter.Filter
	sub       *schema.Attribute
}

// errIgnored ends an operation that has nothing to do.
var errIgnored = errors.New("ignored")

// resolve finds the target of a path. errIgnored stands for an unknown attribute
// that the options let pass.
func resolve(rt *schema.ResourceType, path string, opt Options) (target, error) {
	parsed, err := filter.ParsePath(path, filter.Limits{AnyCase: opt.Values.BooleanStrings})
	if err != nil {
		return target{}, because(schema.InvalidPath, err)
	}
	ref, err := resolveName(rt, parsed.Target(), opt)
	if err != nil {
		return target{}, unknown(opt, err)
	}
	t := target{extension: ref.Extension, attribute: ref.Attribute, sub: ref.Sub}
	if parsed.Filter == nil {
		return t, nil
	}
	if t.attribute == nil || t.sub != nil {
		return target{}, refuse(schema.InvalidPath, "path: a filter stands behind the attribute whose elements it selects")
	}
	if err := t.filter(parsed, opt); err != nil {
		return target{}, err
	}
	return t, nil
}

func resolveName(rt *schema.ResourceType, name string, opt Options) (schema.Ref, error) {
	if opt.Values.ShortNames {
		return rt.ResolveShort(name)
	}
	return rt.Resolve(name)
}

func unknown(opt Options, err error) error {
	if errors.Is(err, schema.ErrUnknown) && opt.Values.IgnoreUnknown {
		opt.note(schema.UnknownIgnored)
		return errIgnored
	}
	return because(schema.InvalidPath, err)
}

// filter types the filter and the sub-attribute behind it.
func (t *target) filter(parsed filter.Path, opt Options) error {
	a := t.attribute
	if !a.MultiValued && !(a.Type == schema.Complex && opt.FilterSingles) {
		return refuse(schema.InvalidPath, "path: %s has a single value, which a filter cannot select", a.Name)
	}
	var err error
	t.expr = parsed.Filter
	t.match, err = filter.CompileElement(parsed.Filter, a, filter.Options{
		UnknownIsFalse: opt.Values.IgnoreUnknown,
		LooseLiterals:  opt.Values.BooleanStrings,
	})
	if err != nil {
		return because(schema.InvalidFilter, err)
	}
	if parsed.Sub == "" {
		return nil
	}
	if t.sub = a.SubAttribute(parsed.Sub); t.sub == nil {
		return unknown(opt, &schema.PathError{Path: a.Name + "." + parsed.Sub, Err: schema.ErrUnknown})
	}
	return nil
}

// name writes the target for errors, in canonical spelling and without filter.
func (t target) name() string {
	return schema.Ref{Extension: t.extension, Attribute: t.attribute, Sub: t.sub}.String()
}

// element returns the element that the filter describes: RFC 7644 knows no such
// thing, but Entra sets the first work email of a user by emails[type eq
// "work"].value. It reports false for filters that describe more than one.
func (t target) element(opt Options) (*attr.Object, bool) {
	o := &attr.Object{}
	terms := []filter.Expr{t.expr}
	if and, ok := t.expr.(filter.And); ok {
		terms = and.Terms
	}
	for _, term := range terms {
		c, ok := term.(filter.Compare)
		if !ok || c.Op != filter.Equal || c.Attr.URN != "" || c.Attr.Sub != "" {
			return nil, false
		}
		sub := t.attribute.SubAttribute(c.Attr.Attr)
		if sub == nil || sub.Mutability == schema.ReadOnly || sub.Discarded {
			return nil, false
		}
		v, err := opt.Values.Value(sub, sub.Name, c.Value)
		if err != nil || v == nil {
			return nil, false
		}
		if was, ok := o.Get(sub.Name); ok && !attr.Equal(was, v) {
			return nil, false
		}
		o.Set(sub.Name, v)
	}
	return o, true
}
