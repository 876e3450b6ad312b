package tui

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/appliance/admin"
	"rollcall/appliance/model"
)

func TestDuplicateIsResolvedInFourKeysFromStart(t *testing.T) {
	f := acme()
	s := sitDown(t, f, 80, 24, Options{})
	s.press("2", "enter", "y") // the page, the conflict, as suggested
	s.sees("are one human from now on", "Accounts today", "person0@acme.example (active)")
	if len(f.resolved) > 0 {
		t.Fatal("the answer was given before it was confirmed")
	}
	s.press("y")
	want := []admin.Resolution{{Verb: "merge", Rev: 1}}
	if diff := cmp.Diff(want, f.resolved); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
	s.sees("1 conflict answered", " 2 conflicts").missing("Ada Sample")
}

func TestAnswerCanBeTakenBack(t *testing.T) {
	f := acme()
	s := sitDown(t, f, 80, 24, Options{})
	s.press("2", "enter", "s", "y", "u")
	s.sees("The answer given last is taken back")
	s.press("y")
	if got := f.calls[len(f.calls)-1]; got != "undo c_0001" {
		t.Errorf("the last call is %q", got)
	}
	s.press("u")
	if got := f.calls[len(f.calls)-1]; got != "undo c_0001" || strings.Count(strings.Join(f.calls, "\n"), "undo") != 1 {
		t.Errorf("an answer was taken back twice: %q", f.calls)
	}
}

func TestCancelledPreviewAnswersNothing(t *testing.T) {
	f := acme()
	s := sitDown(t, f, 80, 24, Options{})
	s.press("2", "enter", "m", "esc")
	if len(f.calls) != 0 {
		t.Errorf("calls: %q", f.calls)
	}
	s.sees("ambiguous match: Ada Sample") // still there
}

func TestPreferNamesTheRecordUnderTheColumnCursor(t *testing.T) {
	f := acme()
	s := sitDown(t, f, 80, 24, Options{})
	s.press("2", "enter", "right", "p")
	s.sees("okta 00u0 (Ada Sample) is right")
	s.press("y")
	if got := f.resolved[0].Record; got != "r_0b" {
		t.Errorf("prefers %q", got)
	}
}

func TestSetAsksForTheAttributeAtTheCursor(t *testing.T) {
	f := acme()
	s := sitDown(t, f, 80, 24, Options{})
	s.press("2", "down", "down", "enter") // the personal email
	s.press("down", "down", "down", "down", "e", "ctrl+u").typeText("cleo@acme.example").press("enter")
	s.sees("The email of hibob 2002 (Cleo Fictif) is cleo@acme.example from now on")
	s.press("y")
	want := admin.Resolution{Verb: "set", Record: "r_2a", Attribute: "email", Value: "cleo@acme.example", Rev: 3}
	if diff := cmp.Diff(want, f.resolved[0]); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
}

func TestSomeoneElsesAnswerIsNotOverwritten(t *testing.T) {
	f := acme()
	s := sitDown(t, f, 80, 24, Options{})
	s.press("2", "enter", "m")
	f.conflicts[0].Rev++ // another operator, meanwhile
	s.press("y")
	if len(f.resolved) != 0 {
		t.Fatal("a conflict that had changed was answered")
	}
	s.sees("it has changed meanwhile: look again", "ambiguous match: Ada Sample")
	s.press("m", "y")
	if len(f.resolved) != 1 || f.resolved[0].Rev != 2 {
		t.Errorf("after looking again: %+v", f.resolved)
	}
}

func TestConflictsOfOneShapeAreAnsweredTogether(t *testing.T) {
	f := acme()
	f.conflicts = manyConflicts(60)
	s := sitDown(t, f, 80, 24, Options{})
	s.press("2", "*")
	s.sees("20 marked")
	s.press("m")
	s.sees("Merge 20 conflicts", "Type 20 to merge")
	s.press("enter")
	if len(f.resolved) != 0 {
		t.Fatal("a large answer was given without its number")
	}
	s.typeText("20").press("enter")
	if len(f.resolved) != 1 || len(f.resolved[0].Also) != 19 {
		t.Fatalf("answered %+v, want one answer to 20", f.resolved)
	}
	for _, c := range f.conflicts {
		if c.Kind == string(model.AmbiguousMatch) {
			t.Errorf("%s is still open", c.ID)
		}
	}
	s.sees("20 conflicts answered", "40 conflicts")
}

func TestAnswerToSeveralIsGivenToAllOrNone(t *testing.T) {
	f := acme()
	f.conflicts = manyConflicts(9)
	s := sitDown(t, f, 80, 24, Options{})
	s.press("2", "*", "m")
	f.conflicts[3].Rev++ // another operator, meanwhile
	s.press("y").sees("it has changed meanwhile: look again", " 9 conflicts")
	if len(f.resolved) > 0 {
		t.Errorf("answered %+v", f.resolved)
	}
}

func TestConflictsOfSeveralShapesAreNotAnsweredTogether(t *testing.T) {
	f := acme()
	s := sitDown(t, f, 80, 24, Options{})
	s.press("2", " ", " ", "home", "m").sees("2 marked", "of several shapes")
	if s.press("y"); len(f.calls) > 0 {
		t.Errorf("calls: %q", f.calls)
	}
}

func TestCursorFollowsItsConflictWhenTheListChanges(t *testing.T) {
	f := acme()
	s := sitDown(t, f, 80, 24, Options{})
	s.press("2", "down").sees(">   Basil Placeholder")
	f.conflicts = f.conflicts[1:] // another operator answered the first
	s.pass(6).sees(">   Basil Placeholder", " 2 conflicts")
}

func TestFilterNarrowsWhileTyping(t *testing.T) {
	s := sitDown(t, acme(), 80, 24, Options{})
	s.press("2", "/").typeText("basil")
	s.sees("Basil Placeholder", "(1 shown)").missing("Cleo Fictif")
	s.press("q") // a letter, not the end
	if s.quit {
		t.Fatal("q quit while a filter was typed")
	}
	s.press("esc").sees("Cleo Fictif")
}

func TestDifferingFieldsAreMarkedBySignAndAbsenceIsNoDifference(t *testing.T) {
	c := manyConflicts(1)[0]
	differing := map[string]bool{}
	for _, row := range fieldRows(c, false) {
		differing[row.name] = row.differs
	}
	want := map[string]bool{"id there": false, "status": false, "person": false, "email": false, "given_name": false, "family_name": false, "title": true, "birth_date": false}
	if diff := cmp.Diff(want, differing); diff != "" {
		t.Errorf("differs (-want +got):\n%s", diff)
	}
	rows := fieldRows(c, true)
	if len(rows) != 4 || rows[3].name != "title" {
		t.Errorf("only what differs: %+v", rows)
	}
	if all := fieldRows(c, false); all[3].name != "title" {
		t.Errorf("what differs does not come first: %q", all[3].name)
	}
}

func TestEvidenceForAndAgainstIsShownAsTheApplianceWeighsIt(t *testing.T) {
	f := acme()
	f.conflicts[0].For, f.conflicts[0].Against = []string{"the names are the same"}, []string{"birth_date differs"}
	s := sitDown(t, f, 80, 24, Options{})
	s.press("2").sees("one human", "the names are the same", "or several", "birth date differs")
	s.press("enter").sees("one human", "the names are the same", "or several", "birth date differs")
}

func TestSuggestionIsAnAnswerOnlyWhenTheApplianceMakesItOne(t *testing.T) {
	c := manyConflicts(3)
	if res, ok := suggested(c[0]); !ok || res.Verb != "merge" || res.Rev != 1 {
		t.Errorf("%+v, %v", res, ok)
	}
	if _, ok := suggested(c[2]); ok {
		t.Error("advice is taken for an answer")
	}
	c[0].Answers = []string{"separate"}
	if _, ok := suggested(c[0]); ok {
		t.Error("an answer that is not taken is suggested")
	}
	s := sitDown(t, acme(), 80, 24, Options{})
	s.press("2", "enter").sees("y accept").press("esc", "down", "down", "enter").missing("y accept")
}

func TestSeparationOfOneFromTheRestNamesWhom(t *testing.T) {
	f := acme()
	f.conflicts[0].Suggested = &admin.Resolution{Verb: "separate", Apart: []string{"r_0b"}}
	s := sitDown(t, f, 80, 24, Options{})
	s.press("2", "enter", "y").sees("okta 00u0 (Ada Sample) is another human than the rest", "resolve c_0001 separate r_0b")
	s.press("y")
	if got := f.resolved[0].Apart; len(got) != 1 || got[0] != "r_0b" {
		t.Errorf("puts apart %q", got)
	}
}

func TestAnswersGivenBeforeToLikeConflictsAreTold(t *testing.T) {
	f := acme()
	f.conflicts[0].Precedents = map[string]int{"merge": 3, "separate": 1}
	sitDown(t, f, 80, 24, Options{}).press("2").sees("conflicts of this shape were answered: 3 merge, 1 separate")
}

func TestPreviewShowsWhatAnAnswerCauses(t *testing.T) {
	f := acme()
	f.preview = manyChanges(1)
	f.preview.Changes[0].Effect, f.preview.Changes[0].Why = "deactivate", "the second account of one human"
	s := sitDown(t, f, 80, 24, Options{})
	s.press("2", "enter", "m")
	s.sees("What changes then: 1 account", "deactivate", "the second account", "Same as: rollcall conflicts resolve c_0001 merge")
	if diff := cmp.Diff([]string{"c_0001 merge and 0 more"}, f.previews); diff != "" {
		t.Errorf("previews (-want +got):\n%s", diff)
	}
	if len(f.calls) > 0 {
		t.Errorf("calls: %q", f.calls)
	}
}

func TestPreviewOfManyIsOneQuestion(t *testing.T) {
	f := acme()
	f.conflicts, f.preview = manyConflicts(90), manyChanges(30)
	s := sitDown(t, f, 80, 24, Options{})
	s.press("2", "*", "m").sees("Merge 30 conflicts", "--all-like")
	if diff := cmp.Diff([]string{"c_0001 merge and 29 more"}, f.previews); diff != "" {
		t.Errorf("previews (-want +got):\n%s", diff)
	}
}

func TestPreviewTellsWhatOpensWhatIsHeldAndWhatMoves(t *testing.T) {
	f := acme()
	f.preview = admin.Plan{
		Conflicts: []admin.Conflict{{Kind: "account_taken", Names: []string{"Ada Sample"}, Rule: "an account can have one owner"}},
		Holds:     []model.Hold{{Reason: "9 would be deactivated and 3 are allowed"}},
		Moves:     []admin.RecordMove{{Source: "okta", Record: "r_9", Name: "Ada S.", From: &admin.PersonRef{Name: "Ida"}, To: &admin.PersonRef{Name: "Ada"}}},
	}
	s := sitDown(t, f, 80, 24, Options{})
	s.press("2", "enter", "m").sees("No account changes.", "A conflict opens: account taken: Ada Sample", "held until you approve it: 9 would be", "okta's record of Ada S. goes from Ida to Ada")
}

func TestAnswersInForceCanBeTakenBackOneByOne(t *testing.T) {
	f := acme()
	f.decided = []admin.Decision{
		{ID: "d_2", Verb: "separate", Conflict: "c_8", Kind: "duplicate_identifier", Names: []string{"Ada Sample", "Ida Sample"}, Records: []string{"r_1", "r_2"}, At: noon.Add(-time.Hour), Actor: "uid:1000(jane)"},
		{ID: "d_1", Verb: "set", Attribute: "email", Value: "x@acme.example", Conflict: "c_7", Kind: "missing_identifier", Names: []string{"Basil Muster"}, Records: []string{"r_3"}, At: noon.Add(-50 * time.Hour), Actor: "uid:1000(jane)"},
	}
	s := sitDown(t, f, 80, 24, Options{})
	s.press("2", "d").sees("2 answers in force", "separate", "Ada Sample, Ida Sample", "jane")
	s.press("down").sees("email is x@acme.example", "Same as: rollcall conflicts undo d_1")
	s.press("u").sees("The answer set for Basil Muster is taken back", "What changes then").press("y")
	if got := strings.Join(f.calls, "; "); got != "undo d_1" {
		t.Errorf("calls: %q", got)
	}
	s.press("esc").sees("3 conflicts")
}

func TestUndoTakesBackEveryAnswerGivenTogether(t *testing.T) {
	f := acme()
	f.conflicts = manyConflicts(9)
	s := sitDown(t, f, 80, 24, Options{})
	s.press("2", "*", "m", "y", "u").sees("to 3 conflicts, is taken back").press("y")
	if got := strings.Join(f.calls[1:], "; "); got != "undo c_0001; undo c_0004; undo c_0007" {
		t.Errorf("calls: %q", got)
	}
}
