package cli

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"rollcall/appliance/admin/admintest"
)

func TestTokenStandsAloneOnStandardOutput(t *testing.T) {
	r := ends{}.call(t, "--socket", admintest.Serve(t, admintest.Acme()).Admin, "token", "create", "okta")
	if r.out != "rc_example-token\n" || r.code != ExitDone {
		t.Errorf("exit code %d, standard output %q", r.code, r.out)
	}
	if strings.Contains(r.err, "rc_example-token") || !strings.Contains(r.err, "https://rollcall.acme.example/scim/v2") {
		t.Errorf("standard error: %q", r.err)
	}
}

func TestActivateShowsThePlanAndAsks(t *testing.T) {
	for _, c := range []struct {
		in   string
		done bool
	}{{"y\n", true}, {"YES\n", true}, {"n\n", false}, {"\n", false}, {"", false}, {"maybe\n", false}} {
		fake := admintest.Acme()
		r := ends{in: c.in, interactive: true}.call(t, "--socket", admintest.Serve(t, fake).Admin, "activate", "okta")
		if r.code != ExitDone || !strings.Contains(r.err, "1 account would be created") || !strings.Contains(r.err, "Activate okta? [y/N]") {
			t.Errorf("answer %q: exit code %d, %s", c.in, r.code, r.err)
		}
		if got := len(fake.Asked()) == 1; got != c.done {
			t.Errorf("answer %q: done %v", c.in, fake.Asked())
		}
	}
}

func TestChangesReachTheService(t *testing.T) {
	for args, want := range map[string]string{
		"pause okta":          "pause okta",
		"activate okta --yes": "activate okta",
		"sync hibob":          "sync hibob",
		"sync":                "sync",
		"approve 12":          "approve 12",
		"reject run:12":       "reject 12",
		"approve 12 --only person:eve@acme.example --only department:Sales": "approve 12 only eve@acme.example Sales",
		"conflicts resolve c_9f2c merge":                                    "resolve c_9f2c merge",
		"conflicts resolve c_9f2c prefer r_1 --rev 4":                       "resolve c_9f2c prefer",
		"conflicts resolve c_9f2c SET title=CEO --record r_1":               "resolve c_9f2c set",
		"conflicts resolve c_9f2c separate r_2":                             "resolve c_9f2c separate r_2",
		"conflicts resolve c_9f2c merge --all-like --yes":                   "resolve c_9f2c merge and c_77aa",
		"conflicts undo decision:d_1":                                       "undo d_1",
		"deliveries retry javelo omar@acme.example":                         "retry javelo p_omar",
		"deliveries drop javelo p_omar":                                     "drop javelo p_omar",
		"deliveries pause javelo":                                           "lane javelo paused",
		"deliveries resume javelo":                                          "lane javelo open",
		"token create okta --label prod --ttl 7d":                           "token okta prod 168h0m0s",
		"token revoke t_1":                                                  "revoke t_1",
		"backup /var/backups/rollcall.db":                                   "backup /var/backups/rollcall.db",
	} {
		fake := admintest.Acme()
		like, other := fake.Open[0], fake.Open[0]
		like.ID, other.ID, other.Shape = "c_77aa", "c_88bb", "another"
		fake.Open = append(fake.Open, like, other)
		r := ends{}.call(t, append([]string{"--socket", admintest.Serve(t, fake).Admin}, strings.Fields(args)...)...)
		if r.code != ExitDone || r.out == "" {
			t.Errorf("%s: exit code %d, %q, %q", args, r.code, r.out, r.err)
		}
		if got := fake.Asked(); !slices.Equal(got, []string{admintest.Actor + " " + want}) {
			t.Errorf("%s: asked %q", args, got)
		}
	}
}

func TestTheDigestThatRunsShowPrintsReleasesIt(t *testing.T) {
	fake := admintest.Acme()
	socket := admintest.Serve(t, fake).Admin
	shown := ends{}.call(t, "--socket", socket, "runs", "show", "12")
	m := regexp.MustCompile(`rollcall (approve 12 --digest \w+)`).FindStringSubmatch(shown.out)
	if m == nil {
		t.Fatal(shown.out)
	}
	first := ends{}.call(t, append([]string{"--socket", socket}, strings.Fields(m[1])...)...)
	second := ends{}.call(t, append([]string{"--socket", socket}, strings.Fields(m[1])...)...)
	if first.code != ExitDone || second.code != ExitFailed || !strings.Contains(second.err, "someone decided") {
		t.Errorf("first %+v, second %+v", first, second)
	}
}

func TestSyncWaitNeedsAHumanWhenSomethingIsHeld(t *testing.T) {
	fake := admintest.Acme()
	socket := admintest.Serve(t, fake).Admin
	if r := (ends{}).call(t, "--socket", socket, "sync", "hibob", "--wait"); r.code != ExitHuman || !strings.Contains(r.out, "1,204 records") {
		t.Errorf("%+v", r)
	}
	quiet := admintest.Acme()
	quiet.State.Needs = nil
	socket = admintest.Serve(t, quiet).Admin
	if r := (ends{}).call(t, "--socket", socket, "sync", "--wait"); r.code != ExitDone {
		t.Errorf("%+v", r)
	}
	broken := admintest.Acme()
	broken.State.Needs = nil
	broken.State.Sources[0].Error = "hibob: read page 1: 502 Bad Gateway"
	socket = admintest.Serve(t, broken).Admin
	if r := (ends{}).call(t, "--socket", socket, "sync", "--wait"); r.code != ExitFailed || !strings.Contains(r.err, "rollcall check") {
		t.Errorf("%+v", r)
	}
}

func TestHooksGetWhatWasAsked(t *testing.T) {
	var config, socket string
	var readOnly bool
	var demo DemoOptions
	e := ends{terminal: true, deps: Deps{
		Run:  func(_ context.Context, path string) error { config = path; return nil },
		Demo: func(_ context.Context, o DemoOptions, _ Streams) error { demo = o; return nil },
		TUI:  func(_ context.Context, s string, r bool) error { socket, readOnly = s, r; return nil },
	}}
	for _, args := range [][]string{{"run", "--config", "/x.toml"}, {"demo", "--once", "--people", "7", "--seed", "9", "--json"}, {"tui", "--read-only"}} {
		if r := e.call(t, args...); r.code != ExitDone {
			t.Errorf("%v: %+v", args, r)
		}
	}
	if config != "/x.toml" || socket != "/run/rollcall/view.sock" || !readOnly || demo != (DemoOptions{Once: true, People: 7, Seed: 9, JSON: true}) {
		t.Errorf("config %q, socket %q %v, demo %+v", config, socket, readOnly, demo)
	}
	if r := e.call(t, "demo", "--people", "0"); r.code != ExitUsage {
		t.Errorf("demo of nobody: %+v", r)
	}
	if r := e.call(t, "demo", "--json"); r.code != ExitUsage || !strings.Contains(r.err, "--once") {
		t.Errorf("demo without end as JSON: %+v", r)
	}
	e.terminal = false
	if r := e.call(t, "tui"); r.code != ExitUsage || !strings.Contains(r.err, "needs a terminal") {
		t.Errorf("tui in a pipe: %+v", r)
	}
	e.deps.Run = func(context.Context, string) error {
		return errors.New("store: the database is locked: stop the other rollcall")
	}
	if r := e.call(t, "run"); r.code != ExitFailed || !strings.Contains(r.err, "stop the other rollcall") {
		t.Errorf("%+v", r)
	}
}

func TestManyAnswersAreShownAndAskedAboutFirst(t *testing.T) {
	like := func() *admintest.Service {
		fake := admintest.Acme()
		second := fake.Open[0]
		second.ID = "c_77aa"
		fake.Open = append(fake.Open, second)
		return fake
	}
	fake := like()
	args := []string{"--socket", admintest.Serve(t, fake).Admin, "conflicts", "resolve", "c_9f2c", "merge", "--all-like"}
	if r := (ends{}).call(t, args...); r.code != ExitUsage || !strings.Contains(r.err, "2 conflicts at once") || len(fake.Asked()) > 0 {
		t.Errorf("nobody to ask: %+v, done %v", r, fake.Asked())
	}
	for in, done := range map[string]bool{"y\n": true, "n\n": false, "": false} {
		fake := like()
		args[1] = admintest.Serve(t, fake).Admin
		r := ends{in: in, interactive: true}.call(t, args...)
		if !strings.Contains(r.err, "With this answer") || !strings.Contains(r.err, "Answer 2 conflicts so?") || (len(fake.Asked()) == 1) != done {
			t.Errorf("%q: %+v, done %v", in, r, fake.Asked())
		}
	}
	fake = like()
	args[1] = admintest.Serve(t, fake).Admin
	if r := (ends{}).call(t, append(args, "--dry-run")...); r.code != ExitDone || !strings.Contains(r.out, "Nothing was done") || len(fake.Asked()) > 0 {
		t.Errorf("a dry run: %+v, done %v", r, fake.Asked())
	}
	if r := (ends{}).call(t, "--socket", args[1], "conflicts", "undo", "d_1", "--dry-run"); r.code != ExitDone || !strings.Contains(r.out, "Nothing was done") || len(fake.Asked()) > 0 {
		t.Errorf("a dry run of taking back: %+v, done %v", r, fake.Asked())
	}
}
