package poll_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"rollcall/appliance/store"
	"rollcall/connectors"
)

func TestRefusedCredentialsAreToldOnceUntilTheyWork(t *testing.T) {
	inBubble(t, 4, func(t *testing.T, w *world) {
		var out bytes.Buffer
		w.log = hclog.New(&hclog.LoggerOptions{Output: &out, Level: hclog.Info})
		w.behave(func(int) error { return refusal(connectors.Denied) })
		w.start()
		w.pass(10 * interval)
		w.behave(nil)
		w.pass(2 * interval)
		w.behave(func(int) error { return refusal(connectors.Denied) })
		w.pass(5 * interval)
		w.stop()
		if n := strings.Count(out.String(), "[WARN]"); n != 2 {
			t.Errorf("%d warnings for two times of being refused:\n%s", n, out.String())
		}
		events := 0
		if err := w.s.View(func(tx *store.Tx) error {
			for e, err := range store.Journal.Each(tx, nil) {
				if err != nil {
					return err
				}
				if e.Verb == "read_failed" {
					events++
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if events != 2 {
			t.Errorf("%d entries in the journal for two times of being refused", events)
		}
	})
}

func TestHintBringsTheNextReadForwardButNotAtOnce(t *testing.T) {
	inBubble(t, 4, func(t *testing.T, w *world) {
		w.start()
		w.pass(interval / 2)
		w.asked()
		w.poller.Hint()
		w.pass(20 * time.Second)
		if n := len(w.asked()); n != 0 {
			t.Errorf("%d reads while the service may not show the change yet", n)
		}
		w.pass(time.Minute)
		if n := len(w.asked()); n != 1 {
			t.Errorf("%d reads after a hint", n)
		}
		if w.poller.Heard().IsZero() {
			t.Error("the hint is not remembered")
		}
		w.pass(interval / 4)
		if n := len(w.asked()); n != 0 {
			t.Errorf("%d more reads without another hint", n)
		}
	})
}

func TestManyHintsCauseFewReads(t *testing.T) {
	inBubble(t, 4, func(t *testing.T, w *world) {
		w.start()
		w.asked()
		for range 10 * 60 { // one a second for ten minutes
			w.poller.Hint()
			w.pass(time.Second)
		}
		asked := w.asked()
		for i := range len(asked) - 1 {
			if gap := asked[i+1].at.Sub(asked[i].at); gap < interval/8 {
				t.Errorf("two reads are %v apart", gap)
			}
		}
		if len(asked) < 1 || len(asked) > 3 {
			t.Errorf("%d reads in ten minutes of hints", len(asked))
		}
	})
}

func TestHintDoesNotMakeARefusedSourceInsist(t *testing.T) {
	inBubble(t, 4, func(t *testing.T, w *world) {
		w.behave(func(int) error { return refusal(connectors.Denied) })
		w.start()
		w.asked()
		for range 30 {
			w.poller.Hint()
			w.pass(time.Minute)
		}
		if n := len(w.asked()); n > 1 {
			t.Errorf("%d tries within half an hour although credentials were refused", n)
		}
	})
}

func TestPausedSourceIsNotReadAfterAHint(t *testing.T) {
	inBubble(t, 4, func(t *testing.T, w *world) {
		w.start()
		if err := w.e.SetStance("test", "hr", "paused"); err != nil {
			t.Fatal(err)
		}
		w.asked()
		w.poller.Hint()
		w.pass(10 * time.Minute)
		if n := len(w.asked()); n != 0 {
			t.Errorf("%d reads of a paused source", n)
		}
	})
}

func TestWhatIsNotedAboutASourceIsLoggedOnce(t *testing.T) {
	inBubble(t, 4, func(t *testing.T, w *world) {
		var out bytes.Buffer
		w.log = hclog.New(&hclog.LoggerOptions{Output: &out, Level: hclog.Info})
		w.source.pages[0].Notices = []string{"this version of the API ends on 2027-06-30"}
		w.start()
		w.pass(5 * interval)
		w.stop()
		if n := strings.Count(out.String(), "ends on 2027-06-30"); n != 1 {
			t.Errorf("logged %d times in six reads:\n%s", n, out.String())
		}
	})
}
