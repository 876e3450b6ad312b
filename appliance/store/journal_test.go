package store

import (
	"bytes"
	"encoding/json"
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

// TestEveryFlippedByteOfTheJournalIsFound flips every bit of every key, every
// value and the counter of a small journal, one at a time.
func TestEveryFlippedByteOfTheJournalIsFound(t *testing.T) {
	const events = 4
	s := open(t)
	update(t, s, func(tx *Tx) error { return writeJournal(tx, events) })
	flips := 0
	unnoticed := func(what string, damage func(tx *Tx, b bucket) error) {
		t.Helper()
		flips++
		err := s.Try(func(tx *Tx) error {
			if err := damage(tx, tx.writable(Journal.name)); err != nil {
				return err
			}
			_, err := tx.VerifyJournal()
			var broken *JournalBreak
			if !errors.As(err, &broken) {
				t.Errorf("%s: the journal is said to be sound: %v", what, err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for seq := uint64(1); seq <= events; seq++ {
		var raw []byte
		view(t, s, func(tx *Tx) error { raw = bytes.Clone(tx.bucket(Journal.name).Get(Seq(seq))); return nil })
		for bit := range 8 * len(raw) {
			unnoticed(fmt.Sprintf("event %d, bit %d of its value", seq, bit), func(_ *Tx, b bucket) error {
				damaged := bytes.Clone(raw)
				damaged[bit/8] ^= 1 << (bit % 8)
				return b.Put(Seq(seq), damaged)
			})
		}
		for bit := range 64 {
			unnoticed(fmt.Sprintf("event %d, bit %d of its key", seq, bit), func(_ *Tx, b bucket) error {
				return errors.Join(b.Delete(Seq(seq)), b.Put(Seq(seq^1<<bit), raw))
			})
		}
		unnoticed(fmt.Sprintf("event %d removed", seq), func(_ *Tx, b bucket) error { return b.Delete(Seq(seq)) })
	}
	for bit := range 64 {
		unnoticed(fmt.Sprintf("bit %d of the counter", bit), func(_ *Tx, b bucket) error {
			return b.(onDisk).SetSequence(b.Sequence() ^ 1<<bit)
		})
	}
	unnoticed("everything removed", func(_ *Tx, b bucket) error {
		for seq := uint64(1); seq <= events; seq++ {
			if err := b.Delete(Seq(seq)); err != nil {
				return err
			}
		}
		return nil
	})
	if flips < 4000 {
		t.Errorf("only %d damages were tried", flips)
	}
}

func TestPrunedJournalStaysAChain(t *testing.T) {
	s := open(t)
	update(t, s, func(tx *Tx) error { return writeJournal(tx, journalLength) })
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	cut := time.Date(2026, 11, 22, 8, 5, 0, 0, time.UTC) // events 1 to 5 are older
	var noted Head
	view(t, s, func(tx *Tx) (err error) { noted, err = tx.JournalHead(); return err })
	update(t, s, func(tx *Tx) error {
		n, err := tx.PruneJournal(cut, 3, "rollcall", at)
		if n != 3 {
			t.Errorf("the first part took out %d events, want 3", n)
		}
		return err
	})
	update(t, s, func(tx *Tx) error {
		n, err := tx.PruneJournal(cut, 1000, "rollcall", at)
		if n != 2 {
			t.Errorf("the second part took out %d events, want 2", n)
		}
		return err
	})
	update(t, s, func(tx *Tx) error {
		n, err := tx.PruneJournal(cut, 1000, "rollcall", at)
		if n != 0 {
			t.Errorf("%d more events were taken out", n)
		}
		return err
	})
	view(t, s, func(tx *Tx) error {
		n, err := tx.VerifyJournal()
		if n != journalLength-5+2 {
			t.Errorf("%d events are left", n)
		}
		return errors.Join(err, tx.VerifyHead(noted))
	})
	// From here on only retention may move the beginning.
	forged := func(what string, damage func(tx *Tx, b bucket) error) {
		t.Helper()
		err := s.Try(func(tx *Tx) error {
			if err := damage(tx, tx.writable(Journal.name)); err != nil {
				return err
			}
			if _, err := tx.VerifyJournal(); err == nil {
				t.Errorf("%s: the journal is said to be sound", what)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	forged("the oldest event removed", func(_ *Tx, b bucket) error { return b.Delete(Seq(6)) })
	forged("the beginning cut off, and the base moved to where it begins now", func(tx *Tx, b bucket) error {
		raw := b.Get(Seq(6))
		base := Head{Seq: 6, Hash: hashOf(raw)}
		return errors.Join(b.Delete(Seq(6)), tx.writable(metaBucket).Put([]byte(journalBase), []byte(base.String())))
	})
	forged("no base", func(tx *Tx, _ bucket) error { return tx.writable(metaBucket).Delete([]byte(journalBase)) })
	forged("no sense in the base", func(tx *Tx, _ bucket) error {
		return tx.writable(metaBucket).Put([]byte(journalBase), []byte("5:abc"))
	})
}

func TestTheNewestEventIsNeverPruned(t *testing.T) {
	s := open(t)
	update(t, s, func(tx *Tx) error { return writeJournal(tx, 3) })
	far := time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
	for range 3 {
		update(t, s, func(tx *Tx) error { _, err := tx.PruneJournal(far, 1000, "rollcall", time.Now()); return err })
		view(t, s, func(tx *Tx) error {
			n, err := tx.VerifyJournal()
			if n < 1 {
				t.Error("nothing is left")
			}
			return err
		})
	}
}

// TestNotedHeadTellsAJournalThatWasWrittenAnew is about the one thing a chain
// cannot tell by itself.
func TestNotedHeadTellsAJournalThatWasWrittenAnew(t *testing.T) {
	s := open(t)
	update(t, s, func(tx *Tx) error { return writeJournal(tx, 5) })
	var noted Head
	view(t, s, func(tx *Tx) (err error) { noted, err = tx.JournalHead(); return err })
	back, err := ParseHead(" " + noted.String() + "\n")
	if err != nil || back != noted || noted.Seq != 5 {
		t.Fatalf("%q was read back as %+v: %v", noted, back, err)
	}
	update(t, s, func(tx *Tx) error { return writeAgain(tx, 2, "forged") })
	view(t, s, func(tx *Tx) error {
		if _, err := tx.VerifyJournal(); err != nil {
			t.Fatalf("the forgery is not good enough for this test: %v", err)
		}
		if err := tx.VerifyHead(noted); err == nil {
			t.Error("a journal that was written anew is taken for the one whose head was noted")
		}
		return nil
	})
	for _, bad := range []string{"", "5", "x:" + noted.Hash, "5:zz", "5:" + noted.Hash[1:]} {
		if _, err := ParseHead(bad); err == nil {
			t.Errorf("%q was taken for a head", bad)
		}
	}
}

// writeAgain changes an event and all hashes after it, as somebody with the
// program's source and the file could.
func writeAgain(tx *Tx, from uint64, verb string) error {
	b := tx.writable(Journal.name)
	prev := ""
	for seq := from; ; seq++ {
		e, ok, err := Journal.Get(tx, seq)
		if err != nil || !ok {
			return errors.Join(err, tx.writable(metaBucket).Put([]byte(journalHead), []byte(prev)))
		}
		if seq == from {
			e.Verb = verb
		} else {
			e.Prev = prev
		}
		raw, err := json.Marshal(e)
		if err != nil {
			return err
		}
		prev = hashOf(raw)
		if err := b.Put(Seq(seq), raw); err != nil {
			return err
		}
	}
}
