package relay_test

import (
	"testing"
	"time"

	"rollcall/appliance/model"
	"rollcall/connectors"
)

func TestShortWaitIsNotMadeLonger(t *testing.T) {
	inBubble(t, 3, func(t *testing.T, w *world) {
		first := true
		w.behave(func(c call) error {
			if c.op == "list" || !first {
				return nil
			}
			first = false
			return &connectors.Error{Class: connectors.Throttled, Op: "javelo: create account", Detail: "429", RetryAt: time.Now().Add(5 * time.Second)}
		}, nil)
		w.start()
		w.pass(6 * time.Second)
		if n := w.writes(); n != 4 {
			t.Errorf("%d requests one second after the time the target named, want the refused one and three", n)
		}
	})
}

func TestClockSetBackDoesNotMakeAnOldListingTrueForAYear(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, w *world) {
		if err := w.e.SetLane("rollcall", "javelo", func(l *model.Lane) { l.Listed = time.Now().AddDate(1, 0, 0) }); err != nil {
			t.Fatal(err)
		}
		w.start()
		w.pass(48 * time.Hour)
		listed := 0
		for _, op := range w.ops() {
			if op == "list" {
				listed++
			}
		}
		if listed == 0 {
			t.Error("the accounts were not listed for two days")
		}
	})
}
