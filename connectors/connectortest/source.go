package connectortest

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"rollcall/appliance/model"
	"rollcall/connectors"
	"rollcall/connectors/cast"
)

// SourceSuite is what a source gives to be tested.
//
//	connectortest.RunSource(t, connectortest.SourceSuite{
//		People: 40,
//		Open: func(t testing.TB, people []cast.Person) connectortest.SourceService {
//			return connectortest.SourceService{
//				Handler: hrsim.New(people, hrsim.Options{Key: "canary-key-1"}),
//				Secrets: []string{"canary-key-1"},
//				New: func(base *url.URL, client *http.Client) (connectors.Source, error) {
//					return hr.New(hr.Config{BaseURL: base, HTTP: client, Key: "canary-key-1", PageSize: 15})
//				},
//			}
//		},
//	})
type SourceSuite struct {
	// People is how many people the simulated company has, 40 when 0. With the
	// page size that New configures, a paging source should need three pages or
	// more.
	People int
	// Open starts a fresh service that holds people; it may be empty. Everybody
	// must be readable at once: initial data has no settling delay.
	Open func(t testing.TB, people []cast.Person) SourceService
	// Visible says whether the source is to yield a person; nil: everybody,
	// leavers included.
	Visible func(p cast.Person) bool
}

// SourceService is one simulated service and the way to make sources for it.
type SourceService struct {
	// Handler is the simulator, nil for a source that does not speak HTTP: then
	// only the promises about reads apply.
	Handler http.Handler
	// Listing picks the requests that list people, apart from those for tokens,
	// metadata or single people; nil picks all. Faults are put on these.
	Listing func(r *http.Request) bool
	// New makes a source that reads the service at base, with client. Each call
	// makes a fresh source with the same configuration. Without a Handler both
	// arguments are nil.
	New func(base *url.URL, client *http.Client) (connectors.Source, error)
	// Secrets are the credentials that New configures. They must be of some
	// length and occur nowhere else: the suite looks for them in error texts.
	Secrets []string
}

// RunSource holds a source to every promise of [connectors.Source]. Each promise
// is a subtest.
func RunSource(t *testing.T, s SourceSuite) {
	t.Helper()
	for _, p := range sourcePromises {
		t.Run(p.name, func(t *testing.T) {
			stage := open(t, s, nil)
			if p.http && stage.service.Handler == nil {
				t.Skip("the source does not speak HTTP")
			}
			if err := p.check(t, s); err != nil {
				t.Errorf("%v\n\nThe promise: %s", err, p.promise)
			}
		})
	}
}

// sourcePromise is one promise and the function that tells how it is violated.
type sourcePromise struct {
	name    string
	promise string
	http    bool // needs faults on the wire
	check   func(t testing.TB, s SourceSuite) error
}

var sourcePromises = []sourcePromise{
	{"every person once per read", "every person is yielded exactly once per read, keyed by Native; somebody left out would be taken for a leaver", false, everyPersonOnce},
	{"the last page ends the read", "the sequence ends after the page with Last set, which comes exactly once", false, lastPageEnds},
	{"a total is that of all people", "the last Total of a read is the number of people it yields, or none is told; a read that yields fewer is not whole", false, totalIsOfAll},
	{"observations are well formed", "what a page holds can be stored and explained as it is", false, observationsAreWellFormed},
	{"equal reads give equal observations", "a company where nothing changed gives the same observations again, byte for byte in Document, in whatever order the service listed it; a difference would be stored and relayed as a change", false, equalReadsAreEqual},
	{"a read resumes after each page", "each page carries the cursor from which a fresh source yields exactly the rest; an empty cursor restarts, and then yields everybody", false, resumeGivesTheRest},
	{"an empty service is an empty last page", "no people is an answer and not an error, and nobody is invented; the caller judges it", false, emptyServiceIsAnAnswer},
	{"the consumer may stop early", "leaving the loop ends the read without leaving requests behind, and the source can be read again", false, consumerMayStop},
	{"throttled answers say when", "429 is class Throttled, and RetryAt is what the service asked for: seconds, a date, or nothing", true, throttledSaysWhen},
	{"refused credentials are not tried again", "401 and 403 are class Denied after exactly one request; services block addresses that insist", true, deniedIsNotRetried},
	{"a web page is an error whatever its status", "200 with an HTML page is an error, on the first page and on the last", true, webPageIsAnError},
	{"server errors are transient", "5xx is class Transient after one request: the caller retries, the source does not", true, serverErrorsAreTransient},
	{"undocumented JSON is an error", "200 with JSON of another shape is an error, never an empty company", true, otherJSONIsAnError},
	{"a cut off body is never complete", "JSON that ends early is an error and no page has Last, whether the connection broke or not", true, cutOffBodyIsNeverComplete},
	{"an endless body is cut off", "a body that does not end is an error long before memory is, in a string as well as between values", true, endlessBodyIsCutOff},
	{"a repeated page ends in an error", "a service that answers every page with the same one is an error, not a loop and not a complete read", true, repeatedPageIsAnError},
	{"cancellation returns promptly", "a cancelled context ends a read at once, with ctx.Err() in the chain", true, cancellationIsPrompt},
	{"errors hold no secret and nobody's data", "an error says what happened and to what, with neither credentials nor a person's data, even when the service echoes them", true, errorsAreSafe},
}

// stage is a service, the suite's gate before it, and the sources made for it.
type stage struct {
	service SourceService
	people  []cast.Person
	gate    *gate
	base    *url.URL
	client  *http.Client
}

// company makes the people that a suite works with.
func (s SourceSuite) company() []cast.Person {
	n := s.People
	if n == 0 {
		n = 40
	}
	return cast.Company(n, 7)
}

// open starts a service behind a gate and closes both when the test ends.
func open(t testing.TB, s SourceSuite, people []cast.Person) *stage {
	t.Helper()
	st := &stage{service: s.Open(t, people), people: people}
	if st.service.Handler == nil {
		return st
	}
	st.gate = &gate{next: st.service.Handler, listing: st.service.Listing, released: make(chan struct{})}
	server := httptest.NewServer(st.gate)
	transport := &http.Transport{}
	t.Cleanup(func() {
		close(st.gate.released)
		transport.CloseIdleConnections()
		server.Close()
	})
	base, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	st.base, st.client = base, &http.Client{Transport: transport}
	return st
}

// source makes a fresh source for the stage's service.
func (st *stage) source(t testing.TB) connectors.Source {
	t.Helper()
	src, err := st.service.New(st.base, st.client)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return src
}

// reading is what one read yielded.
type reading struct {
	pages []connectors.Page
	err   error
	more  bool // something was yielded after the last page or an error
}

func (r reading) people() []model.Observation {
	var all []model.Observation
	for _, p := range r.pages {
		all = append(all, p.People...)
	}
	return all
}

// complete reports whether the read claims to be whole.
func (r reading) complete() bool {
	for _, p := range r.pages {
		if p.Last {
			return true
		}
	}
	return false
}

const (
	maxPages    = 5000
	readTimeout = 60 * time.Second
)

// read reads to the end, bounded in pages and time.
func read(ctx context.Context, src connectors.Source, from connectors.Cursor) reading {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	var r reading
	ended := false
	for page, err := range src.Read(ctx, from) {
		if ended {
			r.more = true
			break
		}
		if err != nil {
			r.err, ended = err, true
			continue
		}
		r.pages = append(r.pages, page)
		ended = page.Last
		if len(r.pages) > maxPages {
			r.err = fmt.Errorf("the read does not end: %d pages", len(r.pages))
			break
		}
	}
	return r
}
