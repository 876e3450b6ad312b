package filter

import "slices"

// Key is a value that an index may know: a resource that matches carries it.
type Key struct {
	Attribute string // canonical, in lower case: "username", "emails.value"
	Value     string // folded unless the attribute is case-exact
}

// Lookup answers "which index finds the matches?". indexed names the attributes
// that have one, in lower case, the most selective first. Every resource that
// the filter selects carries at least one of the keys; exact says that the
// converse holds too, so that what an index returns need not be matched again.
//
// Nil keys mean that no index helps and everything must be looked at. Empty keys
// that are not nil mean that nothing can match.
func (f *Filter) Lookup(indexed ...string) (keys []Key, exact bool) {
	return lookup(f.root, indexed)
}

func lookup(n node, indexed []string) ([]Key, bool) {
	switch n := n.(type) {
	case never:
		return []Key{}, true
	case compare:
		if n.op != Equal || n.text == "" || !slices.Contains(indexed, n.at.name) {
			return nil, false
		}
		return []Key{{n.at.name, n.text}}, true
	case elements:
		keys, _ := lookup(n.cond, under(n.at.name, indexed))
		for i := range keys {
			keys[i].Attribute = n.at.name + "." + keys[i].Attribute
		}
		return keys, false
	case all:
		return conjunction(n, indexed)
	case some:
		return disjunction(n, indexed)
	default:
		return nil, false
	}
}

// conjunction needs one indexed side, and takes the most selective.
func conjunction(terms []node, indexed []string) ([]Key, bool) {
	var best []Key
	for _, t := range terms {
		keys, _ := lookup(t, indexed)
		if keys != nil && (best == nil || costs(keys, indexed) < costs(best, indexed)) {
			best = keys
		}
	}
	return best, best != nil && len(best) == 0
}

// disjunction needs every side indexed.
func disjunction(terms []node, indexed []string) ([]Key, bool) {
	union, exact := []Key{}, true
	for _, t := range terms {
		keys, ok := lookup(t, indexed)
		if keys == nil {
			return nil, false
		}
		exact = exact && ok
		for _, k := range keys {
			if !slices.Contains(union, k) {
				union = append(union, k)
			}
		}
	}
	return union, exact
}

// costs orders sets of keys: fewer first, then those of better attributes.
func costs(keys []Key, indexed []string) int {
	n := 0
	for _, k := range keys {
		n += len(indexed) + slices.Index(indexed, k.Attribute)
	}
	return n
}

// under returns the indexed attributes below a prefix, without the prefix.
func under(prefix string, indexed []string) []string {
	var subs []string
	for _, name := range indexed {
		if len(name) > len(prefix)+1 && name[:len(prefix)] == prefix && name[len(prefix)] == '.' {
			subs = append(subs, name[len(prefix)+1:])
		}
	}
	return subs
}
