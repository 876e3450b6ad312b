package observe

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// checkTimeout is how long all checks of one health request may take together.
const checkTimeout = 5 * time.Second

// Check is one question of a health answer. Test returns nil when all is well;
// its error is shown to whoever asks, so it names no person and no secret.
type Check struct {
	Name string
	Test func(context.Context) error
}

// Health is what the metrics listener serves.
type Health struct {
	// Live says whether the process works: the write path responds. A failure
	// is a reason to restart.
	Live []Check
	// Ready says whether people flow: no source denied, no target stopped. A
	// failure is a reason to look, not to restart.
	Ready   []Check
	Metrics http.Handler // nil: no /metrics
}

// Handler serves GET /healthz, /readyz and /metrics. A health answer is 200 and
// "ok", or 503 and one line for each check that failed.
func (h Health) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", answer(h.Live))
	mux.HandleFunc("GET /readyz", answer(append(append([]Check(nil), h.Live...), h.Ready...)))
	if h.Metrics != nil {
		mux.Handle("GET /metrics", h.Metrics)
	}
	return mux
}

func answer(checks []Check) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), checkTimeout)
		defer cancel()
		var failed strings.Builder
		for _, c := range checks {
			if err := c.Test(ctx); err != nil {
				fmt.Fprintf(&failed, "%s: %s\n", c.Name, strings.Join(strings.Fields(err.Error()), " "))
			}
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if failed.Len() > 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = w.Write([]byte(failed.String()))
			return
		}
		_, _ = w.Write([]byte("ok\n"))
	}
}
