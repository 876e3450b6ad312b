package config

import (
	"errors"
	"math"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // a small VM may have no zone files, and a zone decides who has left

	"golang.org/x/net/idna"
)

// Every type here says what may be written for it, in the words a problem
// prints after "allowed".
type described interface{ Allowed() string }

// URL is an absolute https URL, or an http one on loopback, without user name,
// query and fragment. It never ends in a slash. The zero URL is not set.
type URL struct{ u *url.URL }

// Allowed says what may be written.
func (URL) Allowed() string {
	return `an https URL such as "https://idm.example.com/scim/v2"; http on loopback only`
}

// UnmarshalText parses and checks text.
func (u *URL) UnmarshalText(text []byte) error {
	parsed, err := url.Parse(string(text))
	if err != nil {
		return errors.New("not a URL")
	}
	switch {
	case parsed.Scheme != "https" && parsed.Scheme != "http", parsed.Host == "", parsed.Hostname() == "":
		return errors.New("not an absolute http or https URL")
	case parsed.User != nil:
		return errors.New("a URL must not carry a user name or password")
	case parsed.RawQuery != "" || parsed.ForceQuery || parsed.Fragment != "":
		return errors.New("a URL must not carry a query or fragment")
	case parsed.Scheme == "http" && !loopbackHost(parsed.Hostname()):
		return errors.New("http would send secrets and people in the clear")
	}
	parsed.Path = strings.TrimRight(parsed.Path, "/")
	parsed.RawPath = strings.TrimRight(parsed.RawPath, "/")
	u.u = parsed
	return nil
}

// MarshalText returns the URL as text.
func (u URL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// String returns the URL as text, empty when it is not set.
func (u URL) String() string {
	if u.u == nil {
		return ""
	}
	return u.u.String()
}

// IsZero reports whether the URL is not set.
func (u URL) IsZero() bool { return u.u == nil }

// Copy returns the URL for the caller to change, nil when it is not set.
func (u URL) Copy() *url.URL {
	if u.u == nil {
		return nil
	}
	c := *u.u
	return &c
}

// Equal reports whether two URLs are spelled the same.
func (u URL) Equal(w URL) bool { return u.String() == w.String() }

func mustURL(s string) URL {
	var u URL
	if err := u.UnmarshalText([]byte(s)); err != nil {
		panic("config: default URL " + s + ": " + err.Error())
	}
	return u
}

// Address is where to listen: a host, or an IP address, and a port. The zero
// Address means not to listen.
type Address struct {
	Host string // "" in ":8443": every address of this machine
	Port uint16 // 0 lets the system choose
	set  bool
}

// Allowed says what may be written.
func (Address) Allowed() string { return `host and port such as "127.0.0.1:9464" or "0.0.0.0:8443"` }

// UnmarshalText parses "host:port"; an empty text is the zero Address.
func (a *Address) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*a = Address{}
		return nil
	}
	host, port, err := net.SplitHostPort(string(text))
	if err != nil {
		return errors.New("not host:port")
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return errors.New("the port is not a number from 0 to 65535")
	}
	if _, err := netip.ParseAddr(host); err != nil && host != "" && !strings.EqualFold(host, "localhost") {
		return errors.New("the host is neither an IP address nor localhost")
	}
	*a = Address{Host: host, Port: uint16(n), set: true}
	return nil
}

// MarshalText returns "host:port".
func (a Address) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// String returns "host:port", empty for the zero Address.
func (a Address) String() string {
	if a.IsZero() {
		return ""
	}
	return net.JoinHostPort(a.Host, strconv.Itoa(int(a.Port)))
}

// IsZero reports whether nothing shall listen.
func (a Address) IsZero() bool { return !a.set }

// Loopback reports whether only this machine can reach the address.
func (a Address) Loopback() bool { return loopbackHost(a.Host) }

// Server is another machine's service: a host name or an IP address, and a port.
// The zero Server is not set.
type Server struct {
	Host string
	Port uint16
}

// Allowed says what may be written.
func (Server) Allowed() string { return `host and port such as "smtp.example.com:587"` }

// UnmarshalText parses "host:port".
func (s *Server) UnmarshalText(text []byte) error {
	host, port, err := net.SplitHostPort(string(text))
	if err != nil || host == "" || strings.ContainsAny(host, "/@ \t") {
		return errors.New("not host:port")
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return errors.New("the port is not a number from 1 to 65535")
	}
	*s = Server{Host: host, Port: uint16(n)}
	return nil
}

// MarshalText returns "host:port".
func (s Server) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// String returns "host:port", empty when it is not set.
func (s Server) String() string {
	if s.IsZero() {
		return ""
	}
	return net.JoinHostPort(s.Host, strconv.Itoa(int(s.Port)))
}

// IsZero reports whether the server is not set.
func (s Server) IsZero() bool { return s.Host == "" }

// Loopback reports whether the server can only be on this machine.
func (s Server) Loopback() bool { return loopbackHost(s.Host) }

// Duration is a length of time. In the file it may use days, which are 24 hours.
type Duration time.Duration

// Allowed says what may be written.
func (Duration) Allowed() string { return `a duration such as "30s", "40m", "1h30m" or "7d"` }

// UnmarshalText parses "7d", "40m", "1d12h".
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := parseDuration(string(text))
	if err != nil {
		return err
	}
	*d = Duration(v)
	return nil
}

// MarshalText returns the shortest spelling, "7d" or "1h30m".
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// String returns the shortest spelling, "7d" or "1h30m".
func (d Duration) String() string { return spellDuration(time.Duration(d)) }

const day = 24 * time.Hour

func parseDuration(s string) (time.Duration, error) {
	var total time.Duration
	rest := s
	if days, after, ok := strings.Cut(s, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		if err != nil || n > 36500 {
			return 0, errors.New("not a number of days from 0 to 36500")
		}
		total, rest = time.Duration(n)*day, after
		if rest == "" {
			return total, nil
		}
	}
	d, err := time.ParseDuration(rest)
	if err != nil {
		return 0, errors.New("not a duration")
	}
	if d < 0 || strings.HasPrefix(rest, "+") {
		return 0, errors.New("a duration has no sign")
	}
	if total > math.MaxInt64-d {
		return 0, errors.New("longer than a century")
	}
	return total + d, nil
}

func spellDuration(d time.Duration) string {
	if d == 0 {
		return "0s"
	}
	out := ""
	if d >= day {
		out = strconv.FormatInt(int64(d/day), 10) + "d"
		if d %= day; d == 0 {
			return out
		}
	}
	s := d.String() // "1h30m0s"
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return out + s
}

// Days is a number of calendar days; dates have no hours to count.
type Days int

// Allowed says what may be written.
func (Days) Allowed() string { return `whole days such as "0d" or "7d"` }

// UnmarshalText parses "7d".
func (d *Days) UnmarshalText(text []byte) error {
	digits, ok := strings.CutSuffix(string(text), "d")
	n, err := strconv.ParseUint(digits, 10, 16)
	if !ok || err != nil {
		return errors.New("not a number of whole days")
	}
	if n > 3650 {
		return errors.New("more than ten years")
	}
	*d = Days(n)
	return nil
}

// MarshalText returns "7d".
func (d Days) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// String returns "7d".
func (d Days) String() string { return strconv.Itoa(int(d)) + "d" }

// Rate is how many requests any window of a length may hold.
type Rate struct {
	Max int
	Per time.Duration
}

// Allowed says what may be written.
func (Rate) Allowed() string { return `requests per time such as "300/5m"` }

// UnmarshalText parses "300/5m".
func (r *Rate) UnmarshalText(text []byte) error {
	count, window, ok := strings.Cut(string(text), "/")
	if !ok {
		return errors.New("not requests/time")
	}
	n, err := strconv.ParseUint(count, 10, 31)
	if err != nil || n == 0 {
		return errors.New("the number of requests is not a whole number above 0")
	}
	per, err := parseDuration(window)
	if err != nil {
		return err
	}
	if per < time.Second || per > day {
		return errors.New("the time is not between 1s and 1d")
	}
	*r = Rate{Max: int(n), Per: per}
	return nil
}

// MarshalText returns "300/5m".
func (r Rate) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// String returns "300/5m", empty for the zero Rate.
func (r Rate) String() string {
	if r == (Rate{}) {
		return ""
	}
	return strconv.Itoa(r.Max) + "/" + spellDuration(r.Per)
}

// Location is a time zone.
type Location struct{ *time.Location }

// Allowed says what may be written.
func (Location) Allowed() string { return `a zone of the time zone database such as "Europe/Paris"` }

// UnmarshalText loads the zone. "Local" is refused: whose today it is must not
// depend on how the machine was installed.
func (l *Location) UnmarshalText(text []byte) error {
	name := string(text)
	if name == "" || strings.EqualFold(name, "Local") {
		return errors.New("not a zone name")
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return errors.New("no such time zone")
	}
	l.Location = loc
	return nil
}

// MarshalText returns the zone's name.
func (l Location) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// Equal reports whether both are the same zone.
func (l Location) Equal(m Location) bool { return l.String() == m.String() }

func mustLocation(name string) Location {
	var l Location
	if err := l.UnmarshalText([]byte(name)); err != nil {
		panic("config: default time zone " + name + ": " + err.Error())
	}
	return l
}

// Path is an absolute path; a daemon has no working directory worth the name.
type Path string

// Allowed says what may be written.
func (Path) Allowed() string { return `an absolute path such as "/etc/rollcall/secrets/hibob"` }

// UnmarshalText checks and cleans the path.
func (p *Path) UnmarshalText(text []byte) error {
	s := string(text)
	if !filepath.IsAbs(s) || strings.ContainsRune(s, 0) {
		return errors.New("not an absolute path")
	}
	*p = Path(filepath.Clean(s))
	return nil
}

// Domain is a mail domain in its ASCII form, lower case.
type Domain string

// Allowed says what may be written.
func (Domain) Allowed() string { return `a mail domain such as "example.com"` }

// UnmarshalText checks the domain and folds it as identifiers are folded.
func (d *Domain) UnmarshalText(text []byte) error {
	s := string(text)
	if strings.HasPrefix(s, "@") {
		return errors.New("leave out the @")
	}
	ascii, err := idna.Lookup.ToASCII(s)
	if err != nil || !strings.Contains(strings.Trim(ascii, "."), ".") || strings.HasSuffix(ascii, ".") {
		return errors.New("not a mail domain")
	}
	if _, err := netip.ParseAddr(ascii); err == nil {
		return errors.New("an IP address is not a mail domain")
	}
	*d = Domain(ascii)
	return nil
}
