package ingest

import (
	"fmt"
	"time"

	"rollcall/appliance/model"
	"rollcall/appliance/store"
)

// retireBatch is how many entries one transaction of [Engine.Retire] takes out.
const retireBatch = 2000

// Retire takes out what was kept long enough: the values of changes older than
// history, and events older than journal; zero keeps for ever. The journal stays
// a chain, see [store.Tx.PruneJournal]. It returns how many of each went.
func (e *Engine) Retire(history, journal time.Duration) (values, events int, err error) {
	if history > 0 {
		if values, err = e.retireHistory(e.now().Add(-history)); err != nil {
			return values, events, err
		}
	}
	for journal > 0 {
		n := 0
		err := e.update(actorSelf, 0, model.JobOpen, func(c *change) (err error) {
			n, err = c.tx.PruneJournal(c.at.Add(-journal), retireBatch, actorSelf, c.at)
			return err
		})
		events += n
		if err != nil || n < retireBatch {
			return values, events, err
		}
	}
	return values, events, nil
}

// retireHistory looks in short transactions, so that nobody waits for it.
func (e *Engine) retireHistory(before time.Time) (gone int, err error) {
	var after []byte
	for {
		var old []store.HistoryKey
		looked := 0
		err := e.store.View(func(tx *store.Tx) error {
			for c, err := range store.History.From(tx, nil, after) {
				if err != nil {
					return err
				}
				if c.At.Before(before) {
					old = append(old, store.HistoryKey{Person: c.Person, Seq: c.Seq})
				}
				after = append(store.Prefix(string(c.Person)), store.Seq(c.Seq)...)
				if looked++; looked == retireBatch {
					break
				}
			}
			return nil
		})
		if err != nil {
			return gone, err
		}
		if len(old) > 0 {
			if err := e.eraseHistory(old); err != nil {
				return gone, err
			}
			gone += len(old)
		}
		if looked < retireBatch {
			break
		}
	}
	if gone == 0 {
		return 0, nil
	}
	return gone, e.Note(actorSelf, "history_retired", "appliance", fmt.Sprintf("the values of %d changes before %s", gone, before.UTC().Format(time.DateOnly)))
}

func (e *Engine) eraseHistory(keys []store.HistoryKey) error {
	return e.store.Update(func(tx *store.Tx) error {
		for _, k := range keys {
			if err := store.History.Delete(tx, k); err != nil {
				return err
			}
		}
		return nil
	})
}
