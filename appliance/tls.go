package appliance

import (
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"os"
	"sync"
	"time"
)

// cipherSuites are those of TLS 1.2 with forward secrecy and authenticated
// encryption (RFC 7525 §4.2); those of TLS 1.3 are all of that kind.
var cipherSuites = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
}

// certificate serves a key pair from files and reads them again when they
// change, so that renewing a certificate needs no restart. A pair that cannot be
// read leaves the one before in use.
type certificate struct {
	certFile, keyFile string
	now               func() time.Time

	mu       sync.Mutex // guards what follows
	current  *tls.Certificate
	contents [2][32]byte // of the files, as they were loaded
	looked   time.Time
	failure  error
}

// certificateLook is how often the files are looked at.
const certificateLook = 10 * time.Second

func loadCertificate(certFile, keyFile string, now func() time.Time) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, now: now}
	if err := c.load(); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *certificate) load() error {
	contents := c.read()
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("[scim] tls_cert and tls_key: %w; both must be PEM files that rollcall may read and that belong together", err)
	}
	c.current, c.contents = &pair, contents
	return nil
}

// read digests the two files. Their times would not do: a renewal may keep them,
// and a link that is moved to another file shows another file's.
func (c *certificate) read() (sums [2][32]byte) {
	for i, name := range []string{c.certFile, c.keyFile} {
		if raw, err := os.ReadFile(name); err == nil {
			sums[i] = sha256.Sum256(raw)
		}
	}
	return sums
}

// get implements the callback of [tls.Config].
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refresh()
	return c.current, nil
}

// refresh looks at the files when that was not done for a while.
func (c *certificate) refresh() {
	now := c.now()
	if passed := now.Sub(c.looked); passed >= 0 && passed < certificateLook {
		return
	}
	c.looked, c.failure = now, nil
	if c.read() != c.contents {
		c.failure = c.load()
	}
}

// expires returns when the certificate in use ends, and why a newer one could
// not be read.
func (c *certificate) expires() (time.Time, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refresh()
	if c.current == nil || c.current.Leaf == nil {
		return time.Time{}, c.failure
	}
	return c.current.Leaf.NotAfter, c.failure
}

func (c *certificate) config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, CipherSuites: cipherSuites, GetCertificate: c.get}
}
