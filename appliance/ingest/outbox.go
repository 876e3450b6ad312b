package ingest

import (
	"slices"

	"rollcall/appliance/identity"
	"rollcall/appliance/model"
	"rollcall/appliance/reconcile"
	"rollcall/appliance/store"
)

// activeAccounts names the counter of active accounts delivered to a target.
const activeAccounts = "active_accounts"

func (c *change) evaluateTouched() error {
	ids := make([]model.PersonID, 0, len(c.touched))
	for id := range c.touched {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	clear(c.touched)
	for _, id := range ids {
		for i := range c.settings.Targets {
			if err := c.evaluate(&c.settings.Targets[i], id); err != nil {
				return err
			}
		}
	}
	if c.released {
		c.released = false
		return c.lapse("")
	}
	return nil
}

// Outlook is a person compared with one target, with what was found on the way.
type Outlook struct {
	Person     model.Person
	Projection reconcile.Projection
	// Have is what the target is known to hold; nil: nothing.
	Have      *model.Desired
	Delivered *model.Delivered
	Doubt     model.Doubt    // what unanswered writes may have changed
	Listed    *store.Account // the account to adopt, when nothing was delivered
	TakenBy   model.PersonID // the person whose account already has this login
	// Restored is set while the account is kept at what a human put back.
	Restored *store.Restored
}

// Look compares a person with a target as they stand in the transaction; false
// when there is no such person.
func Look(tx *store.Tx, t *TargetSettings, id model.PersonID) (Outlook, bool, error) {
	return look(tx, t, id, nil)
}

// look is Look, with the account that was found for a person of whom nothing was
// delivered; nil: the one that was listed, if any.
func look(tx *store.Tx, t *TargetSettings, id model.PersonID, found *model.Account) (Outlook, bool, error) {
	p, ok, err := store.Persons.Get(tx, id)
	if err != nil || !ok {
		return Outlook{}, false, err
	}
	o := Outlook{Person: p}
	var holding reconcile.Holding
	d, had, err := store.Deliveries.Get(tx, store.TargetPerson{Target: t.Name, Person: id})
	switch {
	case err != nil:
		return Outlook{}, false, err
	case had:
		o.Delivered = &d
		holding = reconcile.Holding{State: &d.Sent, Ours: true}
	case found != nil:
		have, err := heldBy(tx, t.Name, id, *found)
		if err != nil {
			return Outlook{}, false, err
		}
		holding = reconcile.Holding{State: &have}
	case p.EmailKey != "":
		if holding, err = o.findListed(tx, t.Name); err != nil {
			return Outlook{}, false, err
		}
		if o.Listed == nil && o.TakenBy == "" {
			if o.TakenBy, err = deliveredTo(tx, t.Name, p.EmailKey); err != nil {
				return Outlook{}, false, err
			}
		}
	}
	if o.Doubt, _, err = store.Doubts.Get(tx, store.TargetPerson{Target: t.Name, Person: id}); err != nil {
		return Outlook{}, false, err
	}
	if found == nil {
		holding.Doubt, holding.Maybe = o.Doubt.Changed, len(o.Doubt.Logins) > 0
	}
	o.Have = holding.State
	manager, err := viewManager(tx, t.Name, p.Manager)
	if err != nil {
		return Outlook{}, false, err
	}
	o.Projection = reconcile.Project(p, holding, manager, &t.Rules)
	if o.Projection.LoginChange {
		allowed, err := answered(tx, p.Records, model.IdentifierChange)
		if err != nil {
			return Outlook{}, false, err
		}
		if allowed {
			rules := t.Rules
			rules.IdentifierChanges = true
			o.Projection = reconcile.Project(p, holding, manager, &rules)
		}
	}
	if o.TakenBy != "" && o.Projection.Effect != model.EffectNone {
		o.Projection = reconcile.Projection{Blocked: "an account with this email belongs to another person"}
	}
	return o, true, o.restore(tx, t.Name)
}

// answered reports whether a human answered "allow" to a conflict of this kind
// for one of the records.
func answered(tx *store.Tx, records []model.RecordID, kind model.ConflictKind) (bool, error) {
	for _, id := range records {
		for d, err := range store.DecisionByRecord.Find(tx, store.Key(string(id))) {
			if err != nil {
				return false, err
			}
			if d.Verb == model.Allow && d.Kind == kind {
				return true, nil
			}
		}
	}
	return false, nil
}

// findListed looks for an account that the target listed under the person's
// email and that nobody was linked to yet.
func (o *Outlook) findListed(tx *store.Tx, target string) (reconcile.Holding, error) {
	for a, err := range store.AccountByEmail.Find(tx, store.Key(target, o.Person.EmailKey)) {
		if err != nil {
			return reconcile.Holding{}, err
		}
		owner, owned, err := store.DeliveredByRemote.One(tx, store.Key(target, a.RemoteID))
		if err != nil {
			return reconcile.Holding{}, err
		}
		if owned {
			o.TakenBy = owner.Person
			continue
		}
		o.Listed, o.TakenBy = &a, ""
		have, err := heldBy(tx, target, o.Person.ID, a.Account)
		if err != nil {
			return reconcile.Holding{}, err
		}
		return reconcile.Holding{State: &have}, nil
	}
	return reconcile.Holding{}, nil
}

// deliveredTo returns the person whose account was given this login, unless the
// target has listed it under another since.
func deliveredTo(tx *store.Tx, target, login string) (model.PersonID, error) {
	for d, err := range store.DeliveredByLogin.Find(tx, store.Key(target, login)) {
		if err != nil {
			return "", err
		}
		listed, ok, err := store.Accounts.Get(tx, store.TargetRemote{Target: target, RemoteID: d.RemoteID})
		if err != nil {
			return "", err
		}
		if !ok || listed.EmailKey == login {
			return d.Person, nil
		}
	}
	return "", nil
}

// heldBy turns a listed account into a state to compare with, its manager
// translated into a person where that is known.
func heldBy(tx *store.Tx, target string, person model.PersonID, a model.Account) (model.Desired, error) {
	have := reconcile.FromAccount(person, a)
	if a.ManagerRemoteID != "" {
		owner, ok, err := store.DeliveredByRemote.One(tx, store.Key(target, a.ManagerRemoteID))
		if err != nil {
			return have, err
		}
		if ok {
			have.Manager = &model.ManagerLink{Person: owner.Person}
			return have, nil
		}
	}
	login := emailKey(a.ManagerLogin)
	if login == "" && a.ManagerRemoteID != "" {
		// Not delivered, and perhaps listed: an account that is about to be adopted.
		listed, _, err := store.Accounts.Get(tx, store.TargetRemote{Target: target, RemoteID: a.ManagerRemoteID})
		if err != nil {
			return have, err
		}
		login = listed.EmailKey
	}
	if login == "" {
		return have, nil
	}
	var found []model.PersonID
	for p, err := range store.PersonByEmail.Find(tx, store.Key(login)) {
		if err != nil {
			return have, err
		}
		found = append(found, p.ID)
	}
	if len(found) == 1 {
		have.Manager = &model.ManagerLink{Person: found[0]}
	}
	return have, nil
}

// strangeLink reports whether an account that an earlier attempt of ours made has a
// link to somebody of whom nothing is known: whose account was made by an attempt
// without an answer too, most likely.
func strangeLink(person model.PersonID, a model.Account, have model.Desired) bool {
	linked := a.ManagerRemoteID != "" || a.ManagerLogin != ""
	return a.ExternalID == string(person) && linked && (have.Manager == nil || have.Manager.Person == "")
}

func viewManager(tx *store.Tx, target string, id model.PersonID) (reconcile.ManagerView, error) {
	v := reconcile.ManagerView{Person: id}
	if id == "" {
		return v, nil
	}
	m, ok, err := store.Persons.Get(tx, id)
	if err != nil || !ok {
		return v, err
	}
	d, delivered, err := store.Deliveries.Get(tx, store.TargetPerson{Target: target, Person: id})
	if err != nil {
		return v, err
	}
	isActive := delivered && d.Sent.Active
	v.Linkable = isActive && m.Access != model.AccessOff || m.Access == model.AccessOn && m.Waiting == "" && len(m.Held) == 0
	// Only what the target was told counts: while a guard holds the manager's
	// deactivation, their reports keep the link. Who left without ever having had
	// an account is nobody's manager there either.
	v.Off = delivered && !d.Sent.Active && m.Access != model.AccessOn || !delivered && m.Access == model.AccessOff
	return v, nil
}

// evaluate brings the pending job of a person in a target in line with what
// differs: one job when something does, none when nothing does.
func (c *change) evaluate(t *TargetSettings, id model.PersonID) error {
	o, ok, err := Look(c.tx, t, id)
	if err != nil || !ok {
		return err
	}
	if err := c.targetConflicts(t.Name, o); err != nil {
		return err
	}
	if err := c.dropStale(t.Name, o); err != nil {
		return err
	}
	key := store.TargetPerson{Target: t.Name, Person: id}
	old, had, err := store.Outbox.Get(c.tx, key)
	if err != nil {
		return err
	}
	pr := o.Projection
	if pr.Effect == model.EffectNone {
		if !had {
			return nil
		}
		c.released = c.released || old.State == model.JobHeld
		return store.Outbox.Delete(c.tx, key)
	}
	digest := c.e.jobDigest(pr)
	if had && old.Digest == digest && old.Effect == pr.Effect {
		return nil
	}
	job := model.Job{Target: t.Name, Person: id, Effect: pr.Effect, Changed: pr.Changed, Digest: digest, Created: c.at, Run: c.run, State: c.initial, Uncertain: c.lookFirst}
	if had {
		if old, err = c.judged(old); err != nil {
			return err
		}
		job.Created, job.Attempts, job.Uncertain, job.Tried = old.Created, old.Attempts, old.Uncertain, old.Tried
		// What waits for a later wave was judged already: a change into something else
		// must be judged anew.
		if old.State == model.JobOpen && old.Wave == 0 || (old.State == model.JobHeld || old.State == model.JobOpen) && old.Effect == pr.Effect {
			job.State, job.Run, job.Reason, job.Wave = old.State, old.Run, old.Reason, old.Wave
		}
	}
	if c.initial == model.JobReady && job.State == model.JobReady {
		if err := c.admit(&job); err != nil {
			return err
		}
	}
	if job.State == model.JobReady {
		c.kicks[t.Name] = true
	}
	return store.Outbox.Put(c.tx, key, job)
}

// jobDigest pins what a job would do. Switching an account off is the same
// whatever else it held before, so that an answer to it outlives an earlier write.
func (e *Engine) jobDigest(pr reconcile.Projection) string {
	if pr.Effect == model.EffectDeactivate {
		return e.digestDesired(&model.Desired{Person: pr.Want.Person})
	}
	return e.digestDesired(&pr.Want)
}

// targetConflicts opens and closes what one target has to say about a person.
func (c *change) targetConflicts(target string, o Outlook) error {
	wanted := map[model.ConflictKind]model.Conflict{}
	if o.Projection.LoginChange {
		wanted[model.IdentifierChange] = model.Conflict{Kind: model.IdentifierChange,
			Rule:        "the email changed, and [targets." + target + "] identifier_changes does not allow the login to follow",
			Identifiers: []model.Identifier{{Kind: model.IdentifierEmail, Value: emailKey(o.Have.Email)}, {Kind: model.IdentifierEmail, Value: o.Person.EmailKey}}}
	}
	asked, err := c.askedAlready(o)
	if err != nil {
		return err
	}
	if o.TakenBy != "" && !asked {
		wanted[model.AccountTaken] = model.Conflict{Kind: model.AccountTaken, Persons: []model.PersonID{o.TakenBy},
			Rule: "the account with this email is linked to another person"}
	}
	var stale []model.Conflict
	for q, err := range store.ConflictByPerson.Find(c.tx, store.Key(string(o.Person.ID))) {
		if err != nil {
			return err
		}
		if q.Target != target || q.Kind == model.Rejected {
			continue
		}
		_, still := wanted[q.Kind]
		if !still && q.Kind == model.AccountTaken {
			// It may be the other one's question: whose account it is has none.
			if still, err = c.othersTaken(target, q, o.Person.ID); err != nil {
				return err
			}
		}
		if !still {
			stale = append(stale, q)
		}
	}
	for _, q := range stale {
		if err := c.closeConflict(q); err != nil {
			return err
		}
	}
	for _, q := range wanted {
		q.Persons = append(q.Persons, o.Person.ID)
		if err := c.openTargetConflict(target, q); err != nil {
			return err
		}
	}
	return nil
}

// askedAlready reports whether an open question about who is who concerns both the
// person and whose account it is: that they share an account follows from it.
func (c *change) askedAlready(o Outlook) (bool, error) {
	if o.TakenBy == "" || len(o.Person.Held) == 0 {
		return false, nil
	}
	owner, _, err := store.Persons.Get(c.tx, o.TakenBy)
	return slices.ContainsFunc(owner.Held, func(id model.ConflictID) bool { return slices.Contains(o.Person.Held, id) }), err
}

// othersTaken reports whether somebody else of a conflict still finds their account
// to be another's.
func (c *change) othersTaken(target string, q model.Conflict, but model.PersonID) (bool, error) {
	t := c.target(target)
	for _, p := range q.Persons {
		if p == but || t == nil {
			continue
		}
		if o, ok, err := Look(c.tx, t, p); err != nil || ok && o.TakenBy != "" {
			return true, err
		}
	}
	return false, nil
}

func emailKey(raw string) string {
	id, _, err := identity.Email(raw)
	if err != nil {
		return ""
	}
	return id.Value
}

// ActiveAccounts returns how many active accounts were delivered to a target.
func ActiveAccounts(tx *store.Tx, target string) int { return tx.Count(target, activeAccounts) }
