package appliance

import (
	"path/filepath"

	"rollcall/appliance/config"
	"rollcall/appliance/store"
)

// Compact writes the database anew without its free pages, for an appliance that
// is stopped; see [store.Compact]. path is that of the configuration, as for
// [Daemon]. It returns the sizes before and after in bytes.
func Compact(path string) (before, after int64, err error) {
	cfg, err := config.Load(path)
	if err != nil {
		return 0, 0, err
	}
	return store.Compact(filepath.Join(string(cfg.Appliance.DataDir), store.FileName), store.Options{})
}

// offerCompaction tells in the log when compacting is worth it: each day, and soon
// after a start, when what was kept long enough has been taken out.
func (a *App) offerCompaction() {
	if s := a.store.Space(); s.WorthCompacting() {
		a.log.Info("half of the database is free space; stop the appliance and run rollcall compact to give it back", "mib", s.File>>20, "free_mib", s.Free>>20)
	}
}
