package guide_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rollcall/appliance"
	"rollcall/appliance/admin"
	"rollcall/appliance/cli"
	"rollcall/appliance/demo"
	"rollcall/appliance/guide"
	"rollcall/connectors/cast"
	"rollcall/connectors/hibob/hibobsim"
	"rollcall/connectors/javelo/javelosim"
	"rollcall/connectors/lucca/luccasim"
)

// reader is somebody who follows a guide, with a machine below a directory and
// simulated services in the place of the real ones.
type reader struct {
	t            *testing.T
	topic, text  string
	dir          string
	config       []section
	people       []cast.Person
	hibob        *hibobsim.Sim
	javelo       *javelosim.Sim
	services     map[string]map[string]string // what a simulator prints, by kind
	lib, sockets string                       // directories of the database and the sockets
	machine      *machine
	stop         func() // nil: the appliance does not run
	log          *diary
	token        string
	leavers      int
	twins        int
	conflict     admin.Conflict
	settled      string // the id of the last conflict that was answered
}

// section is one table of a configuration.
type section struct {
	name  string
	lines []string
}

const (
	jane = "jane@example.com"
	omar = "omar@example.com"
)

func newReader(t *testing.T, topic, text string) *reader {
	t.Helper()
	dir, err := os.MkdirTemp("", "rg") // paths of sockets must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	r := &reader{t: t, topic: topic, text: text, dir: dir, people: cast.Company(60, 7), services: map[string]map[string]string{}, log: &diary{}, lib: "lib", sockets: "run", machine: &machine{owners: map[string][2]string{}}}
	t.Cleanup(r.halt)
	for _, d := range []string{"etc/secrets", "etc/tls", "lib/drop", "run", "root/usr/local/bin", "root/etc/ssh/sshd_config.d"} {
		if err := os.MkdirAll(r.path(d), 0o750); err != nil {
			t.Fatal(err)
		}
	}
	for i := range r.people {
		r.people[i].Email = strings.Replace(r.people[i].Email, cast.Domain, "example.com", 1)
		r.people[i].Status, r.people[i].Start, r.people[i].End = "employed", "2020-01-06", ""
	}
	r.people[3].Given, r.people[3].Family, r.people[3].Email, r.people[3].Department = "Jane", "Doe", jane, "Sales"
	r.people[4].Given, r.people[4].Family, r.people[4].Email, r.people[4].Department = "Omar", "Haddad", omar, "Sales"
	r.hibob = hibobsim.New(r.people, hibobsim.Options{Staleness: -1, PermissionDelay: -1, Rate: -1, CustomFields: []hibobsim.CustomField{
		{ID: "work.custom.field_1696_team", Name: "Team", Category: "work", Type: "text", Value: func(cast.Person) any { return "Blue" }}}})
	r.javelo = javelosim.New(javelosim.Options{Limit: -1})
	if topic == "first-activation" {
		r.javelo.Seed(javelosim.BeforeActivation(r.people))
	}
	hibob, javelo := httptest.NewServer(r.hibob), httptest.NewServer(r.javelo)
	t.Cleanup(hibob.Close)
	t.Cleanup(javelo.Close)
	r.services["hibob"] = map[string]string{"base_url": quoted(hibob.URL + "/v1"), "service_user_token": `"sim-token"`, "webhook_secret": `"hook-secret"`}
	r.services["javelo"] = map[string]string{"base_url": quoted(javelo.URL + javelosim.Prefix), "token": quoted(javelosim.DefaultToken)}
	r.certificate()
	r.configure(`[appliance]
data_dir     = "/var/lib/rollcall"
admin_socket = "/run/rollcall/admin.sock"
view_socket  = "/run/rollcall/view.sock"
[scim]
listen = "0.0.0.0:8443"
[metrics]
listen = "127.0.0.1:0"
[backup]
every = "0s"
[sources.hibob]
kind               = "hibob"
service_user_id    = "SERVICE-12345"
service_user_token = { file = "/etc/rollcall/secrets/hibob" }
interval           = "1h"
[targets.javelo]
kind  = "javelo"
token = { file = "/etc/rollcall/secrets/javelo" }
`)
	if topic == "security" {
		r.configure("[sources.okta]\nkind = \"okta\"\n")
	}
	if topic == "elevo" { // which takes its place
		r.config = slices.DeleteFunc(r.config, func(s section) bool { return s.name == "targets.javelo" })
	}
	return r
}

// dirs moves to other directories, as to another machine.
func (r *reader) dirs(lib, sockets string) { r.lib, r.sockets = lib, sockets }

func quoted(s string) string { return fmt.Sprintf("%q", s) }

func (r *reader) path(name string) string { return filepath.Join(r.dir, name) }

// here turns the places that guides name into those below the directory.
func (r *reader) here(text string) string {
	return strings.NewReplacer("/etc/rollcall", r.path("etc"), "/var/lib/rollcall", r.path(r.lib), "/run/rollcall", r.path(r.sockets),
		"0.0.0.0:8443", "127.0.0.1:0").Replace(text)
}

var keyOf = regexp.MustCompile(`^\s*("[^"]+"|[\w.-]+)\s*=`)

// configure puts tables into the configuration as a reader would: one with a kind
// takes the place of the one before, and of another each key does.
func (r *reader) configure(text string) {
	r.t.Helper()
	for _, s := range sections(text) {
		if kind := s.value("kind"); kind != "" {
			r.serve(&s, strings.Trim(kind, `"`))
			r.config = slices.DeleteFunc(r.config, func(old section) bool { return old.name == s.name })
			r.config = append(r.config, s)
			continue
		}
		i := slices.IndexFunc(r.config, func(old section) bool { return old.name == s.name })
		if i < 0 {
			r.config = append(r.config, s)
			continue
		}
		for _, line := range s.lines {
			if m := keyOf.FindStringSubmatch(line); m != nil {
				r.config[i].set(m[1], line)
			}
		}
	}
	var b strings.Builder
	for _, s := range r.config {
		fmt.Fprintf(&b, "[%s]\n%s\n", s.name, strings.Join(s.lines, "\n"))
	}
	if err := os.WriteFile(r.path("etc/config.toml"), []byte(r.here(b.String())), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

func sections(text string) []section {
	var out []section
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if name, ok := strings.CutPrefix(line, "["); ok {
			name, _, _ = strings.Cut(name, "]")
			out = append(out, section{name: name})
		} else if len(out) > 0 && strings.TrimSpace(line) != "" {
			out[len(out)-1].lines = append(out[len(out)-1].lines, line)
		}
	}
	return out
}

func (s *section) value(key string) string {
	for _, line := range s.lines {
		if m := keyOf.FindStringSubmatch(line); m != nil && m[1] == key {
			value := strings.TrimSpace(line[len(m[0]):])
			if value, _, found := strings.Cut(value, "  #"); found {
				return strings.TrimSpace(value)
			}
			return value
		}
	}
	return ""
}

func (s *section) set(key, line string) {
	for i, old := range s.lines {
		if m := keyOf.FindStringSubmatch(old); m != nil && m[1] == key {
			s.lines[i] = line
			return
		}
	}
	s.lines = append(s.lines, line)
}

var fileOf = regexp.MustCompile(`\{ file = "([^"]+)" \}|^"(/[^"]+)"$`)

// serve points a table at the simulator of its kind. Where the guide keeps a secret
// or a key in a file, the file gets what the simulator wants; everything else that
// the simulator prints takes the place of what the guide makes up.
func (r *reader) serve(s *section, kind string) {
	r.t.Helper()
	source := strings.HasPrefix(s.name, "sources.")
	if source && slices.Contains([]string{"okta", "azure", "scim", "csv"}, kind) {
		return
	}
	for key, printed := range r.printed(s, kind) {
		if slices.Contains([]string{"kind", "match_on", "api", "path"}, key) {
			continue
		}
		m := fileOf.FindStringSubmatch(s.value(key))
		if m == nil {
			if key != "webhook_secret" {
				s.set(key, key+" = "+printed)
			}
			continue
		}
		content := []byte(strings.Trim(printed, `"`))
		if p := fileOf.FindStringSubmatch(printed); p != nil {
			var err error
			if content, err = os.ReadFile(p[1] + p[2]); err != nil {
				r.t.Fatal(err)
			}
		}
		if err := os.WriteFile(r.here(m[1]+m[2]), content, 0o600); err != nil {
			r.t.Fatal(err)
		}
	}
	s.lines = slices.DeleteFunc(s.lines, func(l string) bool { return strings.HasPrefix(l, "account ") })
}

// printed is what the simulator of a kind prints, by key. It runs until the test ends.
func (r *reader) printed(s *section, kind string) map[string]string {
	r.t.Helper()
	sim := kind
	if s.value("api") == `"2024-11-01"` {
		out := r.printed(&section{name: s.name}, kind)
		return map[string]string{"base_url": out["base_url"], "token_url": strings.TrimSuffix(out["base_url"], `"`) + luccasim.TokenPath + `"`,
			"client_id": quoted(luccasim.DefaultClientID), "client_secret": quoted(luccasim.DefaultClientSecret)}
	}
	if out := r.services[sim]; out != nil {
		return out
	}
	ctx, cancel := context.WithCancel(context.Background())
	said, done := &diary{}, make(chan error, 1)
	go func() { done <- demo.Sim(ctx, sim, demo.SimOptions{People: 30, Out: said}) }()
	r.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			r.t.Errorf("%s: %v", sim, err)
		}
	})
	if !said.wait("the dial", done) {
		r.t.Fatalf("the simulated %s does not begin: %s", sim, said)
	}
	out := map[string]string{}
	for _, s := range sections(said.String()) {
		for _, line := range s.lines {
			if m := keyOf.FindStringSubmatch(line); m != nil {
				out[m[1]] = s.value(m[1])
			}
		}
	}
	if sim == "lucca" {
		out["webhook_secret"] = `"hook-secret"`
	}
	r.services[sim] = out
	return out
}

// certificate makes one for the listener.
func (r *reader) certificate() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		r.t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "rollcall.example.com"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0),
		DNSNames: []string{"rollcall.example.com"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		r.t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		r.t.Fatal(err)
	}
	for name, b := range map[string]*pem.Block{"fullchain.pem": {Type: "CERTIFICATE", Bytes: der}, "privkey.pem": {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		if err := os.WriteFile(r.path("etc/tls/"+name), pem.EncodeToMemory(b), 0o600); err != nil {
			r.t.Fatal(err)
		}
	}
}

// start starts the appliance with the configuration as it is.
func (r *reader) start() {
	r.t.Helper()
	if r.stop != nil {
		return
	}
	r.log = &diary{}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- appliance.Daemon(ctx, r.path("etc/config.toml"), r.log) }()
	if !r.log.wait("rollcall: ready", done) {
		cancel()
		r.t.Fatalf("the appliance does not start: %v\n%s", <-done, r.log)
	}
	r.stop = func() {
		cancel()
		if err := <-done; err != nil {
			r.t.Errorf("the appliance ended: %v\n%s", err, r.log)
		}
	}
}

func (r *reader) halt() {
	if r.stop != nil {
		r.stop()
		r.stop = nil
	}
}

// diary is what a program writes, for whoever waits for a word of it.
type diary struct {
	mu   sync.Mutex
	text bytes.Buffer
	news chan struct{}
}

func (d *diary) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.news != nil {
		close(d.news)
		d.news = nil
	}
	return d.text.Write(p)
}

func (d *diary) String() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.text.String()
}

// wait returns when the word was written, and false when the program ended before.
func (d *diary) wait(word string, done chan error) bool {
	limit := time.After(time.Minute)
	for {
		d.mu.Lock()
		if strings.Contains(d.text.String(), word) {
			d.mu.Unlock()
			return true
		}
		if d.news == nil {
			d.news = make(chan struct{})
		}
		news := d.news
		d.mu.Unlock()
		select {
		case <-news:
		case err := <-done:
			done <- err
			return false
		case <-limit:
			done <- nil
			return false
		}
	}
}

// ask asks the appliance with a command and decodes its JSON.
func (r *reader) ask(into any, args ...string) {
	r.t.Helper()
	code, out, said := r.type_(append([]string{"--json"}, args...)...)
	if code != cli.ExitDone && code != cli.ExitHuman {
		r.t.Fatalf("rollcall %v: %s", args, said)
	}
	if into != nil {
		if err := json.Unmarshal([]byte(out), into); err != nil {
			r.t.Fatalf("rollcall %v: %v\n%s", args, err, out)
		}
	}
}

// push sends a user as an identity provider does.
func (r *reader) push(user string) {
	r.t.Helper()
	_, address, found := strings.Cut(r.log.String(), "scim=")
	address, _, _ = strings.Cut(address, " ")
	if !found || address == `""` {
		r.t.Fatalf("nobody listens for senders:\n%s", r.log)
	}
	pool := x509.NewCertPool()
	pemText, err := os.ReadFile(r.path("etc/tls/fullchain.pem"))
	if err != nil || !pool.AppendCertsFromPEM(pemText) {
		r.t.Fatal(err)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	defer transport.CloseIdleConnections()
	req, err := http.NewRequest("POST", address+"/scim/v2/Users", strings.NewReader(user))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+r.token)
	req.Header.Set("Content-Type", "application/scim+json")
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusCreated {
		r.t.Fatalf("the sender got %d: %s", resp.StatusCode, body)
	}
}

func (r *reader) deps() cli.Deps {
	return cli.Deps{Version: appliance.BuildVersion(), Guides: guide.Topics(), ConfigExample: "# example\n", AlertRules: "groups: []\n", Dashboard: "{}", TestConfig: appliance.TestConfig,
		Compact: appliance.Compact, SchemaOf: r.schemaOf, Schema: appliance.Schema, InstallRoot: r.path("root"), Machine: r.machine,
		TUI: func(context.Context, string, bool) error { return nil },
		Restore: func(ctx context.Context, path string, o cli.RestoreOptions) (admin.Restored, error) {
			return appliance.Restore(ctx, path, o.File, o.Identities, o.CheckOnly, o.GoOn)
		}}
}

// schemaOf looks into the database of the configuration, whose paths are whole ones.
func (r *reader) schemaOf(path string) (int, error) {
	return appliance.SchemaOf(strings.TrimPrefix(path, r.path("root")))
}

// machine is one without users and services of its own, on which everything works.
type machine struct{ owners map[string][2]string }

func (m *machine) UserExists(string) bool                       { return true }
func (m *machine) GroupExists(string) bool                      { return true }
func (m *machine) Run(context.Context, string, ...string) error { return nil }
func (m *machine) Systemd() bool                                { return false }
func (m *machine) Active(context.Context, string) bool          { return false }

func (m *machine) Owner(path string) (string, string, error) {
	return m.owners[path][0], m.owners[path][1], nil
}

func (m *machine) Chown(path, user, group string) error {
	m.owners[path] = [2]string{user, group}
	return nil
}
