package appliance

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"rollcall/appliance/store"
)

// spool is an answer in a file: one JSON object whose large lists were written first,
// and whose other fields come before them when it is read. The file lies beside the
// database and loses its name at once. It implements admin.Spooled.
type spool struct {
	file  *os.File
	path  string // while it has one
	out   *bufio.Writer
	lists []spooledList
	items int   // of the list that is being written
	at    int64 // where the next byte goes
	head  []byte
}

type spooledList struct {
	name     string
	from, to int64
}

// spoolName is how spools begin; store removes what a killed process left of them.
const spoolName = store.ScratchName + "spool-"

func (a *App) newSpool() (*spool, error) {
	f, err := os.CreateTemp(filepath.Dir(a.store.Path()), spoolName+"*")
	if err != nil {
		return nil, fmt.Errorf("write the answer: %w", err)
	}
	s := &spool{file: f, path: f.Name(), out: bufio.NewWriterSize(f, 64<<10)}
	if os.Remove(s.path) == nil { // where an open file can lose its name
		s.path = ""
	}
	return s, nil
}

// list begins a list of this name. A list without items is left out of the answer.
func (s *spool) list(name string) {
	s.lists, s.items = append(s.lists, spooledList{name, s.at, s.at}), 0
}

// item adds to the list that was begun last.
func (s *spool) item(raw []byte) error {
	before := byte(',')
	if s.items == 0 {
		before = '['
	}
	s.items++
	if err := s.out.WriteByte(before); err != nil {
		return err
	}
	n, err := s.out.Write(raw)
	s.at += 1 + int64(n)
	s.lists[len(s.lists)-1].to = s.at
	return err
}

func (s *spool) value(v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return s.item(raw)
}

// end completes the answer with the fields of head, which encodes as an object with
// at least one. empty names a list that is there also without items.
func (s *spool) end(head any, empty string) error {
	raw, err := json.Marshal(head)
	if err != nil {
		return err
	}
	s.head = bytes.TrimSuffix(raw, []byte("}"))
	for _, l := range s.lists {
		if l.name == empty && l.from == l.to {
			s.head = fmt.Appendf(s.head, ",%q:[]", l.name)
		}
	}
	return s.out.Flush()
}

// WriteTo writes the answer.
func (s *spool) WriteTo(w io.Writer) (int64, error) {
	parts := []io.Reader{bytes.NewReader(s.head)}
	for _, l := range s.lists {
		if l.from < l.to {
			parts = append(parts, bytes.NewReader(fmt.Appendf(nil, ",%q:", l.name)), io.NewSectionReader(s.file, l.from, l.to-l.from), bytes.NewReader([]byte("]")))
		}
	}
	return io.Copy(w, io.MultiReader(append(parts, bytes.NewReader([]byte("}")))...))
}

// Close forgets the answer.
func (s *spool) Close() error {
	err := s.file.Close()
	if s.path != "" {
		err = errors.Join(err, os.Remove(s.path))
	}
	return err
}
