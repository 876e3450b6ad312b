package store

import (
	"bytes"
	"fmt"
	"iter"

	"google.golang.org/protobuf/encoding/protowire"

	"rollcall/appliance/model"
)

// Glance is what is asked of many records of which nothing else matters, such as the
// reports of a manager: reading all of them would be most of the work.
type Glance struct {
	ID     model.RecordID
	Source string
	Person model.PersonID
	Staged bool
}

// GlanceAt returns what matters of a record without reading the rest; false when
// there is no such record.
func GlanceAt(tx *Tx, id model.RecordID) (Glance, bool, error) { return glanceAt(tx, text(id)) }

// GlanceBy yields the same of the records whose entries in an index equal one of the
// keys, for each in the order of their ids.
func GlanceBy(tx *Tx, ix *Index[model.RecordID, model.Record], keys ...[]byte) iter.Seq2[Glance, error] {
	return func(yield func(Glance, error) bool) {
		c := tx.bucket(ix.index.name).Cursor()
		for _, key := range keys {
			prefix := append(key[:len(key):len(key)], 0)
			for k, value := c.Seek(prefix); k != nil && bytes.HasPrefix(k, prefix); k, value = c.Next() {
				g, err := glanceBehind(tx, ix.index, k, value)
				if !yield(g, err) || err != nil {
					return
				}
			}
		}
	}
}

func glanceBehind(tx *Tx, ix *index[model.Record], entry, value []byte) (Glance, error) {
	id, err := ix.primary(entry, value)
	if err != nil {
		return Glance{}, err
	}
	g, ok, err := glanceAt(tx, id)
	if err == nil && !ok {
		err = fmt.Errorf("store: index %s points at a missing entry; run verify", ix.name)
	}
	return g, err
}

func glanceAt(tx *Tx, key []byte) (Glance, bool, error) {
	if r := Records.remembers(tx, key); r != nil {
		return Glance{ID: r.ID, Source: r.Source, Person: r.Person, Staged: r.Staged}, true, nil
	}
	raw := tx.bucket(Records.name).Get(key)
	if raw == nil {
		return Glance{}, false, nil
	}
	g, err := glance(raw)
	if err != nil {
		return g, false, Records.broken(key, err)
	}
	g.ID = model.RecordID(key)
	return g, true, nil
}

// glance reads what encodeRecord wrote. The last of equal fields counts, as in
// decodeRecord.
func glance(raw []byte) (g Glance, err error) {
	var source, person []byte
	for len(raw) > 0 {
		n, kind, size := protowire.ConsumeTag(raw)
		if size < 0 {
			return g, errCut
		}
		raw = raw[size:]
		value := protowire.ConsumeFieldValue(n, kind, raw)
		if value < 0 {
			return g, errCut
		}
		switch {
		case n == recordSource && kind == protowire.BytesType:
			source, _ = protowire.ConsumeBytes(raw)
		case n == recordPerson && kind == protowire.BytesType:
			person, _ = protowire.ConsumeBytes(raw)
		case n == recordStaged && kind == protowire.VarintType:
			staged, _ := protowire.ConsumeVarint(raw)
			g.Staged = staged != 0
		}
		raw = raw[value:]
	}
	g.Source, g.Person = string(source), model.PersonID(person)
	return g, nil
}

// The numbers of the fields that [Glance] reads.
const (
	recordSource protowire.Number = 2
	recordStaged protowire.Number = 18
	recordPerson protowire.Number = 21
)
