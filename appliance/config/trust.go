package config

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strings"

	"filippo.io/age"
	"filippo.io/age/agessh"
)

// Prefix is a range of IP addresses; a single address is the range of one.
type Prefix struct{ netip.Prefix }

// Allowed says what may be written.
func (Prefix) Allowed() string {
	return `an address such as "127.0.0.1" or a range such as "10.0.4.0/24"`
}

// UnmarshalText parses "10.0.4.0/24" or "10.0.4.7".
func (p *Prefix) UnmarshalText(text []byte) error {
	s := string(text)
	if addr, err := netip.ParseAddr(s); err == nil {
		addr = addr.Unmap().WithZone("")
		p.Prefix = netip.PrefixFrom(addr, addr.BitLen())
		return nil
	}
	parsed, err := netip.ParsePrefix(s)
	if err != nil {
		return errors.New("neither an IP address nor a range of them")
	}
	if parsed.Bits() == 0 {
		return errors.New("every address there is: anybody could say who they are")
	}
	p.Prefix = parsed.Masked()
	return nil
}

// MarshalText returns the address, or the range.
func (p Prefix) MarshalText() ([]byte, error) {
	if p.IsSingleIP() {
		return []byte(p.Addr().String()), nil
	}
	return []byte(p.String()), nil
}

// Equal reports whether both are the same range.
func (p Prefix) Equal(q Prefix) bool { return p.Prefix == q.Prefix }

// SyslogAddress is where events are sent: "udp://host:514", "tcp://host:601",
// or "unix:///dev/log". The zero SyslogAddress is nowhere.
type SyslogAddress struct {
	Network string // udp, tcp or unixgram
	Address string // host:port, or a path
}

// Allowed says what may be written.
func (SyslogAddress) Allowed() string {
	return `"udp://loghost.example.com:514", "tcp://loghost.example.com:601" or "unix:///dev/log"`
}

// UnmarshalText parses an address; an empty text is the zero SyslogAddress.
func (a *SyslogAddress) UnmarshalText(text []byte) error {
	*a = SyslogAddress{}
	if len(text) == 0 {
		return nil
	}
	u, err := url.Parse(string(text))
	if err != nil || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("not an address")
	}
	switch u.Scheme {
	case "unix":
		if u.Host != "" || !strings.HasPrefix(u.Path, "/") || u.Path == "/" {
			return errors.New("unix needs the absolute path of a socket")
		}
		*a = SyslogAddress{Network: "unixgram", Address: u.Path}
	case "udp", "tcp":
		port := u.Port()
		if port == "" {
			// RFC 5426 §3.3 and RFC 3195's port that TCP collectors use.
			port = map[string]string{"udp": "514", "tcp": "601"}[u.Scheme]
		}
		if u.Hostname() == "" || u.Path != "" && u.Path != "/" {
			return errors.New("the host is missing, or something stands behind it")
		}
		*a = SyslogAddress{Network: u.Scheme, Address: net.JoinHostPort(u.Hostname(), port)}
	default:
		return errors.New("neither udp, tcp nor unix")
	}
	return nil
}

// String returns the address as it may be written, empty for the zero one.
func (a SyslogAddress) String() string {
	switch a.Network {
	case "":
		return ""
	case "unixgram":
		return "unix://" + a.Address
	}
	return a.Network + "://" + a.Address
}

// MarshalText returns the address as text.
func (a SyslogAddress) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// IsZero reports whether nothing is sent.
func (a SyslogAddress) IsZero() bool { return a == SyslogAddress{} }

var errPrivateKey = errors.New("a private key, which must not be here: whoever reads it can read every backup")

// Recipient is a public key to encrypt to: "age1…" or an SSH public key of type
// ed25519 or RSA.
type Recipient struct {
	text string
	key  age.Recipient
}

// Allowed says what may be written.
func (Recipient) Allowed() string {
	return `an age recipient such as "age1…" (age-keygen prints it), or an SSH public key`
}

// UnmarshalText parses a public key. A private one is refused.
func (r *Recipient) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	if strings.HasPrefix(strings.ToUpper(s), "AGE-SECRET-KEY-") || strings.Contains(s, "PRIVATE KEY") {
		return errPrivateKey
	}
	if strings.HasPrefix(s, "ssh-") {
		key, err := agessh.ParseRecipient(s)
		if err != nil {
			return errors.New("not an SSH public key that age can encrypt to")
		}
		*r = Recipient{text: s, key: key}
		return nil
	}
	keys, err := age.ParseRecipients(strings.NewReader(s))
	if err != nil || len(keys) != 1 {
		return errors.New("not a public key of age")
	}
	*r = Recipient{text: s, key: keys[0]}
	return nil
}

// MarshalText returns the key as it was written.
func (r Recipient) MarshalText() ([]byte, error) { return []byte(r.text), nil }

// Equal reports whether both are written the same.
func (r Recipient) Equal(q Recipient) bool { return r.text == q.text }

// AgeRecipients returns the keys that backups are encrypted to; none: they are not.
func (b Backup) AgeRecipients() []age.Recipient {
	var keys []age.Recipient
	for _, r := range b.Recipients {
		keys = append(keys, r.key)
	}
	return keys
}
