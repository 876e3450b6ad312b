package relay_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"rollcall/appliance/ingest"
	"rollcall/appliance/model"
	"rollcall/appliance/relay"
	"rollcall/appliance/store"
	"rollcall/connectors"
)

func TestLanePausedWhileItSendsStopsAtTheNextPerson(t *testing.T) {
	inBubble(t, 20, func(t *testing.T, w *world) {
		n := 0
		w.behave(func(c call) error {
			if c.op != "create" {
				return nil
			}
			if n++; n == 3 {
				return w.e.SetLane("ops", "javelo", func(l *model.Lane) { l.State = model.LanePaused })
			}
			return nil
		}, nil)
		w.start()
		if n > 3 {
			t.Errorf("%d people were sent after the pause", n-3)
		}
	})
}

func TestOneJobThatAlwaysFailsDoesNotHoldUpTheOthers(t *testing.T) {
	inBubble(t, 12, func(t *testing.T, w *world) {
		poison := all(w, store.Outbox)[0].Person
		w.behave(func(c call) error {
			if c.op == "create" && c.login == loginOf(w, poison) {
				return &connectors.Error{Class: connectors.Transient, Op: "javelo: create account", Detail: "500"}
			}
			return nil
		}, nil)
		w.start()
		w.pass(time.Minute)
		if n := len(w.target.accounts); n != 11 || w.laneState().State == model.LaneBroken {
			t.Errorf("after a minute %d of 11 others have an account, the lane is %s", n, w.laneState().State)
		}
	})
}

func loginOf(w *world, id model.PersonID) string {
	for _, p := range all(w, store.Persons) {
		if p.ID == id {
			return p.Attributes.Text(model.Email)
		}
	}
	return ""
}

func TestClockSetBackDelaysAJobNoLongerThanTheLongestWait(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, w *world) {
		a, err := w.e.Begin("javelo", w.person(1))
		if err != nil {
			t.Fatal(err)
		}
		// The clock was a year ahead when this was stored.
		if err := w.e.Failed(a, ingest.Outcome{Class: "transient", NotBefore: time.Now().AddDate(1, 0, 0)}); err != nil {
			t.Fatal(err)
		}
		w.start()
		w.pass(3 * time.Hour)
		if len(w.target.accounts) != 1 {
			t.Error("the job waits for a year")
		}
	})
}

func TestClockSetBackKeepsALaneClosedNoLongerThanTheLongestWait(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, w *world) {
		if err := w.e.SetLane("rollcall", "javelo", func(l *model.Lane) {
			l.State, l.RetryAt = model.LaneWaiting, time.Now().AddDate(1, 0, 0)
		}); err != nil {
			t.Fatal(err)
		}
		w.start()
		w.pass(3 * time.Hour)
		if len(w.target.accounts) != 1 {
			t.Error("the lane is closed for a year")
		}
	})
}

func TestMisconfiguredTargetClosesTheLaneAndParksNobody(t *testing.T) {
	inBubble(t, 8, func(t *testing.T, w *world) {
		w.behave(always(connectors.Misconfigured), nil)
		w.start()
		w.pass(time.Minute)
		parked := 0
		for _, j := range all(w, store.Outbox) {
			if j.State == model.JobParked {
				parked++
			}
		}
		if n := w.writes(); n != 1 || parked != 0 || w.laneState().State != model.LaneDenied {
			t.Errorf("%d requests, %d people parked, the lane is %s; want one request and the operator told", n, parked, w.laneState().State)
		}
	})
}

func TestLaneOfATargetThatIsNotConfiguredRests(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, w *world) {
		w.start()
		w.stop()
		w.read(people(1, "title", "Partner")...)
		fresh := *w.settings
		fresh.Targets = nil
		looks := 0
		ctx, cancel := context.WithCancel(t.Context())
		e := ingest.New(w.s, &fresh, func() time.Time {
			if looks++; looks > 1000 {
				cancel()
			}
			return time.Now()
		}, nil)
		lane := relay.New("javelo", w.target, nil, w.s, e, hclog.NewNullLogger())
		timer := time.AfterFunc(time.Minute, cancel)
		defer timer.Stop()
		if err := lane.Run(ctx); err != nil && !strings.Contains(err.Error(), "context") {
			t.Fatal(err)
		}
		if looks > 1000 {
			t.Error("the lane spins: it picks the same job up again and again")
		}
	})
}

func TestUpdateWhoseLinkIsRefusedStillDeliversTheRest(t *testing.T) {
	managed(t, 2, func(int) int { return 0 }, nil, func(t *testing.T, w *world) {
		w.behave(func(c call) error {
			if c.manager != "" {
				return &connectors.Error{Class: connectors.Invalid, Op: "javelo: update account", Detail: "the manager is disabled", Err: connectors.ErrManagerRefused}
			}
			return nil
		}, nil)
		w.read(someone(1), someone(2, "manager", "1", "title", "Partner"))
		w.pass(time.Minute)
		if a, _ := w.target.byLogin(address(2)); a.Attributes[model.Title] != "Partner" {
			t.Errorf("the title is %q: the refused link kept it back", a.Attributes[model.Title])
		}
	})
}
