package tui

import (
	"context"
	"strings"
	"testing"

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
	s.press("down", "down", "down", "e", "ctrl+u").typeText("cleo@acme.example").press("enter")
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
	if len(f.resolved) != 20 {
		t.Fatalf("%d were answered, want 20", len(f.resolved))
	}
	for _, c := range f.conflicts {
		if c.Kind == string(model.AmbiguousMatch) {
			t.Errorf("%s is still open", c.ID)
		}
	}
	s.sees("20 conflicts answered", "40 conflicts")
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
	if got := len(fieldRows(c, true)); got != 1 {
		t.Errorf("%d rows differ, want 1", got)
	}
}

func TestEvidenceWeighsOnlyWhatTwoRecordsSay(t *testing.T) {
	c := manyConflicts(1)[0]
	c.Records[0].Status = string(model.Inactive)
	c.Records[1].Attributes["family_name"] = "Other"
	same, different := evidence(c)
	if diff := cmp.Diff([]string{"same email", "same given name", "one ended where another began"}, same); diff != "" {
		t.Errorf("for (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"other family name"}, different); diff != "" {
		t.Errorf("against (-want +got):\n%s", diff)
	}
}

func TestSuggestionIsAnAnswerOnlyWhenItBeginsWithOne(t *testing.T) {
	c := manyConflicts(1)[0]
	for _, tt := range []struct {
		suggestion string
		want       admin.Resolution
		ok         bool
	}{
		{"merge: same name", admin.Resolution{Verb: "merge", Rev: 1}, true},
		{"merge", admin.Resolution{Verb: "merge", Rev: 1}, true},
		{"allow the change for this target, or correct the email", admin.Resolution{}, false},
		{"merge the two: if they are one", admin.Resolution{}, false},
		{"prefer r_0b: it is newer", admin.Resolution{Verb: "prefer", Record: "r_0b", Rev: 1}, true},
		{"prefer r_other: not a record of this conflict", admin.Resolution{}, false},
		{"Ask for a company address.", admin.Resolution{}, false},
		{"set email=a@b.example: typo", admin.Resolution{}, false},
		{"", admin.Resolution{}, false},
	} {
		c.Suggestion = tt.suggestion
		got, ok := suggested(c)
		if ok != tt.ok || ok && got != tt.want {
			diff := cmp.Diff(tt.want, got)
			t.Errorf("%q: %v (-want +got):\n%s", tt.suggestion, ok, diff)
		}
	}
}

// previewing is an appliance that can say what an answer would cause.
type previewing struct{ *fake }

func (p previewing) Preview(_ context.Context, id string, answer admin.Resolution) (admin.Plan, error) {
	pl := manyChanges(1)
	pl.Changes[0].Effect, pl.Changes[0].Why = "deactivate", "the second account of "+id+" after "+answer.Verb
	return pl, p.note("preview %s %s", id, answer.Verb)
}

func TestPreviewShowsWhatAnAnswerCausesWhereTheApplianceOffersIt(t *testing.T) {
	f := acme()
	s := sitDown(t, previewing{f}, 80, 24, Options{})
	s.press("2", "enter", "m")
	s.sees("What changes then", "deactivate", "after merge")
	if diff := cmp.Diff([]string{"preview c_0001 merge"}, f.calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}
