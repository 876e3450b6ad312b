package ingest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"iter"
	"slices"
	"strconv"

	"rollcall/appliance/model"
	"rollcall/appliance/reconcile"
	"rollcall/appliance/store"
)

// HeldDigest is the digest of [Engine.Held].
func (e *Engine) HeldDigest(seq uint64) (string, error) {
	digest, _, err := e.Held(seq)
	return digest, err
}

// Held counts the deliveries that a run holds, and pins what it holds: the digest
// changes when anything of it does, a value that would be written or a hold that was
// answered, so that an answer is to exactly what was shown. Attempts, reasons and times
// are not part of it.
func (e *Engine) Held(seq uint64) (digest string, n int, err error) {
	err = e.store.View(func(tx *store.Tx) error {
		run, _, err := store.Runs.Get(tx, seq)
		if err != nil {
			return err
		}
		c := e.begin(tx, actorSelf, seq, model.JobReady)
		sum := e.newHeldSum(run)
		for job, err := range c.held(seq) {
			if err != nil {
				return err
			}
			sum.add(job)
			n++
		}
		digest = sum.String()
		return nil
	})
	return digest, n, err
}

// heldSum is a keyed digest of what a run holds in the making: its holds, then the jobs.
type heldSum struct {
	mac hash.Hash
	buf []byte
}

func (e *Engine) newHeldSum(run model.Run) *heldSum {
	s := &heldSum{mac: hmac.New(sha256.New, e.store.Secret())}
	s.texts(runSubject(run.Seq), strconv.Itoa(len(run.Holds)))
	for _, h := range run.Holds {
		s.texts(h.Guard, h.Target, string(h.State), string(h.Attribute), h.Department, strconv.Itoa(h.Count), strconv.Itoa(h.Limit))
	}
	return s
}

func (s *heldSum) texts(list ...string) {
	s.buf = s.buf[:0]
	for _, text := range list {
		s.buf = append(binary.AppendUvarint(s.buf, uint64(len(text))), text...)
	}
	s.mac.Write(s.buf)
}

func (s *heldSum) add(job model.Job) {
	s.texts(job.Target, string(job.Person), string(job.Effect), job.Digest)
}

// String is short, because a human copies it.
func (s *heldSum) String() string { return hex.EncodeToString(s.mac.Sum(nil)[:8]) }

// held yields the jobs that guards hold of a run, in the order of targets and people.
func (c *change) held(seq uint64) iter.Seq2[model.Job, error] {
	return func(yield func(model.Job, error) bool) {
		for job, err := range store.JobByRun.Find(c.tx, store.Seq(seq)) {
			if err == nil {
				job, err = c.judged(job)
			}
			if (err != nil || job.State == model.JobHeld) && !yield(job, err) {
				return
			}
		}
	}
}

// answer is what a human decided about what a run holds: about all of it, or the part
// that the ruling has selected.
type answer struct {
	State model.HoldState `json:"state"`
	Part  bool            `json:"part,omitempty"`
}

// Approve releases what a run holds. digest, when not empty, must be that of
// [Engine.HeldDigest] when the human looked; otherwise nothing happens. What is many
// deliveries is released after the answer was stored, see [ruling]; Approve returns
// when all of it is.
func (e *Engine) Approve(actor string, seq uint64, digest string) (released int, err error) {
	released, _, err = e.decideHold(actor, seq, digest, model.HoldApproved, nil)
	return released, err
}

// ApproveSome releases those of what a run holds that are chosen; the others go on
// waiting, and so does a hold that has any of them. What is no delivery, such as
// the counting of absences, is only approved whole. chosen is asked about each, again when
// anything has changed by the time of the answer.
func (e *Engine) ApproveSome(actor string, seq uint64, digest string, chosen func(model.Job) bool) (released, waiting int, err error) {
	return e.decideHold(actor, seq, digest, model.HoldApproved, chosen)
}

// Reject lets what a run holds lie until the people concerned change.
func (e *Engine) Reject(actor string, seq uint64, digest string) (rejected int, err error) {
	rejected, _, err = e.decideHold(actor, seq, digest, model.HoldRejected, nil)
	return rejected, err
}

func (e *Engine) decideHold(actor string, seq uint64, digest string, state model.HoldState, chosen func(model.Job) bool) (decided, waiting int, err error) {
	// What is held is read before the transaction, in which it is enough then that
	// nothing has changed since: many senders wait for it.
	var seen *holdings
	err = e.store.View(func(tx *store.Tx) error {
		seen, err = e.begin(tx, actor, seq, model.JobReady).holdings(seq, chosen)
		return err
	})
	if err != nil {
		return 0, 0, err
	}
	err = e.update(actor, seq, model.JobReady, func(c *change) error {
		now, err := c.stampOf(seq)
		if err != nil {
			return err
		}
		if now != seen.stamp {
			if seen, err = c.holdings(seq, chosen); err != nil {
				return err
			}
		}
		if digest != "" && digest != seen.digest {
			return &StaleError{What: fmt.Sprintf("run %d is not what you saw any more: someone decided, or people changed: look again with \"rollcall runs show %d\"", seq, seq)}
		}
		decided, waiting = seen.done, seen.left
		if decided == 0 && chosen != nil {
			return &InvalidError{What: fmt.Sprintf("nobody held by run %d is chosen by that", seq)}
		}
		if err := c.answerHolds(seen.run, seen.tally, state, chosen == nil); err != nil {
			return err
		}
		r := &ruling{Actor: actor, Run: model.Run{Seq: seq}, Answer: &answer{State: state, Part: chosen != nil}, selected: &seen.selected}
		return c.rule(r, decided)
	})
	return decided, waiting, err
}

// holdings are what a run holds that waits for an answer.
type holdings struct {
	*tally
	run      model.Run
	digest   string // that of [Engine.Held]
	selected Selection
	stamp    stamp
}

// holdings reads what a run holds. It refuses when there is nothing to answer.
func (c *change) holdings(seq uint64, chosen func(model.Job) bool) (*holdings, error) {
	run, ok, err := store.Runs.Get(c.tx, seq)
	switch {
	case err != nil:
		return nil, err
	case !ok:
		return nil, &NotFoundError{What: runSubject(seq)}
	}
	if err := c.unruled(seq); err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(run.Holds, func(h model.Hold) bool { return h.State == model.HoldWaiting }) {
		return nil, &StaleError{What: fmt.Sprintf("run %d holds nothing that waits for an answer", seq)}
	}
	l := &holdings{tally: newTally(run), run: run}
	sum := c.e.newHeldSum(run)
	for job, err := range c.held(seq) {
		if err != nil {
			return nil, err
		}
		sum.add(job)
		now := chosen == nil || chosen(job)
		if l.count(job, now); now && chosen != nil {
			l.selected.Add(job.Target, job.Person)
		}
	}
	l.digest = sum.String()
	l.stamp, err = c.stampOf(seq)
	return l, err
}

// stamp is a digest of everything that an answer to what a run holds depends on: the
// run, what is being carried out of it, its jobs.
type stamp [sha256.Size]byte

func (c *change) stampOf(seq uint64) (s stamp, err error) {
	run, _, err := store.Runs.Get(c.tx, seq)
	if err != nil {
		return s, err
	}
	under, err := rulingOf(c.tx, seq)
	if err != nil {
		return s, err
	}
	sum := sha256.New()
	if err := json.NewEncoder(sum).Encode([]any{run, under}); err != nil {
		return s, err
	}
	for raw, err := range store.JobByRun.Rows(c.tx, append(store.Seq(seq), 0)) {
		if err != nil {
			return s, err
		}
		sum.Write(raw)
	}
	return stamp(sum.Sum(nil)), nil
}

// tally counts the jobs that a run's holds hold: those that a human decides upon, and
// those that go on waiting; and, for each hold, the ones that it covers.
type tally struct {
	holds                  []model.Hold
	done, left             int
	doneOfHold, leftOfHold []int
}

func newTally(run model.Run) *tally {
	return &tally{holds: run.Holds, doneOfHold: make([]int, len(run.Holds)), leftOfHold: make([]int, len(run.Holds))}
}

func (t *tally) count(job model.Job, done bool) {
	all, ofHold := &t.left, t.leftOfHold
	if done {
		all, ofHold = &t.done, t.doneOfHold
	}
	*all++
	for i, h := range t.holds {
		if job.Target == h.Target && reconcile.Covers(h, job) {
			ofHold[i]++
		}
	}
}

// answerHolds notes on a run's holds what a human decided on some or all of the
// jobs they hold.
func (c *change) answerHolds(run model.Run, t *tally, state model.HoldState, whole bool) error {
	run.Holds = slices.Clone(run.Holds)
	for i, h := range run.Holds {
		if h.State != model.HoldWaiting {
			continue
		}
		if !whole {
			run.Holds[i].Released += t.doneOfHold[i]
			if t.doneOfHold[i] == 0 || h.Target == "" || t.leftOfHold[i] > 0 {
				continue
			}
		}
		run.Holds[i].State, run.Holds[i].By, run.Holds[i].At = state, c.actor, c.at
		if state == model.HoldApproved {
			if err := c.accept(run, h); err != nil {
				return err
			}
		}
	}
	what := fmt.Sprintf("%d deliveries", t.done)
	if t.left > 0 {
		what += fmt.Sprintf(", %d go on waiting", t.left)
	}
	if _, err := c.event(string(state), runSubject(run.Seq), what); err != nil {
		return err
	}
	return store.Runs.Put(c.tx, run.Seq, run)
}

// accept does what an approval means beyond releasing deliveries.
func (c *change) accept(run model.Run, h model.Hold) error {
	switch h.Guard {
	case reconcile.GuardShrink, reconcile.GuardCoverage:
	case reconcile.GuardRolling, reconcile.GuardDepartment, reconcile.GuardCreations:
		// A human has seen them all: the count begins anew.
		return c.forgive(h)
	default:
		return nil
	}
	s, ok, err := store.Sources.Get(c.tx, run.Source)
	if err != nil || !ok {
		return err
	}
	if h.Guard == reconcile.GuardShrink {
		// The smaller number is the one to compare the next reads with: from there,
		// absence counts as usual, under the other guards.
		s.LastCount, s.AcceptedMissing = h.Count, h.Limit-h.Count
	} else {
		delete(s.Lost, h.Attribute)
		if s.Coverage != nil {
			s.Coverage[h.Attribute] = h.Count
		}
	}
	return store.Sources.Put(c.tx, s.Name, s)
}
