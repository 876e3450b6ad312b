// Package elevo delivers people to Elevo, which has no public API: the whole
// roster as one CSV file, put on an SFTP server.
//
// It knows the columns of the file and how to replace a file so that nobody ever
// sees half of it, and nothing of schedules: the caller brings everybody and
// decides how often, and whether a file that was put already is put again. A file
// says who is there by who is in it; whether Elevo suspends those who are missing is
// set up on its side (unverified), so whoever calls [Target.Render] must bring
// everybody who keeps their access.
//
// Invariants:
//   - the file under the final name is always a whole one: the old or the new;
//   - equal people give equal bytes, whatever their order;
//   - a file without people is never put;
//   - nothing is sent to a server whose host key is not the configured one;
//   - no cell begins a formula when the file is opened in a spreadsheet;
//   - no error text holds a secret, a person's data, or what the server wrote.
package elevo

import (
	"cmp"
	"context"
	"net"
	"path"
	"strconv"
	"strings"
	"time"

	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
	"golang.org/x/crypto/ssh"

	"rollcall/connectors"
)

// Config is what a Target needs: Host, User, Key and HostKey.
type Config struct {
	Host string
	Port int // 0: 22
	User string
	// Key is the private SSH key, in OpenSSH or PEM form; Passphrase opens it
	// when it is encrypted.
	Key        []byte
	Passphrase []byte
	// HostKey is the server's public key, "ssh-ed25519 AAAA…", or a whole line of
	// a known_hosts file. Any other key is refused.
	HostKey string
	// Path is the file's on the server, empty: users.csv. Its directory exists.
	Path string
	// Recipient is an OpenPGP public key, armored or binary. The file is then
	// encrypted to it, and armored when Path ends in .asc. nil: plain CSV.
	Recipient []byte
	// Layout adds columns and changes the form of dates.
	Layout Layout

	// Timeout bounds one delivery from dialling to the rename, 0: 2 minutes.
	Timeout time.Duration
	// Dial connects to the server; nil: TCP.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	Now  func() time.Time // nil: time.Now
}

const defaultTimeout = 2 * time.Minute

// Target is one file on one server. It is safe for concurrent use.
type Target struct {
	address   string
	path      string
	layout    Layout
	ssh       ssh.ClientConfig // without HostKeyCallback
	hostKey   ssh.PublicKey
	recipient *openpgp.Entity // nil: no encryption
	armored   bool
	timeout   time.Duration
	dial      func(ctx context.Context, network, address string) (net.Conn, error)
	now       func() time.Time
}

var (
	_ connectors.FileTarget = (*Target)(nil)
	_ connectors.Checker    = (*Target)(nil)
)

// New checks the configuration and returns a Target; it connects to nothing.
// Errors are of class Misconfigured.
func New(cfg Config) (*Target, error) {
	cfg.Port = cmp.Or(cfg.Port, 22)
	cfg.Path = cmp.Or(cfg.Path, "users.csv")
	switch {
	case cfg.Host == "" || strings.ContainsAny(cfg.Host, "/@ \t\r\n"):
		return nil, misconfigured("host is not the name of a server", "")
	case cfg.Port < 1 || cfg.Port > 65535:
		return nil, misconfigured("port is not one", "")
	case cfg.User == "":
		return nil, misconfigured("no user", "Elevo names the user when it opens the SFTP access")
	case strings.HasSuffix(cfg.Path, "/") || strings.ContainsAny(cfg.Path, "\x00\r\n") || path.Base(cfg.Path) == "..":
		return nil, misconfigured("path is not that of a file", `"users.csv" or "in/users.csv" would be`)
	case cfg.Timeout < 0:
		return nil, misconfigured("the timeout is negative", "")
	}
	signer, err := signerOf(cfg.Key, cfg.Passphrase)
	if err != nil {
		return nil, err
	}
	hostKey, err := hostKeyOf(cfg.HostKey)
	if err != nil {
		return nil, err
	}
	if err := cfg.Layout.check(); err != nil {
		return nil, misconfigured(err.Error(), "")
	}
	t := &Target{
		address: net.JoinHostPort(cfg.Host, strconv.Itoa(cfg.Port)),
		path:    cfg.Path,
		layout:  cfg.Layout,
		hostKey: hostKey,
		armored: strings.EqualFold(path.Ext(cfg.Path), ".asc"),
		timeout: cmp.Or(cfg.Timeout, defaultTimeout),
		dial:    cfg.Dial,
		now:     cfg.Now,
	}
	t.ssh = ssh.ClientConfig{
		User:              cfg.User,
		Auth:              []ssh.AuthMethod{ssh.PublicKeys(signer)},
		HostKeyAlgorithms: algorithmsFor(hostKey),
		ClientVersion:     "SSH-2.0-rollcall",
	}
	if t.dial == nil {
		t.dial = (&net.Dialer{}).DialContext
	}
	if t.now == nil {
		t.now = time.Now
	}
	if cfg.Recipient != nil {
		if t.recipient, err = recipientOf(cfg.Recipient, t.now()); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func misconfigured(detail, next string) error {
	return &connectors.Error{Class: connectors.Misconfigured, Op: "elevo: configure", Detail: detail, Next: next}
}
