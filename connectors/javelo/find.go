package javelo

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"rollcall/appliance/model"
	"rollcall/connectors"
)

// filterForm is how the value of a filter is written.
type filterForm int32

const (
	formUnknown  filterForm = iota // try quoted, then unquoted
	formQuoted                     // userName eq "x", RFC 7644 §3.4.2.2; what Okta and Entra send
	formUnquoted                   // userName eq x, what a client in production sends
)

const opFind = "find account"

// Find returns the account whose user name is email, without regard to letter
// case. The form of filter that found somebody is kept for later calls; until
// one did, a miss in one form is asked again in the other, and so it is once the form
// that was known is refused. When the answer shows
// that the filter was not applied, the whole list is read instead: a person who
// is not found may be created, so "not found" must be certain.
func (t *Target) Find(ctx context.Context, email string) (model.Account, bool, error) {
	email = strings.TrimSpace(email)
	if email == "" {
		return model.Account{}, false, &connectors.Error{Class: connectors.Invalid, Op: "javelo: " + opFind, Detail: "no email to look for"}
	}
	matches, answered, err := t.lookup(ctx, opFind, email)
	if err == nil && !answered {
		matches, err = t.scan(ctx, email)
	}
	switch {
	case err != nil || len(matches) == 0:
		return model.Account{}, false, err
	case len(matches) > 1:
		return model.Account{}, false, &connectors.Error{
			Class: connectors.Invalid, Op: "javelo: " + opFind,
			Detail: strconv.Itoa(len(matches)) + " accounts have this login, " + matches[0].RemoteID + " and " + matches[1].RemoteID + " among them",
			Next:   "Change or merge them in Javelo",
		}
	}
	return matches[0], true, nil
}

// lookup asks with a filter, in the form that is known to work or in both. An
// empty result means that there is no such account only when answered is true.
func (t *Target) lookup(ctx context.Context, op, email string) (matches []model.Account, answered bool, err error) {
	switch known := t.form(); {
	case known == formUnquoted && !plain(email):
		return nil, false, nil
	case known != formUnknown:
		value := email
		if known == formQuoted {
			value = quoted(email)
		}
		if matches, answered, err = t.filter(ctx, op, value, email); !badRequest(err) {
			return matches, answered, err
		}
		t.learnForm(formUnknown) // it is not what it was
	}

	matches, answered, err = t.filter(ctx, op, quoted(email), email)
	refused := badRequest(err)
	switch {
	case err != nil && !refused:
		return nil, false, err
	case len(matches) > 0:
		t.learnForm(formQuoted)
		return matches, true, nil
	case !plain(email):
		return nil, answered, nil
	}

	matches, alsoAnswered, err := t.filter(ctx, op, email, email)
	switch {
	case badRequest(err):
		if !refused {
			t.learnForm(formQuoted)
		}
		return nil, answered, nil
	case err != nil:
		return nil, false, err
	case len(matches) > 0, refused && alsoAnswered:
		t.learnForm(formUnquoted)
		return matches, true, nil
	}
	return nil, answered && alsoAnswered, nil
}

// filter asks for the accounts whose user name equals value as written, and
// keeps those that are really email's: a service that does not understand the
// filter lists everybody.
func (t *Target) filter(ctx context.Context, op, value, email string) (matches []model.Account, answered bool, err error) {
	// Blanks as %20: a "+" is not one for every server.
	query := "filter=" + strings.ReplaceAll(url.QueryEscape("userName eq "+value), "+", "%20")
	list, err := t.query(ctx, op, query)
	if err != nil {
		return nil, false, err
	}
	for _, r := range list.Resources {
		a, err := t.accounts.Account(r)
		if err != nil {
			return nil, false, unusable(op, "%v", err)
		}
		if sameLogin(a.Login, email) {
			matches = append(matches, a)
		}
	}
	nobody := len(list.Resources) == 0 && list.Total <= 0
	return matches, nobody || len(matches) > 0, nil
}

// quoted writes a filter value as the JSON string that RFC 7644 §3.4.2.2 asks for.
func quoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// plain reports whether a value can stand in a filter without quotes.
func plain(s string) bool { return !strings.ContainsAny(s, " \"\\()[]") }

// sameLogin compares user names as Javelo does: RFC 7643 §4.1.1 makes userName
// case-insensitive.
func sameLogin(a, b string) bool {
	return strings.EqualFold(strings.TrimSpace(a), strings.TrimSpace(b))
}

func badRequest(err error) bool {
	e, ok := errors.AsType[*connectors.Error](err)
	return ok && e.Status == http.StatusBadRequest
}
