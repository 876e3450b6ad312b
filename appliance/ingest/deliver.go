package ingest

import (
	"fmt"
	"slices"
	"time"

	"rollcall/appliance/model"
	"rollcall/appliance/reconcile"
	"rollcall/appliance/store"
)

// Step says what to do next with a job.
type Step uint8

const (
	// StepNone: nothing differs any more, or nothing may be sent; the job is gone
	// or waits.
	StepNone Step = iota
	// StepCreate: make an account; look for one first when Uncertain is set.
	StepCreate
	// StepUpdate: write the difference between Have and Want to RemoteID.
	StepUpdate
	// StepWait: the manager must get an account first.
	StepWait
)

// Attempt is one delivery about to leave: recorded on disk before the request.
type Attempt struct {
	Target   string
	Person   model.PersonID
	Step     Step
	RemoteID string
	// Have is what the account is known to hold; nil when it is not known. Of what
	// Doubt names, earlier writes without an answer may have made something else.
	Have  *model.Desired
	Doubt []model.Name
	Want  model.Desired
	// LinkLeft says that the link to the manager stays as it is, to be written
	// another time; Want names none then.
	LinkLeft bool
	// Adopt says that the account was not made by us.
	Adopt bool
	// Uncertain says that an earlier create may have been applied: look for the
	// account under Logins first.
	Uncertain bool
	Logins    []string
	Effect    model.Effect
	Number    int // attempts including this one
	// Run is the run that caused the delivery, 0 when a sender did.
	Run uint64
	// BlockedBy is the manager that StepWait waits for.
	BlockedBy model.PersonID

	digest string
	doubt  model.Doubt // as it was before this attempt
	// strange says that the account was found with a link that is ours and leads to
	// nobody known yet.
	strange bool
}

// Begin computes the payload of a job from the person as they are now and records
// the attempt. From here on, until [Engine.Succeeded] or [Engine.Failed], the
// target may or may not have been changed, and a restart assumes that it was.
func (e *Engine) Begin(target string, person model.PersonID) (Attempt, error) {
	var a Attempt
	err := e.update(actorSelf, 0, model.JobReady, func(c *change) error {
		a = Attempt{Target: target, Person: person}
		return c.beginAttempt(&a, nil, nil)
	})
	return a, err
}

// BeginAll is Begin for people who go in one request, in the order to write them, in
// one transaction. take is asked about each attempt before it is recorded; whom it does
// not take stays as they were. A link to a manager who gets their account by the same
// request names the person alone.
func (e *Engine) BeginAll(target string, people []model.PersonID, take func(*Attempt) bool) ([]Attempt, error) {
	var out []Attempt
	err := e.update(actorSelf, 0, model.JobReady, func(c *change) error {
		out = nil
		with := map[model.PersonID]string{}
		for _, person := range people {
			a := Attempt{Target: target, Person: person}
			taken := false
			err := c.beginAttempt(&a, with, func(a *Attempt) bool {
				taken = take(a)
				return taken
			})
			if err != nil {
				return err
			}
			if !taken {
				continue
			}
			out = append(out, a)
			if a.Want.Active {
				with[person] = a.RemoteID
			}
		}
		return nil
	})
	return out, err
}

// beginAttempt computes what to send and, unless take does not take it, records the
// attempt.
func (c *change) beginAttempt(a *Attempt, with map[model.PersonID]string, take func(*Attempt) bool) error {
	t := c.target(a.Target)
	key := store.TargetPerson{Target: a.Target, Person: a.Person}
	job, ok, err := store.Outbox.Get(c.tx, key)
	if err != nil || !ok || t == nil || job.State != model.JobReady || CarryingOut(c.tx) {
		return err
	}
	o, ok, err := Look(c.tx, t, a.Person)
	if err != nil {
		return err
	}
	if !ok || o.Projection.Effect == model.EffectNone {
		return store.Outbox.Delete(c.tx, key)
	}
	if digest := c.e.jobDigest(o.Projection); digest != job.Digest || o.Projection.Effect != job.Effect && o.Projection.Effect != model.EffectAdopt {
		// Something the guards have not seen came in between, such as an
		// account listed meanwhile: judge the job anew, as it is now.
		if job, err = c.rejudge(key, job, o, digest); err != nil || job.State != model.JobReady {
			return err
		}
	}
	if err := a.fill(c.tx, o, with); err != nil {
		return err
	}
	if a.Step == StepWait {
		job.NotBefore = c.at.Add(managerWait)
		return store.Outbox.Put(c.tx, key, job)
	}
	a.Uncertain = job.Uncertain || len(o.Doubt.Logins) > 0
	a.Number, a.digest, a.Run = job.Attempts+1, job.Digest, job.Run
	if take != nil && !take(a) {
		return nil
	}
	if err := c.doubt(a, o); err != nil {
		return err
	}
	job.Attempts, job.Uncertain = a.Number, true
	job.Begun(c.at)
	return store.Outbox.Put(c.tx, key, job)
}

// doubt notes before an attempt what it may change, and tells the attempt what
// earlier ones may have changed.
func (c *change) doubt(a *Attempt, o Outlook) error {
	a.doubt = o.Doubt
	now := model.Doubt{Target: a.Target, Person: a.Person, Changed: slices.Clone(o.Doubt.Changed), Logins: slices.Clone(o.Doubt.Logins)}
	a.Logins = slices.Clone(o.Doubt.Logins)
	if a.Step == StepCreate {
		if a.Want.Email != "" && !slices.Contains(now.Logins, a.Want.Email) {
			now.Logins = append(now.Logins, a.Want.Email)
		}
		return store.Doubts.Put(c.tx, store.TargetPerson{Target: a.Target, Person: a.Person}, now)
	}
	a.Doubt = slices.Clone(now.Changed)
	for _, n := range a.Writes() {
		if !slices.Contains(now.Changed, n) {
			now.Changed = append(now.Changed, n)
		}
	}
	model.SortNames(now.Changed)
	return store.Doubts.Put(c.tx, store.TargetPerson{Target: a.Target, Person: a.Person}, now)
}

// Base is what to write the difference to: what the account is known to hold, made
// to differ where that is in doubt. nil when nothing is known.
func (a *Attempt) Base() *model.Desired {
	if a.Have == nil {
		return nil
	}
	doubt := a.Doubt
	if a.LinkLeft {
		doubt = slices.DeleteFunc(slices.Clone(doubt), func(n model.Name) bool { return n == model.Manager })
	}
	base := reconcile.Unsure(*a.Have, a.Want, doubt)
	return &base
}

// Writes names what an update would write, sorted.
func (a *Attempt) Writes() []model.Name {
	base := a.Base()
	if base == nil {
		return nil
	}
	names := reconcile.Difference(*base, a.Want)
	link := slices.Contains(names, model.Manager)
	switch {
	case a.LinkLeft && link:
		names = slices.DeleteFunc(names, func(n model.Name) bool { return n == model.Manager })
	case !a.LinkLeft && !link && slices.Contains(a.Doubt, model.Manager):
		names = append(names, model.Manager) // from nobody to nobody, which may not be so
		model.SortNames(names)
	}
	return names
}

// restoreDoubt takes back what [change.doubt] noted, because the attempt changed
// nothing.
func (c *change) restoreDoubt(a Attempt) error {
	key := store.TargetPerson{Target: a.Target, Person: a.Person}
	if a.doubt.Empty() {
		return store.Doubts.Delete(c.tx, key)
	}
	return store.Doubts.Put(c.tx, key, a.doubt)
}

// settleDoubt ends the doubt that an answer settled: all but the link, when that
// was left out.
func (c *change) settleDoubt(a Attempt) error {
	key := store.TargetPerson{Target: a.Target, Person: a.Person}
	written := a.Want.Manager != nil && a.Want.Manager.Person != ""
	if a.LinkLeft && slices.Contains(a.Doubt, model.Manager) || a.strange && !written {
		return store.Doubts.Put(c.tx, key, model.Doubt{Target: a.Target, Person: a.Person, Changed: []model.Name{model.Manager}})
	}
	return store.Doubts.Delete(c.tx, key)
}

// notTheirs takes a login off those under which an account of the person may be.
func (c *change) notTheirs(a *Attempt, login string) error {
	key := store.TargetPerson{Target: a.Target, Person: a.Person}
	d, had, err := store.Doubts.Get(c.tx, key)
	if err != nil || !had {
		return err
	}
	d.Logins = slices.DeleteFunc(d.Logins, func(l string) bool { return reconcile.SameLogin(l, login) })
	if d.Empty() {
		return store.Doubts.Delete(c.tx, key)
	}
	return store.Doubts.Put(c.tx, key, d)
}

// NotThere stores that the target has no account under any login that an attempt
// may have created, and that none is to be made.
func (e *Engine) NotThere(a Attempt) error {
	return e.update(actorSelf, 0, model.JobReady, func(c *change) error {
		if err := store.Doubts.Delete(c.tx, store.TargetPerson{Target: a.Target, Person: a.Person}); err != nil {
			return err
		}
		t := c.target(a.Target)
		if t == nil {
			return nil
		}
		return c.evaluate(t, a.Person)
	})
}

// managerWait is how long a job rests whose only news is a manager without an
// account; the manager's own delivery wakes it earlier.
const managerWait = 30 * time.Minute

// rejudge renews a ready job whose content changed. A deactivation is the one
// thing that must not slip past a guard this way.
func (c *change) rejudge(key store.TargetPerson, job model.Job, o Outlook, digest string) (model.Job, error) {
	wasDeactivation := job.Effect == model.EffectDeactivate
	job.Effect, job.Changed, job.Digest = o.Projection.Effect, o.Projection.Changed, digest
	if !wasDeactivation {
		if err := c.admit(&job); err != nil {
			return job, err
		}
	}
	return job, store.Outbox.Put(c.tx, key, job)
}

// fill turns an outlook into what to send, with the manager named as the target
// knows them.
func (a *Attempt) fill(tx *store.Tx, o Outlook, with map[model.PersonID]string) error {
	a.Want, a.Effect = o.Projection.Want, o.Projection.Effect
	switch {
	case o.Delivered != nil:
		have := o.Delivered.Sent
		a.Step, a.RemoteID, a.Have = StepUpdate, o.Delivered.RemoteID, &have
	case o.Listed != nil:
		have, err := heldBy(tx, a.Target, a.Person, o.Listed.Account)
		if err != nil {
			return err
		}
		a.Step, a.RemoteID, a.Have, a.Adopt = StepUpdate, o.Listed.RemoteID, &have, true
		a.strange = strangeLink(a.Person, o.Listed.Account, have)
	default:
		a.Step = StepCreate
	}
	a.Doubt = o.Doubt.Changed
	return a.link(tx, with)
}

// link names the manager as the target knows them, or leaves the link for later. with
// are the managers who are active once the writes before this one in the same request
// are done, by the id of their account, which is empty when one is made.
func (a *Attempt) link(tx *store.Tx, with map[model.PersonID]string) error {
	if a.Want.Manager == nil || a.Want.Manager.Person == "" {
		return nil
	}
	id := a.Want.Manager.Person
	if account, here := with[id]; here {
		a.Want.Manager = &model.ManagerLink{Person: id, RemoteID: account}
		return nil
	}
	m, ok, err := store.Deliveries.Get(tx, store.TargetPerson{Target: a.Target, Person: id})
	if err != nil {
		return err
	}
	doubt, _, err := store.Doubts.Get(tx, store.TargetPerson{Target: a.Target, Person: id})
	if err != nil {
		return err
	}
	if ok && m.Sent.Active && !slices.Contains(doubt.Changed, reconcile.ActiveName) {
		a.Want.Manager = &model.ManagerLink{Person: id, RemoteID: m.RemoteID, Email: m.Sent.Email}
		return nil
	}
	// The manager has no account yet, or nobody knows whether it is active. Send what can be sent; the link follows in
	// a write of its own once they have one.
	a.BlockedBy = id
	a.Want.Manager, a.LinkLeft = nil, true
	if a.Have != nil && len(a.Writes()) == 0 && !a.Adopt {
		a.Step = StepWait
	}
	return nil
}

func (c *change) target(name string) *TargetSettings {
	for i := range c.settings.Targets {
		if c.settings.Targets[i].Name == name {
			return &c.settings.Targets[i]
		}
	}
	return nil
}

// Claim asks whether an account found in a target may become this person's. An
// account that is another person's already parks the job and becomes a conflict.
func (e *Engine) Claim(a *Attempt, found model.Account) (bool, error) {
	mine := false
	err := e.update(actorSelf, 0, model.JobReady, func(c *change) error {
		owner, owned, err := store.DeliveredByRemote.One(c.tx, store.Key(a.Target, found.RemoteID))
		if err != nil {
			return err
		}
		if owned && owner.Person != a.Person {
			mine = false
			if err := c.notTheirs(a, found.Login); err != nil {
				return err
			}
			return c.refuse(a, model.Conflict{Kind: model.AccountTaken, Persons: []model.PersonID{a.Person, owner.Person},
				Rule: "the account with this email is linked to another person"})
		}
		t := c.target(a.Target)
		if t == nil {
			return &NotFoundError{What: "target " + a.Target}
		}
		o, ok, err := look(c.tx, t, a.Person, &found)
		if err != nil || !ok {
			return err
		}
		mine = true
		a.Step, a.RemoteID, a.Have, a.Doubt, a.LinkLeft = StepUpdate, found.RemoteID, o.Have, nil, false
		a.Want = *o.Have // nothing to write; it is theirs from now on
		a.strange = strangeLink(a.Person, found, *o.Have)
		if o.Projection.Effect != model.EffectNone {
			a.Want = o.Projection.Want
			a.Adopt = true // so that a link that must wait does not keep the rest
			if err := a.link(c.tx, nil); err != nil {
				return err
			}
		}
		// An account that carries our own id was made by an earlier attempt.
		a.Adopt = found.ExternalID != string(a.Person)
		return nil
	})
	return mine, err
}

// Succeeded stores what the target accepted and looks whether the person differs
// again, because they changed meanwhile or a part had to be left for later.
func (e *Engine) Succeeded(a Attempt, account model.Account) error {
	return e.update(actorSelf, 0, model.JobReady, func(c *change) error { return c.succeeded(a, account) })
}

func (c *change) succeeded(a Attempt, account model.Account) error {
	key := store.TargetPerson{Target: a.Target, Person: a.Person}
	p, ok, err := store.Persons.Get(c.tx, a.Person)
	if err != nil {
		return err
	}
	old, had, err := store.Deliveries.Get(c.tx, key)
	if err != nil {
		return err
	}
	d := model.Delivered{Target: a.Target, Person: a.Person, RemoteID: account.RemoteID, Sent: a.Want, Adopted: a.Adopt || had && old.Adopted, Rev: p.Rev, At: c.at}
	d.LoginKey = emailKey(d.Sent.Email)
	if a.LinkLeft && a.Have != nil {
		d.Sent.Manager = a.Have.Manager
	}
	if d.RemoteID == "" {
		d.RemoteID = a.RemoteID
	}
	if err := store.Deliveries.Put(c.tx, key, d); err != nil {
		return err
	}
	if err := c.settleDoubt(a); err != nil {
		return err
	}
	if !had {
		// What a listing found missing is there again.
		if err := store.Drifts.Delete(c.tx, key); err != nil {
			return err
		}
	}
	// What had to be left for a second write is still of the same run.
	c.run = a.Run
	if err := c.noteWritten(a, d); err != nil {
		return err
	}
	delta := 0
	if d.Sent.Active {
		delta++
	}
	if had && old.Sent.Active {
		delta--
	}
	if err := c.tx.AddCount(a.Target, activeAccounts, delta); err != nil {
		return err
	}
	if err := c.closeTargetConflict(a.Target, a.Person, model.Rejected); err != nil {
		return err
	}
	fields := make([]string, 0, 8)
	if a.Have != nil {
		for _, n := range a.Writes() {
			fields = append(fields, string(n))
		}
	}
	if _, err := c.event(deliveredVerb(a), "person:"+string(a.Person), a.Target+" account "+d.RemoteID, fields...); err != nil {
		return err
	}
	job, pending, err := store.Outbox.Get(c.tx, key)
	if err != nil {
		return err
	}
	if pending {
		job.Uncertain, job.Attempts, job.NotBefore, job.LastClass, job.LastError = false, 0, time.Time{}, "", ""
		job.Tried = nil
		if err := store.Outbox.Put(c.tx, key, job); err != nil {
			return err
		}
	}
	if !ok {
		return store.Outbox.Delete(c.tx, key)
	}
	if t := c.target(a.Target); t != nil {
		c.touched[a.Person] = true
		if d.Sent.Active && (!had || !old.Sent.Active || old.RemoteID != d.RemoteID) {
			if err := c.touchGroupsOf(a.Person); err != nil {
				return err
			}
		}
		if had && old.Sent.Active != d.Sent.Active {
			// The links of the reports follow the account, not the roster.
			if err := c.touchReports(a.Person); err != nil {
				return err
			}
		}
		if err := c.evaluateTouched(); err != nil {
			return err
		}
	}
	return c.wakeReports(a.Target, a.Person)
}

func deliveredVerb(a Attempt) string {
	switch {
	case a.Effect == model.EffectCreate && a.Adopt, a.Effect == model.EffectAdopt:
		return "adopted"
	case a.Effect == model.EffectCreate:
		return "created"
	case a.Effect == model.EffectDeactivate:
		return "deactivated"
	case a.Effect == model.EffectReactivate:
		return "reactivated"
	}
	return "updated"
}

// wakeReports lets jobs go at once that waited for this manager's account, or whose
// link to it was refused while it was another.
func (c *change) wakeReports(target string, manager model.PersonID) error {
	var waiting []model.PersonID
	for p, err := range store.PersonByManager.Find(c.tx, store.Key(string(manager))) {
		if err != nil {
			return err
		}
		waiting = append(waiting, p.ID)
	}
	for _, id := range waiting {
		key := store.TargetPerson{Target: target, Person: id}
		job, ok, err := store.Outbox.Get(c.tx, key)
		if err != nil {
			return err
		}
		onlyLink := slices.Equal(job.Changed, []model.Name{model.Manager})
		if ok && (job.State == model.JobReady && job.Attempts == 0 && !job.NotBefore.IsZero() || job.State == model.JobParked && onlyLink) {
			job.State, job.Reason, job.NotBefore = model.JobReady, "", time.Time{}
			if err := store.Outbox.Put(c.tx, key, job); err != nil {
				return err
			}
			c.kicks[target] = true
		}
	}
	return nil
}

// Outcome is how an attempt failed.
type Outcome struct {
	Class     string
	Text      string // one line, without secrets and personal values
	NotBefore time.Time
	// Applied says that the target may have applied the write all the same.
	Applied bool
	// Park says that the target will never accept this as it is.
	Park bool
	// Forget says that the account is not there any more.
	Forget bool
	// Free says that the attempt does not count: nothing was tried.
	Free bool
}

// Failed stores how an attempt ended that did not succeed.
func (e *Engine) Failed(a Attempt, f Outcome) error {
	return e.update(actorSelf, 0, model.JobReady, func(c *change) error {
		key := store.TargetPerson{Target: a.Target, Person: a.Person}
		if f.Forget {
			return c.forgotten(a, f)
		}
		job, ok, err := store.Outbox.Get(c.tx, key)
		if err != nil {
			return err
		}
		if !f.Applied {
			if err := c.restoreDoubt(a); err != nil {
				return err
			}
		}
		if !ok {
			return nil
		}
		job.LastClass, job.LastError, job.NotBefore, job.Uncertain = f.Class, f.Text, f.NotBefore, f.Applied || a.Uncertain
		job.Ended(f.Class, f.Text)
		if f.Free {
			job.Attempts--
		}
		if f.Park && job.Digest == a.digest {
			job.State, job.Reason = model.JobParked, f.Text
			if err := c.openTargetConflict(a.Target, model.Conflict{Kind: model.Rejected, Persons: []model.PersonID{a.Person}, Rule: f.Text}); err != nil {
				return err
			}
			if _, err := c.event("parked", "person:"+string(a.Person), a.Target+": "+f.Text); err != nil {
				return err
			}
		}
		return store.Outbox.Put(c.tx, key, job)
	})
}

// forgotten drops the link to an account that is gone, and lets whoever had it rest
// where the outcome says so.
func (c *change) forgotten(a Attempt, f Outcome) error {
	if err := c.forgetAccount(a); err != nil || f.NotBefore.IsZero() {
		return err
	}
	key := store.TargetPerson{Target: a.Target, Person: a.Person}
	job, ok, err := store.Outbox.Get(c.tx, key)
	if err != nil || !ok {
		return err
	}
	job.LastClass, job.LastError, job.NotBefore = f.Class, f.Text, f.NotBefore
	job.Ended(f.Class, f.Text)
	return store.Outbox.Put(c.tx, key, job)
}

// forgetAccount drops the link to an account that is gone, so that the next look
// creates or adopts one.
func (c *change) forgetAccount(a Attempt) error {
	key := store.TargetPerson{Target: a.Target, Person: a.Person}
	if d, ok, err := store.Deliveries.Get(c.tx, key); err != nil {
		return err
	} else if ok && d.Sent.Active {
		if err := c.tx.AddCount(a.Target, activeAccounts, -1); err != nil {
			return err
		}
	}
	if err := store.Deliveries.Delete(c.tx, key); err != nil {
		return err
	}
	if err := store.Doubts.Delete(c.tx, key); err != nil {
		return err
	}
	if err := store.Accounts.Delete(c.tx, store.TargetRemote{Target: a.Target, RemoteID: a.RemoteID}); err != nil {
		return err
	}
	if _, err := c.event("account_gone", "person:"+string(a.Person), a.Target+" account "+a.RemoteID+" is not there any more"); err != nil {
		return err
	}
	t := c.target(a.Target)
	if t == nil {
		return nil
	}
	c.gone = true
	defer func() { c.gone = false }()
	return c.evaluate(t, a.Person)
}

// refuse parks a job behind a conflict.
func (c *change) refuse(a *Attempt, q model.Conflict) error {
	key := store.TargetPerson{Target: a.Target, Person: a.Person}
	job, ok, err := store.Outbox.Get(c.tx, key)
	if err != nil || !ok {
		return err
	}
	job.State, job.Reason, job.Uncertain = model.JobParked, q.Rule, false
	if err := store.Outbox.Put(c.tx, key, job); err != nil {
		return err
	}
	return c.openTargetConflict(a.Target, q)
}

// openTargetConflict opens what a target has to say about the persons of q, with
// all of their records beside each other.
func (c *change) openTargetConflict(target string, q model.Conflict) error {
	q.Target = target
	slices.Sort(q.Persons)
	q.Records = nil
	for _, id := range q.Persons {
		p, _, err := store.Persons.Get(c.tx, id)
		if err != nil {
			return err
		}
		q.Records = append(q.Records, p.Records...)
	}
	slices.Sort(q.Records)
	q.ID = reconcile.ConflictIDOf(q)
	return c.openConflict(q)
}

func (c *change) closeTargetConflict(target string, person model.PersonID, kind model.ConflictKind) error {
	var stale []model.Conflict
	for q, err := range store.ConflictByPerson.Find(c.tx, store.Key(string(person))) {
		if err != nil {
			return err
		}
		if q.Target == target && q.Kind == kind {
			stale = append(stale, q)
		}
	}
	for _, q := range stale {
		if err := c.closeConflict(q); err != nil {
			return err
		}
	}
	return nil
}

// RetryJob makes a parked or rejected job ready, or a waiting one due now.
func (e *Engine) RetryJob(actor, target string, person model.PersonID) error {
	return e.update(actor, 0, model.JobReady, func(c *change) error {
		key := store.TargetPerson{Target: target, Person: person}
		job, ok, err := store.Outbox.Get(c.tx, key)
		if err == nil {
			job, err = c.judged(job)
		}
		if err != nil {
			return err
		}
		switch {
		case !ok:
			return &NotFoundError{What: fmt.Sprintf("a delivery of person %s to %s", person, target)}
		case job.State == model.JobHeld, job.State == model.JobOpen:
			return &StaleError{What: fmt.Sprintf("this delivery is %s in run %d; approve or reject the run", job.State, job.Run)}
		}
		job.State, job.NotBefore, job.Reason = model.JobReady, time.Time{}, ""
		c.kicks[target] = true
		if _, err := c.event("retried", "person:"+string(person), target); err != nil {
			return err
		}
		return store.Outbox.Put(c.tx, key, job)
	})
}

// DropJob lets a pending delivery lie until the person changes.
func (e *Engine) DropJob(actor, target string, person model.PersonID) error {
	return e.update(actor, 0, model.JobReady, func(c *change) error {
		key := store.TargetPerson{Target: target, Person: person}
		job, ok, err := store.Outbox.Get(c.tx, key)
		if err != nil {
			return err
		}
		if !ok {
			return &NotFoundError{What: fmt.Sprintf("a delivery of person %s to %s", person, target)}
		}
		job.State, job.Reason = model.JobRejected, "dropped by "+actor
		if _, err := c.event("dropped", "person:"+string(person), target); err != nil {
			return err
		}
		return store.Outbox.Put(c.tx, key, job)
	})
}
