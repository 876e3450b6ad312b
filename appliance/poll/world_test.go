package poll_test

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"rollcall/appliance/ingest"
	"rollcall/appliance/model"
	"rollcall/appliance/poll"
	"rollcall/appliance/reconcile"
	"rollcall/appliance/store"
	"rollcall/appliance/store/storetest"
	"rollcall/connectors"
)

// source is an HR system in memory of some pages, which fails on demand.
type source struct {
	mu    sync.Mutex
	pages []connectors.Page // page n resumes at cursor "n"
	asked []ask
	// fail decides whether page n is yielded or an error instead; nil: never.
	fail func(n int) error
	// slow lets time pass before every page.
	slow time.Duration
}

// ask is one call of Read.
type ask struct {
	at   time.Time
	from connectors.Cursor
}

func (f *source) Read(ctx context.Context, from connectors.Cursor) iter.Seq2[connectors.Page, error] {
	return func(yield func(connectors.Page, error) bool) {
		f.mu.Lock()
		f.asked = append(f.asked, ask{time.Now(), from})
		pages, fail, slow := f.pages, f.fail, f.slow
		f.mu.Unlock()
		first := 0
		if from != "" {
			fmt.Sscan(string(from), &first)
		}
		for n := first; n < len(pages); n++ {
			if slow > 0 {
				timer := time.NewTimer(slow)
				select {
				case <-ctx.Done():
					timer.Stop()
					yield(connectors.Page{}, ctx.Err())
					return
				case <-timer.C:
				}
			}
			if fail != nil {
				if err := fail(n); err != nil {
					yield(connectors.Page{}, err)
					return
				}
			}
			if !yield(pages[n], nil) {
				return
			}
		}
	}
}

// staff are n people on pages of two.
func staff(n int) []connectors.Page {
	var pages []connectors.Page
	for i := 0; i < n; i += 2 {
		p := connectors.Page{Total: n, Next: connectors.Cursor(fmt.Sprint(len(pages) + 1))}
		for k := i; k < min(i+2, n); k++ {
			p.People = append(p.People, model.Observation{Native: fmt.Sprint(k), Status: model.Active, Attributes: model.Attributes{
				model.GivenName: model.Text("Ada"), model.Email: model.Text(fmt.Sprintf("p%d@acme.example", k))}})
		}
		pages = append(pages, p)
	}
	pages[len(pages)-1].Last = true
	return pages
}

// world is a poller between a source in memory and a real store, in a bubble.
type world struct {
	t      *testing.T
	s      *store.Store
	e      *ingest.Engine
	source *source
	// connector is what the poller reads; nil: source.
	connector connectors.Source
	poller    *poll.Poller
	seed      uint64
	log       hclog.Logger // nil: none
	stop      func()
}

func inBubble(t *testing.T, people int, test func(*testing.T, *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, s: storetest.Open(t), source: &source{pages: staff(people)}, seed: 1}
		settings := &ingest.Settings{Policy: reconcile.Policy{AbsentDeactivates: true}, Location: time.UTC, AbsentReads: 2,
			Sources: map[string]ingest.SourceSettings{"hr": {Kind: model.KindHiBob}}}
		w.e = ingest.New(w.s, settings, time.Now, nil)
		test(t, w)
	})
}

// start runs a poller until stop or the end of the test.
func (w *world) start() {
	w.t.Helper()
	if w.connector == nil {
		w.connector = w.source
	}
	if w.log == nil {
		w.log = hclog.NewNullLogger()
	}
	w.poller = poll.New("hr", w.connector, interval, w.s, w.e, w.log, w.seed)
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan error, 1)
	w.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Errorf("Run: %v", err)
		}
	})
	w.t.Cleanup(w.stop)
	go func() { done <- w.poller.Run(ctx) }()
	synctest.Wait()
}

// pass lets time go by.
func (w *world) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (w *world) behave(fail func(int) error) {
	w.source.mu.Lock()
	defer w.source.mu.Unlock()
	w.source.fail = fail
}

// asked are the calls of Read since the last time.
func (w *world) asked() []ask {
	w.source.mu.Lock()
	defer w.source.mu.Unlock()
	out := w.source.asked
	w.source.asked = nil
	return out
}

func (w *world) state() (s store.SourceState) {
	w.t.Helper()
	if err := w.s.View(func(tx *store.Tx) (err error) { s, _, err = store.Sources.Get(tx, "hr"); return err }); err != nil {
		w.t.Fatal(err)
	}
	return s
}

func (w *world) runs() (out []model.Run) {
	w.t.Helper()
	if err := w.s.View(func(tx *store.Tx) error {
		for r, err := range store.Runs.Each(tx, nil) {
			if err != nil {
				return err
			}
			out = append(out, r)
		}
		return nil
	}); err != nil {
		w.t.Fatal(err)
	}
	return out
}

func refusal(class connectors.Class) error {
	return &connectors.Error{Class: class, Op: "hr: read people", Detail: "on purpose"}
}
