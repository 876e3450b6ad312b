package appliance_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"rollcall/connectors/cast"
	"rollcall/connectors/elevo/elevosim"
)

// elevoServer is Elevo's SFTP server, and the table that configures it.
func elevoServer(t *testing.T) (sim *elevosim.Sim, table string) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	if sim, err = elevosim.New(elevosim.Options{Key: key}); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- sim.Serve(l) }()
	t.Cleanup(func() { sim.Close(); <-served })
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	host, port, _ := net.SplitHostPort(l.Addr().String())
	return sim, fmt.Sprintf("[targets.elevo]\nkind = \"elevo\"\nhost = %q\nport = %s\nuser = %q\nkey = { file = %q }\nhost_key = %q\ninterval = \"1m\"\n[targets.elevo.map]\nteam_name = 'department'\nregion = 'division ?? site'\n",
		host, port, elevosim.DefaultUser, path, sim.HostKey())
}

func TestElevoGetsTheFileOfEverybodyWhoIsActive(t *testing.T) {
	sim, table := elevoServer(t)
	w := newWorld(t, 30, table)
	w.start()
	if checked, err := w.app.Check(w.ctx(), []string{"elevo"}); err != nil || !checked[0].OK || !strings.Contains(checked[0].Summary, "SFTP at") {
		t.Errorf("check: %+v, %v", checked, err)
	}
	w.sync("hibob")
	if names := sim.Names(); len(names) != 0 {
		t.Errorf("in preview something was put: %v", names)
	}
	w.activate("hibob")
	content, ok := sim.File("users.csv")
	if !ok {
		t.Fatal("no file was put")
	}
	var intake elevosim.Intake
	if err := intake.Read(content); err != nil {
		t.Fatal(err)
	}
	active := slices.DeleteFunc(slices.Clone(w.people), func(p cast.Person) bool { return w.javeloActive(p) == nil })
	if got := len(intake.People()); got != len(active) || got == 0 {
		t.Errorf("%d people in the file, %d have an active account in Javelo", got, len(active))
	}
	for _, p := range intake.People() {
		if p.Columns["team_name"] != p.Columns["department"] || p.Columns["region"] == "" {
			t.Errorf("the map was not applied: %v", p.Columns)
		}
	}
	status, err := w.app.Status(w.ctx())
	if err != nil {
		t.Fatal(err)
	}
	for _, target := range status.Targets {
		if target.Kind == "elevo" && (target.File == nil || target.File.People != len(active) || target.File.At.IsZero() || target.Ready != 0 || target.Accounts != len(active)) {
			t.Errorf("status: %+v %+v", target, target.File)
		}
	}

	// A restart has nothing to put.
	uploads := sim.Uploads()
	w.stop()
	w.start()
	w.sync("hibob")
	if sim.Uploads() != uploads {
		t.Error("the same people were put again after a restart")
	}
}

func (w *world) javeloActive(p cast.Person) *cast.Person {
	for _, a := range w.javelo.Accounts() {
		if a.Active && strings.EqualFold(a.UserName, p.Email) {
			return &p
		}
	}
	return nil
}
