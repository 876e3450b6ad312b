package appliance_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rollcall/appliance/admin"
	"rollcall/connectors/cast"
	"rollcall/connectors/javelo/javelosim"
)

// tokenInFile moves Javelo's token of the configuration into a file.
func (w *world) tokenInFile() string {
	w.t.Helper()
	path := filepath.Join(w.dir, "token")
	w.put(path, javelosim.DefaultToken)
	w.text = strings.Replace(w.text, fmt.Sprintf("token    = %q", javelosim.DefaultToken), fmt.Sprintf("token    = { file = %q }", path), 1)
	return path
}

func (w *world) put(path, token string) {
	w.t.Helper()
	if err := os.WriteFile(path, []byte(token+"\n"), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) javeloLane() admin.Target {
	w.t.Helper()
	status, err := w.app.Status(w.ctx())
	if err != nil || len(status.Targets) != 1 {
		w.t.Fatalf("%+v, %v", status.Targets, err)
	}
	return status.Targets[0]
}

// told counts the events with this verb.
func (w *world) told(verb string) (n int) {
	w.t.Helper()
	events, err := w.app.Journal(w.ctx(), 0, 1000, false)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, e := range events {
		if e.Verb == verb {
			n++
		}
	}
	return n
}

// A token that Javelo replaced closes the lane with one message; the new one in its
// place is enough, and so is a reload.
func TestReplacedTokenTakesEffectWithoutARestart(t *testing.T) {
	w := newWorld(t, 12, "")
	path := w.tokenInFile()
	w.start()
	w.sync("hibob")
	w.activate("hibob")
	p := w.people[w.employed(1)[0]]
	change := func(title string) {
		w.hibob.Update(p.Index, func(p *cast.Person) { p.Title = title })
		w.sync("hibob")
	}
	title := func() string { a, _ := w.javelo.Account(p.Email); return a.Title }

	w.javelo.Regenerate("second-token")
	change("Partner")
	if l := w.javeloLane(); l.Lane != "denied" || !strings.Contains(l.Reason, "Generate a new token") {
		t.Fatalf("the lane is %s: %s", l.Lane, l.Reason)
	}
	w.app.Housekeep() // the file holds the old one still
	if l := w.javeloLane(); l.Lane != "denied" {
		t.Fatalf("the lane is %s with the old token", l.Lane)
	}
	w.put(path, "second-token")
	w.app.Housekeep()
	w.wait()
	if l := w.javeloLane(); l.Lane != "open" || title() != "Partner" {
		t.Errorf("with the new token in the file the lane is %s, the title %q", l.Lane, title())
	}

	// While the old one works the file alone changes nothing: a reload does, and shows
	// it first.
	w.put(path, "third-token")
	w.app.Housekeep()
	change("Head")
	if title() != "Head" {
		t.Error("a token that is not in force yet was used")
	}
	w.javelo.Regenerate("third-token")
	dry, err := w.app.Reload(w.ctx(), "test", true)
	if err != nil || len(dry.Changes) != 1 || dry.Changes[0].Key != "targets.javelo.token" || !dry.Changes[0].Live || len(dry.Restart) != 0 {
		t.Errorf("the preview says %+v, %v", dry, err)
	}
	for _, c := range dry.Changes {
		if strings.Contains(c.Old+c.New, "-token") {
			t.Errorf("the preview shows a secret: %+v", c)
		}
	}
	if _, err := w.app.Reload(w.ctx(), "test", false); err != nil {
		t.Fatal(err)
	}
	w.wait()
	change("Chair")
	if l := w.javeloLane(); l.Lane != "open" || title() != "Chair" {
		t.Errorf("after the reload the lane is %s, the title %q", l.Lane, title())
	}
	if again, err := w.app.Reload(w.ctx(), "test", false); err != nil || len(again.Changes) != 0 {
		t.Errorf("a second reload: %+v, %v", again, err)
	}
	if w.told("rekeyed") != 2 || w.told("lane_denied") != 1 {
		t.Errorf("told %d times of new tokens, %d times of a refused one", w.told("rekeyed"), w.told("lane_denied"))
	}

	// What is no token is refused before anything changes.
	w.put(path, "two words")
	if _, err := w.app.Reload(w.ctx(), "test", false); err == nil || strings.Contains(err.Error(), "two words") {
		t.Errorf("a token with a blank: %v", err)
	}
	change("Founder")
	if title() != "Founder" {
		t.Error("a refused reload changed the token")
	}
}

// A token of another tenant: nothing is sent there, and the lane says why.
func TestTokenOfAnotherTenantPausesTheLane(t *testing.T) {
	w := newWorld(t, 12, "")
	path := w.tokenInFile()
	other := javelosim.New(javelosim.Options{Limit: -1, Token: "other-token"})
	other.Seed([]javelosim.Account{{ID: "99999999-0000-4000-8000-000000000001", UserName: "stranger@elsewhere.example", Active: true}})
	host := httptest.NewServer(byToken{"Bearer other-token": other, "": w.javelo})
	t.Cleanup(host.Close)
	at := strings.Index(w.text, "[targets.javelo]")
	begin := at + strings.Index(w.text[at:], "http://")
	end := begin + strings.Index(w.text[begin:], "/scim/v2")
	w.text = w.text[:begin] + host.URL + w.text[end:]
	w.start()
	w.sync("hibob")
	w.activate("hibob")
	if len(w.javelo.Accounts()) == 0 {
		t.Fatal("nobody was delivered")
	}
	w.put(path, "other-token")
	if _, err := w.app.Reload(w.ctx(), "test", false); err != nil {
		t.Fatal(err)
	}
	p := w.people[w.employed(1)[0]]
	w.hibob.Update(p.Index, func(p *cast.Person) { p.Title = "Partner" })
	w.sync("hibob")
	if l := w.javeloLane(); l.Lane != "paused" || !strings.Contains(l.Reason, "another tenant") {
		t.Errorf("the lane is %s: %s", l.Lane, l.Reason)
	}
	if other.Writes() != 0 {
		t.Errorf("%d writes to a stranger's tenant", other.Writes())
	}
	w.put(path, javelosim.DefaultToken)
	if _, err := w.app.Reload(w.ctx(), "test", false); err != nil {
		t.Fatal(err)
	}
	if err := w.app.SetLane(w.ctx(), "test", "javelo", "open"); err != nil {
		t.Fatal(err)
	}
	w.wait()
	if a, _ := w.javelo.Account(p.Email); a.Title != "Partner" || w.javeloLane().Lane != "open" {
		t.Errorf("back at the right tenant the title is %q, the lane %s", a.Title, w.javeloLane().Lane)
	}
}

// byToken is a host whose tenants are told apart by the token.
type byToken map[string]http.Handler

func (b byToken) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if tenant, ok := b[r.Header.Get("Authorization")]; ok {
		tenant.ServeHTTP(w, r)
		return
	}
	b[""].ServeHTTP(w, r)
}
