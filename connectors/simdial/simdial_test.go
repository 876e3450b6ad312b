package simdial_test

import (
	"testing"

	"rollcall/connectors/simdial"
)

func TestFaultsStrikeWhereAndAsOftenAsTheyAreSet(t *testing.T) {
	var d simdial.Dial[string]
	d.Inject(simdial.Fault[string]{Kind: "late", Path: "/users", Skip: 1, Times: 2})
	d.Inject(simdial.Fault[string]{Kind: "token", Path: "/token"})
	var got []string
	for _, path := range []string{"/users", "/token", "/users", "/other", "/users", "/users", "/token"} {
		f, _ := d.Next(path)
		got = append(got, f.Kind)
	}
	for i, want := range []string{"", "token", "late", "", "late", "", "token"} {
		if got[i] != want {
			t.Errorf("request %d met %q, want %q", i+1, got[i], want)
		}
	}
}

func TestHealTakesFaultsAwayAndLetsGo(t *testing.T) {
	var d simdial.Dial[string]
	d.Heal() // with nothing on the dial
	d.Inject(simdial.Fault[string]{Kind: "hang"})
	_, healed := d.Next("/")
	select {
	case <-healed:
		t.Fatal("let go before it was healed")
	default:
	}
	d.Heal()
	<-healed
	if f, again := d.Next("/"); f.Kind != "" {
		t.Errorf("still %q", f.Kind)
	} else {
		select {
		case <-again:
			t.Error("a new request is let go by an old Heal")
		default:
		}
	}
}
