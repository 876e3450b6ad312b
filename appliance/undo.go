package appliance

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"rollcall/appliance/admin"
	"rollcall/appliance/ingest"
	"rollcall/appliance/model"
	"rollcall/appliance/store"
)

// UndoPlan implements admin.Service: the undo is done inside a transaction that is
// rolled back, so that what is shown cannot differ from the real thing.
func (a *App) UndoPlan(_ context.Context, seq uint64) (admin.Undo, error) {
	out := admin.Undo{Run: seq, Plan: admin.Plan{Changes: []admin.PlanChange{}, Counts: map[string]int{}, Instance: a.store.Meta("instance"), Made: a.now().UTC()}}
	err := a.engine.TryUndoRun("preview", seq, func(tx *store.Tx, u ingest.Undone) error {
		out.Plan.Holds = u.Run.Holds
		if err := a.readPlan(tx, &out.Plan, func(j model.Job) bool { return j.Run == u.Run.Seq }); err != nil {
			return err
		}
		out.Plan.Conflicts, out.Plan.Uncovered, out.Plan.Notices = nil, nil, nil
		for i := range out.Plan.Changes {
			// The run that would hold it is not there yet: the holds say enough.
			out.Plan.Changes[i].Why = out.Plan.Changes[i].Cause
		}
		return a.undoView(tx, &out, u)
	})
	return out, refusalOr(err, "there is no run %d; rollcall runs lists them", seq)
}

// UndoRun implements admin.Service.
func (a *App) UndoRun(ctx context.Context, actor string, seq uint64) (admin.Undo, error) {
	u, err := a.engine.UndoRun(actor, seq)
	if err != nil {
		return admin.Undo{}, refusalOr(err, "there is no run %d; rollcall runs lists them", seq)
	}
	out := admin.Undo{Run: seq, By: u.Run.Seq}
	if out.Plan, err = a.RunPlan(ctx, u.Run.Seq); err != nil {
		return out, err
	}
	err = a.store.View(func(tx *store.Tx) error { return a.undoView(tx, &out, u) })
	return out, err
}

func (a *App) undoView(tx *store.Tx, out *admin.Undo, u ingest.Undone) error {
	out.Stopped = u.Stopped
	out.Left = []admin.LeftOut{}
	for _, l := range u.Left {
		ref, err := refOf(tx, l.Person)
		if err != nil {
			return err
		}
		out.Left = append(out.Left, admin.LeftOut{Target: l.Target, Person: ref, Why: l.Why})
	}
	out.Cannot = cannotUndo(u)
	// What a human decides upon: who is written what over what. Run numbers and
	// reasons in words are not part of it.
	sum := sha256.New()
	for _, c := range out.Plan.Changes {
		fmt.Fprintf(sum, "%q", []string{c.Target, c.Person.ID, c.Pin})
	}
	for _, l := range out.Left {
		fmt.Fprintf(sum, "%q", []string{l.Target, l.Person.ID, l.Why})
	}
	fmt.Fprint(sum, out.Stopped)
	out.Tag = hex.EncodeToString(sum.Sum(nil)[:8])
	return nil
}

// cannotUndo says in sentences what stays although the run is undone.
func cannotUndo(u ingest.Undone) []string {
	out := []string{"the sources and the roster say what they said: an account stays as it is put back until its person changes, or until the undo is undone"}
	if u.Created > 0 {
		out = append(out, fmt.Sprintf("%d accounts that the run made are switched off; they are not deleted", u.Created))
	}
	if u.Mailed > 0 {
		out = append(out, fmt.Sprintf("what the target sent to %d people when their accounts were made or switched on, such as an invitation, cannot be called back", u.Mailed))
	}
	return out
}
