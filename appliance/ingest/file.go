package ingest

import (
	"cmp"
	"slices"

	"rollcall/appliance/model"
	"rollcall/appliance/reconcile"
	"rollcall/appliance/store"
)

// Composition is everybody as a file should hold them, and what changes by it.
type Composition struct {
	// Want is who was delivered and who is ready, sorted by person. Those who are not
	// active are in it too.
	Want []model.Desired
	// Attempts are the deliveries that the file settles.
	Attempts []Attempt
}

// Attempt returns what changes for a person.
func (c *Composition) Attempt(person model.PersonID) (Attempt, bool) {
	i := slices.IndexFunc(c.Attempts, func(a Attempt) bool { return a.Person == person })
	if i < 0 {
		return Attempt{}, false
	}
	return c.Attempts[i], true
}

// Compose puts what is ready for these people in the place of what was delivered to a
// target that takes everybody as a file. Everybody else stays as they were delivered:
// what a guard holds, or a target refused, is not in the file. Nothing is recorded as
// attempted, because a file can be put again.
//
// Two people with one login cannot be in a file: the one whose it was keeps it, and
// the other's delivery is parked behind a conflict.
func (e *Engine) Compose(target string, ready []model.PersonID) (Composition, error) {
	var attempts []Attempt
	for part := range slices.Chunk(ready, batch) {
		err := e.update(actorSelf, 0, model.JobReady, func(c *change) error {
			for _, person := range part {
				a, ok, err := c.composed(target, person)
				if err != nil {
					return err
				}
				if ok {
					attempts = append(attempts, a)
				}
			}
			return nil
		})
		if err != nil {
			return Composition{}, err
		}
	}
	var delivered []model.Delivered
	err := e.store.View(func(tx *store.Tx) error {
		for d, err := range store.Deliveries.Each(tx, store.Prefix(target)) {
			if err != nil {
				return err
			}
			delivered = append(delivered, d)
		}
		return nil
	})
	if err != nil {
		return Composition{}, err
	}
	out, taken := overlay(attempts, delivered)
	for _, t := range taken {
		if err := e.loginTaken(t.attempt, t.holder); err != nil {
			return out, err
		}
	}
	return out, nil
}

// composed returns what a ready job would change; false when it changes nothing any
// more, or a guard stops what it has become.
func (c *change) composed(target string, person model.PersonID) (Attempt, bool, error) {
	key := store.TargetPerson{Target: target, Person: person}
	t := c.target(target)
	job, ok, err := store.Outbox.Get(c.tx, key)
	if err != nil || !ok || t == nil || job.State != model.JobReady {
		return Attempt{}, false, err
	}
	o, ok, err := Look(c.tx, t, person)
	if err != nil {
		return Attempt{}, false, err
	}
	if !ok || o.Projection.Effect == model.EffectNone {
		return Attempt{}, false, store.Outbox.Delete(c.tx, key)
	}
	if digest := c.e.jobDigest(o.Projection); digest != job.Digest || o.Projection.Effect != job.Effect {
		if job, err = c.rejudge(key, job, o, digest); err != nil || job.State != model.JobReady {
			return Attempt{}, false, err
		}
	}
	a := Attempt{Target: target, Person: person, Want: o.Projection.Want, Effect: o.Projection.Effect, RemoteID: string(person), Run: job.Run, digest: job.Digest}
	if o.Delivered != nil {
		have := o.Delivered.Sent
		a.Have, a.RemoteID = &have, o.Delivered.RemoteID
	}
	return a, true, nil
}

// takenLogin is a delivery whose login is somebody else's in the same file.
type takenLogin struct {
	attempt Attempt
	holder  model.PersonID
}

// overlay puts attempts over what was delivered, and takes out those whose login is
// another's.
func overlay(attempts []Attempt, delivered []model.Delivered) (Composition, []takenLogin) {
	people := map[model.PersonID]model.Desired{}
	for _, d := range delivered {
		people[d.Person] = d.Sent
	}
	var taken []takenLogin
	slices.SortFunc(attempts, func(a, b Attempt) int { return cmp.Compare(a.Person, b.Person) })
	for {
		now := map[model.PersonID]model.Desired{}
		for id, d := range people {
			now[id] = d
		}
		for _, a := range attempts {
			now[a.Person] = a.Want
		}
		clash, holder := clashIn(attempts, now, people)
		if clash < 0 {
			c := Composition{Attempts: attempts}
			for _, d := range now {
				c.Want = append(c.Want, d)
			}
			slices.SortFunc(c.Want, func(a, b model.Desired) int { return cmp.Compare(a.Person, b.Person) })
			return c, taken
		}
		taken = append(taken, takenLogin{attempts[clash], holder})
		attempts = slices.Delete(attempts, clash, clash+1)
	}
}

// clashIn finds an attempt whose login somebody else has in the file that would
// come of it: one who had it before, or whose attempt comes first.
func clashIn(attempts []Attempt, now, before map[model.PersonID]model.Desired) (int, model.PersonID) {
	owner := map[string]model.PersonID{}
	claim := func(id model.PersonID, d model.Desired) {
		if key := emailKey(d.Email); key != "" && d.Active && owner[key] == "" {
			owner[key] = id
		}
	}
	for id, d := range now {
		if old, had := before[id]; had && old.Active && reconcile.SameLogin(old.Email, d.Email) {
			claim(id, d)
		}
	}
	for _, a := range attempts {
		claim(a.Person, a.Want)
	}
	for i, a := range attempts {
		if key := emailKey(a.Want.Email); key != "" && a.Want.Active && owner[key] != a.Person {
			return i, owner[key]
		}
	}
	return -1, ""
}

func (e *Engine) loginTaken(a Attempt, holder model.PersonID) error {
	return e.update(actorSelf, 0, model.JobReady, func(c *change) error {
		return c.refuse(&a, model.Conflict{Kind: model.AccountTaken, Persons: []model.PersonID{a.Person, holder},
			Rule: "the login is another person's in the same file"})
	})
}

// FileAnnounced stores that a file is about to be put: from here on nobody knows
// which one is there, until FileStored.
func (e *Engine) FileAnnounced(target string) error {
	return e.update(actorSelf, 0, model.JobReady, func(c *change) error {
		lane, err := c.lane(target)
		if err != nil {
			return err
		}
		lane.File.Announced = true
		return store.Lanes.Put(c.tx, target, lane)
	})
}

// FileStored stores what the file that is there settled, and that it is there.
func (e *Engine) FileStored(target string, composed Composition, digest string, people int) error {
	for part := range slices.Chunk(composed.Attempts, batch) {
		err := e.update(actorSelf, 0, model.JobReady, func(c *change) error {
			for _, a := range part {
				if err := c.succeeded(a, model.Account{RemoteID: a.RemoteID}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return e.update(actorSelf, 0, model.JobReady, func(c *change) error {
		lane, err := c.lane(target)
		if err != nil {
			return err
		}
		if lane.File.Digest != digest || lane.File.Announced {
			lane.File.At = c.at
		}
		lane.File.Digest, lane.File.People, lane.File.Announced = digest, people, false
		return store.Lanes.Put(c.tx, target, lane)
	})
}
