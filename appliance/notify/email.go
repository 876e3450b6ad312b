package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/smtp"
	"net/textproto"
	"regexp"
	"strings"
	"time"
)

// How the connection to a mail server is protected.
const (
	StartTLS = "starttls" // RFC 3207, usually port 587
	TLS      = "tls"      // RFC 8314, usually port 465
	NoTLS    = "none"     // for a relay on the same machine
)

// MailConfig says how to send mail. With StartTLS a server that does not offer
// it is refused rather than spoken to in the clear.
type MailConfig struct {
	Address  string // host:port
	Security string // StartTLS, TLS or NoTLS
	User     string // empty: no authentication
	Password string
	From     string   // one address, without a name
	To       []string // likewise
	// Roots verify the server's certificate; nil means the machine's own.
	Roots *tls.Config
}

// Email sends each message as one mail.
type Email struct{ c MailConfig }

// NewEmail returns a channel that sends mail.
func NewEmail(c MailConfig) *Email { return &Email{c} }

// Name returns "email".
func (*Email) Name() string { return "email" }

// Send hands the mail to the server; its acceptance of the text means that it
// was taken.
func (e *Email) Send(ctx context.Context, m Message) error {
	host, _, err := net.SplitHostPort(e.c.Address)
	if err != nil {
		return fmt.Errorf("email: %w", err)
	}
	conn, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(ctx, "tcp", e.c.Address)
	if err != nil {
		return fmt.Errorf("email: %w", err)
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	secure := &tls.Config{MinVersion: tls.VersionTLS12}
	if e.c.Roots != nil {
		secure = e.c.Roots.Clone()
	}
	secure.ServerName = host
	if e.c.Security == TLS {
		conn = tls.Client(conn, secure)
	}
	if err := e.deliver(conn, host, secure, m); err != nil {
		return fmt.Errorf("email: %w", withoutText(err))
	}
	return nil
}

// enhanced is a status code of RFC 3463 as a reply begins with one (RFC 2034).
var enhanced = regexp.MustCompile(`^[245]\.\d{1,3}\.\d{1,3}\b`)

// withoutText keeps of a server's reply the codes. The rest is for its own log: a
// server may repeat there what it was told, the password among it.
func withoutText(err error) error {
	var reply *textproto.Error
	var broken textproto.ProtocolError
	switch {
	case errors.As(err, &reply):
		code := strings.TrimSpace(fmt.Sprintf("%d %s", reply.Code, enhanced.FindString(reply.Msg)))
		return fmt.Errorf("the mail server answered %s; its log says why", code)
	case errors.As(err, &broken):
		return errors.New("what answers at the address of the mail server is not SMTP")
	}
	return err
}

func (e *Email) deliver(conn net.Conn, host string, secure *tls.Config, m Message) error {
	c, err := smtp.NewClient(conn, host)
	if err != nil {
		return err
	}
	defer c.Close()
	if e.c.Security == StartTLS {
		if ok, _ := c.Extension("STARTTLS"); !ok {
			return errors.New("the mail server does not offer STARTTLS; use tls = \"tls\" (port 465) or another server")
		}
		if err := c.StartTLS(secure); err != nil {
			return err
		}
	}
	if e.c.User != "" {
		// PlainAuth refuses to speak in the clear, other than to this machine.
		if err := c.Auth(smtp.PlainAuth("", e.c.User, e.c.Password, host)); err != nil {
			return errors.New("the mail server refused user and password of [notify] email")
		}
	}
	if err := c.Mail(e.c.From); err != nil {
		return err
	}
	for _, to := range e.c.To {
		if err := c.Rcpt(to); err != nil {
			return err
		}
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write(e.text(m)); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	// The mail is taken; how the server says good-bye changes nothing.
	_ = c.Quit()
	return nil
}

// text renders a message as a mail (RFC 5322). Its Message-ID is made of the
// first event's, so that a mail sent twice is one conversation.
func (e *Email) text(m Message) []byte {
	_, domain, _ := strings.Cut(e.c.From, "@")
	var b strings.Builder
	header := func(name, value string) {
		b.WriteString(name + ": " + strings.NewReplacer("\r", " ", "\n", " ").Replace(value) + "\r\n")
	}
	header("From", "rollcall <"+e.c.From+">")
	header("To", strings.Join(e.c.To, ", "))
	header("Subject", mime.QEncoding.Encode("utf-8", subject(m)))
	header("Date", m.At.Format(time.RFC1123Z))
	header("Message-ID", "<"+m.Events[0].ID+"@"+domain+">")
	header("Auto-Submitted", "auto-generated")
	header("MIME-Version", "1.0")
	header("Content-Type", "text/plain; charset=utf-8")
	header("Content-Transfer-Encoding", "quoted-printable")
	b.WriteString("\r\n")
	q := quotedprintable.NewWriter(&b)
	_, _ = q.Write([]byte(strings.ReplaceAll(m.Text, "\n", "\r\n") + "\r\n"))
	_ = q.Close()
	return []byte(b.String())
}

// subject says in one line what the mail is about.
func subject(m Message) string {
	opened, over := 0, 0
	for _, e := range m.Events {
		if e.Event == Closed {
			over++
		} else {
			opened++
		}
	}
	switch {
	case len(m.Events) == 1 && over == 1:
		return "[rollcall] over: " + m.Events[0].Text
	case len(m.Events) == 1:
		return "[rollcall] " + m.Events[0].Text
	case opened == 0:
		return fmt.Sprintf("[rollcall] %d matters are over", over)
	case over == 0:
		return fmt.Sprintf("[rollcall] %d matters need a human", opened)
	}
	return fmt.Sprintf("[rollcall] %d matters need a human, %d are over", opened, over)
}
