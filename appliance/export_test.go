package appliance

import (
	"context"
	"time"

	"rollcall/appliance/notify"
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
