package store

import (
	"bytes"
	"sort"

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
type onDisk struct{ *bbolt.Bucket }

func (b onDisk) Cursor() cursor       { return b.Bucket.Cursor() }
func (b onDisk) fill(percent float64) { b.FillPercent = percent }

// rehearsed is a bucket of the file with changes over it that are kept in memory.
// A read transaction is enough for it, so that nobody who writes has to wait while
// a plan of many people is made; and it does not mind how many changes there are,
// where a transaction of bbolt keeps everything that comes between two keys of the
// file in one ever longer page.
type rehearsed struct {
	base     *bbolt.Bucket
	chunks   [][]alteration // sorted, none empty, each sorted
	sequence uint64
}

// alteration is a new value of a key, or that it is gone.
type alteration struct {
	key, value []byte
	gone       bool
}

// maxChunk is how many alterations lie in one piece.
const maxChunk = 256

func newRehearsed(b *bbolt.Bucket) *rehearsed {
	return &rehearsed{base: b, sequence: b.Sequence()}
}

// place is a position among the alterations; one behind the last of a chunk does
// not occur, but for the end of all, which is {len(chunks), 0}.
type place struct{ chunk, at int }

// find returns the place of the first alteration at or behind key, and whether it
// is key's.
func (r *rehearsed) find(key []byte) (place, bool) {
	c := sort.Search(len(r.chunks), func(i int) bool { return bytes.Compare(r.chunks[i][len(r.chunks[i])-1].key, key) >= 0 })
	if c == len(r.chunks) {
		return place{c, 0}, false
	}
	list := r.chunks[c]
	i := sort.Search(len(list), func(i int) bool { return bytes.Compare(list[i].key, key) >= 0 })
	return place{c, i}, bytes.Equal(list[i].key, key)
}

func (r *rehearsed) alter(a alteration) {
	p, known := r.find(a.key)
	if known {
		r.chunks[p.chunk][p.at] = a
		return
	}
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

func (r *rehearsed) Delete(key []byte) error {
	r.alter(alteration{key: key, gone: true})
	return nil
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
func (r *rehearsed) Cursor() cursor           { return &rehearsedCursor{of: r, base: r.base.Cursor()} }

// rehearsedCursor merges what is in the file with what was altered. Between two
// steps into one direction both sides stand behind what was returned last.
type rehearsedCursor struct {
	of   *rehearsed
	base *bbolt.Cursor
	k, v []byte // what comes next from the file
	next place  // what comes next of the alterations
	back bool   // the steps go backwards
	at   []byte // what was returned last, or sought
}

func (c *rehearsedCursor) First() (key, value []byte) {
	c.k, c.v = c.base.First()
	c.next, c.back, c.at = place{}, false, nil
	return c.forward()
}

func (c *rehearsedCursor) Seek(seek []byte) (key, value []byte) {
	c.k, c.v = c.base.Seek(seek)
	c.next, _ = c.of.find(seek)
	c.back, c.at = false, seek
	return c.forward()
}

func (c *rehearsedCursor) Next() (key, value []byte) {
	if c.back {
		at := c.at
		if k, v := c.Seek(at); k == nil || !bytes.Equal(k, at) {
			return k, v
		}
	}
	return c.forward()
}

func (c *rehearsedCursor) forward() (key, value []byte) {
	for {
		over, has := c.over(c.next)
		switch {
		case c.k == nil && !has:
			return nil, nil
		case has && (c.k == nil || bytes.Compare(over.key, c.k) <= 0):
			if c.k != nil && bytes.Equal(over.key, c.k) {
				c.k, c.v = c.base.Next()
			}
			if c.next.at++; c.next.at == len(c.of.chunks[c.next.chunk]) {
				c.next = place{c.next.chunk + 1, 0}
			}
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

func (c *rehearsedCursor) Last() (key, value []byte) {
	c.k, c.v = c.base.Last()
	c.next = c.before(place{len(c.of.chunks), 0})
	c.back = true
	return c.backward()
}

func (c *rehearsedCursor) Prev() (key, value []byte) {
	if !c.back {
		if c.at == nil {
			return nil, nil
		}
		if k, _ := c.base.Seek(c.at); k == nil {
			c.k, c.v = c.base.Last()
		} else {
			c.k, c.v = c.base.Prev()
		}
		p, _ := c.of.find(c.at)
		c.next, c.back = c.before(p), true
	}
	return c.backward()
}

func (c *rehearsedCursor) backward() (key, value []byte) {
	for {
		over, has := c.over(c.next)
		switch {
		case c.k == nil && !has:
			return nil, nil
		case has && (c.k == nil || bytes.Compare(over.key, c.k) >= 0):
			if c.k != nil && bytes.Equal(over.key, c.k) {
				c.k, c.v = c.base.Prev()
			}
			c.next = c.before(c.next)
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

// before is the place before p; {-1, 0} is before all.
func (c *rehearsedCursor) before(p place) place {
	if p.at > 0 {
		return place{p.chunk, p.at - 1}
	}
	if p.chunk <= 0 {
		return place{-1, 0}
	}
	return place{p.chunk - 1, len(c.of.chunks[p.chunk-1]) - 1}
}

func (c *rehearsedCursor) over(p place) (alteration, bool) {
	if p.chunk < 0 || p.chunk >= len(c.of.chunks) {
		return alteration{}, false
	}
	return c.of.chunks[p.chunk][p.at], true
}
