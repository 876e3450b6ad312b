package ingest_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/appliance/ingest"
	"rollcall/appliance/model"
	"rollcall/appliance/store"
)

func (w *world) resolve(q model.Conflict, a ingest.Answer) model.Decision {
	w.t.Helper()
	w.now = w.now.Add(1)
	d, err := w.e.Resolve("uid:1000(ops)", q.ID, a)
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

// twins is a world where two people with accounts turn out to claim one address.
func twins(t *testing.T) *world {
	t.Helper()
	w := settled(t, someone(1), someone(2))
	w.read("hr", someone(1), someone(2, "email", address(1)))
	return w
}

func TestConflictStopsOnlyThePeopleItConcerns(t *testing.T) {
	w := settled(t, people(3)...)
	w.read("hr", someone(1, "title", "Partner"), someone(2, "email", address(1)), someone(3, "title", "Partner"))
	q := w.conflict(model.DuplicateIdentifier)
	if len(q.Records) != 2 || len(q.Persons) != 2 || q.Opened.IsZero() || q.Rev != 1 {
		t.Errorf("the conflict says %+v", q)
	}
	if got := w.deliver(); got[model.EffectUpdate] != 1 {
		t.Errorf("delivered %v, want the third person only", got)
	}
	n := len(w.journal())
	w.read("hr", someone(1, "title", "Director"), someone(2, "email", address(1)), someone(3, "title", "Partner"))
	if slices.Contains(w.since(n), "conflict_opened") || w.conflict(model.DuplicateIdentifier).Opened != q.Opened {
		t.Error("an open question was asked again")
	}
	w.read("hr", people(3)...)
	if got := w.conflicts(); len(got) != 0 {
		t.Errorf("when the cause is gone: %v", got)
	}
}

func TestMergeOfTwoPeoplePassesTheAccountOn(t *testing.T) {
	w := newWorld(t)
	w.read("hr", someone(1))
	w.read("adp", someone(1, "email", "other@acme.example"))
	w.activate("hr")
	w.now = w.now.Add(time.Minute) // the older person of the two is the heir
	w.activate("adp")
	// Only one of the two has an account when the decision comes.
	one, two := w.person("hr", 1).ID, w.person("adp", 1).ID
	w.succeed(w.begin(two))
	account, _ := w.delivered(two)
	w.read("adp", someone(1))
	q := w.conflict(model.AmbiguousMatch)
	d := w.resolve(q, ingest.Answer{Verb: model.Merge, Rev: q.Rev})
	heir := w.person("hr", 1).ID
	if heir != one || heir != w.person("adp", 1).ID {
		t.Fatalf("still two people, conflicts %v", w.conflicts())
	}
	// The account came with another login than the merged person's.
	if got := w.conflicts(); !slices.Equal(got, []string{string(model.IdentifierChange)}) {
		t.Errorf("conflicts %v", got)
	}
	if got, ok := w.delivered(heir); !ok || got.RemoteID != account.RemoteID || got.Sent.Person != heir || got.Person != heir {
		t.Errorf("of %s and %s, %s is left with %+v", one, two, heir, got)
	}
	if got := w.deliver(); got[model.EffectCreate] != 0 {
		t.Errorf("delivered %v: a second account", got)
	}
	if !slices.Contains(w.journal(), "dissolved") {
		t.Errorf("journal %v", w.journal())
	}
	// Taking the answer back asks again.
	if err := w.e.Undo("uid:1000(ops)", d.ID); err != nil {
		t.Fatal(err)
	}
	if len(all(w, store.Decisions)) != 0 || !slices.Contains(w.journal(), "undone") {
		t.Errorf("the decision is still there, or nobody was told: %v", w.journal())
	}
	var unknown *ingest.NotFoundError
	if err := w.e.Undo("test", d.ID); !errors.As(err, &unknown) {
		t.Errorf("undone twice: %v", err)
	}
}

func TestMergeOfTwoAccountsLeavesTheSecondForAHuman(t *testing.T) {
	w := twins(t)
	first, _ := w.delivered(w.person("hr", 1).ID)
	second, _ := w.delivered(w.person("hr", 2).ID)
	w.resolve(w.conflict(model.DuplicateIdentifier), ingest.Answer{Verb: model.Merge})
	heir := w.person("hr", 1).ID
	kept, ok := w.delivered(heir)
	if !ok || w.person("hr", 2).ID != heir || kept.RemoteID != first.RemoteID && kept.RemoteID != second.RemoteID {
		t.Errorf("the heir holds %+v", kept)
	}
	if !slices.Contains(w.journal(), "account_left") {
		t.Errorf("nobody is told of the account that is left: %v", w.journal())
	}
	if got := w.deliver(); got[model.EffectDeactivate]+got[model.EffectCreate] != 0 {
		t.Errorf("delivered %v", got)
	}
}

func TestSeparatedRecordsStaySeparateAndUndoAsksAgain(t *testing.T) {
	w := newWorld(t)
	w.read("hr", someone(1))
	w.read("adp", someone(1))
	w.activate("hr")
	w.activate("adp")
	w.deliver()
	if w.person("hr", 1).ID != w.person("adp", 1).ID {
		t.Fatal("one address, two people")
	}
	// A question that lists both comes up: the names part ways and a third joins.
	w.read("hr", someone(1), someone(2, "email", address(1)))
	q := w.conflict(model.DuplicateIdentifier)
	d := w.resolve(q, ingest.Answer{Verb: model.Separate, Reason: "different people"})
	ids := map[model.PersonID]bool{w.person("hr", 1).ID: true, w.person("adp", 1).ID: true, w.person("hr", 2).ID: true}
	if len(ids) != 3 {
		t.Errorf("three records that were put apart are %d people", len(ids))
	}
	w.read("hr", someone(1, "title", "Partner"), someone(2, "email", address(1)))
	if len(ids) != 3 || w.person("hr", 1).ID == w.person("hr", 2).ID {
		t.Error("the next read undid the decision")
	}
	if err := w.e.Undo("test", d.ID); err != nil {
		t.Fatal(err)
	}
	w.conflict(model.DuplicateIdentifier)
	for _, job := range all(w, store.Outbox) {
		t.Errorf("while the question is open, %s is %s", job.Effect, job.State)
	}
}

func TestSetValueSettlesAnIdentifierAndItsUndoAsksAgain(t *testing.T) {
	w := twins(t)
	q := w.conflict(model.DuplicateIdentifier)
	d := w.resolve(q, ingest.Answer{Verb: model.Set, Record: w.record("hr", 2).ID, Attribute: model.Email, Value: address(7)})
	if got := w.conflicts(); len(got) != 1 || got[0] != string(model.IdentifierChange) {
		t.Errorf("conflicts %v, want only the question about the login", got)
	}
	if got := w.record("hr", 2).Identifiers; len(got) != 1 || got[0].Value != address(7) {
		t.Errorf("the record identifies as %v", got)
	}
	if w.person("hr", 2).EmailKey != address(7) {
		t.Errorf("the person's address is %q", w.person("hr", 2).EmailKey)
	}
	if err := w.e.Undo("test", d.ID); err != nil {
		t.Fatal(err)
	}
	if got := w.record("hr", 2).Identifiers; got[0].Value != address(1) || !slices.Contains(w.conflicts(), string(model.DuplicateIdentifier)) {
		t.Errorf("undone, the record identifies as %v and the conflicts are %v", got, w.conflicts())
	}
}

func TestDeactivationsThatADecisionCausesAreGuardedToo(t *testing.T) {
	w := settled(t, people(4)...)
	w.limit(0, -1, -1)
	w.read("hr", someone(1), someone(2, "email", address(1)), someone(3), someone(4))
	q := w.conflict(model.DuplicateIdentifier)
	// One of the two left meanwhile, which the conflict keeps back.
	w.read("hr", someone(1), left(someone(2)), someone(3), someone(4))
	if got := w.jobs(); got["ready deactivate"] != 0 {
		t.Errorf("jobs %v after %s", got, q.Kind)
	}
}

func TestAnswerThatDoesNotFitTheQuestionIsRefused(t *testing.T) {
	w := twins(t)
	q := w.conflict(model.DuplicateIdentifier)
	for name, a := range map[string]ingest.Answer{
		"no verb":                 {},
		"an unknown verb":         {Verb: "delete"},
		"prefer nobody":           {Verb: model.Prefer},
		"prefer a stranger":       {Verb: model.Prefer, Record: "r_stranger"},
		"exclude a stranger":      {Verb: model.Exclude, Record: "r_stranger"},
		"set no attribute":        {Verb: model.Set, Record: q.Records[0]},
		"set an unknown one":      {Verb: model.Set, Record: q.Records[0], Attribute: "salary"},
		"set one of no record":    {Verb: model.Set, Attribute: model.Title},
		"set a malformed custom":  {Verb: model.Set, Record: q.Records[0], Attribute: "custom."},
		"set one of a stranger's": {Verb: model.Set, Record: "r_stranger", Attribute: model.Title},
	} {
		var invalid *ingest.InvalidError
		if _, err := w.e.Resolve("test", q.ID, a); !errors.As(err, &invalid) {
			t.Errorf("%s: %v, want an InvalidError", name, err)
		}
	}
	var stale *ingest.StaleError
	if _, err := w.e.Resolve("test", q.ID, ingest.Answer{Verb: model.Later, Rev: q.Rev + 1}); !errors.As(err, &stale) {
		t.Errorf("an answer to another version: %v, want a StaleError", err)
	}
	if _, err := w.e.Resolve("test", "c_unknown", ingest.Answer{Verb: model.Later}); !errors.As(err, &stale) {
		t.Errorf("an answer to no question: %v, want a StaleError", err)
	}
	if n := len(all(w, store.Decisions)); n != 0 {
		t.Errorf("%d decisions were stored", n)
	}
}

func TestSecondOperatorLearnsThatTheQuestionIsSettled(t *testing.T) {
	w := twins(t)
	q := w.conflict(model.DuplicateIdentifier)
	w.resolve(q, ingest.Answer{Verb: model.Merge, Rev: q.Rev})
	var stale *ingest.StaleError
	if _, err := w.e.Resolve("uid:1001(bea)", q.ID, ingest.Answer{Verb: model.Separate, Rev: q.Rev}); !errors.As(err, &stale) {
		t.Errorf("error %v, want a StaleError", err)
	}
	want := []string{"uid:1000(ops)"}
	var got []string
	for _, d := range all(w, store.Decisions) {
		got = append(got, d.Actor)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestLoginChangeIsAskedAboutOncePerTargetAndFollowsTheAnswer(t *testing.T) {
	w := settled(t, someone(1))
	w.read("hr", someone(1, "email", "renamed@acme.example", "title", "Partner"))
	if q := w.conflict(model.IdentifierChange); q.Target != "javelo" {
		t.Errorf("the conflict says %+v", q)
	}
	w.deliver()
	id := w.person("hr", 1).ID
	if d, _ := w.delivered(id); d.Sent.Email != address(1) || d.Sent.Attributes[model.Title] != "Partner" {
		t.Errorf("the rest did not flow under the old login: %+v", d.Sent)
	}
	w.settings.Targets[0].Rules.IdentifierChanges = true
	if _, err := w.e.Replan("test", model.CausePolicy); err != nil {
		t.Fatal(err)
	}
	w.deliver()
	if d, _ := w.delivered(id); d.Sent.Email != "renamed@acme.example" || len(w.conflicts()) != 0 {
		t.Errorf("allowed: the login is %q, conflicts %v", d.Sent.Email, w.conflicts())
	}
}

// resolveSet answers a duplicate by giving its first record another address.
func resolveSet(w *world, value string) ingest.Answer {
	q := w.conflict(model.DuplicateIdentifier)
	return ingest.Answer{Verb: model.Set, Record: q.Records[0], Attribute: model.Email, Value: value}
}
