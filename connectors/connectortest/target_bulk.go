package connectortest

import (
	"errors"
	"net/http"
	"strconv"
	"testing"
	"time"

	"rollcall/appliance/model"
	"rollcall/connectors"
)

// bulkPromises are those of [connectors.BulkTarget]. A target that takes writes one by
// one only keeps them by not having any batches.
var bulkPromises = []targetPromise{
	{"a batch is one request", "what Add took is written by one request, with one outcome for each in their order, as Create and Update would have had it", batchIsOneRequest},
	{"a batch carries managers who are made in it", "the link to somebody who is made in the same batch is written, or LinkLeft says that it is not", batchCarriesManagers},
	{"one refusal in a batch concerns one", "a login that exists is class Taken, or ErrAlone, for that one alone", batchRefusesOne},
	{"a batch whose answer is lost is in doubt whole", "when the connection breaks after a batch was applied, every outcome is an error that does not claim that nothing was done", lostBatch},
	{"a batch that was not looked at changed nothing", "ErrUnsent says that nothing was tried, and is said of a batch too large and of a service that takes none", unsentBatch},
	{"throttled and refused batches are one request", "429 is Throttled and 401 is Denied for every write of a batch, after one request", refusedBatch},
}

// batch begins a batch; nil when the target has none.
func (st *targetStage) batch(t testing.TB) connectors.Batch {
	t.Helper()
	b, ok := st.Target.(connectors.BulkTarget)
	if !ok {
		return nil
	}
	out, err := b.Batch(t.Context())
	if err != nil {
		t.Fatalf("Batch on a healthy service: %v", err)
	}
	return out
}

// fill puts creates into a batch and says who does not fit.
func fill(b connectors.Batch, people []model.Desired) error {
	for i, want := range people {
		if fit := b.Add(connectors.Write{Want: want}); fit != connectors.Fits {
			return violation("the create of person %d of %d does not fit: %d", i+1, len(people), fit)
		}
	}
	return nil
}

func batchIsOneRequest(t testing.TB, s TargetSuite) error {
	st := openTarget(t, s)
	people := s.people(4)
	first := st.create(t, people[0])[0]
	b := st.batch(t)
	if b == nil {
		return nil
	}
	next := with(people[0], model.Title, "Cartographer")
	if fit := b.Add(connectors.Write{RemoteID: first.RemoteID, Have: &people[0], Want: next}); fit != connectors.Fits && fit != connectors.Alone {
		return violation("an update does not fit an empty batch: %d", fit)
	} else if fit == connectors.Alone {
		people[0], next = people[1], people[1]
		b = st.batch(t)
		people = people[2:]
	} else {
		people = people[1:]
	}
	updates := 1
	if len(people) == 2 {
		updates = 0
	}
	if err := fill(b, people); err != nil {
		return err
	}
	st.gate.set(nil)
	out := b.Send(t.Context())
	if _, writes := st.gate.seen(); writes != 1 {
		return violation("%d requests that write, want 1", writes)
	}
	if len(out) != len(people)+updates {
		return violation("%d outcomes of %d writes", len(out), len(people)+updates)
	}
	for i, w := range out {
		want := next
		if i >= updates {
			want = people[i-updates]
		}
		if w.Err != nil {
			return violation("write %d: %v", i, w.Err)
		}
		found, ok, err := st.Find(t.Context(), want.Email)
		if err != nil || !ok || found.RemoteID != w.Account.RemoteID {
			return violation("write %d says account %q, and the login is found as %q (%v)", i, w.Account.RemoteID, found.RemoteID, err)
		}
		if err := differs(found, want); err != nil {
			return violation("write %d: %v", i, err)
		}
	}
	return nil
}

func batchCarriesManagers(t testing.TB, s TargetSuite) error {
	st := openTarget(t, s)
	people := s.people(3)
	for range 2 { // what the first batch taught holds for the second
		b := st.batch(t)
		if b == nil {
			return nil
		}
		boss, report := people[0], people[1]
		report.Manager = &model.ManagerLink{Person: boss.Person}
		if b.Add(connectors.Write{Want: boss}) != connectors.Fits {
			return violation("a create does not fit an empty batch")
		}
		switch b.Add(connectors.Write{Want: report}) {
		case connectors.Later:
			return nil // goes with the next, by the id that the manager has then
		case connectors.Fits:
		default:
			return violation("the report of somebody in the batch can go neither with it nor with the next")
		}
		out := b.Send(t.Context())
		if len(out) != 2 || out[0].Err != nil {
			return violation("the manager was not made: %+v", out)
		}
		found, ok, err := st.Find(t.Context(), report.Email)
		switch {
		case err != nil:
			return err
		case out[1].Err != nil:
			if !errors.Is(out[1].Err, connectors.ErrAlone) && !errors.Is(out[1].Err, connectors.ErrManagerRefused) || ok {
				return violation("the report: made %t, %v", ok, out[1].Err)
			}
			return nil
		case !out[1].LinkLeft && found.ManagerRemoteID != out[0].Account.RemoteID:
			return violation("the link is said to be written, and the account has manager %q", found.ManagerRemoteID)
		}
		people[0].Email, people[0].Person = "other-boss@"+"acme.example", "p_other_boss"
		people[1].Email, people[1].Person = "other-report@"+"acme.example", "p_other_report"
	}
	return nil
}

func batchRefusesOne(t testing.TB, s TargetSuite) error {
	st := openTarget(t, s)
	people := s.people(3)
	st.create(t, people[1])
	b := st.batch(t)
	if b == nil {
		return nil
	}
	if err := fill(b, people); err != nil {
		return err
	}
	out := b.Send(t.Context())
	if out[1].Err == nil || connectors.ClassOf(out[1].Err) != connectors.Taken && !errors.Is(out[1].Err, connectors.ErrAlone) {
		return violation("a login that exists: %v", out[1].Err)
	}
	for _, i := range []int{0, 2} {
		if out[i].Err != nil {
			return violation("somebody else was refused too: %v", out[i].Err)
		}
	}
	return nil
}

func lostBatch(t testing.TB, s TargetSuite) error {
	st := openTarget(t, s)
	people := s.people(3)
	b := st.batch(t)
	if b == nil {
		return nil
	}
	if err := fill(b, people); err != nil {
		return err
	}
	st.gate.set(applied(dropAnswer))
	out := b.Send(t.Context())
	if n, _ := st.gate.seen(); n != 1 {
		return violation("%d requests, want 1", n)
	}
	st.gate.set(nil)
	for i, w := range out {
		if c := connectors.ClassOf(w.Err); w.Err == nil || c != connectors.Transient || errors.Is(w.Err, connectors.ErrUnsent) || errors.Is(w.Err, connectors.ErrAlone) {
			return violation("write %d of a batch whose answer was lost: %v", i, w.Err)
		}
		if _, ok, err := st.Find(t.Context(), people[i].Email); err != nil || !ok {
			return violation("write %d was applied and is not found: %v", i, err)
		}
	}
	return nil
}

func unsentBatch(t testing.TB, s TargetSuite) error {
	for _, status := range []int{http.StatusRequestEntityTooLarge, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented} {
		st := openTarget(t, s)
		b := st.batch(t)
		if b == nil {
			return nil
		}
		people := s.people(4)
		if err := fill(b, people); err != nil {
			return err
		}
		st.gate.set(unseen(answering(status, typeJSON, `{}`)))
		for i, w := range b.Send(t.Context()) {
			if !errors.Is(w.Err, connectors.ErrUnsent) {
				return violation("%d, write %d: %v", status, i, w.Err)
			}
		}
		st.gate.set(nil)
		if err := st.holdsExactly(t); err != nil {
			return err
		}
		// What was learned: smaller batches, or none.
		if again := st.batch(t); again != nil && fill(again, people) == nil {
			return violation("after %d the same batch is put together again", status)
		}
	}
	return nil
}

func refusedBatch(t testing.TB, s TargetSuite) error {
	for status, class := range map[int]connectors.Class{http.StatusTooManyRequests: connectors.Throttled, http.StatusUnauthorized: connectors.Denied, http.StatusServiceUnavailable: connectors.Transient} {
		st := openTarget(t, s)
		b := st.batch(t)
		if b == nil {
			return nil
		}
		if err := fill(b, s.people(3)); err != nil {
			return err
		}
		st.gate.set(unseen(answering(status, typeJSON, `{}`, "Retry-After", "90")))
		for i, w := range b.Send(t.Context()) {
			if connectors.ClassOf(w.Err) != class {
				return violation("%d, write %d: %v", status, i, w.Err)
			}
			if at := connectors.RetryAt(w.Err); class == connectors.Throttled && time.Until(at) < time.Minute {
				return violation("%d, write %d: again at %v", status, i, at)
			}
		}
		if n, _ := st.gate.seen(); n != 1 {
			return violation("%s: %d requests", strconv.Itoa(status), n)
		}
	}
	return nil
}
