package adp

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"time"

	"rollcall/connectors"
)

// certificateNotice is how long before its end a certificate is announced.
// Getting a new one takes a request in ADP's portal and a signature there; they
// last for about a year (unverified).
const certificateNotice = 30 * 24 * time.Hour

// renewal is what to do about a certificate that ends.
const renewal = "Request a new certificate for the project in ADP's portal, and put it in the place of client_cert and client_key"

// certificate is the client certificate: of two files, or a fixed one.
type certificate struct {
	certPath, keyPath string
	fixed             *tls.Certificate
}

// load reads the certificate as it is now.
func (c certificate) load() (*tls.Certificate, error) {
	if c.fixed != nil {
		return c.fixed, nil
	}
	pair, err := tls.LoadX509KeyPair(c.certPath, c.keyPath)
	if err != nil {
		return nil, &connectors.Error{
			Class: connectors.Misconfigured, Op: "adp: read client_cert and client_key", Err: err,
			Next: "Both must be PEM files of one pair that the service may read",
		}
	}
	return &pair, nil
}

// ending is when the certificate ends, nothing when there is none to look at.
func (c certificate) ending() []connectors.Ending {
	if c.fixed == nil && c.certPath == "" {
		return nil
	}
	pair, err := c.load()
	if err != nil {
		return nil // every read says so
	}
	leaf := pair.Leaf
	if leaf == nil && len(pair.Certificate) > 0 {
		if leaf, err = x509.ParseCertificate(pair.Certificate[0]); err != nil {
			return nil
		}
	}
	if leaf == nil {
		return nil
	}
	return []connectors.Ending{{What: "the client certificate", Key: "client_cert", At: leaf.NotAfter, Next: renewal}}
}

// judge returns what an operator should know about the certificate's end: a
// notice before it, an error after it. Without a certificate there is neither.
func (c certificate) judge(now time.Time) (notice string, err error) {
	if c.fixed == nil && c.certPath == "" {
		return "", nil
	}
	pair, err := c.load()
	if err != nil {
		return "", err
	}
	leaf := pair.Leaf
	if leaf == nil && len(pair.Certificate) > 0 {
		if leaf, err = x509.ParseCertificate(pair.Certificate[0]); err != nil {
			return "", &connectors.Error{Class: connectors.Misconfigured, Op: "adp: read client_cert", Err: err}
		}
	}
	if leaf == nil {
		return "", misconfigured("the client certificate is empty", renewal)
	}
	end := leaf.NotAfter.UTC().Format(time.DateOnly)
	switch left := leaf.NotAfter.Sub(now); {
	case left <= 0:
		return "", &connectors.Error{
			Class: connectors.Denied, Op: "adp: present the client certificate", Detail: "it ended on " + end, Next: renewal,
		}
	case now.Before(leaf.NotBefore):
		return "", &connectors.Error{
			Class: connectors.Denied, Op: "adp: present the client certificate",
			Detail: "it begins on " + leaf.NotBefore.UTC().Format(time.DateOnly), Next: "Check the clock of this machine",
		}
	case left <= certificateNotice:
		days := int(left / (24 * time.Hour))
		return fmt.Sprintf("the ADP client certificate ends on %s, in %s. %s", end, plural(days, "day"), renewal), nil
	}
	return "", nil
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
