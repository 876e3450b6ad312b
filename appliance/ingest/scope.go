package ingest

import (
	"errors"
	"fmt"

	"rollcall/appliance/identity"
	"rollcall/appliance/model"
	"rollcall/appliance/reconcile"
	"rollcall/appliance/store"
	"rollcall/connectors"
)

// A source's scope is whom it is asked as: another address, account, key or
// generation of its API may show other people, or the same ones under other ids.
// What such a read does not show proves nothing, and whom it shows under a new id
// is looked for among those who had another.

// movedFrom marks the id of a record that gave it up to somebody else during a
// move. No service has ids that begin so.
const movedFrom = "\x01moved:"

// moves reports whether the source is asked as somebody else than in its last
// complete read.
func moves(s store.SourceState, settings SourceSettings) bool {
	return s.Scope != "" && settings.Scope != "" && s.Scope != settings.Scope
}

// before returns the record of a person whom the source shows under another id
// now; empty when they are not known, or when more than one could be meant. Address
// and either name or number must agree: an address alone may have been given to
// somebody else meanwhile.
func (r *Read) before(tx *store.Tx, o *model.Observation) (home model.RecordID, err error) {
	ids, _ := identity.Of(o.Attributes, false)
	for _, id := range ids {
		for rec, err := range store.RecordByIdentifier.Find(tx, store.IdentifierKey(id)) {
			if err != nil {
				return "", err
			}
			if rec.Source != r.source || rec.Gone || rec.Native == o.Native || r.seen.has(rec.Ordinal) || !sameHuman(rec.Attributes, o.Attributes) {
				continue
			}
			if home != "" {
				return "", nil
			}
			home = rec.ID
		}
	}
	return home, nil
}

// stranger reports whether the record that has the person's id speaks of somebody
// else: the ids of two generations need not be the same numbers.
func (r *Read) stranger(tx *store.Tx, o *model.Observation) (bool, error) {
	rec, ok, err := store.RecordByNative.One(tx, store.Key(r.source, o.Native))
	if err != nil || !ok {
		return false, err
	}
	was, is := emailOf(rec.Attributes), emailOf(o.Attributes)
	return was != is && !sameHuman(rec.Attributes, o.Attributes), nil
}

func emailOf(a model.Attributes) string {
	id, _, err := identity.Email(a.Text(model.Email))
	if err != nil {
		return ""
	}
	return id.Value
}

// sameHuman reports whether employee numbers agree or, when one of them is not
// told, names do.
func sameHuman(a, b model.Attributes) bool {
	x, y := a.Text(model.EmployeeNumber), b.Text(model.EmployeeNumber)
	if x != "" && y != "" {
		return x == y
	}
	return identity.Name(a.Text(model.FamilyName)) == identity.Name(b.Text(model.FamilyName)) &&
		identity.Name(a.Text(model.GivenName)) == identity.Name(b.Text(model.GivenName))
}

// settleMove decides, while the source moves, whose the person's id is: home is
// their record where it has another id now, taken whether the record that has
// theirs is somebody else's.
func (r *Read) settleMove(tx *store.Tx, o *model.Observation, had bool) (home model.RecordID, taken bool, err error) {
	if had {
		if taken, err = r.stranger(tx, o); err != nil || !taken {
			return "", false, err
		}
	}
	home, err = r.before(tx, o)
	return home, taken, err
}

// move gives a person's record the id under which the read found them. Whoever has
// that id makes room; their own new id is found when the read comes to them.
func (c *change) move(source string, o observed, byNumber bool) error {
	if o.home == "" && !o.taken {
		return nil
	}
	there, occupied, err := store.RecordByNative.One(c.tx, store.Key(source, o.Native))
	if err != nil {
		return err
	}
	if occupied && there.ID != o.home {
		if err := c.rename(there, movedFrom+o.Native, byNumber); err != nil {
			return err
		}
	}
	if o.home == "" {
		return nil
	}
	rec, ok, err := store.Records.Get(c.tx, o.home)
	if err != nil || !ok {
		return err
	}
	return c.rename(rec, o.Native, byNumber)
}

// rename gives a record another id of its source.
func (c *change) rename(rec model.Record, to string, byNumber bool) error {
	if err := errors.Join(c.tx.SetMissing(rec.Source, rec.Native, 0), c.regroup(rec.Source, rec.Native, nil)); err != nil {
		return err
	}
	rec.Native = to
	rec.Rev++
	if err := c.identify(&rec, byNumber); err != nil {
		return err
	}
	return errors.Join(store.Records.Put(c.tx, rec.ID, rec), c.regroup(rec.Source, rec.Native, &rec))
}

// asked tells, at the end of a complete read, whether the source was asked as
// somebody else than before, and remembers as whom.
func (r *Read) asked(c *change, run *model.Run, s *store.SourceState) (otherwise bool, err error) {
	settings := c.settings.Sources[r.source]
	if otherwise = moves(*s, settings); otherwise {
		run.Notes = append(run.Notes, "the source is asked in another way than before (address, account, key or API): nobody counts as missing in this read")
		_, err = c.event("scope_changed", "source:"+r.source, "")
	}
	if settings.Scope != "" {
		s.Scope = settings.Scope
	}
	return otherwise, err
}

// familiar judges whether a complete read shows the people that were known before:
// as many others would pass for the same company by their number. It reports
// whether absences may be counted.
func (r *Read) familiar(c *change, run *model.Run, s *store.SourceState, missing []model.RecordID) (bool, error) {
	fresh, err := r.newlyMissing(c, missing)
	if err != nil {
		return false, err
	}
	known := r.counts.Seen - r.counts.Added + len(missing)
	accepted := s.AcceptedMissing
	s.AcceptedMissing = 0
	strange, why := reconcile.Unfamiliar(known-fresh, known, c.settings.Limits.Shrink)
	if !strange || fresh <= accepted {
		return true, nil
	}
	h := model.Hold{Guard: reconcile.GuardShrink, Reason: why + "; nobody counts as missing", Count: known - fresh, Limit: known, State: model.HoldWaiting}
	run.Holds = append(run.Holds, h)
	return false, c.addHold(run.Seq, h)
}

// newlyMissing counts those of the missing whom the read before had found.
func (r *Read) newlyMissing(c *change, missing []model.RecordID) (n int, err error) {
	for _, id := range missing {
		rec, ok, err := store.Records.Get(c.tx, id)
		if err != nil {
			return n, err
		}
		if ok && c.tx.Missing(r.source, rec.Native) == 0 {
			n++
		}
	}
	return n, nil
}

// whole reports whether a read that ended well saw as many people as the source
// said there are.
func (r *Read) whole() error {
	if r.told == 0 || r.counts.Seen >= r.told {
		return nil
	}
	return &connectors.Error{Class: connectors.Transient, Op: r.source + ": read people",
		Detail: fmt.Sprintf("the source says that there are %d and listed %d", r.told, r.counts.Seen),
		Next:   "Nothing is concluded from it; the next read begins anew"}
}
