package tui

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/appliance/admin"
	"rollcall/appliance/model"
)

func TestFirstStepsLeadToTheFirstActivation(t *testing.T) {
	st := admin.Status{}
	next := func() string {
		for _, s := range firstSteps(st, nil) {
			if !s.done {
				return s.command
			}
		}
		return ""
	}
	source := admin.Source{Name: "okta", Kind: "okta", State: "preview"}
	for _, tt := range []struct {
		after string
		do    func()
		want  string
	}{
		{"nothing is configured", func() {}, "rollcall config check"},
		{"a target is missing", func() { st.Sources = []admin.Source{source} }, "rollcall config check"},
		{"credentials are refused", func() {
			st.Targets = []admin.Target{{Name: "javelo"}}
			st.Sources[0].Error = "401"
		}, "rollcall check okta"},
		{"a sender has no token", func() { st.Sources[0].Error = "" }, "rollcall token create okta"},
		{"nothing was heard", func() { st.Sources[0].Tokens = 1 }, "rollcall status"},
		{"all was heard", func() { st.Sources[0].LastHeard = noon }, "rollcall plan okta"},
	} {
		tt.do()
		if got := next(); got != tt.want {
			t.Errorf("%s: next is %q, want %q", tt.after, got, tt.want)
		}
	}
	st.Sources[0].State = "active"
	if steps := firstSteps(st, nil); steps != nil {
		t.Errorf("after the first activation: %v", steps)
	}
}

func TestOverviewSaysWhatIsBeingCarriedOut(t *testing.T) {
	f := acme()
	f.status.UnderWay = []admin.UnderWay{{Run: 812, What: "approved by ops", Done: 31000, Of: 400000}}
	sitDown(t, f, 80, 40, Options{}).sees("nothing is sent until it is done", "Run 812: approved by ops, 31,000 of 400,000 deliveries so far.")
}

func TestPeopleAreSearchedWithEveryLetter(t *testing.T) {
	f := acme()
	s := sitDown(t, f, 80, 24, Options{})
	s.press("3", "/").typeText("cle")
	if diff := cmp.Diff([]string{"", "c", "cl", "cle"}, f.asked); diff != "" {
		t.Errorf("queries (-want +got):\n%s", diff)
	}
	s.sees("Cleo Sample").missing("Basil")
	s.press("esc").sees("Basil Sample")
}

func TestHundredThousandPeopleAreReadInChunks(t *testing.T) {
	f := acme()
	f.count, f.status.People.Total = 100_000, 100_000
	s := sitDown(t, f, 80, 24, Options{})
	s.press("3").sees("1 of 100,000")
	if len(f.asked) != 1 {
		t.Errorf("opening the page asked %d times, want once", len(f.asked))
	}
	for range 40 {
		s.press("pgdown")
	}
	s.sees("person680@acme.example")
	if len(f.asked) > 6 {
		t.Errorf("forty screens took %d questions", len(f.asked))
	}
	s.press("G").sees("100,000 of 100,000", "person99999@acme.example")
	p := s.m.(*root).pages[onPeople].(*people)
	if held := p.list.Held(); held > 6*peopleChunk {
		t.Errorf("%d people are held in memory", held)
	}
	s.press("g").sees("1 of 100,000", "person0@acme.example")
	if slices.Max(f.limits) > peopleChunk {
		t.Errorf("asked for %d people at once", slices.Max(f.limits))
	}
}

func TestAnyKeyStopsTheWayToTheEnd(t *testing.T) {
	f := acme()
	f.count = 100_000
	s := sitDown(t, f, 80, 24, Options{})
	s.press("3")
	p := s.m.(*root).pages[onPeople].(*people)
	_, onItsWay := s.m.Update(key("G"))
	s.press("k")
	s.settle(run(onItsWay)...)
	if n, _ := p.list.Len(); n > 4*peopleChunk {
		t.Errorf("%d people were read after the operator moved on", n)
	}
}

func TestScrollingDoesNotAskAgainForWhatIsOnItsWay(t *testing.T) {
	f := acme()
	s := sitDown(t, f, 80, 24, Options{})
	s.press("3")
	for range 9 {
		s.press("pgdown")
	}
	s.m.(*root).pages[onPeople].(*people).list.Reset() // as if none were held
	_, first := s.m.Update(key("j"))
	_, second := s.m.Update(key("k"))
	if first == nil || second != nil {
		t.Errorf("the first key asks: %v, the second asks again: %v", first != nil, second != nil)
	}
}

func TestPersonExplainsEachValueAndWhatLost(t *testing.T) {
	s := sitDown(t, acme(), 120, 30, Options{})
	s.press("3", "enter").sees("firstName", "not taken: Addie, says okta; hibob comes first in authority", "(known to be empty)")
	s.press("right").sees("hibob 2044", "birth date")
	s.press("right").sees("j-17", "was there before", "the lane is paused by an operator")
	s.press("right").sees("reactivated by rollcall", "Head of Charts")
	s.press("left", "left", "left").sees("firstName")
}

func TestLargeHoldIsApprovedByTypingItsNumber(t *testing.T) {
	f := acme()
	s := sitDown(t, f, 80, 24, Options{})
	s.press("enter") // the first need: the hold
	s.sees("Held: run 812 hibob", "deactivate in javelo", "12 people of 1,100 would lose access")
	s.press("a").typeText("y").press("enter")
	if slices.Contains(f.calls, "approve 812") {
		t.Fatal("a large hold was approved without its number")
	}
	s.sees("That is not 12.")
	s.press("ctrl+u").typeText("12").press("enter")
	if !slices.Contains(f.calls, "approve 812") {
		t.Fatalf("calls: %q", f.calls)
	}
	s.sees("12 changes released.")
}

func TestSmallHoldIsRejectedWithOneQuestion(t *testing.T) {
	f := acme()
	f.held = f.held[:2]
	s := sitDown(t, f, 80, 24, Options{})
	s.press("4", "enter", "x").sees("Reject 2 changes of run 812").press("y")
	if !slices.Contains(f.calls, "reject 812") {
		t.Fatalf("calls: %q", f.calls)
	}
}

func TestRefusedChangeIsSaidAndLookedAtAgain(t *testing.T) {
	f := acme()
	f.held = f.held[:2]
	s := sitDown(t, f, 80, 24, Options{})
	s.press("4", "enter", "a")
	f.held[0].Effect = "update" // the plan changes while the operator thinks
	s.press("y").sees("run 812 is not as it was shown", "Held: run 812", "update in javelo")
	if slices.Contains(f.calls, "approve 812") {
		t.Fatalf("calls: %q", f.calls)
	}
	s.press("a", "y").sees("2 changes released.")
}

func TestPlanIsGroupedByCauseAndOpens(t *testing.T) {
	f := acme()
	f.plan = manyChanges(100_000)
	s := sitDown(t, f, 100, 30, Options{})
	s.press("4", "down", "enter").sees("create in javelo", "25,000", "update in javelo", "75,000", "title changed in hibob")
	s.press("down", "enter").sees("Ada Sample", "Analyst -> Senior Analyst", "(from hibob)")
	s.press("down", "enter").sees("person0@acme.example", "[Values]")
	s.press("esc").sees("title changed in hibob")
}

func TestPlanOfASourceInPreviewCanBeActivated(t *testing.T) {
	f := acme()
	s := sitDown(t, f, 80, 24, Options{})
	s.press("4", "down", "down", "enter").sees("As if lucca were active")
	s.press("a").sees("From then on what lucca says is relayed").press("y")
	if got := f.calls[len(f.calls)-1]; got != "activate lucca" {
		t.Errorf("the last call is %q", got)
	}
}

func TestDeliveriesAreRetriedDroppedAndNarrowed(t *testing.T) {
	f := acme()
	s := sitDown(t, f, 80, 24, Options{})
	s.press("5", "r").sees("Sent again as soon as the lane allows.")
	s.press("d").sees("stays in javelo as they are there").press("y")
	if diff := cmp.Diff([]string{"retry javelo p_000020", "drop javelo p_000020"}, f.calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	s.press("s", "s", "s").sees("1 parked delivery", "title is too long").missing("hibob says inactive")
	s.press("s").sees("Nothing like this is queued")
	s.press("esc").sees("13 deliveries")
}

func TestRunsAreReadInChunks(t *testing.T) {
	f := acme()
	f.runs = nil
	for i := range 5000 {
		f.runs = append(f.runs, model.Run{Seq: uint64(5000 - i), Source: "hibob", Verdict: model.VerdictComplete, Started: noon})
	}
	s := sitDown(t, f, 80, 24, Options{})
	s.press("6").sees("5000")
	for range 20 {
		s.press("pgdown")
	}
	s.sees(">   4660")
	if held := s.m.(*root).pages[onRuns].(*runs).list.Held(); held > 6*runsChunk {
		t.Errorf("%d runs are held", held)
	}
}

func TestJournalFollowsUntilTheOperatorScrolls(t *testing.T) {
	f := acme()
	s := sitDown(t, f, 80, 24, Options{})
	s.press("7").sees("30 events", "following", "11:59:59")
	grow := func(n int) {
		for _, ev := range manyEvents(n) {
			ev.Seq += uint64(len(f.events))
			f.events = append(f.events, ev)
		}
	}
	grow(1)
	f.events[30].Reason = "the newest"
	s.pass(1).sees("31 events", "the newest")
	s.press("k")
	for range 5 {
		f.events = append(f.events, model.Event{Seq: uint64(len(f.events) + 1), At: noon, Verb: "later", Reason: "unseen"})
	}
	s.pass(1).sees("36 events", "holding still").missing("unseen")
	s.press("G").sees("following", "unseen")
	s.press("/").typeText("newest").sees("1 event", "the newest").missing("unseen")
}

func TestJournalKeepsMemoryFlat(t *testing.T) {
	f := acme()
	f.events = manyEvents(100_000)
	s := sitDown(t, f, 80, 24, Options{})
	j := s.m.(*root).pages[onJournal].(*journal)
	j.last = 0
	s.press("7")
	if len(j.events) > journalKept*5/4 || len(j.shown) != len(j.events) {
		t.Errorf("%d events are held, %d shown", len(j.events), len(j.shown))
	}
	if j.last != 100_000 {
		t.Errorf("read up to %d", j.last)
	}
	s.sees("11:59:59")
}

func TestJournalRestsWhileAnotherPageIsShown(t *testing.T) {
	f := acme()
	s := sitDown(t, f, 80, 24, Options{})
	s.press("7")
	j := s.m.(*root).pages[onJournal].(*journal)
	poll := j.ask() // waits for news while the operator goes elsewhere
	s.press("1").pass(10)
	f.events = manyEvents(5000)
	s.settle(run(poll)...)
	s.pass(10)
	if j.last != 30+journalAsked {
		t.Errorf("the journal was read to %d behind another page", j.last)
	}
	s.press("7").sees("5,000 events")
}

func TestTokenIsShownOnceAndCopiedOnRequest(t *testing.T) {
	f := acme()
	copied := ""
	s := sitDown(t, f, 80, 24, Options{Copy: func(text string) error { copied = text; return nil }})
	s.press("8", "down", "t").typeText("staging").press("enter")
	s.sees("rc_exampletokenshownonlyonce0123456789", "https://rollcall.acme.example/scim/v2", "It is shown only now")
	if copied != "" {
		t.Error("the token was copied unasked")
	}
	s.press("c")
	if copied != "rc_exampletokenshownonlyonce0123456789" {
		t.Errorf("copied %q", copied)
	}
	s.press("enter").missing("rc_example")
	if got := fmt.Sprintf("%+v", s.m.(*root).pages[onSystems].(*systems).created); strings.Contains(got, "rc_example") {
		t.Error("the token is kept after its dialog")
	}
	if !slices.Contains(f.calls, `token okta "staging"`) {
		t.Errorf("calls: %q", f.calls)
	}
}

func TestSourcesAndTargetsTakeTheirOwnKeys(t *testing.T) {
	for _, tt := range []struct {
		name string
		keys []string
		want string
	}{
		{"read now", []string{"r"}, "sync hibob"},
		{"pause a source", []string{"p", "y"}, "pause hibob"},
		{"a sender is not read", []string{"down", "r"}, ""},
		{"revoke a token", []string{"down", "x", "enter"}, "revoke t_1"},
		{"activate a preview", []string{"down", "down", "a", "y"}, "activate lucca"},
		{"activate a preview in waves", []string{"down", "down", "a", "w"}, "activate lucca in waves"},
		{"an active source is not activated", []string{"a", "y"}, ""},
		{"pause a lane", []string{"down", "down", "down", "p", "y"}, "lane javelo paused"},
		{"check", []string{"c"}, "check hibob"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := acme()
			s := sitDown(t, f, 80, 24, Options{})
			s.press("8").press(tt.keys...)
			if got := strings.Join(f.calls, "; "); got != tt.want {
				t.Errorf("calls %q, want %q", got, tt.want)
			}
		})
	}
	f := acme()
	f.status.Targets[0].Lane = "paused"
	sitDown(t, f, 80, 24, Options{}).press("8", "down", "down", "down").sees("p resume").press("p")
	if got := strings.Join(f.calls, "; "); got != "lane javelo open" {
		t.Errorf("calls %q", got)
	}
}

func TestCursorFollowsItsRunAndItsPersonWhenTheListGrows(t *testing.T) {
	f := acme()
	s := sitDown(t, f, 80, 24, Options{})
	s.press("6", "down").sees(">    811")
	f.runs = append([]model.Run{{Seq: 814, Source: "okta"}, {Seq: 813, Source: "okta"}}, f.runs...)
	s.pass(6).sees("    814", ">    811")
	f.names = []string{"Ada Sample", "Basil Sample"}
	s.press("3", "down", "down").sees("> Cleo Sample")
	f.names = []string{"Aaron Newcomer", "Ada Sample", "Basil Sample"}
	f.shift = 1
	s.pass(6).sees("Aaron Newcomer", "> Cleo Sample")
}

func TestHoldIsGroupedByCauseAndByDepartment(t *testing.T) {
	s := sitDown(t, acme(), 100, 30, Options{})
	s.press("4", "enter").sees("hibob says terminated", "no source lists them any more").missing("held by the guard")
	s.press("v").sees("Sales", "Legal", "People", "by cause")
	s.press("v").sees("hibob says terminated", "by department")
}

func TestPartOfAHoldIsApproved(t *testing.T) {
	for _, tt := range []struct {
		name string
		keys []string
		sees []string
		want string
	}{
		{"one person", []string{"enter", "down", " ", "a", "y"}, []string{"Approve 1 of 12 changes of run 812", "the rest goes on waiting", "--only person:p_000000"}, "approve 812 only p_000000  "},
		{"a group", []string{"down", " ", "a", "y"}, []string{"Approve 3 of 12 changes", "deactivate 3 people in javelo: no source lists them"}, "approve 812 only p_000033,p_000077,p_000121  "},
		{"marked and unmarked again is the whole", []string{" ", "up", " ", "a", "1", "2", "enter"}, []string{"Approve 12 changes of run 812"}, "approve 812"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := acme()
			s := sitDown(t, f, 110, 34, Options{})
			s.press("4", "enter")
			for i, k := range tt.keys {
				s.press(k)
				if k == "a" {
					s.sees(tt.sees...)
					if i == len(tt.keys)-1 {
						t.Fatal("the test confirms nothing")
					}
				}
			}
			if got := strings.Join(f.calls, "; "); got != tt.want {
				t.Errorf("calls %q, want %q", got, tt.want)
			}
		})
	}
}

func TestManyMarkedAreNamedByCauseOrDepartmentOnlyWhenThatIsExact(t *testing.T) {
	item := func(i int, department string, causes ...string) planItem {
		return planItem{target: "javelo", effect: "deactivate", why: causes[0], department: department, causes: causes, person: admin.PersonRef{ID: fmt.Sprintf("p%05d", i)}}
	}
	var items []planItem
	for i := range 3000 {
		items = append(items, item(i, []string{"Sales", "Legal"}[i%2], []string{"c1", "c2", "c2"}[i%3]))
	}
	mark := func(choose func(planItem) bool) *planGroups {
		g := &planGroups{marked: map[string]bool{}}
		g.set(items)
		for _, it := range items {
			if choose(it) {
				g.marked[it.person.ID] = true
			}
		}
		return g
	}
	for _, tt := range []struct {
		name   string
		choose func(planItem) bool
		want   admin.Only
		ok     bool
	}{
		{"a cause", func(it planItem) bool { return it.causes[0] == "c2" }, admin.Only{Causes: []string{"c2"}}, true},
		{"a department", func(it planItem) bool { return it.department == "Legal" }, admin.Only{Departments: []string{"Legal"}}, true},
		{"neither", func(it planItem) bool { return it.person.ID > "p01200" }, admin.Only{}, false},
	} {
		got, ok := mark(tt.choose).only()
		if diff := cmp.Diff(tt.want, got); diff != "" || ok != tt.ok {
			t.Errorf("%s: %v (-want +got):\n%s", tt.name, ok, diff)
		}
	}
}

func TestRunIsUndoneAsShownOrNotAtAll(t *testing.T) {
	f := acme()
	s := sitDown(t, f, 100, 40, Options{})
	s.press("6", "enter", "u").sees("Undo run 812", "2 deliveries not sent yet will not be", "1 account that was created stays", "left as it is: Hugo Muster in javelo, changed since", "What changes then: 1 account", "Same as: rollcall undo 812")
	s.press("y").sees("Run 812 is undone by run 817.")
	if got := strings.Join(f.calls, "; "); got != "undo run 812 if u1" {
		t.Errorf("calls %q", got)
	}
}

func TestReadinessSaysWhatToPutRightAndLeadsToWhom(t *testing.T) {
	s := sitDown(t, acme(), 100, 30, Options{})
	s.press("4", "G", "enter").sees("As if lucca were active", "elevo was never listed", "accounts that no source covers", "have their account already", "Same as: rollcall check --report")
	s.press("enter", "down").sees("person0@acme.example", "tell HR, or add the source that knows them")
	s.press("enter").sees("nobody to look at")
	s.press("up", "enter", "down", "enter", "down", "enter").sees("[Values]").press("esc").sees("Readiness")
}

func TestListsAreAskedForAgainWhenTheJournalMoves(t *testing.T) {
	f := acme()
	f.status.Journal = 500
	s := sitDown(t, f, 80, 24, Options{})
	s.press("3").pass(3)
	f.asked = nil
	if s.pass(20); len(f.asked) > 0 {
		t.Errorf("people were asked for %d times although nothing changed", len(f.asked))
	}
	f.status.Journal = 501
	if s.pass(5); len(f.asked) != 1 {
		t.Errorf("people were asked for %d times after one change", len(f.asked))
	}
	if s.pass(40); len(f.asked) != 2 {
		t.Errorf("people were asked for %d times, want once more after half a minute", len(f.asked))
	}
}

func TestEveryNeedLeadsToWhereItIsDealtWith(t *testing.T) {
	for _, tt := range []struct {
		need admin.Need
		sees []string
	}{
		{admin.Need{Kind: "hold", Subject: "run 812"}, []string{"Held: run 812"}},
		{admin.Need{Kind: "conflict", Subject: "conflicts"}, []string{"[2 Conflicts]", "3 conflicts"}},
		{admin.Need{Kind: "parked", Subject: "javelo"}, []string{"1 parked delivery"}},
		{admin.Need{Kind: "lane", Subject: "elevo"}, []string{"[8 Sources]", "denied: it refuses the credentials"}},
		{admin.Need{Kind: "restored", Subject: "elevo"}, []string{"[8 Sources]", "denied: it refuses the credentials"}},
		{admin.Need{Kind: "source", Subject: "lucca"}, []string{"[8 Sources]", "401 Unauthorized"}},
		{admin.Need{Kind: "silence", Subject: "okta"}, []string{"[9 Requests]", "requests of okta"}},
		{admin.Need{Kind: "activate", Subject: "lucca"}, []string{"As if lucca were active"}},
		{admin.Need{Kind: "certificate", Subject: "token okta"}, []string{"[8 Sources]", "Tokens"}},
		{admin.Need{Kind: "backup", Subject: "[backup]", Command: "rollcall backup FILE makes one elsewhere"}, []string{"This is not done here: rollcall backup FILE"}},
	} {
		f := acme()
		f.status.Needs = []admin.Need{tt.need}
		sitDown(t, f, 100, 30, Options{}).press("enter").sees(tt.sees...)
	}
}

// An appliance that relays nothing to nobody is not in step.
func TestPagesOfAnEmptyApplianceSayWhatIsMissing(t *testing.T) {
	s := sitDown(t, &fake{}, 100, 24, Options{})
	s.press("5").sees("No target is configured yet").missing("in step")
	s.press("2", "d").sees("No answer is in force", "Same as: rollcall conflicts decisions")
}
