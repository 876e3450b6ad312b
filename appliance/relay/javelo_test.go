package relay_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"rollcall/appliance/ingest"
	"rollcall/appliance/model"
	"rollcall/appliance/reconcile"
	"rollcall/appliance/relay"
	"rollcall/appliance/store/storetest"
	"rollcall/connectors"
	"rollcall/connectors/javelo"
	"rollcall/connectors/javelo/javelosim"
	"rollcall/connectors/scim"
	"rollcall/connectors/scim/scimtargetsim"
	"rollcall/connectors/wire"
)

// wireTo answers requests out of a handler in the same process, so that a
// simulated service can live inside a bubble of fake time. A handler that aborts is
// a connection that breaks, and a context that ends closes it.
type wireTo struct{ handler http.Handler }

var errBroken = errors.New("connection reset by peer")

func (w wireTo) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	var body []byte
	if r.Body != nil {
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		r.Body.Close()
	}
	in := r.Clone(r.Context())
	in.Body = io.NopCloser(bytes.NewReader(body))
	rec := httptest.NewRecorder()
	defer func() {
		if p := recover(); p != nil {
			resp, err = nil, errBroken
			if ctx := r.Context().Err(); ctx != nil {
				err = ctx
			}
		}
	}()
	w.handler.ServeHTTP(rec, in)
	return rec.Result(), nil
}

// tenant is a lane between a real store and Javelo's simulator, through the real
// connector and its rate budget.
type tenant struct {
	*world
	sim     *javelosim.Sim
	scim    *scimtargetsim.Sim // instead of Javelo, when set
	http    http.RoundTripper
	rate    int // requests per five minutes that the lane may send
	tenants map[model.Name]string
}

const window = 5 * time.Minute

func newTenant(t *testing.T, sim *javelosim.Sim, rate int) *tenant {
	w := &world{t: t, s: storetest.Open(t)}
	w.settings = &ingest.Settings{
		Policy: reconcile.Policy{AbsentDeactivates: true}, Location: time.UTC, AbsentReads: 1,
		Sources: map[string]ingest.SourceSettings{"hr": {Kind: model.KindHiBob}},
		Targets: []ingest.TargetSettings{{Name: "javelo", Rules: reconcile.TargetRules{Attributes: javelo.Attributes(), Custom: true}}},
	}
	w.e = ingest.New(w.s, w.settings, time.Now, func(string) {
		if w.lane != nil {
			w.lane.Kick()
		}
	})
	return &tenant{world: w, sim: sim, http: wireTo{sim}, rate: rate}
}

// newSCIMTenant is a tenant of any SCIM service.
func newSCIMTenant(t *testing.T, sim *scimtargetsim.Sim, rate int) *tenant {
	n := newTenant(t, nil, rate)
	n.settings.Targets[0].Rules = reconcile.TargetRules{Attributes: scim.TargetAttributes()}
	n.scim, n.http = sim, wireTo{sim}
	return n
}

// service is what the tenant is of.
func (n *tenant) service() service {
	if n.scim != nil {
		return scimService{n.scim}
	}
	return javeloService{n.sim, n.doubled}
}

// connect makes a connector and a budget of their own, as a new process would.
func (n *tenant) connect() (connectors.Target, *wire.Limiter) {
	n.t.Helper()
	base, err := url.Parse("https://javelo.test/scim/v2")
	if err != nil {
		n.t.Fatal(err)
	}
	limiter := wire.NewLimiter(n.rate, window)
	if n.scim != nil {
		target, err := scim.NewTarget(scim.TargetConfig{BaseURL: base, Token: scimtargetsim.DefaultToken, HTTP: &http.Client{Transport: n.http}, Limiter: limiter})
		if err != nil {
			n.t.Fatal(err)
		}
		return target, limiter
	}
	target, err := javelo.New(javelo.Config{BaseURL: base, Token: javelosim.DefaultToken, HTTP: &http.Client{Transport: n.http}, Limiter: limiter, TenantKeys: n.tenants})
	if err != nil {
		n.t.Fatal(err)
	}
	return target, limiter
}

// start runs the lane of a new process until stop or the end of the test.
func (n *tenant) start() {
	n.t.Helper()
	target, limiter := n.connect()
	n.lane = relay.New("javelo", target, limiter, n.s, n.e, hclog.NewNullLogger())
	ctx, cancel := context.WithCancel(n.t.Context())
	done := make(chan error, 1)
	n.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			n.t.Errorf("Run: %v", err)
		}
	})
	n.t.Cleanup(n.stop)
	lane := n.lane
	go func() { done <- lane.Run(ctx) }()
	synctest.Wait()
}

// doubled counts the creates that would have made somebody a second time in a
// service that does not refuse: those of a login that was made before.
func (n *tenant) doubled() (times int) {
	made := map[string]bool{}
	for _, r := range n.sim.Requests() {
		if r.Method != http.MethodPost || !strings.HasSuffix(r.Path, "/Users") {
			continue
		}
		var body struct{ UserName string }
		if json.Unmarshal(r.Body, &body) != nil {
			continue
		}
		login := strings.ToLower(body.UserName)
		if made[login] {
			times++
		}
		if r.Status == http.StatusCreated {
			made[login] = true
		}
	}
	return times
}
