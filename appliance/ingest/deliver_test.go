package ingest_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/appliance/ingest"
	"rollcall/appliance/model"
	"rollcall/appliance/store"
)

// ready is a world with one person whose creation is ready.
func ready(t *testing.T) (*world, model.PersonID) {
	t.Helper()
	w := newWorld(t)
	w.read("hr", someone(1, "title", "Analyst"))
	w.activate("hr")
	return w, w.person("hr", 1).ID
}

func (w *world) active() (n int) {
	w.view(func(tx *store.Tx) error { n = ingest.ActiveAccounts(tx, "javelo"); return nil })
	return n
}

func TestAttemptIsOnDiskBeforeTheRequestLeaves(t *testing.T) {
	w, id := ready(t)
	a, err := w.e.Begin("javelo", id)
	if err != nil {
		t.Fatal(err)
	}
	if a.Step != ingest.StepCreate || a.Uncertain || a.Number != 1 || a.Have != nil || a.Want.Email != address(1) || a.Want.Attributes[model.Title] != "Analyst" {
		t.Errorf("attempt %+v", a)
	}
	w.restart() // the process ended before the answer came
	if j, _ := w.job(id); j.Attempts != 1 || !j.Uncertain {
		t.Errorf("on disk: %d attempts, uncertain: %t", j.Attempts, j.Uncertain)
	}
	again := w.begin(id)
	if !again.Uncertain || again.Number != 2 || again.Step != ingest.StepCreate {
		t.Errorf("the next attempt: %+v", again)
	}
}

func TestSpentBudgetIsOnDiskBesideTheRestOfTheLane(t *testing.T) {
	w, _ := ready(t)
	usage, since := map[int64]int{1795334400: 1}, w.now.UTC()
	if err := w.e.SetLane("rollcall", "javelo", func(l *model.Lane) { l.State, l.Reason = model.LaneWaiting, "told to wait" }); err != nil {
		t.Fatal(err)
	}
	if err := w.e.Spent("javelo", usage, 12, since); err != nil {
		t.Fatal(err)
	}
	var lane model.Lane
	w.view(func(tx *store.Tx) (err error) { lane, _, err = store.Lanes.Get(tx, "javelo"); return err })
	want := model.Lane{Target: "javelo", State: model.LaneWaiting, Since: since, Reason: "told to wait", Usage: usage, Sent: 12, SentSince: since}
	if diff := cmp.Diff(want, lane); diff != "" {
		t.Error(diff)
	}
}

func TestPayloadIsOfThePersonAsTheyAreWhenItIsSent(t *testing.T) {
	w, id := ready(t)
	for _, title := range []string{"Partner", "Director", "Chair"} {
		w.read("hr", someone(1, "title", title))
	}
	if a := w.begin(id); a.Want.Attributes[model.Title] != "Chair" {
		t.Errorf("sent as %q", a.Want.Attributes[model.Title])
	}
	if n := len(all(w, store.Outbox)); n != 1 {
		t.Errorf("%d jobs for one person", n)
	}
}

func TestSuccessEndsTheJobAndIsRemembered(t *testing.T) {
	w, id := ready(t)
	w.succeed(w.begin(id))
	d, ok := w.delivered(id)
	if !ok || d.RemoteID != "j1" || d.Adopted || d.Rev != w.person("hr", 1).Rev || !d.At.Equal(w.now) || !d.Sent.Active {
		t.Errorf("delivered %+v", d)
	}
	if len(w.jobs()) != 0 || w.active() != 1 || !slices.Contains(w.journal(), "created") {
		t.Errorf("jobs %v, %d active accounts, journal %v", w.jobs(), w.active(), w.journal())
	}
	w.read("hr", left(someone(1)))
	w.succeed(w.begin(id))
	if w.active() != 0 || !slices.Contains(w.journal(), "deactivated") {
		t.Errorf("%d active accounts after leaving, journal %v", w.active(), w.journal())
	}
	w.read("hr", someone(1))
	w.succeed(w.begin(id))
	if w.active() != 1 || !slices.Contains(w.journal(), "reactivated") {
		t.Errorf("%d active accounts after the rehire, journal %v", w.active(), w.journal())
	}
}

func TestPersonWhoChangedMeanwhileDiffersAgain(t *testing.T) {
	w, id := ready(t)
	a := w.begin(id)
	w.read("hr", someone(1, "title", "Partner"))
	w.succeed(a)
	j, ok := w.job(id)
	if !ok || j.State != model.JobReady || j.Effect != model.EffectUpdate || !slices.Equal(j.Changed, []model.Name{model.Title}) || j.Attempts != 0 || j.Uncertain {
		t.Errorf("job %+v", j)
	}
	if got := w.deliver(); got[model.EffectUpdate] != 1 {
		t.Errorf("delivered %v", got)
	}
}

func TestPersonWhoChangedBackNeedsNothing(t *testing.T) {
	w, id := ready(t)
	w.succeed(w.begin(id))
	w.read("hr", someone(1, "title", "Partner"))
	w.read("hr", someone(1, "title", "Analyst"))
	if len(w.jobs()) != 0 {
		t.Errorf("jobs %v", w.jobs())
	}
	if a := w.begin(id); a.Step != ingest.StepNone {
		t.Errorf("attempt %+v", a)
	}
}

func TestFailureIsRememberedByWhatItMeans(t *testing.T) {
	later := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		name      string
		outcome   ingest.Outcome
		state     model.JobState
		attempts  int
		uncertain bool
		conflicts int
	}{
		{"it may have been applied", ingest.Outcome{Class: "transient", Text: "javelo: timeout", NotBefore: later, Applied: true}, model.JobReady, 1, true, 0},
		{"it was refused before anything happened", ingest.Outcome{Class: "transient", Text: "javelo: 503", NotBefore: later}, model.JobReady, 1, false, 0},
		{"nothing was tried", ingest.Outcome{Class: "throttled", Text: "javelo: 429", Free: true}, model.JobReady, 0, false, 0},
		{"it will never be accepted", ingest.Outcome{Class: "invalid", Text: "javelo: the title is too long", Park: true}, model.JobParked, 1, false, 1},
	} {
		w, id := ready(t)
		w.failed(w.begin(id), tc.outcome)
		j, _ := w.job(id)
		if j.State != tc.state || j.Attempts != tc.attempts || j.Uncertain != tc.uncertain || !j.NotBefore.Equal(tc.outcome.NotBefore) || j.LastClass != tc.outcome.Class || j.LastError != tc.outcome.Text {
			t.Errorf("%s: %+v", tc.name, j)
		}
		if got := w.conflicts(); len(got) != tc.conflicts {
			t.Errorf("%s: conflicts %v", tc.name, got)
		}
	}
}

func TestDoubtOverAnEarlierAttemptOutlastsAFailureThatAppliedNothing(t *testing.T) {
	w, id := ready(t)
	w.failed(w.begin(id), ingest.Outcome{Class: "transient", Applied: true})
	w.failed(w.begin(id), ingest.Outcome{Class: "throttled", Free: true})
	if j, _ := w.job(id); !j.Uncertain || j.Attempts != 1 {
		t.Errorf("uncertain: %t after %d attempts", j.Uncertain, j.Attempts)
	}
}

func TestParkedDeliveryWaitsForThePersonToChange(t *testing.T) {
	w, id := ready(t)
	w.failed(w.begin(id), ingest.Outcome{Class: "invalid", Text: "javelo: the title is too long", Park: true})
	w.read("hr", someone(1, "title", "Analyst"), someone(2))
	if j, _ := w.job(id); j.State != model.JobParked {
		t.Errorf("the job is %s although nothing changed", j.State)
	}
	if q := w.conflict(model.Rejected); q.Target != "javelo" || q.Rule != "javelo: the title is too long" || !slices.Equal(q.Persons, []model.PersonID{id}) {
		t.Errorf("the conflict says %+v", q)
	}
	if p := w.person("hr", 1); len(p.Held) != 0 {
		t.Error("what one target refused froze the person everywhere")
	}
	w.read("hr", someone(1, "title", "Short"), someone(2))
	if j, _ := w.job(id); j.State != model.JobReady {
		t.Errorf("the job is %s after the person changed", j.State)
	}
	w.deliver()
	if got := w.conflicts(); len(got) != 0 {
		t.Errorf("after it was accepted: %v", got)
	}
}

func TestRefusalOfAnOldVersionDoesNotParkTheNew(t *testing.T) {
	w, id := ready(t)
	a := w.begin(id)
	w.read("hr", someone(1, "title", "Short"))
	w.failed(a, ingest.Outcome{Class: "invalid", Text: "javelo: the title is too long", Park: true})
	if j, _ := w.job(id); j.State != model.JobReady {
		t.Errorf("the job is %s", j.State)
	}
	if got := w.conflicts(); len(got) != 0 {
		t.Errorf("conflicts %v", got)
	}
}

func TestAccountThatIsNotThereAnyMoreIsForgottenAndMadeAnew(t *testing.T) {
	w, id := ready(t)
	w.succeed(w.begin(id))
	w.read("hr", someone(1, "title", "Partner"))
	w.failed(w.begin(id), ingest.Outcome{Class: "gone", Forget: true})
	if _, still := w.delivered(id); still || w.active() != 0 {
		t.Errorf("still delivered: %t, %d active accounts", still, w.active())
	}
	j, ok := w.job(id)
	if !ok || j.Effect != model.EffectCreate || j.State != model.JobReady {
		t.Errorf("job %+v", j)
	}
	if a := w.begin(id); a.Step != ingest.StepCreate || !a.Uncertain {
		t.Errorf("the next attempt does not look before it creates: %+v", a)
	}
	if !slices.Contains(w.journal(), "account_gone") {
		t.Errorf("journal %v", w.journal())
	}
	w.failed(w.begin(id), ingest.Outcome{Class: "throttled", Free: true})
	w.failed(ingest.Attempt{Target: "javelo", Person: id}, ingest.Outcome{Class: "throttled", Free: true})
	// Of a leaver there is nothing to make anew.
	w.read("hr", left(someone(1, "title", "Partner")))
	if len(w.jobs()) != 0 {
		t.Errorf("jobs %v", w.jobs())
	}
}

func TestListedAccountOfNobodyIsAdopted(t *testing.T) {
	w, id := ready(t)
	if _, err := w.e.Listed("javelo", []model.Account{
		{RemoteID: "x1", Login: "P1@acme.example", Active: true, Attributes: map[model.Name]string{model.Title: "Analyst", model.GivenName: "Givenb", model.FamilyName: "Family"}},
		{RemoteID: "x2", Login: "stranger@acme.example", Active: true}, {RemoteID: "x3", Login: "no address"}}); err != nil {
		t.Fatal(err)
	}
	j, _ := w.job(id)
	if j.Effect != model.EffectAdopt || j.State != model.JobReady {
		t.Errorf("job %+v", j)
	}
	a := w.begin(id)
	if a.Step != ingest.StepUpdate || a.RemoteID != "x1" || !a.Adopt || a.Have == nil || a.Want.Email != "P1@acme.example" {
		t.Errorf("attempt %+v", a)
	}
	w.succeed(a)
	if d, _ := w.delivered(id); !d.Adopted || d.RemoteID != "x1" || !slices.Contains(w.journal(), "adopted") {
		t.Errorf("delivered %+v", d)
	}
	// A listing without it changes nothing: only an update that finds nothing
	// proves an account gone.
	if _, err := w.e.Listed("javelo", nil); err != nil {
		t.Fatal(err)
	}
	if d, ok := w.delivered(id); !ok || d.RemoteID != "x1" || len(w.jobs()) != 0 || len(all(w, store.Accounts)) != 0 {
		t.Errorf("delivered %+v, jobs %v", d, w.jobs())
	}
}

func TestAccountFoundByItsLoginIsClaimed(t *testing.T) {
	for _, tc := range []struct {
		name  string
		found model.Account
		adopt bool
	}{
		{"made by somebody else", model.Account{RemoteID: "x1", Login: address(1), Active: true}, true},
		{"made by an earlier attempt", model.Account{RemoteID: "x1", Login: address(1), Active: true, ExternalID: "ours"}, false},
	} {
		w, id := ready(t)
		a := w.begin(id)
		if tc.found.ExternalID != "" {
			tc.found.ExternalID = string(id)
		}
		mine, err := w.e.Claim(&a, tc.found)
		if err != nil || !mine || a.Step != ingest.StepUpdate || a.RemoteID != "x1" || a.Have == nil || a.Adopt != tc.adopt {
			t.Errorf("%s: %t, %v, %+v", tc.name, mine, err, a)
		}
		w.succeed(a)
		if d, _ := w.delivered(id); d.Adopted != tc.adopt || d.RemoteID != "x1" {
			t.Errorf("%s: delivered %+v", tc.name, d)
		}
	}
}

func TestAccountOfAnotherPersonIsNeverClaimed(t *testing.T) {
	w := settled(t, someone(1))
	owner := w.person("hr", 1).ID
	taken, _ := w.delivered(owner)
	w.read("hr", someone(1), someone(2))
	id := w.person("hr", 2).ID
	a := w.begin(id)
	mine, err := w.e.Claim(&a, model.Account{RemoteID: taken.RemoteID, Login: address(2), Active: true})
	if mine || err != nil {
		t.Fatalf("claimed: %t, %v", mine, err)
	}
	if j, _ := w.job(id); j.State != model.JobParked || j.Reason == "" {
		t.Errorf("job %+v", j)
	}
	persons := []model.PersonID{owner, id}
	slices.Sort(persons)
	if q := w.conflict(model.AccountTaken); q.Target != "javelo" || !slices.Equal(q.Persons, persons) {
		t.Errorf("the conflict says %+v", q)
	}
	if d, _ := w.delivered(owner); d.RemoteID != taken.RemoteID {
		t.Error("the owner lost the account")
	}
}

func TestDeliveryOfSomebodyWhoIsNoPersonAnyMoreIsDropped(t *testing.T) {
	w, id := ready(t)
	if a, err := w.e.Begin("javelo", "p_unknown"); a.Step != ingest.StepNone || err != nil {
		t.Errorf("attempt %+v, %v", a, err)
	}
	if a, err := w.e.Begin("elevo", id); a.Step != ingest.StepNone || err != nil {
		t.Errorf("attempt in a target that is not configured: %+v, %v", a, err)
	}
	w.failed(ingest.Attempt{Target: "javelo", Person: "p_unknown"}, ingest.Outcome{Class: "transient"})
	if _, made := w.job("p_unknown"); made {
		t.Error("a failure made a job")
	}
}

func TestLaneChangesAreJournaledExceptWaiting(t *testing.T) {
	w := newWorld(t)
	for _, step := range []struct {
		state model.LaneState
		verb  []string
	}{
		{model.LaneWaiting, nil}, {model.LaneOpen, nil}, {model.LaneWaiting, nil}, {model.LaneBroken, []string{"lane_broken"}}, {model.LaneBroken, nil},
		{model.LaneOpen, []string{"lane_open"}}, {model.LaneDenied, []string{"lane_denied"}}, {model.LaneOpen, []string{"lane_open"}},
	} {
		n := len(w.journal())
		if err := w.e.SetLane("rollcall", "javelo", func(l *model.Lane) { l.State = step.state }); err != nil {
			t.Fatal(err)
		}
		if got := w.since(n); !slices.Equal(got, step.verb) {
			t.Errorf("to %s: journaled %v, want %v", step.state, got, step.verb)
		}
	}
}
