package config

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/BurntSushi/toml"

	"rollcall/appliance/mapping"
	"rollcall/appliance/model"
)

// maxBatch is the most people that one request by ids reads.
const maxBatch = 5000

// maxSocketPath is what fits a unix socket address on Linux (sun_path, less its NUL).
const maxSocketPath = 107

// check looks at what no single key can tell, and fills in what follows from
// other keys.
func (d *decoder) check() {
	d.checkAppliance()
	d.checkListeners()
	d.checkExtensions()
	for _, name := range d.config.SourceNames() {
		d.checkSource(d.config.Sources[name])
	}
	for _, name := range d.config.TargetNames() {
		d.checkTarget(d.config.Targets[name])
	}
	d.checkPolicy()
	d.checkNotify()
	d.checkBackup()
}

func (d *decoder) written(key ...string) bool {
	_, exact, _ := d.lines.find(key)
	return exact
}

func (d *decoder) checkBackup() {
	b := &d.config.Backup
	if b.Dir == "" {
		b.Dir = Path(filepath.Join(string(d.config.Appliance.DataDir), "backups"))
	}
	if b.Keep < 1 {
		d.add(toml.Key{"backup", "keep"}, Problem{Message: "no copy would be left", Found: strconv.Itoa(b.Keep), Allowed: "a number from 1 on"})
	}
	if every := time.Duration(b.Every); every > 0 && every < time.Minute {
		d.add(toml.Key{"backup", "every"}, Problem{Message: "shorter than a minute", Found: strconv.Quote(b.Every.String()), Allowed: `"0s" for none, or from "1m" on`})
	}
}

func (d *decoder) checkAppliance() {
	a := d.config.Appliance
	for key, path := range map[string]Path{"admin_socket": a.AdminSocket, "view_socket": a.ViewSocket} {
		if len(path) > maxSocketPath {
			d.add(toml.Key{"appliance", key}, Problem{Message: fmt.Sprintf("longer than the %d bytes a socket's path may have", maxSocketPath)})
		}
	}
	if a.AdminSocket == a.ViewSocket {
		d.add(toml.Key{"appliance", "view_socket"}, Problem{Message: "the same as admin_socket",
			Hint: "their file permissions differ: give each its own path"})
	}
}

func (d *decoder) checkListeners() {
	s := &d.config.SCIM
	listen := toml.Key{"scim", "listen"}
	if s.Listen.IsZero() {
		d.add(listen, Problem{Message: "empty", Allowed: s.Listen.Allowed()})
		return
	}
	if m := d.config.Metrics.Listen; m.Port != 0 && m.Port == s.Listen.Port && m.Host == s.Listen.Host {
		d.add(toml.Key{"metrics", "listen"}, Problem{Message: "the same address as scim.listen", Found: strconv.Quote(m.String())})
	}
	encrypted := s.TLSCert != "" && s.TLSKey != ""
	if !encrypted && (s.TLSCert != "" || s.TLSKey != "") {
		d.add(toml.Key{"scim", "tls_cert"}, Problem{Message: "tls_cert and tls_key go together, and one of them is missing"})
		return
	}
	if !d.config.Listens() {
		return // nothing will listen
	}
	if !encrypted && !s.Listen.Loopback() {
		d.add(listen, Problem{Message: "SCIM without TLS is allowed on loopback only", Found: strconv.Quote(s.Listen.String()),
			Hint: `set tls_cert and tls_key, or listen on "127.0.0.1:8443" behind a proxy that ends TLS`})
	}
	if !s.PublicURL.IsZero() || d.written("scim", "public_url") {
		return
	}
	if !s.Listen.Loopback() {
		d.add(toml.Key{"scim", "public_url"}, Problem{Message: "missing; SCIM senders are given links that begin with it", Allowed: s.PublicURL.Allowed()})
		return
	}
	scheme := "http"
	if encrypted {
		scheme = "https"
	}
	s.PublicURL = URL{&url.URL{Scheme: scheme, Host: s.Listen.String()}}
}

// checkSource checks one source. Rules about single keys of a kind are here
// when they depend on another key.
func (d *decoder) checkSource(s *Source) {
	at := func(key string) toml.Key { return toml.Key{"sources", s.Name, key} }
	if len(s.MatchOn) == 0 {
		d.add(at("match_on"), Problem{Message: "empty: nothing would ever match", Allowed: oneOf(identifiersOf(s.Kind))})
	}
	for _, id := range s.MatchOn {
		if slices.Contains(identifiersOf(s.Kind), string(id)) {
			continue
		}
		p := Problem{Message: "not an identifier to match on", Found: strconv.Quote(string(id)), Allowed: oneOf(identifiersOf(s.Kind))}
		if id == model.IdentifierEmployeeNumber {
			p.Message = fmt.Sprintf("kind %q does not match by employee number: its numbers are not unique enough", s.Kind)
		}
		d.add(at("match_on"), p)
	}
	if !s.Kind.Pushes() && time.Duration(s.Interval) < time.Second {
		d.add(at("interval"), Problem{Message: "shorter than a second", Found: strconv.Quote(s.Interval.String())})
	}
	if s.BatchSize < 0 || s.BatchSize > maxBatch {
		d.add(at("batch_size"), Problem{Message: fmt.Sprintf("not between 0 and %d", maxBatch), Found: strconv.Itoa(s.BatchSize)})
	}
	if s.Kind == model.KindLucca {
		d.checkLucca(s)
	}
	d.checkGroups(at("groups"), s.Groups)
	if clash := d.config.Targets[s.Name]; clash != nil {
		d.add(toml.Key{"targets", s.Name}, Problem{Message: fmt.Sprintf("a source is called %q too", s.Name),
			Hint: "commands take names of both: give each its own"})
	}
	compiled, err := mapping.Compile(mapping.MapConfig{Attributes: namesOf(s.Map), Include: s.Scope.Include, Exclude: s.Scope.Exclude})
	d.expressions(toml.Key{"sources", s.Name}, err)
	s.compiled = compiled
}

// shared are the attributes that many people have in common, beside custom ones. The
// others say who somebody is, or what is nobody else's business.
var shared = []string{string(model.Title), string(model.Department), string(model.Site), string(model.Organization), string(model.Division),
	string(model.CostCenter), string(model.ContractType)}

// checkGroups notes the attributes of which no groups can be made.
func (d *decoder) checkGroups(key toml.Key, groups []model.Name) {
	for _, n := range groups {
		p := Problem{Found: strconv.Quote(string(n))}
		switch custom := strings.HasPrefix(string(n), model.CustomPrefix); {
		case !n.Valid():
			p.Message = "no such attribute"
			if p.Hint = didYouMean(string(n), shared); p.Hint == "" {
				p.Allowed = oneOf(shared) + ", or custom.NAME"
			}
		case !custom && !slices.Contains(shared, string(n)):
			p.Message, p.Allowed = "not an attribute that makes groups", oneOf(shared)+", or custom.NAME"
		default:
			continue
		}
		d.add(key, p)
	}
}

func identifiersOf(k model.Kind) []string {
	if k.MatchesEmployeeNumber() {
		return []string{string(model.IdentifierEmail), string(model.IdentifierEmployeeNumber)}
	}
	return []string{string(model.IdentifierEmail)}
}

// luccaHosts are the domains under which Lucca keeps its customers' tenants.
var luccaHosts = []string{
	".ilucca.net", ".ilucca.ch", ".ilucca-test.net", ".ilucca-test.ch", ".ilucca-demo.net", ".ilucca-demo.ch", ".luccasoftware.com",
}

func (d *decoder) checkLucca(s *Source) {
	key := func(name string) toml.Key { return toml.Key{"sources", s.Name, name} }
	table := toml.Key{"sources", s.Name}
	switch {
	case d.written("sources", s.Name, "account") && d.written("sources", s.Name, "base_url"):
		d.add(key("account"), Problem{Message: "account and base_url say the same thing twice", Hint: "keep one"})
	case !d.written("sources", s.Name, "account") && !d.written("sources", s.Name, "base_url"):
		d.add(table, Problem{Message: `the key "account" is missing`, Hint: `for https://acme.ilucca.net write account = "acme"; for another host, base_url`})
	case d.written("sources", s.Name, "account") && !hostLabel(s.Account):
		d.add(key("account"), Problem{Message: "not an account", Found: strconv.Quote(s.Account),
			Hint: `write the first word of the host only: for https://acme.ilucca.net, "acme"`})
	}
	if host := s.BaseURL.Copy(); host != nil && !loopbackHost(host.Hostname()) &&
		!slices.ContainsFunc(luccaHosts, func(suffix string) bool { return strings.HasSuffix(strings.ToLower(host.Hostname()), suffix) }) {
		d.add(key("base_url"), Problem{Message: "not a host of Lucca", Found: strconv.Quote(s.BaseURL.String()),
			Allowed: "a host ending in " + strings.Join(luccaHosts, ", ")})
	}
	needs, others := []string{"api_key"}, []string{"client_id", "client_secret", "token_url"}
	if s.API == Lucca2024 {
		needs, others = []string{"client_id", "client_secret"}, []string{"api_key"}
	}
	if s.API == Lucca2024 && s.TokenURL.IsZero() {
		s.TokenURL = mustURL(luccaTokenURL)
	}
	for _, name := range needs {
		if !d.written("sources", s.Name, name) {
			d.add(table, Problem{Message: fmt.Sprintf("the key %q is missing; api %q needs it", name, s.API)})
		}
	}
	for _, name := range others {
		if d.written("sources", s.Name, name) {
			d.add(key(name), Problem{Message: fmt.Sprintf("the key %q does not belong to api %q", name, s.API)})
		}
	}
}

// hostLabel reports whether s can be one label of a host name.
func hostLabel(s string) bool {
	if s == "" || len(s) > 63 || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

func (d *decoder) checkTarget(t *Target) {
	at := func(key string) toml.Key { return toml.Key{"targets", t.Name, key} }
	if t.Kind == model.KindElevo {
		if t.Port < 1 || t.Port > 65535 {
			d.add(at("port"), Problem{Message: "not a port", Found: strconv.Itoa(t.Port), Allowed: "1 to 65535"})
		}
		if strings.ContainsAny(t.Host, "/@: \t") {
			d.add(at("host"), Problem{Message: "not a host name", Found: strconv.Quote(t.Host), Hint: "port and user have keys of their own"})
		}
		if t.HostKey != "" && len(strings.Fields(t.HostKey)) < 2 {
			d.add(at("host_key"), Problem{Message: "not a public key", Allowed: `the line the server's operator published, "ssh-ed25519 AAAA…"`})
		}
		if t.Path == "" {
			d.add(at("path"), Problem{Message: "empty", Allowed: "the path of the file on the server"})
		}
		if time.Duration(t.Interval) < time.Minute {
			d.add(at("interval"), Problem{Message: "shorter than a minute", Found: strconv.Quote(t.Interval.String())})
		}
	}
	compiled, err := mapping.CompileOutbound(t.Map)
	d.expressions(toml.Key{"targets", t.Name}, err)
	t.compiled = compiled
}

func (d *decoder) checkPolicy() {
	p := &d.config.Policy
	names := d.config.SourceNames()
	d.checkSourceList(toml.Key{"policy", "authority"}, p.Authority, names)
	d.checkSourceList(toml.Key{"policy", "creates"}, p.Creates, names)
	for _, n := range sortedKeys(p.Attributes) {
		key := toml.Key{"policy", "attributes", string(n)}
		if !n.Valid() {
			d.add(key, Problem{Message: "no such attribute", Hint: didYouMean(string(n), attributeNames())})
		}
		if len(p.Attributes[n]) == 0 {
			d.add(key, Problem{Message: "empty: no source could ever give this attribute"})
		}
		d.checkSourceList(key, p.Attributes[n], names)
	}
	if n := p.Lifecycle.AbsentReads; n < 1 || n > 100 {
		d.add(toml.Key{"policy", "lifecycle", "absent_reads"}, Problem{Message: "out of range", Found: strconv.Itoa(n), Allowed: "1 to 100"})
	}
	if n := p.Guard.WavesFrom; n < 0 || n > 10_000_000 {
		d.add(toml.Key{"policy", "guard", "waves_from"}, Problem{Message: "out of range", Found: strconv.Itoa(n), Allowed: "0 for never, or a number of accounts"})
	}
	for _, n := range rankedSources(d.config) {
		if !slices.Contains(p.Authority, n) {
			p.Authority = append(p.Authority, n)
		}
	}
	if !d.written("policy", "creates") {
		p.Creates = names
	}
}

// checkSourceList notes the entries of a list that name no source.
func (d *decoder) checkSourceList(key toml.Key, list, names []string) {
	for _, n := range list {
		// A source whose own table is wrong is not blamed a second time.
		if slices.Contains(names, n) || d.written("sources", n) {
			continue
		}
		p := Problem{Message: "no such source", Found: strconv.Quote(n), Hint: didYouMean(n, names)}
		if p.Hint == "" {
			p.Allowed = oneOf(names)
		}
		if len(names) == 0 {
			p.Allowed, p.Hint = "", "no source is configured"
		}
		d.add(key, p)
	}
}

// rankedSources returns all sources, HR systems before identity providers.
func rankedSources(c *Config) []string {
	var ranked []string
	for _, kind := range sourceKinds {
		for _, n := range c.SourceNames() {
			if c.Sources[n].Kind == kind {
				ranked = append(ranked, n)
			}
		}
	}
	return ranked
}

func attributeNames() []string {
	names := make([]string, len(model.Names))
	for i, n := range model.Names {
		names[i] = string(n)
	}
	return names
}

func namesOf(m map[string]string) map[model.Name]string {
	out := make(map[model.Name]string, len(m))
	for k, v := range m {
		out[model.Name(k)] = v
	}
	return out
}

// expressions notes what is wrong with expressions, at the place inside the
// file when the expression is written on one line.
func (d *decoder) expressions(table toml.Key, err error) {
	var wrong mapping.Errors
	if !errors.As(err, &wrong) {
		return
	}
	for _, e := range wrong {
		key := append(slices.Clone(table), e.Key...)
		p := Problem{Message: e.Message, Hint: e.Hint}
		if e.Attribute {
			p.Hint = didYouMean(e.Key[len(e.Key)-1], attributeNames())
		}
		m, exact, ok := d.lines.find(key)
		if !exact && len(e.Key) == 2 {
			// custom.team may be written without quotes, as two names.
			if prefix, rest, cut := strings.Cut(e.Key[1], "."); cut {
				m, exact, ok = d.lines.find(append(slices.Clone(table), e.Key[0], prefix, rest))
			}
		}
		at := -1
		if ok {
			at = m.key
		}
		if exact && e.Line > 0 {
			at = d.insideExpression(m.value, e)
			p.Message = fmt.Sprintf("%s (line %d, column %d of the expression)", p.Message, e.Line, e.Column)
		}
		d.addAt(key, at, p)
	}
}

// insideExpression returns the offset of an error inside the text that begins
// at value, or value itself when escapes or line breaks make them differ.
func (d *decoder) insideExpression(value int, e *mapping.Error) int {
	text := d.lines.text[value:]
	end := strings.IndexByte(text, '\n')
	if end < 0 {
		end = len(text)
	}
	text = text[:end]
	if e.Line != 1 || strings.HasPrefix(text, "'''") || strings.HasPrefix(text, `"""`) || strings.HasPrefix(text, `"`) && strings.Contains(text, `\`) {
		return value
	}
	at := 1 // the quote
	for n := 1; n < e.Column && at < len(text); n++ {
		_, size := nextRune(text[at:])
		at += size
	}
	return value + min(at, len(text))
}

func nextRune(s string) (rune, int) {
	for i, r := range s {
		if i == 0 {
			return r, len(string(r))
		}
	}
	return 0, 1
}

// hasLiteralSecret returns the key of a secret that stands in the file itself.
func (c *Config) hasLiteralSecret() (toml.Key, bool) {
	var found toml.Key
	c.eachSecret(func(key toml.Key, s *Secret) {
		if s.from == "literal" && found == nil {
			found = key
		}
	})
	return found, found != nil
}
