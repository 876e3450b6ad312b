package store

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
)

// Count returns a counter: how many SCIM resources of a type a source has, or
// how many active accounts were delivered to a target. What a table holds,
// [Table.Counted] tells.
func (t *Tx) Count(owner, what string) int {
	raw := t.bucket(countsBucket).Get(Key(owner, what))
	if len(raw) != 8 {
		return 0
	}
	return int(binary.BigEndian.Uint64(raw))
}

// AddCount changes a counter.
func (t *Tx) AddCount(owner, what string, delta int) error {
	if delta == 0 {
		return nil
	}
	return t.writable(countsBucket).Put(Key(owner, what), Seq(uint64(t.Count(owner, what)+delta)))
}

// countsOf returns the counters of an owner, by what they count.
func (t *Tx) countsOf(owner string) map[string]int {
	counts, prefix := map[string]int{}, Prefix(owner)
	c := t.bucket(countsBucket).Cursor()
	for k, raw := c.Seek(prefix); k != nil && bytes.HasPrefix(k, prefix); k, raw = c.Next() {
		if len(raw) == 8 {
			counts[string(k[len(prefix):])] = int(binary.BigEndian.Uint64(raw))
		}
	}
	return counts
}

// AddRequest appends to the ring of what SCIM senders asked, which keeps the
// newest keep entries.
func (t *Tx) AddRequest(v any, keep uint64) error {
	b := t.writable(requestsBucket)
	seq, err := b.NextSequence()
	if err != nil {
		return err
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("store: encode request: %w", err)
	}
	if err := b.Put(Seq(seq), raw); err != nil {
		return err
	}
	c := b.Cursor()
	for k, _ := c.First(); k != nil && seq > keep && binary.BigEndian.Uint64(k) <= seq-keep; k, _ = c.First() {
		if err := b.Delete(k); err != nil {
			return err
		}
	}
	return nil
}

// Requests calls fn with the entries of the ring, newest first, until it returns
// false.
func (t *Tx) Requests(fn func(seq uint64, raw []byte) bool) {
	c := t.bucket(requestsBucket).Cursor()
	for k, raw := c.Last(); k != nil; k, raw = c.Prev() {
		if !fn(binary.BigEndian.Uint64(k), raw) {
			return
		}
	}
}
