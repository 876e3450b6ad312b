package store

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rollcall/appliance/model"
)

// openElsewhere opens a database in another process, which a crash may end.
func openElsewhere(t *testing.T, path string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), holdEnv+"="+path)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	timer := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
	defer timer.Stop()
	_ = cmd.Run()
	return out.String()
}

// filled makes a database of some hundred pages.
func filled(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), FileName)
	s, err := Open(path, Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 4 {
		update(t, s, func(tx *Tx) error {
			for n := range 500 {
				id := model.RecordID(fmt.Sprintf("r%d-%d", i, n))
				if err := Records.Put(tx, id, model.Record{ID: id, Source: "hr", Native: string(id), RawStatus: strings.Repeat("x", 200)}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTruncatedFileIsRefusedWithASentence(t *testing.T) {
	raw := content(t, filled(t))
	page := os.Getpagesize()
	for name, size := range map[string]int{"one page": page, "two pages": 2 * page, "half": len(raw) / 2 / page * page, "half a page more": len(raw)/2/page*page + page/2} {
		path := write(t, raw[:size])
		said := openElsewhere(t, path)
		if said == "open\n" || !strings.Contains(said, "restore a backup") || strings.Contains(said, "goroutine") {
			t.Errorf("%s: %.200q", name, said)
		}
	}
}

func TestDamagedPageIsRefusedWithASentence(t *testing.T) {
	small := filepath.Join(t.TempDir(), FileName)
	create(t, small)
	raw := content(t, small)
	page := os.Getpagesize()
	for n := 2; n < len(raw)/page; n++ {
		// The type of the page, which bbolt checks by panicking.
		if said := openElsewhere(t, write(t, flipped(raw, n*page+8))); strings.Contains(said, "goroutine") {
			t.Errorf("page %d: %.200q", n, said)
		}
	}
}
