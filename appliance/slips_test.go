package appliance_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rollcall/appliance"
	"rollcall/appliance/admin"
)

// TestWhatIsNotThereIsNamedWithAPlaceToLook fails when a slip gets an answer that says
// neither what was not found nor what to do next.
func TestWhatIsNotThereIsNamedWithAPlaceToLook(t *testing.T) {
	w := newWorld(t, 3, "groups = true\n")
	w.start()
	w.sync("hibob")
	w.activate("hibob")
	someone := w.people[0].Email
	_, undo := w.app.PreviewUndo(w.ctx(), "d_none")
	_, plan := w.app.UndoPlan(w.ctx(), 999)
	for name, c := range map[string]struct {
		err  error
		code string
		want []string
	}{
		"a decision":               {w.app.UndoDecision(w.ctx(), "test", "d_none"), admin.CodeNotFound, []string{"decision d_none", "rollcall conflicts decisions"}},
		"a decision in a dry run":  {undo, admin.CodeNotFound, []string{"decision d_none", "rollcall conflicts decisions"}},
		"a run":                    {plan, admin.CodeNotFound, []string{"no run 999", "rollcall runs"}},
		"a delivery":               {w.app.RetryDelivery(w.ctx(), "test", "javelo", someone), admin.CodeNotFound, []string{"nothing is on its way to javelo", "rollcall deliveries explain"}},
		"a group":                  {w.app.RetryGroup(w.ctx(), "test", "javelo", "okta", "g_none"), admin.CodeNotFound, []string{"g_none", "rollcall deliveries groups"}},
		"a target of a group":      {w.app.RetryGroup(w.ctx(), "test", "nowhere", "okta", "g_none"), admin.CodeNotFound, []string{`no target "nowhere"`, "javelo"}},
		"a directory for a backup": {w.app.Backup(w.ctx(), "test", filepath.Join(w.dir, "none", "x.db")), admin.CodeInvalid, []string{filepath.Join(w.dir, "none"), "its user may write to"}},
	} {
		var refused *admin.Error
		if !errors.As(c.err, &refused) || refused.Code != c.code {
			t.Errorf("%s: %v, want %s", name, c.err, c.code)
		}
		for _, want := range c.want {
			if !strings.Contains(fmt.Sprint(c.err), want) {
				t.Errorf("%s: %q does not say %q", name, c.err, want)
			}
		}
	}
}

func TestABackupThatIsNotThereIsNotTakenForTheDatabase(t *testing.T) {
	w := newWorld(t, 1, "")
	path := filepath.Join(w.dir, "config.toml")
	if err := os.WriteFile(path, []byte(w.text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := appliance.Restore(context.Background(), path, filepath.Join(w.dir, "none.db"), nil, false, nil)
	if err == nil || !strings.Contains(err.Error(), "rollcall backup") || strings.Contains(err.Error(), "database itself") {
		t.Errorf("%v", err)
	}
}

// TestReadingEverySourceLeavesOutWhatIsPaused fails when one paused source keeps all
// others from being read, and when nothing is read without a word.
func TestReadingEverySourceLeavesOutWhatIsPaused(t *testing.T) {
	w := newWorld(t, 3, "[sources.second]\nkind = \"hibob\"\nbase_url = \"http://127.0.0.1:1/v1\"\nservice_user_id = \"SERVICE-1\"\nservice_user_token = \"sim-token\"\n")
	w.start()
	w.sync("hibob")
	w.activate("hibob")
	if err := w.app.Pause(w.ctx(), "test", "second"); err != nil {
		t.Fatal(err)
	}
	if err := w.app.Sync(w.ctx(), "test", nil); err != nil {
		t.Errorf("with one source paused: %v", err)
	}
	if err := w.app.Wait(w.ctx(), nil); err != nil {
		t.Errorf("waiting with one source paused: %v", err)
	}
	if err := w.app.Sync(w.ctx(), "test", []string{"second"}); !isCode(err, admin.CodeInvalid) {
		t.Errorf("the paused one by name: %v", err)
	}
	if err := w.app.Pause(w.ctx(), "test", "hibob"); err != nil {
		t.Fatal(err)
	}
	if err := w.app.Sync(w.ctx(), "test", nil); !isCode(err, admin.CodeInvalid) || !strings.Contains(err.Error(), "rollcall status") {
		t.Errorf("with all sources paused: %v", err)
	}
}
