package appliance

import (
	"bytes"
	"log"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

// edgeTold is how often connections that come to nothing are told of aloud: anybody
// can cause them, and who sets up a sender needs to see one.
const edgeTold = time.Minute

// edgeLog takes what the HTTP servers say of connections that come to nothing: a
// handshake that fails, a certificate that the other end does not like. Left alone
// they would write past the log, its form and its redaction.
type edgeLog struct {
	log hclog.Logger
	now func() time.Time

	mu     sync.Mutex // guards what follows
	told   time.Time
	untold int
}

func (a *App) edge(name string) *log.Logger {
	return log.New(&edgeLog{log: a.log.Named(name), now: a.now}, "", 0)
}

// Write takes one line.
func (e *edgeLog) Write(line []byte) (int, error) {
	text := string(bytes.TrimSpace(line))
	e.mu.Lock()
	defer e.mu.Unlock()
	if now := e.now(); now.Sub(e.told).Abs() >= edgeTold {
		e.log.Warn("a connection came to nothing", "error", text, "others_since", e.untold)
		e.told, e.untold = now, 0
		return len(line), nil
	}
	e.untold++
	e.log.Debug("a connection came to nothing", "error", text)
	return len(line), nil
}
