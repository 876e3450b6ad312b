package store

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// together starts one Batch per function while another writer holds the
// database, so that all of them wait in the given order, and returns what each
// got.
func together(t *testing.T, s *Store, fns ...func(*Tx) error) []error {
	t.Helper()
	results := make([]error, len(fns))
	var wg sync.WaitGroup
	update(t, s, func(*Tx) error {
		for i, fn := range fns {
			wg.Go(func() { results[i] = s.Batch(fn) })
			for waiting := func() int { s.queue.mu.Lock(); defer s.queue.mu.Unlock(); return len(s.queue.waiting) }; waiting() <= i; {
				runtime.Gosched()
			}
		}
		return nil
	})
	wg.Wait()
	return results
}

func settingOf(t *testing.T, s *Store, name string) (n int) {
	t.Helper()
	view(t, s, func(tx *Tx) error { _, err := tx.Setting(name, &n); return err })
	return n
}

func TestChangesThatWaitTogetherShareATransaction(t *testing.T) {
	s := open(t)
	const n = 50
	ids := make([]int, n)
	fns := make([]func(*Tx) error, n)
	for i := range n {
		fns[i] = func(tx *Tx) error {
			ids[i] = tx.tx.ID()
			return tx.SetSetting("s"+strconv.Itoa(i), i)
		}
	}
	for i, err := range together(t, s, fns...) {
		if err != nil || settingOf(t, s, "s"+strconv.Itoa(i)) != i {
			t.Errorf("change %d: %v", i, err)
		}
	}
	slices.Sort(ids)
	if used := slices.Compact(ids); len(used) != 1 {
		t.Errorf("%d changes took %d transactions", n, len(used))
	}
}

func TestAChangeThatComesAloneDoesNotWaitForCompany(t *testing.T) {
	s := open(t)
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now() // the clock of the bubble stands still unless somebody sleeps
		if err := s.Batch(func(tx *Tx) error { return tx.SetSetting("alone", 1) }); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(begun); waited != 0 {
			t.Errorf("it waited %v", waited)
		}
	})
}

func TestAFailureTakesNobodyWithIt(t *testing.T) {
	refused := errors.New("refused")
	s := open(t)
	var runs [5]int
	first := true
	results := together(t, s,
		func(tx *Tx) error { runs[0]++; return tx.SetSetting("a", 1) },
		func(tx *Tx) error { runs[1]++; return errors.Join(tx.SetSetting("dirty", runs[1]), refused) },
		func(*Tx) error { runs[2]++; return refused },
		func(tx *Tx) error {
			runs[3]++
			if first { // fails halfway in company, and not when it is alone
				first = false
				return errors.Join(tx.SetSetting("late", 1), refused)
			}
			return tx.SetSetting("late", 2)
		},
		func(tx *Tx) error { runs[4]++; return tx.SetSetting("b", 1) },
	)
	for i, want := range []error{nil, refused, refused, nil, nil} {
		if !errors.Is(results[i], want) {
			t.Errorf("change %d: %v, want %v", i, results[i], want)
		}
	}
	if got, want := [4]int{settingOf(t, s, "a"), settingOf(t, s, "dirty"), settingOf(t, s, "late"), settingOf(t, s, "b")}, [4]int{1, 0, 2, 1}; got != want {
		t.Errorf("stored %v, want %v", got, want)
	}
	if runs[2] > 2 {
		t.Errorf("a change that refused before it wrote anything ran %d times", runs[2])
	}
	if err := s.Check(); err != nil {
		t.Error(err)
	}
}

// Whoever fails without having written costs the others nothing.
func TestRefusalsBeforeTheFirstWriteAreNotRunAgain(t *testing.T) {
	refused := errors.New("refused")
	s := open(t)
	runs := 0
	fns := make([]func(*Tx) error, 32)
	for i := range fns {
		fns[i] = func(tx *Tx) error {
			runs++
			var taken int
			if found, err := tx.Setting("name", &taken); err != nil || found {
				return errors.Join(err, refused)
			}
			return tx.SetSetting("name", i)
		}
	}
	won := 0
	for _, err := range together(t, s, fns...) {
		if err == nil {
			won++
		} else if !errors.Is(err, refused) {
			t.Error(err)
		}
	}
	if won != 1 || runs != len(fns) {
		t.Errorf("%d of %d got the name, in %d runs", won, len(fns), runs)
	}
}

func TestAPanicReachesItsOwnCaller(t *testing.T) {
	s := open(t)
	caught := make(chan any, 1)
	results := together(t, s,
		func(tx *Tx) error { return tx.SetSetting("a", 1) },
		func(tx *Tx) error { return tx.SetSetting("b", 1) },
	)
	if err := errors.Join(results...); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	update(t, s, func(*Tx) error {
		wg.Go(func() {
			if err := s.Batch(func(tx *Tx) error { return tx.SetSetting("a", 2) }); err != nil {
				t.Error(err)
			}
		})
		wg.Go(func() {
			defer func() { caught <- recover() }()
			_ = s.Batch(func(tx *Tx) error {
				if err := tx.SetSetting("b", 2); err != nil {
					return err
				}
				panic("mine")
			})
		})
		for waiting := 0; waiting < 2; {
			runtime.Gosched()
			s.queue.mu.Lock()
			waiting = len(s.queue.waiting)
			s.queue.mu.Unlock()
		}
		return nil
	})
	wg.Wait()
	if v := <-caught; v != "mine" {
		t.Errorf("the caller met %v", v)
	}
	if a, b := settingOf(t, s, "a"), settingOf(t, s, "b"); a != 2 || b != 1 {
		t.Errorf("stored a=%d and b=%d, want 2 and 1", a, b)
	}
	if err := s.Batch(func(tx *Tx) error { return tx.SetSetting("b", 3) }); err != nil {
		t.Errorf("after the panic: %v", err)
	}
}

func TestNothingIsWrittenWhenNobodyChangesAnything(t *testing.T) {
	s := open(t)
	size := func() (tx int) {
		_ = s.db.View(func(b *bbolt.Tx) error { tx = b.ID(); return nil })
		return tx
	}
	before := size()
	results := together(t, s, func(*Tx) error { return nil }, func(*Tx) error { return errors.New("refused") }, func(tx *Tx) error { tx.Count("a", "b"); return nil })
	if results[0] != nil || results[1] == nil || results[2] != nil {
		t.Errorf("results %v", results)
	}
	// together itself commits once.
	if got := size(); got > before+1 {
		t.Errorf("%d transactions were committed", got-before)
	}
}

func TestEverybodyIsToldThatTheDatabaseIsClosed(t *testing.T) {
	s, err := Open(filepath.Join(t.TempDir(), FileName), Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if err := s.Batch(func(tx *Tx) error { return tx.SetSetting("a", 1) }); !errors.Is(err, bolterrors.ErrDatabaseNotOpen) {
				t.Errorf("told %v", err)
			}
		})
	}
	wg.Wait()
}

// Many writers with failures of every kind: what is stored is what was told.
func TestWhatIsToldIsWhatIsStored(t *testing.T) {
	s := open(t)
	refused := errors.New("refused")
	const writers, each = 16, 30
	told := make([]int, writers)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				err := s.Batch(func(tx *Tx) error {
					if (w+i)%5 == 1 {
						return refused
					}
					if err := tx.AddCount(fmt.Sprint(w), "n", 1); err != nil {
						return err
					}
					if err := tx.AddCount("all", "n", 1); err != nil {
						return err
					}
					if (w*i)%7 == 3 {
						return refused
					}
					return nil
				})
				if err == nil {
					told[w]++
				} else if err != refused {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	view(t, s, func(tx *Tx) error {
		sum := 0
		for w := range writers {
			sum += told[w]
			if got := tx.Count(fmt.Sprint(w), "n"); got != told[w] {
				t.Errorf("writer %d was told %d, %d are stored", w, told[w], got)
			}
		}
		if got := tx.Count("all", "n"); got != sum {
			t.Errorf("%d are stored of %d together", got, sum)
		}
		return nil
	})
}
