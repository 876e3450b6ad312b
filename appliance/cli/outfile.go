package cli

import (
	"errors"
	"io"
	"os"
	"path/filepath"
)

// writeFile gives the file of this name, mode 0600, what write writes: whole, or not
// at all, so that a file of that name is never half of one. What is there and is no
// file, such as a pipe or /dev/stdout, is written to as it is.
func writeFile(name string, write func(io.Writer) error) (err error) {
	if at, statErr := os.Stat(name); statErr == nil && !at.Mode().IsRegular() {
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			return err // a directory says so
		}
		return errors.Join(write(f), f.Close())
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	if err = write(f); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
