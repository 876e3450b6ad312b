package reconcile

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/appliance/model"
)

func someone(pairs ...string) model.Person {
	p := model.Person{ID: "p1", Status: model.Active, Access: model.AccessOn, Attributes: model.Attributes{model.Email: model.Text(" Ada@acme.example ")}, EmailKey: mail("ada")}
	for i := 0; i < len(pairs); i += 2 {
		p.Attributes[model.Name(pairs[i])] = model.Text(pairs[i+1])
	}
	return p
}

func holds(active bool, pairs ...string) *model.Desired {
	d := &model.Desired{Person: "p1", Active: active, Email: "Ada@acme.example", Attributes: map[model.Name]string{}}
	for i := 0; i < len(pairs); i += 2 {
		d.Attributes[model.Name(pairs[i])] = pairs[i+1]
	}
	return d
}

var takesTitle = &TargetRules{Attributes: []model.Name{model.Title, model.Email, model.Manager}}

func TestEffectOfAPersonOnAnAccount(t *testing.T) {
	off, keep, waiting, frozen := someone("title", "New"), someone("title", "New"), someone("title", "New"), someone("title", "New")
	off.Access, keep.Access, keep.Reason = model.AccessOff, model.AccessKeep, "nobody knows"
	waiting.Waiting = "there is no name yet"
	frozen.Held = []model.ConflictID{"c1"}
	frozenOff := off
	frozenOff.Held = frozen.Held
	for _, tc := range []struct {
		name    string
		p       model.Person
		holding Holding
		effect  model.Effect
		changed []model.Name
		blocked bool
	}{
		{"no account", someone("title", "New"), Holding{}, model.EffectCreate, nil, false},
		{"no account and waiting", waiting, Holding{}, model.EffectNone, nil, true},
		{"an account is kept in step while waiting", waiting, Holding{State: holds(true), Ours: true}, model.EffectUpdate, []model.Name{"title"}, false},
		{"no account and no use for one", off, Holding{}, model.EffectNone, nil, false},
		{"our account says the same", someone("title", "New"), Holding{State: holds(true, "title", "New"), Ours: true}, model.EffectNone, nil, false},
		{"our account differs", someone("title", "New"), Holding{State: holds(true, "title", "Old"), Ours: true}, model.EffectUpdate, []model.Name{"title"}, false},
		{"another's account is adopted even when it says the same", someone("title", "New"), Holding{State: holds(true, "title", "New")}, model.EffectAdopt, nil, false},
		{"another's account differs", someone("title", "New"), Holding{State: holds(true)}, model.EffectAdopt, []model.Name{"title"}, false},
		{"a leaver's account is on", off, Holding{State: holds(true, "title", "Old"), Ours: true}, model.EffectDeactivate, []model.Name{"active"}, false},
		{"a leaver's account is off and differs", off, Holding{State: holds(false, "title", "Old"), Ours: true}, model.EffectNone, nil, false},
		{"a leaver's account that another made is switched off too", off, Holding{State: holds(true)}, model.EffectDeactivate, []model.Name{"active"}, false},
		{"a returner's account is off", someone("title", "New"), Holding{State: holds(false, "title", "Old"), Ours: true}, model.EffectReactivate, []model.Name{"title", "active"}, false},
		{"a returner's account that another made is off", someone("title", "New"), Holding{State: holds(false, "title", "New")}, model.EffectReactivate, []model.Name{"active"}, false},
		{"nothing certain is known", keep, Holding{State: holds(true), Ours: true}, model.EffectNone, nil, true},
		{"a conflict stops an update", frozen, Holding{State: holds(true), Ours: true}, model.EffectNone, nil, true},
		{"and a creation", frozen, Holding{}, model.EffectNone, nil, true},
		{"and a deactivation", frozenOff, Holding{State: holds(true), Ours: true}, model.EffectNone, nil, true},
	} {
		pr := Project(tc.p, tc.holding, ManagerView{}, takesTitle)
		if pr.Effect != tc.effect || (pr.Blocked != "") != tc.blocked || cmp.Diff(tc.changed, pr.Changed) != "" {
			t.Errorf("%s: %s of %v, blocked %q; want %s of %v", tc.name, pr.Effect, pr.Changed, pr.Blocked, tc.effect, tc.changed)
		}
		if pr.Effect != model.EffectNone && pr.Want.Active == (tc.p.Access == model.AccessOff) {
			t.Errorf("%s: the account would be active: %t", tc.name, pr.Want.Active)
		}
	}
}

func TestAbsentStaysNullClearsUnknownIsNotSent(t *testing.T) {
	rules := &TargetRules{Attributes: []model.Name{model.Title, model.Department, model.Site}, Custom: true}
	p := someone("title", "Engineer", "department", "", "custom.team", "Blue", "work_phone", "+33 4", "gender", "")
	got := Project(p, Holding{State: holds(true, "department", "Sales", "site", "Lyon", "work_phone", "+33 1"), Ours: true}, ManagerView{}, rules)
	want := map[model.Name]string{model.Title: "Engineer", model.Department: "", model.Site: "Lyon", "custom.team": "Blue", model.WorkPhone: "+33 1"}
	if diff := cmp.Diff(want, got.Want.Attributes); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]model.Name{model.Title, model.Department, "custom.team"}, got.Changed); diff != "" {
		t.Errorf("changed: %s", diff)
	}
	rules.Custom = false
	created := Project(p, Holding{}, ManagerView{}, rules).Want
	if diff := cmp.Diff(map[model.Name]string{model.Title: "Engineer"}, created.Attributes); diff != "" {
		t.Errorf("a new account clears what was never there, or gets what it cannot hold: %s", diff)
	}
	if created.Email != "Ada@acme.example" || created.Manager != nil {
		t.Errorf("a new account logs in as %q under manager %v", created.Email, created.Manager)
	}
	// What was cleared once stays cleared without being written again.
	if pr := Project(someone("department", ""), Holding{State: holds(true, "department", ""), Ours: true}, ManagerView{}, rules); pr.Effect != model.EffectNone {
		t.Errorf("an empty attribute is written again: %v", pr.Changed)
	}
}

func TestDerivedAttributesAreSentAndCleared(t *testing.T) {
	rules := &TargetRules{Derive: func(a model.Attributes) map[model.Name]string {
		return map[model.Name]string{"custom.label": a.Text(model.Title), "custom.none": ""}
	}}
	if got := Project(someone("title", "Engineer"), Holding{}, ManagerView{}, rules).Want.Attributes; cmp.Diff(map[model.Name]string{"custom.label": "Engineer"}, got) != "" {
		t.Errorf("derived %v", got)
	}
	pr := Project(someone(), Holding{State: holds(true, "custom.label", "Engineer"), Ours: true}, ManagerView{}, rules)
	if diff := cmp.Diff([]model.Name{"custom.label"}, pr.Changed); diff != "" || pr.Want.Attributes["custom.label"] != "" {
		t.Errorf("a derived attribute that became empty is not cleared: %v", pr)
	}
}

func TestLoginFollowsOnlyWhereAllowed(t *testing.T) {
	renamed := someone("title", "New")
	renamed.Attributes[model.Email], renamed.EmailKey = model.Text("ada.curie@acme.example"), mail("ada.curie")
	held := Holding{State: holds(true, "title", "New"), Ours: true}
	strict := Project(renamed, held, ManagerView{}, takesTitle)
	if strict.Effect != model.EffectNone || !strict.LoginChange {
		t.Errorf("not allowed: %s, asked about: %t", strict.Effect, strict.LoginChange)
	}
	free := Project(renamed, held, ManagerView{}, &TargetRules{Attributes: takesTitle.Attributes, IdentifierChanges: true})
	if free.LoginChange || free.Effect != model.EffectUpdate || free.Want.Email != "ada.curie@acme.example" || cmp.Diff([]model.Name{model.Email}, free.Changed) != "" {
		t.Errorf("allowed: %+v", free)
	}
	held.State.Attributes[model.Title] = "Old"
	if pr := Project(renamed, held, ManagerView{}, takesTitle); pr.Effect != model.EffectUpdate || pr.Want.Email != "Ada@acme.example" || !pr.LoginChange {
		t.Errorf("the rest does not flow under the old login: %+v", pr)
	}
	respelled := someone("title", "New")
	respelled.Attributes[model.Email] = model.Text("ADA@ACME.example")
	if pr := Project(respelled, Holding{State: holds(true, "title", "New"), Ours: true}, ManagerView{}, takesTitle); pr.Effect != model.EffectNone || pr.LoginChange {
		t.Errorf("another spelling of the login is a change: %+v", pr)
	}
}

func TestManagerLinkFollowsWhatIsKnown(t *testing.T) {
	link := func(p model.PersonID) *model.ManagerLink { return &model.ManagerLink{Person: p} }
	none := &model.ManagerLink{}
	said, null := someone("manager", "boss"), someone("manager", "")
	for _, tc := range []struct {
		name    string
		p       model.Person
		view    ManagerView
		have    *model.ManagerLink
		want    *model.ManagerLink
		changed bool
	}{
		{"a manager with an account is linked", said, ManagerView{Person: "m", Linkable: true}, nil, link("m"), true},
		{"the same manager is no change", said, ManagerView{Person: "m", Linkable: true}, link("m"), link("m"), false},
		{"another manager replaces the old", said, ManagerView{Person: "m2", Linkable: true}, link("m"), link("m2"), true},
		{"a manager who cannot be linked yet leaves the old link", said, ManagerView{Person: "m2"}, link("m"), link("m"), false},
		{"a manager who did not resolve leaves the old link", said, ManagerView{}, link("m"), link("m"), false},
		{"a manager whose account is off clears the link", said, ManagerView{Person: "m", Off: true}, link("m"), none, true},
		{"known to have no manager clears the link", null, ManagerView{}, link("m"), none, true},
		{"nothing said leaves the link", someone(), ManagerView{}, link("m"), link("m"), false},
		{"known to have no manager, and none linked", null, ManagerView{}, nil, nil, false},
		{"a manager off, and none linked", said, ManagerView{Person: "m", Off: true}, none, none, false},
	} {
		have := holds(true)
		have.Manager = tc.have
		pr := Project(tc.p, Holding{State: have, Ours: true}, tc.view, takesTitle)
		if diff := cmp.Diff(tc.want, pr.Want.Manager); diff != "" {
			t.Errorf("%s: %s", tc.name, diff)
		}
		if changed := cmp.Diff([]model.Name{model.Manager}, pr.Changed) == ""; changed != tc.changed {
			t.Errorf("%s: changed %v", tc.name, pr.Changed)
		}
	}
}

func TestDeactivationClearsTheManagerAndKeepsTheRest(t *testing.T) {
	have := holds(true, "title", "Engineer")
	have.Manager = &model.ManagerLink{Person: "m"}
	p := someone("title", "Director")
	p.Access = model.AccessOff
	pr := Project(p, Holding{State: have, Ours: true}, ManagerView{Person: "m", Linkable: true}, takesTitle)
	want := model.Desired{Person: "p1", Email: "Ada@acme.example", Attributes: map[model.Name]string{model.Title: "Engineer"}, Manager: &model.ManagerLink{}}
	if diff := cmp.Diff(want, pr.Want); diff != "" {
		t.Error(diff)
	}
	if !have.Active || have.Manager.Person != "m" {
		t.Error("projecting changed what it was given")
	}
	have.Manager = nil
	if pr := Project(p, Holding{State: have, Ours: true}, ManagerView{}, takesTitle); pr.Want.Manager != nil {
		t.Errorf("a link that nobody knows of is written: %v", pr.Want.Manager)
	}
}

func TestListedAccountBecomesAStateToCompareWith(t *testing.T) {
	account := model.Account{RemoteID: "j1", Login: "ADA@acme.example", Active: true, Attributes: map[model.Name]string{model.Title: "Old"}, ManagerRemoteID: "j9"}
	have := FromAccount("p1", account)
	if have.Email != "ADA@acme.example" || !have.Active || have.Manager != nil || have.Attributes[model.Title] != "Old" {
		t.Errorf("compared with %+v", have)
	}
	have.Attributes[model.Title] = "New"
	if account.Attributes[model.Title] != "Old" {
		t.Error("the state shares its attributes with the account")
	}
}

func TestSameLogin(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		want bool
	}{{"a@x.example", "A@X.example", true}, {"a@x.example", "b@x.example", false}, {"", "", true}, {"", "a@x.example", false}, {"nothing", "nothing", true}, {"nothing", "NOTHING", false}} {
		if got := SameLogin(tc.a, tc.b); got != tc.want {
			t.Errorf("SameLogin(%q, %q) = %t", tc.a, tc.b, got)
		}
	}
}
