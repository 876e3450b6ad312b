package ingest

import (
	"errors"
	"fmt"
	"slices"

	"rollcall/appliance/model"
	"rollcall/appliance/reconcile"
	"rollcall/appliance/store"
	"rollcall/scimsrv"
)

// Forgotten counts what an erasure takes out.
type Forgotten struct {
	Person    model.PersonID
	Records   int
	Resources int
	History   int // changes with their values
	Accounts  int // as listed or delivered; the accounts themselves are the targets'
	Decisions int
	Conflicts int
	// Mentions are rows about others that named them: as their manager, most often.
	Mentions int
}

// errDry rolls back an erasure that was only to be shown.
var errDry = errors.New("dry run")

// Forget erases a person: their records, what SCIM senders wrote about them, the
// values of their history, what is known of their accounts, the decisions and
// conflicts about them alone, and their name and addresses in what is stored of
// others. Left are the journal, which holds no values and
// proves that it was done, and of each record and account a keyed digest of its
// id, by which the next read knows them again and leaves them out.
//
// Somebody who works here is refused unless force is set: they would come back
// with the next read, or lose the accounts that nobody looks after any more. With
// dry nothing is erased. The bytes stay in the file until [store.Store.Scrub].
func (e *Engine) Forget(actor string, id model.PersonID, reason string, force, dry bool) (Forgotten, error) {
	return e.forget(actor, id, reason, force, dry, false)
}

// forget is Forget; again says that it was done before a backup brought them back,
// who may have worked here at the time of it.
func (e *Engine) forget(actor string, id model.PersonID, reason string, force, dry, again bool) (Forgotten, error) {
	named, err := e.mentions(id)
	if err != nil {
		return Forgotten{Person: id}, err
	}
	out := Forgotten{Person: id}
	err = e.update(actor, 0, model.JobReady, func(c *change) error {
		out = Forgotten{Person: id}
		p, ok, err := store.Persons.Get(c.tx, id)
		if err != nil {
			return err
		}
		if !ok {
			return &NotFoundError{What: "person " + string(id)}
		}
		if p.Access == model.AccessOn && !force {
			return &InvalidError{What: fmt.Sprintf("they work here: %s; erase them at the source first, or force it", p.Reason)}
		}
		since, err := c.tx.JournalHead()
		if err != nil {
			return err
		}
		if p.Access == model.AccessOn && !c.settings.ForgottenForGood && !again {
			// The next read brings them back, and everybody else still knows them.
			named.forget()
		}
		out.Mentions = named.count()
		if err := c.forgetAccounts(id, force, &out); err != nil {
			return err
		}
		if err := c.unmention(named); err != nil {
			return err
		}
		if err := c.forgetRecords(p, named.records, &out); err != nil {
			return err
		}
		if err := c.forgetHistory(id, &out); err != nil {
			return err
		}
		if err := c.unmentionHistory(named, since.Seq); err != nil {
			return err
		}
		if dry {
			return errDry
		}
		if err := c.bury(personTomb, string(id)); err != nil {
			return err
		}
		_, err = c.event("forgotten", "person:"+string(id), reason)
		return err
	})
	if errors.Is(err, errDry) {
		err = nil
	}
	return out, err
}

// mentions looks for what is said of a person in rows of others, before the
// erasure and without holding anybody up.
func (e *Engine) mentions(id model.PersonID) (m *mentions, err error) {
	err = e.store.View(func(tx *store.Tx) error {
		p, ok, err := store.Persons.Get(tx, id)
		if err != nil || !ok {
			m = &mentions{traces: &traces{}}
			return err // the erasure refuses it
		}
		var records []model.Record
		for r, err := range store.RecordByPerson.Find(tx, store.Key(string(id))) {
			if err != nil {
				return err
			}
			records = append(records, r)
		}
		t, err := tracesOf(tx, p, records)
		if err != nil {
			return err
		}
		m, err = mentionsOf(tx, t)
		return err
	})
	return m, err
}

func (c *change) bury(of, id string, named ...model.RecordID) error {
	t := store.Tombstone{Digest: c.e.tombstone(of, id), Of: of, At: c.at, Named: named}
	return store.Forgotten.Put(c.tx, t.Digest, t)
}

// personTomb is what the tombstone of a person is of: so the journal can say that
// the id in it is of somebody who was erased. No source or target has such a name.
const personTomb = "person:"

// Erased reports whether a person was erased on request.
func (e *Engine) Erased(tx *store.Tx, id model.PersonID) bool {
	return store.Forgotten.Has(tx, e.tombstone(personTomb, string(id)))
}

func (e *Engine) tombstone(of, id string) string { return e.digest([]string{"forgotten", of, id}) }

func (c *change) forgetAccounts(id model.PersonID, force bool, out *Forgotten) error {
	var delivered []model.Delivered
	for _, t := range c.settings.Targets {
		d, had, err := store.Deliveries.Get(c.tx, store.TargetPerson{Target: t.Name, Person: id})
		if err != nil {
			return err
		}
		if had {
			delivered = append(delivered, d)
		}
	}
	for _, d := range delivered {
		if d.Sent.Active && !force {
			return &InvalidError{What: fmt.Sprintf("their account in %s is active; let it be deactivated first, or force it: the account stays as it is then", d.Target)}
		}
		if d.Sent.Active {
			if err := c.tx.AddCount(d.Target, activeAccounts, -1); err != nil {
				return err
			}
		}
		if err := c.bury(d.Target, d.RemoteID); err != nil {
			return err
		}
		out.Accounts++
		if err := store.Accounts.Delete(c.tx, store.TargetRemote{Target: d.Target, RemoteID: d.RemoteID}); err != nil {
			return err
		}
	}
	for _, t := range c.settings.Targets {
		key := store.TargetPerson{Target: t.Name, Person: id}
		err := errors.Join(store.Deliveries.Delete(c.tx, key), store.Outbox.Delete(c.tx, key), store.Doubts.Delete(c.tx, key),
			store.Restores.Delete(c.tx, key), store.Drifts.Delete(c.tx, key))
		if err != nil {
			return err
		}
	}
	var written []store.WrittenKey
	for w, err := range store.Writes.Each(c.tx, nil) {
		if err != nil {
			return err
		}
		if w.Person == id {
			written = append(written, store.WrittenKey{Run: w.Run, TargetPerson: store.TargetPerson{Target: w.Target, Person: id}})
		}
	}
	for _, k := range written {
		if err := store.Writes.Delete(c.tx, k); err != nil {
			return err
		}
	}
	return nil
}

// forgetRecords erases the records of a person, and those in preview that carry
// one of their identifiers, with what hangs on them, and plans who is left.
func (c *change) forgetRecords(p model.Person, named []model.RecordID, out *Forgotten) error {
	var records []model.Record
	take := func(r model.Record) {
		if !slices.ContainsFunc(records, func(have model.Record) bool { return have.ID == r.ID }) {
			records = append(records, r)
		}
	}
	for r, err := range store.RecordByPerson.Find(c.tx, store.Key(string(p.ID))) {
		if err != nil {
			return err
		}
		take(r)
	}
	for _, r := range slices.Clone(records) {
		for _, id := range r.Identifiers {
			for other, err := range store.RecordByIdentifier.Find(c.tx, store.IdentifierKey(id)) {
				if err != nil {
					return err
				}
				if other.Staged {
					take(other)
				}
			}
		}
	}
	var before []model.Record
	for _, r := range records {
		if err := c.forgetRecord(r, named, out); err != nil {
			return err
		}
		if !r.Staged {
			before = append(before, r)
		}
	}
	if err := c.settle(nil, before); err != nil {
		return err
	}
	var stale []model.Conflict
	for q, err := range store.ConflictByPerson.Find(c.tx, store.Key(string(p.ID))) {
		if err != nil {
			return err
		}
		stale = append(stale, q)
	}
	for _, q := range stale {
		out.Conflicts++
		if err := c.closeConflict(q); err != nil {
			return err
		}
	}
	return store.Persons.Delete(c.tx, p.ID)
}

func (c *change) forgetRecord(r model.Record, named []model.RecordID, out *Forgotten) error {
	out.Records++
	if err := c.bury(r.Source, r.Native, named...); err != nil {
		return err
	}
	if err := c.tx.SetMissing(r.Source, r.Native, 0); err != nil {
		return err
	}
	if err := c.regroup(r.Source, r.Native, nil); err != nil {
		return err
	}
	key := store.ResourceKey{Source: r.Source, Type: string(scimsrv.User), ID: r.Native}
	res, had, err := store.Resources.Get(c.tx, key)
	if err != nil {
		return err
	}
	if had {
		out.Resources++
		err := errors.Join(c.leaveGroups(res), store.Resources.Delete(c.tx, key), c.tx.AddCount(r.Source, string(scimsrv.User), -1))
		if err != nil {
			return err
		}
	}
	var decisions []model.Decision
	for d, err := range store.DecisionByRecord.Find(c.tx, store.Key(string(r.ID))) {
		if err != nil {
			return err
		}
		decisions = append(decisions, d)
	}
	for _, d := range decisions {
		d.Records = slices.DeleteFunc(slices.Clone(d.Records), func(id model.RecordID) bool { return id == r.ID })
		if len(d.Records) == 0 || d.Record == r.ID || d.Verb == model.Set {
			out.Decisions++
			err = store.Decisions.Delete(c.tx, d.ID)
		} else {
			d.Reason = "" // somebody's words, perhaps about them
			err = store.Decisions.Put(c.tx, d.ID, d)
		}
		if err != nil {
			return err
		}
	}
	return store.Records.Delete(c.tx, r.ID)
}

func (c *change) forgetHistory(id model.PersonID, out *Forgotten) error {
	// What leaving writes is written before it is erased with the rest.
	if err := c.writeHistory(); err != nil {
		return err
	}
	var keys []store.HistoryKey
	for h, err := range store.History.Each(c.tx, store.Prefix(string(id))) {
		if err != nil {
			return err
		}
		keys = append(keys, store.HistoryKey{Person: id, Seq: h.Seq})
	}
	out.History = len(keys)
	for _, k := range keys {
		if err := store.History.Delete(c.tx, k); err != nil {
			return err
		}
	}
	return nil
}

// staysOut reports whether an observation without a record is of somebody who was
// erased and shall not come back with it. known is whether there is a tombstone.
func (e *Engine) staysOut(tx *store.Tx, settings *Settings, source string, kind model.Kind, o *model.Observation) (out, known bool, err error) {
	_, known, err = store.Forgotten.Get(tx, e.tombstone(source, o.Native))
	if err != nil || !known || settings.ForgottenForGood {
		return known, known, err
	}
	if o.Scope.State == model.OutOfScope {
		return true, true, nil
	}
	r := model.Record{Source: source, Kind: kind, Native: o.Native, Attributes: o.Attributes, Status: o.Status, RawStatus: o.RawStatus}
	switch reconcile.StatusOn(&r, e.Today(), &settings.Policy) {
	case model.Active, model.Leave, model.Pending:
		return false, true, nil // the source says that they work here: another reason to know them
	}
	return true, true, nil
}

// comeBack ends an erasure: the source says again that somebody works here.
func (c *change) comeBack(source, native string) error {
	digest := c.e.tombstone(source, native)
	t, known, err := store.Forgotten.Get(c.tx, digest)
	if err != nil || !known {
		return err
	}
	if err := store.Forgotten.Delete(c.tx, digest); err != nil {
		return err
	}
	for _, id := range t.Named {
		// What its source says of it is read again, with their name in it.
		r, ok, err := store.Records.Get(c.tx, id)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		r.Digest = ""
		if err := store.Records.Put(c.tx, id, r); err != nil {
			return err
		}
	}
	_, err = c.event("returned", "source:"+source, "it says that somebody who was erased works here")
	return err
}

// ForgetAgain erases whom a restored backup has brought back: those of whom there
// is a tombstone. It returns how many people.
func (e *Engine) ForgetAgain() (int, error) {
	pending := false
	var people []model.PersonID
	err := e.store.View(func(tx *store.Tx) error {
		if _, err := tx.Setting(pendingErasures, &pending); err != nil || !pending {
			return err
		}
		for r, err := range store.Records.Each(tx, nil) {
			if err != nil {
				return err
			}
			if r.Person != "" && !slices.Contains(people, r.Person) && store.Forgotten.Has(tx, e.tombstone(r.Source, r.Native)) {
				people = append(people, r.Person)
			}
		}
		return nil
	})
	if err != nil || !pending {
		return 0, err
	}
	for _, id := range people {
		if _, err := e.forget(actorSelf, id, "erased before the backup was restored", true, false, true); err != nil {
			return 0, err
		}
	}
	return len(people), e.store.Update(func(tx *store.Tx) error { return tx.SetSetting(pendingErasures, false) })
}
