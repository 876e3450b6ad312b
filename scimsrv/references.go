package scimsrv

import (
	"slices"
	"strings"

	"rollcall/scimsrv/attr"
)

// referencesIn collects the bulkIds that data refers to: texts that are a
// reference and nothing else, and literals of the filter in a PATCH path. name is
// the member that holds v.
func referencesIn(name string, v attr.Value, refs []string) []string {
	switch v := v.(type) {
	case string:
		if id, ok := strings.CutPrefix(v, bulkPrefix); ok {
			return append(refs, id)
		}
		for rest := v; attr.EqualName(name, "path"); {
			_, after, ok := strings.Cut(rest, `"`+bulkPrefix)
			id, tail, closed := strings.Cut(after, `"`)
			if !ok || !closed {
				break
			}
			refs, rest = append(refs, id), tail
		}
	case attr.Array:
		for _, e := range v {
			refs = referencesIn(name, e, refs)
		}
	case *attr.Object:
		for member, e := range v.Members() {
			refs = referencesIn(member, e, refs)
		}
	}
	return refs
}

// resolved returns a copy of v with ids in place of references.
func (b *bulk) resolved(name string, v attr.Value) attr.Value {
	switch v := v.(type) {
	case string:
		for _, ref := range referencesIn(name, v, nil) {
			op := b.by[ref]
			switch {
			case op == nil:
			case v == bulkPrefix+ref:
				return op.id
			default:
				v = strings.ReplaceAll(v, `"`+bulkPrefix+ref+`"`, `"`+op.id+`"`)
			}
		}
		return v
	case attr.Array:
		out := make(attr.Array, len(v))
		for i, e := range v {
			out[i] = b.resolved(name, e)
		}
		return out
	case *attr.Object:
		out := &attr.Object{}
		for member, e := range v.Members() {
			out.Set(member, b.resolved(member, e))
		}
		return out
	default:
		return v
	}
}

// without returns v without the values that refer to one of the bulkIds: whole
// elements and complex values, so that no member is left without its id.
func without(v attr.Value, ids []string, top bool) (attr.Value, bool) {
	switch v := v.(type) {
	case string:
		refs := referencesIn("", v, nil)
		return v, !slices.ContainsFunc(refs, func(ref string) bool { return slices.Contains(ids, ref) })
	case attr.Array:
		out := attr.Array{}
		for _, e := range v {
			if e, keep := without(e, ids, false); keep {
				out = append(out, e)
			}
		}
		return out, true
	case *attr.Object:
		out := &attr.Object{}
		for name, e := range v.Members() {
			left, keep := without(e, ids, false)
			if _, isText := e.(string); !keep && isText && !top {
				return nil, false
			}
			if keep {
				out.Set(name, left)
			}
		}
		return out, true
	default:
		return v, true
	}
}
