package filter

// Path is the target of a PATCH operation (RFC 7644 §3.5.2): an attribute, the
// elements of it that a filter selects, and a sub-attribute of either.
type Path struct {
	URN    string
	Name   string
	Filter Expr // nil without brackets; its names are relative to the element
	Sub    string
}

// ParsePath parses the path of a PATCH operation. The error is an [*Error];
// answer it with 400 invalidPath. See [Path.Target] for where the URN ends.
func ParsePath(src string, lim Limits) (Path, error) {
	p, err := newParser(src, lim)
	if err != nil {
		return Path{}, err
	}
	if p.tok.kind != word {
		return Path{}, refuse(p.tok.offset, "a path begins with an attribute name, not with %s", p.tok.kind)
	}
	name, err := p.name()
	if err != nil {
		return Path{}, err
	}
	path := Path{URN: name.URN, Name: name.Attr, Sub: name.Sub}
	if p.tok.kind == begin {
		if path.Filter, err = p.brackets(name); err != nil {
			return Path{}, err
		}
		if path.Sub != "" { // a dot behind the URN, see Target
			path.Name, path.Sub = path.Name+"."+path.Sub, ""
		}
		sub, _, err := p.subAttribute()
		if err != nil {
			return Path{}, err
		}
		path.Sub = sub.Attr
	}
	if p.tok.kind != end {
		return Path{}, refuse(p.tok.offset, "the path should end here")
	}
	return path, nil
}

// Target returns the path without brackets and what follows them, which is the
// text that schema.ResourceType.Resolve divides at the longest URN it knows. The
// URN and Name of a parsed path were divided at the last colon.
func (p Path) Target() string {
	n := Name{URN: p.URN, Attr: p.Name}
	if p.Filter == nil {
		n.Sub = p.Sub
	}
	return n.String()
}

// String returns the path as it is written.
func (p Path) String() string {
	if p.Filter == nil {
		return p.Target()
	}
	s := p.Target() + "[" + p.Filter.String() + "]"
	if p.Sub != "" {
		s += "." + p.Sub
	}
	return s
}
