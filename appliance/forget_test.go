package appliance_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rollcall/appliance"
	"rollcall/appliance/admin"
	"rollcall/connectors/cast"
)

// stray is a person whose every value can be searched for.
var stray = cast.Person{Given: "Zephyrine", Family: "Quillfeather", Email: "zephyrine.quillfeather@halcyon-atelier.example", EmployeeNumber: "990077",
	Title: "Kestrelkeeper", Department: "Ops", Status: "employed", Start: "2024-01-08", BirthDate: "1990-02-03", Manager: -1}

var strayWords = []string{"Zephyrine", "Quillfeather", "zephyrine", "990077", "Kestrelkeeper"}

func TestForgetLeavesNothingOfAPersonAndTheNextReadDoesNotBringThemBack(t *testing.T) {
	w := newWorld(t, 30, "[sources.okta]\nkind = \"okta\"\n")
	path := w.writeConfig()
	w.start()
	i := w.hibob.Hire(stray)
	report := w.employed(1)[0]
	w.hibob.Update(report, func(p *cast.Person) { p.Manager = i })
	manager := func() string {
		t.Helper()
		p, err := w.app.Person(w.ctx(), w.people[report].Email)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range p.Values {
			if v.Attribute == "manager" {
				return v.Value
			}
		}
		return ""
	}
	w.sync("hibob")
	w.activate("hibob")
	if manager() == "" {
		t.Fatal("nobody reports to them")
	}
	s := w.sender("okta")
	user := s.want(201, "POST", "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"`+stray.Email+`","active":true,"title":"Kestrelkeeper","name":{"givenName":"Zephyrine","familyName":"Quillfeather"},"emails":[{"value":"`+stray.Email+`","primary":true}]}`)
	w.activate("okta")
	w.hibob.Update(i, func(p *cast.Person) { p.Title = "Kestrelkeeper in chief" })
	w.sync("hibob")

	if _, err := w.app.Forget(w.ctx(), "uid:0(root)", admin.ForgetRequest{Who: stray.Email}); err == nil || !strings.Contains(err.Error(), "work here") {
		t.Fatalf("somebody who works here was erased: %v", err)
	}
	s.want(200, "PATCH", "/Users/"+user.id(), `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"active","value":false}]}`)
	w.hibob.Terminate(i, "2026-01-31")
	w.sync("hibob")
	if a, _ := w.javelo.Account(stray.Email); a.Active {
		t.Fatal("the leaver's account is active")
	}
	backup := filepath.Join(w.dir, "copy.db")
	if err := w.app.Backup(w.ctx(), "test", backup); err != nil {
		t.Fatal(err)
	}
	dry, err := w.app.Forget(w.ctx(), "uid:0(root)", admin.ForgetRequest{Who: stray.Email, DryRun: true})
	if err != nil || dry.Records != 2 || dry.Resources != 1 || dry.Accounts != 1 || dry.History < 2 || dry.Mentions < 2 {
		t.Errorf("a dry run would erase %+v: %v", dry, err)
	}
	if _, err := w.app.Person(w.ctx(), stray.Email); err != nil {
		t.Fatalf("a dry run erased them: %v", err)
	}
	done, err := w.app.Forget(w.ctx(), "uid:0(root)", admin.ForgetRequest{Who: stray.Email, Reason: "request 4711"})
	if err != nil {
		t.Fatal(err)
	}
	if done.Notice != "" {
		t.Errorf("not overwritten: %s", done.Notice)
	}
	gone := func(when string) {
		t.Helper()
		if _, err := w.app.Person(w.ctx(), stray.Email); err == nil {
			t.Errorf("%s they are in the roster", when)
		}
		w.stop()
		raw, err := os.ReadFile(w.app.Store().Path())
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range strayWords {
			if at := strings.Index(string(raw), word); at >= 0 {
				t.Errorf("%s %q stands in the file: …%q…", when, word, raw[max(0, at-60):min(len(raw), at+60)])
			}
		}
		if !strings.Contains(string(raw), w.people[3].Family) {
			t.Fatal("nobody else is in the file: the search finds nothing")
		}
		w.start()
	}
	gone("after the erasure")

	if got := manager(); got != "" {
		t.Errorf("their report still names %q", got)
	}

	// HiBob still lists them, as somebody who left, and as a manager.
	w.sync("hibob")
	gone("after a read that still lists them")
	if a, ok := w.javelo.Account(w.people[report].Email); !ok || !a.Active {
		t.Errorf("the account of their report stands as %+v", a)
	}
	events, err := w.app.Journal(w.ctx(), -1, 1000, false)
	if err != nil {
		t.Fatal(err)
	}
	proof := false
	for _, e := range events {
		proof = proof || e.Verb == "forgotten" && e.Subject == "person:"+done.Person && e.Actor == "uid:0(root)" && e.Reason == "request 4711"
	}
	if names, err := w.app.Names(w.ctx(), []string{"person:" + done.Person}); err != nil || names["person:"+done.Person] != "somebody who was erased" {
		t.Errorf("the journal calls them %q: %v", names, err)
	}
	if !proof {
		t.Error("the journal does not prove that it was done")
	}

	// A backup of before brings them back, and the next start erases them again.
	w.stop()
	r, err := appliance.Restore(context.Background(), path, backup, nil, false, nil)
	if err != nil || r.Erasures == 0 {
		t.Fatalf("restored with %d erasures to repeat: %v", r.Erasures, err)
	}
	w.start()
	gone("after a restore")

	// Until the source says that they work here again.
	w.hibob.Rehire(i, "2026-06-01")
	w.sync("hibob")
	if _, err := w.app.Person(w.ctx(), stray.Email); err != nil {
		t.Errorf("a rehire stays out: %v", err)
	}
	w.sync("hibob")
	if got := manager(); !strings.Contains(got, stray.Family) {
		t.Errorf("after they came back, their report names %q", got)
	}
}

func TestForgottenForGoodStaysOutWhateverTheSourceSays(t *testing.T) {
	w := newWorld(t, 5, "[privacy]\nforgotten = \"for_good\"\n")
	w.start()
	w.hibob.Hire(stray)
	w.sync("hibob")
	w.activate("hibob")
	if _, err := w.app.Forget(w.ctx(), "test", admin.ForgetRequest{Who: stray.Email, Force: true}); err != nil {
		t.Fatal(err)
	}
	w.sync("hibob")
	w.wait()
	if _, err := w.app.Person(w.ctx(), stray.Email); err == nil {
		t.Error("somebody who was erased for good came back")
	}
	if n := w.javelo.Creates(stray.Email); n != 1 {
		t.Errorf("their account was created %d times", n)
	}
}
