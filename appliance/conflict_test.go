package appliance_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"rollcall/appliance/admin"
	"rollcall/connectors/cast"
)

// conflictsOf returns the open conflicts of a kind.
func (w *world) conflictsOf(kind string) []admin.Conflict {
	w.t.Helper()
	all, err := w.app.Conflicts(w.ctx())
	if err != nil {
		w.t.Fatal(err)
	}
	var out []admin.Conflict
	for _, c := range all {
		if c.Kind == kind {
			out = append(out, c)
		}
	}
	return out
}

// employed returns the indexes of n ordinary employees without reports.
func (w *world) employed(n int) []int {
	w.t.Helper()
	var out []int
	for i := len(w.people) - 1; i > 0 && len(out) < n; i-- {
		if w.people[i].Status == "employed" {
			out = append(out, i)
		}
	}
	if len(out) < n {
		w.t.Fatalf("the company has only %d such people", len(out))
	}
	return out
}

func TestTwoRecordsWithOneEmailFreezeUntilAHumanDecides(t *testing.T) {
	w := newWorld(t, 40, "")
	pair := w.employed(2)
	first, second := w.people[pair[0]], w.people[pair[1]]
	w.hibob.Update(pair[1], func(p *cast.Person) { p.Email = strings.ToUpper(first.Email) })
	w.start()
	w.sync("hibob")
	w.activate("hibob")
	if _, ok := w.javelo.Account(first.Email); ok {
		t.Fatal("an account was made although two people claim it")
	}
	if got, want := activeAccounts(w.javelo), expected(w.people)-2; got != want {
		t.Errorf("%d accounts are active, want everybody but the two: %d", got, want)
	}
	found := w.conflictsOf("duplicate_identifier")
	if len(found) != 1 || len(found[0].Records) != 2 || !found[0].Freezes {
		t.Fatalf("conflicts %+v, want one of two records that freezes", found)
	}
	c := found[0]
	if len(c.Against) == 0 || !strings.HasPrefix(c.Suggestion, "separate") {
		t.Errorf("two people of different names: against %v, suggestion %q", c.Against, c.Suggestion)
	}

	// The preview of an answer is what the answer then does, and does nothing itself.
	answer := admin.Resolution{Verb: "exclude", Record: recordOf(c, second.Given), Rev: c.Rev}
	preview, err := w.app.Preview(w.ctx(), c.ID, answer)
	if err != nil {
		t.Fatal(err)
	}
	if preview.Counts["create"] != 1 || len(preview.Changes) != 1 || !strings.EqualFold(preview.Changes[0].Person.Email, first.Email) {
		t.Errorf("the preview would do %v for %+v, want to create one account", preview.Counts, preview.Changes)
	}
	if len(preview.Closes) != 1 || preview.Closes[0].ID != c.ID || len(preview.Moves) != 2 || len(preview.Conflicts) != 0 {
		t.Errorf("the preview closes %v, moves %+v, opens %v", preview.Closes, preview.Moves, preview.Conflicts)
	}
	if len(w.conflictsOf("duplicate_identifier")) != 1 {
		t.Fatal("the preview settled the conflict")
	}
	if err := w.app.Resolve(w.ctx(), "test", c.ID, answer); err != nil {
		t.Fatal(err)
	}
	w.wait()
	if a, ok := w.javelo.Account(first.Email); !ok || !a.Active || a.GivenName != first.Given {
		t.Errorf("after the answer the account is %+v, want that of the one who was kept", a)
	}
	var stale *admin.Error
	if err := w.app.Resolve(w.ctx(), "other", c.ID, answer); !errors.As(err, &stale) || stale.Code != admin.CodeStale {
		t.Errorf("a second operator's answer to the settled conflict: %v, want stale", err)
	}

	// The decision outlives the next read, and can be taken back.
	w.sync("hibob")
	if n := len(w.conflictsOf("duplicate_identifier")); n != 0 {
		t.Errorf("the next read asks again: %d conflicts", n)
	}
	undo, err := w.app.PreviewUndo(w.ctx(), c.ID)
	if err != nil || len(undo.Conflicts) != 1 || undo.Conflicts[0].Kind != "duplicate_identifier" || undo.Conflicts[0].Precedents != nil {
		t.Errorf("taking it back would ask %+v, %v", undo.Conflicts, err)
	}
	if err := w.app.UndoDecision(w.ctx(), "test", c.ID); err != nil {
		t.Fatal(err)
	}
	w.wait()
	if n := len(w.conflictsOf("duplicate_identifier")); n != 1 {
		t.Errorf("after undoing there are %d conflicts, want the question again", n)
	}
	if a, _ := w.javelo.Account(first.Email); !a.Active {
		t.Error("undoing a decision deactivated somebody: frozen people stay as they are")
	}
}

// TestTwoOperatorsSettleOneConflict fails when the second of two answers, given at the
// same moment to what both saw, counts too: after the first one the same question is
// still open, and about less.
func TestTwoOperatorsSettleOneConflict(t *testing.T) {
	w := newWorld(t, 1, "[sources.partner]\nkind = \"scim\"\nmatch_on = [\"employee_number\", \"email\"]\n")
	w.start()
	w.activate("partner")
	partner := w.sender("partner")
	for _, name := range []string{"ada", "bob"} {
		partner.want(201, "POST", "/Users", fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
			"userName":%q,"active":true,"emails":[{"value":"one@acme.example","primary":true}],
			"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"employeeNumber":"00042"}}`, name))
	}
	c := w.conflictsOf("duplicate_identifier")[0]
	if len(c.Records) != 2 || len(c.Identifiers) != 2 {
		t.Fatalf("conflict %+v, want one of two records that share two identifiers", c)
	}
	var errs [2]error
	var group sync.WaitGroup
	for i := range errs {
		group.Go(func() {
			errs[i] = w.app.Resolve(w.ctx(), "test", c.ID, admin.Resolution{Verb: "set", Record: c.Records[i].ID, Attribute: "email", Value: fmt.Sprintf("other%d@acme.example", i), Rev: c.Rev})
		})
	}
	group.Wait()
	told := 0
	for _, err := range errs {
		if isCode(err, admin.CodeStale) {
			told++
		} else if err != nil {
			t.Error(err)
		}
	}
	decisions, err := w.app.Decisions(w.ctx())
	if told != 1 || len(decisions) != 1 || err != nil {
		t.Errorf("%d were told, %d answers count, %v", told, len(decisions), errs)
	}
	if left := w.conflictsOf("duplicate_identifier"); len(left) != 1 || left[0].ID != c.ID || len(left[0].Identifiers) != 1 {
		t.Errorf("what is left to ask: %+v", left)
	}
}

func recordOf(c admin.Conflict, given string) string {
	for _, r := range c.Records {
		if r.Attributes["given_name"] == given {
			return r.ID
		}
	}
	return ""
}

func TestAnEmailChangeIsReportedUntilItIsAllowed(t *testing.T) {
	w := newWorld(t, 40, "")
	w.start()
	w.sync("hibob")
	w.activate("hibob")
	who := w.employed(1)[0]
	old := w.people[who].Email
	w.hibob.Update(who, func(p *cast.Person) { p.Email, p.Title = "married@"+cast.Domain, "Keeper of Seals" })
	w.sync("hibob")
	a, ok := w.javelo.Account(old)
	if !ok || a.Title != "Keeper of Seals" {
		t.Fatalf("the login must stay and the rest must flow: %+v", a)
	}
	found := w.conflictsOf("identifier_change")
	if len(found) != 1 {
		t.Fatalf("%d reports of an identifier change, want one", len(found))
	}
	if err := w.app.Resolve(w.ctx(), "test", found[0].ID, admin.Resolution{Verb: "allow", Rev: found[0].Rev}); err != nil {
		t.Fatal(err)
	}
	w.wait()
	b, ok := w.javelo.Account("married@" + cast.Domain)
	if !ok || b.ID != a.ID {
		t.Errorf("after allowing, the login is not changed on the same account: %+v, want id %s", b, a.ID)
	}
	if n := len(w.conflictsOf("identifier_change")); n != 0 {
		t.Errorf("%d reports are left after the change was allowed", n)
	}
}

func TestManagersInACircleAreDeliveredAndReported(t *testing.T) {
	w := newWorld(t, 40, "")
	pair := w.employed(2)
	w.hibob.Update(pair[0], func(p *cast.Person) { p.Manager = pair[1] })
	w.hibob.Update(pair[1], func(p *cast.Person) { p.Manager = pair[0] })
	w.start()
	w.sync("hibob")
	w.activate("hibob")
	a, _ := w.javelo.Account(w.people[pair[0]].Email)
	b, _ := w.javelo.Account(w.people[pair[1]].Email)
	if a.ManagerID != b.ID || b.ManagerID != a.ID {
		t.Errorf("managers %q and %q, want each other: %q and %q", a.ManagerID, b.ManagerID, b.ID, a.ID)
	}
	if got, want := w.javelo.Writes(), expected(w.people)+1; got != want {
		t.Errorf("%d writes, want one per person and one more for the circle: %d", got, want)
	}
	if n := len(w.conflictsOf("manager_cycle")); n != 1 {
		t.Errorf("%d circles are reported, want 1", n)
	}
}

func TestAPersonIsExplainedDownToTheSourcesField(t *testing.T) {
	w := newWorld(t, 40, "")
	w.start()
	w.sync("hibob")
	w.activate("hibob")
	who := w.people[w.employed(1)[0]]
	p, err := w.app.Person(w.ctx(), strings.ToUpper(who.Email))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range p.Values {
		if v.Attribute == "title" && (v.Value != who.Title || v.Source != "hibob" || v.Field == "" || v.Run == 0) {
			t.Errorf("title is explained as %+v", v)
		}
	}
	if len(p.Accounts) != 1 || !p.Accounts[0].Active {
		t.Errorf("accounts %+v, want the one in javelo", p.Accounts)
	}
	history, err := w.app.History(w.ctx(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	if len(history) < 2 || history[0].Event.Verb != "joined" || len(history[0].Changes) == 0 {
		t.Errorf("history %+v, want the person joining with values, and the account", history)
	}
	events, err := w.app.Journal(w.ctx(), 0, 1000, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if strings.Contains(strings.ToLower(e.Reason+strings.Join(e.Fields, " ")), who.Email) || strings.Contains(e.Reason, who.Family) {
			t.Errorf("the journal holds a personal value: %+v", e)
		}
	}
}

func TestEarlierAnswersToLikeConflictsAreShownAndLikeOnesAnsweredTogether(t *testing.T) {
	w := newWorld(t, 40, "")
	all := w.employed(6)
	for i := 0; i < 6; i += 2 { // three pairs of different people with one address each
		first := w.people[all[i]].Email
		w.hibob.Update(all[i+1], func(p *cast.Person) { p.Email, p.BirthDate = first, "1971-01-01" })
		w.hibob.Update(all[i], func(p *cast.Person) { p.BirthDate = "1972-02-02" })
	}
	w.start()
	w.sync("hibob")
	w.activate("hibob")
	open := w.conflictsOf("duplicate_identifier")
	if len(open) != 3 || open[0].Shape == "" || open[0].Shape != open[1].Shape {
		t.Fatalf("%d conflicts, shapes %q and %q", len(open), open[0].Shape, open[1].Shape)
	}
	if s := open[0].Suggested; s == nil || s.Verb != "separate" || len(open[0].Answers) == 0 {
		t.Errorf("suggested %+v, answers %v", s, open[0].Answers)
	}
	if err := w.app.Resolve(w.ctx(), "test", open[0].ID, admin.Resolution{Verb: "separate", Rev: open[0].Rev}); err != nil {
		t.Fatal(err)
	}
	open = w.conflictsOf("duplicate_identifier")
	if len(open) != 2 || open[0].Precedents["separate"] != 1 || !strings.Contains(open[0].Suggestion, "1 of 1 like it") {
		t.Fatalf("%d are left; precedents %v, suggestion %q", len(open), open[0].Precedents, open[0].Suggestion)
	}
	together := admin.Resolution{Verb: "separate", Rev: open[0].Rev, Also: []admin.Asked{{ID: open[1].ID, Rev: open[1].Rev}}}
	if err := w.app.Resolve(w.ctx(), "test", open[0].ID, together); err != nil {
		t.Fatal(err)
	}
	if n := len(w.conflictsOf("duplicate_identifier")); n != 0 {
		t.Errorf("%d are left after the answer to both", n)
	}
	decisions, err := w.app.Decisions(w.ctx())
	if err != nil || len(decisions) != 3 || decisions[0].Batch == "" || decisions[0].Batch != decisions[1].Batch {
		t.Errorf("decisions %+v, %v", decisions, err)
	}
	var stale *admin.Error
	if err := w.app.Resolve(w.ctx(), "other", open[1].ID, together); !errors.As(err, &stale) || stale.Code != admin.CodeStale {
		t.Errorf("a colleague's answer to the same: %v, want stale", err)
	}
}
