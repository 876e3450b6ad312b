package store

import (
	"encoding/binary"
	"encoding/hex"

	"rollcall/appliance/model"
)

// RecordNote is what the index by native id tells of a record, so that a read of
// a million people who have not changed reads no record.
type RecordNote struct {
	// Ordinal is the record's, see [model.Record].
	Ordinal uint64
	// Digest is the record's, as bytes; zero when it is no digest.
	Digest       [16]byte
	Gone, Staged bool
}

const (
	recordNoteWidth = 8 + 16 + 1
	noteGone        = 1
	noteStaged      = 2
)

func noteOf(r model.Record) RecordNote {
	n := RecordNote{Ordinal: r.Ordinal, Gone: r.Gone, Staged: r.Staged}
	if raw, err := hex.DecodeString(r.Digest); err == nil && len(raw) == len(n.Digest) {
		copy(n.Digest[:], raw)
	}
	return n
}

func (n RecordNote) append(to []byte) []byte {
	to = binary.BigEndian.AppendUint64(to, n.Ordinal)
	to = append(to, n.Digest[:]...)
	flags := byte(0)
	if n.Gone {
		flags |= noteGone
	}
	if n.Staged {
		flags |= noteStaged
	}
	return append(to, flags)
}

// ReadRecordNote reads a note of [RecordByNative].
func ReadRecordNote(raw []byte) (n RecordNote) {
	n.Ordinal = binary.BigEndian.Uint64(raw)
	copy(n.Digest[:], raw[8:])
	flags := raw[recordNoteWidth-1]
	n.Gone, n.Staged = flags&noteGone != 0, flags&noteStaged != 0
	return n
}

// FindRecordNote returns the note of the record of a source with a native id.
func FindRecordNote(tx *Tx, source, native string) (RecordNote, bool) {
	raw, _, ok := RecordByNative.Note(tx, Key(source, native))
	if !ok {
		return RecordNote{}, false
	}
	return ReadRecordNote(raw), true
}

// NextOrdinal returns the ordinal of a new record.
func (t *Tx) NextOrdinal() (uint64, error) { return t.writable(Records.name).NextSequence() }
