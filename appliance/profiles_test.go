package appliance_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// What goes on inside the process is for whoever may administer it: profiles hold
// paths, names of functions and what is in memory.
func TestProfilesAreOnTheAdminSocketOnly(t *testing.T) {
	d := serveSources(t, "idp", "okta")
	over := func(socket string) *http.Client {
		return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(d.dir, socket))
		}}}
	}
	ask := func(c *http.Client, url, token string) (int, string) {
		t.Helper()
		req, err := http.NewRequest(http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
		resp, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		raw, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(raw)
	}
	s := d.sender("idp")
	scim := strings.TrimSuffix(s.base, "/scim/v2")
	plain := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for _, profile := range []string{"/debug/pprof/", "/debug/pprof/goroutine?debug=1", "/debug/pprof/heap?debug=1", "/debug/pprof/cmdline"} {
		if status, text := ask(over("a.sock"), "http://admin"+profile, ""); status != http.StatusOK || text == "" {
			t.Errorf("%s on the admin socket: %d", profile, status)
		}
		for where, at := range map[string]struct {
			c     *http.Client
			base  string
			token string
		}{
			"view socket":  {over("v.sock"), "http://view", ""},
			"metrics":      {plain, strings.TrimSuffix(d.at.Metrics, "/metrics"), ""},
			"SCIM":         {plain, scim, s.token},
			"SCIM's base":  {plain, s.base, s.token},
			"SCIM, nobody": {plain, scim, ""},
		} {
			if status, text := ask(at.c, at.base+profile, at.token); status < 400 || strings.Contains(text, "goroutine") {
				t.Errorf("%s on %s: %d %.100s", profile, where, status, text)
			}
		}
	}
}
