package scimtest

import (
	"cmp"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

//go:embed testdata
var recorded embed.FS

// Recorded returns the recorded conversations with a client, "okta" or "entra",
// or those of all with an empty name.
func Recorded(client string) fs.FS {
	sub, err := fs.Sub(recorded, path.Join("testdata", client))
	if err != nil {
		panic(err) // only for a name that is no path
	}
	return sub
}

// conversation is one recorded file; testdata/README.md describes the fields.
type conversation struct {
	Name      string
	Requires  []string
	Variables json.RawMessage
	Steps     []exchange
}

type exchange struct {
	ID       string
	Comment  string
	Basis    string
	Method   string
	Path     string
	Query    map[string]string
	RawQuery string `json:"raw_query"`
	Headers  map[string]string
	Body     json.RawMessage
	BodyRaw  *string `json:"body_raw"`
	Expect   expectation
	Capture  map[string]string
}

type expectation struct {
	Status       int
	StatusAny    []int `json:"status_any"`
	Headers      map[string]string
	BodyContains json.RawMessage   `json:"body_contains"`
	BodyAbsent   []string          `json:"body_absent"`
	BodyTypes    map[string]string `json:"body_types"`
	BodyLen      map[string]int    `json:"body_len"`
	BodyCount    []struct {
		Path  string
		Where json.RawMessage
		Count int
	} `json:"body_count"`
}

// Replay sends every conversation in fsys, a subtest each, to a tenant of its
// own. tenant is called once per conversation and must return an empty tenant.
// A conversation stops at the first step that is not answered as recorded.
func Replay(t *testing.T, fsys fs.FS, tenant func(t *testing.T) Client) {
	replay(t, fsys, func(t *testing.T, _ conversation) Client { return tenant(t) })
}

// ReplayShared is [Replay] for a service of which there is one tenant only, with
// whatever others left in it. Conversations that count on an empty one are
// skipped.
func ReplayShared(t *testing.T, fsys fs.FS, c Client) {
	replay(t, fsys, func(t *testing.T, conv conversation) Client {
		if slices.Contains(conv.Requires, "empty_tenant") {
			t.Skip("needs an empty tenant")
		}
		return c
	})
}

func replay(t *testing.T, fsys fs.FS, tenant func(*testing.T, conversation) Client) {
	t.Helper()
	var files []string
	err := fs.WalkDir(fsys, ".", func(name string, _ fs.DirEntry, err error) error {
		if path.Ext(name) == ".json" {
			files = append(files, name)
		}
		return err
	})
	if err != nil {
		t.Fatalf("recorded conversations: %v", err)
	}
	if len(files) == 0 {
		t.Fatal("there are no recorded conversations")
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(name, ".json"), func(t *testing.T) {
			raw, err := fs.ReadFile(fsys, name)
			if err != nil {
				t.Fatal(err)
			}
			var conv conversation
			if err := json.Unmarshal(raw, &conv); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			conv.replay(t, tenant(t, conv))
		})
	}
}

func (conv conversation) replay(t *testing.T, c Client) {
	vars := newVariables(c)
	if err := vars.resolve(conv.Variables); err != nil {
		t.Fatalf("variables: %v", err)
	}
	for _, step := range conv.Steps {
		problems, got, sent := step.run(t, c, vars)
		if len(problems) == 0 {
			continue
		}
		t.Fatalf("step %s (%s) %s\n  sent %s\n  got  %d %s\n  %s", step.ID, cmp.Or(step.Basis, "observed"), step.Comment,
			sent, got.status, got.raw, strings.Join(problems, "\n  "))
	}
}

// run sends one request and returns what is wrong with the answer.
func (step exchange) run(t *testing.T, c Client, vars *variables) (problems []string, got reply, sent string) {
	must := func(text string, err error) string {
		if err != nil {
			t.Fatalf("step %s: %v", step.ID, err)
		}
		return text
	}
	target := must(vars.render(step.Path, plain))
	switch {
	case step.RawQuery != "":
		target += "?" + must(vars.render(step.RawQuery, plain))
	case len(step.Query) > 0:
		q := url.Values{}
		for name, value := range step.Query {
			q.Set(name, must(vars.render(value, plain)))
		}
		target += "?" + q.Encode()
	}
	header := map[string]string{}
	for name, value := range step.Headers {
		header[name] = must(vars.render(value, plain))
	}
	var body []byte
	switch {
	case step.BodyRaw != nil:
		body = []byte(must(vars.render(*step.BodyRaw, plain)))
	case len(step.Body) > 0 && string(step.Body) != "null":
		body = []byte(must(vars.render(string(step.Body), quoted)))
	}
	got = c.send(t, step.Method, target, header, body)
	sent = fmt.Sprintf("%s %s %s", step.Method, target, body)
	problems = step.Expect.problems(got, vars)
	if len(problems) > 0 || got.status == 204 {
		return problems, got, sent
	}
	for name, at := range step.Capture {
		v, ok, err := lookUp(got.body, at)
		if err != nil || !ok {
			problems = append(problems, fmt.Sprintf("nothing to capture as %s at %s (%v)", name, at, err))
			continue
		}
		vars.known[name] = textOf(v)
	}
	return problems, got, sent
}

// problems compares an answer with what is expected.
func (e expectation) problems(got reply, vars *variables) []string {
	var all []string
	add := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	allowed := e.StatusAny
	if e.Status != 0 {
		allowed = []int{e.Status}
	}
	if !slices.Contains(allowed, got.status) {
		add("status is %d, want %v", got.status, allowed)
		return all
	}
	if got.status == 204 {
		if len(got.raw) > 0 {
			add("204 has a body")
		}
		return all
	}
	for name, want := range e.Headers {
		value := got.header.Get(name)
		pattern, isPattern := strings.CutPrefix(want, "~")
		text, err := vars.render(pattern, plain)
		if err != nil {
			add("header %s: %v", name, err)
			continue
		}
		if isPattern {
			re, err := regexp.Compile(text)
			if err != nil || !re.MatchString(value) {
				add("header %s is %q, want a match of %s (%v)", name, value, text, err)
			}
		} else if value != text {
			add("header %s is %q, want %q", name, value, text)
		}
	}
	if len(e.BodyContains) > 0 {
		want, err := vars.value(e.BodyContains)
		if err != nil {
			add("body_contains: %v", err)
		} else if at, ok := contains(got.body, want, "$"); !ok {
			add("body lacks what is expected at %s", at)
		}
	}
	for _, at := range e.BodyAbsent {
		if v, ok, err := lookUp(got.body, at); err != nil || ok {
			add("%s is %v, want nothing (%v)", at, v, err)
		}
	}
	for at, want := range e.BodyTypes {
		if v, ok, err := lookUp(got.body, at); err != nil || !ok || typeOf(v) != want {
			add("%s is %s, want %s (%v)", at, typeOf(v), want, err)
		}
	}
	for at, want := range e.BodyLen {
		v, _, err := lookUp(got.body, at)
		if list, ok := v.([]any); err != nil || !ok || len(list) != want {
			add("%s has %d elements, want %d (%v)", at, len(list), want, err)
		}
	}
	for _, c := range e.BodyCount {
		where, err := vars.value(c.Where)
		v, _, pathErr := lookUp(got.body, c.Path)
		list, _ := v.([]any)
		n := 0
		for _, element := range list {
			if _, ok := contains(element, where, "$"); ok {
				n++
			}
		}
		if err != nil || pathErr != nil || n != c.Count {
			add("%d elements of %s match %s, want %d (%v, %v)", n, c.Path, c.Where, c.Count, err, pathErr)
		}
	}
	return all
}
