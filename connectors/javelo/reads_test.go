package javelo_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/connectors"
	"rollcall/connectors/javelo/javelosim"
)

func TestFormOfFilterThatWorksIsKept(t *testing.T) {
	for _, tc := range []struct {
		form        javelosim.Filter
		first, next int // requests for a first hit, then for another
		miss        int // then for somebody who is not there
	}{
		{javelosim.FilterBoth, 1, 1, 1},
		{javelosim.FilterQuoted, 1, 1, 1},
		{javelosim.FilterUnquoted, 2, 1, 1},
		{javelosim.FilterUnquotedStrict, 2, 1, 1},
	} {
		sim := javelosim.New(javelosim.Options{Filter: tc.form})
		target := targetOf(t, sim)
		create(t, target, person("ada"))
		var got [3]int
		for i, name := range []string{"ada", "ada", "nobody"} {
			before := sim.Total()
			_, ok, err := target.Find(t.Context(), name+"@halcyon-atelier.example")
			if err != nil || ok != (name == "ada") {
				t.Fatalf("form %d: find %s: %v, %v", tc.form, name, ok, err)
			}
			got[i] = sim.Total() - before
		}
		if want := [3]int{tc.first, tc.next, tc.miss}; got != want {
			t.Errorf("form %d: %v requests, want %v", tc.form, got, want)
		}
	}
}

func TestMissBeforeAnyHitIsAskedInBothForms(t *testing.T) {
	sim := javelosim.New(javelosim.Options{Filter: javelosim.FilterUnquoted})
	target := targetOf(t, sim)
	for range 2 {
		before := sim.Total()
		if _, ok, err := target.Find(t.Context(), "nobody@halcyon-atelier.example"); ok || err != nil {
			t.Fatal(ok, err)
		}
		if n := sim.Total() - before; n != 2 {
			t.Errorf("%d requests, want 2: an empty answer proves no form", n)
		}
	}
}

func TestFilterThatIsIgnoredMakesFindReadTheWholeList(t *testing.T) {
	sim := javelosim.New(javelosim.Options{Filter: javelosim.FilterIgnored, MaxCount: 2})
	target := targetOf(t, sim)
	for _, name := range []string{"ada", "bilel", "greta", "hugo", "ines"} {
		create(t, target, person(name))
	}
	a, ok, err := target.Find(t.Context(), "ines@halcyon-atelier.example")
	if err != nil || !ok || a.Login != "ines@halcyon-atelier.example" {
		t.Errorf("somebody on the third page: %q, %v, %v", a.Login, ok, err)
	}
	if _, ok, err := target.Find(t.Context(), "nobody@halcyon-atelier.example"); ok || err != nil {
		t.Errorf("somebody who is not there: %v, %v", ok, err)
	}
	report, err := target.Check(t.Context())
	if err != nil || len(report.Notices) != 0 {
		t.Errorf("the first account is on the page anyway: %v, %v", report.Notices, err)
	}
}

func TestTwoAccountsWithOneLoginAreNotChosenFrom(t *testing.T) {
	target := targetOf(t, answers(`{"totalResults":2,"Resources":[{"id":"1","userName":"ada@x.example"},{"id":"2","userName":"ADA@x.example"}]}`))
	_, ok, err := target.Find(t.Context(), "ada@x.example")
	if ok || connectors.ClassOf(err) != connectors.Invalid || strings.Contains(err.Error(), "ada") {
		t.Errorf("got %v, %v; want an invalid error without the login", ok, err)
	}
}

func TestListingThatDoesNotAddUpIsAnError(t *testing.T) {
	user := func(ids ...string) string {
		var out []string
		for _, id := range ids {
			out = append(out, `{"id":"`+id+`","userName":"`+id+`@x.example"}`)
		}
		return strings.Join(out, ",")
	}
	for _, tc := range []struct {
		name  string
		pages []string
		want  int // accounts; -1: an error
	}{
		{"pages that add up", []string{`{"totalResults":3,"Resources":[` + user("1", "2") + `]}`, `{"totalResults":3,"Resources":[` + user("3") + `]}`}, 3},
		{"no total, until a page is empty", []string{`{"Resources":[` + user("1", "2") + `]}`, `{"Resources":[` + user("3") + `]}`, `{"Resources":[]}`}, 3},
		{"more on a page than asked for", []string{`{"totalResults":3,"Resources":[` + user("1", "2", "3") + `]}`}, 3},
		{"total as a text", []string{`{"totalResults":"1","Resources":[` + user("1") + `]}`}, 1},
		{"no Resources, total 0", []string{`{"totalResults":0}`}, 0},
		{"a page that overlaps", []string{`{"totalResults":3,"Resources":[` + user("1", "2") + `]}`, `{"totalResults":3,"Resources":[` + user("2", "3") + `]}`}, -1},
		{"the same account twice", []string{`{"totalResults":2,"Resources":[` + user("1", "1") + `]}`}, -1},
		{"an account met again, the total reached", []string{`{"totalResults":3,"Resources":[` + user("1", "2") + `]}`, `{"totalResults":3,"Resources":[` + user("3", "2") + `]}`}, 3},
		{"an account met again, no total", []string{`{"Resources":[` + user("1", "2") + `]}`, `{"Resources":[` + user("3", "2") + `]}`, `{"Resources":[]}`}, -1},
		{"an end too early", []string{`{"totalResults":3,"Resources":[` + user("1", "2") + `]}`, `{"totalResults":3,"Resources":[]}`}, -1},
		{"a total that changes", []string{`{"totalResults":3,"Resources":[` + user("1", "2") + `]}`, `{"totalResults":4,"Resources":[` + user("3", "4") + `]}`}, -1},
		{"a total that is too small", []string{`{"totalResults":1,"Resources":[` + user("1", "2") + `]}`}, -1},
		{"a total of nothing with somebody", []string{`{"totalResults":0,"Resources":[` + user("1") + `]}`}, -1},
		{"an account without an id", []string{`{"totalResults":1,"Resources":[{"userName":"x"}]}`}, -1},
		{"a negative total", []string{`{"totalResults":-1,"Resources":[]}`}, -1},
		{"the same page for ever", []string{`{"Resources":[` + user("1", "2") + `]}`}, -1},
	} {
		accounts, err := collect(t, targetOf(t, answers(tc.pages...)))
		if tc.want < 0 {
			if connectors.ClassOf(err) != connectors.Transient {
				t.Errorf("%s: %d accounts and %v, want a transient error", tc.name, len(accounts), err)
			}
			continue
		}
		if err != nil || len(accounts) != tc.want {
			t.Errorf("%s: %d accounts and %v, want %d", tc.name, len(accounts), err, tc.want)
		}
	}
}

func TestNextPageBeginsAfterTheResourcesThatCame(t *testing.T) {
	var starts []string
	pages := []string{
		`{"totalResults":4,"Resources":[{"id":"1"},{"id":"2"},{"id":"1"}]}`,
		`{"totalResults":4,"Resources":[{"id":"3"},{"id":"4"}]}`,
	}
	target := targetOf(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/scim+json")
		io.WriteString(w, pages[min(len(starts), 1)])
		starts = append(starts, r.URL.Query().Get("startIndex"))
	}))
	accounts, err := collect(t, target)
	if err != nil || len(accounts) != 4 {
		t.Errorf("%d accounts, %v", len(accounts), err)
	}
	if d := cmp.Diff([]string{"1", "4"}, starts); d != "" {
		t.Errorf("startIndex (-want +got):\n%s", d)
	}
}

func TestLoginThatNeedsQuotesIsNeverSentWithoutThem(t *testing.T) {
	for _, form := range []javelosim.Filter{javelosim.FilterBoth, javelosim.FilterUnquoted, javelosim.FilterUnquotedStrict} {
		sim := javelosim.New(javelosim.Options{Filter: form})
		target := targetOf(t, sim)
		create(t, target, person("ada"))
		for range 2 {
			if _, ok, err := target.Find(t.Context(), `x" or userName eq "ada@halcyon-atelier.example`); ok || err != nil {
				t.Errorf("form %d: %v, %v", form, ok, err)
			}
			if _, ok, err := target.Find(t.Context(), "ada@halcyon-atelier.example"); !ok || err != nil {
				t.Errorf("form %d: %v, %v", form, ok, err)
			}
		}
		for _, r := range sim.Requests() {
			if f := r.Query.Get("filter"); strings.Contains(f, " or ") && !strings.Contains(f, `\"`) {
				t.Errorf("form %d: sent %s", form, f)
			}
		}
	}
}

func TestCheckSaysWhatAnsweredAndWritesNothing(t *testing.T) {
	sim := javelosim.New(javelosim.Options{Filter: javelosim.FilterUnquoted})
	target := targetOf(t, sim)
	report, err := target.Check(t.Context())
	if err != nil || report.People != 0 || len(report.Notices) != 1 {
		t.Errorf("empty tenant: %+v, %v", report, err)
	}
	sim.Seed([]javelosim.Account{{UserName: "ada@halcyon-atelier.example"}, {UserName: "greta@halcyon-atelier.example"}, {UserName: "hugo@halcyon-atelier.example"}})
	report, err = target.Check(t.Context())
	want := connectors.Report{Reached: "Javelo at api.javelo.io", People: 3, Facts: []connectors.Fact{
		{Name: "filter", Value: "unquoted: userName eq x", How: "seen"},
		{Name: "paging", Value: "start_index and startIndex", How: "seen"},
		{Name: "service_provider_config", Value: "answered 404 Not Found; nothing depends on it", How: "seen"},
	}}
	if d := cmp.Diff(want, report); err != nil || d != "" {
		t.Errorf("report (-want +got):\n%s%v", d, err)
	}
	before := sim.Total()
	if _, ok, err := target.Find(t.Context(), "hugo@halcyon-atelier.example"); !ok || err != nil || sim.Total() != before+1 {
		t.Errorf("Check did not keep the form of filter that works: %v, %v, %d requests", ok, err, sim.Total()-before)
	}
	if sim.Writes() != 0 {
		t.Errorf("%d writes", sim.Writes())
	}
	sim.Regenerate("another")
	if _, err := target.Check(t.Context()); connectors.ClassOf(err) != connectors.Denied {
		t.Errorf("with the old token: %v", err)
	}
}
