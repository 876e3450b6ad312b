package scimsrv

import (
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"rollcall/scimsrv/attr"
	"rollcall/scimsrv/filter"
)

// maxJournaled is the length of the longest path that is recorded whole.
const maxJournaled = 500

// record hands the exchange to the recorder.
func (s *Service) record(c *call, start time.Time, sent int) {
	if s.recorder == nil {
		return
	}
	var path string
	if s.recorder.Full() {
		path = endpointOf(c.r.URL)
	} else {
		path = s.masked(c)
	}
	e := Exchange{
		At: start, Caller: c.caller, Method: c.r.Method, Path: path,
		Status: c.answer.status, Quirks: c.applied.Names(), Took: s.now().Sub(start), Bytes: sent,
	}
	if c.answer.refused != nil {
		e.SCIMType, e.Detail = c.answer.refused.scimType, c.answer.refused.detail
	}
	s.recorder.Record(e)
}

// endpointOf returns the path of the endpoint that a URL leads to, and the base
// path for any other.
func endpointOf(u *url.URL) string {
	route, err := tidy(u.EscapedPath())
	if err != nil {
		return BasePath
	}
	first, _, _ := strings.Cut(route[1:], "/")
	if first != ".search" && !slices.Contains(endpoints, first) {
		return BasePath
	}
	return BasePath + "/" + first
}

// masked writes path and query without personal values and without tokens: what
// may be an id stays, of filters the structure stays.
func (s *Service) masked(c *call) string {
	var b strings.Builder
	for i, seg := range strings.Split(c.r.URL.EscapedPath(), "/") {
		if i > 0 {
			b.WriteByte('/')
		}
		if plain, err := url.PathUnescape(seg); err != nil || !s.tellable(plain) {
			seg = "…"
		}
		b.WriteString(seg)
	}
	sep := "?"
	for _, name := range slices.Sorted(maps.Keys(c.query)) {
		b.WriteString(sep)
		sep = "&"
		if !slices.Contains(parameters, strings.ToLower(name)) {
			b.WriteString("…")
			continue
		}
		b.WriteString(name + "=" + s.maskedValue(c, name, c.query.Get(name)))
	}
	p := b.String()
	if len(p) > maxJournaled {
		p = strings.ToValidUTF8(p[:maxJournaled], "") + "…"
	}
	return p
}

func (s *Service) maskedValue(c *call, name, value string) string {
	switch strings.ToLower(name) {
	case "startindex", "count":
		if _, err := strconv.Atoi(value); err == nil {
			return value
		}
	case "sortorder":
		if strings.EqualFold(value, "ascending") || strings.EqualFold(value, "descending") {
			return value
		}
	case "attributes", "excludedattributes", "sortby":
		names := nameList([]string{value})
		for i, n := range names {
			if !s.knows(n) {
				names[i] = "…"
			}
		}
		return strings.Join(names, ",")
	case "filter":
		if c.filter != nil && value == c.filterText {
			return withoutLiterals(c.filter).String()
		}
		return maskedFilter(value)
	}
	if value == "" {
		return ""
	}
	return "…"
}

// parameters are the query parameters whose names are recorded, in lower case; a
// name that nobody knows may be a value in the wrong place.
var parameters = []string{
	"filter", "startindex", "count", "cursor", "sortby", "sortorder", "attributes", "excludedattributes", "access_token", "token",
	"aadoptscim062020", "azureadscimpatch2017", // flags that stay in Entra's URLs
}

// Ids of this service and UUIDs are within these lengths. Names of people are
// mostly shorter, tokens are longer.
const (
	shortestID = 16
	longestID  = 40
)

// tellable reports whether a segment of a path is a word of this service or may
// be one of its ids. Anything else may be somebody's name or address or a token in
// the wrong place.
func (s *Service) tellable(segment string) bool {
	same := func(word string) bool { return strings.EqualFold(word, segment) }
	if slices.ContainsFunc(words, same) || slices.ContainsFunc(endpoints, same) || strings.HasPrefix(attr.FoldName(segment), "urn:") && s.knows(segment) {
		return true
	}
	if len(segment) < shortestID || len(segment) > longestID || !strings.ContainsAny(segment, "0123456789") {
		return false
	}
	return !strings.ContainsFunc(segment, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '_')
	})
}

// words are the segments of paths beside the endpoints.
var words = []string{"", "scim", "v2", ".search", "User", "Group"}

// knows reports whether a name is that of an attribute.
func (s *Service) knows(name string) bool {
	for _, k := range []*kind{s.users, s.groups} {
		if _, err := k.rt.ResolveShort(name); err == nil || k.rt.Schema(name) != nil {
			return true
		}
	}
	return false
}

// maskedFilter keeps names and operators and puts "…" for each text and number.
// What does not parse is masked whole.
func maskedFilter(src string) string {
	e, err := filter.Parse(src, filter.Limits{AnyCase: true})
	if err != nil {
		return "…"
	}
	return withoutLiterals(e).String()
}

func withoutLiterals(e filter.Expr) filter.Expr {
	each := func(terms []filter.Expr) []filter.Expr {
		masked := make([]filter.Expr, len(terms))
		for i, t := range terms {
			masked[i] = withoutLiterals(t)
		}
		return masked
	}
	switch e := e.(type) {
	case filter.Compare:
		switch e.Value.(type) {
		case nil, bool:
		default:
			e.Value = "…"
		}
		return e
	case filter.Elements:
		e.Filter = withoutLiterals(e.Filter)
		return e
	case filter.And:
		return filter.And{Terms: each(e.Terms)}
	case filter.Or:
		return filter.Or{Terms: each(e.Terms)}
	case filter.Not:
		return filter.Not{Term: withoutLiterals(e.Term)}
	default:
		return e
	}
}
