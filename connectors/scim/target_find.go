package scim

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"rollcall/appliance/model"
	"rollcall/connectors"
)

const opFindAccount = "find account"

// Find returns the account whose userName is email, without regard to letter case
// (RFC 7643 §4.1.1). Where filters are not offered, refused, or answered with
// people who do not match, the whole list is read instead: somebody who is not
// found may be created, so "not found" must be certain.
func (t *Target) Find(ctx context.Context, email string) (model.Account, bool, error) {
	email = strings.TrimSpace(email)
	if email == "" {
		return model.Account{}, false, &connectors.Error{Class: connectors.Invalid, Op: "scim: " + opFindAccount, Detail: "no email to look for"}
	}
	matches, err := t.lookUp(ctx, email)
	switch {
	case err != nil || len(matches) == 0:
		return model.Account{}, false, err
	case len(matches) > 1:
		return model.Account{}, false, &connectors.Error{
			Class: connectors.Invalid, Op: "scim: " + opFindAccount,
			Detail: strconv.Itoa(len(matches)) + " accounts have this login",
			Next:   "Change or merge them in the service",
		}
	}
	return matches[0], true, nil
}

func (t *Target) lookUp(ctx context.Context, email string) ([]model.Account, error) {
	offers, err := t.Discover(ctx)
	if err != nil {
		return nil, err
	}
	if !offers.Filter {
		return t.scan(ctx, email)
	}
	matches, answered, err := t.filter(ctx, opFindAccount, email)
	switch status := statusOf(err); {
	case status == http.StatusBadRequest || status == http.StatusNotImplemented:
		// An address may be what a filter cannot hold, so later ones try again;
		// a service that has no filters says so with 501.
		if status == http.StatusNotImplemented {
			t.learn(func(o *Offers) { o.Filter = false })
		}
		return t.scan(ctx, email)
	case err != nil:
		return nil, err
	case !answered:
		return t.scan(ctx, email)
	}
	return matches, nil
}

// filter asks for the accounts whose userName equals email, and keeps those that
// are really email's: a service that does not understand a filter lists
// everybody. An empty result means that there is no such account only when
// answered is true.
func (t *Target) filter(ctx context.Context, op, email string) (matches []model.Account, answered bool, err error) {
	// A JSON string, as RFC 7644 §3.4.2.2 asks for; blanks as %20, because a "+" is
	// not one for every server.
	value := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(email) + `"`
	list, _, err := t.query(ctx, op, "filter="+strings.ReplaceAll(url.QueryEscape("userName eq "+value), "+", "%20"))
	if err != nil {
		return nil, false, err
	}
	for _, r := range list.Resources {
		a, err := t.accounts.Account(r)
		if err != nil {
			return nil, false, unusableTarget(op, "%v", err)
		}
		if sameUserName(a.Login, email) {
			t.remember(a.RemoteID, versionIn(r))
			matches = append(matches, a)
		}
	}
	nobody := len(list.Resources) == 0 && list.Total <= 0
	return matches, nobody || len(matches) > 0, nil
}

// sameUserName compares logins as RFC 7643 §4.1.1 defines userName: not case exact.
func sameUserName(a, b string) bool {
	return strings.EqualFold(strings.TrimSpace(a), strings.TrimSpace(b))
}
