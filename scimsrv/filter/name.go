package filter

import (
	"strings"

	"rollcall/scimsrv/attr"
)

// Name is an attribute path, [URN ":"] name ["." sub], as far as text alone
// tells. The URN ends at the last colon, which is a guess that only a schema can
// correct: give String to schema.ResourceType.Resolve.
type Name struct {
	URN    string
	Attr   string
	Sub    string
	Offset int // of its first byte in the text
}

// String returns the name as it is written.
func (n Name) String() string {
	s := n.Attr
	if n.URN != "" && n.Attr != "" {
		s = n.URN + ":" + n.Attr
	} else if n.URN != "" {
		s = n.URN
	}
	if n.Sub != "" {
		s += "." + n.Sub
	}
	return s
}

// parseName splits a word. It refuses what no schema could make an attribute of.
func parseName(t token) (Name, error) {
	n := Name{Offset: t.offset}
	rest := t.src
	if i := strings.LastIndexByte(rest, ':'); i >= 0 {
		n.URN, rest = rest[:i], rest[i+1:]
		if len(n.URN) < 4 || !attr.EqualName(n.URN[:4], "urn:") {
			return Name{}, refuse(t.offset, "a name with a colon must begin with a schema URN")
		}
	}
	n.Attr, n.Sub, _ = strings.Cut(rest, ".")
	if n.URN == "" && (strings.Contains(n.Sub, ".") || strings.ContainsRune(rest, '/')) {
		return Name{}, refuse(t.offset, "a name has at most one sub-attribute, as in name.familyName")
	}
	if n.Attr == "" || strings.HasSuffix(rest, ".") {
		return Name{}, refuse(t.offset, "an attribute name is missing beside the dot or colon")
	}
	return n, nil
}
