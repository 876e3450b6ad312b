package ingest

import (
	"errors"

	"rollcall/appliance/model"
	"rollcall/appliance/store"
)

// unmention erases a person from what is said of others, before their own records
// go: then nobody is asked who the manager is that nobody knows any more. A
// manager that is taken out is absent, which changes no account. It comes back with
// the next change of that record when the source still gives it.
func (c *change) unmention(m *mentions) error {
	for _, id := range m.decisions {
		d, ok, err := store.Decisions.Get(c.tx, id)
		if err != nil {
			return err
		}
		gone, hit := m.traces.decision(d)
		switch {
		case !ok || !hit:
		case gone:
			err = store.Decisions.Delete(c.tx, id)
			m.records = append(m.records, d.Records...) // what they are found by follows from decisions too
		default:
			d.Reason = ""
			err = store.Decisions.Put(c.tx, id, d)
		}
		if err != nil {
			return err
		}
	}
	if err := c.unmentionRecords(m); err != nil {
		return err
	}
	if err := c.unmentionResources(m); err != nil {
		return err
	}
	return c.unmentionDeliveries(m)
}

func (c *change) unmentionRecords(m *mentions) error {
	var seeds []model.RecordID
	var before []model.Record
	done := map[model.RecordID]bool{}
	for _, id := range m.records {
		if done[id] || m.traces.records[id] {
			continue
		}
		done[id] = true
		old, ok, err := store.Records.Get(c.tx, id)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		said, _, err := store.Origins.Get(c.tx, id)
		if err != nil {
			return err
		}
		r, o, _ := m.traces.record(old, said)
		if err := c.identify(&r, c.settings.Sources[r.Source].MatchNumber); err != nil {
			return err
		}
		r.Rev++
		r.Changed = c.at
		if err := errors.Join(store.Records.Put(c.tx, id, r), store.Origins.Put(c.tx, id, o), c.regroup(r.Source, r.Native, &r)); err != nil {
			return err
		}
		if !r.Staged {
			seeds, before = append(seeds, id), append(before, old)
		}
	}
	return c.settle(seeds, before)
}

func (c *change) unmentionResources(m *mentions) error {
	for _, key := range m.resources {
		r, ok, err := store.Resources.Get(c.tx, key)
		if err != nil {
			return err
		}
		r, hit := m.traces.resource(r)
		if !ok || !hit {
			continue
		}
		if GroupAttribute(r) != "" {
			if r.Members > 0 {
				continue // of a namesake
			}
			if err := c.dropGroup(r); err != nil {
				return err
			}
			continue
		}
		r.Rev++
		r.Modified = c.at
		if err := store.Resources.Put(c.tx, key, r); err != nil {
			return err
		}
	}
	for _, key := range m.members {
		g, ok, err := store.Members.Get(c.tx, key)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		g.Display = ""
		if err := store.Members.Put(c.tx, key, g); err != nil {
			return err
		}
	}
	for _, key := range m.accounts {
		a, ok, err := store.Accounts.Get(c.tx, key)
		if err != nil {
			return err
		}
		a, theirs, hit := m.traces.account(a)
		switch {
		case !ok || !hit:
		case theirs:
			// Nothing was delivered to it: it is theirs by its address alone.
			if _, linked, e := store.DeliveredByRemote.One(c.tx, store.Key(key.Target, key.RemoteID)); e != nil || linked {
				err = e
				break
			}
			err = errors.Join(c.bury(key.Target, key.RemoteID), store.Accounts.Delete(c.tx, key))
		default:
			err = store.Accounts.Put(c.tx, key, a)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *change) unmentionDeliveries(m *mentions) error {
	for _, key := range m.delivered {
		d, ok, err := store.Deliveries.Get(c.tx, key)
		if err != nil {
			return err
		}
		mine, err := ownWords(c.tx, key.Person)
		if err != nil {
			return err
		}
		if ok && m.traces.texts(d.Sent.Attributes, mine) {
			if err := store.Deliveries.Put(c.tx, key, d); err != nil {
				return err
			}
		}
	}
	for _, key := range m.written {
		w, ok, err := store.Writes.Get(c.tx, key)
		if err != nil {
			return err
		}
		mine, err := ownWords(c.tx, key.Person)
		if err != nil {
			return err
		}
		if ok && w.Before != nil && m.traces.texts(w.Before.Attributes, mine) {
			if err := store.Writes.Put(c.tx, key, w); err != nil {
				return err
			}
		}
	}
	for _, key := range m.restored {
		r, ok, err := store.Restores.Get(c.tx, key)
		if err != nil {
			return err
		}
		mine, err := ownWords(c.tx, key.Person)
		if err != nil {
			return err
		}
		if ok && m.traces.texts(r.Want.Attributes, mine) {
			if err := store.Restores.Put(c.tx, key, r); err != nil {
				return err
			}
		}
	}
	for _, key := range m.jobs {
		j, ok, err := store.Outbox.Get(c.tx, key)
		if err != nil {
			return err
		}
		if ok {
			j.LastError = erased
			if err := store.Outbox.Put(c.tx, key, j); err != nil {
				return err
			}
		}
	}
	for _, key := range m.groups {
		j, ok, err := store.GroupJobs.Get(c.tx, key)
		if err != nil {
			return err
		}
		if ok {
			j.LastError = erased
			if err := store.GroupJobs.Put(c.tx, key, j); err != nil {
				return err
			}
		}
	}
	return nil
}

// unmentionHistory erases a person from the old values of others, last of all:
// erasing is a change of others too.
func (c *change) unmentionHistory(m *mentions, since uint64) error {
	keys := m.history
	for _, id := range m.records {
		r, ok, err := store.Records.Get(c.tx, id)
		if err != nil {
			return err
		}
		if !ok || r.Person == "" {
			continue
		}
		for h, err := range store.History.Each(c.tx, store.Prefix(string(r.Person))) {
			if err != nil {
				return err
			}
			if h.Seq > since {
				keys = append(keys, store.HistoryKey{Person: h.Person, Seq: h.Seq})
			}
		}
	}
	for _, key := range keys {
		h, ok, err := store.History.Get(c.tx, key)
		if err != nil {
			return err
		}
		mine, err := ownWords(c.tx, key.Person)
		if err != nil {
			return err
		}
		before, after := m.traces.values(h.Before, mine), m.traces.values(h.After, mine)
		if !ok || !before && !after {
			continue
		}
		if err := store.History.Put(c.tx, key, h); err != nil {
			return err
		}
	}
	return nil
}
