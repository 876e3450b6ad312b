package appliance_test

import (
	"strings"
	"testing"

	"rollcall/connectors/cast"
	"rollcall/connectors/hibob/hibobsim"
	"rollcall/connectors/javelo/javelosim"
)

// expected counts who of the cast should have an active account in the target.
func expected(people []cast.Person) (active int) {
	for _, p := range people {
		if p.Status == "employed" || strings.Contains(p.Status, "leave") {
			active++
		}
	}
	return active
}

func activeAccounts(sim *javelosim.Sim) (n int) {
	for _, a := range sim.Accounts() {
		if a.Active {
			n++
		}
	}
	return n
}

func TestPeopleTravelFromHiBobToJavelo(t *testing.T) {
	w := newWorld(t, 60, "")
	w.start()
	w.sync("hibob")
	if n := w.javelo.Writes(); n != 0 {
		t.Fatalf("a source in preview caused %d writes", n)
	}
	plan, err := w.app.Plan(w.ctx(), "hibob")
	if err != nil {
		t.Fatal(err)
	}
	if want := expected(w.people); plan.Counts["create"] != want || len(plan.Changes) != want {
		t.Errorf("the preview would create %d of %d changes, want %d", plan.Counts["create"], len(plan.Changes), want)
	}
	w.activate("hibob")
	if got, want := activeAccounts(w.javelo), expected(w.people); got != want {
		t.Errorf("Javelo has %d active accounts, want %d", got, want)
	}
	if got, want := w.javelo.Writes(), expected(w.people); got != want {
		t.Errorf("the first sync took %d writes, want one per person: %d", got, want)
	}
	for _, p := range w.people {
		a, ok := w.javelo.Account(p.Email)
		if p.Status != "employed" {
			continue
		}
		if !ok {
			t.Errorf("employee %d has no account", p.Index)
			continue
		}
		if p.Manager >= 0 && w.people[p.Manager].Status == "employed" {
			if m, _ := w.javelo.Account(w.people[p.Manager].Email); a.ManagerID != m.ID || m.ID == "" {
				t.Errorf("employee %d has manager %q, want %q", p.Index, a.ManagerID, m.ID)
			}
		}
		if a.Title != p.Title || a.Enterprise["department"] != p.Department || a.Enterprise["employeeNumber"] != p.EmployeeNumber {
			t.Errorf("employee %d arrived as %q in %q with number %q", p.Index, a.Title, a.Enterprise["department"], a.Enterprise["employeeNumber"])
		}
	}

	before := w.javelo.Total()
	w.sync("hibob")
	if n := w.javelo.Total() - before; n != 0 {
		t.Errorf("a second run with nothing changed sent %d requests to the target", n)
	}

	w.hibob.Update(3, func(p *cast.Person) { p.Title = "Keeper of Maps" })
	w.hibob.Terminate(4, "2026-01-31")
	w.sync("hibob")
	if a, _ := w.javelo.Account(w.people[3].Email); a.Title != "Keeper of Maps" {
		t.Errorf("the new title did not arrive: %q", a.Title)
	}
	if a, _ := w.javelo.Account(w.people[4].Email); a.Active {
		t.Error("a leaver is still active")
	}
	w.hibob.Rehire(4, "2026-06-01")
	w.sync("hibob")
	if a, _ := w.javelo.Account(w.people[4].Email); !a.Active {
		t.Error("a rehired person is not active again")
	}
	if n := w.javelo.Creates(w.people[4].Email); n != 1 {
		t.Errorf("a rehired person was created %d times", n)
	}
}

func TestABrokenReadDeactivatesNobody(t *testing.T) {
	w := newWorld(t, 60, "")
	w.start()
	w.sync("hibob")
	w.activate("hibob")
	want := activeAccounts(w.javelo)
	for name, f := range map[string]hibobsim.Fault{
		"failing":            {Kind: hibobsim.Status, Status: 500},
		"refused":            {Kind: hibobsim.Status, Status: 401},
		"an empty list":      {Kind: hibobsim.Empty},
		"half a list":        {Kind: hibobsim.Half},
		"HTML with 200":      {Kind: hibobsim.Page, Status: 200},
		"a body cut off":     {Kind: hibobsim.Cut},
		"a connection reset": {Kind: hibobsim.Reset},
	} {
		for range 3 { // more often than absent_reads
			w.hibob.FailNext(1, f)
			w.sync("hibob")
		}
		if got := activeAccounts(w.javelo); got != want {
			t.Errorf("%s: %d accounts are active, want %d", name, got, want)
		}
	}
	w.hibob.FailNext(0, hibobsim.Fault{})
	w.sync("hibob")
	status, err := w.app.Status(w.ctx())
	if err != nil {
		t.Fatal(err)
	}
	if status.Sources[0].Failures != 0 {
		t.Errorf("after a good read the source still counts %d failures", status.Sources[0].Failures)
	}
}

func TestAMassOfLeaversWaitsForAHuman(t *testing.T) {
	w := newWorld(t, 60, "")
	w.start()
	w.sync("hibob")
	w.activate("hibob")
	want := activeAccounts(w.javelo)
	for i := 10; i < 30; i++ {
		w.hibob.Terminate(i, "2026-01-31")
	}
	w.hibob.Update(1, func(p *cast.Person) { p.Title = "Chief of Lists" })
	w.sync("hibob")
	if got := activeAccounts(w.javelo); got != want {
		t.Fatalf("%d accounts are active before anybody approved, want %d", got, want)
	}
	if a, _ := w.javelo.Account(w.people[1].Email); a.Title != "Chief of Lists" {
		t.Error("what the guard does not cover did not flow")
	}
	runs, err := w.app.Runs(w.ctx(), admin0())
	if err != nil {
		t.Fatal(err)
	}
	if len(runs[0].Holds) != 1 || runs[0].Holds[0].Guard != "max_deactivations" {
		t.Fatalf("the run holds %+v, want max_deactivations", runs[0].Holds)
	}
	released, err := w.app.Approve(w.ctx(), "test", runs[0].Seq, "")
	if err != nil {
		t.Fatal(err)
	}
	w.wait()
	if got := activeAccounts(w.javelo); got != want-released || released < 15 {
		t.Errorf("after approving %d, %d accounts are active, want %d", released, got, want-released)
	}
	if _, err := w.app.Approve(w.ctx(), "test", runs[0].Seq, ""); err == nil {
		t.Error("a second approval of the same hold was taken")
	}
}

func TestAHeldDeactivationOfManagersKeepsTheirReportsLinked(t *testing.T) {
	w := newWorld(t, 60, "")
	w.start()
	w.sync("hibob")
	w.activate("hibob")
	links := func() (n int) {
		for _, a := range w.javelo.Accounts() {
			if a.ManagerID != "" {
				n++
			}
		}
		return n
	}
	before := links()
	for _, i := range []int{1, 2, 50, 51, 52, 53, 54} {
		w.hibob.Terminate(i, "2026-01-31")
	}
	writes := w.javelo.Writes()
	w.sync("hibob")
	if n := w.javelo.Writes() - writes; n != 0 || links() != before {
		t.Fatalf("while the deactivations are held, %d writes left and %d of %d links are there", n, links(), before)
	}
	runs, err := w.app.Runs(w.ctx(), admin0())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.app.Approve(w.ctx(), "test", runs[0].Seq, ""); err != nil {
		t.Fatal(err)
	}
	w.wait()
	manager, _ := w.javelo.Account(w.people[1].Email)
	if manager.Active {
		t.Fatal("the approval did not deactivate the manager")
	}
	for _, a := range w.javelo.Accounts() {
		if a.ManagerID == manager.ID {
			t.Errorf("after the approval %s still reports to the disabled manager", a.ID)
		}
	}
}
