package store

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"rollcall/appliance/model"
)

const journalHead = "journal.head"

// Append adds an event to the journal in this transaction: it gets the next
// number and the hash of the event before it, so that an edit, a cut or a new
// order is found by [Tx.VerifyJournal]. The event's Seq and Prev are set here.
func (t *Tx) Append(e model.Event) (uint64, error) {
	b := t.writable(Journal.name)
	seq, err := b.NextSequence()
	if err != nil {
		return 0, err
	}
	e.Seq = seq
	e.At = e.At.UTC()
	e.Prev = string(t.bucket(metaBucket).Get([]byte(journalHead)))
	raw, err := json.Marshal(e)
	if err != nil {
		return 0, fmt.Errorf("store: encode event: %w", err)
	}
	if err := b.Put(Seq(seq), raw); err != nil {
		return 0, err
	}
	return seq, t.writable(metaBucket).Put([]byte(journalHead), []byte(hashOf(raw)))
}

// NextRun returns the number for a new run.
func (t *Tx) NextRun() (uint64, error) { return t.writable(Runs.name).NextSequence() }

// NextResource returns the order number for a new SCIM resource.
func (t *Tx) NextResource() (uint64, error) { return t.writable(Resources.name).NextSequence() }

// JournalBreak says where the journal's chain does not hold.
type JournalBreak struct {
	Seq    uint64
	Reason string
}

func (b *JournalBreak) Error() string {
	return fmt.Sprintf("the journal was altered at event %d: %s", b.Seq, b.Reason)
}

// VerifyJournal walks the whole chain and returns the number of events, or a
// [*JournalBreak] at the first event that does not fit the one before it.
func (t *Tx) VerifyJournal() (int, error) {
	b := t.bucket(Journal.name)
	prev, last, n := "", uint64(0), 0
	c := b.Cursor()
	for k, raw := c.First(); k != nil; k, raw = c.Next() {
		var e model.Event
		if err := json.Unmarshal(raw, &e); err != nil {
			return n, &JournalBreak{Seq: last + 1, Reason: "it cannot be read"}
		}
		switch {
		case string(Seq(e.Seq)) != string(k):
			return n, &JournalBreak{Seq: last + 1, Reason: "it is stored under another number"}
		case e.Seq != last+1:
			return n, &JournalBreak{Seq: last + 1, Reason: "events are missing before the next one"}
		case e.Prev != prev:
			return n, &JournalBreak{Seq: e.Seq, Reason: "it does not follow from the event before it"}
		}
		prev, last = hashOf(raw), e.Seq
		n++
	}
	if head := string(t.bucket(metaBucket).Get([]byte(journalHead))); head != prev {
		return n, &JournalBreak{Seq: last + 1, Reason: "the newest events were cut off or edited"}
	}
	return n, nil
}

func hashOf(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}
