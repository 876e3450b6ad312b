package javelosim

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

func (s *Sim) listUsers(r *http.Request) answer {
	ids := s.order
	if filter, ok := query(r.URL.Query(), "filter"); ok && s.opts.Filter != FilterIgnored {
		login, err := s.filterValue(filter, "userName")
		if err != nil {
			return refusal(err)
		}
		ids = nil
		if id, ok := s.byName[fold(login)]; ok { // userName is not case exact, RFC 7643 §4.1.1
			ids = []string{id}
		}
	}
	first, last, start := s.page(r.URL.Query(), len(ids))
	users := make([]any, 0, last-first)
	for _, id := range ids[first:last] {
		users = append(users, s.renderUser(s.accounts[id]))
	}
	return s.renderList(users, len(ids), start)
}

func query(q url.Values, name string) (string, bool) {
	v, ok := q[name]
	if !ok || len(v) == 0 {
		return "", false
	}
	return v[0], true
}

// page returns which of n items a request asks for, and its 1-based start as
// understood (RFC 7644 §3.4.2.4: less than one means one).
func (s *Sim) page(q url.Values, n int) (first, last, start int) {
	start, count := 1, s.opts.MaxCount
	number := func(name string) (int, bool) {
		text, ok := query(q, name)
		if !ok {
			return 0, false
		}
		v, err := strconv.Atoi(text)
		return v, err == nil
	}
	if v, ok := number("startIndex"); ok && (s.opts.Paging == PagingBoth || s.opts.Paging == PagingCamel) {
		start = max(1, v)
	}
	if v, ok := number("start_index"); ok && (s.opts.Paging == PagingBoth || s.opts.Paging == PagingSnake) {
		start = max(1, v)
	}
	if v, ok := number("count"); ok {
		count = min(max(0, v), s.opts.MaxCount)
	}
	first = min(start-1, n)
	return first, first + min(count, n-first), start
}

// filterValue takes the value out of `attribute eq value`, the only filter that
// clients of Javelo were seen to send.
func (s *Sim) filterValue(filter, attribute string) (string, error) {
	name, rest, _ := strings.Cut(strings.TrimSpace(filter), " ")
	op, value, _ := strings.Cut(strings.TrimSpace(rest), " ")
	value = strings.TrimSpace(value)
	if !strings.EqualFold(name, attribute) || !strings.EqualFold(op, "eq") || value == "" {
		return "", invalid("invalidFilter", "Filter is not supported")
	}
	if !strings.HasPrefix(value, `"`) {
		if s.opts.Filter == FilterQuoted {
			return "", invalid("invalidFilter", "Filter value must be quoted")
		}
		return value, nil
	}
	switch s.opts.Filter {
	case FilterUnquoted:
		return value, nil
	case FilterUnquotedStrict:
		return "", invalid("invalidFilter", "Filter value must not be quoted")
	}
	text, err := strconv.Unquote(value)
	if err != nil {
		return "", invalid("invalidFilter", "Filter value is not a string")
	}
	return text, nil
}

func (s *Sim) createUser(body []byte) answer {
	doc, err := object(body)
	if err != nil {
		return refusal(err)
	}
	a := (&Account{Active: true, Locale: "en"}).clone()
	if err := s.write(a, doc); err != nil {
		return refusal(err)
	}
	if err := s.check(a); err != nil {
		return refusal(err)
	}
	if a.DisplayName == "" {
		a.DisplayName = formatted(a)
	}
	if a.Email == "" {
		a.Email = a.UserName
	}
	a.ID = s.mint()
	s.put(a)
	return answer{
		status: http.StatusCreated,
		header: http.Header{"Location": {s.opts.Location + "/Users/" + a.ID}},
		body:   s.renderUser(a),
	}
}

// replaceUser is PUT: what the body does not name is cleared, but not the id, nor
// active (RFC 7644 §3.5.1 leaves defaults to the service).
func (s *Sim) replaceUser(old *Account, body []byte) answer {
	doc, err := object(body)
	if err != nil {
		return refusal(err)
	}
	a := (&Account{ID: old.ID, Active: old.Active, Locale: "en"}).clone()
	if err := s.write(a, doc); err != nil {
		return refusal(err)
	}
	if err := s.check(a); err != nil {
		return refusal(err)
	}
	s.put(a)
	return answer{status: http.StatusOK, body: s.renderUser(a)}
}

// patchUser applies the operations one after the other and stores the outcome
// of all or nothing (RFC 7644 §3.5.2). The account is checked after every
// operation, so disabling before clearing the manager is refused.
func (s *Sim) patchUser(old *Account, body []byte) answer {
	doc, err := object(body)
	if err != nil {
		return refusal(err)
	}
	ops, err := operations(doc)
	if err != nil {
		return refusal(err)
	}
	a := old.clone()
	for _, op := range ops {
		if err := s.apply(a, op); err != nil {
			return refusal(err)
		}
		if err := s.check(a); err != nil {
			return refusal(err)
		}
	}
	s.put(a)
	if s.opts.PatchNoContent {
		return answer{status: http.StatusNoContent}
	}
	return answer{status: http.StatusOK, body: s.renderUser(a)}
}

// check refuses an account that Javelo would not hold.
func (s *Sim) check(a *Account) error {
	if a.UserName == "" {
		return invalid("invalidValue", "userName is required")
	}
	if id, ok := s.byName[fold(a.UserName)]; ok && id != a.ID {
		return &problem{s.opts.Duplicate, "uniqueness", "userName has already been taken"}
	}
	if !a.Active && a.ManagerID != "" {
		return invalid("invalidValue", "manager must be empty for a disabled user")
	}
	return nil
}
