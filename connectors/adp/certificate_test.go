package adp_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rollcall/connectors"
	"rollcall/connectors/adp"
	"rollcall/connectors/adp/adpsim"
	"rollcall/connectors/cast"
)

// lab is a simulated ADP over TLS, and files to connect to it.
type lab struct {
	authority *adpsim.Authority
	sim       *adpsim.Sim
	config    adp.Config
	dir       string
}

// newLab starts one. Certificates follow the real clock, as the handshake does.
func newLab(t *testing.T, strict bool) *lab {
	t.Helper()
	authority, err := adpsim.NewAuthority(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	settings, err := authority.Server(strict)
	if err != nil {
		t.Fatal(err)
	}
	// TLS 1.3 tells a client of a bad certificate after the handshake, when the
	// request is on its way and its error depends on the moment.
	settings.MaxVersion = settings.MinVersion
	l := &lab{authority: authority, sim: adpsim.New(cast.Company(12, 3), adpsim.Options{}), dir: t.TempDir()}
	server := httptest.NewUnstartedServer(l.sim)
	server.TLS = settings
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // refused handshakes are expected
	server.StartTLS()
	t.Cleanup(server.Close)
	base := mustParse(server.URL)
	l.config = adp.Config{
		BaseURL: base, TokenURL: base.JoinPath(adpsim.TokenPath), ClientID: adpsim.DefaultClientID, ClientSecret: adpsim.DefaultClientSecret,
		ClientCert: filepath.Join(l.dir, "adp.pem"), ClientKey: filepath.Join(l.dir, "adp.key"), CACert: filepath.Join(l.dir, "ca.pem"),
	}
	l.write(t, "ca.pem", authority.PEM())
	l.issue(t, authority, time.Now().AddDate(0, 6, 0))
	return l
}

func (l *lab) write(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(l.dir, name), content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// issue puts a certificate of an authority into the configured files.
func (l *lab) issue(t *testing.T, by *adpsim.Authority, end time.Time) {
	t.Helper()
	pair, err := by.Client("fixture project", time.Now().AddDate(-2, 0, 0), end)
	if err != nil {
		t.Fatal(err)
	}
	l.write(t, "adp.pem", pair.Certificate)
	l.write(t, "adp.key", pair.Key)
}

func (l *lab) source(t *testing.T) *adp.Source {
	t.Helper()
	src, err := adp.New(l.config)
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func TestReadPresentsTheClientCertificate(t *testing.T) {
	for _, strict := range []bool{false, true} {
		if people := mustRead(t, newLab(t, strict).source(t)); len(people) != 12 {
			t.Errorf("%d people, want 12", len(people))
		}
	}
}

func TestWithoutACertificateTheGatewaySaysSo(t *testing.T) {
	l := newLab(t, false)
	l.config.HTTP = uncertified(t, l)
	_, _, err := readAll(t.Context(), l.source(t), "")
	if connectors.ClassOf(err) != connectors.Denied || !strings.Contains(err.Error(), "no proper client certificate") {
		t.Errorf("got %v", err)
	}
	if n := l.sim.Requests()["POST "+adpsim.TokenPath]; n != 1 {
		t.Errorf("%d requests for a token, want 1", n)
	}
}

func TestACertificateOfAnotherAuthorityIsDeniedAndNotTransient(t *testing.T) {
	l := newLab(t, true)
	stranger, err := adpsim.NewAuthority(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	l.issue(t, stranger, time.Now().AddDate(1, 0, 0))
	_, _, err = readAll(t.Context(), l.source(t), "")
	if connectors.ClassOf(err) != connectors.Denied || !strings.Contains(err.Error(), "client_cert") {
		t.Errorf("got class %v: %v", connectors.ClassOf(err), err)
	}
}

func TestTheServersCertificateIsVerified(t *testing.T) {
	l := newLab(t, false)
	l.config.CACert = "" // the system's authorities do not know the simulator's
	_, _, err := readAll(t.Context(), l.source(t), "")
	if err == nil || !strings.Contains(err.Error(), "unknown authority") {
		t.Errorf("got %v", err)
	}
	if n := len(l.sim.Requests()); n > 0 {
		t.Errorf("%d requests reached a server that was not verified", n)
	}
}

func TestARenewedCertificateNeedsNoRestart(t *testing.T) {
	l := newLab(t, true)
	l.issue(t, l.authority, time.Now().Add(-time.Hour))
	src := l.source(t)
	if _, _, err := readAll(t.Context(), src, ""); connectors.ClassOf(err) != connectors.Denied || !strings.Contains(err.Error(), "it ended on") {
		t.Fatalf("with a certificate that has ended: %v", err)
	}
	if n := len(l.sim.Requests()); n > 0 {
		t.Errorf("%d requests were sent with a certificate that has ended", n)
	}
	l.issue(t, l.authority, time.Now().AddDate(1, 0, 0))
	if people := mustRead(t, src); len(people) != 12 {
		t.Errorf("after the renewal: %d people", len(people))
	}
}

func TestTheEndOfACertificateIsAnnouncedThirtyDaysAhead(t *testing.T) {
	for _, tc := range []struct {
		name   string
		left   time.Duration
		notice string
	}{
		{"31 days", 31 * 24 * time.Hour, ""},
		{"29 days", 29*24*time.Hour + time.Hour, "in 29 days"},
		{"tomorrow", 25 * time.Hour, "in 1 day."},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := newLab(t, false)
			end := time.Now().AddDate(0, 6, 0).Truncate(time.Second)
			l.issue(t, l.authority, end)
			l.config.Now = func() time.Time { return end.Add(-tc.left) }
			src := l.source(t)
			_, pages, err := readAll(t.Context(), src, "")
			if err != nil {
				t.Fatal(err)
			}
			if ends := src.Endings(); len(ends) != 1 || !ends[0].At.Equal(end) || ends[0].Next == "" {
				t.Errorf("endings: %+v, want one on %v", ends, end)
			}
			report, err := src.Check(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var told []string
			for _, p := range pages {
				told = append(told, p.Notices...)
			}
			for what, notices := range map[string][]string{"Read": told, "Check": report.Notices} {
				if tc.notice == "" && len(notices) > 0 || tc.notice != "" && (len(notices) != 1 || !strings.Contains(notices[0], tc.notice)) {
					t.Errorf("%s tells %q, want one with %q", what, notices, tc.notice)
				}
			}
		})
	}
}

// uncertified is a client that trusts the laboratory's authority and presents nothing.
func uncertified(t *testing.T, l *lab) *http.Client {
	t.Helper()
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(l.authority.PEM())
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}
