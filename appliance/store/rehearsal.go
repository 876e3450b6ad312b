package store

import (
	"bytes"
	"slices"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// cursor walks a bucket in key order, as [bbolt.Cursor] does.
type cursor interface {
	First() (key, value []byte)
	Last() (key, value []byte)
	Next() (key, value []byte)
	Prev() (key, value []byte)
	Seek(seek []byte) (key, value []byte)
}

// bucket is a bucket of a transaction: one of the file, or one that only seems to
// change.
type bucket interface {
	readable
	Put(key, value []byte) error
	Delete(key []byte) error
	NextSequence() (uint64, error)
	// fill says how full pages get that are split.
	fill(percent float64)
}

// onDisk is a bucket of the file.
type onDisk struct {
	*bbolt.Bucket
	put *int // how many bytes the transaction wrote
}

func (b onDisk) Put(key, value []byte) error {
	*b.put += len(key) + len(value)
	return b.Bucket.Put(key, value)
}

func (b onDisk) Cursor() cursor       { return b.Bucket.Cursor() }
func (b onDisk) fill(percent float64) { b.FillPercent = percent }

// rehearsed is a bucket of the file with changes over it that are kept in memory and,
// when they become many, in a file of their own (see [scratch]). A read transaction
// is enough for it, so that nobody who writes has to wait while a plan of many people
// is made; and it does not mind how many changes there are, where a transaction of
// bbolt keeps all of them in memory.
type rehearsed struct {
	base     below
	chunks   [][]alteration // sorted, none empty, each sorted
	sequence uint64
	size     *int // of what all buckets of the rehearsal keep in memory, in bytes
}

// below is what a layer of changes lies over: a bucket of the file, such a bucket
// with what went to the scratch file, or nothing.
type below interface {
	Get(key []byte) []byte
	Cursor() cursor
	Stats() bbolt.BucketStats
	Sequence() uint64
}

// alteration is a new value of a key, or that it is gone.
type alteration struct {
	key, value []byte
	gone       bool
}

// maxChunk is how many alterations lie in one piece.
const maxChunk = 64

// alterationSize is what an alteration takes beside its key and value.
const alterationSize = 56

func newRehearsed(b below, size *int) *rehearsed {
	r := &rehearsed{base: b, sequence: b.Sequence(), size: size}
	if k, _ := b.Cursor().First(); k == nil {
		r.base = noBucket{} // there is nothing to look through, which is done very often
	}
	return r
}

// place is a position among the alterations; one behind the last of a chunk does
// not occur, but for the end of all, which is {len(chunks), 0}.
type place struct{ chunk, at int }

// find returns the place of the first alteration at or behind key, and whether it
// is key's.
func (r *rehearsed) find(key []byte) (place, bool) {
	from, to := 0, len(r.chunks)
	for from < to {
		if mid := int(uint(from+to) >> 1); bytes.Compare(r.chunks[mid][len(r.chunks[mid])-1].key, key) < 0 {
			from = mid + 1
		} else {
			to = mid
		}
	}
	p := place{chunk: from}
	if p.chunk == len(r.chunks) {
		return p, false
	}
	list, known := r.chunks[p.chunk], false
	for from, to = 0, len(list); from < to && !known; {
		mid := int(uint(from+to) >> 1)
		switch bytes.Compare(list[mid].key, key) {
		case -1:
			from = mid + 1
		case 0:
			from, known = mid, true
		default:
			to = mid
		}
	}
	p.at = from
	return p, known
}

func (r *rehearsed) alter(a alteration) {
	p, known := r.find(a.key)
	if known {
		*r.size += len(a.value) - len(r.chunks[p.chunk][p.at].value)
		r.chunks[p.chunk][p.at] = a
		return
	}
	*r.size += len(a.key) + len(a.value) + alterationSize
	a.key = bytes.Clone(a.key)
	if p.chunk == len(r.chunks) { // behind all others
		if p.chunk == 0 {
			r.chunks = append(r.chunks, []alteration{a})
			return
		}
		p = place{p.chunk - 1, len(r.chunks[p.chunk-1])}
	}
	list := append(r.chunks[p.chunk], alteration{})
	copy(list[p.at+1:], list[p.at:])
	list[p.at] = a
	r.chunks[p.chunk] = list
	if len(list) <= maxChunk {
		return
	}
	// Keys that grow fill their chunks: the new one begins with the last alone.
	cut := len(list) / 2
	if p.chunk == len(r.chunks)-1 && p.at == len(list)-1 {
		cut = len(list) - 1
	}
	r.chunks = append(r.chunks, nil)
	copy(r.chunks[p.chunk+2:], r.chunks[p.chunk+1:])
	r.chunks[p.chunk+1] = append(make([]alteration, 0, maxChunk+1), list[cut:]...)
	clear(list[cut:])
	r.chunks[p.chunk] = list[:cut]
}

func (r *rehearsed) Put(key, value []byte) error {
	switch { // what bbolt refuses
	case len(key) == 0:
		return bolterrors.ErrKeyRequired
	case len(key) > bbolt.MaxKeySize:
		return bolterrors.ErrKeyTooLarge
	}
	r.alter(alteration{key: key, value: value})
	return nil
}

// Delete keeps no trace of what is not below: every step of a cursor over what is
// gone would be one for nothing, and a rehearsal takes back much that it made.
func (r *rehearsed) Delete(key []byte) error {
	if r.base.Get(key) == nil {
		r.drop(key)
		return nil
	}
	r.alter(alteration{key: key, gone: true})
	return nil
}

// drop takes the alteration of a key away, if there is one.
func (r *rehearsed) drop(key []byte) {
	p, known := r.find(key)
	if !known {
		return
	}
	list := r.chunks[p.chunk]
	*r.size -= len(list[p.at].key) + len(list[p.at].value) + alterationSize
	if len(list) == 1 {
		r.chunks = slices.Delete(r.chunks, p.chunk, p.chunk+1)
		return
	}
	r.chunks[p.chunk] = slices.Delete(list, p.at, p.at+1)
}

func (r *rehearsed) Get(key []byte) []byte {
	if p, known := r.find(key); known {
		return r.chunks[p.chunk][p.at].value
	}
	return r.base.Get(key)
}

func (r *rehearsed) NextSequence() (uint64, error) {
	r.sequence++
	return r.sequence, nil
}

func (r *rehearsed) Sequence() uint64         { return r.sequence }
func (r *rehearsed) Stats() bbolt.BucketStats { return r.base.Stats() }
func (r *rehearsed) fill(float64)             {}
func (r *rehearsed) Cursor() cursor {
	if len(r.chunks) == 0 {
		return r.base.Cursor()
	}
	c := &struct {
		mergedCursor
		memory inMemory
	}{memory: inMemory{of: r}}
	c.base, c.over = r.base.Cursor(), &c.memory
	return &c.mergedCursor
}

// altered walks the alterations of a layer in key order; false: there is none.
type altered interface {
	first() (alteration, bool)
	last() (alteration, bool)
	next() (alteration, bool)
	prev() (alteration, bool)
	seek(key []byte) (alteration, bool) // the first at or behind key
}

// inMemory walks those that are kept in memory.
type inMemory struct {
	of *rehearsed
	at place
}

func (m *inMemory) here() (alteration, bool) {
	if m.at.chunk < 0 || m.at.chunk >= len(m.of.chunks) {
		return alteration{}, false
	}
	return m.of.chunks[m.at.chunk][m.at.at], true
}

func (m *inMemory) first() (alteration, bool) {
	m.at = place{}
	return m.here()
}

func (m *inMemory) last() (alteration, bool) {
	m.at = place{len(m.of.chunks), 0}
	return m.prev()
}

func (m *inMemory) seek(key []byte) (alteration, bool) {
	m.at, _ = m.of.find(key)
	return m.here()
}

func (m *inMemory) next() (alteration, bool) {
	if m.at.chunk < 0 {
		return m.first()
	}
	if m.at.chunk < len(m.of.chunks) {
		if m.at.at++; m.at.at == len(m.of.chunks[m.at.chunk]) {
			m.at = place{m.at.chunk + 1, 0}
		}
	}
	return m.here()
}

func (m *inMemory) prev() (alteration, bool) {
	switch {
	case m.at.at > 0:
		m.at.at--
	case m.at.chunk <= 0:
		m.at = place{-1, 0}
	default:
		m.at = place{m.at.chunk - 1, len(m.of.chunks[m.at.chunk-1]) - 1}
	}
	return m.here()
}

// mergedCursor merges what lies below with what was altered. Between two steps into
// one direction both sides stand behind what was returned last.
type mergedCursor struct {
	base cursor
	over altered
	k, v []byte // what comes next from below
	a    alteration
	has  bool   // a is what comes next of the alterations
	back bool   // the steps go backwards
	at   []byte // what was returned last, or sought
}

func (c *mergedCursor) First() (key, value []byte) {
	c.k, c.v = c.base.First()
	c.a, c.has = c.over.first()
	c.back, c.at = false, nil
	return c.forward()
}

func (c *mergedCursor) Seek(seek []byte) (key, value []byte) {
	c.k, c.v = c.base.Seek(seek)
	c.a, c.has = c.over.seek(seek)
	c.back, c.at = false, seek
	return c.forward()
}

func (c *mergedCursor) Next() (key, value []byte) {
	if c.back {
		at := c.at
		if k, v := c.Seek(at); k == nil || !bytes.Equal(k, at) {
			return k, v
		}
	}
	return c.forward()
}

func (c *mergedCursor) forward() (key, value []byte) {
	for {
		switch {
		case c.k == nil && !c.has:
			return nil, nil
		case c.has && (c.k == nil || bytes.Compare(c.a.key, c.k) <= 0):
			if c.k != nil && bytes.Equal(c.a.key, c.k) {
				c.k, c.v = c.base.Next()
			}
			over := c.a
			c.a, c.has = c.over.next()
			if over.gone {
				continue
			}
			c.at = over.key
			return over.key, over.value
		}
		key, value = c.k, c.v
		c.at = key
		c.k, c.v = c.base.Next()
		return key, value
	}
}

func (c *mergedCursor) Last() (key, value []byte) {
	c.k, c.v = c.base.Last()
	c.a, c.has = c.over.last()
	c.back = true
	return c.backward()
}

func (c *mergedCursor) Prev() (key, value []byte) {
	if !c.back {
		if c.at == nil {
			return nil, nil
		}
		if k, _ := c.base.Seek(c.at); k == nil {
			c.k, c.v = c.base.Last()
		} else {
			c.k, c.v = c.base.Prev()
		}
		if _, behind := c.over.seek(c.at); behind {
			c.a, c.has = c.over.prev()
		} else {
			c.a, c.has = c.over.last()
		}
		c.back = true
	}
	return c.backward()
}

func (c *mergedCursor) backward() (key, value []byte) {
	for {
		switch {
		case c.k == nil && !c.has:
			return nil, nil
		case c.has && (c.k == nil || bytes.Compare(c.a.key, c.k) >= 0):
			if c.k != nil && bytes.Equal(c.a.key, c.k) {
				c.k, c.v = c.base.Prev()
			}
			over := c.a
			c.a, c.has = c.over.prev()
			if over.gone {
				continue
			}
			c.at = over.key
			return over.key, over.value
		}
		key, value = c.k, c.v
		c.at = key
		c.k, c.v = c.base.Prev()
		return key, value
	}
}
