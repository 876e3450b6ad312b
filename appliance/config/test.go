package config

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"

	"rollcall/appliance/model"
)

// Test is one [[test]] table: a record of a source as the service sends it, and
// what is expected of it. The tests are run by "config check"; the appliance
// ignores them.
type Test struct {
	Name   string
	Source string
	Record json.RawMessage
	Today  model.Date // whose first and last days count; empty: today
	// Expect maps what is expected: attributes, where an empty text is null and
	// "(absent)" is absent; "status", "scope" ("in", "out", "held"), and "account"
	// ("yes", "no"): whether an account would be made.
	Expect map[string]string
}

// Words that a test expects things by, besides attributes.
const (
	ExpectStatus  = "status"
	ExpectScope   = "scope"
	ExpectAccount = "account"
	// ExpectAbsent stands for an attribute that the record does not have.
	ExpectAbsent = "(absent)"
)

var expectWords = map[string][]string{
	ExpectStatus:  {"pending", "active", "leave", "inactive", "unknown"},
	ExpectScope:   {"in", "out", "held"},
	ExpectAccount: {"yes", "no"},
}

// tests decodes the [[test]] tables.
func (d *decoder) tests(raw any) {
	key := toml.Key{"test"}
	tables, ok := raw.([]map[string]any)
	if !ok {
		d.add(key, Problem{Message: "wrong type", Found: describe(raw), Allowed: "tables, each [[test]]"})
		return
	}
	for i, table := range tables {
		d.config.Tests = append(d.config.Tests, d.test(key, i+1, table))
	}
}

func (d *decoder) test(key toml.Key, number int, table map[string]any) Test {
	t := Test{Name: "number " + strconv.Itoa(number), Expect: map[string]string{}}
	if name, ok := table["name"].(string); ok && name != "" {
		t.Name = name
	}
	wrong := func(format string, args ...any) {
		d.add(key, Problem{Message: fmt.Sprintf("test %q: ", t.Name) + fmt.Sprintf(format, args...)})
	}
	for _, name := range sortedKeys(table) {
		text, isText := table[name].(string)
		switch {
		case name == "expect":
			expect, ok := table[name].(map[string]any)
			if !ok {
				wrong("expect is no table")
			}
			expectations("", expect, t.Expect)
		case !isText:
			wrong("%s is no text", name)
		case name == "name":
		case name == "source":
			t.Source = text
		case name == "record":
			t.Record = json.RawMessage(text)
		case name == "today":
			if t.Today = model.Date(text); !t.Today.Valid() {
				wrong("today is no date, as in 2026-11-22")
			}
		default:
			wrong("unknown key %q: it has name, source, record, today, expect", name)
		}
	}
	var object map[string]json.RawMessage
	switch {
	case t.Source == "":
		wrong("it names no source")
	case d.config.Sources[t.Source] == nil && !d.written("sources", t.Source):
		wrong("there is no source %q", t.Source)
	}
	if json.Unmarshal(t.Record, &object) != nil {
		wrong("record is not a JSON object")
	}
	if len(t.Expect) == 0 {
		wrong("it expects nothing")
	}
	for _, name := range sortedKeys(t.Expect) {
		words, isWord := expectWords[name]
		switch {
		case isWord && !slices.Contains(words, t.Expect[name]):
			wrong("expect.%s is %q: one of %s is possible", name, t.Expect[name], strings.Join(words, ", "))
		case !isWord && !model.Name(name).Valid():
			wrong("expect.%s is no attribute, nor one of status, scope, account", name)
		}
	}
	return t
}

// expectations writes what is expected as texts: custom.team may be a table of its own,
// and true and false may be written for yes and no.
func expectations(prefix string, table map[string]any, into map[string]string) {
	for name, v := range table {
		switch v := v.(type) {
		case map[string]any:
			expectations(prefix+name+".", v, into)
		case bool:
			into[prefix+name] = map[bool]string{true: "yes", false: "no"}[v]
		case string:
			into[prefix+name] = v
		default:
			into[prefix+name] = fmt.Sprint(v)
		}
	}
}

// TestReport is what running the [[test]] tables found.
type TestReport struct {
	Results []TestResult `json:"results"`
	// Idle are the configured expressions that no test exercises, as
	// "[sources.hibob.map] custom.team".
	Idle []string `json:"idle"`
}

// TestResult is how one test ended; no failures: as expected.
type TestResult struct {
	Name     string   `json:"name"`
	Source   string   `json:"source"`
	Failures []string `json:"failures,omitempty"`
}

// Failed counts the tests that did not end as expected.
func (r TestReport) Failed() int {
	n := 0
	for _, t := range r.Results {
		if len(t.Failures) > 0 {
			n++
		}
	}
	return n
}
