package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

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
		{"undo", []string{"undo", "12", "--dry-run"}, 0, ends{}},
		{"conflicts", []string{"conflicts"}, ExitHuman, ends{}},
		{"conflicts-show", []string{"conflicts", "show", "c_9f2c"}, 0, ends{width: 100}},
		{"people", []string{"people"}, 0, ends{width: 100}},
		{"people-nobody", []string{"people", "zoe"}, 0, ends{}},
		{"person", []string{"person", "jane doe"}, 0, ends{}},
		{"person-explain", []string{"person", "jane doe", "explain"}, 0, ends{}},
		{"person-why-not", []string{"person", "jane doe", "why-not"}, 0, ends{}},
		{"person-history", []string{"person", "p_jane", "history"}, 0, ends{}},
		{"deliveries", []string{"deliveries"}, 0, ends{}},
		{"deliveries-explain", []string{"deliveries", "explain", "p_omar"}, 0, ends{}},
		{"journal", []string{"journal", "--limit", "3"}, 0, ends{}},
		{"requests", []string{"requests"}, 0, ends{}},
		{"token-list", []string{"token", "list"}, 0, ends{}},
		{"token-create", []string{"token", "create", "okta", "--ttl", "365d"}, 0, ends{}},
		{"check", []string{"check"}, ExitHuman, ends{}},
		{"check-csv", []string{"check", "--csv"}, ExitHuman, ends{}},
		{"check-report", []string{"check", "javelo", "--report", "--all"}, ExitHuman, ends{width: 120}},
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
	if detail.Run.Seq != 12 || len(detail.Deliveries) != 1 || detail.Tag != admintest.RunTag(detail.Run, detail.Deliveries) {
		t.Errorf("run: %+v", detail)
	}
	for args, into := range map[string]any{
		"runs": &[]model.Run{}, "conflicts": &[]admin.Conflict{}, "conflicts show c_9f2c": &admin.Conflict{}, "person p_jane": &admin.Person{},
		"deliveries": &[]admin.Delivery{}, "token list": &[]admin.Token{}, "journal": &[]model.Event{}, "journal verify": &admin.Verified{},
		"requests": &[]admin.Request{}, "check": &admin.CheckReport{}, "version": &admin.Version{}, "token create okta": &admin.NewToken{},
		"activate okta --yes": &admin.Activated{}, "approve 12": &admin.Settled{}, "backup copy.db": &admin.BackupRequest{},
	} {
		decode(t, into, strings.Fields(args)...)
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

func TestEmptyApplianceSaysWhatToDoNext(t *testing.T) {
	socket := admintest.Serve(t, &admintest.Service{}).Admin
	for args, next := range map[string]string{
		"status": "rollcall config example", "people": "rollcall sync", "runs": "rollcall sync", "conflicts": "No conflicts", "deliveries": "No source is configured yet",
		"token list": "rollcall token create", "requests": "rollcall token create", "check": "config example", "plan": "No source is configured yet", "journal": "The journal is empty",
		"check --report": "No source is configured yet", "journal verify": "The journal is empty",
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

func TestEveryHelpIsASentenceAndEveryValueHasAName(t *testing.T) {
	a := &app{out: &printer{w: io.Discard}, note: &printer{w: io.Discard}}
	root := a.root()
	for commands := root.Commands(); len(commands) > 0; commands = commands[1:] {
		c := commands[0]
		commands = append(commands, c.Commands()...)
		first, _ := utf8.DecodeRuneInString(c.Long)
		if c.Name() != "help" && (!unicode.IsUpper(first) || strings.HasPrefix(c.Long, "Generate the autocompletion script for rollcall")) {
			t.Errorf("%s: the help begins with %.40q", c.CommandPath(), c.Long)
		}
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if name, _ := pflag.UnquoteUsage(f); name == "string" || name == "int" || name == "uint" {
				t.Errorf("%s --%s takes a %s: say what it is", c.CommandPath(), f.Name, name)
			}
		})
	}
}

func TestAnAccountOfNobodyDriftedAtNoTime(t *testing.T) {
	fake := admintest.Acme()
	fake.Drifted = []admin.Drift{{Target: "javelo", Login: "old@acme.example", Kind: "nobody", Active: true, Done: "nothing: no source covers it"}}
	r := ends{}.call(t, "--socket", admintest.Serve(t, fake).Admin, "deliveries", "drift")
	if r.code != ExitDone || !strings.Contains(r.out, "old@acme.example") || strings.Contains(r.out, "never") {
		t.Errorf("%+v", r)
	}
}
