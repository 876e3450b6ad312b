package demo

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/hashicorp/go-hclog"

	"rollcall/appliance"
	"rollcall/appliance/admin"
	"rollcall/appliance/config"
)

// running starts a simulator and returns all that it prints once it serves, which is
// a piece of a configuration.
func running(t *testing.T, kind string, o SimOptions) string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	printed := make(chan string, 1)
	out := &ending{text: "the dial"}
	out.end = func() {
		select {
		case printed <- out.all.String():
		default:
		}
	}
	o.Out = out
	done := make(chan error, 1)
	go func() { done <- Sim(ctx, kind, o) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	})
	select {
	case text := <-printed:
		return text
	case err := <-done:
		done <- nil
		t.Fatalf("%s: %v", kind, err)
	}
	return ""
}

// checked opens an appliance with a table as it was printed, and checks it.
func checked(t *testing.T, table string) admin.CheckResult {
	t.Helper()
	dir, err := os.MkdirTemp("", "rc") // paths of sockets must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	text := fmt.Sprintf("[appliance]\ndata_dir = %q\nadmin_socket = %q\nview_socket = %q\n[scim]\nlisten = \"127.0.0.1:0\"\n[metrics]\nlisten = \"127.0.0.1:0\"\n%s",
		dir, filepath.Join(dir, "a.sock"), filepath.Join(dir, "v.sock"), table)
	cfg, err := config.Parse("sim.toml", []byte(text), config.System())
	if err != nil {
		t.Fatalf("the table to paste is refused: %v\n%s", err, text)
	}
	if err := cfg.ResolveSecrets(); err != nil {
		t.Fatal(err)
	}
	app, err := appliance.Open(cfg, appliance.Options{Log: hclog.NewNullLogger()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { app.Close() })
	results, err := app.Check(t.Context(), nil)
	if err != nil || len(results) != 1 {
		t.Fatalf("%d results, %v", len(results), err)
	}
	return results[0]
}

func TestEverySimulatorWorksAsPrinted(t *testing.T) {
	for kind, fault := range map[string]string{
		"hibob": "status:always", "lucca": "hide-contract", "adp": "status:always", "scim-pull": "html:always",
		"javelo": "unavailable:always", "scim": "unavailable:always", "elevo": "refuse-key",
	} {
		t.Run(kind, func(t *testing.T) {
			if r := checked(t, running(t, kind, SimOptions{People: 12})); !r.OK {
				t.Errorf("as printed: %+v", r)
			}
			if r := checked(t, running(t, kind, SimOptions{People: 12, Faults: []string{fault}})); r.OK {
				t.Errorf("with the fault %s: %+v", fault, r)
			}
		})
	}
}
