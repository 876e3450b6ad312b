package ingest_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"rollcall/appliance/ingest"
	"rollcall/appliance/model"
	"rollcall/appliance/store"
	"rollcall/scimsrv"
	"rollcall/scimsrv/attr"
)

// user is a SCIM user with a number for a name.
func user(n int, active bool, more ...attr.Member) scimsrv.Draft {
	name := address(n)
	body := attr.NewObject(append([]attr.Member{{Name: "userName", Value: name}, {Name: "given", Value: "Given" + letters(n)}, {Name: "family", Value: "Family"}, {Name: "active", Value: active}}, more...)...)
	return scimsrv.Draft{Body: body, Keys: []scimsrv.Key{{Attribute: "username", Value: name, Unique: true}}}
}

// leaving returns a change that leaves the draft behind.
func leaving(draft scimsrv.Draft) func(scimsrv.View) (scimsrv.Draft, error) {
	return func(scimsrv.View) (scimsrv.Draft, error) { return draft, nil }
}

func (w *world) create(draft scimsrv.Draft) scimsrv.Resource {
	w.t.Helper()
	res, err := w.e.Directory().Create(w.t.Context(), sender, scimsrv.User, draft)
	if err != nil {
		w.t.Fatal(err)
	}
	return res
}

func (w *world) put(id string, draft scimsrv.Draft) {
	w.t.Helper()
	if _, err := w.e.Directory().Update(w.t.Context(), sender, scimsrv.User, id, leaving(draft)); err != nil {
		w.t.Fatal(err)
	}
}

// recordOf is the record made of a resource.
func (w *world) recordOf(id string) model.Record {
	w.t.Helper()
	var r model.Record
	w.view(func(tx *store.Tx) (err error) {
		r, _, err = store.RecordByNative.One(tx, store.Key("okta", id))
		return err
	})
	return r
}

func TestSenderInPreviewIsAnsweredAndChangesNothing(t *testing.T) {
	w := newWorld(t)
	res := w.create(user(1, true))
	if r := w.recordOf(res.ID); !r.Staged || len(all(w, store.Persons)) != 0 || len(w.jobs()) != 0 {
		t.Errorf("staged: %t, %d people, jobs %v", r.Staged, len(all(w, store.Persons)), w.jobs())
	}
}

func TestWriteOfAnActiveSenderIsReadyAtOnce(t *testing.T) {
	w := newWorld(t)
	w.activate("okta")
	res := w.create(user(1, true))
	if j, ok := w.job(w.recordOf(res.ID).Person); !ok || j.State != model.JobReady || j.Effect != model.EffectCreate || w.kicks == 0 {
		t.Errorf("job %+v, the relay was woken %d times", j, w.kicks)
	}
}

func TestWhatASenderRemovesIsCleared(t *testing.T) {
	w := newWorld(t)
	w.activate("okta")
	res := w.create(user(1, true, attr.Member{Name: "title", Value: "Engineer"}))
	w.deliver()
	w.put(res.ID, user(1, true))
	r := w.recordOf(res.ID)
	if v := r.Attributes[model.Title]; !v.Null || len(r.Kept) != 0 {
		t.Errorf("the title became %+v, kept %v", v, r.Kept)
	}
	w.deliver()
	if d, _ := w.delivered(r.Person); d.Sent.Attributes[model.Title] != "" {
		t.Errorf("the target holds %q", d.Sent.Attributes[model.Title])
	}
}

func TestActiveThatASenderLeavesOutStaysAsItWas(t *testing.T) {
	for _, active := range []bool{true, false} {
		w := newWorld(t)
		w.activate("okta")
		res := w.create(user(1, active))
		draft := user(1, active)
		draft.Body.Delete("active")
		draft.Body.Set("title", "Engineer")
		w.put(res.ID, draft)
		want := model.Inactive
		if active {
			want = model.Active
		}
		if r := w.recordOf(res.ID); r.Status != want || r.Attributes.Text(model.Title) != "Engineer" {
			t.Errorf("active %t, then not said: %s", active, r.Status)
		}
	}
}

func TestDeletedUserIsALeaverAndItsAccountStays(t *testing.T) {
	w := newWorld(t)
	w.activate("okta")
	res := w.create(user(1, true))
	w.deliver()
	id := w.recordOf(res.ID).Person
	if err := w.e.Directory().Delete(t.Context(), sender, scimsrv.User, res.ID, nil); err != nil {
		t.Fatal(err)
	}
	if r := w.recordOf(res.ID); !r.Gone || r.Status != model.Inactive || r.Person != id {
		t.Errorf("gone: %t, %s, of %s", r.Gone, r.Status, r.Person)
	}
	if got := w.deliver(); got[model.EffectDeactivate] != 1 {
		t.Errorf("delivered %v", got)
	}
	// The same human comes back as a new resource: the old account is used again.
	again := w.create(user(1, true))
	if again.ID == res.ID || w.recordOf(again.ID).Person != id {
		t.Errorf("back as %s of %s, want a new resource of %s", again.ID, w.recordOf(again.ID).Person, id)
	}
	if got := w.deliver(); got[model.EffectReactivate] != 1 || got[model.EffectCreate] != 0 {
		t.Errorf("delivered %v", got)
	}
}

func TestClashWithAnotherSourceIsAConflictNeverAnAnswerToTheSender(t *testing.T) {
	w := settled(t, someone(1, "employee_number", "1"), someone(2))
	w.activate("okta")
	w.activate("adp")
	r := w.start("adp")
	if err := r.Page(page(someone(1, "employee_number", "77"))); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Finish(nil); err != nil {
		t.Fatal(err)
	}
	w.create(user(1, true))
	w.create(user(2, false))
	if w.person("hr", 2).Access != model.AccessOn {
		t.Error("a sender's inactive user took the account of somebody whom HR holds active")
	}
}

func TestWriteThatChangesNothingSaidWritesNoRecord(t *testing.T) {
	w := newWorld(t)
	w.activate("okta")
	res := w.create(user(1, true))
	before, events := w.recordOf(res.ID), len(w.journal())
	draft := user(1, true)
	draft.Body.Set("nickName", "not mapped")
	w.put(res.ID, draft)
	if r := w.recordOf(res.ID); r.Rev != before.Rev || len(w.since(events)) != 0 {
		t.Errorf("revision %d became %d, journaled %v", before.Rev, r.Rev, w.since(events))
	}
}

func TestSourceWithoutASCIMMapTakesNoUser(t *testing.T) {
	w := newWorld(t)
	c := sender
	c.Source = "hr"
	if _, err := w.e.Directory().Create(t.Context(), c, scimsrv.User, user(1, true)); err == nil {
		t.Error("a polled source took a SCIM user")
	}
	if n := len(all(w, store.Resources)); n != 0 {
		t.Errorf("%d resources were stored", n)
	}
}

func TestManagerOfASenderIsFoundByAnyOfItsNames(t *testing.T) {
	w := newWorld(t)
	okta := w.settings.Sources["okta"]
	okta.MapResource = func(raw json.RawMessage) (model.Observation, error) {
		o, err := mapUser(raw)
		if title := o.Attributes.Text(model.Title); title != "" && err == nil {
			o.Attributes[model.Manager] = model.Value{Text: title, Refs: []model.Reference{{By: model.RefAny, Value: title}}}
		}
		return o, err
	}
	w.settings.Sources["okta"] = okta
	w.activate("okta")
	boss := user(1, true)
	boss.Keys = append(boss.Keys, scimsrv.Key{Attribute: "externalid", Value: "X-1"})
	lead := w.create(boss)
	person := w.recordOf(lead.ID).Person
	for i, name := range []string{lead.ID, "X-1", address(1), "P1@ACME.example"} {
		res := w.create(user(i+10, true, attr.Member{Name: "title", Value: name}))
		var p model.Person
		w.view(func(tx *store.Tx) (err error) {
			p, _, err = store.Persons.Get(tx, w.recordOf(res.ID).Person)
			return err
		})
		if p.Manager != person {
			t.Errorf("by %q: manager %q, want %s", name, p.Manager, person)
		}
	}
	w.create(user(20, true, attr.Member{Name: "title", Value: "nobody"}))
	if got := fmt.Sprint(w.conflicts()); got != "[manager_unresolved]" {
		t.Errorf("conflicts %v", got)
	}
}

var _ scimsrv.Directory = (*ingest.Directory)(nil)
