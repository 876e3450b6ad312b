package ingest_test

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/appliance/model"
	"rollcall/appliance/reconcile"
	"rollcall/appliance/store"
)

// The hazards of the reference (hr-and-saas-apis.md §9) that this package
// decides; the list in reconcile's hazards_test.go says where the others are.

func TestHazard9_2_RehireUsesTheOldAccountNeverASecondOne(t *testing.T) {
	w := settled(t, someone(1))
	id := w.person("hr", 1).ID
	w.read("hr", left(someone(1)))
	w.deliver()
	back := someone(1)
	back.Native = "900"
	w.read("hr", left(someone(1)), back)
	if got := w.person("hr", 900).ID; got != id {
		t.Fatalf("the rehire is %s, and was %s", got, id)
	}
	if got := w.deliver(); fmt.Sprint(got) != fmt.Sprint(map[model.Effect]int{model.EffectReactivate: 1}) {
		t.Errorf("delivered %v", got)
	}
	if !slices.Contains(w.journal(), "rehired") {
		t.Errorf("journal %v", w.journal())
	}
}

func TestHazard9_10_RecycledAddressDoesNotTouchTheLeaversAccount(t *testing.T) {
	w := settled(t, someone(1), someone(2))
	w.read("hr", left(someone(1)), someone(2))
	w.deliver()
	account, _ := w.delivered(w.person("hr", 1).ID)
	w.read("hr", left(someone(1)), someone(2), someone(3, "email", address(1)))
	w.conflict(model.EmailRecycled)
	if got := w.deliver(); len(got) != 0 {
		t.Errorf("delivered %v", got)
	}
	if now, _ := w.delivered(w.person("hr", 1).ID); now.RemoteID != account.RemoteID || now.Sent.Active {
		t.Errorf("the leaver's account is %+v", now)
	}
}

func TestHazard9_11_RepeatedPeopleCountOnceAndAnInconsistentReadEndsNothing(t *testing.T) {
	w := settled(t, people(4)...)
	for range 3 {
		r := w.start("hr")
		for _, p := range [][]model.Observation{people(2), people(2), {someone(3)}} {
			if err := r.Page(page(p...)); err != nil {
				t.Fatal(err)
			}
		}
		run, err := r.Finish(errReset) // the count does not agree, says the connector
		if err != nil || run.Counts.Seen != 3 || run.Counts.Gone != 0 {
			t.Errorf("%+v, %v", run.Counts, err)
		}
	}
	if w.record("hr", 4).Gone {
		t.Error("an inconsistent read ended somebody")
	}
}

func TestHazard9_12_NoGlitchOfASourceEndsAnybody(t *testing.T) {
	w := settled(t, people(40)...)
	w.settings.Limits = reconcile.Limits{Deactivations: reconcile.Limit{Percent: 5, HasPercent: true}, Shrink: reconcile.Limit{Percent: 10, HasPercent: true}}
	for name, glitch := range map[string]func(){
		"an empty list":   func() { w.read("hr") },
		"half a list":     func() { w.read("hr", people(20)...) },
		"a broken read":   func() { w.readUntil("hr", errReset, people(20)...) },
		"all terminated":  func() { w.read("hr", leavers(40, 40)...) },
		"many terminated": func() { w.read("hr", leavers(40, 5)...) },
	} {
		for range 3 {
			glitch()
			if got := w.deliver(); got[model.EffectDeactivate] != 0 {
				t.Fatalf("%s: delivered %v", name, got)
			}
		}
		w.read("hr", people(40)...)
		if got := w.deliver(); len(got) != 0 || len(w.waiting()) != 0 {
			t.Errorf("%s: after a good read delivered %v, waiting %v", name, got, w.waiting())
		}
	}
}

func TestHazard9_13_LostPermissionKeepsTheValuesOfEverybody(t *testing.T) {
	w := settled(t, people(10, "title", "Analyst")...)
	run := w.read("hr", people(10)...)
	if got := w.deliver(); len(got) != 0 || len(run.Notes) != 1 {
		t.Errorf("delivered %v, noted %v", got, run.Notes)
	}
}

func TestHazard9_15_TodayIsTheCustomersDay(t *testing.T) {
	w := newWorld(t)
	tokyo, err := time.LoadLocation("Asia/Tokyo")
	if err != nil {
		t.Fatal(err)
	}
	w.settings.Location = tokyo
	w.now = time.Date(2026, 11, 22, 15, 0, 0, 0, time.UTC) // midnight there
	w.read("hr")
	w.activate("hr")
	w.read("hr", someone(1, "start_date", "2026-11-23"), someone(2, "end_date", "2026-11-22"))
	if one, two := w.person("hr", 1), w.person("hr", 2); one.Access != model.AccessOn || two.Access != model.AccessOff {
		t.Errorf("first day: %s, last day over: %s", one.Access, two.Access)
	}
}

func TestHazard9_19_VolatileFieldsCauseNoDelivery(t *testing.T) {
	w := settled(t, someone(1))
	persons := all(w, store.Persons)
	o := someone(1)
	o.Document = []byte(`{"avatar":"https://img.example/2","modifiedAt":"2026-11-23"}`)
	w.read("hr", o)
	if diff := cmp.Diff(persons, all(w, store.Persons)); diff != "" || len(w.jobs()) != 0 {
		t.Errorf("jobs %v: %s", w.jobs(), diff)
	}
}

func TestHazard9_20_SourcesThatTakeTurnsCauseNoDelivery(t *testing.T) {
	w := settled(t, someone(1, "title", "Ingénieure"))
	w.activate("okta")
	res := w.create(user(1, true))
	w.deliver()
	writes := 0
	for i := range 5 {
		draft := user(1, true)
		draft.Body.Set("title", []string{"Engineer", "engineer"}[i%2])
		w.put(res.ID, draft)
		w.read("hr", someone(1, "title", "Ingénieure"))
		for _, n := range w.deliver() {
			writes += n
		}
	}
	if writes != 0 {
		t.Errorf("%d writes for a title that two sources see differently", writes)
	}
}

func TestHazard9_20_AValueThatOneSourceTakesBackAndForthIsFrozenAndTold(t *testing.T) {
	titles := [2]string{"Ingénieure", "Engineer"} // a label in the language of whoever looked last
	w := settled(t, someone(1, "title", titles[0]), someone(2))
	writes, told, account := 0, 0, titles[0]
	flap := func(times int) {
		for i := range times {
			run := w.read("hr", someone(1, "title", titles[(i+1)%2]), someone(2, "title", fmt.Sprint("Grade ", i))) // the other one is promoted each time
			for _, n := range run.Notes {
				if strings.HasPrefix(n, "1 record: title goes back and forth") {
					told++
				}
			}
			w.deliver()
			if d, _ := w.delivered(w.person("hr", 1).ID); d.Sent.Attributes[model.Title] != account {
				writes, account = writes+1, d.Sent.Attributes[model.Title]
			}
		}
	}
	flap(12)
	if writes > 3 || told != 1 {
		t.Errorf("%d of 12 times the account followed, told %d times", writes, told)
	}
	if p := w.person("hr", 1); p.Attributes.Text(model.Title) != titles[0] || len(p.Frozen) != 1 || len(w.person("hr", 2).Frozen) != 0 {
		t.Errorf("the roster says what the source says, %q; frozen %v and %v", p.Attributes.Text(model.Title), p.Frozen, w.person("hr", 2).Frozen)
	}
	// Once it rests for a day, accounts follow again.
	rest := titles[0]
	if account == rest {
		rest = titles[1]
	}
	w.read("hr", someone(1, "title", rest), someone(2, "title", "Grade 11"))
	w.now = w.now.AddDate(0, 0, 1)
	if _, err := w.e.TurnDay(); err != nil {
		t.Fatal(err)
	}
	w.deliver()
	if d, _ := w.delivered(w.person("hr", 1).ID); d.Sent.Attributes[model.Title] != rest || len(w.person("hr", 1).Frozen) != 0 {
		t.Errorf("after a day of rest the account says %q, frozen %v", d.Sent.Attributes[model.Title], w.person("hr", 1).Frozen)
	}
}

func TestHazard9_21_AStaleReadIsNoEvidenceAndTheNextPutsItRight(t *testing.T) {
	w := settled(t, someone(1, "title", "Analyst"), someone(2))
	w.read("hr", someone(1, "title", "Partner"), someone(2), someone(3))
	w.deliver()
	w.read("hr", someone(1, "title", "Analyst"), someone(2)) // as it was before, and without the newcomer
	if got := w.deliver(); got[model.EffectDeactivate] != 0 || w.record("hr", 3).Gone {
		t.Errorf("a stale read ended somebody: %v", got)
	}
	w.read("hr", someone(1, "title", "Partner"), someone(2), someone(3))
	w.deliver()
	if d, _ := w.delivered(w.person("hr", 1).ID); d.Sent.Attributes[model.Title] != "Partner" || len(w.jobs()) != 0 || len(w.conflicts()) != 0 {
		t.Errorf("after a good read %+v, jobs %v", d.Sent, w.jobs())
	}
}

func TestHazard9_27_NothingIsWrittenBeforeActivation(t *testing.T) {
	w := newWorld(t)
	for range 3 {
		w.read("hr", people(10)...)
		w.create(user(len(all(w, store.Resources))+20, true))
		if _, err := w.e.Listed("javelo", []model.Account{{RemoteID: "x1", Login: address(1), Active: true}}); err != nil {
			t.Fatal(err)
		}
	}
	if len(w.jobs()) != 0 || w.kicks != 0 {
		t.Errorf("jobs %v, the relay was woken %d times", w.jobs(), w.kicks)
	}
}

// TestReceiptsNameNoPersonalValue drives everything that writes an event, with
// values found nowhere else, and looks for them in all events, runs and lanes.
func TestReceiptsNameNoPersonalValue(t *testing.T) {
	canaries := []string{"canarina", "kanarek", "canary@acme.example", "canary.two@acme.example", "canary-title", "canary-number", "2031-07-09", "1971-03-04", "canary-leave", "+33600000001"}
	w := settled(t, people(3)...)
	canary := func(pairs ...string) model.Observation {
		return someone(7, append([]string{"given_name", "Canarina", "family_name", "Kanarek", "email", "canary@acme.example", "title", "canary-title", "mobile_phone", "+33600000001",
			"employee_number", "canary-number", "birth_date", "1971-03-04", "end_date", "2031-07-09"}, pairs...)...)
	}
	rest := people(3)
	w.read("hr", append(rest, canary())...)
	w.deliver()
	w.read("hr", append(rest, canary("email", "canary.two@acme.example"))...)
	w.deliver()
	away := canary()
	away.Status, away.RawStatus = model.Leave, "canary-leave"
	w.read("hr", append(rest, away)...)
	w.deliver()
	w.read("hr", append(rest, left(canary()))...)
	w.deliver()
	w.read("hr", append(rest, canary(), someone(8, "email", "canary@acme.example"))...)
	q := w.conflict(model.DuplicateIdentifier)
	d := w.resolve(q, resolveSet(w, "canary.two@acme.example"))
	if err := w.e.Undo("test", d.ID); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		w.read("hr", rest...)
	}
	w.now = time.Date(2031, 7, 10, 9, 0, 0, 0, time.UTC)
	if _, err := w.e.TurnDay(); err != nil {
		t.Fatal(err)
	}
	res := w.create(user(9, true))
	w.put(res.ID, user(9, false))
	told := fmt.Sprintf("%+v\n%+v\n%+v", all(w, store.Journal), all(w, store.Runs), all(w, store.Lanes))
	for _, c := range canaries {
		if i := strings.Index(strings.ToLower(told), c); i >= 0 {
			t.Errorf("%q is told: …%s…", c, told[max(0, i-120):min(len(told), i+40)])
		}
	}
	if len(all(w, store.History)) == 0 {
		t.Error("no values are kept for the history at all")
	}
}

func TestSecretOfTheDatabaseAndDigestsAreNotTheValues(t *testing.T) {
	w := settled(t, someone(1))
	w.read("hr", someone(1, "title", "Partner"))
	j, _ := w.job(w.person("hr", 1).ID)
	other := settled(t, someone(1))
	other.read("hr", someone(1, "title", "Partner"))
	k, _ := other.job(other.person("hr", 1).ID)
	if j.Digest == "" || j.Digest == k.Digest {
		t.Error("digests of two databases can be compared")
	}
	raw, err := os.ReadFile(w.s.Path())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(raw, w.s.Secret()) {
		t.Error("the key of the digests is not in the database: after a restart every digest would differ")
	}
}
