package lucca_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/appliance/model"
	"rollcall/connectors"
	"rollcall/connectors/cast"
	"rollcall/connectors/connectortest"
	"rollcall/connectors/lucca"
	"rollcall/connectors/lucca/luccasim"
)

// today is the day on which most tests happen.
func today() time.Time { return time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC) }

// inProcess sends requests to a handler without a network, so that tests can run
// under a fake clock.
type inProcess struct{ http.Handler }

func (p inProcess) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	defer func() {
		if recover() != nil { // the handler broke the connection off
			resp, err = nil, io.ErrUnexpectedEOF
		}
	}()
	served := r.Clone(r.Context())
	served.Host = r.URL.Host
	if served.Body == nil {
		served.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	p.ServeHTTP(w, served)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return w.Result(), nil
}

// source makes a source of either generation that reads h.
func source(t testing.TB, h http.Handler, change func(*lucca.Config)) connectors.Source {
	t.Helper()
	cfg := lucca.Config{
		Account: "halcyon-fixture", APIKey: luccasim.DefaultKey,
		ClientID: luccasim.DefaultClientID, ClientSecret: luccasim.DefaultClientSecret,
		HTTP: &http.Client{Transport: inProcess{h}}, Now: today,
	}
	if change != nil {
		change(&cfg)
	}
	src, err := lucca.New(cfg)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return src
}

func v3(page int) func(*lucca.Config) {
	return func(c *lucca.Config) { c.API, c.PageSize = lucca.V3, page }
}

func newest(page int) func(*lucca.Config) {
	return func(c *lucca.Config) { c.API, c.PageSize = lucca.Latest, page }
}

// generations runs a test for both, five people to a page.
func generations(t *testing.T, f func(t *testing.T, api func(*lucca.Config))) {
	t.Run("v3", func(t *testing.T) { f(t, v3(5)) })
	t.Run("2024-11-01", func(t *testing.T) { f(t, newest(5)) })
}

// readAll reads to the end or to the first error.
func readAll(ctx context.Context, src connectors.Source, from connectors.Cursor) (people []model.Observation, pages []connectors.Page, err error) {
	for page, err := range src.Read(ctx, from) {
		if err != nil {
			return people, pages, err
		}
		pages = append(pages, page)
		people = append(people, page.People...)
	}
	return people, pages, nil
}

func mustRead(t testing.TB, src connectors.Source) ([]model.Observation, []connectors.Page) {
	t.Helper()
	people, pages, err := readAll(t.Context(), src, "")
	if err != nil {
		t.Fatalf("Read: %v", err)
	}
	if len(pages) == 0 || !pages[len(pages)-1].Last {
		t.Fatalf("Read yields %d pages and no last one", len(pages))
	}
	return people, pages
}

func byNative(t testing.TB, people []model.Observation, id string) model.Observation {
	t.Helper()
	for _, o := range people {
		if o.Native == id {
			return o
		}
	}
	t.Fatalf("nobody has the id %q", id)
	return model.Observation{}
}

func natives(people []model.Observation) []string {
	var ids []string
	for _, o := range people {
		ids = append(ids, o.Native)
	}
	slices.Sort(ids)
	return ids
}

func notices(pages []connectors.Page) string {
	var all []string
	for _, p := range pages {
		all = append(all, p.Notices...)
	}
	return strings.Join(all, "\n")
}

func TestBothGenerationsKeepThePromisesOfASource(t *testing.T) {
	for _, tc := range []struct {
		name    string
		change  func(*lucca.Config)
		listing string
	}{
		{"v3", v3(15), "/api/v3/users"},
		{"2024-11-01", newest(15), "/lucca-api/employees"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			connectortest.RunSource(t, connectortest.SourceSuite{
				People: 40,
				Open: func(_ testing.TB, people []cast.Person) connectortest.SourceService {
					const key, secret = "canary-7f3b1a52-key", "canary-client-secret"
					return connectortest.SourceService{
						Handler: luccasim.New(people, luccasim.Options{Key: key, ClientSecret: secret, Rate: 1000}),
						Listing: func(r *http.Request) bool { return r.URL.Path == tc.listing },
						Secrets: []string{key, secret},
						New: func(base *url.URL, client *http.Client) (connectors.Source, error) {
							cfg := lucca.Config{
								BaseURL: base, HTTP: client, APIKey: key, ClientID: luccasim.DefaultClientID, ClientSecret: secret,
								TokenURL: base.JoinPath(luccasim.TokenPath).String(),
							}
							tc.change(&cfg)
							return lucca.New(cfg)
						},
					}
				},
			})
		})
	}
}

func TestEveryCursorLeadsToTheRestAndNotToTheBeginning(t *testing.T) {
	generations(t, func(t *testing.T, api func(*lucca.Config)) {
		sim := luccasim.New(cast.Company(23, 2), luccasim.Options{Now: today, Rate: 1000})
		all, pages := mustRead(t, source(t, sim, api))
		read := 0
		for i, p := range pages[:len(pages)-1] {
			read += len(p.People)
			rest, _, err := readAll(t.Context(), source(t, sim, api), p.Next)
			if err != nil || !slices.Equal(natives(rest), natives(all[read:])) {
				t.Errorf("after page %d: %q, want %q (%v)", i+1, natives(rest), natives(all[read:]), err)
			}
		}
		if len(pages) < 4 {
			t.Errorf("%d pages prove little", len(pages))
		}
	})
}
