package scim

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"rollcall/appliance/model"
	"rollcall/connectors"
	"rollcall/connectors/wire"
)

// maxTargetPages bounds a listing whose service gives no total and never ends.
const maxTargetPages = 100_000

const opListAccounts = "list accounts"

// List yields all accounts, disabled ones too, in the service's order: by cursor
// (RFC 9865) where that is offered, else by startIndex and count (RFC 7644
// §3.4.2.4), advancing by what the service really returned. It ends with an error
// when a page or cursor repeats, when the total falls on the way (a removal moves
// others onto pages that were read), or when the number of distinct accounts is
// not the total in the end. A service without accounts is one
// page without accounts, and no error.
func (t *Target) List(ctx context.Context) iter.Seq2[connectors.AccountPage, error] {
	return func(yield func(connectors.AccountPage, error) bool) {
		offers, err := t.Discover(ctx)
		if err != nil {
			yield(connectors.AccountPage{}, err)
			return
		}
		l := accountListing{target: t, seen: map[string]bool{}, total: -1}
		if offers.Cursors {
			l.cursors = map[string]bool{}
		}
		for range maxTargetPages {
			page, err := l.next(ctx)
			if !yield(page, err) || err != nil || page.Last {
				return
			}
		}
		yield(connectors.AccountPage{}, unusableTarget(opListAccounts, "no end after %d pages", maxTargetPages))
	}
}

// accountListing is one walk over all accounts.
type accountListing struct {
	target   *Target
	seen     map[string]bool // ids
	received int             // resources, repeated ones included: what paging counts
	total    int             // -1 while unknown
	pages    int
	cursors  map[string]bool // those given already; nil: the walk is by index
	cursor   string          // of the next page
}

func (l *accountListing) next(ctx context.Context) (connectors.AccountPage, error) {
	list, nextCursor, err := l.page(ctx)
	if err != nil {
		return connectors.AccountPage{}, err
	}
	l.pages++
	switch {
	case list.Total >= 0 && list.Total < l.total:
		return connectors.AccountPage{}, unusableTarget(opListAccounts, "the number of accounts fell from %d to %d on the way", l.total, list.Total)
	case list.Total >= 0:
		// More than before is no harm: whoever was added has to be listed too.
		l.total = list.Total
	}
	out := connectors.AccountPage{Total: max(0, l.total)}
	for i, r := range list.Resources {
		a, err := l.target.accounts.Account(r)
		if err != nil {
			return connectors.AccountPage{}, unusableTarget(opListAccounts, "page %d: %v", l.pages, err)
		}
		if l.seen[a.RemoteID] {
			if i == 0 && l.pages > 1 {
				return connectors.AccountPage{}, &connectors.Error{
					Class: connectors.Transient, Op: "scim: " + opListAccounts,
					Detail: fmt.Sprintf("page %d begins with an account listed before", l.pages),
					Next:   "The service may ignore where a page begins; nothing is concluded from this listing",
				}
			}
			continue
		}
		l.seen[a.RemoteID] = true
		l.target.remember(a.RemoteID, versionIn(r))
		out.Accounts = append(out.Accounts, a)
	}
	l.received += len(list.Resources)
	if out.Last, err = l.ended(len(list.Resources), nextCursor); err != nil {
		return connectors.AccountPage{}, err
	}
	l.target.learnPage(len(list.Resources), out.Last)
	return out, nil
}

// ended reports whether the page just read was the last, and refuses a listing
// that cannot be whole.
func (l *accountListing) ended(onPage int, nextCursor string) (bool, error) {
	last := onPage == 0 || l.total >= 0 && l.received >= l.total
	if l.cursors != nil {
		last = nextCursor == ""
		if l.cursors[nextCursor] {
			return false, unusableTarget(opListAccounts, "page %d gives a cursor that was given before", l.pages)
		}
		l.cursors[nextCursor], l.cursor = true, nextCursor
	}
	switch {
	case last && l.total >= 0 && len(l.seen) != l.total:
		return false, unusableTarget(opListAccounts, "%d distinct accounts were listed, the service counts %d", len(l.seen), l.total)
	case last && l.total < 0 && len(l.seen) != l.received:
		return false, unusableTarget(opListAccounts, "accounts were listed twice, so others may have been left out; the service gives no total to tell")
	}
	return last, nil
}

func (l *accountListing) page(ctx context.Context) (List, string, error) {
	q := url.Values{"count": {strconv.Itoa(l.target.pageSize)}}
	if l.cursors != nil {
		q.Set("cursor", l.cursor)
	} else {
		q.Set("startIndex", strconv.Itoa(l.received+1))
	}
	return l.target.query(ctx, opListAccounts, q.Encode())
}

// query is GET /Users. It returns the page, and the cursor of the next one.
func (t *Target) query(ctx context.Context, op, rawQuery string) (List, string, error) {
	var doc Resource
	_, err := t.client.JSON(ctx, wire.Request{Op: op, Method: http.MethodGet, Path: "Users", RawQuery: rawQuery, OK: []int{http.StatusOK}}, &doc)
	if err != nil {
		return List{}, "", refineCollection(err)
	}
	list, err := ListOf(doc)
	if err != nil {
		return List{}, "", unusableTarget(op, "the answer is not a list: %v", err)
	}
	next, _ := member(doc, "nextCursor")
	cursor, _ := text(next)
	return list, cursor, nil
}

// Check reads what the service offers and one account, and looks that account up
// by its login. It writes nothing and sends at most three requests, unless the
// service has no filters: then the look-up lists everybody.
func (t *Target) Check(ctx context.Context) (report connectors.Report, err error) {
	const op = "check"
	offers, err := t.Discover(ctx)
	if err != nil {
		return connectors.Report{}, err
	}
	list, _, err := t.query(ctx, op, "startIndex=1&count=1")
	if err != nil {
		return connectors.Report{}, err
	}
	defer func() {
		if err == nil {
			report.Facts = t.Known().Facts
		}
	}()
	report = connectors.Report{
		Reached: "SCIM 2.0 at " + t.client.Base.Host + " (" + strings.Join(offers.words(), ", ") + ")",
		People:  max(0, list.Total),
	}
	if !offers.Documented {
		report.Notices = append(report.Notices, "The service has no ServiceProviderConfig; what it can do is found out by trying")
	}
	if !offers.Filter {
		report.Notices = append(report.Notices, "The service offers no filters; looking somebody up reads the whole list")
	}
	if offers.NoBulk != "" {
		report.Notices = append(report.Notices, "The service offers bulk requests, and they are not used: "+offers.NoBulk)
	}
	if !offers.Patch {
		report.Notices = append(report.Notices, "The service offers no PATCH; every update is a read and a PUT of the whole account")
	}
	if len(list.Resources) == 0 {
		report.Notices = append(report.Notices, "The service lists no account, not even an administrator's")
		return report, nil
	}
	a, err := t.accounts.Account(list.Resources[0])
	if err != nil {
		return connectors.Report{}, unusableTarget(op, "%v", err)
	}
	if !offers.Filter || a.Login == "" {
		return report, nil
	}
	if matches, answered, err := t.filter(ctx, op, a.Login); err != nil && statusOf(err) != http.StatusBadRequest {
		return connectors.Report{}, err
	} else if err != nil || !answered || len(matches) == 0 {
		report.Notices = append(report.Notices, "The service does not answer filters on userName; looking somebody up reads the whole list")
	}
	return report, nil
}

// words names what is offered, for a report.
func (o Offers) words() []string {
	words := []string{"PUT"}
	if o.Patch {
		words[0] = "PATCH"
	}
	for _, w := range []struct {
		offered bool
		name    string
	}{{o.Filter, "filter"}, {o.ETag, "ETags"}, {o.Cursors, "cursors"}, {o.Bulk && o.NoBulk == "", "bulk"}} {
		if w.offered {
			words = append(words, w.name)
		}
	}
	return words
}

// scan finds a login by reading the whole list.
func (t *Target) scan(ctx context.Context, email string) ([]model.Account, error) {
	var matches []model.Account
	for page, err := range t.List(ctx) {
		if err != nil {
			return nil, err
		}
		for _, a := range page.Accounts {
			if sameUserName(a.Login, email) {
				matches = append(matches, a)
			}
		}
	}
	return matches, nil
}

// learnPage notes how large a page can be, when it could have been larger.
func (t *Target) learnPage(got int, last bool) {
	if o := t.offers.Load(); last || got == 0 || got >= t.pageSize || o == nil || o.MaxPage == got {
		return
	}
	t.learn(func(o *Offers) { o.MaxPage = got })
}
