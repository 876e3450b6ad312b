package ingest

import (
	"fmt"
	"slices"

	"rollcall/appliance/model"
	"rollcall/appliance/reconcile"
	"rollcall/appliance/store"
)

// Listed stores a complete listing of a target's accounts. It looks at the people
// whose email an unlinked account carries, and compares what was delivered with what
// is listed (see [change.drift]). Accounts that the listing does not show any more are
// forgotten as listed; what was delivered is not touched, because only a look-up
// that finds nothing proves an account gone. It returns those who may be gone, as far
// as they are few enough to be looked up.
func (e *Engine) Listed(target string, accounts []model.Account) (missing []model.Delivered, err error) {
	var listing uint64
	err = e.update(actorSelf, 0, model.JobOpen, func(c *change) error {
		if _, err := c.tx.Setting("listing:"+target, &listing); err != nil {
			return err
		}
		listing++
		return c.tx.SetSetting("listing:"+target, listing)
	})
	if err != nil {
		return nil, err
	}
	for part := range slices.Chunk(accounts, batch) {
		err := e.update(actorSelf, 0, model.JobOpen, func(c *change) error {
			for _, a := range part {
				if store.Forgotten.Has(c.tx, c.e.tombstone(target, a.RemoteID)) {
					continue // the account of somebody who was erased here
				}
				row := store.Account{Target: target, EmailKey: emailKey(a.Login), Listing: listing, Account: a}
				if err := store.Accounts.Put(c.tx, store.TargetRemote{Target: target, RemoteID: a.RemoteID}, row); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	err = e.update(actorSelf, 0, model.JobOpen, func(c *change) error {
		missing, err = c.listed(target, listing, accounts)
		return err
	})
	return missing, err
}

// listed draws the consequences of a listing that is stored.
func (c *change) listed(target string, listing uint64, accounts []model.Account) ([]model.Delivered, error) {
	if err := c.forgetUnlisted(target, listing); err != nil {
		return nil, err
	}
	run, err := c.startRun("", model.CauseDrift)
	if err != nil {
		return nil, err
	}
	run.Counts.Seen = len(accounts)
	run.Notes = []string{fmt.Sprintf("listed %d accounts of %s", len(accounts), target)}
	uncovered, err := c.unlinked(target, accounts)
	if err != nil {
		return nil, err
	}
	lane, err := c.lane(target)
	if err != nil {
		return nil, err
	}
	var found drifts
	if !lane.Restored.IsZero() && lane.Listed.IsZero() {
		err = c.confirm(target, accounts) // what was delivered is not known, so nothing has drifted
	} else {
		found, err = c.drift(target, accounts)
	}
	if err != nil {
		return nil, err
	}
	run.Notes = append(run.Notes, found.notes...)
	if err := c.readWaves(target); err != nil {
		return nil, err
	}
	if err := c.evaluateTouched(); err != nil {
		return nil, err
	}
	lane.Listed, lane.Uncovered = c.at, uncovered
	lane.Ignored = slices.DeleteFunc(lane.Ignored, func(n model.Name) bool { return found.shown[n] })
	if err := store.Lanes.Put(c.tx, target, lane); err != nil {
		return nil, err
	}
	_, err = c.closeRun(run, model.VerdictComplete, false)
	return found.missing, err
}

// unlinked touches the people whose email an account of nobody carries, and counts
// the accounts that no person of the roster matches.
func (c *change) unlinked(target string, accounts []model.Account) (uncovered int, err error) {
	for _, a := range accounts {
		row := store.Account{Target: target, EmailKey: emailKey(a.Login), Account: a}
		switch {
		case OfNobody(c.tx, row):
			uncovered++
			continue
		case isLinked(c.tx, row):
			continue
		}
		for p, err := range store.PersonByEmail.Find(c.tx, store.Key(row.EmailKey)) {
			if err != nil {
				return 0, err
			}
			c.touched[p.ID] = true
		}
	}
	return uncovered, nil
}

// OfNobody reports whether no person of the roster has an account, by link or by
// email.
func OfNobody(tx *store.Tx, a store.Account) bool {
	return !isLinked(tx, a) && (a.EmailKey == "" || store.PersonByEmail.Count(tx, store.Prefix(a.EmailKey), 1) == 0)
}

// isLinked reports whether an account is a person's by what was delivered.
func isLinked(tx *store.Tx, a store.Account) bool {
	_, _, linked := store.DeliveredByRemote.Note(tx, store.Key(a.Target, a.RemoteID))
	return linked
}

// countUncovered counts the accounts of nobody again, without holding anybody up:
// an activation makes people of whom the last listing knew nothing.
func (e *Engine) countUncovered(target string) error {
	uncovered := 0
	err := e.store.View(func(tx *store.Tx) error {
		for a, err := range store.Accounts.Each(tx, store.Prefix(target)) {
			if err != nil {
				return err
			}
			if OfNobody(tx, a) {
				uncovered++
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return e.update(actorSelf, 0, model.JobOpen, func(c *change) error {
		lane, err := c.lane(target)
		if err != nil || lane.Uncovered == uncovered {
			return err
		}
		lane.Uncovered = uncovered
		return store.Lanes.Put(c.tx, target, lane)
	})
}

func (c *change) forgetUnlisted(target string, listing uint64) error {
	var gone []store.Account
	for a, err := range store.Accounts.Each(c.tx, store.Prefix(target)) {
		if err != nil {
			return err
		}
		if a.Listing != listing {
			gone = append(gone, a)
		}
	}
	for _, a := range gone {
		if err := store.Accounts.Delete(c.tx, store.TargetRemote{Target: target, RemoteID: a.RemoteID}); err != nil {
			return err
		}
	}
	return nil
}

// AccountGone stores that a look-up did not find an account that a complete listing
// did not show either. Whether another is made, the person decides.
func (e *Engine) AccountGone(target string, d model.Delivered) error {
	return e.update(actorSelf, 0, model.JobReady, func(c *change) error {
		now, had, err := store.Deliveries.Get(c.tx, store.TargetPerson{Target: target, Person: d.Person})
		if err != nil || !had || now.RemoteID != d.RemoteID {
			return err
		}
		return c.forgetAccount(Attempt{Target: target, Person: d.Person, RemoteID: d.RemoteID})
	})
}

// drifts is what a listing says beside what was delivered.
type drifts struct {
	missing []model.Delivered
	notes   []string
	shown   map[model.Name]bool // attributes that the listing shows for somebody
}

// drift compares every account that was delivered with the account as listed. What
// differs was edited there by somebody else, or is kept there in another form than it
// was sent. It is noted per person, and with "overwrite" the listed value becomes what
// the target is known to hold, so that the next look at the person writes it back
// under the guards like every change. A value that came back once in the same form
// after it was overwritten is the target's own form of it: it is reported and left.
//
// Attributes that this listing shows for nobody are not compared: the target does not
// list them. Accounts of nobody are never touched.
func (c *change) drift(target string, accounts []model.Account) (drifts, error) {
	var out drifts
	t := c.target(target)
	if t == nil {
		return out, nil
	}
	byID := make(map[string]model.Account, len(accounts))
	shown := map[model.Name]bool{}
	out.shown = shown
	for _, a := range accounts {
		byID[a.RemoteID] = a
		for n := range a.Attributes {
			shown[n] = true
		}
		if a.ManagerRemoteID != "" || a.ManagerLogin != "" {
			shown[model.Manager] = true
		}
	}
	var delivered []model.Delivered
	for d, err := range store.Deliveries.Each(c.tx, store.Prefix(target)) {
		if err != nil {
			return out, err
		}
		delivered = append(delivered, d)
	}
	edited := 0
	for _, d := range delivered {
		a, there := byID[d.RemoteID]
		row := model.Drift{Target: target, Person: d.Person, RemoteID: d.RemoteID, Missing: !there, Values: map[model.Name]string{}}
		if there {
			observed, err := c.observed(d, a, shown)
			if err != nil {
				return out, err
			}
			if err := c.driftOf(t, d, observed, &row); err != nil {
				return out, err
			}
		} else {
			out.missing = append(out.missing, d)
		}
		if len(row.Values) > 0 {
			edited++
		}
		if err := c.putDrift(row); err != nil {
			return out, err
		}
	}
	if edited > 0 {
		out.notes = append(out.notes, fmt.Sprintf("%d accounts are not as they were delivered", edited))
	}
	if n := len(out.missing); n > 0 {
		out.notes = append(out.notes, fmt.Sprintf("%d accounts that were delivered are not listed", n))
		if limit := anew(len(delivered)); n > limit || t.Drift != DriftOverwrite {
			if n > limit {
				out.notes = append(out.notes, fmt.Sprintf("more than the %d that are looked up one by one: nothing is concluded", limit))
			}
			out.missing = nil
		}
	}
	return out, nil
}

// What to do about drift.
const (
	DriftOverwrite = "overwrite"
	DriftReport    = "report"
)

// observed is what was delivered with everything put in that the listing says.
func (c *change) observed(d model.Delivered, a model.Account, shown map[model.Name]bool) (model.Desired, error) {
	now := d.Sent
	now.Active = a.Active
	if !reconcile.SameLogin(a.Login, d.Sent.Email) {
		now.Email = a.Login
	}
	now.Attributes = make(map[model.Name]string, len(d.Sent.Attributes))
	for n, sent := range d.Sent.Attributes {
		got, said := a.Attributes[n]
		switch {
		case said:
			now.Attributes[n] = got
		case !shown[n]:
			now.Attributes[n] = sent
		case sent == "":
			now.Attributes[n] = ""
		}
	}
	if shown[model.Manager] {
		have, err := heldBy(c.tx, d.Target, d.Person, a)
		if err != nil {
			return now, err
		}
		now.Manager = have.Manager // nobody, when it is somebody whom nobody here knows
	}
	return now, nil
}

// driftOf notes how an account differs, and takes what is to be overwritten for what
// the target holds.
func (c *change) driftOf(t *TargetSettings, d model.Delivered, observed model.Desired, row *model.Drift) error {
	old, _, err := store.Drifts.Get(c.tx, store.TargetPerson{Target: t.Name, Person: d.Person})
	if err != nil {
		return err
	}
	sent := d.Sent
	var fields []string
	for _, n := range differing(d.Sent, observed) {
		value := c.e.digest(valueOf(observed, n))
		row.Values[n] = value
		own := old.Values[n] == value && (slices.Contains(old.Own, n) || slices.Contains(old.Overwritten, n))
		switch {
		case own:
			row.Own = append(row.Own, n)
			continue
		case t.Drift != DriftOverwrite:
			continue
		}
		row.Overwritten = append(row.Overwritten, n)
		fields = append(fields, string(n))
		take(&sent, observed, n)
	}
	if len(fields) == 0 {
		return nil
	}
	if _, err := c.event("drifted", "person:"+string(d.Person), t.Name+" account "+d.RemoteID+" was changed there", fields...); err != nil {
		return err
	}
	delta := 0
	if sent.Active != d.Sent.Active {
		delta = 1
		if d.Sent.Active {
			delta = -1
		}
		if err := c.touchReports(d.Person); err != nil {
			return err
		}
	}
	if err := c.tx.AddCount(t.Name, activeAccounts, delta); err != nil {
		return err
	}
	d.Sent = sent
	c.touched[d.Person] = true
	return store.Deliveries.Put(c.tx, store.TargetPerson{Target: t.Name, Person: d.Person}, d)
}

// differing is reconcile.Difference both ways: a value that went away differs too.
// Of an account that is off, only that counts: it is never updated.
func differing(sent, observed model.Desired) []model.Name {
	if !sent.Active && !observed.Active {
		return nil
	}
	names := reconcile.Difference(sent, observed)
	for n, v := range sent.Attributes {
		if _, still := observed.Attributes[n]; !still && v != "" {
			names = append(names, n)
		}
	}
	model.SortNames(names)
	return names
}

func valueOf(d model.Desired, n model.Name) any {
	switch n {
	case reconcile.ActiveName:
		return d.Active
	case model.Email:
		return d.Email
	case model.Manager:
		return d.Manager
	}
	v, said := d.Attributes[n]
	return []any{said, v}
}

// take copies one attribute.
func take(to *model.Desired, from model.Desired, n model.Name) {
	switch n {
	case reconcile.ActiveName:
		to.Active = from.Active
	case model.Email:
		to.Email = from.Email
	case model.Manager:
		to.Manager = from.Manager
	default:
		attributes := make(map[model.Name]string, len(to.Attributes))
		for k, v := range to.Attributes {
			attributes[k] = v
		}
		delete(attributes, n)
		if v, said := from.Attributes[n]; said {
			attributes[n] = v
		}
		to.Attributes = attributes
	}
}

// putDrift keeps what a listing found of a person, and since when.
func (c *change) putDrift(row model.Drift) error {
	key := store.TargetPerson{Target: row.Target, Person: row.Person}
	old, had, err := store.Drifts.Get(c.tx, key)
	if err != nil {
		return err
	}
	if !row.Missing && len(row.Values) == 0 {
		if !had {
			return nil
		}
		return store.Drifts.Delete(c.tx, key)
	}
	row.Since = c.at
	if had {
		row.Since = old.Since
	}
	return store.Drifts.Put(c.tx, key, row)
}
