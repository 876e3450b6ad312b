// Package ingest is the only door for changes.
//
// Whatever happens (a page of a read, a SCIM write, an activation, a decision, a
// new day) becomes one transaction: the records change, their neighbourhood is
// planned by package reconcile, persons, links and conflicts follow, a job is put
// for each person who now differs from what a target holds, and the journal gets
// its receipt. No observation is durable without its consequences.
//
// What concerns many jobs (the end of a run, an answer to what it holds, a wave) is
// decided in one transaction and carried out in several: see [ruling].
//
// It does no network I/O, keeps no state of its own beside the store, and starts
// no goroutine. All methods of [Engine] are safe for concurrent use; writes queue
// up behind the store's single writer.
package ingest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"sync"
	"sync/atomic"
	"time"

	"rollcall/appliance/model"
	"rollcall/appliance/reconcile"
	"rollcall/appliance/store"
)

// Settings are what the configuration says, as far as changes depend on it.
// They are read-only once handed over.
type Settings struct {
	Policy   reconcile.Policy
	Limits   reconcile.Limits
	Location *time.Location // whose "today" dates mean
	// AbsentReads is how many complete reads in a row must miss a record.
	AbsentReads int
	// ForgottenForGood leaves out whom a human erased whatever a source says of
	// them; else only until it says that they work here.
	ForgottenForGood bool
	// WavesFrom is how many accounts a run must write to go out in waves; 0: never,
	// unless it is asked for.
	WavesFrom int
	Sources   map[string]SourceSettings
	Targets   []TargetSettings // in the order of the configuration
}

// SourceSettings are what ingest needs to know of one source.
type SourceSettings struct {
	Kind model.Kind
	// Scope says whom a polled source is asked as: address, account, key, API. It
	// holds no secret. Empty: not told.
	Scope string
	// MatchNumber says that employee numbers identify records of this source.
	MatchNumber bool
	// Print differs when what makes records of the source does: its map, its scope,
	// what it is matched by and what groups are made of.
	Print string
	// Groups names the attributes of which each value is a group of the source, of kinds
	// that are read; empty: none.
	Groups []model.Name
	// Adjust applies the configured map and scope to an observation; nil: none.
	Adjust func(*model.Observation)
	// MapResource turns a SCIM resource into an observation; for pushing kinds.
	MapResource func(resource json.RawMessage) (model.Observation, error)
}

// TargetSettings are what ingest needs to know of one target.
type TargetSettings struct {
	Name  string
	Rules reconcile.TargetRules
	// Groups says that the groups of sources are delivered.
	Groups bool
	// Drift says what to do about accounts that somebody else changed; empty is
	// DriftReport.
	Drift string
	// ReadBack says that the accounts can be listed, so that a run can go out in
	// waves.
	ReadBack bool
}

// Engine applies changes to the store.
type Engine struct {
	store      *store.Store
	settings   atomic.Pointer[Settings]
	now        func() time.Time
	kick       func(target string)
	carrying   sync.Map  // the runs of which something is being carried out by a caller
	activating sync.Map  // the sources that a caller is activating
	macs       sync.Pool // of keyed hashes
}

// New returns an engine. now is the clock; kick is called after a commit that
// left something to send to a target, must not block, and may be nil.
func New(s *store.Store, settings *Settings, now func() time.Time, kick func(target string)) *Engine {
	if kick == nil {
		kick = func(string) {}
	}
	e := &Engine{store: s, now: now, kick: kick}
	e.macs.New = func() any { return hmac.New(sha256.New, e.store.Secret()) }
	e.settings.Store(settings)
	return e
}

// Settings returns the settings in force.
func (e *Engine) Settings() *Settings { return e.settings.Load() }

// SetSettings replaces the settings for changes that begin after it.
func (e *Engine) SetSettings(s *Settings) { e.settings.Store(s) }

// Today is the customer's calendar date.
func (e *Engine) Today() model.Date {
	return model.Date(e.now().In(e.Settings().Location).Format(time.DateOnly))
}

// actor names of the journal for what no human asked for.
const (
	actorSelf   = "rollcall"
	actorSource = "source:"
)

// change is one transaction in the making.
type change struct {
	e        *Engine
	tx       *store.Tx
	settings *Settings
	today    model.Date
	at       time.Time
	actor    string
	run      uint64
	// initial is the state in which new jobs begin.
	initial model.JobState
	// sender is set for SCIM writes, whose effects a sliding window guards.
	sender string
	// dry says that the transaction is a rehearsal: nothing is written
	// to journal and history, which nobody could read.
	dry bool
	// everyone re-evaluates all persons of the neighbourhood, changed or not.
	everyone bool
	// lookFirst makes new jobs look for an account before they create one.
	lookFirst bool
	// gone says that the account of whom is evaluated is not there any more.
	gone bool

	counts   model.RunCounts
	flapping map[model.Name]int // attributes that began to go back and forth
	kicks    map[string]bool
	touched  map[model.PersonID]bool // persons whose projections must be looked at
	// were are the people written in this settling as they were before, for the
	// history; nil stands for somebody new. heirs took over who is gone.
	were  map[model.PersonID]*model.Person
	heirs map[model.PersonID]model.PersonID
	// grouped are the groups made of attributes that this change touched already.
	grouped map[model.GroupRef]bool
	// ends are those whose chain of managers was followed to its end, while none of
	// them changes; nil: nobody's is remembered.
	ends map[model.PersonID]bool
	// ruled are the runs of which something was decided that is carried out after
	// the commit; rulings what is known of what is being carried out, nil: nothing.
	ruled   []uint64
	rulings map[uint64]*ruling
	// released says that something a guard held has nothing to hold any more.
	released bool
}

func (e *Engine) begin(tx *store.Tx, actor string, run uint64, initial model.JobState) *change {
	return &change{e: e, tx: tx, settings: e.Settings(), today: e.Today(), at: e.now().UTC(), actor: actor, run: run, initial: initial,
		kicks: map[string]bool{}, touched: map[model.PersonID]bool{}, flapping: map[model.Name]int{},
		were: map[model.PersonID]*model.Person{}, heirs: map[model.PersonID]model.PersonID{}, grouped: map[model.GroupRef]bool{}, rulings: map[uint64]*ruling{}}
}

// update runs fn as one change in a transaction of its own and kicks the lanes
// that got something to send once it is on disk.
func (e *Engine) update(actor string, run uint64, initial model.JobState, fn func(*change) error) error {
	return e.commit(e.store.Update, actor, run, initial, fn)
}

// share is update for small changes that come from many at once, such as SCIM
// writes: those that wait together go to disk in one transaction. fn may run more
// than once, and should refuse before it writes.
func (e *Engine) share(actor string, run uint64, initial model.JobState, fn func(*change) error) error {
	return e.commit(e.store.Batch, actor, run, initial, fn)
}

func (e *Engine) commit(write func(func(*store.Tx) error) error, actor string, run uint64, initial model.JobState, fn func(*change) error) error {
	var c *change
	err := write(func(tx *store.Tx) error {
		c = e.begin(tx, actor, run, initial)
		return fn(c)
	})
	if err != nil {
		return err
	}
	for target := range c.kicks {
		e.kick(target)
	}
	for _, seq := range c.ruled {
		if err := e.carry(seq); err != nil {
			return fmt.Errorf("carry out what was decided of run %d, which stands and goes on by itself: %w", seq, err)
		}
	}
	return nil
}

// event appends to the journal.
func (c *change) event(verb, subject, reason string, fields ...string) (uint64, error) {
	if c.dry {
		return 0, nil
	}
	return c.tx.Append(model.Event{At: c.at, Actor: c.actor, Subject: subject, Verb: verb, Reason: reason, Fields: fields, Run: c.run})
}

// digest is a keyed digest of any JSON value: equal values have equal digests,
// and nobody without the database's secret can guess a value from one.
func (e *Engine) digest(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		// Only strings, numbers and maps of them come here.
		panic("ingest: digest of an unencodable value: " + err.Error())
	}
	return e.digestOf(raw)
}

// digestDesired is digest of a desired state.
func (e *Engine) digestDesired(d *model.Desired) string {
	return e.digestOf(d.AppendJSON(make([]byte, 0, 512)))
}

func (e *Engine) digestOf(raw []byte) string {
	mac := e.macs.Get().(hash.Hash)
	defer e.macs.Put(mac)
	mac.Reset()
	mac.Write(raw)
	var sum [sha256.Size]byte
	return hex.EncodeToString(mac.Sum(sum[:0])[:16])
}

// roster answers reconcile.Gather out of the running transaction, with some records as
// they are about to be written.
type roster struct {
	tx        *store.Tx
	unwritten map[model.RecordID]*model.Record
}

func (r roster) Record(id model.RecordID) (model.Record, bool, error) {
	if rec := r.unwritten[id]; rec != nil {
		return *rec, !rec.Staged, nil
	}
	rec, ok, err := store.Records.Get(r.tx, id)
	return rec, ok && !rec.Staged, err
}

func (r roster) Carriers(id model.Identifier, limit int) ([]model.Record, bool, error) {
	var ids []model.RecordID
	for rec, err := range store.GlanceBy(r.tx, store.RecordByIdentifier, store.IdentifierKey(id)) {
		if err != nil {
			return nil, false, err
		}
		if rec.Staged && r.unwritten[rec.ID] == nil {
			continue
		}
		if len(ids) == limit {
			return nil, true, nil
		}
		ids = append(ids, rec.ID)
	}
	out, err := r.all(ids)
	return out, false, err
}

func (r roster) RecordsOf(person model.PersonID) ([]model.Record, error) {
	var ids []model.RecordID
	for id, err := range store.RecordByPerson.Keys(r.tx, store.Prefix(string(person))) {
		if err != nil {
			return nil, err
		}
		ids = append(ids, model.RecordID(id))
	}
	return r.all(ids)
}

// all returns those of the records that take part.
func (r roster) all(ids []model.RecordID) ([]model.Record, error) {
	out := make([]model.Record, 0, len(ids))
	for _, id := range ids {
		rec, ok, err := r.Record(id)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, rec)
		}
	}
	return out, nil
}

func (r roster) Person(id model.PersonID) (model.Person, bool, error) {
	return store.Persons.Get(r.tx, id)
}

func (r roster) DecisionsOn(id model.RecordID) ([]model.Decision, error) {
	var out []model.Decision
	for d, err := range store.DecisionByRecord.Find(r.tx, store.Key(string(id))) {
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, nil
}
