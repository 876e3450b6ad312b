package javelo_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/appliance/model"
	"rollcall/connectors"
	"rollcall/connectors/javelo"
	"rollcall/connectors/javelo/javelosim"
)

func seen(target *javelo.Target, name string) string {
	for _, f := range target.Known().Facts {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}

var three = []javelosim.Account{{UserName: "ada@halcyon-atelier.example"}, {UserName: "greta@halcyon-atelier.example"}, {UserName: "hugo@halcyon-atelier.example"}}

// What Javelo's documents leave open is found out by the first reads and writes, and
// kept in words.
func TestWhatTheDocumentsLeaveOpenIsSeen(t *testing.T) {
	for _, tc := range []struct {
		opts javelosim.Options
		want map[string]string
	}{
		{javelosim.Options{Paging: javelosim.PagingSnake, MaxCount: 1, PatchNoContent: true, Duplicate: 422},
			map[string]string{"paging": "start_index", "filter": `quoted: userName eq "x"`, "max_page": "1", "update": "PATCH, answered without the account", "duplicate": "a login that exists is answered 422 Unprocessable Entity"}},
		{javelosim.Options{Paging: javelosim.PagingCamel, Filter: javelosim.FilterUnquotedStrict},
			map[string]string{"paging": "startIndex", "filter": "unquoted: userName eq x", "max_page": "", "update": "PATCH, answered with the account", "duplicate": "a login that exists is answered 409 Conflict"}},
		{javelosim.Options{Paging: javelosim.PagingNone, MaxCount: 1}, map[string]string{"paging": "neither start_index nor startIndex is understood: nothing is concluded from a listing of more than one page"}},
	} {
		sim := javelosim.New(tc.opts)
		sim.Seed(three)
		target := targetOf(t, sim)
		if _, err := target.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
		for range target.List(t.Context()) {
			continue
		}
		a, _ := sim.Account(three[0].UserName)
		if _, err := target.Update(t.Context(), a.ID, nil, model.Desired{Active: true, Attributes: map[model.Name]string{model.Title: "Head"}}); err != nil {
			t.Fatal(err)
		}
		if _, err := target.Create(t.Context(), model.Desired{Active: true, Email: three[1].UserName}); connectors.ClassOf(err) != connectors.Taken {
			t.Fatal(err)
		}
		for name, want := range tc.want {
			if got := seen(target, name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
	}
}

// The next process need not find out the form of filter again, until it proves wrong
// or a week went by.
func TestFormOfFilterIsRecalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := javelosim.New(javelosim.Options{Filter: javelosim.FilterUnquoted})
		sim.Seed(three)
		find := func(target *javelo.Target) int {
			t.Helper()
			before := sim.Total()
			if _, ok, err := target.Find(t.Context(), three[1].UserName); err != nil || !ok {
				t.Errorf("not found: %v", err)
			}
			return sim.Total() - before
		}
		first := targetOf(t, sim)
		if n := find(first); n != 2 {
			t.Errorf("%d requests to find out the form", n)
		}
		known := first.Known()
		next := targetOf(t, sim)
		next.Recall(known)
		if n := find(next); n != 1 {
			t.Errorf("%d requests by the next process", n)
		}
		other := known
		other.Service = "https://api.staging.javelo.io/scim/v2"
		stranger := targetOf(t, sim)
		stranger.Recall(other)
		if n := find(stranger); n != 2 {
			t.Errorf("%d requests: what was seen of another service was believed", n)
		}
		// A week later it is found out anew, by a process that runs on and by a new one.
		time.Sleep(8 * 24 * time.Hour)
		late := targetOf(t, sim)
		late.Recall(known)
		if n, m := find(late), find(next); n != 2 || m != 2 {
			t.Errorf("after a week: %d and %d requests", n, m)
		}
		if n := find(next); n != 1 {
			t.Errorf("%d requests once it was found out anew", n)
		}
	})
}

// A form that is refused is not the form any more.
func TestFormOfFilterThatProvesWrongIsFoundOutAnew(t *testing.T) {
	before := javelosim.New(javelosim.Options{Filter: javelosim.FilterQuoted})
	before.Seed(three)
	target := targetOf(t, before)
	if _, ok, err := target.Find(t.Context(), three[0].UserName); !ok || err != nil {
		t.Fatal(err)
	}
	after := javelosim.New(javelosim.Options{Filter: javelosim.FilterUnquotedStrict})
	after.Seed(three)
	changed := targetOf(t, after)
	changed.Recall(target.Known())
	if _, ok, err := changed.Find(t.Context(), three[0].UserName); !ok || err != nil {
		t.Errorf("found %t, %v", ok, err)
	}
	if got := seen(changed, "filter"); !strings.HasPrefix(got, "unquoted") {
		t.Errorf("filter is %q", got)
	}
	if strings.Contains(string(changed.Known().Memory), javelosim.DefaultToken) {
		t.Error("the token is remembered")
	}
}
