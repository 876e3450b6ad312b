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

// spool is an answer that may be large: one JSON object whose lists were written first,
// and whose other fields come before them when it is read. What is small stays in
// memory; else it is a file beside the database, which loses its name at once. It
// implements admin.Spooled.
type spool struct {
	dir   string
	small bytes.Buffer
	file  *os.File // nil: all is in small
	path  string   // of the file, while it has one
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

// spoolMemory is how many bytes of an answer stay in memory.
const spoolMemory = 1 << 20

func (a *App) newSpool() *spool { return spoolIn(filepath.Dir(a.store.Path())) }

func spoolIn(dir string) *spool {
	s := &spool{dir: dir}
	s.out = bufio.NewWriterSize(spoolWriter{s}, 64<<10)
	return s
}

// spoolWriter writes to memory until that is too small.
type spoolWriter struct{ s *spool }

func (w spoolWriter) Write(p []byte) (int, error) {
	s := w.s
	if s.file == nil && s.small.Len()+len(p) <= spoolMemory {
		return s.small.Write(p)
	}
	if s.file == nil {
		if err := s.toFile(); err != nil {
			return 0, fmt.Errorf("write the answer: %w", err)
		}
	}
	return s.file.Write(p)
}

func (s *spool) toFile() error {
	f, err := os.CreateTemp(s.dir, spoolName+"*")
	if err != nil {
		return err
	}
	s.file, s.path = f, f.Name()
	if os.Remove(s.path) == nil { // where an open file can lose its name
		s.path = ""
	}
	_, err = s.small.WriteTo(f)
	return err
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
	var lists io.ReaderAt = s.file
	if s.file == nil {
		lists = bytes.NewReader(s.small.Bytes())
	}
	parts := []io.Reader{bytes.NewReader(s.head)}
	for _, l := range s.lists {
		if l.from < l.to {
			parts = append(parts, bytes.NewReader(fmt.Appendf(nil, ",%q:", l.name)), io.NewSectionReader(lists, l.from, l.to-l.from), bytes.NewReader([]byte("]")))
		}
	}
	return io.Copy(w, io.MultiReader(append(parts, bytes.NewReader([]byte("}")))...))
}

// Close forgets the answer.
func (s *spool) Close() error {
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	if s.path != "" {
		err = errors.Join(err, os.Remove(s.path))
	}
	return err
}
