package elevo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"strings"
	"sync/atomic"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"rollcall/connectors"
)

// signerOf reads the private key. Errors of package ssh quote none of it, but say
// nothing an operator could act on either.
func signerOf(key, passphrase []byte) (ssh.Signer, error) {
	if len(bytes.TrimSpace(key)) == 0 {
		return nil, misconfigured("no private key", "Make one with ssh-keygen -t ed25519 and give its .pub file to Elevo")
	}
	var signer ssh.Signer
	var err error
	if len(passphrase) > 0 {
		signer, err = ssh.ParsePrivateKeyWithPassphrase(key, passphrase)
	} else {
		signer, err = ssh.ParsePrivateKey(key)
	}
	_, locked := errors.AsType[*ssh.PassphraseMissingError](err)
	switch {
	case locked:
		return nil, misconfigured("the private key needs a passphrase", "Configure one, or a key without")
	case err != nil:
		return nil, misconfigured("the private key cannot be read, or its passphrase is wrong", "The private file of the pair is meant, in OpenSSH or PEM form")
	}
	return signer, nil
}

// hostKeyOf reads a public key as a .pub file has it, or a known_hosts line.
func hostKeyOf(line string) (ssh.PublicKey, error) {
	line = strings.TrimSpace(line)
	if key, _, _, rest, err := ssh.ParseAuthorizedKey([]byte(line)); err == nil && len(rest) == 0 {
		return key, nil
	}
	if marker, _, key, _, rest, err := ssh.ParseKnownHosts([]byte(line + "\n")); err == nil && marker == "" && len(rest) == 0 {
		return key, nil
	}
	return nil, misconfigured("host_key is not a public key", `Ask Elevo for the line, "ssh-ed25519 AAAA…", and compare it with what ssh-keyscan shows`)
}

// algorithmsFor lists how a server may prove that it has this key.
func algorithmsFor(key ssh.PublicKey) []string {
	if key.Type() == ssh.KeyAlgoRSA {
		return []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}
	}
	return []string{key.Type()}
}

// session is one connection to the server. It ends with its context.
type session struct {
	files *sftp.Client
	shell *ssh.Client
	stop  func() bool
}

func (s *session) close() {
	s.stop()
	s.files.Close()
	s.shell.Close()
}

// watched is a connection that remembers that it broke: package ssh tells a
// refused key and a cut connection in the same words.
type watched struct {
	net.Conn
	broke atomic.Bool
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	w.note(err)
	return n, err
}

func (w *watched) Write(p []byte) (int, error) {
	n, err := w.Conn.Write(p)
	w.note(err)
	return n, err
}

// note leaves out what follows from closing the connection on this side.
func (w *watched) note(err error) {
	if err != nil && !errors.Is(err, net.ErrClosed) && !errors.Is(err, io.ErrClosedPipe) {
		w.broke.Store(true)
	}
}

var errOtherHostKey = errors.New("another host key")

const opConnect = "connect"

// connect opens a session; ctx bounds it to its end.
func (t *Target) connect(ctx context.Context) (*session, error) {
	conn, err := t.dial(ctx, "tcp", t.address)
	if err != nil {
		return nil, dialFailure(ctx, err)
	}
	w := &watched{Conn: conn}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	cfg := t.ssh
	trusted, shown := false, ""
	cfg.HostKeyCallback = func(_ string, _ net.Addr, key ssh.PublicKey) error {
		if !bytes.Equal(key.Marshal(), t.hostKey.Marshal()) {
			shown = ssh.FingerprintSHA256(key)
			return errOtherHostKey
		}
		trusted = true
		return nil
	}
	c, channels, requests, err := ssh.NewClientConn(w, t.address, &cfg)
	if err != nil {
		stop()
		conn.Close()
		return nil, t.handshakeFailure(ctx, err, trusted, shown, w.broke.Load())
	}
	shell := ssh.NewClient(c, channels, requests)
	files, err := sftp.NewClient(shell)
	if err != nil {
		broke := w.broke.Load()
		stop()
		shell.Close()
		if ctx.Err() != nil || broke {
			return nil, transient(ctx, opConnect, "the connection broke")
		}
		return nil, &connectors.Error{
			Class: connectors.Denied, Op: "elevo: " + opConnect, Detail: "the server gives this user no SFTP",
			Next: "Ask Elevo whether the access is still open",
		}
	}
	return &session{files: files, shell: shell, stop: stop}, nil
}

func dialFailure(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return transient(ctx, opConnect, "no connection in time")
	}
	e := &connectors.Error{Class: connectors.Transient, Op: "elevo: " + opConnect, Detail: "the server cannot be reached", Next: "Check host, port and the firewall"}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		e.Detail = "the name of the server does not resolve"
	}
	return e
}

func (t *Target) handshakeFailure(ctx context.Context, err error, trusted bool, shown string, broke bool) error {
	e := &connectors.Error{Op: "elevo: " + opConnect}
	_, disagree := errors.AsType[*ssh.AlgorithmNegotiationError](err)
	switch {
	case shown != "":
		e.Class = connectors.Misconfigured
		e.Detail = fmt.Sprintf("the server's host key is %s, and host_key is %s", shown, ssh.FingerprintSHA256(t.hostKey))
		e.Next = "Nothing was sent. Ask Elevo whether the key was replaced; if not, somebody may stand in between"
	case ctx.Err() != nil:
		return transient(ctx, opConnect, "no connection in time")
	case disagree:
		e.Class = connectors.Misconfigured
		e.Detail = "the server has no host key of type " + t.hostKey.Type() + ", or no cipher in common"
		e.Next = "Ask Elevo for the host key of this type, or configure the one it has"
	case trusted && !broke:
		e.Class = connectors.Denied
		e.Detail = "the server refused the user or the key"
		e.Next = "Ask Elevo whether it has the public half of this key for this user"
	default:
		e.Class, e.Detail = connectors.Transient, "the connection broke before it was set up"
	}
	return e
}

// transient is an error to try again after, with ctx's own when that ended.
func transient(ctx context.Context, op, detail string) error {
	e := &connectors.Error{Class: connectors.Transient, Op: "elevo: " + op, Detail: detail}
	if err := context.Cause(ctx); err != nil {
		e.Err = err
	}
	return e
}

// failure is the error for what the server answered to a request about a file.
// Its own words are not shown: they hold whatever the server's makers liked.
func failure(ctx context.Context, op string, err error) error {
	e := &connectors.Error{Op: "elevo: " + op}
	status, answered := errors.AsType[*sftp.StatusError](err)
	switch {
	case ctx.Err() != nil:
		return transient(ctx, op, "not done in time")
	case errors.Is(err, fs.ErrPermission), answered && status.FxCode() == sftp.ErrSSHFxPermissionDenied:
		e.Class, e.Detail = connectors.Denied, "the server does not permit it"
		e.Next = "Ask Elevo for the right to write, rename and read back in the directory of path"
	case errors.Is(err, fs.ErrNotExist), answered && status.FxCode() == sftp.ErrSSHFxNoSuchFile:
		e.Class, e.Detail = connectors.Misconfigured, "the directory does not exist"
		e.Next = "Check path: its directory must be there already"
	case answered && status.FxCode() == sftp.ErrSSHFxOpUnsupported:
		e.Class, e.Detail = connectors.Misconfigured, "the server does not know how"
		e.Next = "Ask Elevo which directory allows files to be written and renamed"
	case answered && (status.FxCode() == sftp.ErrSSHFxNoConnection || status.FxCode() == sftp.ErrSSHFxConnectionLost):
		e.Class, e.Detail = connectors.Transient, "the connection broke"
	case answered:
		e.Class, e.Detail = connectors.Transient, "the server could not; its disk or quota may be full"
	default:
		e.Class, e.Detail = connectors.Transient, "the connection broke"
	}
	return e
}
