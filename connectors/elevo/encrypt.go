package elevo

// The OpenPGP code is ProtonMail's fork: golang.org/x/crypto/openpgp is frozen and
// deprecated, while the fork is released regularly, implements RFC 9580, and knows
// when a key is expired or revoked. Its version is pinned in go.mod.

import (
	"bytes"
	"crypto"
	"io"
	"slices"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"

	"rollcall/connectors"
)

const nextRecipient = "Ask Elevo for the public key that its SFTP import decrypts with"

// encryption is how files are encrypted; the recipient's preferences come first.
func encryption(now time.Time) *packet.Config {
	return &packet.Config{
		DefaultHash:   crypto.SHA256,
		DefaultCipher: packet.CipherAES256,
		Time:          func() time.Time { return now },
	}
}

// recipientOf reads a public key that can be encrypted to.
func recipientOf(key []byte, now time.Time) (*openpgp.Entity, error) {
	read := openpgp.ReadKeyRing
	if bytes.HasPrefix(bytes.TrimSpace(key), []byte("-----BEGIN")) {
		read = openpgp.ReadArmoredKeyRing
	}
	ring, err := read(bytes.NewReader(key))
	switch {
	case err != nil || len(ring) == 0:
		return nil, misconfigured("gpg_recipient is not an OpenPGP public key", nextRecipient)
	case len(ring) > 1:
		return nil, misconfigured("gpg_recipient holds several keys", "Keep the one that Elevo decrypts with")
	case ring[0].PrivateKey != nil || slices.ContainsFunc(ring[0].Subkeys, func(k openpgp.Subkey) bool { return k.PrivateKey != nil }):
		return nil, misconfigured("gpg_recipient holds a private key", "Put the public key there, and the private one away")
	}
	if _, ok := ring[0].EncryptionKey(now, encryption(now)); !ok {
		return nil, misconfigured("gpg_recipient has no key that can be encrypted to: expired, revoked, or for signatures only", nextRecipient)
	}
	return ring[0], nil
}

// encrypt returns what is put on the server for a file.
func (t *Target) encrypt(content []byte) ([]byte, error) {
	if t.recipient == nil {
		return content, nil
	}
	const op = "elevo: encrypt the file"
	now := t.now()
	if !t.sealableAt(now) {
		return nil, &connectors.Error{Class: connectors.Misconfigured, Op: op, Detail: "the recipient's key expired", Next: nextRecipient}
	}
	var out bytes.Buffer
	seal := func(to io.Writer) error {
		w, err := openpgp.Encrypt(to, []*openpgp.Entity{t.recipient}, nil, nil, &openpgp.FileHints{IsUTF8: true}, encryption(now))
		if err != nil {
			return err
		}
		if _, err := w.Write(content); err != nil {
			return err
		}
		return w.Close()
	}
	err := t.sealed(&out, seal)
	if err != nil {
		return nil, &connectors.Error{Class: connectors.Misconfigured, Op: op, Detail: "the recipient's key cannot be used", Next: nextRecipient}
	}
	return out.Bytes(), nil
}

// sealed puts armor around what seal writes, where that is wanted.
func (t *Target) sealed(out io.Writer, seal func(io.Writer) error) error {
	if !t.armored {
		return seal(out)
	}
	w, err := armor.Encode(out, "PGP MESSAGE", nil)
	if err != nil {
		return err
	}
	if err := seal(w); err != nil {
		return err
	}
	return w.Close()
}

// sealableAt reports whether files can be encrypted at that time: a key may end by
// its own date or by that of the key above it.
func (t *Target) sealableAt(at time.Time) bool {
	if t.recipient == nil {
		return true
	}
	_, ok := t.recipient.EncryptionKey(at, encryption(at))
	return ok
}
