package appliance_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"rollcall/appliance"
	"rollcall/appliance/admin"
	"rollcall/appliance/config"
	"rollcall/connectors/adp/adpsim"
	"rollcall/connectors/cast"
	"rollcall/connectors/hibob/hibobsim"
	"rollcall/connectors/javelo/javelosim"
	"rollcall/connectors/lucca/luccasim"
	"rollcall/connectors/scim/scimsim"
	"rollcall/connectors/scim/scimtargetsim"
)

// parrot is a service that, on demand, answers with everything it was sent: what
// gateways and debug pages do.
type parrot struct {
	next http.Handler
	mode *atomic.Int32
	said atomic.Int32
}

// parrots are the ways to answer; nil: as the service does.
var parrots = []func(w http.ResponseWriter, heard string){
	nil,
	func(w http.ResponseWriter, heard string) { say(w, 401, "application/json", quoted(heard)) },
	func(w http.ResponseWriter, heard string) { say(w, 403, "text/html", "<html>"+heard+"</html>") },
	func(w http.ResponseWriter, heard string) { say(w, 500, "application/problem+json", quoted(heard)) },
	func(w http.ResponseWriter, heard string) { say(w, 200, "text/html", "<html>"+heard+"</html>") },
	func(w http.ResponseWriter, heard string) { say(w, 200, "application/json", quoted(heard)) },
	func(w http.ResponseWriter, heard string) { say(w, 400, "application/scim+json", quoted(heard)) },
	func(w http.ResponseWriter, heard string) {
		w.Header().Set("Location", "https://elsewhere.example/?"+strings.ReplaceAll(heard, "\n", " "))
		say(w, 302, "", "")
	},
	func(w http.ResponseWriter, heard string) {
		w.Header().Set("Retry-After", strings.ReplaceAll(heard, "\n", " "))
		say(w, 429, "application/json", quoted(heard))
	},
}

// quoted puts what was heard wherever an error body may have a sentence.
func quoted(heard string) string {
	raw, err := json.Marshal(map[string]any{
		"key": heard, "error": heard, "errorMessage": heard, "errors": map[string]any{heard: map[string]any{"message": heard}}, "Message": heard,
		"detail": heard, "title": heard, "scimType": heard, "error_description": heard, "schemas": []string{heard},
		"confirmMessage": map[string]any{"resourceMessages": []any{map[string]any{"processMessages": []any{map[string]any{"userMessage": map[string]any{"messageTxt": heard}}}}}},
	})
	if err != nil {
		return "{}"
	}
	return string(raw)
}

func say(w http.ResponseWriter, status int, contentType, body string) {
	if contentType != "" {
		w.Header().Set("Content-Type", contentType)
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

func (p *parrot) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer := parrots[p.mode.Load()]
	if answer == nil {
		p.next.ServeHTTP(w, r)
		return
	}
	p.said.Add(1)
	body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	answer(w, fmt.Sprintf("%s %s %v %s", r.Method, r.URL, r.Header, body))
}

// safe is a log that several goroutines write.
type safe struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safe) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safe) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// TestNoCredentialIsAnywhereWhateverServicesEcho reads and checks every kind of
// service while it answers with the credentials it was sent, and then looks for
// them in the log at its most talkative (without the redaction of the real one),
// the journal, the runs, every answer of the admin API, the metrics and the
// database file.
func TestNoCredentialIsAnywhereWhateverServicesEcho(t *testing.T) {
	dir, err := os.MkdirTemp("", "rc")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	people := cast.Company(8, 3)
	const (
		user = "SERVICE-CANARY"
		key  = "7f3b1a52-0000-4000-8000-0000caca0001"
	)
	canary := func(name string) string { return "canary-" + name + "-secret-42" }
	secrets := []string{canary("hibob"), canary("lucca"), canary("adp"), canary("pull"), canary("javelo"), canary("scim"), canary("hook"), key,
		base64.StdEncoding.EncodeToString([]byte(user + ":" + canary("hibob")))[4:], base64.StdEncoding.EncodeToString([]byte(luccasim.DefaultClientID + ":" + canary("lucca")))[4:],
		base64.StdEncoding.EncodeToString([]byte(adpsim.DefaultClientID + ":" + canary("adp")))[4:]}

	var mode atomic.Int32
	var services []*parrot
	serve := func(h http.Handler) string {
		p := &parrot{next: h, mode: &mode}
		services = append(services, p)
		srv := httptest.NewServer(p)
		t.Cleanup(srv.Close)
		return srv.URL
	}
	hibob := serve(hibobsim.New(people, hibobsim.Options{ServiceUserID: user, Token: canary("hibob"), Staleness: -1, PermissionDelay: -1, Rate: -1}))
	tenant := luccasim.New(people, luccasim.Options{Key: key, ClientSecret: canary("lucca"), Rate: 100000})
	lucca, next := serve(tenant), serve(tenant)
	adp := serve(adpsim.New(people, adpsim.Options{ClientSecret: canary("adp"), PlainHTTP: true}))
	pull := serve(scimsim.New(people, scimsim.Options{Token: canary("pull")}))
	javelo := serve(javelosim.New(javelosim.Options{Token: canary("javelo"), Limit: -1}))
	scim := serve(scimtargetsim.New(scimtargetsim.Options{Token: canary("scim")}))
	authority, err := adpsim.NewAuthority(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	pair, err := authority.Client("canary", time.Now().Add(-time.Hour), time.Now().AddDate(0, 6, 0))
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"adp.pem": pair.Certificate, "adp.key": pair.Key} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text := fmt.Sprintf(`
[appliance]
data_dir     = %[1]q
admin_socket = %[2]q
view_socket  = %[3]q
[scim]
listen = "127.0.0.1:0"
[metrics]
listen = "127.0.0.1:0"
[sources.hibob]
kind = "hibob"
base_url = "%[4]s/v1"
service_user_id = "SERVICE-CANARY"
service_user_token = %[5]q
webhook_secret = %[6]q
[sources.lucca]
kind = "lucca"
base_url = %[7]q
api_key = %[8]q
[sources.lucca-next]
kind = "lucca"
api = "2024-11-01"
base_url = %[9]q
token_url = "%[9]s%[10]s"
client_id = %[11]q
client_secret = %[12]q
[sources.adp]
kind = "adp"
base_url = %[13]q
token_url = "%[13]s%[14]s"
client_id = %[15]q
client_secret = %[16]q
client_cert = %[17]q
client_key = %[18]q
[sources.legacy]
kind = "scim-pull"
base_url = "%[19]s/scim/v2"
token = %[20]q
[targets.javelo]
kind = "javelo"
base_url = "%[21]s/scim/v2"
token = %[22]q
[targets.service]
kind = "scim"
base_url = "%[23]s/scim/v2"
token = %[24]q
`, filepath.Join(dir, "data"), filepath.Join(dir, "a.sock"), filepath.Join(dir, "v.sock"), hibob, canary("hibob"), canary("hook"), lucca, key,
		next, luccasim.TokenPath, luccasim.DefaultClientID, canary("lucca"), adp, adpsim.TokenPath, adpsim.DefaultClientID, canary("adp"),
		filepath.Join(dir, "adp.pem"), filepath.Join(dir, "adp.key"), pull, canary("pull"), javelo, canary("javelo"), scim, canary("scim"))
	cfg, err := config.Parse("canary.toml", []byte(text), config.System())
	if err != nil {
		t.Fatal(err)
	}
	if err := cfg.ResolveSecrets(); err != nil {
		t.Fatal(err)
	}
	var log safe
	ready := make(chan appliance.Addresses, 1)
	app, err := appliance.Open(cfg, appliance.Options{Log: hclog.New(&hclog.LoggerOptions{Output: &log, Level: hclog.Trace}), Ready: func(a appliance.Addresses) { ready <- a }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	served := make(chan error, 1)
	go func() { served <- app.Serve(ctx) }()
	at := <-ready

	var shown bytes.Buffer
	show := func(what string, v any, err error) {
		fmt.Fprintln(&shown, what, err)
		if e := json.NewEncoder(&shown).Encode(v); e != nil {
			t.Error(e)
		}
	}
	for m := range parrots {
		mode.Store(int32(m))
		if err := app.Sync(ctx, "test", nil); err != nil {
			t.Fatal(err)
		}
		if err := app.Wait(ctx, nil); err != nil {
			t.Fatal(err)
		}
		results, err := app.Check(ctx, nil)
		show("check", results, err)
		for _, r := range results {
			if m == 0 && !r.OK || m > 0 && r.OK {
				t.Errorf("answer %d: the check of %s says %+v", m, r.Name, r)
			}
		}
		if resp, err := http.Post(at.SCIM+"/hooks/hibob", "application/json", strings.NewReader(canary("hook"))); err == nil {
			raw, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			shown.Write(raw)
		}
	}
	for i, p := range services {
		if p.said.Load() < int32(len(parrots)-1) {
			t.Errorf("service %d echoed %d times only", i, p.said.Load())
		}
	}
	status, err := app.Status(ctx)
	show("status", status, err)
	runs, err := app.Runs(ctx, admin.Page{})
	show("runs", runs, err)
	events, err := app.Journal(ctx, 0, 1000, false)
	show("journal", events, err)
	report, err := app.Readiness(ctx)
	show("readiness", report, err)
	configured, err := app.ShowConfig(ctx)
	show("config", configured, err)
	resp, err := http.Get(at.Metrics + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(&shown, resp.Body); err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	cancel()
	if err := <-served; err != nil {
		t.Fatal(err)
	}
	if err := app.Close(); err != nil {
		t.Fatal(err)
	}
	database, err := os.ReadFile(filepath.Join(dir, "data", "rollcall.db"))
	if err != nil {
		t.Fatal(err)
	}
	if len(events) < 20 || !strings.Contains(log.String(), "read failed") || !bytes.Contains(database, []byte(people[1].Email)) {
		t.Fatalf("too little happened: %d events", len(events))
	}
	for where, text := range map[string]string{"the log": log.String(), "what the API shows": shown.String(), "the database": string(database)} {
		for _, secret := range secrets {
			if i := strings.Index(text, secret); i >= 0 {
				t.Errorf("%s holds a credential: …%q…", where, text[max(0, i-120):min(len(text), i+len(secret)+20)])
			}
		}
	}
}
