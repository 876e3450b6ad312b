package ingest

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"

	"rollcall/appliance/model"
	"rollcall/appliance/reconcile"
	"rollcall/appliance/store"
)

// ruling is what was decided about the jobs of a run: by the guards at its end, by a
// human who answers its holds, or by a wave that read back from the target. With many
// jobs that takes more than one transaction. It is decided whole in one, which stores
// this; from then on it stands, whatever happens, and is carried out a few jobs at a
// time. Whoever meets a job of the run whose turn has not come takes it for what the
// ruling makes of it, see [change.judged]. Nothing is sent meanwhile, see
// [CarryingOut], and nothing else is decided about the run. No job comes to be one
// that the ruling is about after it was made.
type ruling struct {
	Actor string `json:"actor"`
	// Run is the run as it will be, without what is found on the way, when its end was
	// judged; otherwise only its number.
	Run model.Run `json:"run"`
	// Answer is that of a human, Wave what goes or stops. Without either the guards
	// have judged the end of the run.
	Answer *answer   `json:"answer,omitempty"`
	Wave   *waveRule `json:"wave,omitempty"`
	// Of is how many jobs it was about when it was made, Done how many had their turn.
	Of   int `json:"of,omitempty"`
	Done int `json:"done,omitempty"`
	// Ready says to which targets something was released.
	Ready map[string]bool `json:"ready,omitempty"`

	closing
	selected *Selection // of an answer to a part
}

// ruled says what becomes of the jobs that a ruling is about.
func (r *ruling) ruled(job model.Job) model.Job {
	switch {
	case r.Answer != nil && r.Answer.State == model.HoldApproved:
		job.State, job.Reason = model.JobReady, ""
	case r.Answer != nil:
		job.State, job.Reason = model.JobRejected, "rejected by "+r.Actor
	case r.Wave.stops():
		job.State, job.Reason = model.JobHeld, reconcile.GuardWaves
	default:
		job.State, job.Reason = model.JobReady, ""
	}
	return job
}

// about reports whether the turn of a job of the run is still to come.
func (r *ruling) about(job model.Job) bool {
	switch {
	case r.Answer != nil:
		return job.State == model.JobHeld && (!r.Answer.Part || r.selected.Has(job))
	case r.Wave != nil:
		return job.State == model.JobOpen && job.Target == r.Wave.Target && job.Wave > 0 && (r.Wave.stops() || job.Wave == r.Wave.Number)
	}
	return job.State == model.JobOpen
}

// what says in words what is being carried out.
func (r *ruling) what() string {
	switch {
	case r.Answer != nil:
		return string(r.Answer.State) + " by " + r.Actor
	case r.Wave.stops():
		return "its waves to " + r.Wave.Target + " are stopped"
	case r.Wave != nil:
		return fmt.Sprintf("wave %d to %s", r.Wave.Number, r.Wave.Target)
	}
	return "its end"
}

// closeBatch is how many jobs have their turn at once, and lookBatch at how many it is
// looked for them. Tests make closeBatch small, so that their small runs take several
// transactions.
var closeBatch = 1000

func lookBatch() int { return 10 * closeBatch }

// The names of the settings that hold a ruling, and what an answer to a part of what is
// held was about.
const (
	rulingPrefix   = "closing:"
	selectedPrefix = "selected:"
)

func rulingName(seq uint64) string   { return rulingPrefix + strconv.FormatUint(seq, 10) }
func selectedName(seq uint64) string { return selectedPrefix + strconv.FormatUint(seq, 10) }

// CarryingOut reports whether something that was decided about many jobs is being
// carried out. Nothing is sent meanwhile: managers go before their reports, and a file
// is written, only when all that is ready is there.
func CarryingOut(tx *store.Tx) bool { return len(tx.SettingsNamed(rulingPrefix)) > 0 }

// Carried is something that was decided and is being carried out.
type Carried struct {
	Run uint64
	// What says it in words, such as "approved by uid:1000(jane)".
	What     string
	Done, Of int // deliveries
}

// UnderWay lists what is being carried out.
func UnderWay(tx *store.Tx) (list []Carried, err error) {
	for _, name := range tx.SettingsNamed(rulingPrefix) {
		r := ruling{}
		if _, err := tx.Setting(rulingPrefix+name, &r); err != nil {
			return nil, err
		}
		list = append(list, Carried{Run: r.Run.Seq, What: r.what(), Done: r.Done, Of: r.Of})
	}
	return list, nil
}

// rulingOf returns what is being carried out of a run as it is stored, without what an
// answer to a part is about; nil when there is nothing.
func rulingOf(tx *store.Tx, seq uint64) (r *ruling, err error) {
	_, err = tx.Setting(rulingName(seq), &r)
	return r, err
}

// ruling returns what is being carried out of a run, nil when there is nothing.
func (c *change) ruling(seq uint64) (*ruling, error) {
	if r, known := c.rulings[seq]; known {
		return r, nil
	}
	r, err := rulingOf(c.tx, seq)
	if err != nil {
		return nil, err
	}
	if r != nil && r.Answer != nil && r.Answer.Part {
		var stored []byte
		if _, err := c.tx.Setting(selectedName(seq), &stored); err != nil {
			return nil, err
		}
		r.selected = selectionOf(stored)
	}
	c.rulings[seq] = r
	return r, nil
}

// unruled refuses, in words for a human, to do something to a run of which something
// is being carried out.
func (c *change) unruled(seq uint64) error {
	r, err := c.ruling(seq)
	if err != nil || r == nil {
		return err
	}
	return &StaleError{What: fmt.Sprintf("run %d is being carried out (%s; %d of %d deliveries so far): try again when it is done", seq, r.what(), r.Done, r.Of)}
}

// judged says what a job is while something that was decided about it is being carried
// out: what the ruling makes of it, whether or not its turn has come.
func (c *change) judged(job model.Job) (model.Job, error) {
	if job.State != model.JobOpen && job.State != model.JobHeld {
		return job, nil
	}
	r, err := c.ruling(job.Run)
	switch {
	case err != nil || r == nil || !r.about(job):
		return job, err
	case r.Answer != nil || r.Wave != nil:
		return r.ruled(job), nil
	}
	return c.judgedAtTheEnd(r, job)
}

// rule makes a ruling about n jobs: at once when they are few, else after the
// transaction.
func (c *change) rule(r *ruling, n int) error {
	r.Of = n
	delete(c.rulings, r.Run.Seq)
	if n > closeBatch && !c.dry && !c.tx.Rehearsal() {
		c.ruled = append(c.ruled, r.Run.Seq)
		if r.Answer != nil && r.Answer.Part {
			if err := c.tx.SetSetting(selectedName(r.Run.Seq), r.selected.stored()); err != nil {
				return err
			}
		}
		if err := c.tx.SetSetting(rulingName(r.Run.Seq), r); err != nil {
			return err
		}
		return c.lapse("")
	}
	for after, more := []byte(nil), true; more; {
		var err error
		if after, more, err = c.carryOut(r, after); err != nil {
			return err
		}
		if err := c.tx.Unload(); err != nil {
			return err
		}
	}
	return c.fulfil(r)
}

// carryOut gives the next jobs of a run their turn, those behind the position after.
// It returns where it stopped, and whether there may be more.
func (c *change) carryOut(r *ruling, after []byte) (next []byte, more bool, err error) {
	var jobs []model.Job
	var last model.Job
	looked := 0
	for job, err := range store.JobByRun.PrefixAfter(c.tx, append(store.Seq(r.Run.Seq), 0), after) {
		if err != nil {
			return nil, false, err
		}
		if looked++; r.about(job) {
			jobs = append(jobs, job)
		}
		if last, more = job, len(jobs) == closeBatch || looked == lookBatch(); more {
			break
		}
	}
	if looked > 0 {
		after = store.JobByRun.Position(last, store.TargetPerson{Target: last.Target, Person: last.Person})
	}
	for _, job := range jobs {
		if r.Answer != nil || r.Wave != nil {
			job = r.ruled(job)
		} else if job, err = c.closeJob(r, job); err != nil {
			return nil, false, err
		}
		if job.State == model.JobReady {
			if r.Ready == nil {
				r.Ready = map[string]bool{}
			}
			r.Ready[job.Target] = true
		}
		if err := store.Outbox.Put(c.tx, store.TargetPerson{Target: job.Target, Person: job.Person}, job); err != nil {
			return nil, false, err
		}
	}
	r.Done += len(jobs)
	return after, more, nil
}

// fulfil is the last step of a ruling: what was released may go.
func (c *change) fulfil(r *ruling) error {
	for target := range r.Ready {
		c.kicks[target] = true
	}
	if r.Answer == nil && r.Wave == nil {
		if err := c.finishRun(r); err != nil {
			return err
		}
	}
	delete(c.rulings, r.Run.Seq)
	if err := c.tx.DropSetting(rulingName(r.Run.Seq)); err != nil {
		return err
	}
	if err := c.tx.DropSetting(selectedName(r.Run.Seq)); err != nil {
		return err
	}
	return c.lapse("")
}

// resumeRulings has everything carried out that was decided, and then failed or was cut
// off by the end of the process. One that is under way may be among them.
func (c *change) resumeRulings() {
	for _, name := range c.tx.SettingsNamed(rulingPrefix) {
		if seq, err := strconv.ParseUint(name, 10, 64); err == nil {
			c.ruled = append(c.ruled, seq)
		}
	}
}

// Resume carries out what was decided and is not under way: a full disk stopped it, for
// example. What the end of the process cut off, [Engine.Recover] carries out.
func (e *Engine) Resume() error {
	var left []uint64
	err := e.store.View(func(tx *store.Tx) error {
		under, err := UnderWay(tx)
		for _, u := range under {
			if _, busy := e.carrying.Load(u.Run); !busy {
				left = append(left, u.Run)
			}
		}
		return err
	})
	for _, seq := range left {
		if err == nil {
			err = e.carry(seq)
		}
	}
	return err
}

// carry carries out what was decided about a run, in as few transactions as others
// who want to write leave to it.
// It may be called again after it failed or the process ended, and by two at once.
func (e *Engine) carry(seq uint64) error {
	e.carrying.Store(seq, true)
	defer e.carrying.Delete(seq)
	r, err := e.openRuling(seq)
	if err != nil || r == nil {
		return err
	}
	var after []byte
	for more := true; more; {
		err := e.update(r.Actor, seq, model.JobReady, func(c *change) error {
			now, err := rulingOf(c.tx, seq)
			if err != nil || now == nil {
				more = false
				return err
			}
			now.pins, now.orders, now.selected = r.pins, r.orders, r.selected
			c.rulings[seq] = now
			next, on := after, true
			for n := 0; on && (n == 0 || c.goesOn()); n++ {
				if next, on, err = c.carryOut(now, next); err != nil {
					return err
				}
			}
			if after, more = next, on; more {
				return c.tx.SetSetting(rulingName(seq), now)
			}
			for _, t := range c.settings.Targets {
				c.kicks[t.Name] = true // whoever wanted to send meanwhile rests
			}
			return c.fulfil(now)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// openRuling reads what carrying out a ruling needs to know, once.
func (e *Engine) openRuling(seq uint64) (r *ruling, err error) {
	err = e.store.View(func(tx *store.Tx) error {
		c := e.begin(tx, actorSelf, seq, model.JobReady)
		if r, err = c.ruling(seq); err != nil || r == nil || r.Answer != nil || r.Wave != nil {
			return err
		}
		return c.openClosing(r)
	})
	return r, err
}

// Selection is a set of deliveries that keeps sixteen bytes of each: a digest, long
// enough that no two have the same. The zero value is empty. It is used by one goroutine.
type Selection struct {
	sums   [][sumSize]byte
	sorted bool
}

const sumSize = 16

func sumOf(target string, person model.PersonID) [sumSize]byte {
	sum := sha256.Sum256(store.Key(target, string(person)))
	return [sumSize]byte(sum[:sumSize])
}

func compareSums(a, b [sumSize]byte) int { return bytes.Compare(a[:], b[:]) }

// Add takes the delivery of a person to a target into the set.
func (s *Selection) Add(target string, person model.PersonID) {
	s.sums, s.sorted = append(s.sums, sumOf(target, person)), false
}

// Has reports whether a delivery is in the set.
func (s *Selection) Has(job model.Job) bool {
	if !s.sorted {
		slices.SortFunc(s.sums, compareSums)
		s.sorted = true
	}
	_, in := slices.BinarySearchFunc(s.sums, sumOf(job.Target, job.Person), compareSums)
	return in
}

// stored is the set as it is kept in the database.
func (s *Selection) stored() []byte {
	out := make([]byte, 0, len(s.sums)*sumSize)
	for _, sum := range s.sums {
		out = append(out, sum[:]...)
	}
	return out
}

func selectionOf(stored []byte) *Selection {
	s := &Selection{sums: make([][sumSize]byte, 0, len(stored)/sumSize)}
	for sum := range slices.Chunk(stored, sumSize) {
		s.sums = append(s.sums, [sumSize]byte(sum))
	}
	return s
}
