package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
)

// The layout of a bbolt file, as far as it must be right before bbolt may read
// it: bbolt follows what a page says without looking twice, so that one flipped
// bit can lead it beyond the file, in a circle, or to ask for all memory. Numbers
// are in the byte order of the machine that wrote them (go.etcd.io/bbolt,
// internal/common: Page, Meta, InBucket).
const (
	pageHeader    = 16 // id 8, flags 2, count 2, overflow 4
	pageElement   = 16 // branch: position 4, key size 4, child 8; leaf: flags 4, position 4, key size 4, value size 4
	bucketHeader  = 16 // root 8, sequence 8; an inline page behind it when the root is 0
	metaSize      = 64 // magic 4, version 4, page size 4, flags 4, root 16, free list 8, high-water mark 8, transaction 8, checksum 8
	metaMagic     = 0xED0CDAED
	branchPage    = 0x01
	leafPage      = 0x02
	freelistPage  = 0x10
	bucketElement = 0x01
	manyFree      = 0xFFFF // the count stands in the first entry
	noFreelist    = 0xFFFFFFFFFFFFFFFF
	deepest       = 64 // far more levels than a file can have
)

var order = binary.NativeEndian

// layout walks the pages of a file.
type layout struct {
	file     io.ReaderAt
	pageSize uint64
	end      uint64 // the first page number that is not in use
	seen     []bool // pages that something leads to
}

// checkLayout reports what keeps a file of this size from being read safely: it
// says nothing of what is in it.
func checkLayout(file io.ReaderAt, size int64) error {
	_, _, err := walkLayout(file, size)
	return err
}

// checkEveryPage is checkLayout, and finds pages that nothing leads to and that are
// not free either: bbolt would never use them again.
func checkEveryPage(file io.ReaderAt, size int64) error {
	l, listed, err := walkLayout(file, size)
	if err != nil || !listed {
		return err
	}
	for id := uint64(2); id < l.end; id++ {
		if !l.seen[id] {
			return fmt.Errorf("page %d is neither used nor free", id)
		}
	}
	return nil
}

// walkLayout walks every page; listed says that the file lists its free ones.
func walkLayout(file io.ReaderAt, size int64) (l *layout, listed bool, err error) {
	l = &layout{file: file}
	root, freelist, err := l.meta(size)
	if err != nil {
		return l, false, err
	}
	l.seen = make([]bool, l.end)
	if err := l.bucket(root, 0, nil, nil); err != nil {
		return l, false, err
	}
	if freelist == noFreelist {
		return l, false, nil
	}
	return l, true, l.freelist(freelist)
}

// meta reads the newer of the two meta pages that are whole.
func (l *layout) meta(size int64) (root, freelist uint64, err error) {
	var newest uint64
	found := false
	for _, pageSize := range []int64{4096, 8192, 16384, 65536} {
		for i := range int64(2) {
			raw := make([]byte, metaSize)
			if _, err := l.file.ReadAt(raw, i*pageSize+pageHeader); err != nil {
				continue
			}
			sum := fnv.New64a()
			sum.Write(raw[:metaSize-8])
			if order.Uint32(raw) != metaMagic || order.Uint64(raw[metaSize-8:]) != sum.Sum64() || int64(order.Uint32(raw[8:])) != pageSize {
				continue
			}
			if tx := order.Uint64(raw[48:]); !found || tx > newest {
				found, newest = true, tx
				l.pageSize, l.end = uint64(pageSize), order.Uint64(raw[40:])
				root, freelist = order.Uint64(raw[16:]), order.Uint64(raw[32:])
			}
		}
		if found {
			break
		}
	}
	switch {
	case !found:
		return 0, 0, errors.New("neither of its two first pages is whole")
	case l.end < 4 || l.end > uint64(size)/l.pageSize:
		return 0, 0, fmt.Errorf("it is cut off: it has %d of %d bytes", size, l.end*l.pageSize)
	}
	return root, freelist, nil
}

// page reads a page with all that overflows from it, and counts it as seen.
func (l *layout) page(id uint64) (raw []byte, flags uint16, count int, err error) {
	if id < 2 || id >= l.end {
		return nil, 0, 0, fmt.Errorf("page %d is not in the file", id)
	}
	head := make([]byte, pageHeader)
	if _, err := l.file.ReadAt(head, int64(id*l.pageSize)); err != nil {
		return nil, 0, 0, err
	}
	overflow := uint64(order.Uint32(head[12:]))
	switch {
	case order.Uint64(head) != id:
		return nil, 0, 0, fmt.Errorf("page %d says it is page %d", id, order.Uint64(head))
	case id+overflow >= l.end:
		return nil, 0, 0, fmt.Errorf("page %d goes on behind the end of the file", id)
	}
	for n := id; n <= id+overflow; n++ {
		if l.seen[n] {
			return nil, 0, 0, fmt.Errorf("page %d is used twice", n)
		}
		l.seen[n] = true
	}
	raw = make([]byte, (1+overflow)*l.pageSize)
	if _, err := l.file.ReadAt(raw, int64(id*l.pageSize)); err != nil {
		return nil, 0, 0, err
	}
	return raw, order.Uint16(head[8:]), int(order.Uint16(head[10:])), nil
}

// bucket walks the tree below a page, whose keys are not before from and, unless that
// is nil, before to.
func (l *layout) bucket(id uint64, depth int, from, to []byte) error {
	raw, flags, count, err := l.page(id)
	switch {
	case err != nil:
		return err
	case depth > deepest:
		return fmt.Errorf("page %d is deeper than any tree grows", id)
	case flags == leafPage:
		return l.leaf(id, raw, count, depth, from, to)
	case flags != branchPage:
		return fmt.Errorf("page %d has type %#x", id, flags)
	case count == 0:
		return fmt.Errorf("page %d leads nowhere", id)
	}
	keys, children := make([][]byte, count), make([]uint64, count)
	for i := range count {
		at := pageHeader + i*pageElement
		if at+pageElement > len(raw) {
			return fmt.Errorf("page %d has more entries than room", id)
		}
		key, ok := slice(raw, uint64(at)+uint64(order.Uint32(raw[at:])), uint64(order.Uint32(raw[at+4:])))
		if !ok || i > 0 && bytes.Compare(keys[i-1], key) >= 0 || beyond(key, from, to) {
			return fmt.Errorf("entry %d of page %d is damaged", i, id)
		}
		keys[i], children[i] = key, order.Uint64(raw[at+8:])
	}
	for i, child := range children {
		last := to
		if i+1 < count {
			last = keys[i+1]
		}
		if err := l.bucket(child, depth+1, keys[i], last); err != nil {
			return err
		}
	}
	return nil
}

// beyond reports whether a key does not belong between two others.
func beyond(key, from, to []byte) bool {
	return from != nil && bytes.Compare(key, from) < 0 || to != nil && bytes.Compare(key, to) >= 0
}

// leaf looks at the keys and values of a page, which may be an inline one.
func (l *layout) leaf(id uint64, raw []byte, count, depth int, from, to []byte) error {
	var before []byte
	for i := range count {
		at := pageHeader + i*pageElement
		if at+pageElement > len(raw) {
			return fmt.Errorf("page %d has more entries than room", id)
		}
		flags := order.Uint32(raw[at:])
		start := uint64(at) + uint64(order.Uint32(raw[at+4:]))
		keySize, valueSize := uint64(order.Uint32(raw[at+8:])), uint64(order.Uint32(raw[at+12:]))
		key, ok := slice(raw, start, keySize)
		value, also := slice(raw, start+keySize, valueSize)
		if !ok || !also || flags&^bucketElement != 0 || i > 0 && bytes.Compare(before, key) >= 0 || beyond(key, from, to) {
			return fmt.Errorf("entry %d of page %d is damaged", i, id)
		}
		before = key
		if flags != bucketElement {
			continue
		}
		if len(value) < bucketHeader {
			return fmt.Errorf("entry %d of page %d is damaged", i, id)
		}
		if root := order.Uint64(value); root != 0 {
			if err := l.bucket(root, depth+1, nil, nil); err != nil {
				return err
			}
			continue
		}
		inline := value[bucketHeader:]
		if len(inline) < pageHeader || order.Uint16(inline[8:]) != leafPage || depth > deepest {
			return fmt.Errorf("entry %d of page %d is damaged", i, id)
		}
		if err := l.leaf(id, inline, int(order.Uint16(inline[10:])), depth+1, nil, nil); err != nil {
			return err
		}
	}
	return nil
}

// freelist looks at the list of free pages.
func (l *layout) freelist(id uint64) error {
	raw, flags, count, err := l.page(id)
	if err != nil {
		return err
	}
	if flags != freelistPage {
		return fmt.Errorf("page %d is no list of free pages", id)
	}
	entries, first := uint64(count), 0
	if count == manyFree {
		entries, first = order.Uint64(raw[pageHeader:]), 1
	}
	if entries > l.end {
		return errors.New("the list of free pages is longer than the file")
	}
	if pageHeader+(uint64(first)+entries)*8 > uint64(len(raw)) {
		return errors.New("the list of free pages is longer than its page")
	}
	for i := range int(entries) {
		free := order.Uint64(raw[pageHeader+(first+i)*8:])
		if free < 2 || free >= l.end || l.seen[free] {
			return fmt.Errorf("page %d is said to be free", free)
		}
		l.seen[free] = true
	}
	return nil
}

// slice returns length bytes from start on, when they are there.
func slice(raw []byte, start, length uint64) ([]byte, bool) {
	if start > uint64(len(raw)) || length > uint64(len(raw))-start {
		return nil, false
	}
	return raw[start : start+length], true
}
