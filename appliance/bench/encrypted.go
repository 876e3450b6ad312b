package bench

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// encryptedUsers is how many users are created over TLS, beside those that are
// there.
const encryptedUsers = 5000

// encrypted starts the appliance once more, with a certificate of its own making,
// and times the sender's requests over TLS.
func (w *world) encrypted(ctx context.Context) error {
	if w.sender == nil {
		return nil
	}
	w.say("SCIM over TLS")
	roots, err := w.certify()
	if err != nil {
		return err
	}
	_, err = w.d.end()
	w.d = nil
	if err != nil {
		return err
	}
	if w.d, err = start(ctx, w.o.Binary, w.config(), w.socket()); err != nil {
		return err
	}
	s := &sender{base: w.d.scim + "/scim/v2", tokens: w.sender.tokens, http: &http.Client{Transport: &http.Transport{
		MaxIdleConnsPerHost: connections, TLSClientConfig: &tls.Config{RootCAs: roots}}}}
	if !strings.HasPrefix(s.base, "https:") {
		return fmt.Errorf("the SCIM service is at %s, which is not encrypted", s.base)
	}
	logins := make([]string, min(encryptedUsers, w.r.People))
	for i := range logins {
		logins[i] = fmt.Sprintf("tls%05d@halcyon-atelier.example", i)
	}
	took, err := timed(func() error { return s.load(logins) })
	if err != nil {
		return err
	}
	w.r.TLSCreates = float64(len(logins)) / took
	if err := w.d.Wait(ctx, nil); err != nil {
		return err
	}
	w.r.TLSRead, w.r.TLSWrite, err = s.single(logins)
	return err
}

// certify makes a certificate for this machine and puts it into the configuration.
func (w *world) certify() (*x509.CertPool, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "rollcall bench"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(48 * time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	cert, private := filepath.Join(w.dir, "cert.pem"), filepath.Join(w.dir, "key.pem")
	config, err := os.ReadFile(w.config())
	if err != nil {
		return nil, err
	}
	text := strings.Replace(string(config), "[scim]\n", fmt.Sprintf("[scim]\ntls_cert = %q\ntls_key = %q\n", cert, private), 1)
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(certificate)
	return roots, errors.Join(os.WriteFile(cert, certificate, 0o600), os.WriteFile(private, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600),
		os.WriteFile(w.config(), []byte(text), 0o600))
}
