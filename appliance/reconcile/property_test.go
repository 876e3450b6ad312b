package reconcile

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"rollcall/appliance/model"
)

// histories is how many random histories each property test goes through.
const histories = 20_000

func TestMain(m *testing.M) {
	flag.Parse()
	asked := false
	flag.Visit(func(f *flag.Flag) { asked = asked || f.Name == "rapid.checks" })
	if !asked {
		n := histories
		if testing.Short() {
			n = 500
		}
		flag.Set("rapid.checks", fmt.Sprint(n))
	}
	os.Exit(m.Run())
}

// TestRandomHistories drives rosters through short random histories: most bugs
// need a handful of records and steps, so that many short ones find more than a
// few long ones. TestLongRandomHistories is for those that need time.
//
// The properties, each restated here independently of the planner, and a
// deliberate bug that only it, or it first, was seen to catch:
//
//	order      the order of the input never matters             decisions are taken in the order they come
//	everything planning a neighbourhood equals planning all     Gather forgets the old version of a changed record
//	quiet      a plan after applying is empty                   noteReturn notes also who is linked already
//	once       no person id is issued twice                     a spent spare id is not replaced
//	apart      who was put apart never shares a person          splitPersons does nothing
//	covered    an answer about all members closes the conflict  decidedSame is always false
//	merged     who was declared one is one, or asked about      merge decisions are ignored
//	evidence   a shared identifier joins, or is asked about     joinCarriers skips every second identifier
//	placed     who is in no conflict has a person               freeze parks without asking
//	duplicates two current records of one source are disturbed  fault forgets the sources
//	inherit    nobody joins a person without evidence           inherits is always content; former identifiers join
//	recycled   what was somebody's before makes nobody else     formerOwners is not asked
//	preferred  who is passed over gives no value                prefer does not silence
//	excluded   who is excluded gives no value and joins nobody  exclude keeps the identifiers
//	set        a value that was set is the person's             applySet is skipped
//	claims     two who claim one address are asked              claims is not called
//	held       no conflict emits a delivery                     open does not hold the persons
//	off        nobody is off while a source holds them active   weight ranks inactive first
func TestRandomHistories(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) { history(t, 10) })
}

// TestLongRandomHistories is TestRandomHistories with fewer and longer histories.
func TestLongRandomHistories(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		if rapid.IntRange(0, 24).Draw(t, "one in 25") == 0 {
			history(t, 60)
		}
	})
}

func history(t *rapid.T, longest int) {
	w := newWorld()
	w.policy.HotLimit = rapid.IntRange(2, 4).Draw(t, "hot limit")
	w.policy.AskRehires = rapid.Bool().Draw(t, "ask rehires")
	w.policy.AbsentDeactivates = rapid.Bool().Draw(t, "absent deactivates")
	clock := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for step := range rapid.IntRange(1, longest).Draw(t, "steps") {
		clock = clock.Add(time.Hour)
		before := w.links()
		switch what := rapid.IntRange(0, 11).Draw(t, "what"); {
		case what < 6:
			w.put(drawRecord(t, w))
		case what == 6:
			if r, ok := drawExisting(t, w); ok {
				r.Gone = !r.Gone
				w.put(r)
			}
		case what == 7: // a page: several records in one transaction
			var page []model.Record
			for range rapid.IntRange(2, 3).Draw(t, "page") {
				r := drawRecord(t, w)
				if !slices.ContainsFunc(page, func(o model.Record) bool { return o.ID == r.ID }) {
					page = append(page, r)
				}
			}
			w.put(page...)
		case what < 11:
			drawDecision(t, w, clock, step)
		default:
			drawUndo(t, w)
		}
		check(t, w, before)
	}
}

func drawRecord(t *rapid.T, w *world) model.Record {
	source := rapid.SampledFrom([]string{"hr", "idp", "adp"}).Draw(t, "source")
	native := rapid.SampledFrom([]string{"1", "2", "3"}).Draw(t, "native")
	id := model.RecordID("r-" + source + native)
	r, ok := w.records[id]
	if !ok {
		r = model.Record{ID: id, Source: source, Native: native, Spare: w.id("p")}
	}
	r.Attributes = model.Attributes{
		model.GivenName:  model.Text(rapid.SampledFrom([]string{"Ada", "Bob"}).Draw(t, "given")),
		model.FamilyName: model.Text("Doe"),
	}
	if e := rapid.SampledFrom([]string{"", "a", "a", "b", "c"}).Draw(t, "email"); e != "" {
		r.Attributes[model.Email] = model.Text(e + "@x.example")
	}
	if n := rapid.SampledFrom([]string{"", "", "10", "11"}).Draw(t, "number"); n != "" {
		r.Attributes[model.EmployeeNumber] = model.Text(n)
	}
	if b := rapid.SampledFrom([]string{"", "", "1990-01-01", "1991-01-01"}).Draw(t, "birth"); b != "" {
		r.Attributes[model.BirthDate] = model.Text(b)
	}
	r.Status = rapid.SampledFrom([]model.Status{model.Active, model.Active, model.Active, model.Inactive, model.Unknown, model.Leave}).Draw(t, "status")
	r.Scope = model.Scope{}
	switch rapid.IntRange(0, 11).Draw(t, "scope") {
	case 0:
		r.Scope = model.Scope{State: model.OutOfScope, Reason: "left out"}
	case 1:
		r.Scope = model.Scope{State: model.HeldScope, Reason: "not readable"}
	}
	r.Gone = false
	return r
}

func drawExisting(t *rapid.T, w *world) (model.Record, bool) {
	ids := w.ids()
	if len(ids) == 0 {
		return model.Record{}, false
	}
	return w.records[rapid.SampledFrom(ids).Draw(t, "record")], true
}

// drawDecision answers an open conflict, or, as later events make of answers, says
// something about any records at all.
func drawDecision(t *rapid.T, w *world, at time.Time, step int) {
	var chosen []model.RecordID
	if open := w.openConflicts(); len(open) > 0 && rapid.IntRange(0, 2).Draw(t, "of a conflict") > 0 {
		chosen = slices.Clone(rapid.SampledFrom(open).Draw(t, "conflict").Records)
	} else {
		ids := w.ids()
		if len(ids) == 0 {
			return
		}
		for range rapid.IntRange(1, 3).Draw(t, "members") {
			if id := rapid.SampledFrom(ids).Draw(t, "member"); !slices.Contains(chosen, id) {
				chosen = append(chosen, id)
			}
		}
	}
	if len(chosen) == 0 {
		return
	}
	slices.Sort(chosen)
	d := model.Decision{ID: fmt.Sprintf("d%03d", step), At: at, Records: chosen, Record: rapid.SampledFrom(chosen).Draw(t, "named"), Kind: model.EmailRecycled,
		Verb: rapid.SampledFrom([]model.Verb{model.Merge, model.Separate, model.Prefer, model.Exclude, model.Allow, model.Set}).Draw(t, "verb")}
	switch d.Verb {
	case model.Separate:
		if rapid.Bool().Draw(t, "one apart") {
			d.Apart = []model.RecordID{d.Record}
		}
	case model.Set:
		d.Attribute, d.Value = model.Email, model.Text(rapid.SampledFrom([]string{"a@x.example", "d@x.example", ""}).Draw(t, "value"))
	}
	w.decide(d)
}

func drawUndo(t *rapid.T, w *world) {
	var ids []string
	for id := range w.decisions {
		ids = append(ids, id)
	}
	if len(ids) > 0 {
		slices.Sort(ids)
		w.undecide(rapid.SampledFrom(ids).Draw(t, "undone"))
	}
}

// check states what must hold after every step; before holds the links before it.
func check(t *rapid.T, w *world, before map[model.RecordID]model.PersonID) {
	in := w.everything()
	plan := PlanRoster(in)
	checkEverything(t, w, plan)
	rng := rand.New(rand.NewPCG(uint64(len(w.records)), uint64(w.serial)))
	rng.Shuffle(len(in.Records), func(i, j int) { in.Records[i], in.Records[j] = in.Records[j], in.Records[i] })
	rng.Shuffle(len(in.Persons), func(i, j int) { in.Persons[i], in.Persons[j] = in.Persons[j], in.Persons[i] })
	rng.Shuffle(len(in.Decisions), func(i, j int) { in.Decisions[i], in.Decisions[j] = in.Decisions[j], in.Decisions[i] })
	if again := PlanRoster(in); !reflect.DeepEqual(plan, again) {
		t.Fatalf("order: the order of the input matters: %s", cmp.Diff(plan, again))
	}
	s := restate(w)
	s.pairs(t)
	s.alone(t, before)
	s.values(t)
	s.claims(t)
	s.answers(t)
	s.deliveries(t)
}

// checkEverything compares planning the whole world with what planning its
// neighbourhoods, one after the other, has made of it.
func checkEverything(t *rapid.T, w *world, plan Plan) {
	for _, l := range plan.Links {
		if got := w.records[l.Record].Person; got != l.Person {
			t.Fatalf("everything: planning all links %s to %q, planning the neighbourhood to %q", l.Record, l.Person, got)
		}
	}
	if len(plan.Spent) > 0 || len(plan.Notes) > 0 || len(plan.Gone) > 0 {
		t.Fatalf("quiet: a plan after applying is not empty: spent %v, notes %v, gone %v", plan.Spent, plan.Notes, plan.Gone)
	}
	conflicts := map[model.ConflictID]model.Conflict{}
	for _, c := range plan.Conflicts {
		conflicts[c.ID] = c
	}
	if !reflect.DeepEqual(conflicts, w.conflicts) {
		if diff := cmp.Diff(conflicts, w.conflicts, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("everything: planning all asks other questions: %s", diff)
		}
	}
	if len(plan.Persons) != len(w.persons) {
		t.Fatalf("everything: planning all gives %d persons, planning neighbourhoods %d", len(plan.Persons), len(w.persons))
	}
	for _, p := range plan.Persons {
		if !SamePerson(p, w.persons[p.ID]) {
			t.Fatalf("everything: planning all gives another %s: %s", p.ID, cmp.Diff(p, w.persons[p.ID]))
		}
	}
}
