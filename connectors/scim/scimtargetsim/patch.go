package scimtargetsim

import (
	"encoding/json"
	"slices"
	"strings"
)

// path is a parsed PATCH path: [URN:]attribute[type eq "kind"][.sub].
type path struct {
	schema, name, kind, sub string
}

func (s *Sim) parsePath(text string) (path, error) {
	var p path
	for _, urn := range []string{coreUser, enterpriseUser, s.opts.Extension} {
		if rest, ok := cutFold(text, urn); ok && urn != "" && (rest == "" || rest[0] == ':') {
			p.schema, text = urn, strings.TrimPrefix(rest, ":")
			break
		}
	}
	if p.schema == coreUser {
		p.schema = ""
	}
	if name, rest, ok := strings.Cut(text, "["); ok {
		condition, sub, closed := strings.Cut(rest, "]")
		words := strings.SplitN(condition, " ", 3)
		if !closed || len(words) != 3 || !strings.EqualFold(words[0], "type") || !strings.EqualFold(words[1], "eq") ||
			json.Unmarshal([]byte(words[2]), &p.kind) != nil {
			return p, invalid("invalidPath", "Path is not valid")
		}
		p.name, p.sub = name, strings.TrimPrefix(sub, ".")
		return p, nil
	}
	p.name, p.sub, _ = strings.Cut(text, ".")
	return p, nil
}

// operate does one operation of a PATCH.
func (s *Sim) operate(fields map[string]any, op, target string, value any) error {
	if op != "add" && op != "replace" && op != "remove" {
		return invalid("invalidSyntax", "Attribute op must be add, replace or remove")
	}
	if op != "remove" && value == nil {
		return invalid("invalidValue", "Attribute value is missing")
	}
	p, err := s.parsePath(target)
	switch {
	case err != nil:
		return err
	case target == "" && op == "remove":
		return invalid("noTarget", "Path is required")
	case target == "":
		o, ok := value.(map[string]any)
		if !ok {
			return invalid("invalidSyntax", "Attribute value must be complex")
		}
		for _, k := range sortedKeys(o) {
			if err := s.set(fields, k, o[k], op == "add"); err != nil {
				return err
			}
		}
		return nil
	case p.kind != "":
		return s.operateElement(fields, p, op, value)
	case op == "remove":
		value = nil
	}
	switch {
	case p.schema != "" && p.name == "":
		return s.set(fields, p.schema, value, true)
	case p.schema != "":
		if p.sub != "" {
			value = map[string]any{p.sub: value}
		}
		return s.set(fields, p.schema, map[string]any{p.name: value}, true)
	case p.sub != "":
		return s.set(fields, p.name, map[string]any{p.sub: value}, true)
	}
	return s.set(fields, p.name, value, op == "add")
}

// operateElement writes into the elements of a type. RFC 7644 §3.5.2.3 refuses to
// replace one that is not there; to remove it changes nothing.
func (s *Sim) operateElement(fields map[string]any, p path, op string, value any) error {
	i := slices.IndexFunc(lists, func(n string) bool { return strings.EqualFold(n, p.name) })
	if i < 0 {
		return invalid("invalidPath", "Path is not of a list")
	}
	name := lists[i]
	list, _ := fields[name].([]any)
	matches := func(v any) bool {
		e, _ := v.(map[string]any)
		return strings.EqualFold(textOf(e["type"]), p.kind)
	}
	found := slices.ContainsFunc(list, matches)
	switch {
	case op == "remove" && p.sub == "":
		return setList(fields, name, slices.DeleteFunc(list, matches), false)
	case op == "remove" && !found:
		return nil
	case !found && !s.opts.MakeElements:
		return invalid("noTarget", "Path leads to no element")
	case !found:
		list = append(list, map[string]any{"type": p.kind})
	}
	for _, v := range list {
		e, _ := v.(map[string]any)
		switch {
		case !matches(v):
		case op == "remove":
			delete(e, p.sub)
		case p.sub == "":
			o, ok := value.(map[string]any)
			if !ok {
				return invalid("invalidValue", "Attribute value must be complex")
			}
			for k, v := range o {
				e[k] = v
			}
		default:
			if err := setText(e, p.sub, value); err != nil {
				return err
			}
		}
	}
	return setList(fields, name, list, false)
}

func cutFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}
