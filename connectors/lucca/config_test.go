package lucca_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"rollcall/connectors"
	"rollcall/connectors/cast"
	"rollcall/connectors/lucca"
	"rollcall/connectors/lucca/luccasim"
)

func TestAccountAndBaseURLNameTheTenant(t *testing.T) {
	for _, tc := range []struct {
		account, base string
		want          string // host that is asked, "" when refused
		scheme        string
	}{
		{account: "acme", want: "acme.ilucca.net", scheme: "https"},
		{account: " ACME ", want: "acme.ilucca.net", scheme: "https"},
		{account: "https://acme.ilucca.net/timmi/absences?x=1", want: "acme.ilucca.net", scheme: "https"},
		{account: "acme.ilucca.ch", want: "acme.ilucca.ch", scheme: "https"},
		{account: "acme.ilucca-test.net", want: "acme.ilucca-test.net", scheme: "https"},
		{account: "https://acme.ilucca-demo.ch/", want: "acme.ilucca-demo.ch", scheme: "https"},
		{account: "acme-tests.sandbox.eu1.luccasoftware.com", want: "acme-tests.sandbox.eu1.luccasoftware.com", scheme: "https"},
		{account: "http://127.0.0.1:8080", want: "127.0.0.1:8080", scheme: "http"},
		{account: "https://acme.ilucca.net.evil.example"},
		{account: "https://ilucca.net"},
		{account: "acme.example"},
		{account: "http://acme.ilucca.net"},
		{account: "acme inc"},
		{account: "-acme"},
		{account: "https://"},
		{},
		{base: "https://hr.acme.example", want: "hr.acme.example", scheme: "https"},
		{base: "https://acme.ilucca.net/api/v3/", want: "acme.ilucca.net", scheme: "https"},
		{base: "http://localhost:9000", want: "localhost:9000", scheme: "http"},
		{base: "http://[::1]:9000", want: "[::1]:9000", scheme: "http"},
		{base: "http://hr.acme.example"},
		{base: "https://user:hunter2@acme.ilucca.net"},
		{base: "ftp://acme.ilucca.net"},
		{base: "https:///nowhere"},
		{account: "acme", base: "https://acme.ilucca.net"},
	} {
		t.Run(tc.account+tc.base, func(t *testing.T) {
			var asked *http.Request
			cfg := lucca.Config{Account: tc.account, APIKey: "some-key", HTTP: &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
				asked = r
				return nil, http.ErrServerClosed
			})}}
			if tc.base != "" {
				u, err := url.Parse(tc.base)
				if err != nil {
					t.Fatal(err)
				}
				cfg.BaseURL = u
			}
			src, err := lucca.New(cfg)
			if tc.want == "" {
				if connectors.ClassOf(err) != connectors.Misconfigured {
					t.Fatalf("New = %v, want a misconfigured error", err)
				}
				if strings.Contains(err.Error(), "hunter2") {
					t.Errorf("the password is in the error: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatalf("New: %v", err)
			}
			readAll(t.Context(), src, "")
			if asked == nil || asked.URL.Host != tc.want || asked.URL.Scheme != tc.scheme || asked.URL.Path != "/api/v3/users" {
				t.Errorf("asked %v, want %s://%s/api/v3/users", asked.URL, tc.scheme, tc.want)
			}
		})
	}
}

type transport func(r *http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestAPastedSchemeInFrontOfTheKeyIsTakenOff(t *testing.T) {
	sim := luccasim.New(cast.Company(3, 1), luccasim.Options{Now: today})
	for _, key := range []string{
		luccasim.DefaultKey, " " + luccasim.DefaultKey + "\n", "lucca application=" + luccasim.DefaultKey, "Lucca  Application = " + luccasim.DefaultKey,
	} {
		people, _, err := readAll(t.Context(), source(t, sim, func(c *lucca.Config) { c.APIKey = key }), "")
		if err != nil || len(people) != 3 {
			t.Errorf("key %q: %d people, %v", key, len(people), err)
		}
	}
}

func TestConfigurationThatCannotWorkIsRefusedBeforeAnyRequest(t *testing.T) {
	for name, change := range map[string]func(*lucca.Config){
		"no key":                  func(c *lucca.Config) { c.APIKey = " " },
		"only the scheme":         func(c *lucca.Config) { c.APIKey = "lucca application=" },
		"a key with a line break": func(c *lucca.Config) { c.APIKey = "one\ntwo-secret" },
		"an unknown generation":   func(c *lucca.Config) { c.API = "v4" },
		"a skip field of another": func(c *lucca.Config) { c.SkipField = "skip" },
		"a field with a bracket":  func(c *lucca.Config) { c.CustomFields = []string{"manager[mail"} },
		"one person per page":     func(c *lucca.Config) { c.PageSize = 1 },
		"too many per page":       func(c *lucca.Config) { c.PageSize = 1001 },
		"too many for the new":    func(c *lucca.Config) { c.API, c.PageSize = lucca.Latest, 101 },
		"no client":               func(c *lucca.Config) { c.API, c.ClientID = lucca.Latest, "" },
		"a token over plain http": func(c *lucca.Config) { c.API, c.TokenURL = lucca.Latest, "http://accounts.example/token" },
		"a token from nowhere":    func(c *lucca.Config) { c.API, c.TokenURL = lucca.Latest, "connect/token" },
	} {
		t.Run(name, func(t *testing.T) {
			cfg := lucca.Config{Account: "acme", APIKey: "k", ClientID: "i", ClientSecret: "s"}
			change(&cfg)
			_, err := lucca.New(cfg)
			if connectors.ClassOf(err) != connectors.Misconfigured {
				t.Errorf("New = %v, want a misconfigured error", err)
			}
			if err != nil && strings.Contains(err.Error(), "two-secret") {
				t.Errorf("the key is in the error: %v", err)
			}
		})
	}
}
