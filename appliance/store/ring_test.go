package store

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/appliance/model"
)

func ringOf(t *testing.T, s *Store) (texts []string) {
	t.Helper()
	view(t, s, func(tx *Tx) error {
		tx.Requests(func(_ uint64, raw []byte) bool {
			texts = append(texts, string(raw))
			return true
		})
		return nil
	})
	return texts
}

func TestRequestRingKeepsTheNewestNewestFirst(t *testing.T) {
	s := open(t)
	for i := range 25 {
		update(t, s, func(tx *Tx) error { return tx.AddRequest(i, 4) })
	}
	if diff := cmp.Diff([]string{"24", "23", "22", "21"}, ringOf(t, s)); diff != "" {
		t.Error(diff)
	}
	view(t, s, func(tx *Tx) error {
		n := 0
		tx.Requests(func(uint64, []byte) bool { n++; return n < 2 })
		if n != 2 {
			t.Errorf("the walk went on for %d entries after it was told to stop", n-2)
		}
		return nil
	})
}

func TestWhatWasOnlyTriedLeavesNothing(t *testing.T) {
	s := open(t)
	update(t, s, func(tx *Tx) error {
		return errors.Join(Records.Put(tx, "r1", model.Record{ID: "r1", Source: "hr", Native: "1"}), tx.SetSetting("kept", 1))
	})
	var before map[string]string
	view(t, s, func(tx *Tx) error { before = dump(tx); return nil })
	committed := false
	err := s.Try(func(tx *Tx) error {
		tx.OnCommit(func() { committed = true })
		_, run := tx.NextRun()
		_, resource := tx.NextResource()
		_, event := tx.Append(model.Event{Verb: "tried"})
		err := errors.Join(run, resource, event, Records.Delete(tx, "r1"), tx.SetSetting("kept", 2), tx.AddCount("okta", "User", 3),
			tx.AddRequest("x", 10), tx.SetMissing("hr", "1", 2), Runs.Put(tx, 1, model.Run{Seq: 1}))
		if Records.Has(tx, "r1") || tx.Count("okta", "User") != 3 {
			t.Error("a change cannot be seen in its own transaction")
		}
		return err
	})
	if err != nil || committed {
		t.Errorf("Try: %v, and OnCommit ran: %t", err, committed)
	}
	refusal := errors.New("refused")
	if err := s.Try(func(*Tx) error { return refusal }); err != refusal {
		t.Errorf("Try hides the error of what it tried: %v", err)
	}
	if err := s.Update(func(tx *Tx) error { return errors.Join(Records.Delete(tx, "r1"), refusal) }); !errors.Is(err, refusal) {
		t.Errorf("Update: %v", err)
	}
	view(t, s, func(tx *Tx) error {
		if diff := cmp.Diff(before, dump(tx)); diff != "" {
			t.Errorf("left behind: %s", diff)
		}
		return nil
	})
	update(t, s, func(tx *Tx) error {
		if seq, err := tx.NextRun(); seq != 1 || err != nil {
			t.Errorf("the first run is number %d, %v", seq, err)
		}
		return nil
	})
}

func TestCountersSettingsAndMissingCounts(t *testing.T) {
	s := open(t)
	update(t, s, func(tx *Tx) error {
		return errors.Join(tx.AddCount("okta", "User", 5), tx.AddCount("okta", "User", -2), tx.AddCount("okta", "Group", 0), tx.AddCount("oktaUser", "", 9),
			tx.SetSetting("pause", map[string]bool{"javelo": true}),
			tx.SetMissing("hr", "1", 1), tx.SetMissing("hr", "2", 2), tx.SetMissing("hr", "3", 1), tx.SetMissing("hr", "3", 0), tx.SetMissing("hrx", "4", 1))
	})
	view(t, s, func(tx *Tx) error {
		if u, g := tx.Count("okta", "User"), tx.Count("okta", "Group"); u != 3 || g != 0 {
			t.Errorf("counted %d users and %d groups, want 3 and 0", u, g)
		}
		paused := map[string]bool{}
		if set, err := tx.Setting("pause", &paused); !set || err != nil || !paused["javelo"] {
			t.Errorf("setting: %t, %v, %v", set, err, paused)
		}
		if set, err := tx.Setting("nothing", &paused); set || err != nil {
			t.Errorf("a setting that nobody set: %t, %v", set, err)
		}
		var number int
		if _, err := tx.Setting("pause", &number); err == nil {
			t.Error("a setting of another shape was read without an error")
		}
		if one, two := tx.Missing("hr", "1"), tx.Missing("hr", "2"); one != 1 || two != 2 {
			t.Errorf("missing %d and %d times, want 1 and 2", one, two)
		}
		if diff := cmp.Diff([]string{"1", "2"}, tx.MissingOf("hr")); diff != "" {
			t.Error(diff)
		}
		return nil
	})
}

func TestIdsAreRandomAndKeepTheirPrefix(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		id := NewID("p")
		if len(id) != 28 || id[:2] != "p_" || seen[id] {
			t.Fatalf("id %q", id)
		}
		seen[id] = true
	}
}

func TestRequestRingShrinksWhenItsSizeDoes(t *testing.T) {
	s := open(t)
	for i := range 20 {
		update(t, s, func(tx *Tx) error { return tx.AddRequest(i, 10) })
	}
	update(t, s, func(tx *Tx) error { return tx.AddRequest(20, 3) })
	if got := ringOf(t, s); len(got) != 3 {
		t.Errorf("the ring of 3 holds %d entries", len(got))
	}
}
