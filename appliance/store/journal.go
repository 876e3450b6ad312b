package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"rollcall/appliance/model"
)

// Two values of the meta bucket belong to the journal: the hash of its newest
// event, and the last event that retention took out, as [Head.String].
const (
	journalHead = "journal.head"
	journalBase = "journal.base"
)

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

// NextRevision returns the number of a new version of a conflict. No two versions of any
// conflicts share one, so that an answer to one that was closed is none to what opens
// under its id later.
func (t *Tx) NextRevision() (uint64, error) { return t.writable(Conflicts.name).NextSequence() }

// NextResource returns the order number for a new SCIM resource.
func (t *Tx) NextResource() (uint64, error) { return t.writable(Resources.name).NextSequence() }

// Head is where a journal ends: its newest event and that event's hash. Whoever
// wrote one down can later prove that nothing up to there was changed since,
// even by somebody who could rewrite the whole file.
type Head struct {
	Seq  uint64 `json:"seq"`
	Hash string `json:"hash"`
}

// String returns "SEQ:HASH".
func (h Head) String() string { return strconv.FormatUint(h.Seq, 10) + ":" + h.Hash }

// ParseHead reads what [Head.String] wrote.
func ParseHead(s string) (Head, error) {
	number, hash, ok := strings.Cut(strings.TrimSpace(s), ":")
	seq, err := strconv.ParseUint(number, 10, 64)
	if raw, bad := hex.DecodeString(hash); !ok || err != nil || bad != nil || len(raw) != sha256.Size {
		return Head{}, errors.New("not the head of a journal, which is written as NUMBER:HASH")
	}
	return Head{Seq: seq, Hash: hash}, nil
}

// JournalHead returns the newest event's number and hash; zero when there never
// was one.
func (t *Tx) JournalHead() (Head, error) {
	k, raw := t.bucket(Journal.name).Cursor().Last()
	if k == nil {
		return t.journalBase()
	}
	return Head{Seq: binary.BigEndian.Uint64(k), Hash: hashOf(raw)}, nil
}

// journalBase is the last of the events that retention took out: the oldest one
// left follows from it. It is zero while nothing was taken out.
func (t *Tx) journalBase() (Head, error) {
	raw := t.bucket(metaBucket).Get([]byte(journalBase))
	if raw == nil {
		return Head{}, nil
	}
	return ParseHead(string(raw))
}

// PruneJournal takes out the oldest events that happened before a time, at most
// limit of them, and leaves a checkpoint: an event that names the last one taken
// out and its hash. The chain from there on stays whole, and because the
// checkpoint is itself an event, a beginning that was cut off in any other way
// is told apart from one that was pruned. The newest event always stays.
func (t *Tx) PruneJournal(before time.Time, limit int, actor string, at time.Time) (removed int, err error) {
	b := t.bucket(Journal.name)
	last, _ := b.Cursor().Last()
	var base Head
	var oldest, newest time.Time
	var keys [][]byte
	c := b.Cursor()
	for k, raw := c.First(); k != nil && len(keys) < limit && !bytes.Equal(k, last); k, raw = c.Next() {
		var e model.Event
		if err := json.Unmarshal(raw, &e); err != nil {
			return 0, Journal.broken(k, err)
		}
		if !e.At.Before(before) {
			break
		}
		if len(keys) == 0 {
			oldest = e.At
		}
		newest = e.At
		base = Head{Seq: e.Seq, Hash: hashOf(raw)}
		keys = append(keys, bytes.Clone(k))
	}
	if len(keys) == 0 {
		return 0, nil
	}
	for _, k := range keys {
		if err := t.writable(Journal.name).Delete(k); err != nil {
			return 0, err
		}
	}
	if err := t.writable(metaBucket).Put([]byte(journalBase), []byte(base.String())); err != nil {
		return 0, err
	}
	_, err = t.Append(model.Event{At: at, Actor: actor, Subject: "journal", Verb: VerbPruned, Base: base.String(),
		Reason: fmt.Sprintf("%d events from %s to %s", len(keys), oldest.Format(time.DateOnly), newest.Format(time.DateOnly))})
	return len(keys), err
}

// VerbPruned is the verb of the event that [Tx.PruneJournal] leaves behind.
const VerbPruned = "journal_pruned"

// JournalBreak says where the journal's chain does not hold.
type JournalBreak struct {
	Seq    uint64
	Reason string
}

func (b *JournalBreak) Error() string {
	return fmt.Sprintf("the journal was altered at event %d: %s", b.Seq, b.Reason)
}

// VerifyJournal walks the whole chain and returns the number of events, or a
// [*JournalBreak] at the first event that does not fit the one before it. It
// finds every changed byte, a missing event wherever it stood, another order,
// and a beginning or an end that was cut off. What it cannot find is a journal
// that was written anew from some event on, hashes included: for that, compare
// with a [Head] that was kept elsewhere, see [Tx.VerifyHead].
func (t *Tx) VerifyJournal() (int, error) {
	b := t.bucket(Journal.name)
	base, err := t.journalBase()
	if err != nil {
		return 0, &JournalBreak{Seq: 1, Reason: "where it begins cannot be read"}
	}
	prev, last, n, checkpoint := base.Hash, base.Seq, 0, ""
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
		if e.Verb == VerbPruned {
			checkpoint = e.Base
		}
		prev, last = hashOf(raw), e.Seq
		n++
	}
	switch head := string(t.bucket(metaBucket).Get([]byte(journalHead))); {
	case head != prev:
		return n, &JournalBreak{Seq: last + 1, Reason: "the newest events were cut off or edited"}
	case b.Sequence() != last:
		return n, &JournalBreak{Seq: last + 1, Reason: fmt.Sprintf("the counter of events stands at %d", b.Sequence())}
	case base != Head{} && checkpoint != base.String():
		return n, &JournalBreak{Seq: base.Seq + 1, Reason: "the beginning was cut off without a checkpoint"}
	}
	return n, nil
}

// VerifyHead checks that the journal still holds the event that was its newest
// when known was noted, unchanged; with [Tx.VerifyJournal] this proves all that
// came before it. Events that retention took out since cannot be proven.
func (t *Tx) VerifyHead(known Head) error {
	base, err := t.journalBase()
	if err != nil {
		return err
	}
	raw := t.bucket(Journal.name).Get(Seq(known.Seq))
	switch {
	case raw == nil && known == base:
		return nil
	case raw == nil && known.Seq < base.Seq:
		return &JournalBreak{Seq: known.Seq, Reason: "retention took it out since; note a newer head"}
	case raw == nil:
		return &JournalBreak{Seq: known.Seq, Reason: "it is not there any more"}
	case hashOf(raw) != known.Hash:
		return &JournalBreak{Seq: known.Seq, Reason: "it has another hash than when its head was noted"}
	}
	return nil
}

// EventHash returns the hash that the event after this one carries as Prev: the
// SHA-256 of the stored bytes, in hex.
func EventHash(e model.Event) (string, error) {
	raw, err := json.Marshal(e)
	return hashOf(raw), err
}

func hashOf(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}
