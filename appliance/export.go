package appliance

import (
	"context"
	"time"

	"rollcall/appliance/config"
	"rollcall/appliance/observe"
	"rollcall/appliance/store"
)

// exporter follows the journal and sends it to a syslog collector. It is used by
// one goroutine.
type exporter struct {
	app     *App
	address config.SyslogAddress // of out
	out     *observe.Syslog      // nil while no collector is configured
	sent    uint64               // the last event that left
	saved   uint64               // what the database knows of it
	savedAt time.Time
	known   bool // sent was read from the database
}

// round sends what there is and returns how long to wait, zero for not at all.
func (x *exporter) round(ctx context.Context) time.Duration {
	address := x.app.config().Journal.Syslog
	if address != x.address {
		x.close()
		x.address = address
		if !address.IsZero() {
			x.out = observe.NewSyslog(address.Network, address.Address)
		}
	}
	if x.out == nil {
		x.tell(nil)
		return syslogConfigIn
	}
	if err := x.begin(); err != nil {
		return syslogRetry
	}
	// The wait is bounded so that a new address is seen.
	bounded, cancel := context.WithTimeout(ctx, syslogConfigIn)
	defer cancel()
	events, err := x.app.Journal(bounded, int64(x.sent), syslogChunk, true)
	if err != nil || len(events) == 0 {
		return 0
	}
	for _, e := range events {
		hash, err := store.EventHash(e)
		if err == nil {
			err = x.out.Send(e, hash)
		}
		if err != nil {
			x.tell(err)
			return syslogRetry
		}
		x.sent = e.Seq
	}
	x.tell(nil)
	if x.app.now().Sub(x.savedAt) >= sentEvery {
		if x.remember() != nil {
			return syslogRetry
		}
	}
	return 0
}

// begin finds out where to go on: behind the last event that was sent, or, the
// first time a collector is named, with what happens from now on.
func (x *exporter) begin() error {
	if x.known {
		return nil
	}
	seq, known, err := x.app.sentEvent()
	if err != nil {
		return err
	}
	if !known {
		head, err := x.app.journalHead()
		if err != nil {
			return err
		}
		seq = head.Seq
	}
	x.sent, x.known = seq, true
	if known {
		x.saved = seq
	}
	return nil
}

func (x *exporter) remember() error {
	if !x.known || x.sent == x.saved {
		return nil
	}
	err := x.app.store.Update(func(tx *store.Tx) error { return tx.SetSetting(sentSetting, x.sent) })
	if err == nil {
		x.saved, x.savedAt = x.sent, x.app.now()
	}
	return err
}

// tell notes whether events reach the collector, and logs when that changes.
func (x *exporter) tell(err error) {
	c := &x.app.chores
	c.mu.Lock()
	before := c.syslog
	c.syslog = err
	c.mu.Unlock()
	switch {
	case err != nil && before == nil:
		x.app.log.Error("the journal does not reach the syslog collector", "error", err)
	case err == nil && before != nil:
		x.app.log.Info("the journal reaches the syslog collector again")
	}
}

func (x *exporter) close() {
	if x.out != nil {
		_ = x.out.Close()
		x.out = nil
	}
}
