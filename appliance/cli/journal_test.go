package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/appliance/admin"
	"rollcall/appliance/admin/admintest"
	"rollcall/appliance/model"
)

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

func TestJournalNamesPeopleAsTheRosterKnowsThemNow(t *testing.T) {
	fake := &admintest.Service{Roster: []admin.Person{{ID: "p_2", Name: "Sam"}}, Events: []model.Event{
		{Seq: 1, At: admintest.Now, Subject: "person:p_2", Verb: "changed"}, {Seq: 2, At: admintest.Now, Subject: "person:p_3", Verb: "changed"},
		{Seq: 3, At: admintest.Now, Subject: "source:hr", Verb: "activated"}}}
	socket := admintest.Serve(t, fake).Admin
	r := ends{}.call(t, "--socket", socket, "journal")
	for _, want := range []string{"changed Sam (person:p_2)\n", "changed person:p_3\n", "activated source:hr\n"} {
		if !strings.Contains(r.out, want) {
			t.Errorf("%q is not in %q%s", want, r.out, r.err)
		}
	}
	if r := (ends{}).call(t, "--json", "--socket", socket, "journal"); strings.Contains(r.out, "Sam") {
		t.Errorf("what is kept by others holds a name: %s", r.out)
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
