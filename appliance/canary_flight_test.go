package appliance_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"rollcall/appliance/admin"
	"rollcall/appliance/cli"
	"rollcall/appliance/config"
	"rollcall/appliance/store"
	"rollcall/connectors/cast"
	"rollcall/connectors/hibob/hibobsim"
	"rollcall/connectors/javelo/javelosim"
)

// flight is the world with the canaries in it.
type flight struct {
	*world
	*watch
	hibobEcho, javeloEcho *echo
	post                  *postOffice
	s                     sender
	i                     int // of the canary person in HiBob
	collector             string
}

// flyThrough runs an appliance through everything that can happen to the canaries
// and returns what left by each way out.
func flyThrough(t *testing.T) *watch {
	f := &flight{world: newWorld(t, 40, ""), watch: &watch{test: t, seen: map[string]*strings.Builder{}, all: canaries("")}}
	f.hibobEcho, f.javeloEcho, f.post = &echo{}, &echo{about: bird.Family}, &postOffice{}
	var text, asJSON safe
	log := hclog.NewInterceptLogger(&hclog.LoggerOptions{Output: io.MultiWriter(&text, &stirred), Level: hclog.Trace})
	log.RegisterSink(hclog.NewSinkAdapter(&hclog.LoggerOptions{Output: &asJSON, Level: hclog.Trace, JSONFormat: true}))
	f.world.log = log
	lines := f.syslog()
	f.configure()
	f.start()
	eventually(t, "the syslog exporter knows where to begin", func() bool {
		_ = f.app.SetLane(f.ctx(), "uid:0(root)", "javelo", "paused")
		_ = f.app.SetLane(f.ctx(), "uid:0(root)", "javelo", "open")
		return lines.String() != ""
	})
	token, err := f.app.CreateToken(f.ctx(), "uid:0(root)", "okta", "Okta", 0)
	if err != nil {
		t.Fatal(err)
	}
	f.all = canaries(token.Token)
	f.s = sender{tb: t, base: token.URL, token: token.Token, http: &http.Client{Transport: &http.Transport{DisableKeepAlives: true, ExpectContinueTimeout: 10 * time.Second}}}

	f.failingSource()
	f.failingTarget()
	f.push()
	f.pushOthers()
	f.troubles()
	f.hooksAndWire()
	f.notifications()
	f.badConfigurations()
	f.askEverything()
	f.refusedCommands()
	f.panicked()

	backup := filepath.Join(f.dir, "copy.db")
	if err := f.app.Backup(f.ctx(), "uid:0(root)", backup); err != nil {
		t.Fatal(err)
	}
	events, err := f.app.Journal(f.ctx(), 0, 1000, false)
	if err != nil || len(events) < 20 {
		t.Errorf("%d events: %v", len(events), err)
	}
	last := fmt.Sprintf(`seq="%d"`, events[len(events)-1].Seq)
	eventually(t, "the last event reaches syslog", func() bool { return strings.Contains(lines.String(), last) })
	f.stop()
	f.saw("syslog", lines.String())
	f.saw("log, text, trace level, before the filter", text.String())
	f.saw("log, JSON, trace level, before the filter", asJSON.String())
	f.readFile("database", f.app.Store().Path())
	f.readFile("backup", backup)
	f.forgotten()
	return f.watch
}

// configure puts a canary in the place of every secret and an echo before every service.
func (f *flight) configure() {
	f.world.hibob = hibobsim.New(f.people, hibobsim.Options{Token: secretCanaries["HiBob token"], Staleness: -1, PermissionDelay: -1, Rate: -1})
	f.javelo = javelosim.New(javelosim.Options{Token: secretCanaries["Javelo token"], Limit: -1})
	f.hibobEcho.next, f.javeloEcho.next = f.world.hibob, f.javelo
	serve := func(h http.Handler) string {
		srv := httptest.NewServer(h)
		f.t.Cleanup(srv.Close)
		return srv.URL
	}
	chat := serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if !strings.HasSuffix(r.URL.Path, secretCanaries["address of the notify webhook"]) {
			f.t.Errorf("the webhook is sent to %s", r.URL)
		}
		f.saw("notify webhook", fmt.Sprint(r.Header)+string(body))
		say(w, 500, "text/plain", "you said "+r.URL.String()+string(body))
	}))
	mail, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { mail.Close() })
	go f.post.serve(mail)

	lines := strings.Split(f.text, "\n")
	urls := []string{serve(f.hibobEcho) + "/v1", serve(f.javeloEcho) + "/scim/v2"}
	for i, line := range lines {
		switch key, _, _ := strings.Cut(line, " "); key {
		case "base_url":
			lines[i], urls = fmt.Sprintf("base_url = %q", urls[0]), urls[1:]
		case "service_user_token":
			lines[i] = fmt.Sprintf("service_user_token = %q\nwebhook_secret = %q", secretCanaries["HiBob token"], secretCanaries["HiBob webhook secret"])
		case "token":
			lines[i] = fmt.Sprintf("token = %q\ngroups = true\ndrift = \"report\"", secretCanaries["Javelo token"])
		}
	}
	f.text = strings.Join(lines, "\n") + fmt.Sprintf(`
[log]
level = "trace"
[sources.okta]
kind = "okta"
[journal]
syslog = %q
[notify]
command = ["/bin/sh", "-c", %q]
[notify.webhook]
url = %q
secret = %q
[notify.email]
server = %q
tls = "none"
user = %q
password = %q
from = "rollcall@halcyon-atelier.example"
to = ["it@halcyon-atelier.example"]
`, "udp://"+f.collector, "cat >> "+filepath.Join(f.dir, "told"), chat+"/services/"+secretCanaries["address of the notify webhook"], secretCanaries["signing secret of notify"],
		mail.Addr().String(), birdsMailUser, secretCanaries["SMTP password"])
}

// syslog listens for what the journal sends away.
func (f *flight) syslog() *safe {
	l, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { l.Close() })
	f.collector = l.LocalAddr().String()
	lines := &safe{}
	go func() {
		buffer := make([]byte, 64<<10)
		for {
			n, _, err := l.ReadFrom(buffer)
			if err != nil {
				return
			}
			_, _ = lines.Write(append(buffer[:n:n], '\n'))
		}
	}()
	return lines
}

// show notes an answer of the appliance as JSON.
func (f *flight) show(name string, v any, err error) {
	f.t.Helper()
	raw, e := json.Marshal(v)
	if e != nil {
		f.t.Error(e)
	}
	f.saw(name, string(raw))
	if err != nil {
		f.t.Errorf("%s: %v", name, err)
	}
}

// failingSource hires the canary person and reads them while HiBob answers in
// every wrong way, and then rightly.
func (f *flight) failingSource() {
	manager := f.world.hibob.Hire(nest)
	p := bird
	p.Manager = manager
	f.i = f.world.hibob.Hire(p)
	f.namedByOthers()
	for way := range ways {
		f.hibobEcho.mode.Store(int32(way))
		f.sync("hibob")
		results, err := f.app.Check(f.ctx(), nil)
		f.show("check", results, err)
		status, err := f.app.Status(f.ctx())
		f.show("status", status, err)
	}
	f.hibobEcho.mode.Store(asItDoes)
	if !f.hibobEcho.hasHeard(base64.StdEncoding.EncodeToString([]byte("SERVICE-12345:" + secretCanaries["HiBob token"]))) {
		f.t.Error("HiBob did not echo its token")
	}
	f.sync("hibob")
	report, err := f.app.Readiness(f.ctx())
	f.show("readiness", report, err)
	plan, err := f.app.Plan(f.ctx(), "hibob")
	f.show("plan", plan, err)
}

// failingTarget delivers while Javelo refuses whatever is about the canary person and repeats it, and then rightly.
func (f *flight) failingTarget() {
	for i, way := range []int32{refusedSCIM, pageWith500, problemJSON, wordsOnName, wordsOnMore, wordsInLow} {
		f.javeloEcho.mode.Store(way)
		if i == 0 {
			if _, err := f.app.Activate(f.ctx(), "uid:0(root)", "hibob"); err != nil {
				f.t.Fatal(err)
			}
		}
		eventually(f.test, fmt.Sprintf("Javelo echoes in way %d", way), func() bool {
			f.retryAll()
			found, err := f.app.Deliveries(f.ctx(), "javelo", "", admin.Page{Limit: 1000})
			if err != nil {
				f.t.Fatal(err)
			}
			f.show("deliveries", found, nil)
			return f.javeloEcho.hasHeard("Bearer "+secretCanaries["Javelo token"], bird.Family) && slices.ContainsFunc(found, func(d admin.Delivery) bool { return d.LastError != "" })
		})
		results, err := f.app.Check(f.ctx(), nil)
		f.show("check", results, err)
		status, err := f.app.Status(f.ctx())
		f.show("status", status, err)
		f.javeloEcho.mu.Lock()
		f.javeloEcho.heard.Reset()
		f.javeloEcho.mu.Unlock()
	}
	f.javeloEcho.mode.Store(asItDoes)
	eventually(f.test, "the canary person has an account", func() bool {
		f.retryAll()
		_, ok := f.javelo.Account(bird.Email)
		return ok
	})
	f.wait()
}

// retryAll sends at once whatever waits.
func (f *flight) retryAll() {
	_ = f.app.SetLane(f.ctx(), "uid:0(root)", "javelo", "open")
	found, err := f.app.Deliveries(f.ctx(), "javelo", "", admin.Page{Limit: 1000})
	if err != nil {
		f.t.Fatal(err)
	}
	for _, d := range found {
		_ = f.app.RetryDelivery(f.ctx(), "uid:0(root)", "javelo", d.Person.ID)
	}
}

// troubles are an edited account, a hold and a conflict, all with the canary person.
func (f *flight) troubles() {
	f.javelo.Edit(bird.Email, func(a *javelosim.Account) { a.Title = "Edited Kestrelkeeper"; a.Phone = "+33 1 00 00 00 00" })
	f.listAgain() // and a restart is a path too
	eventually(f.test, "the edited account is noticed", func() bool {
		drift, err := f.app.Drift(f.ctx(), "")
		f.show("drift", drift, err)
		return len(drift) > 0
	})
	f.wait()
	twin := f.employed(1)[0]
	f.world.hibob.Update(twin, func(p *cast.Person) { p.Email = strings.ToUpper(bird.Email) })
	for i := 5; i < 30; i++ {
		if i != twin {
			f.world.hibob.Terminate(i, "2020-01-31")
		}
	}
	f.sync("hibob")
	conflicts, err := f.app.Conflicts(f.ctx())
	f.show("conflicts", conflicts, err)
	f.matters()
	for _, c := range conflicts {
		preview, err := f.app.Preview(f.ctx(), c.ID, admin.Resolution{Verb: "separate", Rev: c.Rev})
		f.saw("plan", fmt.Sprintf("%+v %v", preview, err))
		f.admin("POST", "/v1/conflicts/"+c.ID+"/resolve", `{"verb":"separate","rev":999999}`)
	}
	f.world.hibob.Update(twin, func(p *cast.Person) { p.Email = "somebody.else@halcyon-atelier.example" })
	f.world.hibob.Update(f.i, func(p *cast.Person) {
		p.Title, p.BirthDate = "Kestrelkeeper emerita", bird.BirthDate
		p.Family = "Quorvendel-Ash"
	})
	f.sync("hibob")
	f.matters()
}

// listAgain makes the target list its accounts, which it does once a day.
func (f *flight) listAgain() {
	if err := f.app.Store().Update(func(tx *store.Tx) error {
		lane, _, err := store.Lanes.Get(tx, "javelo")
		lane.Listed = time.Time{}
		return errors.Join(err, store.Lanes.Put(tx, "javelo", lane))
	}); err != nil {
		f.t.Fatal(err)
	}
	f.stop()
	f.start()
	eventually(f.test, "the accounts are listed", func() bool {
		st, err := f.app.Status(f.ctx())
		return err == nil && !st.Targets[0].Listed.IsZero()
	})
}

func (f *flight) matters() {
	matters, err := f.app.Matters(f.ctx())
	f.show("notify: what is told", matters, err)
}

// notifications sends a message over every channel, of which two refuse at first.
func (f *flight) notifications() {
	for range 3 {
		results, err := f.app.NotifyTest(f.ctx())
		f.show("notify: answers to a test", results, err)
	}
	f.post.mu.Lock()
	if !strings.Contains(f.post.heard.String(), secretCanaries["SMTP password"]) {
		f.t.Errorf("the mail server did not hear the password, but %q", f.post.heard.String())
	}
	f.saw("notify email", f.post.mails.String())
	f.post.mu.Unlock()
	f.readFile("notify command", filepath.Join(f.dir, "told"))
}

// badConfigurations reloads what cannot be read, at the very line of a secret.
func (f *flight) badConfigurations() {
	good := f.text
	token := fmt.Sprintf("%q", secretCanaries["Javelo token"])
	for _, bad := range []string{secretCanaries["Javelo token"], `"` + secretCanaries["Javelo token"], `{ flie = ` + token + ` }`, `{ file = ` + token + ` }`, `{ env = ` + token + ` }`, `[` + token + `]`,
		`"\q` + secretCanaries["Javelo token"] + `"`} {
		f.text = strings.Replace(good, "token = "+token, "token = "+bad, 1)
		reloaded, err := f.app.Reload(f.ctx(), "uid:0(root)", false)
		if err == nil {
			f.t.Errorf("a configuration with %s was taken", bad)
		}
		f.saw("reload and its errors", fmt.Sprintf("test.toml %+v %v", reloaded, err))
		if cfg, err := config.Parse("test.toml", []byte(f.text), config.System()); err != nil {
			f.saw("reload and its errors", fmt.Sprintf("%v %+v", err, err))
		} else {
			f.saw("reload and its errors", fmt.Sprintf("%+v", cfg.Targets["javelo"].Token))
		}
	}
	f.text = good
	reloaded, err := f.app.Reload(f.ctx(), "uid:0(root)", false)
	f.show("reload and its errors", reloaded, err)
}

// admin asks over the admin socket and returns the answer; refusals are noted.
func (f *flight) admin(method, path, body string) string {
	f.t.Helper()
	c := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", filepath.Join(f.dir, "a.sock"))
	}}}
	req, err := http.NewRequest(method, "http://rollcall"+path, strings.NewReader(body))
	if err != nil {
		f.t.Fatal(err)
	}
	resp, err := c.Do(req)
	if err != nil {
		f.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	if resp.StatusCode >= 400 {
		f.answer("errors of the admin API", path+body, string(raw))
		return ""
	}
	return string(raw)
}

// askEverything asks every question that the admin API and the pages answer.
func (f *flight) askEverything() {
	who := "who=" + url.QueryEscape(bird.Email)
	for _, q := range []struct{ name, path string }{
		{"status", "/v1/status"}, {"runs", "/v1/runs"}, {"verify", "/v1/verify"}, {"verify", "/v1/journal/verify"}, {"tokens", "/v1/tokens"}, {"config show", "/v1/config"},
		{"journal", "/v1/journal?limit=1000"}, {"requests of senders", "/v1/requests?limit=1000"}, {"readiness", "/v1/readiness"},
		{"plan", "/v1/plan"}, {"people", "/v1/people?q=" + bird.Given}, {"people", "/v1/person?" + who}, {"people", "/v1/people/export"}, {"people", "/v1/person/why-not?" + who},
		{"people", "/v1/people/diff?from=2026-01-01T00:00:00Z&to=2100-01-01T00:00:00Z"}, {"history", "/v1/person/history?" + who}, {"conflicts", "/v1/conflicts"}, {"conflicts", "/v1/decisions"},
		{"deliveries", "/v1/deliveries"}, {"groups", "/v1/groups"}, {"drift", "/v1/drift"}, {"pprof", "/debug/pprof/goroutine?debug=2"}, {"pprof", "/debug/pprof/cmdline"},
	} {
		f.saw(q.name, f.admin("GET", q.path, ""))
	}
	for name, page := range map[string]string{"metrics": "/metrics", "healthz": "/healthz", "readyz": "/readyz"} {
		resp, err := http.Get(f.at.Metrics + page)
		if err != nil {
			f.t.Fatal(err)
		}
		raw, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		f.saw(name, string(raw))
	}
	for _, c := range [][]string{{"journal export", "journal", "export"}, {"config show", "config", "show"}, {"requests of senders", "requests"}} {
		var out, errs bytes.Buffer
		args := append([]string{"--socket", filepath.Join(f.dir, "a.sock"), "--config", f.writeConfig()}, c[1:]...)
		if code := cli.Main(args, cli.Streams{In: strings.NewReader(""), Out: &out, Err: &errs}, cli.Deps{Version: admin.Version{Version: "test"}}); code != 0 {
			f.t.Errorf("rollcall %v: %s", c[1:], errs.String())
		}
		f.saw(c[0], out.String()+errs.String())
	}
}

// refusedCommands are questions and commands of operators that go wrong.
func (f *flight) refusedCommands() {
	for _, c := range []struct{ method, path, body string }{
		{"GET", "/v1/person?who=" + bird.Family + "-nobody", ""},
		{"GET", "/v1/person?who=%20", ""},
		{"GET", "/v1/person/why-not?who=" + bird.Given + "x", ""},
		{"GET", "/v1/person/history?who=" + bird.Family + "x", ""},
		{"GET", "/v1/runs/" + bird.Family, ""},
		{"GET", "/v1/conflicts/" + bird.Email, ""},
		{"GET", "/v1/deliveries?state=" + bird.Family, ""},
		{"GET", "/v1/" + bird.Family, ""},
		{"POST", "/v1/forget", `{"who":"` + bird.Email + `"}`},
		{"POST", "/v1/forget", `{"who":"` + bird.Email},
		{"POST", "/v1/forget", `{"` + bird.Email + `":1}`},
		{"POST", "/v1/apply", `{"plan":{"changes":[{"person":{"name":"` + bird.Family + `"}}]}}`},
		{"POST", "/v1/tokens", `{"source":"` + bird.Family + `"}`},
		{"DELETE", "/v1/tokens/" + f.s.token, ""},
		{"POST", "/v1/deliveries/javelo/" + bird.Email + "/drop", ""},
		{"POST", "/v1/groups/javelo/okta/" + bird.Family + "/retry", ""},
		{"POST", "/v1/backup", `{"path":"/nowhere/` + bird.Family + `.db"}`},
		{"POST", "/v1/sources/" + bird.Family + "/activate", ""},
		{"POST", "/v1/runs/99999/undo", ""},
	} {
		f.admin(c.method, c.path, c.body)
	}
}
