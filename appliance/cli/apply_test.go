package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rollcall/appliance/admin"
	"rollcall/appliance/admin/admintest"
)

func TestPlanIsWrittenReviewedAndApplied(t *testing.T) {
	fake := admintest.Acme()
	socket := admintest.Serve(t, fake).Admin
	file := filepath.Join(t.TempDir(), "plan.json")
	r := ends{}.call(t, "--socket", socket, "plan", "--out", file)
	if r.code != ExitHuman || !strings.Contains(r.out, "rollcall apply "+file) {
		t.Fatalf("%+v", r)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file holds people and may be read by %v, %v", info.Mode(), err)
	}
	if r := (ends{}).call(t, "--socket", socket, "apply", file); r.code != ExitDone || !strings.Contains(r.out, "3 deliveries were released") {
		t.Errorf("nobody changed: %+v", r)
	}
	fake.Changed = []string{"p_eve"}
	r = ends{}.call(t, "--socket", socket, "apply", file)
	if r.code != ExitHuman || !strings.Contains(r.out, "2 deliveries were released") || !strings.Contains(r.out, "1 was left out") || !strings.Contains(r.out, "eve@acme.example") {
		t.Errorf("one changed: %+v", r)
	}
	for name, text := range map[string]string{"empty": "", "other": `{"a":1}`, "newer": `{"rollcall_plan":9,"plan":{}}`} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if r := (ends{}).call(t, "--socket", socket, "apply", path); r.code != ExitUsage {
			t.Errorf("%s: exit code %d, %s", name, r.code, r.err)
		}
	}
	if n := len(fake.Asked()); n != 2 {
		t.Errorf("asked %v", fake.Asked())
	}
}

// TestLargeApprovalNeedsItsNumber fails when a large hold is released by a return
// key, or by a script that did not say how much it means.
func TestLargeApprovalNeedsItsNumber(t *testing.T) {
	large := func() *admintest.Service {
		fake := admintest.Acme()
		for i := range 30 {
			fake.Pending = append(fake.Pending, admin.Delivery{Target: "javelo", Person: admin.PersonRef{ID: fmt.Sprint("p_", i)}, State: "held", Effect: "deactivate", Run: 12})
		}
		return fake
	}
	for _, c := range []struct {
		name string
		ends ends
		args string
		done bool
	}{
		{"a script that says nothing", ends{}, "approve 12", false},
		{"a script that says another number", ends{}, "approve 12 --count 30", false},
		{"a script that says the number", ends{}, "approve 12 --count 31", true},
		{"return", ends{interactive: true, in: "\n"}, "approve 12", false},
		{"yes", ends{interactive: true, in: "y\n"}, "approve 12", false},
		{"the number", ends{interactive: true, in: "31\n"}, "approve 12", true},
		{"one person", ends{}, "approve 12 --only person:p_3", true},
	} {
		fake := large()
		r := c.ends.call(t, append([]string{"--socket", admintest.Serve(t, fake).Admin}, strings.Fields(c.args)...)...)
		if got := len(fake.Asked()) == 1; got != c.done || (r.code == ExitDone) != c.done {
			t.Errorf("%s: exit code %d, asked %v, %s", c.name, r.code, fake.Asked(), r.err)
		}
	}
	for _, only := range []string{"p_1", "person:", "team:x", ":"} {
		if r := (ends{}).call(t, "--socket", admintest.Serve(t, large()).Admin, "approve", "12", "--only", only); r.code != ExitUsage {
			t.Errorf("--only %s: exit code %d, %s", only, r.code, r.err)
		}
	}
}
