package patch

import (
	"slices"
	"strings"

	"rollcall/scimsrv/attr"
	"rollcall/scimsrv/schema"
)

// PatchOpURN is the message schema of a PATCH (RFC 7644 §3.5.2).
const PatchOpURN = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

// Verb is what an operation does.
type Verb uint8

const (
	Add Verb = iota + 1
	Replace
	Remove
)

// String returns the verb as it is written in a PATCH.
func (v Verb) String() string {
	switch v {
	case Add:
		return "add"
	case Replace:
		return "replace"
	case Remove:
		return "remove"
	default:
		return "unknown"
	}
}

// Operation is one operation of a PATCH.
type Operation struct {
	Verb Verb
	// Path is the target as the sender wrote it; empty when there is none.
	Path  string
	Value attr.Value
	// Index is the position in the request, from 0, for errors.
	Index int
}

// Options are what a sender is granted beyond the RFC. The zero value is strict.
type Options struct {
	// Values says how values are read, and whether unknown attributes and short
	// names are accepted in paths.
	Values schema.Leniency
	// AnyEnvelope asks nothing of "schemas" and accepts an empty list of
	// operations. The letter case of op is never looked at.
	AnyEnvelope bool
	// CreateElements makes add and replace create the element that a filter
	// describes when none matches; else that is noTarget. Entra relies on it.
	CreateElements bool
	// FilterSingles lets a filter stand behind a single complex attribute.
	FilterSingles bool
	// ID is the id of the resource. Operations that set this very id are no-ops,
	// others on readOnly attributes are refused.
	ID string
	// MaxOperations of one request, 0: 20,000. MaxElements of one list that an
	// operation leaves behind, 0: 1,000.
	MaxOperations int
	MaxElements   int
}

// The names of the tolerances that Options.Values.Noted is given, beside those
// of the schema package.
const (
	EnvelopeTolerated = "patch-envelope"
	ElementCreated    = "element-created-by-filter"
	SingleFiltered    = "filter-on-single-value"
)

func (o Options) note(tolerance string) {
	if o.Values.Noted != nil {
		o.Values.Noted(tolerance)
	}
}

func (o Options) maxOperations() int {
	if o.MaxOperations > 0 {
		return o.MaxOperations
	}
	return 20_000
}

func (o Options) maxElements() int {
	if o.MaxElements > 0 {
		return o.MaxElements
	}
	return 1_000
}

// Parse reads the body of a PATCH. Members that RFC 7644 does not know, such as
// the "id" beside Operations and the "name" in an operation that Entra sends, are
// ignored; "path" may be empty or null. The values are shared with body. The
// error is an *[Error].
func Parse(body *attr.Object, opt Options) ([]Operation, error) {
	if err := checkSchemas(body, opt); err != nil {
		return nil, err
	}
	v, ok := body.Get("Operations")
	list, isList := v.(attr.Array)
	switch {
	case !ok:
		return nil, refuse(schema.InvalidSyntax, "Operations is missing: a list of operations is expected")
	case !isList:
		return nil, refuse(schema.InvalidSyntax, "Operations: a list is expected, not %s", attr.Kind(v))
	case len(list) == 0 && !opt.AnyEnvelope:
		return nil, refuse(schema.InvalidSyntax, "Operations is empty: at least one operation is expected")
	case len(list) > opt.maxOperations():
		return nil, refuse(schema.InvalidValue, "Operations: at most %d are accepted in one request", opt.maxOperations())
	case len(list) == 0:
		opt.note(EnvelopeTolerated) // one test of Microsoft's validator (scimmy 59)
	}
	ops := make([]Operation, 0, len(list))
	for i, v := range list {
		op, err := parseOperation(v, opt)
		if err != nil {
			return nil, at(i, err)
		}
		op.Index = i
		ops = append(ops, op)
	}
	return ops, nil
}

func checkSchemas(body *attr.Object, opt Options) error {
	v, _ := body.Get("schemas")
	list, _ := v.(attr.Array)
	if slices.ContainsFunc(list, func(v attr.Value) bool {
		s, _ := v.(string)
		return attr.EqualName(s, PatchOpURN)
	}) {
		return nil
	}
	if !opt.AnyEnvelope {
		return refuse(schema.InvalidSyntax, "schemas: a list with %s is expected", PatchOpURN)
	}
	opt.note(EnvelopeTolerated)
	return nil
}

func parseOperation(v attr.Value, opt Options) (Operation, error) {
	o, ok := v.(*attr.Object)
	if !ok {
		return Operation{}, refuse(schema.InvalidSyntax, "an object is expected, not %s", attr.Kind(v))
	}
	op := Operation{}
	var err error
	if op.Verb, err = parseVerb(o, opt); err != nil {
		return Operation{}, err
	}
	if path, _ := o.Get("path"); path != nil {
		text, ok := path.(string)
		if !ok {
			return Operation{}, refuse(schema.InvalidPath, "path: a string is expected, not %s", attr.Kind(path))
		}
		op.Path = strings.TrimSpace(text)
	}
	value, ok := o.Get("value")
	if !ok && op.Verb != Remove {
		return Operation{}, refuse(schema.InvalidValue, "value is missing: %s needs one", op.Verb)
	}
	op.Value = value
	return op, nil
}

func parseVerb(o *attr.Object, opt Options) (Verb, error) {
	v, _ := o.Get("op")
	text, ok := v.(string)
	if !ok {
		return 0, refuse(schema.InvalidSyntax, "op: add, replace or remove is expected")
	}
	for _, verb := range []Verb{Add, Replace, Remove} {
		if text == verb.String() {
			return verb, nil
		}
		// Entra writes "Add", "Replace" and "Remove" unless told otherwise.
		if attr.EqualName(text, verb.String()) {
			opt.note(EnvelopeTolerated)
			return verb, nil
		}
	}
	return 0, refuse(schema.InvalidSyntax, "op: add, replace or remove is expected")
}
