package relay_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"rollcall/appliance/ingest"
	"rollcall/appliance/model"
	"rollcall/appliance/reconcile"
	"rollcall/appliance/relay"
	"rollcall/appliance/store"
	"rollcall/connectors"
)

// shelf is a target that takes everybody as a file, in memory. Its file is the JSON
// of who is active, by login.
type shelf struct {
	mu    sync.Mutex
	there map[string]model.Desired
	puts  int
	// fail decides before a file is put, lost after it was; both may be nil.
	fail, lost func() error
	// refuses says whom the file cannot hold; nil: nobody.
	refuses func(model.Desired) bool
}

// behave changes how the target answers.
func (s *shelf) behave(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

func (s *shelf) Render(want []model.Desired) (connectors.File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	rows := map[string]model.Desired{}
	var f connectors.File
	for _, d := range want {
		switch {
		case !d.Active:
		case s.refuses != nil && s.refuses(d):
			f.LeftOut = append(f.LeftOut, connectors.LeftOut{Person: d.Person, Reason: "on purpose"})
		default:
			if _, twice := rows[d.Email]; twice {
				return f, &connectors.Error{Class: connectors.Invalid, Op: "elevo: render the file", Detail: "one login twice"}
			}
			rows[d.Email] = d
		}
	}
	f.Content, _ = json.Marshal(rows)
	f.Digest, f.People = fmt.Sprintf("%x", f.Content), len(rows)
	return f, nil
}

func (s *shelf) Put(_ context.Context, f connectors.File) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		if err := s.fail(); err != nil {
			return 0, err
		}
	}
	s.puts++
	s.there = nil
	if err := json.Unmarshal(f.Content, &s.there); err != nil {
		return 0, err
	}
	if s.lost != nil {
		if err := s.lost(); err != nil {
			return 0, err
		}
	}
	return len(f.Content), nil
}

func (s *shelf) logins() (out []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for login := range s.there {
		out = append(out, login)
	}
	slices.Sort(out)
	return out
}

// shelved runs a test with the lane of a file that may be put every hour.
func shelved(t *testing.T, n int, test func(*testing.T, *world, *shelf)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		s := &shelf{}
		w.settings.Limits = reconcile.Limits{Deactivations: reconcile.Limit{Count: 3, HasCount: true}}
		w.read(people(n)...)
		if _, err := w.e.Activate("test", "hr"); err != nil {
			t.Fatal(err)
		}
		w.shelf = s
		w.start()
		test(t, w, s)
	})
}

func addresses(numbers ...int) (out []string) {
	for _, n := range numbers {
		out = append(out, address(n))
	}
	slices.Sort(out)
	return out
}

// TestFileThatIsForeseenIsTheOneThatIsPut fails when the file that a dry run shows is
// put together otherwise than the one that is delivered.
func TestFileThatIsForeseenIsTheOneThatIsPut(t *testing.T) {
	shelved(t, 4, func(t *testing.T, w *world, s *shelf) {
		w.pass(2 * time.Hour)
		w.stop()
		changed := people(5)
		changed[0].Attributes[model.GivenName] = model.Text("Anew")
		changed[1].Status = model.Inactive
		w.read(changed...)
		var ids []model.PersonID
		for _, j := range all(w, store.Outbox) {
			ids = append(ids, j.Person)
		}
		var before, after []model.Desired
		if err := w.s.View(func(tx *store.Tx) (err error) {
			before, after, err = ingest.ForeseeFile(tx, &w.settings.Targets[0], ids)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		for _, one := range []struct {
			want []model.Desired
			pass time.Duration
		}{{before, 0}, {after, 2 * time.Hour}} {
			if one.pass > 0 {
				w.start()
				w.pass(one.pass)
			}
			there, err := json.Marshal(s.there)
			if err != nil {
				t.Fatal(err)
			}
			if f, err := s.Render(one.want); err != nil || string(f.Content) != string(there) {
				t.Errorf("foreseen %s, there is %s; %v", f.Content, there, err)
			}
		}
	})
}

func TestFileHoldsEverybodyAndIsPutOnlyWhenItChanged(t *testing.T) {
	shelved(t, 3, func(t *testing.T, w *world, s *shelf) {
		if !slices.Equal(s.logins(), addresses(1, 2, 3)) || s.puts != 1 {
			t.Errorf("after %d puts the file holds %v", s.puts, s.logins())
		}
		w.settled()
		if l := w.laneState(); l.File.People != 3 || l.File.Announced || l.File.Digest == "" {
			t.Errorf("the lane says %+v", l.File)
		}
		// A site is nothing that this target holds.
		w.read(people(3, "site", "Lyon")...)
		w.pass(3 * time.Hour)
		if s.puts != 1 {
			t.Errorf("%d puts, and nothing in the file changed", s.puts)
		}
		w.read(someone(1), someone(2, "title", "Partner"), left(someone(3)), someone(4))
		w.pass(0)
		if s.puts != 2 || !slices.Equal(s.logins(), addresses(1, 2, 4)) || s.there[address(2)].Attributes[model.Title] != "Partner" {
			t.Errorf("after %d puts the file holds %v", s.puts, s.there)
		}
		for _, verb := range []string{"created", "updated", "deactivated"} {
			if !slices.Contains(w.verbs(), verb) {
				t.Errorf("the journal lacks %q: %v", verb, w.verbs())
			}
		}
		w.settled()
	})
}

func TestFileIsPutAtMostOnceInItsInterval(t *testing.T) {
	shelved(t, 2, func(t *testing.T, w *world, s *shelf) {
		for minute := range 120 {
			w.read(people(2, "title", fmt.Sprint("Title ", minute))...)
			w.pass(time.Minute)
		}
		if s.puts != 3 {
			t.Errorf("%d puts in two hours of changes, want the first and one an hour", s.puts)
		}
		w.pass(time.Hour)
		if s.there[address(1)].Attributes[model.Title] != "Title 119" {
			t.Errorf("the file holds %v", s.there[address(1)])
		}
	})
}

func TestWhatAGuardHoldsStaysInTheFileAsItWas(t *testing.T) {
	shelved(t, 6, func(t *testing.T, w *world, s *shelf) {
		w.pass(2 * time.Hour)
		w.read(someone(1, "title", "Partner"), left(someone(2)), left(someone(3)), left(someone(4)), left(someone(5)), someone(6))
		w.pass(0)
		if !slices.Equal(s.logins(), addresses(1, 2, 3, 4, 5, 6)) || s.there[address(1)].Attributes[model.Title] != "Partner" {
			t.Errorf("four leavers where three are allowed: the file holds %v", s.logins())
		}
		held := all(w, store.Outbox)
		if len(held) != 4 {
			t.Fatalf("jobs %+v", held)
		}
		if _, err := w.e.Approve("ops", held[0].Run, ""); err != nil {
			t.Fatal(err)
		}
		w.pass(2 * time.Hour)
		if !slices.Equal(s.logins(), addresses(1, 6)) {
			t.Errorf("after the approval the file holds %v", s.logins())
		}
		w.settled()
	})
}

func TestLostAnswerPutsTheFileAgainEvenWhenPeopleTurnBack(t *testing.T) {
	shelved(t, 2, func(t *testing.T, w *world, s *shelf) {
		w.pass(2 * time.Hour)
		w.read(people(2, "title", "Analyst")...)
		w.pass(2 * time.Hour)
		lost := true
		s.behave(func() {
			s.lost = func() error {
				if lost {
					lost = false
					return &connectors.Error{Class: connectors.Transient, Op: "elevo: put the file", Detail: "the connection broke"}
				}
				return nil
			}
		})
		w.read(people(2, "title", "Partner")...)
		w.pass(0)
		w.read(people(2, "title", "Analyst")...) // what was delivered, as far as anybody knows
		w.pass(5 * time.Minute)
		if s.there[address(1)].Attributes[model.Title] != "Analyst" || s.puts != 4 {
			t.Errorf("after %d puts the file holds %v", s.puts, s.there[address(1)])
		}
		w.settled()
	})
}

func TestServerThatFailsBreaksTheLaneAndBurnsNoAttempts(t *testing.T) {
	shelved(t, 2, func(t *testing.T, w *world, s *shelf) {
		w.pass(2 * time.Hour)
		asked := 0
		s.behave(func() {
			s.fail = func() error {
				asked++
				return &connectors.Error{Class: connectors.Denied, Op: "elevo: connect", Detail: "the server refused the user or the key"}
			}
		})
		w.read(people(2, "title", "Partner")...)
		w.pass(10 * time.Minute)
		if l := w.laneState(); l.State != model.LaneDenied || asked < 4 || asked > 7 {
			t.Errorf("asked %d times, the lane is %s: %s", asked, l.State, l.Reason)
		}
		for _, j := range all(w, store.Outbox) {
			if j.State != model.JobReady || j.Attempts != 0 {
				t.Errorf("job %+v", j)
			}
		}
		s.behave(func() { s.fail = nil })
		w.pass(5 * time.Minute)
		w.settled()
		if s.there[address(1)].Attributes[model.Title] != "Partner" {
			t.Errorf("the file holds %v", s.there[address(1)])
		}
	})
}

func TestWhoCannotBeInTheFileIsParkedAndStaysAsTheyWere(t *testing.T) {
	shelved(t, 3, func(t *testing.T, w *world, s *shelf) {
		w.pass(2 * time.Hour)
		s.behave(func() { s.refuses = func(d model.Desired) bool { return d.Attributes[model.Title] == "=cmd()" } })
		w.read(someone(1, "title", "=cmd()"), someone(2, "title", "Partner"), someone(3), someone(4, "title", "=cmd()"))
		w.pass(0)
		if !slices.Equal(s.logins(), addresses(1, 2, 3)) || s.there[address(2)].Attributes[model.Title] != "Partner" {
			t.Errorf("the file holds %v", s.logins())
		}
		parked := 0
		for _, j := range all(w, store.Outbox) {
			if j.State == model.JobParked {
				parked++
			}
		}
		if parked != 2 {
			t.Errorf("%d parked, want the two whom the file cannot hold", parked)
		}
	})
}

func TestNobodyIsNoFileAtAll(t *testing.T) {
	shelved(t, 0, func(t *testing.T, w *world, s *shelf) {
		w.pass(3 * time.Hour)
		if s.puts != 0 {
			t.Error("a file without people was put")
		}
	})
}

// newLane is the lane of the target, or of the shelf.
func (w *world) newLane() *relay.Lane {
	if w.sftp != nil {
		return relay.NewFile("javelo", w.sftp, time.Minute, w.s, w.e, hclog.NewNullLogger())
	}
	if w.shelf != nil {
		return relay.NewFile("javelo", w.shelf, time.Hour, w.s, w.e, hclog.NewNullLogger())
	}
	return relay.New("javelo", w.target, w.budget, w.s, w.e, hclog.NewNullLogger())
}
