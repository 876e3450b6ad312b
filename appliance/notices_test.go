package appliance_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"rollcall/appliance/notify"
	"rollcall/connectors/cast"
)

// hook takes messages as a chat service would.
type hook struct {
	mu       sync.Mutex
	messages []notify.Message
	status   int
}

func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.status != 0 {
		w.WriteHeader(h.status)
		return
	}
	body, _ := io.ReadAll(r.Body)
	var m notify.Message
	if json.Unmarshal(body, &m) == nil {
		h.messages = append(h.messages, m)
	}
}

func kinds(t *testing.T, w *world) map[string]int {
	t.Helper()
	matters, err := w.app.Matters(w.ctx())
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]int{}
	for _, m := range matters {
		out[m.Kind]++
		if m.Text == "" || m.Command == "" || m.Key == "" {
			t.Errorf("a matter without text, command or key: %+v", m)
		}
		for _, p := range w.people {
			for _, personal := range []string{p.Email, p.Given + " " + p.Family} {
				if strings.Contains(m.Text+m.Key+m.Subject, personal) {
					t.Errorf("the matter %s tells who it is about", m.Key)
				}
			}
		}
	}
	return out
}

func TestWhatNeedsAHumanIsToldWithoutSayingWho(t *testing.T) {
	h := &hook{}
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	w := newWorld(t, 40, "[notify.webhook]\nurl = \""+srv.URL+"\"\n")
	w.start()
	w.sync("hibob")
	if got := kinds(t, w); got["activate"] != 1 {
		t.Errorf("in preview the matters are %v", got)
	}
	w.activate("hibob")
	if got := kinds(t, w); got["activate"] != 0 || got["hold"] != 0 {
		t.Errorf("when all is well the matters are %v", got)
	}
	// Two people of one source get one address, and many leave at once.
	w.hibob.Update(3, func(p *cast.Person) { p.Email = w.people[4].Email })
	for i := 10; i < 30; i++ {
		w.hibob.Terminate(i, "2020-01-31")
	}
	w.sync("hibob")
	if got := kinds(t, w); got["conflict"] != 1 || got["hold"] != 1 {
		t.Errorf("with a clash and a wave of leavers the matters are %v", got)
	}
}

func TestATestMessageGoesOverEveryChannel(t *testing.T) {
	h := &hook{}
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	w := newWorld(t, 3, "[notify]\ncommand = [\"/bin/false\"]\n[notify.webhook]\nurl = \""+srv.URL+"\"\n")
	w.start()
	results, err := w.app.NotifyTest(w.ctx())
	if err != nil || len(results) != 2 || !results[0].OK || results[1].OK || results[1].Error == "" {
		t.Errorf("results %+v: %v", results, err)
	}
	if len(h.messages) != 1 || h.messages[0].Events[0].Event != notify.Test || !strings.Contains(h.messages[0].Text, "nothing is wrong") {
		t.Errorf("the webhook got %+v", h.messages)
	}
}
