package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// request is an HTTP request with strict readers: what is not understood is
// refused, because a misspelt parameter that is ignored does something else
// than was asked.
type request struct{ *http.Request }

// actor is who asks.
func (r *request) actor() string { return Actor(r.Context()) }

// decode reads the body into v: one JSON value with known fields and nothing after.
func (r *request) decode(v any) error {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	err := d.Decode(v)
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("more than one value")
		}
	}
	var tooLarge *http.MaxBytesError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &tooLarge):
		return invalid("the request is larger than %d bytes", tooLarge.Limit)
	case errors.Is(err, io.EOF):
		return invalid("the request has no body: this one needs a JSON object")
	}
	return invalid("the request is not understood: %s: use the rollcall command of the appliance's version", strings.TrimPrefix(err.Error(), "json: "))
}

// parameters returns the query's parameters, each at most once and all of them
// among the allowed ones, except that "source" and
// "subject" may be repeated.
func (r *request) parameters(allowed ...string) (url.Values, error) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, invalid("the query is not understood: %v", err)
	}
	for name, values := range q {
		if !slices.Contains(allowed, name) {
			return nil, invalid("unknown parameter %q: use the rollcall command of the appliance's version", name)
		}
		if len(values) > 1 && name != "source" && name != "subject" {
			return nil, invalid("parameter %q is given twice", name)
		}
	}
	return q, nil
}

// page reads the parameters after and limit.
func page(q url.Values) (Page, error) {
	limit, err := limitOf(q)
	return Page{After: q.Get("after"), Limit: limit}, err
}

// limitOf reads the parameter limit; 0 means that it is not set.
func limitOf(q url.Values) (int, error) {
	text := q.Get("limit")
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > MaxPage {
		return 0, invalid("limit %q is not a number from 0 to %d", text, MaxPage)
	}
	return n, nil
}

// flag reads a parameter that is true, false or not set.
func flag(q url.Values, name string) (bool, error) {
	switch q.Get(name) {
	case "", "false":
		return false, nil
	case "true":
		return true, nil
	}
	return false, invalid("parameter %q is neither true nor false", name)
}

// runNumber reads the run named in the path.
func (r *request) runNumber() (uint64, error) {
	seq, err := strconv.ParseUint(r.PathValue("run"), 10, 64)
	if err != nil || seq == 0 {
		return 0, invalid("%q is not the number of a run: see \"rollcall runs\"", r.PathValue("run"))
	}
	return seq, nil
}

// ifMatch returns the tag that a decision is conditional on; ok is false when it
// is not conditional.
func (r *request) ifMatch() (tag string, ok bool, err error) {
	values := r.Header.Values("If-Match")
	if len(values) == 0 || values[0] == "*" {
		return "", false, nil
	}
	text := values[0]
	if len(values) > 1 || len(text) < 3 || text[0] != '"' || text[len(text)-1] != '"' || strings.ContainsAny(text[1:len(text)-1], `",`) {
		return "", false, invalid("the header If-Match does not hold one entity tag")
	}
	return text[1 : len(text)-1], true, nil
}

func invalid(format string, args ...any) *Error {
	return &Error{Code: CodeInvalid, Text: fmt.Sprintf(format, args...)}
}
