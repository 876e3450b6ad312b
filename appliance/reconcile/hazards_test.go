package reconcile

import (
	"fmt"
	"slices"
	"testing"

	"rollcall/appliance/identity"
	"rollcall/appliance/model"
)

// The hazards of the reference (hr-and-saas-apis.md §9), as far as this package
// decides them. The others:
//
//	9.11 pagination drift            connectors (connectortest), ingest TestHazard9_11
//	9.12 mass termination            Judge and Shrunk here; what is held, in ingest TestHazard9_12
//	9.13 null and absent             here; a vanished column, in ingest TestHazard9_13
//	9.15 the customer's midnight     dates here; whose today, in ingest TestHazard9_15
//	9.19 volatile fields             ingest TestHazard9_19
//	9.20 values that flap            here; what one source takes back and forth, in ingest TestHazard9_20
//	9.21 stale reads                 ingest TestHazard9_21
//	9.22 refused credentials         poll TestHazard9_22, relay TestHazard9_22
//	9.26 control characters          mapping TestHazard9_26; formulas and lengths, targets and exporters
//	9.27 first activation            ingest TestHazard9_27

var everything = &TargetRules{Attributes: model.Names, Custom: true, IdentifierChanges: true}

func flows(p model.Person) bool {
	return Project(p, Holding{}, ManagerView{}, everything).Effect == model.EffectCreate
}

func TestHazard9_1_DuplicateEmailHoldsAllOfTheClashAndNobodyElse(t *testing.T) {
	w := newWorld()
	w.put(ada("hr", "1"))
	w.put(ada("idp", "7"))
	w.put(bea("hr", "2"))
	w.put(says("hr", "3", "given_name", "Adam", "family_name", "Rossi", "email", " ADA@acme.example"))
	for id, want := range map[model.RecordID]bool{"r-hr1": false, "r-idp7": false, "r-hr2": true} {
		if got := flows(personOf(t, w, id)); got != want {
			t.Errorf("%s flows: %t, want %t", id, got, want)
		}
	}
	if w.records["r-hr3"].Person != "" {
		t.Error("the second of the clash was given a person")
	}
	sameKinds(t, w, model.DuplicateIdentifier)
	// When one of them ends, the clash is over and the current one wins.
	w.put(ended(says("hr", "3", "given_name", "Adam", "family_name", "Rossi", "email", mail("adam"))))
	sameKinds(t, w)
	if !flows(personOf(t, w, "r-hr1")) {
		t.Error("the remaining one does not flow")
	}
}

func TestHazard9_2_RehireReactivatesTheOldAccount(t *testing.T) {
	t.Run("a new id", func(t *testing.T) {
		w := newWorld()
		w.put(ended(ada("hr", "1")))
		old := personOf(t, w, "r-hr1")
		plan := w.put(ada("hr", "900"))
		now := personOf(t, w, "r-hr900")
		if now.ID != old.ID || len(plan.Notes) != 1 {
			t.Fatalf("the rehire is %s, and was %s; noted %v", now.ID, old.ID, plan.Notes)
		}
		if pr := Project(now, Holding{State: &model.Desired{Email: mail("ada")}, Ours: true}, ManagerView{}, everything); pr.Effect != model.EffectReactivate {
			t.Errorf("the old account gets %s", pr.Effect)
		}
	})
	t.Run("the same id with new dates", func(t *testing.T) {
		w := newWorld()
		w.put(ada("hr", "1", "start_date", "2020-01-01", "end_date", "2025-12-31"))
		old := personOf(t, w, "r-hr1")
		if old.Access != model.AccessOff {
			t.Fatalf("before the rehire access is %s", old.Access)
		}
		w.put(ada("hr", "1", "start_date", "2026-11-01", "end_date", "2025-12-31")) // the old end is still there
		if now := personOf(t, w, "r-hr1"); now.ID != old.ID || now.Access != model.AccessOn {
			t.Errorf("the rehire is %s with access %s", now.ID, now.Access)
		}
	})
	t.Run("another source knows the employee number", func(t *testing.T) {
		w := newWorld()
		w.put(ended(ada("adp", "1", "employee_number", "42")))
		w.put(says("partner", "2", "given_name", "Ada", "family_name", "Moreau", "email", mail("a.moreau"), "employee_number", "42"))
		if w.records["r-adp1"].Person != w.records["r-partner2"].Person {
			t.Error("the employee number did not find them")
		}
	})
}

func TestHazard9_3_PersonalEmailHoldsTheCreationOnly(t *testing.T) {
	w := newWorld()
	w.put(says("hr", "1", "given_name", "Ada", "email", "ada.moreau@gmail.com"))
	p := personOf(t, w, "r-hr1")
	if flows(p) {
		t.Error("an account is made for a personal address")
	}
	sameKinds(t, w, model.PersonalEmail)
	if pr := Project(p, Holding{State: holds(true), Ours: true}, ManagerView{}, takesTitle); pr.Blocked != "" {
		t.Errorf("an account that exists is blocked: %s", pr.Blocked)
	}
}

func TestHazard9_4_EmailChangeFollowsTheLinkNotTheAddress(t *testing.T) {
	w := newWorld()
	w.put(ada("hr", "1"))
	before := personOf(t, w, "r-hr1").ID
	w.put(says("hr", "1", "given_name", "Ada", "family_name", "Curie", "email", mail("ada.curie")))
	after := personOf(t, w, "r-hr1")
	if after.ID != before || after.EmailKey != mail("ada.curie") || len(w.persons) != 1 {
		t.Errorf("after the marriage the person is %s with %s", after.ID, after.EmailKey)
	}
	sent := Holding{State: holds(true), Ours: true}
	if pr := Project(after, sent, ManagerView{}, &TargetRules{IdentifierChanges: true}); pr.Effect != model.EffectUpdate || pr.Want.Email != mail("ada.curie") {
		t.Errorf("allowed: %s to %s", pr.Effect, pr.Want.Email)
	}
	if pr := Project(after, sent, ManagerView{}, &TargetRules{}); pr.Want.Email != "Ada@acme.example" || !pr.LoginChange {
		t.Errorf("not allowed: the login becomes %s, asked about: %t", pr.Want.Email, pr.LoginChange)
	}
}

func TestHazard9_5_SpellingsOfAnAddressAreOneAndAreDeliveredAsWritten(t *testing.T) {
	w := newWorld()
	w.put(says("hr", "1", "given_name", "Zoé", "email", "\u00a0Zoe\u0301.X@Acme.example\u200b"))
	w.put(says("idp", "7", "given_name", "Zoé", "email", "zoé.x@acme.EXAMPLE"))
	w.put(says("adp", "9", "given_name", "Zoé", "email", "ＺＯÉ.x@acme.example"))
	p := personOf(t, w, "r-hr1")
	if len(p.Records) != 3 {
		t.Errorf("the spellings make %v one", p.Records)
	}
	if got := Project(p, Holding{}, ManagerView{}, everything).Want.Email; got != "Zoé.X@Acme.example" {
		t.Errorf("delivered as %q", got)
	}
	w.put(says("idp", "8", "given_name", "Zoe", "email", "zoe.x@acme.example"))
	w.put(says("idp", "9", "given_name", "Zoé", "email", "zоé.x@acme.example")) // a Cyrillic o
	if len(w.persons) != 3 {
		t.Errorf("%d people, want accents and look-alikes kept apart: 3", len(w.persons))
	}
}

func TestHazard9_6_OwnManagerIsNoneAndCirclesEnd(t *testing.T) {
	if m, resolved, _ := ResolveManager("a", []string{"k"}, func(string) ([]model.PersonID, error) { return []model.PersonID{"a"}, nil }); m != "" || !resolved {
		t.Errorf("one's own manager: %q, %t", m, resolved)
	}
	n := 0
	cycle, _ := ManagerCycle("a", func(p model.PersonID) (model.PersonID, error) {
		if n++; n > 10 {
			t.Fatal("the walk goes round and round")
		}
		return map[model.PersonID]model.PersonID{"a": "b", "b": "a"}[p], nil
	})
	if !slices.Equal(cycle, []model.PersonID{"a", "b"}) {
		t.Errorf("the circle is %v", cycle)
	}
}

func TestHazard9_7_ManagerWhoIsDisabledClearsOneOutOfSightKeeps(t *testing.T) {
	have := holds(true)
	have.Manager = &model.ManagerLink{Person: "m"}
	p := someone("manager", "boss")
	off := Project(p, Holding{State: have, Ours: true}, ManagerView{Person: "m", Off: true}, everything)
	if off.Want.Manager == nil || off.Want.Manager.Person != "" {
		t.Errorf("a disabled manager stays linked: %+v", off.Want.Manager)
	}
	for name, view := range map[string]ManagerView{"not in any source": {}, "waiting for an account": {Person: "m2"}} {
		if pr := Project(p, Holding{State: have, Ours: true}, view, everything); pr.Effect != model.EffectNone && pr.Want.Manager.Person != "m" {
			t.Errorf("%s: the link becomes %+v", name, pr.Want.Manager)
		}
	}
}

func TestHazard9_8_FutureHireWithoutAddressWaitsAndIsCreatedWhenItShowsUp(t *testing.T) {
	w := newWorld()
	w.policy.CreateBeforeStart = 30
	hire := func(address string) model.Record {
		r := says("hr", "1", "given_name", "Ada", "family_name", "Moreau", "start_date", "2026-12-01")
		r.Status = model.Pending
		if address != "" {
			r.Attributes[model.Email] = model.Text(address)
		}
		return r
	}
	w.put(hire(""))
	p := personOf(t, w, "r-hr1")
	if p.Waiting == "" || len(p.Held) > 0 || flows(p) {
		t.Errorf("waits for %q, held by %v", p.Waiting, p.Held)
	}
	w.put(hire(mail("ada")))
	if p := personOf(t, w, "r-hr1"); !flows(p) {
		t.Errorf("still waits for %q", p.Waiting)
	}
	sameKinds(t, w)
}

func TestHazard9_9_NameChangesUpdateInPlaceAndNamelessPeopleAreNotCreated(t *testing.T) {
	w := newWorld()
	w.put(ada("hr", "1"))
	before := personOf(t, w, "r-hr1").ID
	w.put(says("hr", "1", "given_name", "Moreau", "family_name", "Ada", "email", mail("ada")))
	if p := personOf(t, w, "r-hr1"); p.ID != before || p.Attributes.Text(model.DisplayName) != "Moreau Ada" {
		t.Errorf("swapped names give %s, %q", p.ID, p.Attributes.Text(model.DisplayName))
	}
	w.put(says("hr", "2", "given_name", "", "family_name", "", "email", mail("nobody")))
	if flows(personOf(t, w, "r-hr2")) {
		t.Error("an account is made for someone without a name")
	}
	w.put(says("hr", "3", "given_name", "TBD", "family_name", ".", "email", mail("soon")))
	if p := personOf(t, w, "r-hr3"); flows(p) || p.Waiting != "the name is a placeholder" {
		t.Errorf("an account is made for a placeholder, or %q", p.Waiting)
	}
	w.put(says("hr", "3", "given_name", "Ines", "family_name", ".", "email", mail("soon")))
	if !flows(personOf(t, w, "r-hr3")) {
		t.Error("half a name is a name")
	}
}

func TestHazard9_10_RecycledAddressIsAskedAboutNeverInherited(t *testing.T) {
	w := newWorld()
	w.put(ended(ada("hr", "1", "birth_date", "1980-01-01", "employee_number", "41")))
	old := personOf(t, w, "r-hr1").ID
	w.put(says("hr", "2", "given_name", "Adam", "family_name", "Rossi", "email", mail("ada"), "birth_date", "1999-01-01", "employee_number", "42"))
	sameKinds(t, w, model.EmailRecycled)
	if w.records["r-hr2"].Person == old || flows(personOf(t, w, "r-hr1")) {
		t.Error("the newcomer inherited the leaver's person")
	}
}

func TestHazard9_12_LeaversOverTheLimitAllWaitTheRestFlows(t *testing.T) {
	limits := Limits{Deactivations: Limit{Count: 10, HasCount: true, Percent: 5, HasPercent: true}}
	all := slices.Concat(jobs(11, model.EffectDeactivate), jobs(5, model.EffectCreate), jobs(5, model.EffectUpdate, model.Title))
	if got := Judge("javelo", all, Tally{Base: 1000}, limits); len(got.Held) != 11 {
		t.Errorf("%d jobs wait, want all 11 deactivations and nothing else", len(got.Held))
	}
	if shrunk, _ := Shrunk(0, 500, Limit{}); !shrunk {
		t.Error("an empty list passes for a read")
	}
}

func TestHazard9_13_AbsentLeavesTheAccountAloneNullClears(t *testing.T) {
	have := Holding{State: holds(true, "title", "Engineer", "site", "Lyon"), Ours: true}
	pr := Project(someone("site", ""), have, ManagerView{}, everything)
	if pr.Want.Attributes[model.Title] != "Engineer" || pr.Want.Attributes[model.Site] != "" || !slices.Equal(pr.Changed, []model.Name{model.Site}) {
		t.Errorf("changed %v to %v", pr.Changed, pr.Want.Attributes)
	}
}

func TestHazard9_14_NobodyLeavesWhileOneSourceHoldsThem(t *testing.T) {
	w := newWorld()
	w.put(ada("hr", "1", "title", "Engineer"))
	w.put(ada("idp", "7", "title", "Eng."))
	w.put(ended(ada("hr", "1", "title", "Engineer")))
	p := personOf(t, w, "r-idp7")
	if p.Access != model.AccessOn || p.Attributes.Text(model.Title) != "Eng." || p.Provenance[model.Title] != "r-idp7" {
		t.Errorf("access %s, title %q from %s", p.Access, p.Attributes.Text(model.Title), p.Provenance[model.Title])
	}
	w.put(ended(ada("idp", "7")))
	if p = personOf(t, w, "r-idp7"); p.Access != model.AccessOff {
		t.Errorf("when both say so, access is %s", p.Access)
	}
}

func TestHazard9_15_FutureDateNeverEndsAnything(t *testing.T) {
	for _, r := range []model.Record{
		says("hr", "1", "start_date", "2027-03-01"),
		says("hr", "1", "start_date", "2020-01-01", "end_date", "2026-11-22"),
		says("hr", "1", "start_date", "2027-03-01", "end_date", "2026-01-31"),
	} {
		if v := combine(today, &Policy{}, r); v.access == model.AccessOff {
			t.Errorf("start %s, end %s: %s", r.Attributes.Text(model.StartDate), r.Attributes.Text(model.EndDate), v.reason)
		}
	}
}

func TestHazard9_16_OutOfScopeIsLeftAloneAndConversionKeepsThePerson(t *testing.T) {
	w := newWorld()
	contractor := ada("hr", "1", "contract_type", "Freelance")
	contractor.Scope = model.Scope{State: model.OutOfScope, Reason: "[sources.hr.scope] exclude"}
	w.put(contractor)
	p := personOf(t, w, "r-hr1")
	if p.Access != model.AccessKeep || flows(p) || p.Reason != "[sources.hr.scope] exclude" {
		t.Errorf("out of scope: access %s because %q", p.Access, p.Reason)
	}
	w.put(ada("hr", "1", "contract_type", "Permanent"))
	if now := personOf(t, w, "r-hr1"); now.ID != p.ID || !flows(now) {
		t.Errorf("converted: %s, waits for %q", now.ID, now.Waiting)
	}
	w.put(contractor)
	if now := personOf(t, w, "r-hr1"); now.ID != p.ID || now.Access != model.AccessKeep {
		t.Errorf("out of scope again: %s with access %s; leaving the scope is not leaving the company", now.ID, now.Access)
	}
}

func TestHazard9_17_RescindedTerminationReactivates(t *testing.T) {
	w := newWorld()
	w.put(ada("hr", "1", "end_date", "2026-11-20"))
	if p := personOf(t, w, "r-hr1"); p.Access != model.AccessOff {
		t.Fatalf("access is %s", p.Access)
	}
	w.put(ada("hr", "1", "end_date", ""))
	p := personOf(t, w, "r-hr1")
	if pr := Project(p, Holding{State: holds(false), Ours: true}, ManagerView{}, takesTitle); pr.Effect != model.EffectReactivate || p.Review != "" {
		t.Errorf("%s, looked at again on %q", pr.Effect, p.Review)
	}
	w.put(ada("hr", "1", "end_date", "2026-12-31"))
	if p = personOf(t, w, "r-hr1"); p.Access != model.AccessOn || p.Review != "2027-01-01" {
		t.Errorf("moved: %s until %q", p.Access, p.Review)
	}
}

func TestHazard9_18_LeaveIsNotLeaving(t *testing.T) {
	for deactivates, want := range map[bool]model.Access{false: model.AccessOn, true: model.AccessOff} {
		r := says("hr", "1")
		r.Status, r.RawStatus = model.Leave, "parental leave"
		if v := combine(today, &Policy{LeaveDeactivates: deactivates}, r); v.access != want || v.status != model.Leave {
			t.Errorf("leave deactivates: %t: %s, %s", deactivates, v.status, v.access)
		}
	}
}

func TestHazard9_20_TwoSourcesThatDisagreeDoNotFlap(t *testing.T) {
	w := newWorld()
	hr, idp := ada("hr", "1", "title", "Ingénieure"), ada("idp", "7", "title", "Engineer")
	w.put(hr)
	w.put(idp)
	sent := Project(personOf(t, w, "r-hr1"), Holding{}, ManagerView{}, everything).Want
	for range 4 {
		for _, r := range []model.Record{idp, hr} {
			w.put(r)
			if pr := Project(personOf(t, w, "r-hr1"), Holding{State: &sent, Ours: true}, ManagerView{}, everything); pr.Effect != model.EffectNone {
				t.Fatalf("%s of %v after %s spoke", pr.Effect, pr.Changed, r.Source)
			}
		}
	}
}

func TestHazard9_23_ErasedPersonIsOneWhoLeft(t *testing.T) {
	w := newWorld()
	w.put(ada("hr", "1"))
	erased := ada("hr", "1")
	erased.Gone = true
	w.put(erased)
	if p := personOf(t, w, "r-hr1"); p.Access != model.AccessOff || p.Status != model.Inactive {
		t.Errorf("%s with access %s", p.Status, p.Access)
	}
}

func TestHazard9_24_RenamedDepartmentIsOneCause(t *testing.T) {
	limits := Limits{Attributes: Limit{Percent: 30, HasPercent: true}}
	got := Judge("javelo", jobs(40, model.EffectUpdate, model.Department), Tally{Base: 100}, limits)
	if len(got.Holds) != 1 || got.Holds[0].Attribute != model.Department || got.Holds[0].Count != 40 {
		t.Errorf("held by %+v, want one hold that names the column", got.Holds)
	}
}

func TestHazard9_25_NumbersAreTextFromEndToEnd(t *testing.T) {
	long := "9007199254740993123" // no float holds it
	var seen []model.Identifier
	for i, raw := range []string{"00057", "57", "57.0", long, "9007199254740993124"} {
		r := says("adp", fmt.Sprint(i), "employee_number", raw)
		ids := identifiersOf(r)
		if len(ids) != 1 || ids[0].Value != raw || slices.Contains(seen, ids[0]) {
			t.Errorf("%q identifies as %v", raw, ids)
		}
		seen = append(seen, ids...)
	}
}

func identifiersOf(r model.Record) []model.Identifier {
	ids, _ := identity.Of(r.Attributes, true)
	return ids
}
