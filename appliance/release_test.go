package appliance_test

import (
	"fmt"
	"strings"
	"testing"

	"rollcall/appliance/admin"
	"rollcall/appliance/admin/client"
	"rollcall/appliance/model"
	"rollcall/connectors/cast"
)

// reviewed is a plan as rollcall plan --out writes it and rollcall apply reads it.
func reviewed(p admin.Plan) admin.ReviewedPlan {
	r := admin.ReviewedPlan{Instance: p.Instance, Source: p.Source, Digest: p.Digest, Rules: p.Basis.Rules}
	for _, c := range p.Changes {
		r.Changes = append(r.Changes, admin.ReviewedChange{Target: c.Target, Person: c.Person, Pin: c.Pin})
	}
	return r
}

// heldRun is the run that holds something.
func (w *world) heldRun() (uint64, string) {
	w.t.Helper()
	runs, err := w.app.Runs(w.ctx(), admin0())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, r := range runs {
		for _, h := range r.Holds {
			if h.State == model.HoldWaiting {
				detail, err := w.app.RunDetail(w.ctx(), r.Seq)
				if err != nil {
					w.t.Fatal(err)
				}
				return r.Seq, detail.Tag
			}
		}
	}
	w.t.Fatal("no run holds anything")
	return 0, ""
}

// TestAnAnswerIsToTheValuesThatWereShown has somebody's new title become another one
// between the look and the answer. It fails when the answer releases a value that nobody
// has seen, as it did while the tag told attributes and not what they become.
func TestAnAnswerIsToTheValuesThatWereShown(t *testing.T) {
	w := newWorld(t, 20, "[policy.guard]\nmax_attribute_changes = 2\n")
	w.start()
	w.sync("hibob")
	w.activate("hibob")
	for n, i := range w.employed(5) {
		w.hibob.Update(i, func(p *cast.Person) { p.Title = fmt.Sprint("Keeper of ", n) })
	}
	w.sync("hibob")
	c := client.New(w.at.Admin)
	seq, tag := w.heldRun()
	if brief, err := c.RunBrief(w.ctx(), seq); err != nil || brief.Held != 5 || brief.Tag != tag || len(brief.Deliveries) != 0 {
		t.Errorf("in brief: %+v, %v", brief, err)
	}
	w.hibob.Update(w.employed(5)[0], func(p *cast.Person) { p.Title = "Keeper of Secrets" })
	w.sync("hibob")
	for what, err := range map[string]error{
		"approved": func() error { _, err := c.Approve(w.ctx(), seq, tag); return err }(),
		"rejected": func() error { _, err := c.Reject(w.ctx(), seq, tag); return err }(),
		"in part": func() error {
			_, err := c.ApproveOnly(w.ctx(), seq, tag, admin.Only{Persons: []string{w.people[w.employed(5)[1]].Email}})
			return err
		}(),
	} {
		if !client.IsCode(err, admin.CodeStale) {
			t.Errorf("%s although a title is another one by now: %v", what, err)
		}
	}
	// What a later run holds is no part of this one.
	for _, i := range w.employed(8)[5:] {
		w.hibob.Update(i, func(p *cast.Person) { p.Title = "Keeper of Time" })
	}
	w.sync("hibob")
	if plan, err := c.RunPlan(w.ctx(), seq); err != nil || len(plan.Changes) != 5 || plan.Counts["update"] != 5 || len(plan.Conflicts)+len(plan.Uncovered) > 0 {
		t.Errorf("the plan of the run: %d changes, %+v, %v", len(plan.Changes), plan.Counts, err)
	}
	again, err := c.RunBrief(w.ctx(), seq)
	if err != nil || again.Tag == tag || again.Held != 5 {
		t.Errorf("the run by now: %+v, %v", again, err)
	}
	tag = again.Tag
	if n, err := c.Approve(w.ctx(), seq, tag); err != nil || n != 5 {
		t.Errorf("what is shown by now: %d, %v", n, err)
	}
}

// TestDepartmentRenameIsOneLineAndIsReleasedInPart renames a department for many
// and gives one of them a new title as well: one cause covers the rename, and its
// release leaves out, by name, whose write would do more.
func TestDepartmentRenameIsOneLineAndIsReleasedInPart(t *testing.T) {
	w := newWorld(t, 40, "[policy.guard]\nmax_attribute_changes = 2\n")
	w.start()
	w.sync("hibob")
	w.activate("hibob")
	byDepartment := map[string][]int{}
	for _, i := range w.employed(30) {
		byDepartment[w.people[i].Department] = append(byDepartment[w.people[i].Department], i)
	}
	var big string
	for d, who := range byDepartment {
		if len(who) > len(byDepartment[big]) {
			big = d
		}
	}
	who := byDepartment[big]
	if len(who) < 5 {
		t.Fatalf("the largest department has %d people", len(who))
	}
	for _, i := range who {
		w.hibob.Update(i, func(p *cast.Person) { p.Department = "Department of Renaming" })
	}
	w.hibob.Update(who[0], func(p *cast.Person) { p.Title = "Keeper of Both" })
	w.sync("hibob")

	c := client.New(w.at.Admin)
	seq, tag := w.heldRun()
	plan, err := c.RunPlan(w.ctx(), seq)
	if err != nil {
		t.Fatal(err)
	}
	var rename admin.Cause
	for _, cause := range plan.Causes {
		if cause.Attribute == "department" {
			if rename.ID != "" {
				t.Errorf("the rename is more than one line: %+v", plan.Causes)
			}
			rename = cause
		}
	}
	if rename.People != len(who) || !strings.HasSuffix(rename.Text, "→ Department of Renaming") {
		t.Fatalf("the rename is told as %+v", rename)
	}
	if _, err := c.ApproveOnly(w.ctx(), seq, tag, admin.Only{Causes: []string{"00000000"}}); !client.IsCode(err, admin.CodeInvalid) {
		t.Errorf("a cause there is not: %v", err)
	}
	done, err := c.ApproveOnly(w.ctx(), seq, tag, admin.Only{Causes: []string{rename.ID}})
	if err != nil || done.Deliveries != len(who)-1 || done.Waiting != 1 || len(done.Left) != 1 || done.Left[0].Person.Email != w.people[who[0]].Email {
		t.Fatalf("released %+v, %v", done, err)
	}
	if _, err := c.Approve(w.ctx(), seq, tag); !client.IsCode(err, admin.CodeStale) {
		t.Errorf("a second operator with the same screen: %v", err)
	}
	w.wait()
	renamed := 0
	for _, i := range who {
		if a, _ := w.javelo.Account(w.people[i].Email); a.Enterprise["department"] == "Department of Renaming" {
			renamed++
		}
	}
	if renamed != len(who)-1 {
		t.Errorf("%d accounts are renamed, want all but one of %d", renamed, len(who))
	}
	// The rest by department; the view socket may look and not decide.
	_, tag = w.heldRun()
	if _, err := client.New(w.at.View).ApproveOnly(w.ctx(), seq, tag, admin.Only{Departments: []string{"department of renaming"}}); !client.IsCode(err, admin.CodeReadOnly) {
		t.Errorf("over the socket that only looks: %v", err)
	}
	done, err = c.ApproveOnly(w.ctx(), seq, tag, admin.Only{Departments: []string{"department of  renaming"}})
	if err != nil || done.Deliveries != 1 || done.Waiting != 0 {
		t.Errorf("the rest: %+v, %v", done, err)
	}
	w.wait()
	if detail, _ := w.app.RunDetail(w.ctx(), seq); detail.Run.Holds[0].State != model.HoldApproved {
		t.Errorf("the hold is %+v", detail.Run.Holds[0])
	}
}

// TestActivationIsReviewedElsewhereAndAppliedAsReviewed pins the plan of a source
// in preview; three people change before it is applied.
func TestActivationIsReviewedElsewhereAndAppliedAsReviewed(t *testing.T) {
	w := newWorld(t, 30, "")
	w.start()
	w.sync("hibob")
	c := client.New(w.at.Admin)
	plan, err := c.Plan(w.ctx(), "hibob")
	if err != nil {
		t.Fatal(err)
	}
	if len(plan.Basis.Reads) != 1 || plan.Basis.Reads[0].Read == 0 || plan.Basis.Rules == "" || len(plan.Basis.Targets) != 1 {
		t.Errorf("the plan rests on %+v", plan.Basis)
	}
	again, err := c.Plan(w.ctx(), "hibob")
	if err != nil || again.Digest != plan.Digest {
		t.Errorf("the same plan has another digest: %v", err)
	}
	changed := w.employed(3)
	for _, i := range changed {
		w.hibob.Update(i, func(p *cast.Person) { p.Title = "Changed Meanwhile" })
	}
	w.sync("hibob")
	done, err := c.Apply(w.ctx(), reviewed(plan))
	if err != nil {
		t.Fatal(err)
	}
	if len(done.Left) != 3 || done.Run == 0 {
		t.Fatalf("left out %+v", done)
	}
	w.wait()
	for _, i := range changed {
		if _, there := w.javelo.Account(w.people[i].Email); there {
			t.Errorf("%s changed since the review and got an account", w.people[i].Email)
		}
	}
	if got, want := w.javelo.Writes(), len(plan.Changes)-3; got != want {
		t.Errorf("%d writes, want %d", got, want)
	}
	other := reviewed(plan)
	other.Instance = "another"
	if _, err := c.Apply(w.ctx(), other); !client.IsCode(err, admin.CodeInvalid) {
		t.Errorf("a plan of another database: %v", err)
	}
	// The three are looked at and released.
	seq, tag := w.heldRun()
	if n, err := c.Approve(w.ctx(), seq, tag); n != 3 || err != nil {
		t.Errorf("released %d, %v", n, err)
	}
	w.wait()
	if done, err := c.Apply(w.ctx(), reviewed(plan)); err != nil || done.Released != 0 || len(done.Left) != 3 {
		t.Errorf("applied again: %+v, %v", done, err)
	}
}

// TestRunIsUndoneOverTheSocket shows an undo, is told when it is not that any more,
// and does it; the target then holds what it held before.
func TestRunIsUndoneOverTheSocket(t *testing.T) {
	w := newWorld(t, 30, "")
	w.start()
	w.sync("hibob")
	w.activate("hibob")
	who := w.employed(3)
	for _, i := range who {
		w.hibob.Update(i, func(p *cast.Person) { p.Title = "Undone Soon" })
	}
	w.sync("hibob")
	runs, err := w.app.Runs(w.ctx(), admin0())
	if err != nil {
		t.Fatal(err)
	}
	seq := runs[0].Seq
	c := client.New(w.at.Admin)
	u, err := c.UndoPlan(w.ctx(), seq)
	if err != nil || len(u.Plan.Changes) != 3 || len(u.Cannot) == 0 || u.Tag == "" {
		t.Fatalf("shown %+v, %v", u, err)
	}
	if again, err := client.New(w.at.View).UndoPlan(w.ctx(), seq); err != nil || again.Tag != u.Tag {
		t.Errorf("looked at again: tag %s, %v; want %s", again.Tag, err, u.Tag)
	}
	w.hibob.Update(who[0], func(p *cast.Person) { p.Title = "Changed Since" })
	w.sync("hibob")
	if _, err := c.UndoRunIf(w.ctx(), seq, u.Tag); !client.IsCode(err, admin.CodeStale) {
		t.Errorf("one changed since it was shown: %v", err)
	}
	if u, err = c.UndoPlan(w.ctx(), seq); err != nil || len(u.Plan.Changes) != 2 || len(u.Left) != 1 {
		t.Fatalf("shown again %+v, %v", u, err)
	}
	done, err := c.UndoRunIf(w.ctx(), seq, u.Tag)
	if err != nil || done.By <= seq || len(done.Left) != 1 {
		t.Fatalf("done %+v, %v", done, err)
	}
	w.wait()
	for k, i := range who {
		want := w.people[i].Title
		if k == 0 {
			want = "Changed Since"
		}
		if a, _ := w.javelo.Account(w.people[i].Email); a.Title != want {
			t.Errorf("%s holds %q, want %q", a.UserName, a.Title, want)
		}
	}
	writes := w.javelo.Writes()
	w.sync("hibob")
	if n := w.javelo.Writes() - writes; n != 0 {
		t.Errorf("%d writes after the undo although nothing changed", n)
	}
	p, err := w.app.Person(w.ctx(), w.people[who[1]].Email)
	if err != nil || !strings.Contains(p.WhyNot["javelo"], "undone") {
		t.Errorf("why not: %v, %v", p.WhyNot, err)
	}
}

// TestActivationInWavesReachesEverybody goes through the real lane and target, ended
// and started anew between the waves.
func TestActivationInWavesReachesEverybody(t *testing.T) {
	w := newWorld(t, 40, "")
	w.start()
	w.sync("hibob")
	c := client.New(w.at.Admin)
	seq, err := c.ActivateInWaves(w.ctx(), "hibob")
	if err != nil {
		t.Fatal(err)
	}
	w.stop()
	w.start()
	w.wait()
	detail, err := w.app.RunDetail(w.ctx(), seq)
	run := detail.Run
	if err != nil || len(run.Waves) != 1 || run.Waves[0].State != model.WavesDone {
		t.Fatalf("the waves: %+v, %v", run.Waves, err)
	}
	total := 0
	for _, n := range run.Waves[0].Sizes {
		total += n
	}
	if n := len(w.javelo.Accounts()); n != total || n != expected(w.people) {
		t.Errorf("%d accounts of %d in waves, want %d", n, total, expected(w.people))
	}
}
