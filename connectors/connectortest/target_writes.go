package connectortest

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/appliance/model"
	"rollcall/connectors"
)

func createdIsFound(t testing.TB, s TargetSuite) error {
	st := openTarget(t, s)
	for _, want := range s.people(5) {
		made, err := st.Create(t.Context(), want)
		if err != nil {
			return violation("Create: %v", err)
		}
		if err := differs(made, want); err != nil {
			return violation("the account that Create returns: %v", err)
		}
		found, ok, err := st.Find(t.Context(), want.Email)
		if err != nil || !ok {
			return violation("Find after Create: found %v, error %v", ok, err)
		}
		if d := cmp.Diff(made, found); d != "" {
			return violation("Find returns another account than Create did (-created +found):\n%s", d)
		}
	}
	return nil
}

func nobodyElseIsFound(t testing.TB, s TargetSuite) error {
	st := openTarget(t, s)
	people := s.people(6)
	made := st.create(t, people...)
	for _, email := range []string{
		"nobody@" + strings.SplitN(people[0].Email, "@", 2)[1],
		"x" + people[0].Email,
		people[0].Email[1:],
		people[0].Email + ".example",
		`o"brien` + people[0].Email,
	} {
		a, ok, err := st.Find(t.Context(), email)
		if err != nil {
			return violation("Find of a login that does not exist ends in: %v", err)
		}
		if ok {
			return violation("Find of %q returns the account of %q", email, a.Login)
		}
	}
	for i, p := range people {
		a, ok, err := st.Find(t.Context(), strings.ToUpper(p.Email))
		if err != nil || !ok || a.RemoteID != made[i].RemoteID {
			return violation("Find of a login in capitals: found %v, error %v, id %q; want id %q", ok, err, a.RemoteID, made[i].RemoteID)
		}
	}
	return nil
}

func loginIsCreatedOnce(t testing.TB, s TargetSuite) error {
	st := openTarget(t, s)
	want := s.people(1)[0]
	made := st.create(t, want)
	capitals := want
	capitals.Email = strings.ToUpper(want.Email)
	other := want
	other.Person = "p_suite_other"
	for what, again := range map[string]model.Desired{"the same person": want, "the same login in capitals": capitals, "another person": other} {
		_, err := st.Create(t.Context(), again)
		if c := connectors.ClassOf(err); c != connectors.Taken {
			return violation("a second Create for %s: class %v, want taken: %v", what, c, err)
		}
	}
	return st.holdsExactly(t, made[0].RemoteID)
}

func updateIsIdempotent(t testing.TB, s TargetSuite) error {
	st := openTarget(t, s)
	people := s.people(2)
	id := st.create(t, people[0])[0].RemoteID
	want := people[1]
	want.Person, want.Email = people[0].Person, people[0].Email
	var last model.Account
	for i := range 3 {
		a, err := st.Update(t.Context(), id, nil, want)
		if err != nil {
			return violation("Update number %d: %v", i+1, err)
		}
		if err := differs(a, want); err != nil {
			return violation("the account after Update number %d: %v", i+1, err)
		}
		if d := cmp.Diff(last, a); i > 0 && d != "" {
			return violation("the same Update once more changed the account (-before +after):\n%s", d)
		}
		last = a
	}
	found, ok, err := st.Find(t.Context(), want.Email)
	if err != nil || !ok {
		return violation("Find after Update: found %v, error %v", ok, err)
	}
	if d := cmp.Diff(last, found); d != "" {
		return violation("Find returns something else than Update did (-updated +found):\n%s", d)
	}
	return nil
}

func noDifferenceSendsNothing(t testing.TB, s TargetSuite) error {
	st := openTarget(t, s)
	people := s.people(2)
	made := st.create(t, people...)
	want := people[1]
	want.Manager = &model.ManagerLink{Person: people[0].Person, RemoteID: made[0].RemoteID, Email: people[0].Email}
	// What was delivered is kept without the id and the login of the manager.
	have := want
	have.Manager = &model.ManagerLink{Person: people[0].Person}
	inactive := want
	inactive.Active = false
	for what, pair := range map[string][2]model.Desired{
		"an active person":       {have, want},
		"an inactive person":     {inactive, inactive},
		"a person without links": {people[1], people[1]},
	} {
		st.gate.set(nil)
		a, err := st.Update(t.Context(), made[1].RemoteID, &pair[0], pair[1])
		if err != nil {
			return violation("Update of %s without a difference: %v", what, err)
		}
		if n, _ := st.gate.seen(); n != 0 {
			return violation("Update of %s without a difference sent %d requests", what, n)
		}
		if err := differs(a, pair[1]); err != nil || a.RemoteID != made[1].RemoteID {
			return violation("Update of %s without a difference returns id %q: %v", what, a.RemoteID, err)
		}
	}
	return nil
}

func onlyTheDifference(t testing.TB, s TargetSuite) error {
	st := openTarget(t, s)
	want := s.people(1)[0]
	id := st.create(t, want)[0].RemoteID
	department := want.Attributes[model.Department]

	have := with(want, model.Department, "Nowhere")
	next := with(have, model.Title, "Cartographer")
	st.gate.set(nil)
	if _, err := st.Update(t.Context(), id, &have, next); err != nil {
		return violation("Update: %v", err)
	}
	if n, _ := st.gate.seen(); n != 1 {
		return violation("Update sent %d requests, want 1", n)
	}
	a, _, err := st.Find(t.Context(), want.Email)
	if err != nil {
		return violation("Find: %v", err)
	}
	if got := a.Attributes[model.Title]; got != "Cartographer" {
		return violation("title is %q after an update of it", got)
	}
	if got := a.Attributes[model.Department]; got != department {
		return violation("department was written although have and want agree on it: %q, was %q", got, department)
	}
	return nil
}

func unknownIsGone(t testing.TB, s TargetSuite) error {
	st := openTarget(t, s)
	want := s.people(1)[0]
	for _, have := range []*model.Desired{nil, {Person: want.Person, Email: want.Email}} {
		_, err := st.Update(t.Context(), s.UnknownID, have, want)
		if c := connectors.ClassOf(err); c != connectors.Gone {
			return violation("Update of an unknown id: class %v, want gone: %v", c, err)
		}
	}
	return st.holdsExactly(t)
}

func emptyClears(t testing.TB, s TargetSuite) error {
	st := openTarget(t, s)
	want := s.people(1)[0]
	id := st.create(t, want)[0].RemoteID
	for _, have := range []*model.Desired{&want, nil} {
		if _, err := st.Update(t.Context(), id, nil, want); err != nil {
			return violation("Update: %v", err)
		}
		cleared := want
		cleared.Attributes = map[model.Name]string{model.Title: ""}
		a, err := st.Update(t.Context(), id, have, cleared)
		if err != nil {
			return violation("Update that clears: %v", err)
		}
		rest := with(want, model.Title, "")
		if err := differs(a, rest); err != nil {
			return violation("after an update with an empty title and nothing else: %v", err)
		}
	}
	return nil
}

func renameKeepsTheAccount(t testing.TB, s TargetSuite) error {
	st := openTarget(t, s)
	have := s.people(1)[0]
	made := st.create(t, have)
	want := have
	want.Email = "renamed." + have.Email
	a, err := st.Update(t.Context(), made[0].RemoteID, &have, want)
	if err != nil {
		return violation("Update with a new email: %v", err)
	}
	if err := differs(a, want); err != nil {
		return violation("after an update with a new email: %v", err)
	}
	if _, ok, err := st.Find(t.Context(), have.Email); ok || err != nil {
		return violation("Find of the old login: found %v, error %v", ok, err)
	}
	return st.holdsExactly(t, made[0].RemoteID)
}

// leads says in which way an account's manager is not the one wanted.
func leads(a model.Account, manager model.Account) error {
	if a.ManagerRemoteID != manager.RemoteID && !strings.EqualFold(a.ManagerLogin, manager.Login) || manager.RemoteID == "" && a.ManagerLogin != "" {
		return violation("the manager is %q %q, want %q %q", a.ManagerRemoteID, a.ManagerLogin, manager.RemoteID, manager.Login)
	}
	return nil
}

// team makes a manager and one report, linked.
func team(t testing.TB, s TargetSuite) (st *targetStage, manager, report model.Account, want model.Desired, err error) {
	st = openTarget(t, s)
	people := s.people(2)
	manager = st.create(t, people[0])[0]
	want = people[1]
	want.Manager = &model.ManagerLink{Person: people[0].Person, RemoteID: manager.RemoteID, Email: people[0].Email}
	st.gate.set(nil)
	report, err = st.Create(t.Context(), want)
	if err != nil {
		err = violation("Create with a manager: %v", err)
	}
	return st, manager, report, want, err
}

func createCarriesManager(t testing.TB, s TargetSuite) error {
	st, manager, report, want, err := team(t, s)
	if err != nil {
		return err
	}
	if n, _ := st.gate.seen(); n != 1 {
		return violation("Create with a manager sent %d requests, want 1", n)
	}
	found, _, err := st.Find(t.Context(), want.Email)
	if err != nil {
		return violation("Find: %v", err)
	}
	for _, a := range []model.Account{report, found} {
		if err := leads(a, manager); err != nil {
			return err
		}
	}
	return nil
}

func refusedManager(t testing.TB, s TargetSuite) error {
	st := openTarget(t, s)
	people := s.people(2)
	want := people[1]
	want.Manager = &model.ManagerLink{Person: people[0].Person, RemoteID: s.UnknownID, Email: people[0].Email}
	a, err := st.Create(t.Context(), want)
	if err != nil {
		if !errors.Is(err, connectors.ErrManagerRefused) || connectors.ClassOf(err) != connectors.Invalid {
			return violation("Create with an unknown manager: class %v, and not a refused manager: %v", connectors.ClassOf(err), err)
		}
		if err := st.holdsExactly(t); err != nil {
			return violation("after the manager was refused: %v", err)
		}
		want.Manager = nil
		if a, err = st.Create(t.Context(), want); err != nil {
			return violation("Create without the link that was refused: %v", err)
		}
	}
	return leads(a, model.Account{})
}

func deactivatedStays(t testing.TB, s TargetSuite) error {
	for _, known := range []bool{true, false} {
		st, manager, report, want, err := team(t, s)
		if err != nil {
			return err
		}
		leaver := want
		leaver.Active = false
		have := &want
		if !known {
			have = nil
		}
		st.gate.set(nil)
		a, err := st.Update(t.Context(), report.RemoteID, have, leaver)
		if err != nil {
			return violation("Update that deactivates: %v", err)
		}
		if n, _ := st.gate.seen(); n != 1 {
			return violation("deactivating took %d requests, want 1", n)
		}
		if err := differs(a, leaver); err != nil {
			return violation("after deactivation: %v", err)
		}
		if !s.KeepsManagers {
			if err := leads(a, model.Account{}); err != nil {
				return violation("after deactivation: %v", err)
			}
		}
		if err := st.holdsExactly(t, manager.RemoteID, report.RemoteID); err != nil {
			return violation("after deactivation: %v", err)
		}
	}
	return nil
}

func reactivatedIsTheSame(t testing.TB, s TargetSuite) error {
	st, manager, report, want, err := team(t, s)
	if err != nil {
		return err
	}
	leaver := want
	leaver.Active = false
	if _, err := st.Update(t.Context(), report.RemoteID, &want, leaver); err != nil {
		return violation("Update that deactivates: %v", err)
	}
	st.gate.set(nil)
	a, err := st.Update(t.Context(), report.RemoteID, &leaver, want)
	if err != nil {
		return violation("Update that reactivates: %v", err)
	}
	if n, _ := st.gate.seen(); n != 1 {
		return violation("reactivating took %d requests, want 1", n)
	}
	if err := differs(a, want); err != nil {
		return violation("after reactivation: %v", err)
	}
	if err := leads(a, manager); err != nil {
		return violation("after reactivation: %v", err)
	}
	return st.holdsExactly(t, manager.RemoteID, report.RemoteID)
}

func listingIsWhole(t testing.TB, s TargetSuite) error {
	for _, n := range []int{1, 2, 5} {
		st := openTarget(t, s)
		var ids []string
		for _, a := range st.create(t, s.people(n)...) {
			ids = append(ids, a.RemoteID)
		}
		if err := st.holdsExactly(t, ids...); err != nil {
			return err
		}
		l := st.list(t.Context())
		if n > 2 && len(l.pages) < 2 {
			return violation("%d accounts came on one page; the suite needs pages of two", n)
		}
		for i, page := range l.pages {
			if page.Last != (i == len(l.pages)-1) {
				return violation("page %d of %d has Last %v", i+1, len(l.pages), page.Last)
			}
			if page.Total != 0 && page.Total != n {
				return violation("page %d counts %d accounts, there are %d", i+1, page.Total, n)
			}
		}
	}
	return nil
}

func emptyListing(t testing.TB, s TargetSuite) error {
	st := openTarget(t, s)
	l := st.list(t.Context())
	switch {
	case l.err != nil:
		return violation("a service without accounts: %v", l.err)
	case len(l.accounts) != 0:
		return violation("a service without accounts lists %d", len(l.accounts))
	case len(l.pages) == 0 || !l.pages[len(l.pages)-1].Last:
		return violation("a service without accounts: no page has Last")
	}
	return nil
}

func listingMayStop(t testing.TB, s TargetSuite) error {
	st := openTarget(t, s)
	people := s.people(6)
	st.create(t, people...)
	st.gate.set(nil)
	for range st.List(t.Context()) {
		break
	}
	if n, _ := st.gate.seen(); n != 1 {
		return violation("a listing that is left after its first page sent %d requests, want 1", n)
	}
	return nil
}

func concurrentUse(t testing.TB, s TargetSuite) error {
	st := openTarget(t, s)
	people := s.people(12)
	accounts := make([]model.Account, len(people))
	errs := make([]error, len(people))
	var wg sync.WaitGroup
	for i, want := range people {
		wg.Go(func() {
			if accounts[i], errs[i] = st.Create(t.Context(), want); errs[i] != nil {
				return
			}
			if _, _, errs[i] = st.Find(t.Context(), want.Email); errs[i] != nil {
				return
			}
			accounts[i], errs[i] = st.Update(t.Context(), accounts[i].RemoteID, &want, with(want, model.Title, "Title of "+string(want.Person)))
		})
	}
	wg.Wait()
	var ids []string
	for i, want := range people {
		if errs[i] != nil {
			return violation("one of %d concurrent callers: %v", len(people), errs[i])
		}
		if err := differs(accounts[i], with(want, model.Title, "Title of "+string(want.Person))); err != nil {
			return violation("one of %d concurrent callers: %v", len(people), err)
		}
		ids = append(ids, accounts[i].RemoteID)
	}
	return st.holdsExactly(t, ids...)
}
