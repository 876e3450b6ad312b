package store

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rollcall/appliance/model"
)

const journalLength = 12

// writeJournal appends events as the engine does.
func writeJournal(tx *Tx, n int) error {
	at := time.Date(2026, 11, 22, 9, 0, 0, 0, time.FixedZone("", 3600))
	for i := range n {
		e := model.Event{Seq: 99, Prev: "set by Append", At: at.Add(time.Duration(i) * time.Minute), Actor: "rollcall",
			Subject: fmt.Sprintf("person:p%d", i), Verb: "changed", Fields: []string{"title"}, Run: 7}
		seq, err := tx.Append(e)
		if err != nil || seq != uint64(i+1) {
			return errors.Join(err, fmt.Errorf("event %d got number %d", i+1, seq))
		}
	}
	return nil
}

func TestJournalIsAChainOfNumberedEventsInUTC(t *testing.T) {
	s := open(t)
	update(t, s, func(tx *Tx) error { return writeJournal(tx, journalLength) })
	view(t, s, func(tx *Tx) error {
		n, err := tx.VerifyJournal()
		if n != journalLength || err != nil {
			t.Errorf("verified %d events, %v; want %d", n, err, journalLength)
		}
		first, _, _ := Journal.Get(tx, 1)
		second, _, _ := Journal.Get(tx, 2)
		if first.Seq != 1 || first.Prev != "" || second.Prev == "" {
			t.Errorf("the first event is %d after %q, the second after %q", first.Seq, first.Prev, second.Prev)
		}
		if first.At.Location() != time.UTC || first.At.Hour() != 8 {
			t.Errorf("the event happened at %v, want UTC", first.At)
		}
		return nil
	})
}

func TestEmptyJournalIsSound(t *testing.T) {
	view(t, open(t), func(tx *Tx) error {
		if n, err := tx.VerifyJournal(); n != 0 || err != nil {
			t.Errorf("verified %d events, %v", n, err)
		}
		return nil
	})
}

func TestEventThatWasRolledBackLeavesNoGap(t *testing.T) {
	s := open(t)
	update(t, s, func(tx *Tx) error { return writeJournal(tx, 3) })
	if err := s.Try(func(tx *Tx) error { _, err := tx.Append(model.Event{Verb: "tried"}); return err }); err != nil {
		t.Fatal(err)
	}
	update(t, s, func(tx *Tx) error {
		seq, err := tx.Append(model.Event{Verb: "done"})
		if seq != 4 {
			t.Errorf("the next event got number %d, want 4", seq)
		}
		return err
	})
	view(t, s, func(tx *Tx) error { _, err := tx.VerifyJournal(); return err })
}

// TestNoEditOfTheJournalGoesUnnoticed damages a sound journal at random, in
// every way a hand on the file could, and expects VerifyJournal to say so.
func TestNoEditOfTheJournalGoesUnnoticed(t *testing.T) {
	s := open(t)
	update(t, s, func(tx *Tx) error { return writeJournal(tx, journalLength) })
	rapid.Check(t, func(t *rapid.T) {
		err := s.Try(func(tx *Tx) error {
			b := tx.writable(Journal.name)
			seq := uint64(rapid.IntRange(1, journalLength).Draw(t, "event"))
			raw := append([]byte{}, b.Get(Seq(seq))...)
			// The latest event at which the damage must be noticed.
			latest := seq + 1
			switch what := rapid.SampledFrom([]string{"flip a byte", "remove", "cut the tail", "swap", "renumber", "append", "forge the head"}).Draw(t, "what"); what {
			case "flip a byte":
				at := rapid.IntRange(0, len(raw)-1).Draw(t, "position")
				raw[at] ^= byte(1 << rapid.IntRange(0, 7).Draw(t, "bit"))
				must(t, b.Put(Seq(seq), raw))
			case "remove":
				must(t, b.Delete(Seq(seq)))
			case "cut the tail":
				for n := seq; n <= journalLength; n++ {
					must(t, b.Delete(Seq(n)))
				}
			case "swap":
				other := uint64(rapid.IntRange(1, journalLength-1).Draw(t, "with"))
				if other >= seq {
					other++
				}
				swapped := append([]byte{}, b.Get(Seq(other))...)
				must(t, b.Put(Seq(seq), swapped))
				must(t, b.Put(Seq(other), raw))
				latest = min(seq, other) + 1
			case "renumber":
				must(t, b.Delete(Seq(seq)))
				must(t, b.Put(Seq(journalLength+seq), raw))
			case "append":
				must(t, b.Put(Seq(journalLength+1), raw))
				latest = journalLength + 1
			case "forge the head":
				must(t, tx.writable(metaBucket).Put([]byte(journalHead), []byte(hashOf(raw)+"0")))
				latest = journalLength + 1
			}
			_, err := tx.VerifyJournal()
			var broken *JournalBreak
			if !errors.As(err, &broken) {
				t.Fatalf("the journal is said to be sound: %v", err)
			}
			if broken.Seq == 0 || broken.Seq > latest {
				t.Fatalf("the damage is said to be at event %d, and it is before %d", broken.Seq, latest+1)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func must(t *rapid.T, err error) {
	if err != nil {
		t.Fatal(err)
	}
}
