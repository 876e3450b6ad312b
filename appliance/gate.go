package appliance

import (
	"encoding/json"
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"rollcall/appliance/config"
)

// The limits of one address that calls the SCIM service, far above what Okta and
// Entra send from one of theirs. Tokens have limits of their own, see scimLimits.
const (
	addressRate  = 2000 // requests per second
	addressBurst = 8000
	// addressInFlight is how many requests of one address may be under way: slow
	// senders hold memory and a goroutine each.
	addressInFlight = 256
	// Refused tokens per address: 30 at once, then one every two seconds. Guessing
	// 32 random bytes is hopeless at any speed; this keeps it from being noise.
	refusedRate  = 0.5
	refusedBurst = 30
	// addressesKept bounds the memory for all of it. Beyond, the longest idle go.
	addressesKept = 10_000
	addressIdle   = 2 * time.Minute
	// connectionsKept bounds open connections of all senders together.
	connectionsKept = 4096
)

// gate stands before the SCIM service and limits what one address may ask. It
// knows nothing of SCIM but how to refuse.
type gate struct {
	next    http.Handler
	trusted []netip.Prefix // proxies whose X-Forwarded-For is believed
	now     func() time.Time

	mu    sync.Mutex // guards what follows
	peers map[netip.Addr]*peer
}

// peer is one address, its fields guarded by the gate's mutex.
type peer struct {
	requests, refused *rate.Limiter
	inFlight          int
	last              time.Time
}

func trustedProxies(cfg *config.Config) []netip.Prefix {
	var out []netip.Prefix
	for _, p := range cfg.SCIM.TrustedProxies {
		out = append(out, p.Prefix)
	}
	return out
}

func newGate(next http.Handler, trusted []netip.Prefix, now func() time.Time) *gate {
	return &gate{next: next, trusted: trusted, now: now, peers: map[netip.Addr]*peer{}}
}

// ServeHTTP implements http.Handler.
func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	address, limited := g.caller(r)
	if !limited {
		g.next.ServeHTTP(w, r)
		return
	}
	p, wait, ok := g.enter(address)
	if !ok {
		refuseTooMany(w, wait)
		return
	}
	seen := &statusWriter{ResponseWriter: w}
	defer func() { g.leave(p, seen.status == http.StatusUnauthorized) }()
	g.next.ServeHTTP(seen, r)
}

// caller returns the address that a request came from, and whether it is limited.
// Behind a trusted proxy it is the last address of X-Forwarded-For that is not
// itself a trusted one: what stands before it, anybody may have written. A proxy
// on this machine that nobody told us to trust stands for everybody, and is not
// limited, because the first to send bad tokens would lock out all others.
func (g *gate) caller(r *http.Request) (netip.Addr, bool) {
	remote, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}, false // not over TCP
	}
	address := remote.Addr().Unmap().WithZone("")
	if !g.trusts(address) {
		return network(address), !address.IsLoopback()
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			return address, false // the proxy does not say who called
		}
		if hop = hop.Unmap().WithZone(""); !g.trusts(hop) {
			return network(hop), true
		}
	}
	return address, false
}

func (g *gate) trusts(a netip.Addr) bool {
	for _, p := range g.trusted {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// network is what counts as one address: of IPv6 the /64 that one site has.
func network(a netip.Addr) netip.Addr {
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return a
}

func (g *gate) enter(a netip.Addr) (p *peer, wait time.Duration, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	if p = g.peers[a]; p == nil {
		if len(g.peers) >= addressesKept {
			g.forgetIdle(now)
		}
		p = &peer{requests: rate.NewLimiter(addressRate, addressBurst), refused: rate.NewLimiter(refusedRate, refusedBurst)}
		g.peers[a] = p
	}
	p.last = now
	switch {
	case p.inFlight >= addressInFlight:
		return nil, time.Second, false
	case p.refused.TokensAt(now) < 1:
		return nil, time.Duration((1 - p.refused.TokensAt(now)) / refusedRate * float64(time.Second)), false
	case !p.requests.AllowN(now, 1):
		return nil, time.Second, false
	}
	p.inFlight++
	return p, 0, true
}

func (g *gate) leave(p *peer, refused bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	p.inFlight--
	if refused {
		p.refused.AllowN(g.now(), 1)
	}
}

// forgetIdle makes room: those that were not heard for a while, or the one that
// was not heard for longest.
func (g *gate) forgetIdle(now time.Time) {
	var longest netip.Addr
	var last time.Time
	for a, p := range g.peers {
		if p.inFlight > 0 {
			continue
		}
		if now.Sub(p.last) > addressIdle {
			delete(g.peers, a)
		} else if last.IsZero() || p.last.Before(last) {
			longest, last = a, p.last
		}
	}
	if len(g.peers) >= addressesKept && !last.IsZero() {
		delete(g.peers, longest)
	}
}

// refuseTooMany answers 429 as RFC 7644 §3.12 writes errors.
func refuseTooMany(w http.ResponseWriter, wait time.Duration) {
	body, err := json.Marshal(map[string]any{"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:Error"}, "status": "429",
		"detail": "too many requests, or too many refused tokens, from this address; wait as long as Retry-After says"})
	if err != nil {
		body = nil // three texts can be encoded
	}
	w.Header().Set("Content-Type", "application/scim+json")
	w.Header().Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(wait.Seconds())))))
	w.WriteHeader(http.StatusTooManyRequests)
	_, _ = w.Write(body)
}

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the writer.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
