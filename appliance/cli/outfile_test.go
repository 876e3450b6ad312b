package cli

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestAFileIsWrittenWholeOrNotAtAll(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	full := errors.New("no space")
	half := func(w io.Writer) error {
		_, _ = io.WriteString(w, "half")
		return full
	}
	if err := writeFile(path, half); !errors.Is(err, full) {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
	if err := os.WriteFile(path, []byte("before"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := writeFile(path, half); !errors.Is(err, full) {
		t.Fatal(err)
	}
	if raw, err := os.ReadFile(path); err != nil || string(raw) != "before" {
		t.Errorf("what was there: %q %v", raw, err)
	}
}

// As root a renamed file would stand in the place of /dev/stdout for everybody.
func TestAPipeIsWrittenToAndStaysOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skip(err)
	}
	got := make(chan string, 1)
	go func() {
		raw, _ := os.ReadFile(path)
		got <- string(raw)
	}()
	if err := writeFile(path, func(w io.Writer) error { _, err := io.WriteString(w, "all"); return err }); err != nil {
		t.Fatal(err)
	}
	if at, err := os.Stat(path); err != nil || at.Mode()&os.ModeNamedPipe == 0 {
		t.Fatalf("the pipe is %v, %v", at, err)
	}
	if text := <-got; text != "all" {
		t.Errorf("read %q", text)
	}
}
