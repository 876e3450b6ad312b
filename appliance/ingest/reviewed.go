package ingest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"rollcall/appliance/model"
	"rollcall/appliance/store"
)

// Reviewed is one change of a plan that a human looked at. Pin is that of
// [Engine.Pin] when the plan was made.
type Reviewed struct {
	Target string
	Person model.PersonID
	Pin    string
}

func (r Reviewed) key() store.TargetPerson {
	return store.TargetPerson{Target: r.Target, Person: r.Person}
}

// Pin is what makes a planned change the very same change later: its effect, what
// would be written, and what the target is known to hold before. Behind the dot it
// tells what the target holds when it is done.
func (e *Engine) Pin(o Outlook) string {
	all, want := appendPinned(make([]byte, 0, 1024), &o)
	return e.digestOf(all) + "." + e.digestOf(want)
}

// pinned is what a pin is a digest of.
type pinned struct {
	Effect model.Effect
	Want   model.Desired
	Have   *model.Desired
}

// appendPinned appends it as encoding/json writes it; want is the part of it that says
// what is wanted.
func appendPinned(b []byte, o *Outlook) (all, want []byte) {
	b = model.AppendText(append(b, `{"Effect":`...), o.Projection.Effect)
	b = append(b, `,"Want":`...)
	from := len(b)
	b = o.Projection.Want.AppendJSON(b)
	to := len(b)
	b = append(b, `,"Have":`...)
	if o.Have == nil {
		b = append(b, "null"...)
	} else {
		b = o.Have.AppendJSON(b)
	}
	return append(b, '}'), b[from:to:to]
}

// done reports whether a target holds what the change of a pin was to bring about.
func (e *Engine) done(o Outlook, pin string) bool {
	_, want, _ := strings.Cut(pin, ".")
	return o.Delivered != nil && want == e.digestDesired(&o.Delivered.Sent)
}

// Applied is what came of applying a reviewed plan.
type Applied struct {
	Released int // let pass now
	Flowing  int // needed nobody: on its way, or delivered already
	Refused  []Refused
}

// Refused is one change that is not what was reviewed any more.
type Refused struct {
	Reviewed
	Why string
}

// ApplyReviewed releases what runs hold of a reviewed plan, and exactly that:
// whoever would change in another way by now is left as they are, and named. To each run
// that holds something of it, it is an answer to a part.
func (e *Engine) ApplyReviewed(actor string, plan []Reviewed) (Applied, error) {
	var out Applied
	err := e.update(actor, 0, model.JobReady, func(c *change) error {
		out = Applied{}
		parts := map[uint64]*part{}
		for _, r := range plan {
			job, verdict, err := c.review(r)
			if err != nil {
				return err
			}
			switch {
			case verdict != "":
				out.Refused = append(out.Refused, Refused{r, verdict})
				continue
			case job == nil:
				out.Flowing++
				continue
			}
			if parts[job.Run] == nil {
				if parts[job.Run], err = c.partOf(job.Run); err != nil {
					return err
				}
			}
			if p := parts[job.Run]; p.why != "" {
				out.Refused = append(out.Refused, Refused{r, p.why})
			} else {
				p.selected.Add(job.Target, job.Person)
				out.Released++
			}
		}
		for _, seq := range slices.Sorted(maps.Keys(parts)) {
			if err := c.release(parts[seq]); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

// part is what a reviewed plan says of what one run holds.
type part struct {
	seq      uint64
	run      model.Run
	known    bool // there is such a run
	selected Selection
	why      string // nothing of it can be released now
}

func (c *change) partOf(seq uint64) (*part, error) {
	run, ok, err := store.Runs.Get(c.tx, seq)
	if err != nil {
		return nil, err
	}
	p := &part{seq: seq, run: run, known: ok}
	var stale *StaleError
	if err := c.unruled(seq); errors.As(err, &stale) {
		p.why = stale.What
	} else if err != nil {
		return nil, err
	}
	return p, nil
}

// release is the answer to a part of what a run holds.
func (c *change) release(p *part) error {
	if p.why != "" {
		return nil
	}
	t := newTally(p.run)
	for job, err := range c.held(p.seq) {
		if err != nil {
			return err
		}
		t.count(job, p.selected.Has(job))
	}
	if p.known {
		if err := c.answerHolds(p.run, t, model.HoldApproved, false); err != nil {
			return err
		}
	}
	return c.rule(&ruling{Actor: c.actor, Run: model.Run{Seq: p.seq}, Answer: &answer{State: model.HoldApproved, Part: true}, selected: &p.selected}, t.done)
}

// review compares one reviewed change with what would happen now. It returns the
// job to release, or none when nothing holds it, or in words why not.
func (c *change) review(r Reviewed) (*model.Job, string, error) {
	t := c.target(r.Target)
	if t == nil {
		return nil, "there is no such target any more", nil
	}
	o, ok, err := Look(c.tx, t, r.Person)
	if err != nil {
		return nil, "", err
	}
	if !ok {
		return nil, "is not in the roster any more", nil
	}
	job, pending, err := store.Outbox.Get(c.tx, r.key())
	if err == nil {
		job, err = c.judged(job)
	}
	if err != nil {
		return nil, "", err
	}
	switch {
	case c.e.done(o, r.Pin):
		return nil, "", nil
	case o.Projection.Effect == model.EffectNone && o.Projection.Blocked != "":
		return nil, o.Projection.Blocked, nil
	case o.Projection.Effect == model.EffectNone:
		return nil, "nothing is to be done any more", nil
	case c.e.Pin(o) != r.Pin:
		return nil, "would change in another way than was reviewed", nil
	case !pending:
		return nil, "is not pending", nil
	}
	switch job.State {
	case model.JobHeld:
		return &job, "", nil
	case model.JobParked:
		return nil, "the target refused it: " + job.Reason, nil
	case model.JobRejected:
		return nil, "was refused by a human: " + job.Reason, nil
	}
	return nil, "", nil
}

func reviewedName(source string) string { return "reviewed:" + source }

// ActivateReviewed is [Engine.Activate] of a source of which a human reviewed the
// plan: what is in the plan, as it is there, passes the guards, because a human
// has seen it; everything else that the activation would do is held.
func (e *Engine) ActivateReviewed(actor, source string, plan []Reviewed, waves bool) (model.Run, error) {
	pins := map[string]map[model.PersonID]string{}
	for _, r := range plan {
		if pins[r.Target] == nil {
			pins[r.Target] = map[model.PersonID]string{}
		}
		pins[r.Target][r.Person] = r.Pin
	}
	return e.activate(actor, source, func(c *change, s store.SourceState) error {
		if s.State != store.Preview {
			return &StaleError{What: fmt.Sprintf("source %s is %s and not in preview any more", source, s.State)}
		}
		// On disk with the beginning: an activation that is cut off is finished by the
		// next start, and that must not do more than was reviewed.
		if err := c.wantWaves(source, waves); err != nil {
			return err
		}
		return c.tx.SetSetting(reviewedName(source), pins)
	})
}

// reviewedOf returns the reviewed plan that a run must keep to; nil: none.
func (c *change) reviewedOf(run model.Run) (map[string]map[model.PersonID]string, error) {
	if run.Cause != model.CauseActivate {
		return nil, nil
	}
	var pins map[string]map[model.PersonID]string
	_, err := c.tx.Setting(reviewedName(run.Source), &pins)
	return pins, err
}

// forgetReviewed drops the reviewed plan of a run that is over; one that was cut
// off goes on at the next start.
func (c *change) forgetReviewed(run model.Run) error {
	if run.Cause != model.CauseActivate || run.Verdict == model.VerdictInterrupted {
		return nil
	}
	return c.tx.DropSetting(reviewedName(run.Source))
}
