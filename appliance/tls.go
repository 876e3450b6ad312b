package appliance

import (
	"crypto/tls"
	"fmt"
	"os"
	"sync"
	"time"
)

// certificate serves a key pair from files and reads them again when they
// change, so that renewing a certificate needs no restart. A pair that cannot be
// read leaves the one before in use.
type certificate struct {
	certFile, keyFile string

	mu       sync.Mutex // guards what follows
	current  *tls.Certificate
	modified [2]time.Time
	looked   time.Time
	failure  error
}

// certificateLook is how often the files are looked at.
const certificateLook = 10 * time.Second

func loadCertificate(certFile, keyFile string) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile}
	if err := c.load(); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *certificate) load() error {
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("[scim] tls_cert and tls_key: %w; both must be PEM files that rollcall may read and that belong together", err)
	}
	c.current, c.modified = &pair, c.times()
	return nil
}

func (c *certificate) times() (t [2]time.Time) {
	for i, name := range []string{c.certFile, c.keyFile} {
		if info, err := os.Stat(name); err == nil {
			t[i] = info.ModTime()
		}
	}
	return t
}

// get implements the callback of [tls.Config].
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.looked) >= certificateLook {
		c.looked = time.Now()
		if c.times() != c.modified {
			c.failure = c.load()
		}
	}
	return c.current, nil
}

// expires returns when the certificate in use ends, and why a newer one could
// not be read.
func (c *certificate) expires() (time.Time, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current == nil || c.current.Leaf == nil {
		return time.Time{}, c.failure
	}
	return c.current.Leaf.NotAfter, c.failure
}

func (c *certificate) config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.get}
}
