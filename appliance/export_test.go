package appliance

import (
	"context"
	"time"

	"rollcall/appliance/admin"
	"rollcall/appliance/model"
	"rollcall/appliance/notify"
	"rollcall/appliance/store"
)

// SetClock gives an App that does not serve another clock.
func (a *App) SetClock(now func() time.Time) { a.now = now }

// Heard tells the App that a SCIM sender was heard.
func (a *App) Heard(source string, at time.Time) error { return a.heard(source, at) }

// Matters shows tests what the notifier would tell.
func (a *App) Matters(ctx context.Context) ([]notify.Matter, error) { return a.matters(ctx) }

// Authenticate presents a token as a sender would, and reports whether it is taken.
func (a *App) Authenticate(token string) bool {
	a.auth.now = a.now
	_, ok := a.auth.Authenticate(context.Background(), token)
	return ok
}

// RunDetail is RunJSON in memory.
func (a *App) RunDetail(ctx context.Context, seq uint64) (admin.RunDetail, error) {
	var d admin.RunDetail
	s, err := a.RunJSON(ctx, seq)
	if err == nil {
		err = admin.Unspool(s, &d)
	}
	return d, err
}

// PlanInMemory is what RunPlanJSON says, read in memory.
func (a *App) PlanInMemory(seq uint64) (admin.Plan, error) {
	p := admin.Plan{Counts: map[string]int{}}
	err := a.store.View(func(tx *store.Tx) error {
		return a.readPlan(tx, &p, func(j model.Job) bool { return j.Run == seq })
	})
	return p, err
}
