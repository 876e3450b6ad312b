package connectortest

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"

	"rollcall/appliance/model"
	"rollcall/connectors"
	"rollcall/connectors/cast"
)

// TargetSuite is what a target gives to be tested.
//
//	connectortest.RunTarget(t, connectortest.TargetSuite{
//		Attributes: []model.Name{model.GivenName, model.FamilyName, model.Title, model.Department},
//		UnknownID:  "00000000-0000-4000-8000-000000000000",
//		Start:      []string{"startIndex"},
//		Open: func(t testing.TB) connectortest.TargetService {
//			return connectortest.TargetService{
//				Handler: saassim.New(saassim.Options{Token: "canary-token-1"}),
//				Secrets: []string{"canary-token-1"},
//				New: func(base *url.URL, client *http.Client) (connectors.Target, error) {
//					return saas.New(saas.Config{BaseURL: base, HTTP: client, Token: "canary-token-1", PageSize: 2})
//				},
//			}
//		},
//	})
type TargetSuite struct {
	// Open starts a fresh service without accounts.
	Open func(t testing.TB) TargetService
	// Attributes are those the target keeps and answers with; title and
	// department must be among them.
	Attributes []model.Name
	// UnknownID is an id in the service's form that no account has.
	UnknownID string
	// Start names the query parameters that say where a page of a listing
	// begins. The suite takes them away to see what a service does to the
	// connector that ignores them.
	Start []string
	// KeepsManagers says that a disabled account may have a manager.
	KeepsManagers bool
}

// TargetService is one simulated service and the way to make targets for it.
type TargetService struct {
	Handler http.Handler
	// New makes a target for the service at base, with client. It must list in
	// pages of two accounts and have no rate limit of its own.
	New func(base *url.URL, client *http.Client) (connectors.Target, error)
	// Secrets are the credentials that New configures, of some length and
	// occurring nowhere else.
	Secrets []string
	// Groups looks at the service's groups; nil when it keeps none.
	Groups Groups
}

// RunTarget holds a target to every promise of [connectors.Target], and to those of
// [connectors.BulkTarget] and [connectors.GroupTarget] if it makes them. Each promise is
// a subtest.
func RunTarget(t *testing.T, s TargetSuite) {
	t.Helper()
	runPromises(t, s, slices.Concat(targetPromises, bulkPromises, groupPromises))
}

// RunBulk holds a target to the promises of [connectors.BulkTarget] alone, for the many
// ways in which one service may do bulk requests.
func RunBulk(t *testing.T, s TargetSuite) {
	t.Helper()
	runPromises(t, s, bulkPromises)
}

func runPromises(t *testing.T, s TargetSuite, promises []targetPromise) {
	t.Helper()
	for _, p := range promises {
		t.Run(p.name, func(t *testing.T) {
			if err := p.check(t, s); err != nil {
				t.Errorf("%v\n\nThe promise: %s", err, p.promise)
			}
		})
	}
}

// targetPromise is one promise and the function that tells how it is violated.
type targetPromise struct {
	name    string
	promise string
	check   func(t testing.TB, s TargetSuite) error
}

var targetPromises = []targetPromise{
	{"a created account is found", "Find returns what Create returned, with every attribute that was sent", createdIsFound},
	{"nobody else is found", "Find never returns an account with another login, nor an error for a login that does not exist", nobodyElseIsFound},
	{"a login is created once", "a second Create of a login, in whatever letter case, is class Taken and makes no account", loginIsCreatedOnce},
	{"an update can be repeated", "Update with a nil have writes everything in want, and doing it again changes nothing", updateIsIdempotent},
	{"no difference sends nothing", "Update sends no request when have equals want", noDifferenceSendsNothing},
	{"only the difference is written", "what is equal in have and want is not written, whatever the service holds", onlyTheDifference},
	{"an unknown account is gone", "Update of an id that no account has is class Gone and makes no account", unknownIsGone},
	{"an empty text clears and a missing one does not", "absent is not null: an attribute that want does not mention keeps its value", emptyClears},
	{"an account can be renamed", "a new email on the same id changes the login of the account and makes no other", renameKeepsTheAccount},
	{"a create carries its manager", "the link is written in the request that makes the account", createCarriesManager},
	{"a refused manager is told apart", "a manager whom the service does not know is either left out, or an error with ErrManagerRefused; then nothing was made, and the create succeeds without the link", refusedManager},
	{"a deactivated account stays", "deactivating is one request that keeps the account and, where the service wants it, clears the manager", deactivatedStays},
	{"a reactivated account is the same", "reactivating is one request on the same id, and can restore the manager", reactivatedIsTheSame},
	{"a listing has everybody once", "List yields every account exactly once, ends with the only page that has Last, and counts right", listingIsWhole},
	{"an empty service lists nobody", "no accounts is an answer and not an error; the caller judges it", emptyListing},
	{"the consumer may stop a listing early", "leaving the loop ends the listing without further requests", listingMayStop},
	{"concurrent calls do not disturb each other", "targets are safe for concurrent use", concurrentUse},

	{"a lost answer makes no second account", "when the connection breaks after a create was applied, it is an error, one request was sent, and Find shows the account exactly once", lostAnswer},
	{"throttled answers of a target say when", "429 is class Throttled after one request, and RetryAt is what the service asked for", targetThrottled},
	{"refused credentials are told once", "401 and 403 are class Denied after exactly one request, and say what to do next", targetDenied},
	{"a web page is no answer", "200 with an HTML page is an error for every call", targetWebPage},
	{"server errors of a target are transient", "5xx is class Transient after one request: the caller retries, the target does not", targetServerErrors},
	{"undocumented JSON is no answer", "200 with JSON of another shape is an error: it is neither an empty service nor a success", targetOtherJSON},
	{"a cut off answer is no answer", "JSON that ends early is an error", targetCutOff},
	{"a repeated page ends the listing in an error", "a listing that answers every page with the same one is not complete", targetRepeatedPage},
	{"ignored paging ends the listing in an error", "a service that does not know where a page begins always gives the first; nothing may be concluded", targetIgnoredPaging},
	{"cancelled calls return promptly", "a cancelled context ends every call at once, with ctx.Err() in the chain", targetCancel},
	{"errors of a target hold no secret and nobody's data", "an error says what happened and to what, with neither credentials nor a value that was written, even when the service echoes them", targetErrorsAreSafe},
}

// targetStage is a service behind a gate, and the target made for it.
type targetStage struct {
	connectors.Target
	gate    *targetGate
	service TargetService
}

func openTarget(t testing.TB, s TargetSuite) *targetStage {
	t.Helper()
	service := s.Open(t)
	g := &targetGate{next: service.Handler, released: make(chan struct{})}
	server := httptest.NewServer(g)
	transport := &http.Transport{}
	t.Cleanup(func() {
		close(g.released)
		transport.CloseIdleConnections()
		server.Close()
	})
	base, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	target, err := service.New(base, &http.Client{Transport: transport})
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return &targetStage{Target: target, gate: g, service: service}
}

// desired says what the suite wants a person of the cast to be in the target.
func (s TargetSuite) desired(p cast.Person) model.Desired {
	all := map[model.Name]string{
		model.GivenName: p.Given, model.FamilyName: p.Family, model.DisplayName: p.Given + " " + p.Family,
		model.EmployeeNumber: p.EmployeeNumber, model.Title: p.Title, model.Department: p.Department,
		model.Site: p.Site, model.Organization: p.LegalEntity, model.WorkPhone: p.WorkPhone,
		model.MobilePhone: p.MobilePhone, model.Gender: p.Gender, model.BirthDate: p.BirthDate,
		model.ContractType: p.Contract, model.FirstHiredOn: p.FirstHired, model.StartDate: p.Start, model.Locale: p.Locale,
	}
	want := model.Desired{
		Person: model.PersonID(fmt.Sprintf("p_suite%05d", p.Index)), Active: true, Email: p.Email,
		Attributes: map[model.Name]string{},
	}
	for _, n := range s.Attributes {
		if v := all[n]; v != "" {
			want.Attributes[n] = v
		}
	}
	return want
}

// people makes n people as the suite wants them.
func (s TargetSuite) people(n int) []model.Desired {
	var out []model.Desired
	for _, p := range cast.Company(n, 23) {
		out = append(out, s.desired(p))
	}
	return out
}

// create makes accounts that must succeed.
func (st *targetStage) create(t testing.TB, wants ...model.Desired) []model.Account {
	t.Helper()
	var out []model.Account
	for _, want := range wants {
		a, err := st.Create(t.Context(), want)
		if err != nil {
			t.Fatalf("Create on a healthy service: %v", err)
		}
		out = append(out, a)
	}
	return out
}

// listed is what one listing yielded.
type listed struct {
	accounts []model.Account
	pages    []connectors.AccountPage
	err      error
}

func (st *targetStage) list(ctx context.Context) listed {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	var l listed
	for page, err := range st.List(ctx) {
		if err != nil {
			l.err = err
			break
		}
		l.pages = append(l.pages, page)
		l.accounts = append(l.accounts, page.Accounts...)
		if len(l.pages) > maxPages {
			l.err = fmt.Errorf("the listing does not end: %d pages", len(l.pages))
			break
		}
	}
	return l
}

// with returns a copy of d with one attribute set.
func with(d model.Desired, n model.Name, text string) model.Desired {
	attributes := map[model.Name]string{n: text}
	for k, v := range d.Attributes {
		if k != n {
			attributes[k] = v
		}
	}
	d.Attributes = attributes
	return d
}

// holdsExactly says how a listing of the service fails to hold exactly these accounts.
func (st *targetStage) holdsExactly(t testing.TB, ids ...string) error {
	t.Helper()
	l := st.list(t.Context())
	if l.err != nil {
		return violation("the listing of a healthy service ends in: %v", l.err)
	}
	var got []string
	for _, a := range l.accounts {
		got = append(got, a.RemoteID)
	}
	slices.Sort(got)
	slices.Sort(ids)
	if !slices.Equal(got, ids) {
		return violation("the service holds accounts %v, want exactly %v", got, ids)
	}
	return nil
}

// differs says in which way an account is not what was wanted.
func differs(a model.Account, want model.Desired) error {
	switch {
	case a.RemoteID == "":
		return violation("the account has no id")
	case a.Login != want.Email:
		return violation("the login is %q, want %q", a.Login, want.Email)
	case a.Active != want.Active:
		return violation("active is %v, want %v", a.Active, want.Active)
	}
	for n, v := range want.Attributes {
		if got, ok := a.Attributes[n]; !ok || got != v {
			return violation("%s is %q, want %q", n, got, v)
		}
	}
	return nil
}
