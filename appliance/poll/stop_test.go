package poll_test

import (
	"testing"
	"time"

	"rollcall/appliance/store"
)

func TestClockSetBackDelaysAReadNoLongerThanTheLongestWait(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, w *world) {
		// The clock was a year ahead when this was stored.
		if err := w.e.UpdateSource("hr", func(s *store.SourceState) { s.NextRead = time.Now().AddDate(1, 0, 0) }); err != nil {
			t.Fatal(err)
		}
		w.start()
		w.pass(24 * time.Hour)
		if len(w.asked()) == 0 {
			t.Error("the source is not read for a year")
		}
	})
}

func TestOrderlyStopIsNoFailureOfTheSource(t *testing.T) {
	inBubble(t, 6, func(t *testing.T, w *world) {
		w.source.slow = time.Minute
		w.start()
		w.pass(90 * time.Second)
		w.stop()
		if s := w.state(); s.Failures != 0 {
			t.Errorf("a stop in the middle of a read counts as %d failures: %s", s.Failures, s.LastError)
		}
	})
}
