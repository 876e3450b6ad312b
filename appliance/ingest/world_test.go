package ingest_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/appliance/ingest"
	"rollcall/appliance/model"
	"rollcall/appliance/reconcile"
	"rollcall/appliance/store"
	"rollcall/appliance/store/storetest"
	"rollcall/connectors"
	"rollcall/scimsrv"
)

// world is an engine on a real store, with a clock that stands still unless a
// test moves it: two polled sources, one SCIM sender and one target.
type world struct {
	t        *testing.T
	s        *store.Store
	e        *ingest.Engine
	now      time.Time
	settings *ingest.Settings
	kicks    int
	remote   int
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, s: storetest.Open(t), now: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)}
	w.settings = &ingest.Settings{
		Policy:      reconcile.Policy{Authority: []string{"hr", "okta"}, AbsentDeactivates: true},
		Location:    time.UTC,
		AbsentReads: 2,
		Sources: map[string]ingest.SourceSettings{
			"hr":   {Kind: model.KindHiBob},
			"adp":  {Kind: model.KindADP, MatchNumber: true},
			"okta": {Kind: model.KindOkta, MapResource: mapUser},
		},
		Targets: []ingest.TargetSettings{{Name: "javelo", ReadBack: true, Rules: reconcile.TargetRules{Attributes: []model.Name{model.GivenName, model.FamilyName, model.Title, model.Department}}}},
	}
	w.restart()
	return w
}

// restart replaces the engine by a fresh one on the same store.
func (w *world) restart() {
	w.e = ingest.New(w.s, w.settings, func() time.Time { return w.now }, func(string) { w.kicks++ })
}

// limit sets the guards to absolute numbers; a negative one limits nothing.
func (w *world) limit(deactivations, creations, attributes int) {
	set := func(n int) reconcile.Limit { return reconcile.Limit{Count: max(n, 0), HasCount: n >= 0} }
	w.settings.Limits.Deactivations, w.settings.Limits.Creations, w.settings.Limits.Attributes = set(deactivations), set(creations), set(attributes)
}

// mapUser is the smallest map of a SCIM user that the tests need.
func mapUser(raw json.RawMessage) (model.Observation, error) {
	var u struct {
		UserName string
		Active   *bool
		Given    *string
		Family   *string
		Title    *string
	}
	if err := json.Unmarshal(raw, &u); err != nil {
		return model.Observation{}, err
	}
	o := model.Observation{Attributes: model.Attributes{model.Email: model.Text(u.UserName)}, Status: model.Unknown}
	for n, v := range map[model.Name]*string{model.GivenName: u.Given, model.FamilyName: u.Family, model.Title: u.Title} {
		if v != nil {
			o.Attributes[n] = model.Text(*v)
		}
	}
	if u.Active != nil {
		o.Status = model.Inactive
		if *u.Active {
			o.Status = model.Active
		}
	}
	return o, nil
}

// someone is an active employee with a number for a name.
func someone(n int, pairs ...string) model.Observation {
	o := model.Observation{Native: fmt.Sprint(n), Status: model.Active, RawStatus: "employed", Attributes: model.Attributes{
		model.GivenName: model.Text("Given" + letters(n)), model.FamilyName: model.Text("Family"),
		model.Email: model.Text(address(n))}}
	for i := 0; i < len(pairs); i += 2 {
		o.Attributes[model.Name(pairs[i])] = model.Text(pairs[i+1])
	}
	raw, _ := json.Marshal(map[string]any{"id": o.Native, "said": o.Attributes})
	o.Document = raw
	return o
}

// letters spells a number, because names are compared by their letters.
func letters(n int) string {
	return strings.Map(func(r rune) rune { return r - '0' + 'a' }, fmt.Sprint(n))
}

func address(n int) string { return fmt.Sprintf("p%d@acme.example", n) }

func left(o model.Observation) model.Observation {
	o.Status, o.RawStatus = model.Inactive, "terminated"
	return o
}

// people are someone(1) to someone(n).
func people(n int, pairs ...string) []model.Observation {
	out := make([]model.Observation, n)
	for i := range out {
		out[i] = someone(i+1, pairs...)
	}
	return out
}

// page is a page of a read.
func page(list ...model.Observation) connectors.Page { return connectors.Page{People: list} }

// start opens a read.
func (w *world) start(source string) *ingest.Read {
	w.t.Helper()
	r, err := w.e.StartRead(source)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// read is a complete read of one page.
func (w *world) read(source string, list ...model.Observation) model.Run {
	w.t.Helper()
	return w.readUntil(source, nil, list...)
}

// readUntil is a read of one page that ends with an error.
func (w *world) readUntil(source string, end error, list ...model.Observation) model.Run {
	w.t.Helper()
	w.now = w.now.Add(time.Hour)
	r := w.start(source)
	if err := r.Page(page(list...)); err != nil {
		w.t.Fatal(err)
	}
	run, err := r.Finish(end)
	if err != nil {
		w.t.Fatal(err)
	}
	return run
}

func (w *world) activate(source string) model.Run {
	w.t.Helper()
	run, err := w.e.Activate("test", source)
	if err != nil {
		w.t.Fatal(err)
	}
	return run
}

// settled is a world where a source is active and everybody has an account.
func settled(t *testing.T, list ...model.Observation) *world {
	t.Helper()
	w := newWorld(t)
	w.read("hr", list...)
	w.activate("hr")
	w.deliver()
	return w
}

func (w *world) view(fn func(*store.Tx) error) {
	w.t.Helper()
	if err := w.s.View(fn); err != nil {
		w.t.Fatal(err)
	}
}

func all[K, V any](w *world, table *store.Table[K, V]) (out []V) {
	w.t.Helper()
	w.view(func(tx *store.Tx) error {
		for v, err := range table.Each(tx, nil) {
			if err != nil {
				return err
			}
			out = append(out, v)
		}
		return nil
	})
	return out
}

func (w *world) record(source string, n int) model.Record {
	w.t.Helper()
	var r model.Record
	w.view(func(tx *store.Tx) (err error) {
		var ok bool
		if r, ok, err = store.RecordByNative.One(tx, store.Key(source, fmt.Sprint(n))); err == nil && !ok {
			w.t.Fatalf("%s has no record %d", source, n)
		}
		return err
	})
	return r
}

// origin is what a source sent of record n.
func (w *world) origin(source string, n int) (o store.Origin) {
	w.t.Helper()
	id := w.record(source, n).ID
	w.view(func(tx *store.Tx) (err error) { o, _, err = store.Origins.Get(tx, id); return err })
	return o
}

// person is the person whom record n of source belongs to.
func (w *world) person(source string, n int) model.Person {
	w.t.Helper()
	var p model.Person
	id := w.record(source, n).Person
	w.view(func(tx *store.Tx) (err error) {
		var ok bool
		if p, ok, err = store.Persons.Get(tx, id); err == nil && !ok {
			w.t.Fatalf("record %d of %s belongs to nobody", n, source)
		}
		return err
	})
	return p
}

func (w *world) job(id model.PersonID) (model.Job, bool) {
	w.t.Helper()
	var j model.Job
	var ok bool
	w.view(func(tx *store.Tx) (err error) {
		j, ok, err = store.Outbox.Get(tx, store.TargetPerson{Target: "javelo", Person: id})
		return err
	})
	return j, ok
}

func (w *world) delivered(id model.PersonID) (model.Delivered, bool) {
	w.t.Helper()
	var d model.Delivered
	var ok bool
	w.view(func(tx *store.Tx) (err error) {
		d, ok, err = store.Deliveries.Get(tx, store.TargetPerson{Target: "javelo", Person: id})
		return err
	})
	return d, ok
}

// jobs counts the pending jobs by state and effect, as "ready create".
func (w *world) jobs() map[string]int {
	w.t.Helper()
	out := map[string]int{}
	for _, j := range all(w, store.Outbox) {
		out[string(j.State)+" "+string(j.Effect)]++
	}
	return out
}

func (w *world) begin(id model.PersonID) ingest.Attempt {
	w.t.Helper()
	a, err := w.e.Begin("javelo", id)
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

func (w *world) succeed(a ingest.Attempt) {
	w.t.Helper()
	account := model.Account{RemoteID: a.RemoteID, Login: a.Want.Email, Active: a.Want.Active}
	if account.RemoteID == "" {
		w.remote++
		account.RemoteID = fmt.Sprintf("j%d", w.remote)
	}
	if err := w.e.Succeeded(a, account); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) failed(a ingest.Attempt, o ingest.Outcome) {
	w.t.Helper()
	if err := w.e.Failed(a, o); err != nil {
		w.t.Fatal(err)
	}
}

// deliver sends whatever is ready until nothing is, and returns what was done.
func (w *world) deliver() map[model.Effect]int {
	w.t.Helper()
	done := map[model.Effect]int{}
	for range 20 {
		sent := 0
		for _, j := range all(w, store.Outbox) {
			if j.State != model.JobReady || j.NotBefore.After(w.now) {
				continue
			}
			if a := w.begin(j.Person); a.Step == ingest.StepCreate || a.Step == ingest.StepUpdate {
				w.succeed(a)
				done[a.Effect]++
				sent++
			}
		}
		if sent == 0 {
			return done
		}
	}
	w.t.Fatal("deliveries never come to an end")
	return nil
}

// journal lists the verbs of all events, oldest first.
func (w *world) journal() (verbs []string) {
	w.t.Helper()
	for _, e := range all(w, store.Journal) {
		verbs = append(verbs, e.Verb)
	}
	return verbs
}

// since returns the verbs that were journaled after the first n.
func (w *world) since(n int) []string { return w.journal()[n:] }

func (w *world) source(name string) store.SourceState {
	w.t.Helper()
	var s store.SourceState
	w.view(func(tx *store.Tx) (err error) { s, _, err = store.Sources.Get(tx, name); return err })
	return s
}

func (w *world) run(seq uint64) model.Run {
	w.t.Helper()
	var r model.Run
	w.view(func(tx *store.Tx) (err error) { r, _, err = store.Runs.Get(tx, seq); return err })
	return r
}

// holds are the states of what a run holds, as "max_deactivations waiting".
func (w *world) holds(seq uint64) []string {
	w.t.Helper()
	out := []string{}
	for _, h := range w.run(seq).Holds {
		out = append(out, h.Guard+" "+string(h.State))
	}
	return out
}

func (w *world) waiting() (seqs []uint64) {
	w.t.Helper()
	w.view(func(tx *store.Tx) (err error) { seqs, err = ingest.WaitingHolds(tx); return err })
	return seqs
}

func (w *world) conflicts() []string {
	w.t.Helper()
	out := []string{}
	for _, c := range all(w, store.Conflicts) {
		out = append(out, string(c.Kind))
	}
	slices.Sort(out)
	return out
}

func (w *world) conflict(kind model.ConflictKind) model.Conflict {
	w.t.Helper()
	for _, c := range all(w, store.Conflicts) {
		if c.Kind == kind {
			return c
		}
	}
	w.t.Fatalf("no conflict %s among %v", kind, w.conflicts())
	return model.Conflict{}
}

var sender = scimsrv.Caller{Source: "okta", Kind: model.KindOkta, Dialect: "okta", TokenID: "t_1"}
