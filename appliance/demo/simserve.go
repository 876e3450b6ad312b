package demo

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/crypto/ssh"

	"rollcall/connectors/adp/adpsim"
	"rollcall/connectors/cast"
	"rollcall/connectors/elevo/elevosim"
	"rollcall/connectors/scim/scimsim"
	"rollcall/connectors/scim/scimtargetsim"
)

// hiding begins a fault that is no fault of the wire: a permission that the
// credentials lack, "hide-personal".
const hiding = "hide-"

// hidden takes the permissions to hide out of the faults, each of which must be one
// of allowed.
func (o *SimOptions) hidden(allowed ...string) (names []string, err error) {
	var rest []string
	for _, f := range o.Faults {
		name, ok := strings.CutPrefix(f, hiding)
		switch {
		case !ok:
			rest = append(rest, f)
		case !slices.Contains(allowed, name):
			return nil, fmt.Errorf("there is nothing to hide that is called %q here: choose one of %s", name, strings.Join(allowed, ", "))
		default:
			names = append(names, name)
		}
	}
	o.Faults = rest
	return names, nil
}

// tell says what is on the dial; what is hidden is told with the rest.
func (n *narrator) tell(names []string) {
	for _, name := range names {
		n.comment("The credentials cannot read: %s.", name)
	}
}

func simADP(ctx context.Context, o SimOptions, n *narrator) error {
	faults, err := dial(o.Faults, map[string]adpsim.FaultKind{
		"status": adpsim.Status, "html": adpsim.HTML, "hang": adpsim.Hang, "truncated": adpsim.Truncated})
	if err != nil {
		return err
	}
	authority, err := adpsim.NewAuthority(time.Now())
	if err != nil {
		return err
	}
	settings, err := authority.Server(false)
	if err != nil {
		return err
	}
	pair, err := authority.Client("simulated project", time.Now().Add(-time.Hour), time.Now().AddDate(0, 0, 90))
	if err != nil {
		return err
	}
	dir, err := keyring(map[string][]byte{"adp.pem": pair.Certificate, "adp.key": pair.Key, "ca.pem": authority.PEM()})
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	sim := adpsim.New(cast.Company(o.People, o.Seed), adpsim.Options{})
	for _, f := range faults {
		sim.Inject(adpsim.Fault{Kind: f.kind, Status: http.StatusServiceUnavailable, Path: adpsim.WorkersPath, Times: max(0, f.times)})
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	return answerTLS(ctx, n, o, sim, settings, "ADP with "+people(o.People), fmt.Sprintf(`[sources.adp]
kind          = "adp"
base_url      = "%%s"
token_url     = "%%[1]s%s"
client_id     = %q
client_secret = %q
client_cert   = %q
client_key    = %q
ca_cert       = %q
match_on      = ["employee_number", "email"]`, adpsim.TokenPath, adpsim.DefaultClientID, adpsim.DefaultClientSecret, at("adp.pem"), at("adp.key"), at("ca.pem")))
}

func simSCIMPull(ctx context.Context, o SimOptions, n *narrator) error {
	faults, err := dial(o.Faults, map[string]scimsim.FaultKind{
		"status": scimsim.Status, "html": scimsim.HTML, "hang": scimsim.Hang, "truncated": scimsim.Truncated})
	if err != nil {
		return err
	}
	sim := scimsim.New(cast.Company(o.People, o.Seed), scimsim.Options{})
	for _, f := range faults {
		sim.Inject(scimsim.Fault{Kind: f.kind, Status: http.StatusServiceUnavailable, Times: max(0, f.times)})
	}
	return answer(ctx, n, o, sim, "SCIM server to pull from, with "+people(o.People), `[sources.legacy]
kind     = "scim-pull"
base_url = "%s/scim/v2"
token    = "`+scimsim.DefaultToken+`"`)
}

func simSCIM(ctx context.Context, o SimOptions, n *narrator) error {
	faults, err := dial(o.Faults, map[string]scimtargetsim.FaultKind{
		"unavailable": scimtargetsim.Unavailable, "html": scimtargetsim.Page, "reset": scimtargetsim.Reset,
		"reset-after-write": scimtargetsim.ResetAfterWrite, "truncate": scimtargetsim.Truncate, "throttle": scimtargetsim.Throttle,
		"half-of-a-bulk": scimtargetsim.Partial})
	if err != nil {
		return err
	}
	sim := scimtargetsim.New(scimtargetsim.Options{Bulk: true})
	for _, f := range faults {
		times := f.times
		if times == always {
			times = 1 << 30
		}
		sim.Fault(scimtargetsim.Fault{Kind: f.kind, Times: times, RetryAfter: "30"})
	}
	return answer(ctx, n, o, sim, "SCIM 2.0 service to deliver to, without users", `[targets.service]
kind     = "scim"
base_url = "%s/scim/v2"
token    = "`+scimtargetsim.DefaultToken+`"`)
}

// elevoFaults are the states a simulated SFTP server can be put into.
var elevoFaults = map[string]elevosim.Faults{
	"other-host-key": {OtherHostKey: true}, "refuse-key": {RefuseKey: true}, "cut-at-login": {CutAtLogin: true}, "no-sftp": {NoSFTP: true},
	"read-only": {ReadOnly: true}, "no-directory": {NoDirectory: true}, "refuse-rename": {RefuseRename: true}, "lose-bytes": {LoseBytes: true},
	"disk-full": {DiskFullAfter: 1024}, "cut": {CutAfter: 1024}, "cut-on-rename": {CutOnRename: true}, "cut-after-rename": {CutAfterNext: true}}

func simElevo(ctx context.Context, o SimOptions, n *narrator) error {
	faults, err := dial(o.Faults, elevoFaults)
	if err != nil {
		return err
	}
	if len(faults) > 1 {
		return errors.New("the simulated elevo is in one state at a time: give one fault")
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	login, err := ssh.NewPublicKey(public)
	if err != nil {
		return err
	}
	block, err := ssh.MarshalPrivateKey(private, "simulated elevo")
	if err != nil {
		return err
	}
	dir, err := keyring(map[string][]byte{"elevo_ed25519": pem.EncodeToMemory(block)})
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	sim, err := elevosim.New(elevosim.Options{Key: login})
	if err != nil {
		return err
	}
	l, err := listenLoopback(o.Listen)
	if err != nil {
		return err
	}
	served := make(chan error, 1)
	go func() { served <- sim.Serve(l) }()
	for _, f := range faults {
		sim.Break(f.kind)
	}
	host, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return err
	}
	n.paste("Elevo, which takes one file over SFTP,", l.Addr().String(), fmt.Sprintf(`[targets.elevo]
kind     = "elevo"
host     = %q
port     = %s
user     = %q
key      = { file = %q }
host_key = %q
path     = "users.csv"`, host, port, elevosim.DefaultUser, filepath.Join(dir, "elevo_ed25519"), sim.HostKey()), o.Faults)
	<-ctx.Done()
	err = sim.Close()
	<-served
	return err
}

// keyring writes key files into a new directory that only this user may enter.
func keyring(files map[string][]byte) (dir string, err error) {
	if dir, err = os.MkdirTemp("", "rollcall-sim"); err != nil {
		return "", err
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return "", errors.Join(err, os.RemoveAll(dir))
		}
	}
	return dir, nil
}

// answerTLS is answer over TLS.
func answerTLS(ctx context.Context, n *narrator, o SimOptions, h http.Handler, settings *tls.Config, what, table string) error {
	l, err := listenLoopback(o.Listen)
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ErrorLog: hclog.NewNullLogger().StandardLogger(nil)}
	go func() { _ = srv.Serve(tls.NewListener(l, settings)) }()
	base := "https://" + l.Addr().String()
	n.paste(what, base, fmt.Sprintf(table, base), o.Faults)
	<-ctx.Done()
	return srv.Close()
}
