package reconcile

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/appliance/model"
)

func TestManagerIsWhomTheFirstUnambiguousKeyNames(t *testing.T) {
	known := map[string][]model.PersonID{"native:hr:2": {"grace"}, "email:g@x.example": {"grace"}, "number:hr:7": {"alan", "kurt"}, "number::7": {"kurt"},
		"native:hr:1": {"ada"}, "twice": {"grace", "grace"}}
	for _, tc := range []struct {
		name     string
		keys     []string
		want     model.PersonID
		resolved bool
	}{
		{"no reference", nil, "", true},
		{"the best key", []string{"native:hr:2", "number::7"}, "grace", true},
		{"an unknown key is passed over", []string{"native:hr:9", "email:g@x.example"}, "grace", true},
		{"a key that names several is passed over, never guessed", []string{"number:hr:7", "native:hr:2"}, "grace", true},
		{"several and nothing better", []string{"number:hr:7"}, "", false},
		{"two records of one person are one", []string{"twice"}, "grace", true},
		{"nobody", []string{"native:hr:9"}, "", false},
		{"oneself means no manager", []string{"native:hr:1"}, "", true},
		{"oneself by the best key, whoever comes after", []string{"native:hr:1", "native:hr:2"}, "", true},
		{"somebody by the best key, oneself after", []string{"native:hr:2", "native:hr:1"}, "grace", true},
	} {
		got, resolved, err := ResolveManager("ada", tc.keys, func(key string) ([]model.PersonID, error) { return slices.Clone(known[key]), nil })
		if got != tc.want || resolved != tc.resolved || err != nil {
			t.Errorf("%s: %q, %t, %v; want %q, %t", tc.name, got, resolved, err, tc.want, tc.resolved)
		}
	}
	broken := errors.New("unreadable")
	if _, _, err := ResolveManager("ada", []string{"x"}, func(string) ([]model.PersonID, error) { return nil, broken }); err != broken {
		t.Errorf("error %v, want the one of the look-up", err)
	}
}

func TestManagerCycleIsFoundOnceAndEnds(t *testing.T) {
	managers := map[model.PersonID]model.PersonID{"a": "b", "b": "c", "c": "a", "x": "a", "self": "self", "y": "z"}
	for _, tc := range []struct {
		start model.PersonID
		want  []model.PersonID
	}{
		{"a", []model.PersonID{"a", "b", "c"}},
		{"c", []model.PersonID{"a", "b", "c"}},
		{"x", []model.PersonID{"a", "b", "c"}}, // leads into the circle without being part of it
		{"self", []model.PersonID{"self"}},
		{"y", nil}, {"z", nil}, {"", nil},
	} {
		got, err := ManagerCycle(tc.start, func(p model.PersonID) (model.PersonID, error) { return managers[p], nil })
		if diff := cmp.Diff(tc.want, got); diff != "" || err != nil {
			t.Errorf("from %q: %v: %s", tc.start, err, diff)
		}
	}
	for tail := range 20 {
		for round := 1; round < 20; round++ {
			steps := 0
			got, _ := ManagerCycle("00", func(p model.PersonID) (model.PersonID, error) {
				if steps++; steps > 10*(1+tail+round) {
					t.Fatalf("%d steps for a circle of %d behind a chain of %d", steps, round, tail)
				}
				at, _ := strconv.Atoi(string(p))
				if at++; at == tail+round {
					at = tail
				}
				return model.PersonID(fmt.Sprintf("%02d", at)), nil
			})
			var want []model.PersonID
			for at := range round {
				want = append(want, model.PersonID(fmt.Sprintf("%02d", tail+at)))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("a circle of %d behind a chain of %d: %s", round, tail, diff)
			}
		}
	}
	broken := errors.New("unreadable")
	if _, err := ManagerCycle("a", func(model.PersonID) (model.PersonID, error) { return "", broken }); err != broken {
		t.Errorf("error %v, want the one of the look-up", err)
	}
}
