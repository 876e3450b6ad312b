package csv

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"rollcall/connectors"
)

// howToDrop is the advice that avoids every half-written file.
const howToDrop = "Upload under another name that ends in .part, and rename it to this one when it is complete"

// drop is a file that was found at rest. It keeps being the same file when
// another takes its name.
type drop struct {
	*os.File
	was fs.FileInfo
}

// open waits until the file has not changed for the settling time, and opens it.
func (s *Source) open(ctx context.Context) (*drop, error) {
	first, err := s.stat()
	if err != nil {
		return nil, err
	}
	timer := time.NewTimer(s.cfg.Settle)
	select {
	case <-ctx.Done():
		timer.Stop()
		return nil, cancelled(ctx.Err())
	case <-timer.C:
	}
	second, err := s.stat()
	if err != nil {
		return nil, err
	}
	f, err := os.Open(s.cfg.Path)
	if err != nil {
		return nil, s.explain(err)
	}
	third, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, s.explain(err)
	}
	if !same(first, second) || !same(second, third) {
		f.Close()
		return nil, refused(s.cfg.Path+" is still being written", howToDrop)
	}
	return &drop{File: f, was: third}, nil
}

// stat looks at the file and says what is wrong with it from the outside.
func (s *Source) stat() (fs.FileInfo, error) {
	info, err := os.Stat(s.cfg.Path)
	switch {
	case err != nil:
		return nil, s.explain(err)
	case info.IsDir():
		return nil, misconfigured(s.cfg.Path+" is a directory", "Set path to the file in it")
	case !info.Mode().IsRegular():
		return nil, misconfigured(s.cfg.Path+" is not a regular file", "")
	case info.Size() == 0:
		return nil, refused(s.cfg.Path+" is empty", "An empty file is not taken for an empty company; write it again. "+howToDrop)
	case info.Size() > largestFile:
		return nil, refused(fmt.Sprintf("%s is larger than the %d bytes allowed", s.cfg.Path, largestFile), "")
	}
	return info, nil
}

// explain says what an error of the file system means for the operator.
func (s *Source) explain(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e := &connectors.Error{
			Class: connectors.Transient, Op: "csv: open the file", Detail: s.cfg.Path + " does not exist",
			Next: "Check path, and that the system which writes the file has run; nothing changes until it is there",
		}
		for _, end := range []string{".part", ".tmp"} {
			if _, err := os.Stat(s.cfg.Path + end); err == nil {
				e.Detail += fmt.Sprintf(", but %s does: an upload is under way", filepath.Base(s.cfg.Path)+end)
			}
		}
		return e
	case errors.Is(err, fs.ErrPermission):
		return &connectors.Error{Class: connectors.Misconfigured, Op: "csv: open the file", Err: err, Next: "Let the service's user read the file and enter its directory"}
	}
	return &connectors.Error{Class: connectors.Transient, Op: "csv: open the file", Err: err}
}

// unchanged says whether somebody wrote into the file since it was opened.
func (d *drop) unchanged() error {
	now, err := d.Stat()
	if err != nil {
		return &connectors.Error{Class: connectors.Transient, Op: "csv: read the file", Err: err}
	}
	if !same(d.was, now) {
		return refused("the file changed while it was read", howToDrop)
	}
	return nil
}

func same(a, b fs.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}
