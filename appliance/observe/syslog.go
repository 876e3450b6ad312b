package observe

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"

	"rollcall/appliance/model"
)

// Syslog sends events of the journal to a syslog collector, as RFC 5424: over
// UDP one datagram each (RFC 5426), over TCP each behind its length (RFC 6587
// §3.4.1, octet counting), or to a local socket. It is used by one goroutine.
//
// Neither transport acknowledges: what was under way when a collector went down
// may be lost there. The events carry their numbers and hashes, so a gap shows
// at the collector, and the chain can be checked there without the appliance.
type Syslog struct {
	network, address string
	host             string
	conn             net.Conn
}

// NewSyslog returns a sender to an address: network is udp, tcp or unixgram.
// Nothing is opened before the first event.
func NewSyslog(network, address string) *Syslog {
	host, err := os.Hostname()
	if err != nil || host == "" {
		host = "-"
	}
	return &Syslog{network: network, address: address, host: header(host, 255)}
}

const (
	// syslogPriority is facility 13 (log audit), severity 5 (notice): RFC 5424 §6.2.1.
	syslogPriority = 13*8 + 5
	// syslogMessage bounds a message: what every collector must take over UDP is
	// 480 bytes, and 2048 are recommended (RFC 5424 §6.1).
	syslogMessage = 2048
	// syslogTimeout bounds connecting and each write.
	syslogTimeout = 10 * time.Second
	// syslogID names our structured data. 32473 is the number that RFC 5612 keeps
	// for examples: the product has none of its own.
	syslogID = "rollcall@32473"
)

// Send sends one event. hash is what the next one carries as Prev. After an
// error the next Send connects anew.
func (s *Syslog) Send(e model.Event, hash string) error {
	if s.conn == nil {
		conn, err := net.DialTimeout(s.network, s.address, syslogTimeout)
		if err != nil {
			return fmt.Errorf("syslog: %w", err)
		}
		s.conn = conn
	}
	message := s.format(e, hash)
	if s.network == "tcp" {
		message = append(strconv.AppendInt(nil, int64(len(message)), 10), append([]byte(" "), message...)...)
	}
	err := s.conn.SetWriteDeadline(time.Now().Add(syslogTimeout))
	if err == nil {
		_, err = s.conn.Write(message)
	}
	if err != nil {
		_ = s.Close()
		return fmt.Errorf("syslog: %w", err)
	}
	return nil
}

// Close closes the connection, if there is one.
func (s *Syslog) Close() error {
	if s.conn == nil {
		return nil
	}
	err := s.conn.Close()
	s.conn = nil
	return err
}

// format writes an event as RFC 5424 §6 lays it out.
func (s *Syslog) format(e model.Event, hash string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "<%d>1 %s %s rollcall %d %s [%s", syslogPriority, e.At.UTC().Format("2006-01-02T15:04:05.000000Z"), s.host, os.Getpid(), header(e.Verb, 32), syslogID)
	for _, p := range []struct{ name, value string }{
		{"seq", strconv.FormatUint(e.Seq, 10)}, {"actor", e.Actor}, {"subject", e.Subject}, {"fields", strings.Join(e.Fields, ",")},
		{"run", runNumber(e.Run)}, {"base", e.Base}, {"prev", e.Prev}, {"hash", hash},
	} {
		if p.value != "" {
			fmt.Fprintf(&b, ` %s="%s"`, p.name, parameter.Replace(oneLine(p.value)))
		}
	}
	b.WriteString("] \ufeff") // RFC 5424 §6.4: the mark says that UTF-8 follows
	text := e.Verb + " " + e.Subject
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	b.WriteString(oneLine(text))
	if b.Len() > syslogMessage {
		return bytes.ToValidUTF8(b.Bytes()[:syslogMessage], nil)
	}
	return b.Bytes()
}

func runNumber(n uint64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatUint(n, 10)
}

// parameter escapes a value of structured data (RFC 5424 §6.3.3).
var parameter = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `]`, `\]`)

// oneLine leaves no control character in a text: a name must not end a line at
// the collector and begin one of its own.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
}

// header returns a field of the header: printable ASCII without spaces, "-" when
// nothing is left (RFC 5424 §6).
func header(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if r > ' ' && r < 0x7f {
			return r
		}
		return -1
	}, s)
	if s == "" {
		return "-"
	}
	return s[:min(len(s), most)]
}
