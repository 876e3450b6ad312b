package javelo

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"

	"rollcall/appliance/model"
	"rollcall/connectors"
	"rollcall/connectors/scim"
	"rollcall/connectors/wire"
)

// maxPages bounds a listing whose service gives no total and never ends.
const maxPages = 100_000

// List yields all accounts, disabled ones too, page by page in Javelo's order.
// It ends with an error when a page repeats, when the total changes on the way,
// or when the number of distinct accounts is not the total. A tenant without
// accounts is one page without accounts, and no error: whether that can be true
// is for the caller to judge.
func (t *Target) List(ctx context.Context) iter.Seq2[connectors.AccountPage, error] {
	return func(yield func(connectors.AccountPage, error) bool) {
		l := listing{target: t, seen: map[string]bool{}, total: -1}
		for range maxPages {
			page, err := l.next(ctx)
			if !yield(page, err) || err != nil || page.Last {
				return
			}
		}
		yield(connectors.AccountPage{}, unusable(opList, "no end after %d pages", maxPages))
	}
}

const opList = "list accounts"

// listing is one walk over all accounts.
type listing struct {
	target   *Target
	seen     map[string]bool // ids
	received int             // resources, repeated ones included: what paging counts
	total    int             // -1 while unknown
	pages    int
}

func (l *listing) next(ctx context.Context) (connectors.AccountPage, error) {
	page, err := l.target.page(ctx, opList, l.received+1, l.target.pageSize)
	if err != nil {
		return connectors.AccountPage{}, err
	}
	l.pages++
	switch {
	case l.total >= 0 && page.Total >= 0 && page.Total != l.total:
		return connectors.AccountPage{}, unusable(opList, "the number of accounts changed from %d to %d on the way", l.total, page.Total)
	case page.Total >= 0:
		l.total = page.Total
	}
	out := connectors.AccountPage{Total: max(0, l.total)}
	for i, r := range page.Resources {
		a, err := l.target.accounts.Account(r)
		if err != nil {
			return connectors.AccountPage{}, unusable(opList, "page %d: %v", l.pages, err)
		}
		if l.seen[a.RemoteID] {
			if i == 0 && l.pages > 1 {
				return connectors.AccountPage{}, &connectors.Error{
					Class: connectors.Transient, Op: "javelo: " + opList,
					Detail: fmt.Sprintf("page %d begins with an account listed before", l.pages),
					Next:   "The service may ignore start_index and startIndex; nothing is concluded from this listing",
				}
			}
			continue
		}
		l.seen[a.RemoteID] = true
		out.Accounts = append(out.Accounts, a)
	}
	l.received += len(page.Resources)
	out.Last = len(page.Resources) == 0 || l.total >= 0 && l.received >= l.total
	l.target.learnPage(len(page.Resources), l.target.pageSize, out.Last)
	switch {
	case out.Last && l.total >= 0 && len(l.seen) != l.total:
		return connectors.AccountPage{}, unusable(opList, "%d distinct accounts were listed, the service counts %d", len(l.seen), l.total)
	case out.Last && len(l.seen) != l.received && l.total < 0:
		return connectors.AccountPage{}, unusable(opList, "accounts were listed twice, so others may have been left out; the service gives no total to tell")
	}
	return out, nil
}

// page asks for accounts from the 1-based start on. Javelo's article spells the
// parameter start_index, production clients and RFC 7644 §3.4.2.4 startIndex;
// both are sent, with the same value.
func (t *Target) page(ctx context.Context, op string, start, count int) (scim.List, error) {
	return t.query(ctx, op, url.Values{
		"start_index": {strconv.Itoa(start)},
		"startIndex":  {strconv.Itoa(start)},
		"count":       {strconv.Itoa(count)},
	}.Encode())
}

// query is GET /Users.
func (t *Target) query(ctx context.Context, op, rawQuery string) (scim.List, error) {
	var doc scim.Resource
	_, err := t.client.JSON(ctx, wire.Request{Op: op, Method: http.MethodGet, Path: "Users", RawQuery: rawQuery, OK: []int{http.StatusOK}}, &doc)
	if err != nil {
		return scim.List{}, refineLost(err)
	}
	list, err := scim.ListOf(doc)
	if err != nil {
		return scim.List{}, unusable(op, "the answer is not a list: %v", err)
	}
	return list, nil
}

// Check asks for one account, and with it finds out which form of filter Javelo
// understands, how it pages, and whether it describes itself ([Target.Known]). It
// writes nothing and sends at most six requests.
func (t *Target) Check(ctx context.Context) (report connectors.Report, err error) {
	const op = "check"
	list, err := t.page(ctx, op, 1, 1)
	if err != nil {
		return connectors.Report{}, err
	}
	report = connectors.Report{Reached: "Javelo at " + t.client.Base.Host, People: max(0, list.Total)}
	if len(list.Resources) == 0 {
		report.Notices = append(report.Notices, "Javelo lists no account, not even an administrator's; the token may belong to an empty tenant")
		return report, nil
	}
	a, err := t.accounts.Account(list.Resources[0])
	if err != nil {
		return connectors.Report{}, unusable(op, "%v", err)
	}
	if err := t.probe(ctx, a.RemoteID, report.People); err != nil {
		return connectors.Report{}, err
	}
	defer func() {
		if err == nil {
			report.Facts = t.Known().Facts
		}
	}()
	if a.Login == "" {
		return report, nil
	}
	matches, answered, err := t.lookup(ctx, op, a.Login)
	switch {
	case err != nil:
		return connectors.Report{}, err
	case !answered || len(matches) == 0:
		report.Notices = append(report.Notices, "Javelo does not answer filters on userName; looking somebody up reads the whole list")
	}
	return report, nil
}

// scan finds a login by reading the whole list.
func (t *Target) scan(ctx context.Context, email string) ([]model.Account, error) {
	var matches []model.Account
	for page, err := range t.List(ctx) {
		if err != nil {
			return nil, err
		}
		for _, a := range page.Accounts {
			if sameLogin(a.Login, email) {
				matches = append(matches, a)
			}
		}
	}
	return matches, nil
}
