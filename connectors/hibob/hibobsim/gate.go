package hibobsim

import (
	"net/http"
	"strconv"
	"time"
)

// The lock-out of HiBob's web application firewall: 50 refusals within 10 s
// block for 5 minutes.
const (
	refusals    = 50
	refusalSpan = 10 * time.Second
	blockSpan   = 5 * time.Minute
)

// gate counts requests and refusals. The Sim's mutex guards it.
type gate struct {
	rate       int
	retryAfter bool
	used       map[string]used
	addresses  map[string]*failures // 401 by address
	values     map[string]*failures // 401 and 403 by Authorization value
}

// used is what one endpoint spent in one minute.
type used struct {
	minute time.Time
	n      int
}

type failures struct {
	at    []time.Time
	until time.Time // blocked until
}

func newGate(rate int, retryAfter bool) gate {
	return gate{rate: rate, retryAfter: retryAfter, used: map[string]used{}, addresses: map[string]*failures{}, values: map[string]*failures{}}
}

// allow counts a request to an endpoint and sets the limit headers; it answers
// 429 itself. The limit is per endpoint and calendar minute (whether the real
// minute is sliding: unverified).
func (g *gate) allow(w http.ResponseWriter, endpoint string, now time.Time) bool {
	if g.rate < 0 {
		return true
	}
	minute := now.Truncate(time.Minute)
	u := g.used[endpoint]
	if !u.minute.Equal(minute) {
		u = used{minute: minute}
	}
	u.n++
	g.used[endpoint] = u
	reset := minute.Add(time.Minute)
	h := w.Header()
	h.Set("X-RateLimit-Limit", strconv.Itoa(g.rate))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(max(0, g.rate-u.n)))
	h.Set("X-RateLimit-Reset", strconv.FormatInt(reset.Unix(), 10))
	if u.n <= g.rate {
		return true
	}
	if g.retryAfter {
		h.Set("Retry-After", strconv.Itoa(int(reset.Sub(now)/time.Second)+1))
	}
	writeJSON(w, http.StatusTooManyRequests, map[string]string{"error": "Too many requests"})
	return false
}

func (g *gate) blocked(address, authorization string, now time.Time) bool {
	for _, f := range []*failures{g.addresses[address], g.values[authorization]} {
		if f != nil && now.Before(f.until) {
			return true
		}
	}
	return false
}

// refused counts a 401 or 403.
func (g *gate) refused(address, authorization string, status int, now time.Time) {
	if status == http.StatusUnauthorized {
		note(g.addresses, address, now)
	}
	note(g.values, authorization, now)
}

func note(m map[string]*failures, key string, now time.Time) {
	f := m[key]
	if f == nil {
		f = &failures{}
		m[key] = f
	}
	recent := f.at[:0]
	for _, t := range f.at {
		if now.Sub(t) < refusalSpan {
			recent = append(recent, t)
		}
	}
	f.at = append(recent, now)
	if len(f.at) >= refusals {
		f.until, f.at = now.Add(blockSpan), nil
	}
}
