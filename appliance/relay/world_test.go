package relay_test

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/appliance/ingest"
	"rollcall/appliance/model"
	"rollcall/appliance/reconcile"
	"rollcall/appliance/relay"
	"rollcall/appliance/store"
	"rollcall/appliance/store/storetest"
	"rollcall/connectors"
)

// target is a SaaS in memory that fails on demand and remembers who asked what.
type target struct {
	mu       sync.Mutex
	accounts map[string]model.Account // by remote id
	made     int
	calls    []call
	// fail decides before an operation; applied decides after one was applied,
	// so that the change is there and the answer is lost. Both may be nil.
	fail, applied func(call) error
	// partial ends the listing before its last page.
	partial bool
	// keeps is the form in which a value is kept; nil: as it was sent.
	keeps func(model.Name, string) string
	// hidden is an account that listings miss.
	hidden string
	// forgetful drops every link to a manager without a word.
	forgetful bool
}

// call is one request: list, find, create, update, deactivate.
type call struct {
	op, login string
	at        time.Time
	manager   string
}

func (f *target) enter(c call) error {
	c.at = time.Now()
	f.calls = append(f.calls, c)
	if f.fail != nil {
		return f.fail(c)
	}
	return nil
}

func (f *target) answer(c call, a model.Account) (model.Account, error) {
	if f.applied != nil {
		if err := f.applied(c); err != nil {
			return model.Account{}, err
		}
	}
	return a, nil
}

func (f *target) List(context.Context) iter.Seq2[connectors.AccountPage, error] {
	return func(yield func(connectors.AccountPage, error) bool) {
		f.mu.Lock()
		defer f.mu.Unlock()
		if err := f.enter(call{op: "list"}); err != nil {
			yield(connectors.AccountPage{}, err)
			return
		}
		accounts := slices.SortedFunc(maps.Values(f.accounts), func(a, b model.Account) int { return cmp.Compare(a.RemoteID, b.RemoteID) })
		accounts = slices.DeleteFunc(accounts, func(a model.Account) bool { return a.RemoteID == f.hidden })
		yield(connectors.AccountPage{Accounts: accounts, Last: !f.partial}, nil)
	}
}

func (f *target) Find(_ context.Context, email string) (model.Account, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.enter(call{op: "find", login: email}); err != nil {
		return model.Account{}, false, err
	}
	a, ok := f.byLogin(email)
	return a, ok, nil
}

func (f *target) byLogin(email string) (model.Account, bool) {
	for _, a := range f.accounts {
		if strings.EqualFold(a.Login, email) {
			return a, true
		}
	}
	return model.Account{}, false
}

func (f *target) id() string {
	f.made++
	return fmt.Sprintf("j%d", f.made)
}

func (f *target) Create(_ context.Context, want model.Desired) (model.Account, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := call{op: "create", login: want.Email}
	if want.Manager != nil {
		c.manager = want.Manager.RemoteID
	}
	if err := f.enter(c); err != nil {
		return model.Account{}, err
	}
	if _, taken := f.byLogin(want.Email); taken {
		return model.Account{}, &connectors.Error{Class: connectors.Taken, Op: "javelo: create account", Detail: "409"}
	}
	a := model.Account{RemoteID: f.id(), Login: want.Email, ExternalID: string(want.Person), Active: want.Active, Attributes: maps.Clone(want.Attributes), ManagerRemoteID: c.manager}
	f.accounts[a.RemoteID] = a
	return f.answer(c, a)
}

func (f *target) Update(_ context.Context, id string, have *model.Desired, want model.Desired) (model.Account, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := call{op: "update", login: want.Email}
	if !want.Active {
		c.op = "deactivate"
	}
	if want.Manager != nil {
		c.manager = want.Manager.RemoteID
	}
	if err := f.enter(c); err != nil {
		return model.Account{}, err
	}
	if f.forgetful {
		c.manager = ""
	}
	a, ok := f.accounts[id]
	if !ok {
		return model.Account{}, &connectors.Error{Class: connectors.Gone, Op: "javelo: update account", Detail: "404"}
	}
	// Only the difference is written, as the contract says.
	if have == nil || have.Active != want.Active {
		a.Active = want.Active
	}
	if have == nil || have.Email != want.Email {
		a.Login = want.Email
	}
	if a.Attributes = maps.Clone(a.Attributes); a.Attributes == nil {
		a.Attributes = map[model.Name]string{}
	}
	for n, v := range want.Attributes {
		if have != nil {
			if old, known := have.Attributes[n]; known && old == v {
				continue
			}
		}
		if f.keeps != nil {
			v = f.keeps(n, v)
		}
		a.Attributes[n] = v
	}
	if want.Manager != nil && (have == nil || have.Manager == nil || have.Manager.Person != want.Manager.Person) {
		a.ManagerRemoteID = c.manager
	}
	f.accounts[id] = a
	return f.answer(c, a)
}

// world is a lane between a real store and a target in memory. It lives inside a
// synctest bubble: time passes only when everybody waits.
type world struct {
	t        *testing.T
	s        *store.Store
	e        *ingest.Engine
	settings *ingest.Settings
	target   *target
	budget   relay.Budget
	shelf    *shelf                // nil: the target takes people one by one
	sftp     connectors.FileTarget // a file over a real server
	lane     *relay.Lane
	stop     func()
}

// inBubble runs a test with a world of n people who are ready to be created.
func inBubble(t *testing.T, n int, test func(*testing.T, *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.read(people(n)...)
		if _, err := w.e.Activate("test", "hr"); err != nil {
			t.Fatal(err)
		}
		test(t, w)
	})
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, s: storetest.Open(t), target: &target{accounts: map[string]model.Account{}}}
	w.settings = &ingest.Settings{
		Policy: reconcile.Policy{AbsentDeactivates: true}, Location: time.UTC, AbsentReads: 1,
		Sources: map[string]ingest.SourceSettings{"hr": {Kind: model.KindHiBob}},
		Targets: []ingest.TargetSettings{{Name: "javelo", Rules: reconcile.TargetRules{Attributes: []model.Name{model.GivenName, model.Title}}}},
	}
	w.e = ingest.New(w.s, w.settings, time.Now, func(string) {
		if w.lane != nil {
			w.lane.Kick()
		}
	})
	return w
}

// start runs a lane until stop or the end of the test.
func (w *world) start() {
	w.t.Helper()
	w.lane = w.newLane()
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan error, 1)
	w.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Errorf("Run: %v", err)
		}
	})
	w.t.Cleanup(w.stop)
	go func() { done <- w.lane.Run(ctx) }()
	synctest.Wait()
}

// pass lets time go by.
func (w *world) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func someone(n int, pairs ...string) model.Observation {
	o := model.Observation{Native: fmt.Sprint(n), Status: model.Active, Attributes: model.Attributes{
		model.GivenName: model.Text(fmt.Sprintf("Given%d", n)), model.Email: model.Text(address(n))}}
	for i := 0; i < len(pairs); i += 2 {
		name, value := model.Name(pairs[i]), model.Text(pairs[i+1])
		if name == model.Manager {
			value.Refs = []model.Reference{{By: model.RefNative, Value: pairs[i+1]}}
		}
		o.Attributes[name] = value
	}
	return o
}

func left(o model.Observation) model.Observation {
	o.Status = model.Inactive
	return o
}

func address(n int) string { return fmt.Sprintf("p%d@acme.example", n) }

func people(n int, pairs ...string) []model.Observation {
	out := make([]model.Observation, n)
	for i := range out {
		out[i] = someone(i+1, pairs...)
	}
	return out
}

// read is a complete read of the source.
func (w *world) read(list ...model.Observation) {
	w.t.Helper()
	r, err := w.e.StartRead("hr")
	if err != nil {
		w.t.Fatal(err)
	}
	if err := r.Page(connectors.Page{People: list}); err != nil {
		w.t.Fatal(err)
	}
	if _, err := r.Finish(nil); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) person(n int) model.PersonID {
	w.t.Helper()
	var r model.Record
	if err := w.s.View(func(tx *store.Tx) (err error) {
		r, _, err = store.RecordByNative.One(tx, store.Key("hr", fmt.Sprint(n)))
		return err
	}); err != nil {
		w.t.Fatal(err)
	}
	return r.Person
}

func all[K, V any](w *world, table *store.Table[K, V]) (out []V) {
	w.t.Helper()
	if err := w.s.View(func(tx *store.Tx) error {
		for v, err := range table.Each(tx, nil) {
			if err != nil {
				return err
			}
			out = append(out, v)
		}
		return nil
	}); err != nil {
		w.t.Fatal(err)
	}
	return out
}

func (w *world) laneState() model.Lane {
	w.t.Helper()
	for _, l := range all(w, store.Lanes) {
		return l
	}
	return model.Lane{}
}

func (w *world) verbs() (out []string) {
	for _, e := range all(w, store.Journal) {
		out = append(out, e.Verb)
	}
	return out
}

// ops are the calls since the last time, as "create p1".
func (w *world) ops() []string {
	w.target.mu.Lock()
	defer w.target.mu.Unlock()
	out := []string{}
	for _, c := range w.target.calls {
		local, _, _ := strings.Cut(c.login, "@")
		out = append(out, strings.TrimSpace(c.op+" "+local))
	}
	w.target.calls = nil
	return out
}

// writes counts the calls since the last time that change something.
func (w *world) writes() int {
	n := 0
	for _, op := range w.ops() {
		if !strings.HasPrefix(op, "list") && !strings.HasPrefix(op, "find") {
			n++
		}
	}
	return n
}

// behave changes how the target answers.
func (w *world) behave(fail, applied func(call) error) {
	w.target.mu.Lock()
	defer w.target.mu.Unlock()
	w.target.fail, w.target.applied = fail, applied
}

// always fails every write with one class.
func always(class connectors.Class) func(call) error {
	return func(c call) error {
		if c.op == "list" || c.op == "find" {
			return nil
		}
		return &connectors.Error{Class: class, Op: "javelo: write", Detail: "on purpose"}
	}
}

func (w *world) settled() {
	w.t.Helper()
	for _, j := range all(w, store.Outbox) {
		w.t.Errorf("%s of %s is %s: %s", j.Effect, j.Person, j.State, j.LastError)
	}
}
