package config

import (
	"errors"
	"net/mail"
	"net/url"
	"path/filepath"
	"strconv"

	"github.com/BurntSushi/toml"
)

// checkNotify checks who is told, and how.
func (d *decoder) checkNotify() {
	n := &d.config.Notify
	if u := n.Webhook.URL; u.from == "literal" {
		if err := checkWebhook(u.Reveal()); err != nil {
			d.add(toml.Key{"notify", "webhook", "url"}, Problem{Message: err.Error(), secret: true})
		}
	}
	if d.written("notify", "webhook") && n.Webhook.URL.IsZero() && !d.written("notify", "webhook", "url") {
		d.add(toml.Key{"notify", "webhook"}, Problem{Message: `the key "url" is missing`})
	}
	if len(n.Command) > 0 && !filepath.IsAbs(n.Command[0]) {
		d.add(toml.Key{"notify", "command"}, Problem{Message: "the program's path is not absolute", Found: strconv.Quote(n.Command[0]),
			Allowed: `a program and its arguments, ["/usr/local/bin/page", "--urgent"]; it is started without a shell`})
	}
	if d.written("notify", "email") {
		d.checkEmail(&n.Email)
	}
}

func (d *decoder) checkEmail(e *Email) {
	if e.TLS == "" {
		e.TLS = MailStartTLS
	}
	at := func(key string) toml.Key { return toml.Key{"notify", "email", key} }
	for _, key := range []string{"server", "from", "to"} {
		if !d.written("notify", "email", key) {
			d.add(toml.Key{"notify", "email"}, Problem{Message: "the key " + strconv.Quote(key) + " is missing"})
		}
	}
	if e.From != "" && !plainAddress(e.From) {
		d.add(at("from"), Problem{Message: "not a plain address", Found: strconv.Quote(e.From), Allowed: `an address such as "rollcall@example.com"`})
	}
	if d.written("notify", "email", "to") && len(e.To) == 0 {
		d.add(at("to"), Problem{Message: "empty: nobody would be written to"})
	}
	for _, to := range e.To {
		if !plainAddress(to) {
			d.add(at("to"), Problem{Message: "not a plain address", Found: strconv.Quote(to), Allowed: `addresses such as "it@example.com"`})
		}
	}
	if e.TLS == MailNone && !e.Server.IsZero() && !e.Server.Loopback() {
		d.add(at("tls"), Problem{Message: "mail without TLS is allowed to this machine only", Found: strconv.Quote(e.TLS), Allowed: `"starttls" or "tls"`})
	}
	if (e.User == "") != e.Password.IsZero() {
		d.add(toml.Key{"notify", "email"}, Problem{Message: "user and password go together, and one of them is missing"})
	}
}

func plainAddress(s string) bool {
	a, err := mail.ParseAddress(s)
	return err == nil && a.Address == s
}

// checkWebhook checks the address of a webhook without repeating it.
func checkWebhook(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return errors.New("not an absolute https URL")
	case u.Scheme == "http" && !loopbackHost(u.Hostname()):
		return errors.New("http would send what happens here in the clear: use https")
	}
	return nil
}
