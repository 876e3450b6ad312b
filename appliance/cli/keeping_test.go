package cli

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rollcall/appliance/admin"
	"rollcall/appliance/admin/admintest"
	"rollcall/appliance/model"
)

func TestJournalIsNarrowedDownByEveryFilter(t *testing.T) {
	event := func(seq uint64, ago time.Duration, actor, subject, verb string, run uint64) model.Event {
		return model.Event{Seq: seq, At: admintest.Now.Add(-ago), Actor: actor, Subject: subject, Verb: verb, Run: run}
	}
	fake := &admintest.Service{Roster: []admin.Person{{ID: "p_2", Name: "Sam"}}, Events: []model.Event{
		event(1, 50*time.Hour, "rollcall", "person:p_1", "joined", 4),
		event(2, 40*time.Hour, "source:hibob", "person:p_2", "changed", 4),
		event(3, 30*time.Hour, "token:okta/t_1", "person:p_2", "changed", 0),
		event(4, 20*time.Hour, "uid:1000(jane)", "run:4", "approved", 4),
		event(5, 10*time.Hour, "uid:0(root)", "source:okta", "paused", 0),
		event(6, time.Hour, "rollcall", "person:p_1", "deactivated", 5),
	}}
	socket := admintest.Serve(t, fake).Admin
	for _, c := range []struct {
		args string
		want string
	}{
		{"", "1 2 3 4 5 6"},
		{"--since 45h --until 15h", "2 3 4"},
		{"--until 2d", "1"},
		{"--person Sam", "2 3"},
		{"--verb joined,deactivated", "1 6"},
		{"--actor jane", "4"},
		{"--actor uid:0", "5"},
		{"--actor uid:1000(jane)", "4"},
		{"--actor token:okta", "3"},
		{"--actor rollcall --verb joined", "1"},
		{"--subject run:4", "4"},
		{"--source okta", "3 5"},
		{"--source hibob", "2"},
		{"--run 4", "1 2 4"},
		{"--run 4 --since 25h", "4"},
	} {
		for _, format := range []string{"journal", "journal export"} {
			r := ends{}.call(t, append([]string{"--json", "--socket", socket}, strings.Fields(format+" "+c.args)...)...)
			var seqs []string
			decode := json.NewDecoder(strings.NewReader(strings.Trim(strings.ReplaceAll(strings.TrimSpace(r.out), "},\n", "}\n"), "[]")))
			for decode.More() {
				var e model.Event
				if err := decode.Decode(&e); err != nil {
					t.Fatalf("%s %s: %v in %s%s", format, c.args, err, r.out, r.err)
				}
				seqs = append(seqs, string(rune('0'+e.Seq)))
			}
			if got := strings.Join(seqs, " "); got != c.want || r.code != ExitDone {
				t.Errorf("%s %s: events %s, want %s (%s)", format, c.args, got, c.want, r.err)
			}
		}
	}
	for _, wrong := range []string{"--since 1h --until 2h", "--since soon", "--follow --until 1h", "--since 1h --until 1h"} {
		if r := (ends{}).call(t, append([]string{"--socket", socket, "journal"}, strings.Fields(wrong)...)...); r.code != ExitUsage {
			t.Errorf("%s: exit code %d: %s", wrong, r.code, r.err)
		}
	}
}

func TestJournalIsExportedToAFileThatIsNotThereYet(t *testing.T) {
	socket := admintest.Serve(t, admintest.Acme()).Admin
	path := filepath.Join(t.TempDir(), "journal.jsonl")
	r := ends{}.call(t, "--socket", socket, "journal", "export", path)
	raw, err := os.ReadFile(path)
	if err != nil || r.code != ExitDone {
		t.Fatal(err, r.err)
	}
	lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
	if len(lines) != len(admintest.Acme().Events) || !strings.HasPrefix(lines[0], `{"seq":1,`) {
		t.Errorf("%d lines, the first is %s", len(lines), lines[0])
	}
	if r := (ends{}).call(t, "--socket", socket, "journal", "export", path); r.code != ExitFailed {
		t.Error("an export replaced a file")
	}
}

func TestJournalVerifyPrintsItsHeadAndComparesWithOneThatWasNoted(t *testing.T) {
	socket := admintest.Serve(t, admintest.Acme()).Admin
	r := ends{}.call(t, "--socket", socket, "journal", "verify")
	_, head, _ := strings.Cut(r.out, "Its head: ")
	if head = strings.TrimSpace(head); head == "" {
		t.Fatalf("no head in %q", r.out)
	}
	if r = (ends{}).call(t, "--socket", socket, "journal", "verify", "--head", head); r.code != ExitDone || !strings.Contains(r.out, "since it was noted") {
		t.Errorf("%d: %s%s", r.code, r.out, r.err)
	}
	if r = (ends{}).call(t, "--socket", socket, "journal", "verify", "--head", "1:"+strings.Repeat("0", 64)); r.code != ExitFailed || !strings.Contains(r.err, "altered") {
		t.Errorf("%d: %s%s", r.code, r.out, r.err)
	}
}

func TestRestoreAsksAndSaysWhatToDoNext(t *testing.T) {
	var asked RestoreOptions
	contents := admin.BackupContents{Schema: 1, Sealed: true, People: 40, Records: 41, Events: 300, Newest: "2026-11-29T02:00:00Z"}
	deps := Deps{Restore: func(_ context.Context, _ string, o RestoreOptions) (admin.Restored, error) {
		asked = o
		r := admin.Restored{File: o.File, Database: "/var/lib/rollcall/rollcall.db", Contents: contents}
		if o.CheckOnly {
			return r, nil
		}
		yes, err := o.GoOn(contents)
		if err != nil || !yes {
			return r, err
		}
		r.Done, r.Kept, r.HeldTargets, r.TokensRevoked, r.TokensLost, r.Erasures, r.NotCarried = true, "/var/lib/rollcall/rollcall.db.replaced-x", []string{"javelo"}, 1, 2, 3, "it is damaged"
		return r, nil
	}}
	r := ends{deps: deps}.call(t, "restore", "x.db", "--check")
	if r.code != ExitDone || !asked.CheckOnly || !strings.Contains(r.out, "sound: 40 people") {
		t.Errorf("--check: %d %s%s", r.code, r.out, r.err)
	}
	if r = (ends{deps: deps}).call(t, "restore", "x.db"); r.code != ExitUsage || !strings.Contains(r.err, "--yes") {
		t.Errorf("without a terminal: %d %s%s", r.code, r.out, r.err)
	}
	if r = (ends{deps: deps, interactive: true, in: "n\n"}).call(t, "restore", "x.db"); r.code != ExitDone || !strings.Contains(r.out, "Nothing was changed") {
		t.Errorf("a no: %d %s%s", r.code, r.out, r.err)
	}
	r = ends{deps: deps, interactive: true, in: "y\n"}.call(t, "restore", "x.db", "--identity", "/root/key.txt")
	for _, want := range []string{"replaced-x", "javelo is held", "deliveries resume", "1 token was revoked", "2 tokens were made", "3 records were erased"} {
		if !strings.Contains(r.out, want) {
			t.Errorf("%q is not in %s", want, r.out)
		}
	}
	if r.code != ExitDone || !strings.Contains(r.err, "could not be read") || len(asked.Identities) != 1 {
		t.Errorf("%d %s, identities %v", r.code, r.err, asked.Identities)
	}
	deps.Restore = func(context.Context, string, RestoreOptions) (admin.Restored, error) {
		return admin.Restored{}, errors.New("x.db is not what it was when it was made")
	}
	if r = (ends{deps: deps}).call(t, "restore", "x.db", "--yes"); r.code != ExitFailed || !strings.Contains(r.err, "not what it was") {
		t.Errorf("a damaged file: %d %s", r.code, r.err)
	}
}

func TestConfigReloadShowsWhatChangesAndWhatIsHeld(t *testing.T) {
	fake := admintest.Acme()
	fake.Reloading = admin.Reloaded{Changes: []admin.ConfigChange{{Key: "policy.authority", Old: `["a"]`, New: `["b"]`, Live: true}, {Key: "scim.listen", Old: "x", New: "y"}},
		Restart: []string{"scim.listen"}, Reread: []string{"hibob"}, Run: 12, Held: []string{"30 of 40 people would get another title"}}
	socket := admintest.Serve(t, fake).Admin
	r := ends{}.call(t, "--socket", socket, "config", "reload")
	for _, want := range []string{`policy.authority: ["a"] → ["b"]`, "needs a restart", "wait for a restart: scim.listen", "run 12", "held: 30 of 40", "read anew"} {
		if !strings.Contains(r.out, want) {
			t.Errorf("%q is not in %s", want, r.out)
		}
	}
	if r.code != ExitHuman {
		t.Errorf("exit code %d", r.code)
	}
	fake.Reloading = admin.Reloaded{Plan: &admin.Plan{Summary: "nothing"}}
	if r = (ends{}).call(t, "--socket", socket, "config", "reload", "--dry-run"); r.code != ExitDone || !strings.Contains(r.out, "Nothing is in force yet") {
		t.Errorf("%d %s%s", r.code, r.out, r.err)
	}
}
