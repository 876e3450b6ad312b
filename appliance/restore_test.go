package appliance_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"rollcall/appliance"
	"rollcall/appliance/admin"
	"rollcall/appliance/model"
	"rollcall/appliance/store"
	"rollcall/connectors/cast"
	"rollcall/connectors/javelo/javelosim"
)

// writeConfig puts the configuration where the commands that run without an
// appliance read it.
func (w *world) writeConfig() string {
	w.t.Helper()
	path := filepath.Join(w.dir, "config.toml")
	if err := os.WriteFile(path, []byte(w.text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return path
}

// eventually waits for what happens in the background.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		said := stirred.next()
		if holds() {
			return
		}
		// What leaves no line in the log, such as a packet on its way, is looked for
		// now and then.
		look := time.NewTimer(100 * time.Millisecond)
		select {
		case <-said:
			look.Stop()
		case <-look.C:
		case <-deadline:
			t.Fatalf("not in time: %s", what)
		}
	}
}

// stirred hears every line that an appliance of a test logs, at every level: who
// waits for something looks again then.
var stirred stir

type stir struct {
	mu   sync.Mutex
	news chan struct{}
}

// next returns a channel that is closed with the next line.
func (s *stir) next() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.news == nil {
		s.news = make(chan struct{})
	}
	return s.news
}

// Write hears a line.
func (s *stir) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.news != nil {
		close(s.news)
		s.news = nil
	}
	return len(p), nil
}

// TestARestoredBackupSendsNothingUntilAHumanHasSeenTheDifference goes back to a
// backup after which people were created, changed and deactivated in the target.
func TestARestoredBackupSendsNothingUntilAHumanHasSeenTheDifference(t *testing.T) {
	w := newWorld(t, 40, "[policy.guard]\nmax_deactivations = 50\n")
	path := w.writeConfig()
	w.start()
	w.sync("hibob")
	w.activate("hibob")
	backup := filepath.Join(w.dir, "copy.db")
	if err := w.app.Backup(w.ctx(), "uid:0(root)", backup); err != nil {
		t.Fatal(err)
	}
	epoch := w.app.Store().Meta("epoch")

	// What happens after the backup.
	hire := cast.Person{Given: "Noor", Family: "Restored", Email: "noor.restored@halcyon-atelier.example", Title: "Clerk", Department: "Ops", Status: "employed", Start: "2025-01-06", Manager: -1}
	w.hibob.Hire(hire)
	w.hibob.Update(3, func(p *cast.Person) { p.Title = "Keeper of Maps" })
	w.hibob.Terminate(4, "2026-01-31")
	w.sync("hibob")
	if a, ok := w.javelo.Account(hire.Email); !ok || !a.Active {
		t.Fatal("the newcomer has no account before the restore")
	}
	w.stop()

	shown := admin.BackupContents{}
	r, err := appliance.Restore(context.Background(), path, backup, nil, false, func(c admin.BackupContents) (bool, error) { shown = c; return true, nil })
	if err != nil {
		t.Fatal(err)
	}
	if !r.Done || r.Epoch == epoch || len(r.HeldTargets) != 1 || r.Kept == "" || !shown.Sealed || shown.People != 40 || r.NotCarried != "" {
		t.Errorf("restored as %+v after showing %+v", r, shown)
	}
	w.javelo.Edit(w.people[5].Email, func(a *javelosim.Account) { a.Title = "Edited by hand" })
	writes := w.javelo.Writes()
	w.start()
	eventually(t, "the accounts are listed", func() bool {
		st, err := w.app.Status(w.ctx())
		return err == nil && !st.Targets[0].Listed.IsZero()
	})
	w.sync("hibob") // a read goes on as ever
	st, err := w.app.Status(w.ctx())
	if err != nil {
		t.Fatal(err)
	}
	if len(st.Needs) == 0 || !hasNeed(st, "restored") {
		t.Errorf("nobody is told that the target is held: %+v", st.Needs)
	}
	if n := w.javelo.Writes() - writes; n != 0 {
		t.Fatalf("%d writes left although nobody let the target go on", n)
	}
	plan, err := w.app.Plan(w.ctx(), "")
	if err != nil {
		t.Fatal(err)
	}
	if len(plan.Changes) == 0 || len(plan.Changes) > 10 || !strings.Contains(strings.Join(plan.Notices, " "), "resume javelo") {
		t.Errorf("the difference is shown as %d changes with the notices %q", len(plan.Changes), plan.Notices)
	}
	if err := w.app.SetLane(w.ctx(), "test", "javelo", string(model.LaneOpen)); err != nil {
		t.Fatal(err)
	}
	w.wait()
	for _, check := range []struct {
		email string
		want  func(javelosim.Account) bool
	}{
		{hire.Email, func(a javelosim.Account) bool { return a.Active && a.Title == "Clerk" }},
		{w.people[3].Email, func(a javelosim.Account) bool { return a.Title == "Keeper of Maps" }},
		{w.people[4].Email, func(a javelosim.Account) bool { return !a.Active }},
		{w.people[5].Email, func(a javelosim.Account) bool { return a.Title == w.people[5].Title }},
	} {
		if a, ok := w.javelo.Account(check.email); !ok || !check.want(a) {
			t.Errorf("%s stands as %+v", check.email, a)
		}
	}
	for _, a := range w.javelo.Accounts() {
		if n := w.javelo.Creates(a.UserName); n != 1 {
			t.Errorf("an account was created %d times", n)
		}
	}
	before := w.javelo.Writes()
	w.sync("hibob")
	if n := w.javelo.Writes() - before; n != 0 {
		t.Errorf("a second run wrote %d times", n)
	}
}

func hasNeed(st admin.Status, kind string) bool {
	for _, n := range st.Needs {
		if n.Kind == kind {
			return true
		}
	}
	return false
}

func TestRevokedTokensStayRevokedThroughARestore(t *testing.T) {
	w := newWorld(t, 3, "[sources.okta]\nkind = \"okta\"\n")
	path := w.writeConfig()
	w.start()
	old, err := w.app.CreateToken(w.ctx(), "test", "okta", "", 0)
	if err != nil {
		t.Fatal(err)
	}
	backup := filepath.Join(w.dir, "copy.db")
	if err := w.app.Backup(w.ctx(), "test", backup); err != nil {
		t.Fatal(err)
	}
	if err := w.app.RevokeToken(w.ctx(), "test", old.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := w.app.CreateToken(w.ctx(), "test", "okta", "newer", 0); err != nil {
		t.Fatal(err)
	}
	if _, err := appliance.Restore(context.Background(), path, backup, nil, false, nil); err == nil {
		t.Fatal("the database of a running appliance was replaced")
	}
	if r, err := appliance.Restore(context.Background(), path, backup, nil, true, nil); err != nil || r.Done || r.Contents.Schema != store.Version {
		t.Errorf("a check beside a running appliance: %+v, %v", r, err)
	}
	w.stop()
	if r, err := appliance.Restore(context.Background(), path, backup, nil, false, func(admin.BackupContents) (bool, error) { return false, nil }); err != nil || r.Done {
		t.Errorf("a no was not taken for one: %+v, %v", r, err)
	}
	r, err := appliance.Restore(context.Background(), path, backup, nil, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.TokensRevoked != 1 || r.TokensLost != 1 {
		t.Errorf("%d tokens were revoked again and %d lost, want one each", r.TokensRevoked, r.TokensLost)
	}
	w.start()
	tokens, err := w.app.Tokens(w.ctx())
	if err != nil {
		t.Fatal(err)
	}
	if len(tokens) != 1 || tokens[0].Revoked.IsZero() {
		t.Errorf("after the restore the tokens are %+v", tokens)
	}
}
