package appliance

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"
)

func gateFor(t *testing.T, status int, trusted ...string) (*gate, func(remote string, forwarded ...string) int, *time.Time) {
	t.Helper()
	now := time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)
	var prefixes []netip.Prefix
	for _, p := range trusted {
		prefixes = append(prefixes, netip.MustParsePrefix(p))
	}
	g := newGate(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }), prefixes, func() time.Time { return now })
	return g, func(remote string, forwarded ...string) int {
		r := httptest.NewRequest("GET", "/scim/v2/Users", nil)
		r.RemoteAddr = remote
		for _, f := range forwarded {
			r.Header.Add("X-Forwarded-For", f)
		}
		w := httptest.NewRecorder()
		g.ServeHTTP(w, r)
		if w.Code == http.StatusTooManyRequests && (w.Header().Get("Retry-After") == "" || w.Header().Get("Content-Type") != "application/scim+json") {
			t.Errorf("a refusal without %v", w.Header())
		}
		return w.Code
	}, &now
}

func TestAnAddressThatSendsBadTokensIsSlowedDown(t *testing.T) {
	_, ask, now := gateFor(t, http.StatusUnauthorized)
	for i := range refusedBurst {
		if got := ask("203.0.113.7:1000"); got != http.StatusUnauthorized {
			t.Fatalf("request %d got %d", i, got)
		}
	}
	if got := ask("203.0.113.7:1001"); got != http.StatusTooManyRequests {
		t.Errorf("after %d refused tokens the answer is %d", refusedBurst, got)
	}
	if got := ask("203.0.113.8:1000"); got != http.StatusUnauthorized {
		t.Errorf("another address got %d", got)
	}
	*now = now.Add(2 * time.Second)
	if got := ask("203.0.113.7:1002"); got != http.StatusUnauthorized {
		t.Errorf("after the wait the answer is %d", got)
	}
	// Of IPv6 one site has a /64 to choose from.
	for i := range refusedBurst {
		ask(fmt.Sprintf("[2001:db8::%x]:1", i+1))
	}
	if got := ask("[2001:db8::ffff]:1"); got != http.StatusTooManyRequests {
		t.Errorf("an address of the same network got %d", got)
	}
}

func TestForwardedAddressesAreBelievedFromTrustedProxiesOnly(t *testing.T) {
	g, _, _ := gateFor(t, http.StatusOK, "10.0.0.0/24")
	for _, c := range []struct {
		remote    string
		forwarded []string
		want      string
		limited   bool
	}{
		{"203.0.113.7:1", []string{"198.51.100.1"}, "203.0.113.7", true},                  // no proxy of ours: the header is a lie
		{"10.0.0.5:1", []string{"198.51.100.1"}, "198.51.100.1", true},                    // through one
		{"10.0.0.5:1", []string{"1.2.3.4, 198.51.100.1, 10.0.0.9"}, "198.51.100.1", true}, // through two; the first was written by the caller
		{"10.0.0.5:1", []string{"1.2.3.4", "198.51.100.1"}, "198.51.100.1", true},         // two headers
		{"10.0.0.5:1", nil, "10.0.0.5", false},                                            // the proxy does not say
		{"10.0.0.5:1", []string{"198.51.100.1, unknown"}, "10.0.0.5", false},              // or not in addresses
		{"127.0.0.1:1", []string{"198.51.100.1"}, "127.0.0.1", false},                     // a local proxy nobody told us of
		{"[::ffff:203.0.113.7]:1", nil, "203.0.113.7", true},                              // the same address, spelled long
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = c.remote
		for _, f := range c.forwarded {
			r.Header.Add("X-Forwarded-For", f)
		}
		got, limited := g.caller(r)
		if got.String() != c.want || limited != c.limited {
			t.Errorf("%s through %v is %s, limited %t; want %s, %t", c.remote, c.forwarded, got, limited, c.want, c.limited)
		}
	}
}

func TestOneAddressCannotHoldEverything(t *testing.T) {
	hold, inside := make(chan struct{}), make(chan struct{}, addressInFlight)
	g := newGate(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { inside <- struct{}{}; <-hold }), nil, time.Now)
	ask := func(remote string) int {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = remote
		w := httptest.NewRecorder()
		g.ServeHTTP(w, r)
		return w.Code
	}
	done := make(chan struct{})
	for range addressInFlight {
		go func() { ask("203.0.113.7:1"); done <- struct{}{} }()
	}
	for range addressInFlight {
		<-inside
	}
	if got := ask("203.0.113.7:2"); got != http.StatusTooManyRequests {
		t.Errorf("one more got %d", got)
	}
	close(hold)
	for range addressInFlight {
		<-done
	}
	if got := ask("203.0.113.7:3"); got != http.StatusOK {
		t.Errorf("when they are through, the answer is %d", got)
	}
}

func TestFloodsOfAddressesTakeBoundedMemory(t *testing.T) {
	g, ask, now := gateFor(t, http.StatusOK)
	for i := range addressesKept + 50 {
		ask(fmt.Sprintf("%d.%d.%d.9:1", 1+i%200, i/200%250, i/50000))
		*now = now.Add(time.Millisecond)
	}
	if n := len(g.peers); n > addressesKept {
		t.Errorf("%d addresses are remembered", n)
	}
}
