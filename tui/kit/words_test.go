package kit

import (
	"testing"
	"time"
)

func TestSparkShowsOneEventBesideAThousand(t *testing.T) {
	for _, tt := range []struct {
		name   string
		values []int
		w      int
		ascii  bool
		want   string
	}{
		{"nothing", nil, 10, false, ""},
		{"all zero", []int{0, 0, 0}, 10, false, "▁▁▁"},
		{"one beside a thousand", []int{0, 1, 1000}, 10, false, "▁▂█"},
		{"ascii", []int{0, 1, 1000}, 10, true, "_.#"},
		{"neighbours are added", []int{1, 1, 0, 0}, 2, false, "█▁"},
		{"alike", []int{3, 3, 3}, 3, false, "███"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := Spark(tt.values, tt.w, tt.ascii); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestToastGoesByItself(t *testing.T) {
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	said, failed := NewToast(Good, "Done.", now), NewToast(Bad, "Refused.", now)
	if !said.Shown(now.Add(3*time.Second)) || said.Shown(now.Add(5*time.Second)) {
		t.Error("a short toast is shown for four seconds")
	}
	if !failed.Shown(now.Add(7 * time.Second)) {
		t.Error("an error is shown twice as long")
	}
	if (Toast{}).Shown(now) {
		t.Error("no toast is shown before the first")
	}
}

func TestReadOnlyPassesOverKeysThatChangeSomething(t *testing.T) {
	keys := Keymap{{Keys: []string{"x"}, Intent: "reject", Label: "reject", Mutates: true}, {Keys: []string{"l", "right"}, Intent: Right, Label: "look"}}
	if intent, found, _ := keys.Resolve("x", false); !found || intent != "reject" {
		t.Errorf("x is %q, %v", intent, found)
	}
	if _, found, mutates := keys.Resolve("x", true); found || !mutates {
		t.Errorf("read-only: found %v, mutates %v", found, mutates)
	}
	if got := keys.Allowed(true).Hints(40).Text(); got != "l look" {
		t.Errorf("the hints are %q", got)
	}
	if got := keys.Allowed(false).Hints(7).Text(); got != "" {
		t.Errorf("hints that do not fit: %q", got)
	}
}
