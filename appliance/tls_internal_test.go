package appliance

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// writePair writes a self-signed certificate for a name and its key.
func writePair(t *testing.T, certFile, keyFile, name string, ends time.Time) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: ends.AddDate(-1, 0, 0), NotAfter: ends, DNSNames: []string{name}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: raw}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// shake makes a handshake and returns the name in the certificate that was shown.
func shake(c *certificate, client *tls.Config) (string, error) {
	client.InsecureSkipVerify = true // who signed it is not what this is about
	here, there := net.Pipe()
	defer here.Close()
	defer there.Close()
	go func() { _ = tls.Server(there, c.config()).Handshake() }()
	conn := tls.Client(here, client)
	if err := conn.Handshake(); err != nil {
		return "", err
	}
	return conn.ConnectionState().PeerCertificates[0].Subject.CommonName, nil
}

func TestRenewedCertificateIsServedWithoutARestart(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	now := time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)
	writePair(t, certFile, keyFile, "first", now.AddDate(0, 0, 20))
	c, err := loadCertificate(certFile, keyFile, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	want := func(name string, healthy bool) {
		t.Helper()
		now = now.Add(certificateLook)
		if got, err := shake(c, &tls.Config{}); got != name || err != nil {
			t.Errorf("served is %q, %v; want %q", got, err, name)
		}
		if _, err := c.expires(); (err == nil) != healthy {
			t.Errorf("the failure is %v", err)
		}
	}
	want("first", true)
	if err := os.WriteFile(certFile, []byte("half a renewal"), 0o600); err != nil {
		t.Fatal(err)
	}
	want("first", false)
	writePair(t, certFile, keyFile, "second", now.AddDate(0, 3, 0))
	// A renewal may keep the times of the files.
	for _, f := range []string{certFile, keyFile} {
		if err := os.Chtimes(f, now, now); err != nil {
			t.Fatal(err)
		}
	}
	want("second", true)
	if ends, err := c.expires(); err != nil || ends.Before(now.AddDate(0, 2, 0)) {
		t.Errorf("it ends %s, %v", ends, err)
	}
}

func TestOldProtocolsAndCiphersAreRefused(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writePair(t, certFile, keyFile, "x", time.Now().AddDate(1, 0, 0))
	c, err := loadCertificate(certFile, keyFile, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	for name, client := range map[string]*tls.Config{
		"TLS 1.1":        {MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11},
		"CBC with SHA-1": {MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA}},
	} {
		if _, err := shake(c, client); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		if _, err := shake(c, &tls.Config{MinVersion: version, MaxVersion: version}); err != nil {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
	}
}
