package appliance_test

import (
	"net/http"
	"strings"
	"testing"

	"rollcall/appliance/admin"
	"rollcall/connectors/cast"
	"rollcall/connectors/javelo/javelosim"
)

func (w *world) explained(who string) admin.DeliveryExplained {
	w.t.Helper()
	told, err := w.app.ExplainDelivery(w.ctx(), who, "javelo")
	if err != nil || len(told) != 1 {
		w.t.Fatalf("%d explained, %v", len(told), err)
	}
	return told[0]
}

func difference(e admin.DeliveryExplained, attribute string) admin.Difference {
	for _, d := range e.Differences {
		if d.Attribute == attribute {
			return d
		}
	}
	return admin.Difference{}
}

// TestDeliveryIsExplained follows one person through what can be between them and
// their account.
func TestDeliveryIsExplained(t *testing.T) {
	w := newWorld(t, 12, "")
	w.start()
	w.sync("hibob")
	w.activate("hibob")
	p := w.people[w.employed(1)[0]]
	if e := w.explained(p.Email); e.State != "none" || e.Account == nil || !e.Account.Active || !strings.Contains(e.Next, "has what it should have") || len(e.Differences) != 0 {
		t.Errorf("delivered: %+v", e)
	}

	// Refused: parked, with what was answered and when.
	if err := w.app.SetLane(w.ctx(), "test", "javelo", "paused"); err != nil {
		t.Fatal(err)
	}
	before := p.Title
	w.hibob.Update(p.Index, func(p *cast.Person) { p.Title = "Partner" })
	w.sync("hibob")
	e := w.explained(p.Email)
	if d := difference(e, "title"); e.State != "ready" || d.Wanted != "Partner" || d.Has != before || !strings.Contains(e.Next, "resumes the lane") || len(e.Obstacles) == 0 {
		t.Errorf("paused: %+v", e)
	}
	w.javelo.Fault(javelosim.Fault{Kind: javelosim.Unavailable, Status: http.StatusBadRequest, Method: http.MethodPatch, Times: -1})
	if err := w.app.SetLane(w.ctx(), "test", "javelo", "open"); err != nil {
		t.Fatal(err)
	}
	w.wait()
	e = w.explained(p.Email)
	if e.State != "parked" || e.Tries != 1 || len(e.Attempts) != 1 || e.Attempts[0].Class != "invalid" || !strings.Contains(e.Attempts[0].Answer, "400") || e.Attempts[0].At.IsZero() || !strings.Contains(e.Next, "retries") {
		t.Errorf("parked: %+v", e)
	}
	for _, a := range e.Attempts {
		if strings.Contains(a.Answer, javelosim.DefaultToken) || strings.Contains(a.Answer, p.Email) {
			t.Errorf("an answer tells too much: %s", a.Answer)
		}
	}
	if _, err := w.app.ExplainDelivery(w.ctx(), p.Email, "nowhere"); err == nil {
		t.Error("a target that is not configured was explained")
	}
	if _, err := w.app.ExplainDelivery(w.ctx(), "nobody@acme.example", ""); err == nil {
		t.Error("nobody was explained")
	}
}
