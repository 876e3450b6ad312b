package wire

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"rollcall/connectors"
)

// maxDetail is how many characters of a service's own sentence are shown.
const maxDetail = 200

// refusal makes the error for an answer whose status was not asked for.
func (c *Client) refusal(op string, req *http.Request, r Request, resp *http.Response, from io.Reader) error {
	e := &connectors.Error{Class: ClassOf(resp.StatusCode), Op: op, Status: resp.StatusCode, Detail: StatusLine(resp.StatusCode)}
	switch {
	case resp.StatusCode == http.StatusTooManyRequests, resp.StatusCode == http.StatusServiceUnavailable:
		e.RetryAt = RetryAfter(resp.Header, c.now())
	case resp.StatusCode >= 300 && resp.StatusCode <= 399:
		if to, err := resp.Location(); err == nil && to.Host != "" {
			e.Detail += ": redirects to " + safeText(to.Host, 80)
		}
		e.Next = "Redirects are not followed; set base_url to the service's final address"
	}
	if c.Describe == nil {
		return e
	}
	raw, err := io.ReadAll(io.LimitReader(from, maxErrorBody))
	if err != nil && len(raw) == 0 {
		return e // the status alone says enough
	}
	if said := safeText(scrub(c.Describe(resp.StatusCode, raw), req, r), maxDetail); said != "" {
		e.Detail += ": " + said
	}
	return e
}

// ClassOf returns the class of an error that a service answered with this status, by
// itself or within an answer to several requests.
func ClassOf(status int) connectors.Class {
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return connectors.Denied
	case status == http.StatusTooManyRequests:
		return connectors.Throttled
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly, status >= 500, status < 300:
		return connectors.Transient
	case status == http.StatusNotFound, status == http.StatusGone:
		return connectors.Gone
	case status == http.StatusConflict:
		return connectors.Taken
	case status < 400:
		return connectors.Misconfigured
	}
	return connectors.Invalid
}

// StatusLine returns "403 Forbidden"; the reason the service sent is not used.
func StatusLine(status int) string {
	return strings.TrimSpace(strconv.Itoa(status) + " " + http.StatusText(status))
}

// longestWait bounds what a service may ask for: a mistaken header must not
// stop a source for years.
const longestWait = 24 * time.Hour

// RetryAfter returns when an answer allows the next attempt: Retry-After as
// seconds or as an HTTP date (RFC 9110 section 10.2.3), else X-RateLimit-Reset
// as Unix seconds (HiBob) or, when the number is too small for a date, as
// seconds to wait. It is never before now and at most a day ahead; zero means
// that nothing usable was said.
func RetryAfter(h http.Header, now time.Time) time.Time {
	at := time.Time{}
	if v := strings.TrimSpace(h.Get("Retry-After")); v != "" {
		if n, err := strconv.ParseUint(v, 10, 32); err == nil {
			at = now.Add(time.Duration(n) * time.Second)
		} else if date, err := http.ParseTime(v); err == nil {
			at = date
		}
	}
	if v := strings.TrimSpace(h.Get("X-RateLimit-Reset")); at.IsZero() && v != "" {
		const year2001 = 1_000_000_000
		if n, err := strconv.ParseUint(v, 10, 40); err == nil && n < year2001 {
			at = now.Add(time.Duration(n) * time.Second)
		} else if err == nil {
			at = time.Unix(int64(n), 0)
		}
	}
	switch {
	case at.IsZero():
		return at
	case at.Before(now):
		return now
	case at.After(now.Add(longestWait)):
		return now.Add(longestWait)
	}
	return at
}

// scrub takes out of a service's sentence what it may have echoed: the
// credentials of this request and anything that looks like a mail address.
func scrub(said string, req *http.Request, r Request) string {
	for _, secret := range credentials(req, r) {
		said = strings.ReplaceAll(said, secret, "[secret]")
	}
	words := strings.Fields(said)
	for i, w := range words {
		if strings.Contains(w, "@") || strings.Contains(strings.ToLower(w), "%40") {
			words[i] = "[address]"
		}
	}
	return strings.Join(words, " ")
}

// credentials lists the values of a request that must not come back in an error:
// every header value of some length that is not one of our own constants, the
// parts of an Authorization header, and the fields of a form.
func credentials(req *http.Request, r Request) []string {
	var found []string
	add := func(s string) {
		if len(s) >= 6 {
			found = append(found, s)
		}
	}
	for k, values := range req.Header {
		switch k {
		case "Accept", "Accept-Encoding", "Content-Type", "User-Agent":
			continue
		}
		for _, v := range values {
			add(v)
			if _, rest, ok := strings.Cut(v, " "); ok {
				add(rest)
			}
			if _, rest, ok := strings.Cut(v, "="); ok { // Lucca: "lucca application=KEY"
				add(rest)
			}
		}
	}
	if _, password, ok := req.BasicAuth(); ok {
		add(password)
	}
	if form, ok := r.Body.(url.Values); ok {
		for k, values := range form {
			if k == "grant_type" || k == "scope" {
				continue
			}
			for _, v := range values {
				add(v)
			}
		}
	}
	return found
}

// safeText makes text from outside fit for a log line and a terminal: control
// and format characters become blanks, and at most limit characters are kept.
func safeText(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) {
			return ' '
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if utf8.RuneCountInString(s) > limit {
		s = string([]rune(s)[:limit-1]) + "…"
	}
	return s
}

// authorizeError passes on what Authorize said, when it is one of our errors;
// the text of any other could hold a credential.
func authorizeError(ctx context.Context, op string, err error) error {
	var own *connectors.Error
	switch {
	case errors.As(err, &own):
		return own
	case ctx.Err() != nil:
		return &connectors.Error{Class: connectors.Transient, Op: op, Err: ctx.Err()}
	}
	return &connectors.Error{Class: connectors.Unclassified, Op: op, Detail: "the credentials for the request could not be prepared"}
}

// networkDetail says in safe words why there was no answer. The text of the
// error itself is used only where Go's standard library makes it from addresses
// and system calls: other errors quote the address with its query, or bytes the
// peer sent.
func networkDetail(err error) (detail, next string) {
	var (
		lookup   *net.DNSError
		verify   *tls.CertificateVerificationError
		hostname x509.HostnameError
		unknown  x509.UnknownAuthorityError
		record   tls.RecordHeaderError
		op       *net.OpError
		timeout  interface{ Timeout() bool }
	)
	switch {
	case errors.As(err, &lookup):
		return fmt.Sprintf("the name %s does not resolve", safeText(lookup.Name, 80)), "Check base_url and the DNS settings of this machine"
	case errors.As(err, &hostname):
		return "the TLS certificate is for another host", "Check base_url"
	case errors.As(err, &unknown):
		return "the TLS certificate is signed by an unknown authority", "If a proxy inspects TLS here, add its certificate to this machine's trusted ones"
	case errors.As(err, &verify):
		return "the TLS certificate is not valid", "Check the clock of this machine, and the certificate's dates"
	case errors.As(err, &record):
		return "the answer is not TLS", "Check the scheme and port of base_url"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "timed out", ""
	case errors.As(err, &op):
		if op.Op == "dial" {
			next = "Check base_url and the firewall"
		}
		return safeText(op.Error(), maxDetail), next
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection was closed before the answer was complete", ""
	}
	return "the answer is not valid HTTP, or the connection broke", ""
}
