package appliance

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"rollcall/appliance/admin"
	"rollcall/appliance/store"
)

const (
	housekeepingEvery = time.Minute
	// retireEvery is how often what was kept long enough is taken out.
	retireEvery = 24 * time.Hour
	// backupRetry is how long a backup that failed rests.
	backupRetry = 15 * time.Minute
	// backupStamp is the time in the name of a backup, in UTC.
	backupStamp  = "20060102T150405Z"
	backupPrefix = "rollcall-"
)

// chores is what housekeeping remembers between two rounds.
type chores struct {
	mu          sync.Mutex // guards what follows
	backup      error      // why the last backup failed; nil: it did not
	backupTried time.Time
	retired     time.Time
	syslog      error // why events do not reach the collector
}

// housekeep makes backups and takes out what was kept long enough, until ctx ends.
func (a *App) housekeep(ctx context.Context) error {
	tick := time.NewTicker(housekeepingEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			a.Housekeep()
		}
	}
}

// Housekeep does what is due: Serve calls it every minute.
func (a *App) Housekeep() {
	a.carryOut()
	a.rereadRefused()
	a.backupWhenDue()
	a.retireWhenDue()
}

// carryOut goes on with what was decided and is not being carried out, and with
// activations that stopped halfway: the disk was full, for example.
func (a *App) carryOut() {
	if err := errors.Join(a.engine.Resume(), a.engine.ResumeActivations()); err != nil {
		a.log.Error("what was decided is not carried out yet; it is tried again in a minute", "error", err)
	}
}

// backupWhenDue makes a backup when the newest is older than [backup] every, and
// removes the oldest beyond keep.
func (a *App) backupWhenDue() {
	cfg, now := a.config().Backup, a.now()
	if cfg.Every == 0 {
		a.chores.noteBackup(nil, time.Time{})
		return
	}
	a.chores.mu.Lock()
	resting := a.chores.backup != nil && now.Sub(a.chores.backupTried) < backupRetry
	a.chores.mu.Unlock()
	if resting {
		return
	}
	made, err := backupsIn(string(cfg.Dir))
	if err == nil && len(made) > 0 && now.Sub(made[len(made)-1].at) < time.Duration(cfg.Every) {
		return
	}
	if err == nil {
		err = a.makeBackup(now)
	}
	before := a.chores.noteBackup(err, now)
	switch {
	case err != nil && before == nil:
		a.log.Error("no backup was made", "error", err)
	case err == nil:
		a.log.Info("backup made", "dir", string(cfg.Dir))
	}
}

func (c *chores) noteBackup(err error, at time.Time) (before error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before, c.backup, c.backupTried = c.backup, err, at
	return before
}

func (a *App) makeBackup(now time.Time) error {
	cfg := a.config().Backup
	dir := string(cfg.Dir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("[backup] dir: %w", err)
	}
	name := backupPrefix + now.UTC().Format(backupStamp) + ".db"
	if len(cfg.Recipients) > 0 {
		name += ".age"
	}
	if err := a.store.BackupTo(filepath.Join(dir, name), cfg.AgeRecipients()); err != nil {
		return err
	}
	if err := a.engine.Note(actorSelf, "backup", "appliance", name); err != nil {
		return err
	}
	made, err := backupsIn(dir)
	if err != nil {
		return err
	}
	for _, old := range made[:max(0, len(made)-cfg.Keep)] {
		if err := os.Remove(old.path); err != nil {
			return fmt.Errorf("remove a backup that is over [backup] keep: %w", err)
		}
	}
	return nil
}

// actorSelf is who the journal names for what no human asked for.
const actorSelf = "rollcall"

// backupFile is one backup that the appliance made by itself.
type backupFile struct {
	path string
	at   time.Time
}

// backupsIn lists the backups that the appliance made in dir, oldest first.
// Files with other names are not touched, whoever put them there.
func backupsIn(dir string) ([]backupFile, error) {
	entries, err := os.ReadDir(dir)
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("[backup] dir: %w", err)
	}
	var out []backupFile
	for _, e := range entries {
		stamp, ok := strings.CutPrefix(e.Name(), backupPrefix)
		stamp, plain := strings.CutSuffix(strings.TrimSuffix(stamp, ".age"), ".db")
		at, err := time.Parse(backupStamp, stamp)
		if ok && plain && err == nil && e.Type().IsRegular() {
			out = append(out, backupFile{path: filepath.Join(dir, e.Name()), at: at})
		}
	}
	slices.SortFunc(out, func(x, y backupFile) int { return x.at.Compare(y.at) })
	return out, nil
}

// backupNeed says what is wrong with the backups; false: nothing is.
func (a *App) backupNeed() (admin.Need, bool) {
	cfg := a.config().Backup
	if cfg.Every == 0 {
		return admin.Need{}, false
	}
	a.chores.mu.Lock()
	failed := a.chores.backup
	a.chores.mu.Unlock()
	n := admin.Need{Kind: "backup", Subject: "[backup]", Command: "rollcall backup FILE makes one elsewhere"}
	if failed != nil {
		n.Text = "the last backup failed: " + failed.Error()
		return n, true
	}
	made, err := backupsIn(string(cfg.Dir))
	if err != nil {
		n.Text = err.Error()
		return n, true
	}
	if len(made) == 0 {
		return n, false // the first is made within a minute
	}
	if age := a.now().Sub(made[len(made)-1].at); age > 2*time.Duration(cfg.Every)+backupRetry {
		n.Text = "the newest backup is of " + made[len(made)-1].at.Format(time.DateTime) + " UTC"
		return n, true
	}
	return n, false
}

// retireWhenDue takes out once a day what was kept long enough.
func (a *App) retireWhenDue() {
	now := a.now()
	a.chores.mu.Lock()
	due := now.Sub(a.chores.retired) >= retireEvery || now.Before(a.chores.retired)
	if due {
		a.chores.retired = now
	}
	a.chores.mu.Unlock()
	if !due {
		return
	}
	cfg := a.config()
	values, events, err := a.engine.Retire(time.Duration(cfg.Privacy.KeepHistory), time.Duration(cfg.Journal.Keep))
	switch {
	case err != nil:
		a.log.Error("what was kept long enough was not taken out", "error", err)
	case values+events > 0:
		a.log.Info("what was kept long enough was taken out", "values", values, "events", events)
	}
	a.offerCompaction()
}

const (
	// sentSetting remembers the last event that reached the syslog collector.
	sentSetting = "syslog.sent"
	// sentEvery is how often it is written down. After a kill, what was sent since
	// is sent again: at least once, with the number to tell.
	sentEvery      = 5 * time.Second
	syslogRetry    = time.Minute
	syslogChunk    = 500
	syslogConfigIn = 30 * time.Second
)

// tellNeeds adds what housekeeping has to say to the needs of the status.
func (a *App) tellNeeds(s *admin.Status) {
	if n, bad := a.backupNeed(); bad {
		s.Needs = append(s.Needs, n)
	}
	a.chores.mu.Lock()
	failed := a.chores.syslog
	a.chores.mu.Unlock()
	if failed != nil {
		s.Needs = append(s.Needs, admin.Need{Kind: "syslog", Subject: "[journal] syslog", Text: "the journal does not reach the collector: " + failed.Error(),
			Command: "start the collector, or correct [journal] syslog; what was missed is sent then"})
	}
}

// exportJournal sends each event to the syslog collector, in order, until ctx
// ends. A collector that is away is waited for; its events stay in the journal.
func (a *App) exportJournal(ctx context.Context) error {
	x := exporter{app: a}
	defer x.close()
	for ctx.Err() == nil {
		wait := x.round(ctx)
		if wait == 0 {
			continue
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
		case <-timer.C:
		}
	}
	return x.remember()
}

func (a *App) journalHead() (head store.Head, err error) {
	err = a.store.View(func(tx *store.Tx) error {
		head, err = tx.JournalHead()
		return err
	})
	return head, err
}

// sentEvent is what [sentSetting] holds.
func (a *App) sentEvent() (seq uint64, known bool, err error) {
	err = a.store.View(func(tx *store.Tx) error {
		known, err = tx.Setting(sentSetting, &seq)
		return err
	})
	return seq, known, err
}
