package hibob

import (
	"math/rand/v2"
	"testing"
)

func TestNumbersAreASet(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var s numbers
	want := map[uint64]bool{}
	try := func(n uint64) {
		t.Helper()
		if got := s.add(n); got == want[n] {
			t.Fatalf("add(%d) says %t, and it was in the set: %t", n, got, want[n])
		}
		want[n] = true
	}
	for i := range uint64(20_000) {
		try(3512908837465120001 + i*2097151) // as HiBob counts
		try(rng.Uint64())
		try(rng.Uint64N(5000))
	}
	for n := range want {
		try(n)
	}
	try(0)
	try(1<<64 - 1)
	if s.count != len(want) {
		t.Errorf("%d numbers, want %d", s.count, len(want))
	}
	if len(s.slots) > 4*s.count {
		t.Errorf("%d slots for %d numbers", len(s.slots), s.count)
	}
}
