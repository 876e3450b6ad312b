package appliance

import (
	"context"

	"rollcall/appliance/notify"
)

// Matters shows tests what the notifier would tell.
func (a *App) Matters(ctx context.Context) ([]notify.Matter, error) { return a.matters(ctx) }
