package store

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"
)

// Table is a bucket of values with the indexes that belong to it. Put and Delete
// keep the indexes right by comparing the old value's index entries with the new
// one's, so nobody can write a value and forget an index. Tables hold no state of
// their own; they are used with a [Tx].
//
// A value that Get, Find or Each returned may be kept. Its maps and lists must be
// copied before they are changed: within one transaction others may hold the same.
type Table[K, V any] struct {
	name    string
	encode  func(K) []byte
	codec   codec[V]
	indexes []*index[V]
	// memo is the place, from 1 on, of a table that keeps what it decoded until the end
	// of a write transaction, see [memo].
	memo int
	// clip cuts the spare capacity off the lists of a value, so that an append by
	// whoever gets it never writes into what others hold. Tables that have it
	// remember what was written, too.
	clip func(*V)
	// ordered says that new keys come in about the order of the keys: pages are
	// filled then, instead of being left half empty for what never comes.
	ordered bool
	// side names buckets with rows of the same keys, which go when a row goes.
	side []string
	// kinds says what a value is counted as; nil: values are not counted.
	kinds func(V) []string
}

// index derives entries from a value. A unique index has one entry per key, whose
// value is the note and then the primary key; a plain one has the primary key
// behind its own, so that equal keys live side by side, and its value is how long
// the primary key is.
type index[V any] struct {
	name   string
	unique bool
	keys   func(V) [][]byte
	// note tells something of the value, always in width bytes, so that whoever
	// looks it up by this index need not read the value. nil: nothing.
	note  func(V) []byte
	width int
	// same says that two versions of a value have the same entries, so that they need
	// not be made to be compared; nil: nobody knows.
	same func(old, now *V) bool
}

// Index names one index of a table for lookups.
type Index[K, V any] struct {
	table *Table[K, V]
	index *index[V]
}

func newTable[K, V any](name string, encode func(K) []byte) *Table[K, V] {
	t := &Table[K, V]{name: name, encode: encode, codec: jsonCodec[V]()}
	register(name)
	tables = append(tables, t)
	return t
}

// remember makes a table of values that one change reads again and again.
func (t *Table[K, V]) remember() *Table[K, V] {
	memoTables++
	t.memo = memoTables
	return t
}

// clipped makes a table that remembers what was written.
func (t *Table[K, V]) clipped(clip func(*V)) *Table[K, V] {
	t.clip = clip
	return t
}

// inOrder makes a table whose new keys come in about the order of the keys.
func (t *Table[K, V]) inOrder() *Table[K, V] {
	t.ordered = true
	return t
}

// appendFill is how full pages get that are split while new keys come behind all
// others; bbolt leaves half of each empty otherwise.
const appendFill = 0.9

// counted makes a table of which [Table.Counted] tells at once how many values there
// are of each kind. A value may be of several kinds, or of none.
func (t *Table[K, V]) counted(kinds func(V) []string) *Table[K, V] {
	t.kinds = kinds
	return t
}

// Counted returns how many values of a kind the table holds, without reading them.
func (t *Table[K, V]) Counted(tx *Tx, kind string) int { return tx.Count(t.owner(), kind) }

// owner is whose the counters of the table are: no source or target can have the name.
func (t *Table[K, V]) owner() string { return "." + t.name }

// count brings the counts in line after before became after.
func (t *Table[K, V]) count(tx *Tx, before, after []string) error {
	for _, kind := range before {
		if slices.Contains(after, kind) {
			continue
		}
		if err := tx.AddCount(t.owner(), kind, -1); err != nil {
			return err
		}
	}
	for _, kind := range after {
		if slices.Contains(before, kind) {
			continue
		}
		if err := tx.AddCount(t.owner(), kind, 1); err != nil {
			return err
		}
	}
	return nil
}

// countsOf reads the whole table and returns how many values of each kind it holds.
func (t *Table[K, V]) countsOf(tx *Tx) (map[string]int, error) {
	counts := map[string]int{}
	if t.kinds == nil {
		return counts, nil
	}
	for v, err := range t.Each(tx, nil) {
		if err != nil {
			return nil, err
		}
		for _, kind := range t.kinds(v) {
			counts[kind]++
		}
	}
	return counts, nil
}

// recount puts the counts in line with the table, whatever they were.
func (t *Table[K, V]) recount(tx *Tx) error {
	counts, err := t.countsOf(tx)
	if err != nil || t.kinds == nil {
		return err
	}
	for kind := range tx.countsOf(t.owner()) {
		if _, still := counts[kind]; !still {
			counts[kind] = 0
		}
	}
	for kind, n := range counts {
		if err := tx.AddCount(t.owner(), kind, n-t.Counted(tx, kind)); err != nil {
			return err
		}
	}
	return nil
}

func (t *Table[K, V]) writable(tx *Tx) bucket {
	b := tx.writable(t.name)
	if t.ordered {
		b.fill(appendFill)
	}
	return b
}

// newBinaryTable is newTable with a codec of its own.
func newBinaryTable[K, V any](name string, encode func(K) []byte, enc func(V) ([]byte, error), dec func([]byte, *V) error) *Table[K, V] {
	t := newTable[K, V](name, encode)
	t.codec = codec[V]{enc, dec}
	return t
}

// newSideTable is a table whose rows belong to those of owner under the same keys
// and go with them: the part of a row that is rarely read.
func newSideTable[K, V, W any](owner *Table[K, W], name string, enc func(V) ([]byte, error), dec func([]byte, *V) error) *Table[K, V] {
	t := newTable[K, V](owner.name+"."+name, owner.encode)
	t.codec = codec[V]{enc, dec}
	owner.side = append(owner.side, t.name)
	return t
}

func (t *Table[K, V]) addIndex(name string, unique bool, keys func(V) [][]byte) *Index[K, V] {
	ix := &index[V]{name: t.name + "." + name, unique: unique, keys: keys}
	register(ix.name)
	t.indexes = append(t.indexes, ix)
	return &Index[K, V]{table: t, index: ix}
}

// unlessSame makes an index that is left alone where same says so.
func (ix *Index[K, V]) unlessSame(same func(old, now *V) bool) *Index[K, V] {
	ix.index.same = same
	return ix
}

// addNoted adds a unique index that also tells the note of a value.
func (t *Table[K, V]) addNoted(name string, width int, keys func(V) [][]byte, note func(V) []byte) *Index[K, V] {
	ix := t.addIndex(name, true, keys)
	ix.index.note, ix.index.width = note, width
	return ix
}

// Get returns the value stored under k. Its maps and slices must not be modified:
// other reads in the same write transaction may share them.
func (t *Table[K, V]) Get(tx *Tx, k K) (V, bool, error) { return t.get(tx, t.encode(k)) }

func (t *Table[K, V]) get(tx *Tx, key []byte) (V, bool, error) {
	v, err := t.find(tx, key)
	if v == nil || err != nil {
		var none V
		return none, false, err
	}
	return *v, true, nil
}

// find is get without a copy: what it points at is the transaction's, which may hand it
// out again. nil: there is none.
func (t *Table[K, V]) find(tx *Tx, key []byte) (*V, error) {
	if known := t.remembers(tx, key); known != nil {
		return known, nil
	}
	raw := tx.bucket(t.name).Get(key)
	if raw == nil {
		return nil, nil
	}
	v := new(V)
	if err := t.codec.decode(raw, v); err != nil {
		return nil, t.broken(key, err)
	}
	t.keep(tx, key, v)
	return v, nil
}

// Has reports whether k is present, without decoding.
func (t *Table[K, V]) Has(tx *Tx, k K) bool { return tx.bucket(t.name).Get(t.encode(k)) != nil }

// Put stores v under k and brings the indexes in line. A unique index entry that
// another key holds is a [*DuplicateError] and nothing is written.
func (t *Table[K, V]) Put(tx *Tx, k K, v V) error {
	key := t.encode(k)
	raw, err := t.codec.encode(v)
	if err != nil {
		return fmt.Errorf("store: encode %s: %w", t.name, err)
	}
	if len(t.indexes) == 0 && t.kinds == nil {
		t.forget(tx, key)
		return t.writable(tx).Put(key, raw)
	}
	old, err := t.find(tx, key)
	if err != nil {
		return err
	}
	if err := t.index(tx, key, old, &v); err != nil {
		return err
	}
	if t.kinds != nil {
		var before []string
		if old != nil {
			before = t.kinds(*old)
		}
		if err := t.count(tx, before, t.kinds(v)); err != nil {
			return err
		}
	}
	t.forget(tx, key)
	if t.clip != nil && tx.memo != nil {
		if t.clip(&v); wrote(t.name, v, raw, t.codec) {
			t.keep(tx, key, &v)
		}
	}
	return t.writable(tx).Put(key, raw)
}

// index brings the indexes in line after old (nil: there was none) became v, or writes
// nothing because a unique entry is another's.
func (t *Table[K, V]) index(tx *Tx, key []byte, old, v *V) error {
	type change struct {
		of            *index[V]
		before, after entries
	}
	changes := make([]change, 0, 8) // more indexes than a table has
	for _, ix := range t.indexes {
		if old != nil && ix.same != nil && ix.same(old, v) {
			continue
		}
		c := change{of: ix, after: ix.entries(*v, key)}
		if old != nil {
			c.before = ix.entries(*old, key)
		}
		if ix.unique {
			for _, entry := range c.after.keys {
				if holder := tx.bucket(ix.name).Get(entry); holder != nil && !bytes.Equal(holder[ix.width:], key) {
					return &DuplicateError{Index: ix.name, Holder: string(holder[ix.width:])}
				}
			}
		}
		changes = append(changes, c)
	}
	for _, c := range changes {
		if err := c.of.update(tx, key, c.before, c.after); err != nil {
			return err
		}
	}
	return nil
}

// Delete removes k and its index entries; removing what is not there is no error.
func (t *Table[K, V]) Delete(tx *Tx, k K) error {
	key := t.encode(k)
	old, had, err := t.get(tx, key)
	if err != nil || !had {
		return err
	}
	for _, ix := range t.indexes {
		if err := ix.update(tx, key, ix.entries(old, key), entries{}); err != nil {
			return err
		}
	}
	if t.kinds != nil {
		if err := t.count(tx, t.kinds(old), nil); err != nil {
			return err
		}
	}
	for _, side := range t.side {
		if err := tx.writable(side).Delete(key); err != nil {
			return err
		}
	}
	t.forget(tx, key)
	return tx.writable(t.name).Delete(key)
}

// entries are what an index holds for one value: keys, all with one value.
type entries struct {
	keys  [][]byte
	value []byte
}

func (ix *index[V]) entries(v V, key []byte) entries {
	keys := ix.keys(v)
	if len(keys) == 0 {
		return entries{}
	}
	return entries{keys: keys, value: ix.value(v, key)}
}

// value is what stands behind every entry of v.
func (ix *index[V]) value(v V, key []byte) []byte {
	switch {
	case !ix.unique:
		return binary.BigEndian.AppendUint16(nil, uint16(len(key))) // bbolt's keys are shorter than 32 KiB
	case ix.note == nil:
		return key
	}
	return append(ix.note(v), key...)
}

// primary returns the primary key that an entry stands for.
func (ix *index[V]) primary(entry, value []byte) ([]byte, error) {
	if ix.unique {
		if len(value) <= ix.width {
			return nil, fmt.Errorf("store: index %s has a damaged entry; run verify", ix.name)
		}
		return value[ix.width:], nil
	}
	if len(value) != 2 || int(binary.BigEndian.Uint16(value)) >= len(entry) {
		return nil, fmt.Errorf("store: index %s has a damaged entry; run verify", ix.name)
	}
	return entry[len(entry)-int(binary.BigEndian.Uint16(value)):], nil
}

func (ix *index[V]) update(tx *Tx, key []byte, before, after entries) error {
	if len(before.keys) == 0 && len(after.keys) == 0 {
		return nil
	}
	b := tx.writable(ix.name)
	for _, entry := range before.keys {
		if containsKey(after.keys, entry) {
			continue
		}
		if err := b.Delete(ix.entry(entry, key)); err != nil {
			return err
		}
	}
	same := bytes.Equal(before.value, after.value)
	for _, entry := range after.keys {
		if same && containsKey(before.keys, entry) {
			continue
		}
		if err := b.Put(ix.entry(entry, key), after.value); err != nil {
			return err
		}
	}
	return nil
}

func (ix *index[V]) entry(entry, key []byte) []byte {
	if ix.unique {
		return entry
	}
	return append(append(append(make([]byte, 0, len(entry)+1+len(key)), entry...), 0), key...)
}

// Each yields the values whose keys begin with prefix, in key order. The values
// may be kept; the transaction must not be written to while iterating.
func (t *Table[K, V]) Each(tx *Tx, prefix []byte) iter.Seq2[V, error] {
	return t.From(tx, prefix, nil)
}

// From is Each beginning behind the key after (nil: at the first).
func (t *Table[K, V]) From(tx *Tx, prefix, after []byte) iter.Seq2[V, error] {
	return func(yield func(V, error) bool) {
		c := tx.bucket(t.name).Cursor()
		k, raw := seekAfter(c, prefix, after)
		for ; k != nil && bytes.HasPrefix(k, prefix); k, raw = c.Next() {
			var v V
			if err := t.codec.decode(raw, &v); err != nil {
				yield(v, t.broken(k, err))
				return
			}
			if !yield(v, nil) {
				return
			}
		}
	}
}

// Last returns the value with the greatest key, for tables keyed by a sequence.
func (t *Table[K, V]) Last(tx *Tx) (V, bool, error) {
	var v V
	k, raw := tx.bucket(t.name).Cursor().Last()
	if k == nil {
		return v, false, nil
	}
	if err := t.codec.decode(raw, &v); err != nil {
		return v, false, t.broken(k, err)
	}
	return v, true, nil
}

// Backward yields the values in descending key order, beginning before the key
// before (nil: at the last).
func (t *Table[K, V]) Backward(tx *Tx, before []byte) iter.Seq2[V, error] {
	return func(yield func(V, error) bool) {
		c := tx.bucket(t.name).Cursor()
		var k, raw []byte
		if before == nil {
			k, raw = c.Last()
		} else {
			c.Seek(before)
			k, raw = c.Prev()
		}
		for ; k != nil; k, raw = c.Prev() {
			var v V
			if err := t.codec.decode(raw, &v); err != nil {
				yield(v, t.broken(k, err))
				return
			}
			if !yield(v, nil) {
				return
			}
		}
	}
}

// Count counts the keys that begin with prefix. It walks them.
func (t *Table[K, V]) Count(tx *Tx, prefix []byte) int {
	n := 0
	c := tx.bucket(t.name).Cursor()
	for k, _ := c.Seek(prefix); k != nil && bytes.HasPrefix(k, prefix); k, _ = c.Next() {
		n++
	}
	return n
}

func (t *Table[K, V]) broken(key []byte, err error) error {
	return fmt.Errorf("store: %s entry %q cannot be read: %w; restore a backup or run verify", t.name, printable(key), err)
}

// Find yields the values whose index entry equals key, in order of their
// primary keys.
func (ix *Index[K, V]) Find(tx *Tx, key []byte) iter.Seq2[V, error] {
	if ix.index.unique {
		return func(yield func(V, error) bool) {
			if v, ok, err := ix.only(tx, key); ok || err != nil {
				yield(v, err)
			}
		}
	}
	return ix.Prefix(tx, append(key[:len(key):len(key)], 0))
}

// only is the one value that a unique index has under key.
func (ix *Index[K, V]) only(tx *Tx, key []byte) (v V, found bool, err error) {
	value := tx.bucket(ix.index.name).Get(key)
	if value == nil {
		return v, false, nil
	}
	pk, err := ix.index.primary(key, value)
	if err != nil {
		return v, false, err
	}
	return ix.table.get(tx, pk)
}

// Prefix yields the values whose index entries begin with prefix, in index order.
func (ix *Index[K, V]) Prefix(tx *Tx, prefix []byte) iter.Seq2[V, error] {
	return ix.PrefixAfter(tx, prefix, nil)
}

// PrefixAfter is Prefix beginning behind the index entry after, as returned by
// [Index.Position].
func (ix *Index[K, V]) PrefixAfter(tx *Tx, prefix, after []byte) iter.Seq2[V, error] {
	return func(yield func(V, error) bool) {
		c := tx.bucket(ix.index.name).Cursor()
		k, value := seekAfter(c, prefix, after)
		for ; k != nil && bytes.HasPrefix(k, prefix); k, value = c.Next() {
			var v V
			pk, err := ix.index.primary(k, value)
			if err == nil {
				ok := false
				if v, ok, err = ix.table.get(tx, pk); err == nil && !ok {
					err = fmt.Errorf("store: index %s points at a missing entry; run verify", ix.index.name)
				}
			}
			if !yield(v, err) || err != nil {
				return
			}
		}
	}
}

// Rows yields the rows whose index entries begin with prefix as they are stored, in
// index order: that tells whether anything of them changed, in a fraction of the time
// that reading them takes. They are valid until the next step only.
func (ix *Index[K, V]) Rows(tx *Tx, prefix []byte) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		table := tx.bucket(ix.table.name)
		for pk, err := range ix.Keys(tx, prefix) {
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(table.Get(pk), nil) {
				return
			}
		}
	}
}

// Note returns what a unique index tells of the value under key, and the value's
// primary key, without reading it. Both are valid during the transaction only.
func (ix *Index[K, V]) Note(tx *Tx, key []byte) (note, pk []byte, found bool) {
	value := tx.bucket(ix.index.name).Get(key)
	if len(value) <= ix.index.width {
		return nil, nil, false
	}
	return value[:ix.index.width], value[ix.index.width:], true
}

// Notes yields the notes and primary keys of all entries of a unique index that
// begin with prefix, in index order. Both are valid until the next step only.
func (ix *Index[K, V]) Notes(tx *Tx, prefix []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(note, pk []byte) bool) {
		c := tx.bucket(ix.index.name).Cursor()
		for k, value := c.Seek(prefix); k != nil && bytes.HasPrefix(k, prefix); k, value = c.Next() {
			if len(value) > ix.index.width && !yield(value[:ix.index.width], value[ix.index.width:]) {
				return
			}
		}
	}
}

// Keys yields the primary keys of the entries that begin with prefix, in index
// order, without reading the values. They are valid until the next step only.
func (ix *Index[K, V]) Keys(tx *Tx, prefix []byte) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		c := tx.bucket(ix.index.name).Cursor()
		for k, value := c.Seek(prefix); k != nil && bytes.HasPrefix(k, prefix); k, value = c.Next() {
			if pk, err := ix.index.primary(k, value); !yield(pk, err) || err != nil {
				return
			}
		}
	}
}

// Distinct yields the keys of a plain index, each once however many entries it has, in
// index order. They are valid until the next step only.
func (ix *Index[K, V]) Distinct(tx *Tx) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		c := tx.bucket(ix.index.name).Cursor()
		for k, value := c.First(); k != nil; {
			pk, err := ix.index.primary(k, value)
			if err != nil {
				yield(nil, err)
				return
			}
			key := k[:len(k)-len(pk)-1]
			if !yield(key, nil) {
				return
			}
			k, value = c.Seek(append(bytes.Clone(key), 1)) // behind the NUL that ends it
		}
	}
}

// Position returns the index entry of v, whose primary key is k and which has one
// entry in this index: where [Index.PrefixAfter] goes on behind it.
func (ix *Index[K, V]) Position(v V, k K) []byte {
	keys := ix.index.keys(v)
	if len(keys) != 1 {
		return nil
	}
	return ix.index.entry(keys[0], ix.table.encode(k))
}

// Count counts the entries that begin with prefix, at most limit of them
// (0: all).
func (ix *Index[K, V]) Count(tx *Tx, prefix []byte, limit int) int {
	n := 0
	c := tx.bucket(ix.index.name).Cursor()
	for k, _ := c.Seek(prefix); k != nil && bytes.HasPrefix(k, prefix); k, _ = c.Next() {
		n++
		if limit > 0 && n >= limit {
			break
		}
	}
	return n
}

// One returns the single value under a unique index key.
func (ix *Index[K, V]) One(tx *Tx, key []byte) (v V, found bool, err error) {
	if ix.index.unique {
		return ix.only(tx, key)
	}
	for v, err = range ix.Find(tx, key) {
		return v, err == nil, err
	}
	return v, false, nil
}

func seekAfter(c cursor, prefix, after []byte) (k, v []byte) {
	if after == nil {
		return c.Seek(prefix)
	}
	k, v = c.Seek(after)
	if k != nil && bytes.Equal(k, after) {
		return c.Next()
	}
	return k, v
}

func containsKey(list [][]byte, key []byte) bool {
	for _, k := range list {
		if bytes.Equal(k, key) {
			return true
		}
	}
	return false
}

// DuplicateError says that a unique index entry belongs to another key.
type DuplicateError struct {
	Index  string
	Holder string // the primary key that holds it, encoded
}

func (e *DuplicateError) Error() string { return "store: " + e.Index + " is already taken" }

// Key joins parts with NUL bytes, which none of them may contain: NULs are cut out.
func Key(parts ...string) []byte {
	n := len(parts) + 1 // with room for the NUL of a Prefix
	for _, p := range parts {
		n += len(p)
	}
	b := make([]byte, 0, n)
	for i, p := range parts {
		if i > 0 {
			b = append(b, 0)
		}
		if strings.IndexByte(p, 0) >= 0 {
			p = strings.ReplaceAll(p, "\x00", "")
		}
		b = append(b, stored(p)...)
	}
	return b
}

// stored returns a text as it will be read back from a JSON value, where each
// byte that is no UTF-8 becomes U+FFFD: an index key made before storing must be
// the one made after.
func stored(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string([]rune(s))
}

// Prefix is Key followed by a NUL: all keys that have more parts behind these.
func Prefix(parts ...string) []byte { return append(Key(parts...), 0) }

// Seq encodes a number so that keys sort by it.
func Seq(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

func text[S ~string](s S) []byte { return Key(string(s)) }

func printable(key []byte) string { return strings.ReplaceAll(string(key), "\x00", "/") }
