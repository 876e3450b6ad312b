package appliance_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rollcall/scimsrv/scimtest"
)

// tenant starts an appliance with one SCIM source and returns a client with a
// token of its own.
func tenant(t *testing.T, table string) (*world, scimtest.Client) {
	t.Helper()
	w := newWorld(t, 1, "[sources.idp]\n"+table)
	w.start()
	token, err := w.app.CreateToken(w.ctx(), "test", "idp", "", 0)
	if err != nil {
		t.Fatal(err)
	}
	return w, scimtest.Client{BaseURL: token.URL, Token: token.Token, HTTP: http.DefaultClient}
}

func TestTheApplianceAnswersOktaAsRecorded(t *testing.T) {
	scimtest.Replay(t, scimtest.Recorded("okta"), func(t *testing.T) scimtest.Client {
		_, c := tenant(t, `kind = "okta"`)
		return c
	})
}

func TestTheApplianceAnswersEntraAsRecorded(t *testing.T) {
	scimtest.Replay(t, scimtest.Recorded("entra"), func(t *testing.T) scimtest.Client {
		_, c := tenant(t, `kind = "azure"`)
		return c
	})
}

func TestTheApplianceKeepsTheRFCs(t *testing.T) {
	scimtest.RunRequirements(t, func(t *testing.T) scimtest.Client {
		_, c := tenant(t, `kind = "scim"`)
		return c
	}, nil)
}

func post(t *testing.T, c scimtest.Client, path, body string) (*http.Response, string) {
	t.Helper()
	return send(t, c, http.MethodPost, path, body)
}

func send(t *testing.T, c scimtest.Client, method, path, body string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest(method, c.BaseURL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+c.Token)
	req.Header.Set("Content-Type", "application/scim+json")
	resp, err := c.HTTP.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var b strings.Builder
	if _, err := fmt.Fprint(&b, resp.Header.Get("Location")); err != nil {
		t.Fatal(err)
	}
	return resp, b.String()
}

func user(name, given, family string) string {
	return fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":%q,"name":{"givenName":%q,"familyName":%q},
"emails":[{"value":%q,"type":"work","primary":true}],"active":true}`, name, given, family, name)
}

func TestAPushedPersonReachesTheTargetAndLeavesIt(t *testing.T) {
	w, c := tenant(t, `kind = "okta"`)
	resp, location := post(t, c, "/Users", user("ada@halcyon-atelier.example", "Ada", "Adeyemi"))
	if resp.StatusCode != http.StatusCreated {
		t.Fatalf("create: %s", resp.Status)
	}
	w.wait()
	if n := w.javelo.Writes(); n != 0 {
		t.Fatalf("a source in preview caused %d writes", n)
	}
	w.activate("idp")
	if a, ok := w.javelo.Account("ada@halcyon-atelier.example"); !ok || !a.Active {
		t.Fatal("the person did not arrive after the activation")
	}
	path := location[strings.LastIndex(location, "/Users"):]
	resp, _ = send(t, c, http.MethodPatch, path, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","value":{"active":false}}]}`)
	if resp.StatusCode/100 != 2 {
		t.Fatalf("deactivate: %s", resp.Status)
	}
	w.wait()
	if a, _ := w.javelo.Account("ada@halcyon-atelier.example"); a.Active {
		t.Error("the person is still active after the sender deactivated them")
	}
	resp, _ = send(t, c, http.MethodPatch, path, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","value":{"active":true}}]}`)
	if resp.StatusCode/100 != 2 {
		t.Fatalf("reactivate: %s", resp.Status)
	}
	w.wait()
	if a, _ := w.javelo.Account("ada@halcyon-atelier.example"); !a.Active || w.javelo.Creates("ada@halcyon-atelier.example") != 1 {
		t.Error("the person was not reactivated on the same account")
	}
}

func TestASenderThatDeactivatesEverybodyIsHeldAfterAFew(t *testing.T) {
	w, c := tenant(t, `kind = "okta"`)
	const n = 40
	paths := make([]string, n)
	for i := range n {
		_, location := post(t, c, "/Users", user(fmt.Sprintf("p%d@halcyon-atelier.example", i), fmt.Sprintf("Given%d", i), "Person"))
		paths[i] = location[strings.LastIndex(location, "/Users"):]
	}
	w.activate("idp")
	if got := activeAccounts(w.javelo); got != n {
		t.Fatalf("%d accounts, want %d", got, n)
	}
	for _, path := range paths {
		resp, _ := send(t, c, http.MethodPatch, path, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","value":{"active":false}}]}`)
		if resp.StatusCode/100 != 2 {
			t.Fatalf("the sender's answer depends on our guard: %s", resp.Status)
		}
	}
	w.wait()
	if got := activeAccounts(w.javelo); got < n-5 {
		t.Fatalf("%d of %d accounts are left active, although at most a few may go without a human", got, n)
	}
	status, err := w.app.Status(w.ctx())
	if err != nil {
		t.Fatal(err)
	}
	if len(status.Needs) == 0 || status.Needs[0].Kind != "hold" {
		t.Fatalf("nobody is asked: %+v", status.Needs)
	}
	runs, err := w.app.Runs(w.ctx(), admin0())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.app.Approve(w.ctx(), "test", runs[0].Seq, ""); err != nil {
		t.Fatal(err)
	}
	w.wait()
	if got := activeAccounts(w.javelo); got != 0 {
		t.Errorf("after the approval %d accounts are still active", got)
	}
}

func TestTheSCIMServiceSpeaksTLS(t *testing.T) {
	w := newWorld(t, 1, "[sources.idp]\nkind = \"okta\"\n")
	cert, key, pool := selfSigned(t, w.dir)
	w.text = strings.Replace(w.text, "[scim]\n", fmt.Sprintf("[scim]\ntls_cert = %q\ntls_key = %q\npublic_url = \"https://127.0.0.1\"\n", cert, key), 1)
	w.start()
	token, err := w.app.CreateToken(w.ctx(), "test", "idp", "", 0)
	if err != nil {
		t.Fatal(err)
	}
	c := scimtest.Client{BaseURL: token.URL, Token: token.Token, HTTP: &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}}
	if resp, _ := post(t, c, "/Users", user("tls@halcyon-atelier.example", "T", "L")); resp.StatusCode != http.StatusCreated {
		t.Errorf("create over TLS: %s", resp.Status)
	}
	old := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MaxVersion: tls.VersionTLS11}}}
	if resp, err := old.Get(token.URL + "/Users"); err == nil {
		resp.Body.Close()
		t.Error("TLS 1.1 was accepted")
	}
}

// selfSigned writes a key pair for 127.0.0.1.
func selfSigned(t testing.TB, dir string) (certFile, keyFile string, pool *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "rollcall test"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	for name, data := range map[string][]byte{certFile: certPEM, keyFile: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})} {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool = x509.NewCertPool()
	pool.AppendCertsFromPEM(certPEM)
	return certFile, keyFile, pool
}
