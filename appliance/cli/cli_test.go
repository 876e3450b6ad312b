package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/appliance/admin"
	"rollcall/appliance/admin/admintest"
	"rollcall/appliance/model"
)

var update = flag.Bool("update", false, "write the golden files anew")

// result is what one command did.
type result struct {
	code     int
	out, err string
}

// ends says how a test's command line is surrounded; the zero value is a pipe.
type ends struct {
	in          string
	interactive bool
	terminal    bool
	width       int
	color       bool
	deps        Deps
}

func (e ends) call(t *testing.T, args ...string) result {
	t.Helper()
	return e.callContext(t, t.Context(), args...)
}

func (e ends) callContext(t *testing.T, ctx context.Context, args ...string) result {
	t.Helper()
	var out, errs bytes.Buffer
	s := Streams{In: strings.NewReader(e.in), Out: &out, Err: &errs, Interactive: e.interactive, Terminal: e.terminal, Width: e.width, Color: e.color}
	if e.deps.Now == nil {
		e.deps.Now = func() time.Time { return admintest.Now }
	}
	if e.deps.LookupEnv == nil {
		e.deps.LookupEnv = func(string) (string, bool) { return "", false }
	}
	if e.deps.Version.Version == "" {
		e.deps.Version = admintest.Version
	}
	code := execute(ctx, args, s, e.deps)
	return result{code, out.String(), errs.String()}
}

// golden compares text with a file under testdata, or writes it with -update.
func golden(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func TestOutputForPeople(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		code int
		ends ends
	}{
		{"help", nil, 0, ends{}},
		{"help-token", []string{"token", "--help"}, 0, ends{}},
		{"status", []string{"status"}, ExitHuman, ends{}},
		{"status-80", []string{"status"}, ExitHuman, ends{width: 80}},
		{"status-color", []string{"status"}, ExitHuman, ends{color: true, width: 120}},
		{"plan", []string{"plan"}, ExitHuman, ends{}},
		{"plan-csv", []string{"plan", "--csv"}, ExitHuman, ends{}},
		{"plan-preview", []string{"plan", "okta"}, 0, ends{}},
		{"plan-nothing", []string{"plan", "hibob"}, 0, ends{}},
		{"runs", []string{"runs"}, 0, ends{}},
		{"runs-show", []string{"runs", "show", "12"}, 0, ends{}},
		{"conflicts", []string{"conflicts"}, ExitHuman, ends{}},
		{"conflicts-show", []string{"conflicts", "show", "c_9f2c"}, 0, ends{width: 100}},
		{"people", []string{"people"}, 0, ends{width: 100}},
		{"people-nobody", []string{"people", "zoe"}, 0, ends{}},
		{"person", []string{"person", "jane doe"}, 0, ends{}},
		{"person-explain", []string{"person", "jane doe", "explain"}, 0, ends{}},
		{"person-why-not", []string{"person", "jane doe", "why-not"}, 0, ends{}},
		{"person-history", []string{"person", "p_jane", "history"}, 0, ends{}},
		{"deliveries", []string{"deliveries"}, 0, ends{}},
		{"journal", []string{"journal", "--limit", "3"}, 0, ends{}},
		{"requests", []string{"requests"}, 0, ends{}},
		{"token-list", []string{"token", "list"}, 0, ends{}},
		{"token-create", []string{"token", "create", "okta", "--ttl", "365d"}, 0, ends{}},
		{"check", []string{"check"}, ExitHuman, ends{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := c.args
			if c.name != "help" && c.name != "help-token" {
				args = append([]string{"--socket", admintest.Serve(t, admintest.Acme()).Admin}, args...)
			}
			r := c.ends.call(t, args...)
			if r.code != c.code {
				t.Errorf("exit code %d, want %d", r.code, c.code)
			}
			text := r.out
			if r.err != "" {
				text += "--- standard error ---\n" + r.err
			}
			if strings.Contains(text, "\x1b[2J") || strings.Contains(text, "\u202e") {
				t.Error("a name took over the terminal")
			}
			golden(t, c.name, text)
		})
	}
}

func TestJSONIsTheTypesOfTheAPI(t *testing.T) {
	fake := admintest.Acme()
	socket := admintest.Serve(t, fake).Admin
	decode := func(t *testing.T, into any, args ...string) {
		t.Helper()
		r := ends{}.call(t, append([]string{"--json", "--socket", socket}, args...)...)
		d := json.NewDecoder(strings.NewReader(r.out))
		d.DisallowUnknownFields()
		if err := d.Decode(into); err != nil {
			t.Fatalf("%v: %v in %s%s", args, err, r.out, r.err)
		}
	}
	var st admin.Status
	decode(t, &st, "status")
	if diff := cmp.Diff(fake.State, st); diff != "" {
		t.Errorf("status:\n%s", diff)
	}
	var p admin.Plan
	decode(t, &p, "plan")
	if diff := cmp.Diff(fake.Plans[""], p); diff != "" {
		t.Errorf("plan:\n%s", diff)
	}
	var people []admin.Person
	decode(t, &people, "people")
	if diff := cmp.Diff(fake.Roster, people); diff != "" {
		t.Errorf("people:\n%s", diff)
	}
	var detail admin.RunDetail
	decode(t, &detail, "runs", "show", "12")
	if detail.Run.Seq != 12 || len(detail.Deliveries) != 1 || detail.Tag != admin.RunTag(detail.Run, detail.Deliveries) {
		t.Errorf("run: %+v", detail)
	}
	for args, into := range map[string]any{
		"runs": &[]model.Run{}, "conflicts": &[]admin.Conflict{}, "conflicts show c_9f2c": &admin.Conflict{}, "person p_jane": &admin.Person{},
		"deliveries": &[]admin.Delivery{}, "token list": &[]admin.Token{}, "journal": &[]model.Event{}, "journal verify": &admin.Verified{},
		"requests": &[]admin.Request{}, "check": &[]admin.CheckResult{}, "version": &admin.Version{}, "token create okta": &admin.NewToken{},
		"activate okta --yes": &admin.Activated{}, "approve 12": &admin.Settled{}, "backup copy.db": &admin.BackupRequest{},
	} {
		decode(t, into, strings.Fields(args)...)
	}
}

func TestJSONCarriesNoControlCharacters(t *testing.T) {
	raw, err := encodeJSON(map[string]string{"name": "a\u009b2Jb\u202ec\x7fd\x1b<e>"}, false)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"name":"a\u009b2Jb\u202ec\u007fd\u001b<e>"}` + "\n"; raw != want {
		t.Errorf("got %q, want %q", raw, want)
	}
}

func TestExitCodes(t *testing.T) {
	fake := admintest.Acme()
	socket := admintest.Serve(t, fake).Admin
	view := admintest.Serve(t, fake).View
	nowhere := filepath.Join(admintest.Directory(t), "none.sock")
	for _, c := range []struct {
		name   string
		args   []string
		code   int
		stderr string
	}{
		{"not running", []string{"--socket", nowhere, "status"}, ExitFailed, "is the appliance running?"},
		{"unknown command", []string{"stats"}, ExitUsage, `did you mean "rollcall status"?`},
		{"unknown command like none", []string{"frobnicate"}, ExitUsage, `see "rollcall --help"`},
		{"unknown subcommand", []string{"token", "craete"}, ExitUsage, `did you mean "rollcall token create"?`},
		{"unknown word after a command", []string{"conflicts", "resolv"}, ExitUsage, `did you mean "rollcall conflicts resolve"?`},
		{"unknown flag", []string{"status", "--jsn"}, ExitUsage, "did you mean --json?"},
		{"unknown flag of a command", []string{"sync", "--wiat"}, ExitUsage, "did you mean --wait?"},
		{"bad flag value", []string{"runs", "--limit", "ten"}, ExitUsage, `see "rollcall runs --help"`},
		{"limit out of range", []string{"runs", "--limit", "0"}, ExitUsage, "from 1 to"},
		{"command without its part", []string{"token"}, ExitUsage, "create, list, revoke"},
		{"missing argument", []string{"activate"}, ExitUsage, `"rollcall activate SOURCE"`},
		{"one word too many", []string{"status", "now"}, ExitUsage, "one word too many"},
		{"run that is none", []string{"approve", "twelve"}, ExitUsage, "rollcall runs"},
		{"unknown run", []string{"--socket", socket, "approve", "99"}, ExitFailed, "rollcall runs"},
		{"nothing held", []string{"--socket", socket, "approve", "11"}, ExitFailed, "nothing of run 11 is held"},
		{"stale digest", []string{"--socket", socket, "approve", "12", "--digest", "0000"}, ExitFailed, "runs show 12"},
		{"stale revision", []string{"--socket", socket, "conflicts", "resolve", "c_9f2c", "merge", "--rev", "3"}, ExitFailed, "conflicts show c_9f2c"},
		{"unknown answer", []string{"conflicts", "resolve", "c_9f2c", "murge"}, ExitUsage, "did you mean merge?"},
		{"prefer nobody", []string{"conflicts", "resolve", "c_9f2c", "prefer"}, ExitUsage, "which record?"},
		{"merge with a record", []string{"conflicts", "resolve", "c_9f2c", "merge", "r_1"}, ExitUsage, "takes nothing more"},
		{"set nothing", []string{"conflicts", "resolve", "c_9f2c", "set"}, ExitUsage, "ATTRIBUTE=VALUE"},
		{"set unknown attribute", []string{"conflicts", "resolve", "c_9f2c", "set", "titel=CEO"}, ExitUsage, "did you mean title?"},
		{"change on the view socket", []string{"--socket", view, "pause", "okta"}, ExitFailed, "use the admin socket"},
		{"question on the view socket", []string{"--socket", view, "people"}, ExitDone, ""},
		{"activate without anyone to ask", []string{"--socket", socket, "activate", "okta"}, ExitUsage, "--yes"},
		{"two formats", []string{"plan", "--csv", "--json"}, ExitUsage, "choose one"},
		{"time that is none", []string{"journal", "--since", "yesteryear"}, ExitUsage, "2026-01-31"},
		{"life that is none", []string{"token", "create", "okta", "--ttl", "soon"}, ExitUsage, "365d"},
		{"unknown person", []string{"--socket", socket, "person", "zoe"}, ExitFailed, "rollcall people"},
		{"unknown question", []string{"person", "jane", "explane"}, ExitUsage, "did you mean explain?"},
		{"unknown state", []string{"deliveries", "--state", "stuck"}, ExitUsage, "parked"},
		{"named configuration missing", []string{"--config", nowhere, "status"}, ExitUsage, "--socket"},
		{"no daemon in the build", []string{"run"}, ExitFailed, "released binary"},
		{"no guides in the build", []string{"guide"}, ExitFailed, "no guides are built in"},
		{"demo of nobody", []string{"demo", "--people", "0"}, ExitFailed, "released binary"},
		{"tui without a terminal", []string{"tui"}, ExitFailed, "released binary"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := ends{}.call(t, c.args...)
			if r.code != c.code || !strings.Contains(r.err, c.stderr) {
				t.Errorf("%v: exit code %d, want %d; standard error %q, want %q in it", c.args, r.code, c.code, r.err, c.stderr)
			}
			if c.code != ExitDone && r.out != "" {
				t.Errorf("standard output of what failed: %q", r.out)
			}
		})
	}
	if asked := fake.Asked(); len(asked) > 0 {
		t.Errorf("done all the same: %v", asked)
	}
}

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
		"pause okta":                     "pause okta",
		"activate okta --yes":            "activate okta",
		"sync hibob":                     "sync hibob",
		"sync":                           "sync",
		"approve 12":                     "approve 12",
		"reject run:12":                  "reject 12",
		"conflicts resolve c_9f2c merge": "resolve c_9f2c merge",
		"conflicts resolve c_9f2c prefer r_1 --rev 4":         "resolve c_9f2c prefer",
		"conflicts resolve c_9f2c SET title=CEO --record r_1": "resolve c_9f2c set",
		"conflicts undo decision:d_1":                         "undo d_1",
		"deliveries retry javelo omar@acme.example":           "retry javelo p_omar",
		"deliveries drop javelo p_omar":                       "drop javelo p_omar",
		"deliveries pause javelo":                             "lane javelo paused",
		"deliveries resume javelo":                            "lane javelo open",
		"token create okta --label prod --ttl 7d":             "token okta prod 168h0m0s",
		"token revoke t_1":                                    "revoke t_1",
		"backup /var/backups/rollcall.db":                     "backup /var/backups/rollcall.db",
	} {
		fake := admintest.Acme()
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

func TestPeopleReadsPageAfterPage(t *testing.T) {
	fake := &admintest.Service{}
	for i := range 2500 {
		fake.Roster = append(fake.Roster, admin.Person{ID: "p_" + number(i), Name: "Person " + number(i)})
	}
	socket := admintest.Serve(t, fake).Admin
	var people []admin.Person
	if err := json.Unmarshal([]byte(ends{}.call(t, "--json", "--socket", socket, "people", "--all").out), &people); err != nil || len(people) != 2500 {
		t.Errorf("%d people, %v", len(people), err)
	}
	r := ends{}.call(t, "--socket", socket, "people", "--limit", "3")
	if strings.Count(r.out, "\n") != 4 || !strings.Contains(r.err, "--all") {
		t.Errorf("%+v", r)
	}
}

func TestJournalLooksBackPastOneChunk(t *testing.T) {
	fake := &admintest.Service{}
	for i := range 2345 {
		e := model.Event{Seq: uint64(i + 1), At: admintest.Now.Add(time.Duration(i-2345) * time.Minute), Subject: "person:p_1", Verb: "changed"}
		if i%1000 == 0 {
			e.Subject = "person:p_2"
		}
		fake.Events = append(fake.Events, e)
	}
	fake.Roster = []admin.Person{{ID: "p_2", Name: "Sam"}}
	socket := admintest.Serve(t, fake).Admin
	read := func(args ...string) []model.Event {
		t.Helper()
		var events []model.Event
		r := ends{}.call(t, append([]string{"--json", "--socket", socket, "journal"}, args...)...)
		if err := json.Unmarshal([]byte(r.out), &events); err != nil {
			t.Fatalf("%v: %s%s", err, r.out, r.err)
		}
		if !slices.IsSortedFunc(events, func(a, b model.Event) int { return int(a.Seq) - int(b.Seq) }) {
			t.Errorf("%v: not oldest first", args)
		}
		return events
	}
	for _, c := range []struct {
		args        []string
		first, last uint64
		n           int
	}{
		{nil, 2246, 2345, 100},
		{[]string{"--limit", "2345"}, 1, 2345, 2345},
		{[]string{"--since", "30h"}, 546, 2345, 1800},
		{[]string{"--since", "2020-01-01"}, 1, 2345, 2345},
		{[]string{"--person", "Sam"}, 1, 2001, 3},
		{[]string{"--person", "Sam", "--limit", "1"}, 2001, 2001, 1},
	} {
		got := read(c.args...)
		if len(got) != c.n || got[0].Seq != c.first || got[len(got)-1].Seq != c.last {
			t.Errorf("%v: %d events from %d to %d, want %d from %d to %d", c.args, len(got), got[0].Seq, got[len(got)-1].Seq, c.n, c.first, c.last)
		}
	}
}

// cancelling ends a context once what is written holds a word.
type cancelling struct {
	text   strings.Builder
	word   string
	cancel context.CancelFunc
}

func (c *cancelling) Write(p []byte) (int, error) {
	n, err := c.text.Write(p)
	if strings.Contains(c.text.String(), c.word) {
		c.cancel()
	}
	return n, err
}

func TestJournalFollowsUntilInterrupted(t *testing.T) {
	fake := admintest.Acme()
	socket := admintest.Serve(t, fake).Admin
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	out := &cancelling{word: "person:p_late", cancel: cancel}
	go fake.Happen(model.Event{At: admintest.Now, Actor: "rollcall", Subject: "person:p_late", Verb: "created"})
	code := execute(ctx, []string{"--socket", socket, "--json", "journal", "--limit", "1", "--follow"}, Streams{Out: out, Err: &bytes.Buffer{}},
		Deps{Now: func() time.Time { return admintest.Now }, Version: admintest.Version})
	if code != ExitDone || !strings.Contains(out.text.String(), `"subject":"person:p_late"`) {
		t.Errorf("exit code %d, %s", code, out.text.String())
	}
	if ctx.Err() != context.Canceled {
		t.Error("it ended only with the test's patience")
	}
	for l := range strings.Lines(out.text.String()) {
		if !json.Valid([]byte(l)) {
			t.Errorf("not one object per line: %q", l)
		}
	}
}

func TestEmptyApplianceSaysWhatToDoNext(t *testing.T) {
	socket := admintest.Serve(t, &admintest.Service{}).Admin
	for args, next := range map[string]string{
		"status": "rollcall config example", "people": "rollcall sync", "runs": "rollcall sync", "conflicts": "No conflicts", "deliveries": "rollcall plan",
		"token list": "rollcall token create", "requests": "rollcall token create", "check": "config example", "plan": "sources and targets agree", "journal": "rollcall journal",
	} {
		r := ends{}.call(t, append([]string{"--socket", socket}, strings.Fields(args)...)...)
		if r.code != ExitDone || !strings.Contains(r.out, next) {
			t.Errorf("%s: exit code %d, no %q in %q %q", args, r.code, next, r.out, r.err)
		}
	}
}

func TestAnotherVersionIsMentioned(t *testing.T) {
	socket := admintest.Serve(t, admintest.Acme()).Admin
	r := ends{deps: Deps{Version: admin.Version{Version: "2.0.0"}}}.call(t, "--socket", socket, "people")
	if r.code != ExitDone || !strings.Contains(r.err, "warning: this command is rollcall 2.0.0 and the running appliance is 1.2.3") {
		t.Errorf("%+v", r)
	}
}

func TestCellsThatSpreadsheetsWouldRunAreDisarmed(t *testing.T) {
	for in, want := range map[string]string{
		"=1+1": "'=1+1", "+33": "'+33", "-1": "'-1", "@SUM": "'@SUM", "\t=1": "' =1", "\r=1": "'=1", "\x00=1": "'=1", " =1": "' =1",
		"Jane": "Jane", "a=b": "a=b", "": "", "jane@acme.example": "jane@acme.example",
	} {
		if got := harmless(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

func TestTimesAreToldAsPeopleSayThem(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "just now", 9 * time.Second: "just now", 42 * time.Second: "42 s ago", 3 * time.Minute: "3 min ago", 47 * time.Hour: "47 h ago", 3 * 24 * time.Hour: "3 days ago",
		400 * 24 * time.Hour: "2025-10-18", -37 * time.Minute: "in 37 min", -5 * 24 * time.Hour: "in 5 days",
	} {
		if got := ago(admintest.Now, admintest.Now.Add(-d)); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
	if got := ago(admintest.Now, time.Time{}); got != "never" {
		t.Errorf("no time: %q", got)
	}
}

func TestTablesStayWithinTheTerminal(t *testing.T) {
	var b bytes.Buffer
	p := &printer{w: &b, width: 40}
	tab := &table{columns: []column{{title: "ID"}, {title: "NAME", flex: true}, {title: "DETAIL", flex: true}}}
	tab.add("1", "Zoë 李小龍 with a very long name indeed", "and a detail that is longer than all the rest together")
	p.table(tab)
	for l := range strings.Lines(b.String()) {
		if w := len([]rune(strings.TrimRight(l, "\n"))); w > 40 {
			t.Errorf("%d columns: %q", w, l)
		}
	}
	if !strings.Contains(b.String(), "…") {
		t.Errorf("nothing was cut: %q", b.String())
	}
}

func TestCompletionIsWrittenForShells(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		if r := (ends{}).call(t, "completion", shell); r.code != ExitDone || !strings.Contains(r.out, "rollcall") {
			t.Errorf("%s: %d %q", shell, r.code, r.err)
		}
	}
	r := ends{}.call(t, "__complete", "--socket", admintest.Serve(t, admintest.Acme()).Admin, "activate", "")
	if !strings.Contains(r.out, "okta\n") || !strings.Contains(r.out, "hibob\n") {
		t.Errorf("sources are not completed: %q", r.out)
	}
}

func TestGuides(t *testing.T) {
	e := ends{deps: Deps{Guides: fstest.MapFS{"okta.md": {Data: []byte("# Okta, step by step\n\nDo this.\n")}, "hibob.md": {Data: []byte("# HiBob\n")}}}}
	if r := e.call(t, "guide"); r.code != ExitDone || !strings.Contains(r.out, "okta   Okta, step by step") {
		t.Errorf("%+v", r)
	}
	if r := e.call(t, "guide", "okta"); r.code != ExitDone || r.out != "# Okta, step by step\n\nDo this.\n" {
		t.Errorf("%+v", r)
	}
	if r := e.call(t, "guide", "otka"); r.code != ExitUsage || !strings.Contains(r.err, "rollcall guide okta") {
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

func TestSocketComesFromTheConfiguration(t *testing.T) {
	dir := admintest.Directory(t)
	file := filepath.Join(dir, "config.toml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	socket := admintest.Serve(t, admintest.Acme()).Admin
	write("[appliance]\nadmin_socket = \"" + socket + "\"\n")
	if r := (ends{}).call(t, "--config", file, "people"); r.code != ExitDone {
		t.Errorf("--config: %+v", r)
	}
	named := ends{deps: Deps{LookupEnv: func(k string) (string, bool) { return file, k == "ROLLCALL_CONFIG" }}}
	if r := named.call(t, "people"); r.code != ExitDone {
		t.Errorf("environment: %+v", r)
	}
	write("[appliance]\nadmin_sokcet = 1\n")
	if r := named.call(t, "people"); r.code != ExitUsage || !strings.Contains(r.err, "admin_sokcet") || !strings.Contains(r.err, "--socket") {
		t.Errorf("broken configuration: %+v", r)
	}
	if r := named.call(t, "people", "--socket", socket); r.code != ExitDone {
		t.Errorf("--socket beside a broken configuration: %+v", r)
	}
}

func TestConfigCheckPrintsAllProblemsAtOnce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(file, []byte("[log]\nlevel = \"loud\"\n[sources.hibob]\nkind = \"hibbob\"\n[nofity]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := ends{}.call(t, "config", "check", file)
	if r.code != ExitUsage {
		t.Errorf("exit code %d", r.code)
	}
	for _, part := range []string{file + ":2:", file + ":4:", file + ":5:", "loud", "hibbob", "nofity", "3 problems"} {
		if !strings.Contains(r.out, part) {
			t.Errorf("no %q in:\n%s", part, r.out)
		}
	}
	var report configReport
	if err := json.Unmarshal([]byte(ends{}.call(t, "config", "check", file, "--json").out), &report); err != nil || report.OK || len(report.Problems) != 3 {
		t.Errorf("%+v, %v", report, err)
	}
}

func TestConfigCheckWarnsOfSecretsItCannotRead(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.toml")
	text := "[targets.javelo]\nkind = \"javelo\"\ntoken = { env = \"NO_SUCH_VARIABLE\" }\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r := ends{}.call(t, "config", "check", "--config", file)
	if r.code != ExitDone || !strings.Contains(r.err, "NO_SUCH_VARIABLE") || !strings.Contains(r.out, "1 target: javelo") {
		t.Errorf("%+v", r)
	}
	if r := (ends{}).call(t, "config", "show", "--config", file); r.code != ExitDone || !strings.Contains(r.out, "[targets.javelo]") {
		t.Errorf("%+v", r)
	}
	if r := (ends{deps: Deps{ConfigExample: "# all keys\n"}}).call(t, "config", "example"); r.out != "# all keys\n" {
		t.Errorf("%+v", r)
	}
	if r := (ends{}).call(t, "config", "show", "--running", "--socket", admintest.Serve(t, admintest.Acme()).View); r.code != ExitDone || !strings.Contains(r.out, "Europe/Paris") {
		t.Errorf("%+v", r)
	}
	if r := (ends{}).call(t, "config", "check", "--config", file+".none"); r.code != ExitUsage || !strings.Contains(r.err, "no configuration") {
		t.Errorf("%+v", r)
	}
	if _, err := os.Stat(file + ".none"); !errors.Is(err, fs.ErrNotExist) {
		t.Error("config check made a file")
	}
}
