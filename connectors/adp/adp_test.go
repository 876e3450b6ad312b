package adp_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/appliance/model"
	"rollcall/connectors"
	"rollcall/connectors/adp"
	"rollcall/connectors/adp/adpsim"
	"rollcall/connectors/cast"
	"rollcall/connectors/connectortest"
)

// today is the day on which most tests happen.
func today() time.Time { return time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC) }

// inProcess sends requests to a handler without a network.
type inProcess struct{ http.Handler }

func (p inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	served := r.Clone(r.Context())
	served.TLS = nil
	if served.Body == nil {
		served.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	p.ServeHTTP(w, served)
	return w.Result(), r.Context().Err()
}

// source makes a source that reads h.
func source(t testing.TB, h http.Handler, change func(*adp.Config)) *adp.Source {
	t.Helper()
	cfg := adp.Config{
		ClientID: adpsim.DefaultClientID, ClientSecret: adpsim.DefaultClientSecret,
		HTTP: &http.Client{Transport: inProcess{h}}, Now: today,
	}
	if change != nil {
		change(&cfg)
	}
	src, err := adp.New(cfg)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return src
}

func pagesOf(n int) func(*adp.Config) { return func(c *adp.Config) { c.PageSize = n } }

// readAll reads to the end or to the first error.
func readAll(ctx context.Context, src connectors.Source, from connectors.Cursor) (people []model.Observation, pages []connectors.Page, err error) {
	for page, err := range src.Read(ctx, from) {
		if err != nil {
			return people, pages, err
		}
		pages = append(pages, page)
		if len(pages) > 1000 {
			return nil, pages, errors.New("the read does not end")
		}
		people = append(people, page.People...)
	}
	return people, pages, nil
}

func mustRead(t testing.TB, src connectors.Source) []model.Observation {
	t.Helper()
	people, pages, err := readAll(t.Context(), src, "")
	if err != nil {
		t.Fatalf("Read: %v", err)
	}
	if len(pages) == 0 || !pages[len(pages)-1].Last {
		t.Fatalf("Read yields %d pages and no last one", len(pages))
	}
	return people
}

func organisation(n int, opts adpsim.Options) *adpsim.Sim {
	opts.PlainHTTP = true
	if opts.Now == nil {
		opts.Now = today
	}
	return adpsim.New(cast.Company(n, 3), opts)
}

func TestReadKeepsThePromisesOfASource(t *testing.T) {
	for _, emptyEnd := range []bool{false, true} {
		connectortest.RunSource(t, connectortest.SourceSuite{
			People: 40,
			Open: func(_ testing.TB, people []cast.Person) connectortest.SourceService {
				const secret = "canary-client-secret-93"
				return connectortest.SourceService{
					Handler: adpsim.New(people, adpsim.Options{ClientSecret: secret, PlainHTTP: true, EmptyEnd: emptyEnd}),
					Listing: func(r *http.Request) bool { return r.URL.Path == adpsim.WorkersPath },
					Secrets: []string{secret},
					New: func(base *url.URL, client *http.Client) (connectors.Source, error) {
						return adp.New(adp.Config{
							BaseURL: base, TokenURL: base.JoinPath(adpsim.TokenPath), HTTP: client, PageSize: 15,
							ClientID: adpsim.DefaultClientID, ClientSecret: secret,
						})
					},
				}
			},
		})
	}
}

func TestAShortPageIsNotTheEnd(t *testing.T) {
	// A server that clamps pages below what was asked for: every page is short.
	sim := organisation(23, adpsim.Options{})
	clamped := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "$top=100", "$top=7", 1)
		sim.ServeHTTP(w, r)
	})
	if people := mustRead(t, source(t, clamped, nil)); len(people) != 23 {
		t.Errorf("%d people, want 23", len(people))
	}
	if n := sim.Requests()["GET "+adpsim.WorkersPath]; n != 5 {
		t.Errorf("%d requests, want 4 pages and the end", n)
	}
}

func TestAFullReadCostsOneRequestPerHundredAndTheEnd(t *testing.T) {
	sim := organisation(200, adpsim.Options{})
	mustRead(t, source(t, sim, nil))
	if n := sim.Requests()["GET "+adpsim.WorkersPath]; n != 3 {
		t.Errorf("%d requests, want 2 and the end", n)
	}
	if n := sim.Requests()["POST "+adpsim.TokenPath]; n != 1 {
		t.Errorf("%d tokens were asked for, want 1", n)
	}
}

func TestAnIgnoredSkipIsAnErrorThatNamesIt(t *testing.T) {
	sim := organisation(23, adpsim.Options{})
	sim.IgnoreSkip(true)
	people, pages, err := readAll(t.Context(), source(t, sim, pagesOf(10)), "")
	if err == nil || !strings.Contains(err.Error(), "$skip") || connectors.ClassOf(err) != connectors.Transient {
		t.Errorf("got %v, want a transient error about $skip", err)
	}
	if len(people) != 10 || len(pages) != 1 {
		t.Errorf("%d people on %d pages came before it", len(people), len(pages))
	}
	// A resumed read must notice it as well, although it has seen nobody yet.
	people, _, err = readAll(t.Context(), source(t, sim, pagesOf(10)), pages[0].Next)
	if err == nil || !strings.Contains(err.Error(), "$skip") || len(people) > 0 {
		t.Errorf("resumed: %d people, then %v", len(people), err)
	}
}

func TestWorkersWhoMoveDuringAReadMakeItFail(t *testing.T) {
	sim := organisation(23, adpsim.Options{})
	var err error
	for page, e := range source(t, sim, pagesOf(10)).Read(t.Context(), "") {
		if err = e; err == nil && len(page.People) > 0 && page.People[0].Native == sim.OID(0) {
			sim.HireFirst(cast.Company(40, 3)[39])
		}
	}
	if connectors.ClassOf(err) != connectors.Transient {
		t.Errorf("got %v, want a transient error", err)
	}
}

func TestATokenThatEndsDuringAReadIsReplacedOnce(t *testing.T) {
	sim := organisation(30, adpsim.Options{})
	src := source(t, sim, pagesOf(10))
	n := 0
	for page, err := range src.Read(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		n += len(page.People)
		if n == 10 {
			sim.ExpireTokens()
		}
	}
	if tokens := sim.Requests()["POST "+adpsim.TokenPath]; n != 30 || tokens != 2 {
		t.Errorf("%d people with %d tokens, want 30 with 2", n, tokens)
	}
}

func TestATokenIsNotUsedInItsLastMinute(t *testing.T) {
	now := today()
	clock := func() time.Time { return now }
	sim := organisation(5, adpsim.Options{TokenLife: 10 * time.Minute, Now: clock})
	src := source(t, sim, func(c *adp.Config) { c.Now = clock })
	for _, step := range []struct {
		after time.Duration
		want  int
	}{{0, 1}, {8 * time.Minute, 1}, {70 * time.Second, 2}} {
		now = now.Add(step.after)
		mustRead(t, src)
		if n := sim.Requests()["POST "+adpsim.TokenPath]; n != step.want {
			t.Errorf("%v later: %d tokens, want %d", step.after, n, step.want)
		}
	}
}

func TestRefusalsSayWhatToDo(t *testing.T) {
	for _, tc := range []struct {
		name   string
		make   func(sim *adpsim.Sim, cfg *adp.Config)
		class  connectors.Class
		phrase []string
	}{
		{"wrong secret", func(_ *adpsim.Sim, cfg *adp.Config) { cfg.ClientSecret = "wrong-secret-0" }, connectors.Denied, []string{"invalid_client", "Check client_id"}},
		{"no consent", func(sim *adpsim.Sim, _ *adp.Config) { sim.Consent(false) }, connectors.Denied, []string{"not consented", "give consent"}},
		{"wrong address", func(_ *adpsim.Sim, cfg *adp.Config) { cfg.BaseURL = mustParse("https://adp.example/api/") }, connectors.Misconfigured, []string{"Check base_url"}},
		{"service down", func(sim *adpsim.Sim, _ *adp.Config) {
			sim.Inject(adpsim.Fault{Kind: adpsim.Status, Status: 503, Path: adpsim.WorkersPath})
		}, connectors.Transient, []string{"503"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			sim := organisation(5, adpsim.Options{})
			src := source(t, sim, func(cfg *adp.Config) { tc.make(sim, cfg) })
			_, _, err := readAll(t.Context(), src, "")
			if connectors.ClassOf(err) != tc.class {
				t.Fatalf("got %v, want class %v", err, tc.class)
			}
			for _, p := range tc.phrase {
				if !strings.Contains(err.Error(), p) {
					t.Errorf("%q does not say %q", err, p)
				}
			}
			if _, err := src.Check(t.Context()); connectors.ClassOf(err) != tc.class {
				t.Errorf("Check: got %v, want class %v", err, tc.class)
			}
		})
	}
}

func TestThrottlingIsPassedOnWithItsTime(t *testing.T) {
	sim := organisation(30, adpsim.Options{Rate: 2})
	_, pages, err := readAll(t.Context(), source(t, sim, pagesOf(10)), "")
	if connectors.ClassOf(err) != connectors.Throttled || !connectors.RetryAt(err).Equal(today().Add(time.Minute)) || len(pages) != 2 {
		t.Errorf("%d pages, then %v until %v", len(pages), err, connectors.RetryAt(err))
	}
}

func TestNobodysStatusVisibleIsRefusedAsDenied(t *testing.T) {
	sim := organisation(5, adpsim.Options{})
	for i := range 5 {
		sim.Afflict(i, adpsim.MissingStatus)
	}
	if _, _, err := readAll(t.Context(), source(t, sim, nil), ""); connectors.ClassOf(err) != connectors.Denied {
		t.Errorf("got %v", err)
	}
	sim = organisation(5, adpsim.Options{})
	sim.Afflict(1, adpsim.MissingStatus)
	people := mustRead(t, source(t, sim, nil))
	if o := people[1]; o.Status != model.Unknown || o.RawStatus != "" {
		t.Errorf("one worker without a status is %q (%q), want unknown", o.Status, o.RawStatus)
	}
}

func TestConfigurationIsRefusedWithTheKeyInTheText(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(c *adp.Config)
		phrase string
	}{
		{"no credentials", func(c *adp.Config) { c.ClientSecret = " " }, "client_secret"},
		{"no certificate", func(c *adp.Config) { c.HTTP = nil }, "client_cert"},
		{"no such certificate", func(c *adp.Config) { c.HTTP, c.ClientCert, c.ClientKey = nil, "absent.pem", "absent.key" }, "absent.pem"},
		{"plain http", func(c *adp.Config) { c.BaseURL = mustParse("http://api.adp.example") }, "base_url"},
		{"credentials in the address", func(c *adp.Config) { c.TokenURL = mustParse("https://u:p@api.adp.example") }, "token_url"},
		{"page size", func(c *adp.Config) { c.PageSize = 101 }, "page size"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cfg := adp.Config{ClientID: "i", ClientSecret: "s", HTTP: http.DefaultClient}
			tc.change(&cfg)
			_, err := adp.New(cfg)
			if connectors.ClassOf(err) != connectors.Misconfigured || !strings.Contains(err.Error(), tc.phrase) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestCheckTellsWhatNobodyHas(t *testing.T) {
	sim := organisation(12, adpsim.Options{MaskAlways: true})
	for i := range 12 {
		sim.Afflict(i, adpsim.NoBusinessCommunication)
	}
	report, err := source(t, sim, func(c *adp.Config) {
		c.CustomFields = []string{"customFields.badge", "customFields.absent", "customFieldGroup.stringFields", "person.legalName[…].x"}
	}).Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var fields []string
	for _, m := range report.Missing {
		fields = append(fields, m.Field)
	}
	want := []string{"businessCommunication.emails", "person.birthDate", "customFields.absent"}
	if !slices.Equal(fields, want) {
		t.Errorf("missing %q, want %q", fields, want)
	}
	if report.People != 12 || report.Reached != "ADP, api.adp.com" || report.Sample == nil || report.Sample.Status != model.Active {
		t.Errorf("report: %+v", report)
	}
	report, err = source(t, organisation(12, adpsim.Options{}), nil).Check(t.Context())
	if err != nil || len(report.Missing) > 0 {
		t.Errorf("everything is readable: %v, %+v", err, report.Missing)
	}
}

func TestCheckSaysThatItLookedAtOnePageOnly(t *testing.T) {
	report, err := source(t, organisation(30, adpsim.Options{}), pagesOf(10)).Check(t.Context())
	if err != nil || report.People != 10 || !strings.Contains(strings.Join(report.Notices, " "), "first 10 workers") {
		t.Errorf("%v, %+v", err, report)
	}
}

func mustParse(s string) *url.URL {
	u, err := url.Parse(s)
	if err != nil {
		panic(err)
	}
	return u
}
