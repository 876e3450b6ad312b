package store

import (
	"errors"
	"fmt"
	"os"

	"go.etcd.io/bbolt"
)

// scrubPages is how many pages one transaction of [Store.Scrub] looks at, so that
// writers wait milliseconds.
const scrubPages = 4096

// scrubTries bounds how often Scrub waits for a moment without older readers.
const scrubTries = 200

// Scrub overwrites the pages of the file that are free: what was deleted stands in
// them until something else is written there. It changes no data. Pages that an
// open read transaction may still look at are left until there is none.
func (s *Store) Scrub() error {
	f, err := os.OpenFile(s.path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	zeros := make([]byte, s.db.Info().PageSize)
	for from, done := 2, false; !done; from += scrubPages {
		scrubbed := false
		for range scrubTries {
			if scrubbed, done, err = s.scrubSome(f, zeros, from); err != nil {
				return fmt.Errorf("overwrite free pages: %w", err)
			}
			if scrubbed {
				break
			}
		}
		if !scrubbed {
			return errors.New("overwrite free pages: somebody was reading all the time; what was erased stays in the file until its place is used again")
		}
	}
	return f.Sync()
}

// scrubSome overwrites the free ones among some pages. Free to bbolt are also
// pages that only an open reader of an older state still needs; their number is
// known after a transaction that changes nothing, and stays what it is until the
// next commit, which the transaction's number tells.
func (s *Store) scrubSome(f *os.File, zeros []byte, from int) (scrubbed, done bool, err error) {
	before := 0
	_ = s.db.Update(func(tx *bbolt.Tx) error { before = tx.ID(); return errRollback })
	if s.db.Stats().PendingPageN > 0 {
		return false, false, nil
	}
	err = s.db.Update(func(tx *bbolt.Tx) error {
		if tx.ID() != before {
			return errRollback // somebody committed in between: look again
		}
		for id := from; id < from+scrubPages; id++ {
			page, err := tx.Page(id)
			if err != nil {
				return err
			}
			if page == nil {
				done = true
				break
			}
			if page.Type != "free" {
				continue
			}
			if _, err := f.WriteAt(zeros, int64(id)*int64(len(zeros))); err != nil {
				return err
			}
		}
		scrubbed = true
		return errRollback
	})
	if errors.Is(err, errRollback) {
		err = nil
	}
	return scrubbed, done, err
}
