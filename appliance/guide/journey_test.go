package guide_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"rollcall/appliance/admin"
	"rollcall/appliance/cli"
	"rollcall/appliance/store"
)

// older makes the database one of the schema version before, as an appliance of that
// time would have left it.
func older(t *testing.T, path, version string) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.Update(func(tx *bbolt.Tx) error { return tx.Bucket([]byte("meta")).Put([]byte("version"), []byte(version)) })
	if err != nil {
		t.Fatal(err)
	}
}

// From a fresh machine over an upgrade to a restore in another directory: what the
// guides install and disaster-recovery promise, in one go.
func TestInstallConfigureActivateUpgradeAndRestoreElsewhere(t *testing.T) {
	r := newReader(t, "install", read(t, "install"))
	says := func(line string, words ...string) {
		t.Helper()
		said, _ := r.run(line, line)
		for _, w := range words {
			if !strings.Contains(said, w) {
				t.Errorf("%s: %q is not said:\n%s", line, w, said)
			}
		}
	}
	refuses := func(words string, args ...string) {
		t.Helper()
		if code, _, said := r.type_(args...); code != cli.ExitFailed || !strings.Contains(said, words) {
			t.Errorf("rollcall %v: exit code %d, want a refusal with %q:\n%s", args, code, words, said)
		}
	}
	says("sudo ./rollcall install", "Installed", "rollcall config check")
	says("sudo ./rollcall install", "Nothing to do")
	edited, err := os.ReadFile(r.path("etc/config.toml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(r.path("root/etc/rollcall/config.toml"), edited, 0o600); err != nil {
		t.Fatal(err)
	}
	says("rollcall config check", "fine", "1 source: hibob", "1 target: javelo")
	says("rollcall sync hibob --wait", "in preview")
	says("rollcall plan hibob", "60 to create")
	says("rollcall activate hibob", "hibob is active")
	r.read()
	says("rollcall status", "60 people in step", "Nothing needs you")
	creates := r.javelo.Writes()

	// Upgrade: the program is newer than the database.
	says("rollcall backup /var/lib/rollcall/before.db", "Written to")
	r.halt()
	database := r.path("lib/" + store.FileName)
	older(t, database, "1")
	says("./rollcall install --dry-run", "the database has schema version 1", "rollcall.db.v1.bak")
	if err := os.WriteFile(r.path("root/usr/local/bin/rollcall"), []byte("the program of before"), 0o755); err != nil {
		t.Fatal(err)
	}
	says("sudo ./rollcall install", "replace /usr/local/bin/rollcall", "Upgraded to rollcall", "Restart the service")
	says("sudo systemctl start rollcall")
	if !strings.Contains(r.log.String(), "from_schema=1") {
		t.Errorf("the log does not tell of the upgrade:\n%s", r.log)
	}
	says("rollcall status", "60 people in step", "Nothing needs you")
	says("rollcall verify", "Everything derived equals")
	says("rollcall journal verify", "The journal is whole")
	says("rollcall journal --limit 3", "upgraded database: from schema version 1")
	if _, err := os.Stat(database + ".v1.bak"); err != nil {
		t.Errorf("the file of before is not kept: %v", err)
	}

	// A program that is older than the database changes nothing.
	r.halt()
	older(t, database, "99")
	refuses("was written by a newer program", "install", "--yes")
	says("sudo rollcall restore /var/lib/rollcall/rollcall.db.v1.bak", "is sound: 60 people", "Restored to", "javelo is held")
	says("sudo systemctl start rollcall")
	says("rollcall status", "nothing since a backup was restored")
	says("rollcall deliveries resume javelo", "takes deliveries again")
	says("rollcall status", "60 people in step")
	r.halt()

	// Another directory, as on another machine: its configuration and a backup.
	backup := database[:len(database)-len(store.FileName)] + "before.db"
	r.dirs("lib2", "run2")
	if err = os.MkdirAll(r.path("run2"), 0o750); err != nil {
		t.Fatal(err)
	}
	r.configure("")
	if code, _, said := r.type_("restore", backup, "--yes"); code != cli.ExitDone || !strings.Contains(said, "Restored to "+filepath.Join(r.path("lib2"), store.FileName)) {
		t.Fatalf("restore elsewhere: exit code %d:\n%s", code, said)
	}
	says("sudo systemctl start rollcall")
	var plan admin.Plan
	says("rollcall deliveries resume javelo", "takes deliveries again")
	r.ask(&plan, "plan")
	if len(plan.Changes) > 0 {
		t.Errorf("the restored appliance would change %d accounts", len(plan.Changes))
	}
	says("rollcall status", "60 people in step")
	if now := r.javelo.Writes(); now != creates {
		t.Errorf("%d writes reached the target since the activation", now-creates)
	}
	for _, p := range r.people {
		if n := r.javelo.Creates(p.Email); n != 1 {
			t.Errorf("an account was created %d times", n)
		}
	}
}
