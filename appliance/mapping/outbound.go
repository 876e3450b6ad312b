package mapping

import (
	"fmt"
	"slices"
	"strings"

	"rollcall/appliance/model"
)

// Outbound is the compiled expressions of one target. A nil Outbound gives
// nothing.
type Outbound struct {
	rules []outboundRule // by target attribute
}

type outboundRule struct {
	name string
	expr *expression
}

// CompileOutbound checks and compiles the expressions of [targets.X.map]: from
// what the target calls an attribute, be it one of ours or a name of its own,
// to an expression over the person. In it the attributes are names (title,
// department) and the custom ones members of custom (custom.team). The error is
// [Errors]; without any expression the Outbound is nil.
func CompileOutbound(attributes map[string]string) (*Outbound, error) {
	roots := []string{strings.TrimSuffix(model.CustomPrefix, ".")}
	for _, n := range model.Names {
		roots = append(roots, string(n))
	}
	slices.Sort(roots)
	var errs Errors
	o := &Outbound{}
	for _, name := range sorted(attributes) {
		key := []string{"map", name}
		if !targetAttribute(name) {
			errs = append(errs, &Error{Key: key, Attribute: true, Message: "not the name of an attribute"})
			continue
		}
		x, err := compile(attributes[name], language{roots: roots})
		if err != nil {
			err.Key = key
			errs = append(errs, err)
			continue
		}
		o.rules = append(o.rules, outboundRule{name: name, expr: x})
	}
	if len(errs) > 0 {
		return nil, errs
	}
	if len(o.rules) == 0 {
		return nil, nil
	}
	return o, nil
}

// targetAttribute reports whether a target may call an attribute so: letters,
// digits, and what SCIM paths and file columns have between them.
func targetAttribute(name string) bool {
	if name == "" || len(name) > 200 {
		return false
	}
	for _, r := range name {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._:-$", r) {
			return false
		}
	}
	return true
}

// Names returns the target attributes that have an expression, sorted.
func (o *Outbound) Names() []string {
	if o == nil {
		return nil
	}
	names := make([]string, len(o.rules))
	for i, r := range o.rules {
		names[i] = r.name
	}
	return names
}

// Paths returns the attributes of a person that the expressions read, sorted.
func (o *Outbound) Paths() []string {
	if o == nil {
		return nil
	}
	var paths []string
	for _, r := range o.rules {
		paths = append(paths, r.expr.paths...)
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// Apply evaluates the expressions over a person's attributes, in which an empty
// text is known to be empty and a missing one is absent. The result has the
// same three states: a text is to be written, an empty text clears, and what is
// missing is not touched. An expression that cannot be evaluated leaves a
// notice, without personal values, and its attribute untouched.
func (o *Outbound) Apply(person map[model.Name]string) (values map[string]string, notices []string) {
	if o == nil {
		return nil, nil
	}
	doc := person2document(person)
	values = make(map[string]string, len(o.rules))
	for _, r := range o.rules {
		v, present, err := r.expr.text(doc)
		if err != nil {
			notices = append(notices, fmt.Sprintf("map.%s: %v", r.name, err))
			continue
		}
		if present {
			values[r.name] = v.Text
		}
	}
	return values, notices
}

func person2document(person map[model.Name]string) *document {
	custom := map[string]any{}
	raw := map[string]any{strings.TrimSuffix(model.CustomPrefix, "."): custom}
	for n, text := range person {
		into, name := raw, string(n)
		if rest, ok := strings.CutPrefix(name, model.CustomPrefix); ok {
			into, name = custom, rest
		}
		into[name] = any(text)
		if text == "" {
			into[name] = nil
		}
	}
	return &document{raw: raw}
}
