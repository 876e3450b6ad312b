package store

import (
	"errors"
	"fmt"
	"os"
	"strconv"
)

// peeks is how often [SchemaOf] looks again while somebody writes.
const peeks = 20

// SchemaOf returns the schema version of the database at path, also while a
// running appliance holds it: it takes no lock and reads the few pages that lead
// to the version. Pages of one moment may be used again two commits later; what
// does not fit together then is read again. An error wraps fs.ErrNotExist when
// there is no database.
func SchemaOf(path string) (int, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for range peeks {
		var version int
		if version, err = peekSchema(f); err == nil {
			return version, nil
		}
	}
	return 0, fmt.Errorf("%s: the schema version cannot be read: %w", path, err)
}

var errMoved = errors.New("it changed while it was read")

func peekSchema(f *os.File) (int, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	l := &layout{file: f}
	root, _, err := l.meta(info.Size())
	if err != nil {
		return 0, err
	}
	l.seen = make([]bool, l.end)
	bucket, found, err := l.lookup(root, metaBucket, bucketElement)
	if err != nil {
		return 0, err
	}
	if !found || len(bucket) < bucketHeader {
		return 0, errors.New("it is a bbolt file of another program")
	}
	var value []byte
	if page := order.Uint64(bucket); page != 0 {
		value, found, err = l.lookup(page, "version", 0)
	} else {
		value, found, err = l.lookupIn(bucket[bucketHeader:], "version", 0, 0)
	}
	if err != nil || !found {
		return 0, errors.Join(err, errors.New("it names no version"))
	}
	return strconv.Atoi(string(value))
}

// lookup returns the value of a key in the tree below a page.
func (l *layout) lookup(id uint64, key string, flags uint32) (value []byte, found bool, err error) {
	raw, kind, count, err := l.page(id)
	switch {
	case err != nil:
		return nil, false, err
	case kind == leafPage:
		return l.lookupIn(raw, key, flags, count)
	case kind != branchPage:
		return nil, false, fmt.Errorf("page %d has type %#x", id, kind)
	}
	// The child to look in is the last one that begins at or before the key.
	next, led := uint64(0), false
	for i := range count {
		at := pageHeader + i*pageElement
		if at+pageElement > len(raw) {
			return nil, false, errMoved
		}
		first, ok := slice(raw, uint64(at)+uint64(order.Uint32(raw[at:])), uint64(order.Uint32(raw[at+4:])))
		if !ok {
			return nil, false, errMoved
		}
		if string(first) > key {
			break
		}
		next, led = order.Uint64(raw[at+8:]), true
	}
	if !led {
		return nil, false, nil
	}
	return l.lookup(next, key, flags)
}

// lookupIn returns the value of a key in a leaf page, which may be an inline one;
// count 0 means that the page says how many there are.
func (l *layout) lookupIn(raw []byte, key string, flags uint32, count int) (value []byte, found bool, err error) {
	if len(raw) < pageHeader {
		return nil, false, errMoved
	}
	if count == 0 {
		count = int(order.Uint16(raw[10:]))
	}
	for i := range count {
		at := pageHeader + i*pageElement
		if at+pageElement > len(raw) {
			return nil, false, errMoved
		}
		start := uint64(at) + uint64(order.Uint32(raw[at+4:]))
		keySize, valueSize := uint64(order.Uint32(raw[at+8:])), uint64(order.Uint32(raw[at+12:]))
		have, ok := slice(raw, start, keySize)
		value, also := slice(raw, start+keySize, valueSize)
		if !ok || !also {
			return nil, false, errMoved
		}
		if string(have) == key && order.Uint32(raw[at:]) == flags {
			return value, true, nil
		}
	}
	return nil, false, nil
}
