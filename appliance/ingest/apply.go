package ingest

import (
	"bytes"
	"maps"
	"slices"
	"strings"

	"rollcall/appliance/model"
	"rollcall/appliance/reconcile"
	"rollcall/appliance/store"
)

// settle plans the neighbourhood of changed records and applies the plan: links,
// persons, conflicts, managers, and a look at every person whose accounts may
// now differ. seeds are written already; before holds their old versions.
func (c *change) settle(seeds []model.RecordID, before []model.Record) error {
	return c.settleWith(nil, seeds, before)
}

// settleWith is settle where those of the seeds that are in unwritten are not written
// yet, but with what is planned for them: a record that joins the roster is written
// once. They must be found under everything by which what is stored is found.
func (c *change) settleWith(unwritten map[model.RecordID]*model.Record, seeds []model.RecordID, before []model.Record) error {
	if len(seeds) == 0 && len(before) == 0 {
		return nil
	}
	in, err := reconcile.Gather(roster{c.tx, unwritten}, seeds, before, c.today, &c.settings.Policy)
	if err != nil {
		return err
	}
	plan := reconcile.PlanRoster(in)
	relinked, err := c.link(in, plan, unwritten)
	if err != nil {
		return err
	}
	changed, resolved, err := c.persons(plan)
	if err != nil {
		return err
	}
	if err := c.vanish(plan); err != nil {
		return err
	}
	if err := c.conflicts(in, plan); err != nil {
		return err
	}
	for _, n := range plan.Notes {
		if _, err := c.event(n.Verb, "person:"+string(n.Person), n.Reason); err != nil {
			return err
		}
	}
	if err := c.managers(seeds, before, relinked, changed, resolved); err != nil {
		return err
	}
	if err := c.writeHistory(); err != nil {
		return err
	}
	if c.everyone {
		for _, p := range plan.Persons {
			c.touched[p.ID] = true
		}
	}
	return c.evaluateTouched()
}

// link writes the records whose person changed, whose spare id was spent or which were
// not written yet, and returns those whose person changed, as they are now.
func (c *change) link(in reconcile.Input, plan reconcile.Plan, unwritten map[model.RecordID]*model.Record) ([]model.Record, error) {
	relinked := make([]model.Record, 0, len(plan.Links))
	at := 0
	for _, l := range plan.Links { // both in the order of the ids, but for records that take no part
		for in.Records[at].ID != l.Record {
			at++
		}
		r := in.Records[at]
		_, spent := slices.BinarySearch(plan.Spent, r.ID)
		if r.Person == l.Person && !spent && unwritten[r.ID] == nil {
			continue
		}
		moved, was := r.Person != l.Person, r.Person
		r.Person = l.Person
		if spent {
			r.Spare = model.PersonID(store.NewID("p"))
		}
		if err := store.Records.Put(c.tx, r.ID, r); err != nil {
			return nil, err
		}
		if moved {
			relinked = append(relinked, r)
			if err := c.regrouped(r, was); err != nil {
				return nil, err
			}
		}
	}
	return relinked, nil
}

// persons writes the people who changed, with the managers that they have now that
// the records are linked, and returns their ids. It says of everybody planned whether
// the reference to their manager leads somewhere, see [change.managerOf].
func (c *change) persons(plan reconcile.Plan) (changed []model.PersonID, resolved map[model.PersonID]bool, err error) {
	resolved = make(map[model.PersonID]bool, len(plan.Persons))
	for _, p := range plan.Persons {
		old, had, err := store.Persons.Get(c.tx, p.ID)
		if err != nil {
			return nil, nil, err
		}
		p.Rev, p.Created, p.Changed = old.Rev, old.Created, old.Changed
		if p.Manager, resolved[p.ID], err = c.managerOf(&p); err != nil {
			return nil, nil, err
		}
		if had && old.Manager == p.Manager && reconcile.SamePerson(old, p) {
			continue
		}
		if had {
			if err := c.freezeFlapping(old, &p); err != nil {
				return nil, nil, err
			}
		}
		p.Rev++
		p.Changed = c.at
		if !had {
			p.Created = c.at
		}
		c.remember(p.ID, old, had)
		if err := store.Persons.Put(c.tx, p.ID, p); err != nil {
			return nil, nil, err
		}
		changed = append(changed, p.ID)
		c.touched[p.ID] = true
		if !had || standingOf(old) != standingOf(p) {
			if err := c.touchReports(p.ID); err != nil {
				return nil, nil, err
			}
		}
	}
	return changed, resolved, nil
}

// standingOf is what a person's reports depend on.
func standingOf(p model.Person) [4]string {
	return [4]string{string(p.Access), p.Waiting, p.EmailKey, strings.Join(heldIDs(p), ",")}
}

func heldIDs(p model.Person) []string {
	out := make([]string, len(p.Held))
	for i, id := range p.Held {
		out[i] = string(id)
	}
	return out
}

func (c *change) touchReports(manager model.PersonID) error {
	for id, err := range store.PersonByManager.Keys(c.tx, store.Prefix(string(manager))) {
		if err != nil {
			return err
		}
		c.touched[model.PersonID(id)] = true
	}
	return nil
}

// vanish removes persons that no record belongs to any more. What was delivered
// for them passes to the person who took over all their records, so that the
// account is kept in step instead of a second one being made.
func (c *change) vanish(plan reconcile.Plan) error {
	for _, id := range plan.Gone {
		old, had, err := store.Persons.Get(c.tx, id)
		if err != nil {
			return err
		}
		if !had {
			continue
		}
		heir, err := c.heir(old)
		if err != nil {
			return err
		}
		for _, t := range c.settings.Targets {
			if err := c.bequeath(t.Name, id, heir); err != nil {
				return err
			}
		}
		if err := c.touchReports(id); err != nil {
			return err
		}
		if err := c.closeAbout(id); err != nil {
			return err
		}
		c.remember(id, old, true)
		if err := store.Persons.Delete(c.tx, id); err != nil {
			return err
		}
		delete(c.touched, id)
		if heir != "" {
			c.heirs[id] = heir
		}
	}
	return nil
}

// closeAbout closes what was asked about somebody who is nobody any more, and has
// the others it concerned looked at again. What planning asks, planning closes.
func (c *change) closeAbout(id model.PersonID) error {
	var about []model.Conflict
	for q, err := range store.ConflictByPerson.Find(c.tx, store.Key(string(id))) {
		if err != nil {
			return err
		}
		if q.Target != "" || !planned(q.Kind) {
			about = append(about, q)
		}
	}
	for _, q := range about {
		if err := c.closeConflict(q); err != nil {
			return err
		}
		for _, p := range q.Persons {
			if p != id {
				c.touched[p] = true
			}
		}
	}
	return nil
}

// heir returns the one person to whom all remaining records of old went.
func (c *change) heir(old model.Person) (model.PersonID, error) {
	var heir model.PersonID
	for _, id := range old.Records {
		r, ok, err := store.Records.Get(c.tx, id)
		if err != nil {
			return "", err
		}
		if !ok || r.Person == "" {
			continue
		}
		if heir != "" && heir != r.Person {
			return "", nil
		}
		heir = r.Person
	}
	return heir, nil
}

func (c *change) bequeath(target string, from, to model.PersonID) error {
	if err := store.Restores.Delete(c.tx, store.TargetPerson{Target: target, Person: from}); err != nil {
		return err
	}
	if err := store.Outbox.Delete(c.tx, store.TargetPerson{Target: target, Person: from}); err != nil {
		return err
	}
	if err := c.bequeathDoubt(target, from, to); err != nil {
		return err
	}
	d, had, err := store.Deliveries.Get(c.tx, store.TargetPerson{Target: target, Person: from})
	if err != nil || !had {
		return err
	}
	if to != "" && !store.Deliveries.Has(c.tx, store.TargetPerson{Target: target, Person: to}) {
		if err := store.Deliveries.Delete(c.tx, store.TargetPerson{Target: target, Person: from}); err != nil {
			return err
		}
		d.Person, d.Sent.Person = to, to
		c.touched[to] = true
		if err := store.Deliveries.Put(c.tx, store.TargetPerson{Target: target, Person: to}, d); err != nil {
			return err
		}
		return c.touchGroupsOf(to)
	}
	_, err = c.event("account_left", "account:"+target+"/"+d.RemoteID, "its person was dissolved; the account stays as it is until a human looks at it")
	return err
}

// bequeathDoubt passes on what unanswered writes may have changed: an account that
// may exist is the heir's to find.
func (c *change) bequeathDoubt(target string, from, to model.PersonID) error {
	d, had, err := store.Doubts.Get(c.tx, store.TargetPerson{Target: target, Person: from})
	if err != nil || !had {
		return err
	}
	if err := store.Doubts.Delete(c.tx, store.TargetPerson{Target: target, Person: from}); err != nil || to == "" {
		return err
	}
	key := store.TargetPerson{Target: target, Person: to}
	if store.Deliveries.Has(c.tx, key) {
		return nil // the heir has an account of their own
	}
	own, _, err := store.Doubts.Get(c.tx, key)
	if err != nil {
		return err
	}
	own.Target, own.Person = target, to
	own.Changed = append(own.Changed, d.Changed...)
	own.Logins = append(own.Logins, d.Logins...)
	c.touched[to] = true
	return store.Doubts.Put(c.tx, key, own)
}

// planned reports whether conflicts of this kind come out of reconcile.PlanRoster.
func planned(kind model.ConflictKind) bool {
	switch kind {
	case model.DuplicateIdentifier, model.AmbiguousMatch, model.AccountTaken, model.EmailRecycled, model.PersonalEmail, model.MissingIdentifier:
		return true
	}
	return false
}

// conflicts brings the open conflicts of the neighbourhood in line with the plan.
func (c *change) conflicts(in reconcile.Input, plan reconcile.Plan) error {
	open := map[model.ConflictID]model.Conflict{}
	for _, q := range plan.Conflicts {
		open[q.ID] = q
	}
	stale := map[model.ConflictID]model.Conflict{}
	note := func(q model.Conflict) {
		if _, still := open[q.ID]; !still && q.Target == "" && planned(q.Kind) {
			stale[q.ID] = q
		}
	}
	for _, r := range in.Records {
		for q, err := range store.ConflictByRecord.Find(c.tx, store.Key(string(r.ID))) {
			if err != nil {
				return err
			}
			note(q)
		}
	}
	for _, p := range in.Persons {
		for q, err := range store.ConflictByPerson.Find(c.tx, store.Key(string(p.ID))) {
			if err != nil {
				return err
			}
			note(q)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(stale)) {
		if err := c.closeConflict(stale[id]); err != nil {
			return err
		}
	}
	for _, q := range plan.Conflicts {
		if err := c.openConflict(q); err != nil {
			return err
		}
	}
	return nil
}

func (c *change) openConflict(q model.Conflict) error {
	old, had, err := store.Conflicts.Get(c.tx, q.ID)
	if err != nil {
		return err
	}
	q.Opened = old.Opened
	if had && old.Rule == q.Rule && slices.Equal(old.Persons, q.Persons) && slices.Equal(old.Identifiers, q.Identifiers) && slices.Equal(old.Records, q.Records) && slices.Equal(old.Groups, q.Groups) {
		return nil
	}
	next, err := c.tx.NextRevision()
	if err != nil {
		return err
	}
	q.Rev = max(next, old.Rev+1) // a version may be older than the count
	if !had {
		q.Opened = c.at
		c.counts.Conflicts++
		if q.Kind.Freezes() {
			if _, err := c.event("conflict_opened", "conflict:"+string(q.ID), string(q.Kind)+": "+q.Rule); err != nil {
				return err
			}
		}
	}
	return store.Conflicts.Put(c.tx, q.ID, q)
}

func (c *change) closeConflict(q model.Conflict) error {
	if err := store.Conflicts.Delete(c.tx, q.ID); err != nil {
		return err
	}
	if !q.Kind.Freezes() {
		return nil
	}
	_, err := c.event("conflict_closed", "conflict:"+string(q.ID), string(q.Kind)+" no longer holds")
	return err
}

// managers resolves the manager references that this change may have moved and that
// are not resolved yet: of everybody whose reference looks for one of the names under
// which the changed records are or were known. It asks what is to be asked about the
// managers of these and of those who changed.
func (c *change) managers(seeds []model.RecordID, before, relinked []model.Record, changed []model.PersonID, resolved map[model.PersonID]bool) error {
	affected := make(map[model.PersonID]bool, len(changed))
	for _, id := range changed {
		affected[id] = true
	}
	aliases := map[string]bool{}
	known := func(r *model.Record) {
		for _, a := range r.Aliases {
			aliases[a] = true
		}
	}
	for i := range before {
		known(&before[i])
	}
	for i := range relinked {
		known(&relinked[i])
	}
	for _, id := range seeds {
		r, ok, err := store.Records.Get(c.tx, id)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		known(&r)
		if r.Person != "" {
			affected[r.Person] = true
		}
	}
	keys := make([][]byte, 0, len(aliases))
	for a := range aliases {
		keys = append(keys, store.Key(a))
	}
	slices.SortFunc(keys, bytes.Compare) // as they lie in the index
	for r, err := range store.GlanceBy(c.tx, store.RecordByManagerKey, keys...) {
		if err != nil {
			return err
		}
		if r.Person != "" {
			affected[r.Person] = true
		}
	}
	ids := slices.Sorted(maps.Keys(affected))
	for _, id := range ids {
		if _, done := resolved[id]; done {
			continue
		}
		var err error
		if resolved[id], err = c.resolveManager(id); err != nil {
			return err
		}
	}
	c.ends = make(map[model.PersonID]bool, len(ids))
	defer func() { c.ends = nil }()
	for _, id := range ids {
		if err := c.managerConflicts(id, resolved[id]); err != nil {
			return err
		}
	}
	return nil
}

// resolveManager brings a person's manager in line with the reference; resolved is
// false when there is a reference and it leads nowhere.
func (c *change) resolveManager(id model.PersonID) (resolved bool, err error) {
	p, ok, err := store.Persons.Get(c.tx, id)
	if err != nil || !ok {
		return true, err
	}
	manager, resolved, err := c.managerOf(&p)
	if err != nil || manager == p.Manager {
		return resolved, err
	}
	c.remember(id, p, true)
	p.Manager = manager
	p.Rev++
	p.Changed = c.at
	c.touched[id] = true
	return resolved, store.Persons.Put(c.tx, id, p)
}

// managerOf resolves a person's manager reference; resolved is false when there
// is a reference and it leads nowhere.
func (c *change) managerOf(p *model.Person) (model.PersonID, bool, error) {
	value, ok := p.Attributes[model.Manager]
	if !ok || value.Null {
		return "", true, nil
	}
	r, ok, err := store.Records.Get(c.tx, p.Provenance[model.Manager])
	if err != nil || !ok {
		return "", false, err
	}
	return reconcile.ResolveManager(p.ID, r.ManagerKeys, c.aliasOwners)
}

// aliasOwners returns the persons whose records answer to a key of a manager
// reference.
func (c *change) aliasOwners(key string) ([]model.PersonID, error) {
	var out []model.PersonID
	for r, err := range store.GlanceBy(c.tx, store.RecordByAlias, store.Key(key)) {
		if err != nil {
			return nil, err
		}
		if r.Person != "" && !r.Staged {
			out = append(out, r.Person)
		}
	}
	return out, nil
}

// managerQuestions returns what is to be asked about a person's manager; resolved
// is what resolving the reference said.
func (c *change) managerQuestions(p model.Person, resolved bool) (map[model.ConflictID]model.Conflict, error) {
	if p.Access != model.AccessOn || resolved && p.Manager == "" {
		return nil, nil
	}
	wanted := map[model.ConflictID]model.Conflict{}
	id := p.ID
	source := []model.RecordID{p.Provenance[model.Manager]}
	if !resolved {
		silenced, err := answered(c.tx, source, model.ManagerUnresolved)
		if err != nil {
			return nil, err
		}
		if !silenced {
			q := model.Conflict{Kind: model.ManagerUnresolved, Persons: []model.PersonID{id}, Records: source,
				Rule: "the manager named is nobody in the roster, or more than one person"}
			q.ID = reconcile.ConflictIDOf(q)
			wanted[q.ID] = q
		}
	}
	// Who has no active account manages nobody in a target: no circle closes there.
	walked := make([]model.PersonID, 0, 8)
	cycle, err := reconcile.ManagerCycle(id, func(p model.PersonID) (model.PersonID, error) {
		if c.ends[p] {
			return "", nil
		}
		walked = append(walked, p)
		person, _, err := store.Persons.Get(c.tx, p)
		if person.Access != model.AccessOn {
			return "", err
		}
		return person.Manager, err
	})
	if err != nil {
		return nil, err
	}
	if cycle == nil && c.ends != nil {
		for _, p := range walked {
			c.ends[p] = true
		}
	}
	if !slices.Contains(cycle, id) {
		return wanted, nil
	}
	silenced, err := answered(c.tx, source, model.ManagerCycle)
	if err != nil {
		return nil, err
	}
	if !silenced {
		q := model.Conflict{Kind: model.ManagerCycle, Persons: cycle, Rule: "these people manage each other in a circle"}
		for _, member := range cycle {
			m, _, err := store.Persons.Get(c.tx, member)
			if err != nil {
				return nil, err
			}
			q.Records = append(q.Records, m.Provenance[model.Manager])
		}
		slices.Sort(q.Records)
		q.ID = reconcile.ConflictIDOf(q)
		wanted[q.ID] = q
	}
	return wanted, nil
}

// managerConflicts opens and closes what is to be said about a person's manager.
// resolved is what resolving the reference just said.
func (c *change) managerConflicts(id model.PersonID, resolved bool) error {
	p, ok, err := store.Persons.Get(c.tx, id)
	if err != nil {
		return err
	}
	var wanted map[model.ConflictID]model.Conflict
	if ok {
		if wanted, err = c.managerQuestions(p, resolved); err != nil {
			return err
		}
	}
	var stale []model.Conflict
	for q, err := range store.ConflictByPerson.Find(c.tx, store.Key(string(id))) {
		if err != nil {
			return err
		}
		if q.Kind != model.ManagerUnresolved && q.Kind != model.ManagerCycle {
			continue
		}
		if _, still := wanted[q.ID]; !still {
			stale = append(stale, q)
		}
	}
	for _, q := range stale {
		if err := c.closeConflict(q); err != nil {
			return err
		}
	}
	for _, q := range wanted {
		if err := c.openConflict(q); err != nil {
			return err
		}
	}
	return nil
}
