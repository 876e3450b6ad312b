// Package adp reads a company's workers from ADP Workforce Now, over mutual TLS.
//
// ADP lists workers in pages of up to a hundred and says neither how many there
// are nor which page is the last: the list ends with 204 No Content. A short page
// proves nothing. What is empty for somebody is left out of the answer, and what
// the project is not entitled to see is masked ("XXXX-XX-XX"); both are absent,
// never null.
//
// The package writes nothing to ADP, takes no event notifications (polling alone
// is enough), and does not know the French products (Decidium, GlobalView), which
// have other interfaces. Whether the Next Gen HCM generation differs beyond its
// code lists is not known (unverified).
//
// Invariants:
//   - a read is complete only when ADP answered with its end, and nobody was
//     listed twice: some deployments are known to ignore $skip;
//   - an address of person.communication, which is private, is never an email;
//   - the document holds no pay, no government id and no private address, unless
//     a configured expression names them.
//
// The document of a worker is the worker as received, without what is masked and
// without those sections, and with two members added for expressions: assignment
// is the one of workAssignments that counts, customFields holds the values of
// every customFieldGroup by the code of the field.
package adp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"rollcall/connectors"
	"rollcall/connectors/wire"
)

// The addresses of ADP's production.
const (
	DefaultBaseURL  = "https://api.adp.com"
	DefaultTokenURL = "https://accounts.adp.com/auth/oauth/v2/token"
)

const (
	// largestPage is the most that ADP answers at once.
	largestPage = 100
	// requestsPerMinute leaves a fifth of the hundred that users report (ADP's
	// limit is part of the contract; unverified) to the company's other
	// integrations.
	requestsPerMinute = 80
)

// Config says which organisation is read, and with which credentials.
type Config struct {
	// BaseURL and TokenURL are the addresses of the API and of the token service,
	// nil: ADP's own. Plain http is taken for loopback addresses only.
	BaseURL, TokenURL *url.URL
	// ClientID and ClientSecret are those of the project.
	ClientID, ClientSecret string
	// ClientCert and ClientKey are paths of PEM files with the certificate that
	// ADP signed for the project, chain included, and its private key. They are
	// read again for each connection, so that a renewed certificate needs no
	// restart. Certificate takes their place when it is set.
	ClientCert, ClientKey string
	Certificate           *tls.Certificate
	// CACert is the path of a PEM file with the authorities to trust instead of
	// the system's; empty: the system's.
	CACert string
	// CustomFields are the paths that configured expressions read
	// ("customFields.badge"). Check reports those that nobody has.
	CustomFields []string
	// PageSize is how many workers are asked for at once, 0: 100, the most.
	PageSize int
	// HTTP sends the requests in place of a client made from the certificates,
	// which are then not needed.
	HTTP *http.Client
	Now  func() time.Time // nil: time.Now
}

// Source reads one organisation. It implements [connectors.Source] and
// [connectors.Checker].
type Source struct {
	cfg         Config
	client      *wire.Client
	tokens      *tokens
	certificate certificate
}

var (
	_ connectors.Source   = (*Source)(nil)
	_ connectors.Checker  = (*Source)(nil)
	_ connectors.Foreseer = (*Source)(nil)
)

// Endings implements [connectors.Foreseer]: the end of the client certificate.
func (s *Source) Endings() []connectors.Ending { return s.certificate.ending() }

// New checks the configuration and reads the certificates. It sends nothing.
// Every error is of class Misconfigured. A certificate that has ended is not an
// error here but of each read, so that one source does not stop the others.
func New(cfg Config) (*Source, error) {
	var err error
	if cfg.BaseURL, err = address("base_url", cfg.BaseURL, DefaultBaseURL); err != nil {
		return nil, err
	}
	if cfg.TokenURL, err = address("token_url", cfg.TokenURL, DefaultTokenURL); err != nil {
		return nil, err
	}
	cfg.ClientID, cfg.ClientSecret = strings.TrimSpace(cfg.ClientID), strings.TrimSpace(cfg.ClientSecret)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	switch {
	case cfg.ClientID == "" || cfg.ClientSecret == "":
		return nil, misconfigured("client_id or client_secret is empty", "Both are on the page of the project in ADP's portal")
	case cfg.PageSize < 0 || cfg.PageSize > largestPage:
		return nil, misconfigured(fmt.Sprintf("page size %d is not between 1 and %d", cfg.PageSize, largestPage), "")
	case cfg.PageSize == 0:
		cfg.PageSize = largestPage
	}
	s := &Source{cfg: cfg, certificate: certificate{certPath: cfg.ClientCert, keyPath: cfg.ClientKey, fixed: cfg.Certificate}}
	if cfg.HTTP == nil {
		if s.cfg.HTTP, err = s.mutualTLS(); err != nil {
			return nil, err
		}
	}
	s.tokens = &tokens{
		id: cfg.ClientID, secret: cfg.ClientSecret, now: cfg.Now,
		client: &wire.Client{Name: "adp", Base: cfg.TokenURL, HTTP: s.cfg.HTTP, Now: cfg.Now, MaxBody: 1 << 20, Describe: describeToken},
	}
	s.client = &wire.Client{
		Name: "adp", Base: cfg.BaseURL, HTTP: s.cfg.HTTP, Now: cfg.Now, Describe: describe, MaxBody: 16 << 20,
		Limiter: wire.NewLimiter(requestsPerMinute, time.Minute),
		// Without the parameter birth dates come masked even where the project is
		// entitled to them.
		Header: http.Header{"Accept": {"application/json;masked=false"}},
		Authorize: func(ctx context.Context, r *http.Request) error {
			bearer, err := s.tokens.bearer(ctx)
			if err != nil {
				return err
			}
			r.Header.Set("Authorization", "Bearer "+bearer)
			return nil
		},
	}
	return s, nil
}

// mutualTLS makes the client that presents the certificate.
func (s *Source) mutualTLS() (*http.Client, error) {
	if s.certificate.fixed == nil && (s.certificate.certPath == "" || s.certificate.keyPath == "") {
		return nil, misconfigured("client_cert or client_key is empty", "ADP answers only to the certificate it signed for the project; download it from ADP's portal")
	}
	if _, err := s.certificate.load(); err != nil {
		return nil, err
	}
	settings := &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return s.certificate.load()
		},
	}
	if s.cfg.CACert != "" {
		pem, err := os.ReadFile(s.cfg.CACert)
		if err != nil {
			return nil, &connectors.Error{Class: connectors.Misconfigured, Op: "adp: read ca_cert", Err: err}
		}
		settings.RootCAs = x509.NewCertPool()
		if !settings.RootCAs.AppendCertsFromPEM(pem) {
			return nil, misconfigured("ca_cert holds no certificate in PEM form", "")
		}
	}
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: settings, ForceAttemptHTTP2: true,
		TLSHandshakeTimeout: 15 * time.Second, IdleConnTimeout: time.Minute, MaxIdleConns: 4,
	}
	return &http.Client{Transport: transport}, nil
}

// address returns a usable address, or says why it is none.
func address(key string, u *url.URL, fallback string) (*url.URL, error) {
	if u == nil || *u == (url.URL{}) {
		return url.Parse(fallback)
	}
	switch {
	case u.Hostname() == "":
		return nil, misconfigured(key+" has no host", "Write it whole, with https:// in front")
	case u.User != nil:
		return nil, misconfigured(key+" carries a user name or password", "Credentials have keys of their own")
	case u.Scheme == "https", u.Scheme == "http" && loopback(u.Hostname()):
		return u, nil
	}
	return nil, misconfigured(key+" is not an https address", "Use https; plain http is allowed on loopback only")
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func misconfigured(detail, next string) error {
	return &connectors.Error{Class: connectors.Misconfigured, Op: "adp: configure", Detail: detail, Next: next}
}
