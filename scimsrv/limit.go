package scimsrv

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// budgets are the rate limits of the tokens. There is one per token that was
// ever accepted, so their number is that of the tokens an operator made.
type budgets struct {
	limit rate.Limit
	burst int

	mu     sync.Mutex
	tokens map[string]*rate.Limiter
}

// spend takes one request from the token's budget. Otherwise it says how long
// to wait until there is one.
func (b *budgets) spend(token string, now time.Time) (wait time.Duration, ok bool) {
	if b.limit <= 0 {
		return 0, true
	}
	b.mu.Lock()
	l := b.tokens[token]
	if l == nil {
		if b.tokens == nil {
			b.tokens = map[string]*rate.Limiter{}
		}
		l = rate.NewLimiter(b.limit, b.burst)
		b.tokens[token] = l
	}
	b.mu.Unlock()
	r := l.ReserveN(now, 1)
	if wait = r.DelayFrom(now); wait > 0 {
		r.CancelAt(now)
		return wait, false
	}
	return 0, true
}
