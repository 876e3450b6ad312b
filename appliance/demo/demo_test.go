package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"rollcall/appliance/admin/client"
	"rollcall/connectors/cast"
	"rollcall/connectors/javelo/javelosim"
)

// inDirectory makes temporary directories appear below a directory of the test.
func inDirectory(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "d") // short, for the paths of sockets
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	t.Setenv("TMPDIR", dir)
	return dir
}

// expect derives the end of the story from who works where.
func expect(t *testing.T, people int, seed uint64) Summary {
	t.Helper()
	company := newCompany(people, seed, time.Now())
	javelo := javelosim.New(javelosim.Options{})
	javelo.Seed(company.accounts())
	index := func(p part) int { return company.of(p).Index }
	var want Summary
	for i, p := range company.people {
		_, inHiBob := company.inHiBob[i]
		switch {
		case i == index(twinA) || i == index(twinB) || i == index(skipped):
			continue
		case !strings.HasSuffix(p.Email, "@"+cast.Domain):
			continue
		case p.Status == "hired" || p.Status == "terminated" && i != index(returner) && i != index(departed):
			continue
		case !inHiBob && !company.inLucca[i] && !company.inOkta[i]:
			t.Fatalf("person %d works nowhere", i)
		}
		a, has := javelo.Account(p.Email)
		switch {
		case i == index(departed):
		case !has:
			want.Effects.Created++
		case a.Active:
			want.Effects.Adopted++
		default:
			want.Effects.Reactivated++
		}
		switch i {
		case index(departed), index(leaver), index(contractorA):
			want.Effects.Deactivated++
		default:
			want.Accounts++
		}
		switch i {
		case index(promoted), index(costed), index(circleA):
			want.Effects.Updated++
		}
	}
	held := 0
	for _, i := range company.reported() {
		if !company.inOkta[i] {
			held++
		}
	}
	want.Held = []Reason{{Count: held}}
	want.Writes = want.Effects.Created + want.Effects.Adopted + want.Effects.Reactivated + want.Effects.Deactivated + want.Effects.Updated
	want.MostWrites, want.WrittenTwice = 2, 1
	return want
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestTheSumOfTheStoryIsWhatTheCompanyImplies(t *testing.T) {
	for _, c := range []struct {
		people int
		seed   uint64
	}{{MinPeople, 3}, {DefaultPeople, DefaultSeed}} {
		dir := inDirectory(t)
		var out bytes.Buffer
		if err := Run(t.Context(), Options{People: c.people, Seed: c.seed, Once: true, JSON: true, Out: &out}); err != nil {
			t.Fatal(err)
		}
		var got Summary
		if err := json.Unmarshal(out.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		want := expect(t, c.people, c.seed)
		if len(got.Held) != 1 || len(got.Frozen) != 1 || got.Frozen[0].Count != 2 || len(got.Waiting) != 2 || len(got.LeftAlone) < 2 {
			t.Errorf("held %v, frozen %v, waiting %v, left alone %v", got.Held, got.Frozen, got.Waiting, got.LeftAlone)
		}
		for i := range got.Held {
			got.Held[i].Why = ""
		}
		seen := Summary{Accounts: got.Accounts, Effects: got.Effects, Held: got.Held, Writes: got.Writes, MostWrites: got.MostWrites,
			WrittenTwice: got.WrittenTwice, FurtherWrites: got.FurtherWrites}
		if d := cmp.Diff(want, seen); d != "" {
			t.Errorf("%d people, seed %d (-want +got):\n%s", c.people, c.seed, d)
		}
		if left := must(os.ReadDir(dir)); len(left) > 0 {
			t.Errorf("%d things are left behind", len(left))
		}
	}
}

var volatile = regexp.MustCompile(`127\.0\.0\.1:\d+|[0-9.]+ s\b`)

func TestTheSameSeedTellsTheSameStory(t *testing.T) {
	tell := func() string {
		var out bytes.Buffer
		if err := Run(t.Context(), Options{People: MinPeople, Seed: 4, Once: true, Out: &out}); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	first, second := tell(), tell()
	for line := range strings.Lines(first) {
		if line = strings.TrimSuffix(line, "\n"); utf8.RuneCountInString(line) > width || strings.ContainsRune(line, '\x1b') {
			t.Errorf("too wide, or coloured though no terminal is there: %q", line)
		}
	}
	if d := cmp.Diff(unported(first), unported(second)); d != "" {
		t.Errorf("the same seed told another story:\n%s", d)
	}
}

// unported takes ports and durations out of a story, and the line breaks that
// depend on their length.
func unported(s string) string {
	return strings.Join(strings.Fields(volatile.ReplaceAllString(s, "X")), " ")
}

// TestClaimsAreChecked spoils the world after the activation in one way each and
// wants the story to end there.
func TestClaimsAreChecked(t *testing.T) {
	inDirectory(t)
	o := must(Options{People: MinPeople}.checked())
	stage, err := newStage(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := stage.close(); err != nil {
			t.Error(err)
		}
	}()
	s := &story{stage: stage, narrator: newNarrator(nil), once: true}
	for _, act := range []func(context.Context) error{s.whatRunsWhere, s.preview, s.activation} {
		if err := act(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	mark := s.javelo.Total()
	for name, spoil := range map[string]struct {
		who    part
		change func(*javelosim.Account)
	}{
		"a frozen account was switched off":  {twinA, func(a *javelosim.Account) { a.Active = false }},
		"a circle was cut":                   {circleB, func(a *javelosim.Account) { a.ManagerID = "" }},
		"the erased manager is linked":       {orphan, func(a *javelosim.Account) { a.ManagerID = "x" }},
		"the skipped account was taken over": {skipped, func(a *javelosim.Account) { a.ExternalID = "p_1" }},
		"the wrong title won":                {titled, func(a *javelosim.Account) { a.Title = oktaTitle }},
		"who left is still there":            {departed, func(a *javelosim.Account) { a.Active = true }},
	} {
		email := s.company.of(spoil.who).Email
		was, _ := s.javelo.Account(email)
		if !s.javelo.Edit(email, spoil.change) {
			t.Fatalf("%s: no account to spoil", name)
		}
		if err := s.troubles(t.Context()); err == nil || !strings.Contains(err.Error(), "act 3 did not come out as told") {
			t.Errorf("%s: %v", name, err)
		}
		s.javelo.Edit(email, func(a *javelosim.Account) { *a = was })
	}
	if err := s.troubles(t.Context()); err != nil {
		t.Fatalf("nothing is spoilt any more: %v", err)
	}
	s.javelo.Edit(s.company.of(promoted).Email, func(a *javelosim.Account) { a.Active = false })
	if err := s.arrived(t.Context(), mark); err == nil {
		t.Error("a missing active account was not noticed")
	}
}

func TestTheTerminalUIFindsAHoldConflictsAndALivingWorld(t *testing.T) {
	inDirectory(t)
	var socket string
	var out bytes.Buffer
	err := Run(t.Context(), Options{People: MinPeople, Out: &out, TUI: func(ctx context.Context, path string) error {
		socket = path
		c := client.New(path)
		defer c.Close()
		st, err := c.Status(ctx)
		if err != nil {
			return err
		}
		kinds := map[string]bool{}
		for _, n := range st.Needs {
			kinds[n.Kind] = true
		}
		if !kinds["hold"] || !kinds["conflict"] {
			t.Errorf("the terminal UI opens on %v", st.Needs)
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "--socket "+socket) {
		t.Error("the story does not say how to look around")
	}
	if _, err := os.Stat(socket); err == nil {
		t.Error("the socket is left behind")
	}
}

func TestLifeGoesOnWithoutNewHoldsOrFailures(t *testing.T) {
	inDirectory(t)
	o := must(Options{People: MinPeople, Once: true}.checked())
	stage, err := newStage(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := stage.close(); err != nil {
			t.Error(err)
		}
	}()
	s := &story{stage: stage, narrator: newNarrator(nil), once: true}
	if err := s.tell(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := must(s.ledger(t.Context()))
	held := must(s.held(t.Context()))
	l := newLife(stage, 1, o.Log)
	for n := range 10 {
		if err := l.step(t.Context(), n); err != nil {
			t.Fatalf("step %d: %v", n, err)
		}
		if _, err := s.read(t.Context(), "hibob", "lucca"); err != nil {
			t.Fatal(err)
		}
	}
	after := must(s.ledger(t.Context()))
	if after.Created != before.Created+2 || after.Updated < before.Updated+4 || after.Deactivated != before.Deactivated {
		t.Errorf("before %+v, after %+v", before, after)
	}
	if d := cmp.Diff(held, must(s.held(t.Context()))); d != "" {
		t.Errorf("holds changed (-before +after):\n%s", d)
	}
	// Everything that was derived on the way equals its recomputation.
	v := must(stage.client.Verify(t.Context()))
	if v.Records < MinPeople || v.Persons < MinPeople || v.Events == 0 || len(v.Problems) > 0 {
		t.Errorf("%d records, %d people, %d events; problems:\n%s", v.Records, v.Persons, v.Events, strings.Join(v.Problems, "\n"))
	}
}

// ending ends a demo once it has printed a text.
type ending struct {
	mu   sync.Mutex
	text string
	end  context.CancelFunc
	all  strings.Builder
}

func (e *ending) Write(p []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all.Write(p)
	if strings.Contains(e.all.String(), e.text) {
		e.end()
	}
	return len(p), nil
}

func TestWithoutATerminalTheStoryGoesOnUntilItIsEnded(t *testing.T) {
	inDirectory(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out := &ending{text: "From here on something changes", end: cancel}
	if err := Run(ctx, Options{People: MinPeople, Out: out}); err != nil {
		t.Error(err)
	}
	if ctx.Err() == nil {
		t.Error("the demo ended by itself")
	}
}

func TestOptionsThatDoNotDoAreRefused(t *testing.T) {
	for name, o := range map[string]Options{
		"too small": {People: MinPeople - 1}, "negative": {People: -1}, "too large": {People: MaxPeople + 1}, "JSON without an end": {JSON: true},
	} {
		if err := Run(t.Context(), o); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func TestALargeCompanyRaisesBothLimitsAndSaysSo(t *testing.T) {
	inDirectory(t)
	for people, raised := range map[int]bool{crowd: false, crowd + 1: true} {
		stage, err := newStage(t.Context(), must(Options{People: people}.checked()))
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		s := &story{stage: stage, narrator: newNarrator(&out), once: true}
		if err := s.whatRunsWhere(t.Context()); err != nil {
			t.Error(err)
		}
		shown, err := stage.client.ShowConfig(t.Context())
		if err != nil {
			t.Error(err)
		}
		if stage.raised != raised || (stage.limit != 300) != raised || strings.Contains(unported(out.String()), "which would make you wait") != raised ||
			!strings.Contains(shown, fmt.Sprintf("%d/5m", stage.limit)) {
			t.Errorf("%d people: the limit is %d", people, stage.limit)
		}
		if err := stage.close(); err != nil {
			t.Error(err)
		}
	}
}
