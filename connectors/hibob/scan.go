package hibob

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// maxEmployee bounds what is read for one employee, or any other one value.
const maxEmployee = 4 << 20

// errNotJSON says that the answer breaks the grammar of JSON.
var errNotJSON = errors.New("the answer is not JSON")

// scanner cuts an answer into values while it arrives. It finds where a value
// ends, by its brackets and quotes, and does not look whether what is inside is
// valid: that is for whoever takes it apart. The standard decoder reads each byte
// three times before its first copy, which was half of what a read of a large
// company cost.
type scanner struct {
	from io.Reader
	buf  []byte
	at   int   // what was read up to here was given out
	past int64 // bytes of the answer before buf
	err  error // of from, once it has come
}

func newScanner(from io.Reader) *scanner { return &scanner{from: from, buf: make([]byte, 0, 64<<10)} }

// offset is how far the answer was read.
func (s *scanner) offset() int64 { return s.past + int64(s.at) }

// more reads more of the answer behind what is there; keep is where that begins
// which must stay.
func (s *scanner) more(keep int) error {
	if s.err != nil {
		return s.err
	}
	if keep > 0 {
		s.past += int64(keep)
		s.buf = s.buf[:copy(s.buf, s.buf[keep:])]
		s.at -= keep
	}
	if len(s.buf) == cap(s.buf) {
		s.buf = append(make([]byte, 0, 2*cap(s.buf)), s.buf...)
	}
	for range 100 { // as bufio: a reader that gives nothing again and again is broken
		n, err := s.from.Read(s.buf[len(s.buf):cap(s.buf)])
		s.buf = s.buf[:len(s.buf)+n]
		s.err = err
		if n > 0 {
			return nil
		}
		if err != nil {
			return err
		}
	}
	s.err = io.ErrNoProgress
	return s.err
}

// peek returns the next byte that is no space without taking it.
func (s *scanner) peek() (byte, error) {
	for blank := s.offset(); s.offset()-blank <= maxEmployee; {
		for ; s.at < len(s.buf); s.at++ {
			if c := s.buf[s.at]; !isSpace(c) {
				return c, nil
			}
		}
		if err := s.more(s.at); err != nil {
			return 0, unexpected(err)
		}
	}
	return 0, undocumented(fmt.Sprintf("the answer goes on for %d bytes without saying anything", maxEmployee))
}

// unexpected turns the end of the answer into what it is everywhere but at the end.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// take takes the next byte that is no space, which must be c.
func (s *scanner) take(c byte) error {
	got, err := s.peek()
	if err != nil {
		return err
	}
	if got != c {
		return errNotJSON
	}
	s.at++
	return nil
}

// end takes what is left, which must be spaces.
func (s *scanner) end() error {
	switch _, err := s.peek(); {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil
	case err != nil:
		return err
	}
	return errNotJSON
}

// list calls each for every element of what is between two brackets, the first of
// which was taken; each takes the element.
func (s *scanner) list(closing byte, each func() error) error {
	for first := true; ; first = false {
		c, err := s.peek()
		if err != nil {
			return err
		}
		if c == closing {
			if first {
				s.at++
				return nil
			}
			return errNotJSON // behind a comma
		}
		if err := each(); err != nil {
			return err
		}
		if c, err = s.peek(); err != nil {
			return err
		}
		s.at++
		switch c {
		case ',':
		case closing:
			return nil
		default:
			return errNotJSON
		}
	}
}

// value takes the next value and returns its bytes, valid until the next call.
func (s *scanner) value() ([]byte, error) {
	first, err := s.peek()
	if err != nil {
		return nil, err
	}
	start, i, depth := s.at, s.at, 0
	// next makes sure that there is a byte at i.
	next := func() error {
		for i >= len(s.buf) {
			if i-start > maxEmployee {
				return undocumented(fmt.Sprintf("the answer goes on for %d bytes within one employee", maxEmployee))
			}
			s.at = i
			if err := s.more(start); err != nil {
				return unexpected(err)
			}
			i, start = s.at, 0
		}
		return nil
	}
	for {
		if err := next(); err != nil {
			return nil, err
		}
		switch c := s.buf[i]; c {
		case '"':
			for i++; ; {
				if err := next(); err != nil {
					return nil, err
				}
				at := bytes.IndexByte(s.buf[i:], '"')
				if at < 0 {
					i = len(s.buf)
					continue
				}
				i += at
				if !escaped(s.buf[start:i]) {
					break
				}
				i++
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth < 0 {
				return nil, errNotJSON
			}
		case ',', ' ', '\t', '\n', '\r':
			if depth == 0 { // behind a number, true, false or null
				s.at = i
				return s.buf[start:i], nil
			}
		}
		i++
		if depth == 0 && (first == '{' || first == '[' || first == '"') {
			s.at = i
			return s.buf[start:i], nil
		}
		if depth == 0 && i < len(s.buf) && (s.buf[i] == '}' || s.buf[i] == ']') {
			s.at = i
			return s.buf[start:i], nil
		}
	}
}

// escaped reports whether what follows b is escaped: an odd number of backslashes
// stands before it.
func escaped(b []byte) bool {
	n := 0
	for n < len(b) && b[len(b)-1-n] == '\\' {
		n++
	}
	return n%2 == 1
}

// skip takes the next value, which must be JSON and is not looked at.
func (s *scanner) skip() error {
	raw, err := s.value()
	if err == nil && !json.Valid(raw) {
		err = errNotJSON
	}
	return err
}

// key takes the name of a member and the colon behind it.
func (s *scanner) key() (string, error) {
	c, err := s.peek()
	if err != nil {
		return "", err
	}
	if c != '"' {
		return "", errNotJSON
	}
	raw, err := s.value()
	if err != nil {
		return "", err
	}
	var key string
	if json.Unmarshal(raw, &key) != nil {
		return "", errNotJSON
	}
	return key, s.take(':')
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }
