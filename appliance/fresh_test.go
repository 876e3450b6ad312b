package appliance_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rollcall/appliance/install"
)

// A machine right after installing has no certificate, no source and no target,
// and must come up all the same: its terminal UI says what to do next.
func TestAFreshInstallationStarts(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("..", "config.example.toml"))
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, 0, "")
	text := install.Starter(string(raw))
	for from, to := range map[string]string{"/var/lib/rollcall": filepath.Join(w.dir, "data"), "/run/rollcall/admin.sock": filepath.Join(w.dir, "a.sock"),
		"/run/rollcall-view/view.sock": filepath.Join(w.dir, "v.sock"), "127.0.0.1:9464": "127.0.0.1:0"} {
		if !strings.Contains(text, from) {
			t.Fatalf("the starter does not name %s", from)
		}
		text = strings.ReplaceAll(text, from, to)
	}
	w.text = text
	w.start()
	s, err := w.app.Status(w.ctx())
	if err != nil || s.Headline == "" {
		t.Errorf("status %+v: %v", s, err)
	}
}
