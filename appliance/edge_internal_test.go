package appliance

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
)

func TestConnectionsThatComeToNothingAreToldOnceAMinute(t *testing.T) {
	var out bytes.Buffer
	at := time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC)
	a := &App{log: hclog.New(&hclog.LoggerOptions{Output: &out, Level: hclog.Info, DisableTime: true}), now: func() time.Time { return at }}
	edge := a.edge("scim")
	for range 500 {
		edge.Print("http: TLS handshake error from 192.0.2.1:5: EOF")
	}
	at = at.Add(time.Minute)
	edge.Print("http: TLS handshake error from 192.0.2.2:5: remote error: tls: bad certificate")
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], "192.0.2.1") || !strings.Contains(lines[1], "bad certificate") || !strings.Contains(lines[1], "others_since=499") {
		t.Errorf("told:\n%s", out.String())
	}
}
