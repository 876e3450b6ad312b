package config

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/google/go-cmp/cmp"

	"rollcall/appliance/model"
)

// noEnvironment has no variables.
func noEnvironment() Environment { return Environment{} }

func environment(vars map[string]string) Environment {
	return Environment{LookupEnv: func(n string) (string, bool) { v, ok := vars[n]; return v, ok }}
}

func mustParse(t *testing.T, text string) *Config {
	t.Helper()
	c, err := Parse("t.toml", []byte(text), noEnvironment())
	if err != nil {
		t.Fatalf("Parse:\n%v", err)
	}
	return c
}

// problemsOf returns the lines of what is wrong with text.
func problemsOf(t *testing.T, text string) Problems {
	t.Helper()
	_, err := Parse("t.toml", []byte(text), noEnvironment())
	var p Problems
	if !errors.As(err, &p) {
		t.Fatalf("got %T %v, want problems", err, err)
	}
	return p
}

// mailing is a [notify.email] table that is right.
const mailing = "[notify.email]\nserver = \"smtp.example.com:587\"\nfrom = \"rollcall@example.com\"\nto = [\"it@example.com\"]\n"

const polled = "[sources.hibob]\nkind = \"hibob\"\nservice_user_id = \"S\"\nservice_user_token = \"t\"\n"

const push = "[scim]\nlisten = \"127.0.0.1:8443\"\n[sources.okta]\nkind = \"okta\"\n"

func TestAnEmptyFileIsTheDefaults(t *testing.T) {
	c := mustParse(t, "")
	if got, want := c.Appliance.DataDir, Path("/var/lib/rollcall"); got != want {
		t.Errorf("data_dir %q, want %q", got, want)
	}
	if got := c.Appliance.TimeZone.String(); got != "Europe/Paris" {
		t.Errorf("time_zone %q", got)
	}
	if c.Policy.Lifecycle != (Lifecycle{CreateBeforeStart: 7, Leave: Keep, Absent: Deactivate, AbsentReads: 2, Rehire: RehireResume}) {
		t.Errorf("lifecycle %+v", c.Policy.Lifecycle)
	}
	if got, want := c.Policy.Guard.MaxDeactivations, (Limit{Share: 500, Count: None}); got != want {
		t.Errorf("max_deactivations %+v, want %+v", got, want)
	}
	if c.ServesSCIM() || len(c.Sources)+len(c.Targets) != 0 {
		t.Errorf("sources %v, targets %v", c.Sources, c.Targets)
	}
}

func TestEachKindHasItsDefaults(t *testing.T) {
	c := mustParse(t, push+`
[sources.azure]
kind = "azure"
[sources.partner]
kind = "scim"
[sources.hibob]
kind = "hibob"
service_user_id = "SERVICE-12345"
service_user_token = "t"
[sources.lucca]
kind = "lucca"
account = "acme"
api_key = "k"
[sources.next]
kind = "lucca"
account = "acme"
api = "2024-11-01"
client_id = "i"
client_secret = "s"
[sources.adp]
kind = "adp"
client_id = "i"
client_secret = "s"
client_cert = "/c"
client_key = "/k"
[targets.javelo]
kind = "javelo"
token = "t"
[targets.elevo]
kind = "elevo"
host = "sftp.example.com"
user = "u"
key = "k"
host_key = "ssh-ed25519 AAAA"
`)
	type facts struct {
		Dialect, Endpoint, Token string
		Interval                 time.Duration
		MatchOn                  []model.IdentifierKind
	}
	email := []model.IdentifierKind{model.IdentifierEmail}
	want := map[string]facts{
		"okta":    {Dialect: "okta", MatchOn: email},
		"azure":   {Dialect: "azure", MatchOn: email},
		"partner": {Dialect: "rfc", MatchOn: email},
		"hibob":   {Endpoint: "https://api.hibob.com/v1", Interval: 40 * time.Minute, MatchOn: email},
		"lucca":   {Endpoint: "https://acme.ilucca.net", Interval: 40 * time.Minute, MatchOn: email},
		"next":    {Endpoint: "https://acme.ilucca.net", Token: "https://accounts.world.luccasoftware.com/connect/token", Interval: 40 * time.Minute, MatchOn: email},
		"adp":     {Endpoint: "https://api.adp.com", Token: "https://accounts.adp.com/auth/oauth/v2/token", Interval: 40 * time.Minute, MatchOn: email},
	}
	got := map[string]facts{}
	for name, s := range c.Sources {
		f := facts{Dialect: s.Dialect, Interval: time.Duration(s.Interval), MatchOn: s.MatchOn, Token: s.TokenURL.String()}
		if u := s.Endpoint(); u != nil {
			f.Endpoint = u.String()
		}
		got[name] = f
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := c.Sources["lucca"].SkipField; got != "e_skip_elevo_sync" {
		t.Errorf("skip_field %q", got)
	}
	if got := c.SCIM.PublicURL.String(); got != "http://127.0.0.1:8443" {
		t.Errorf("public_url %q follows from a loopback listener", got)
	}
	if got := c.Targets["javelo"]; got.Rate != (Rate{300, 5 * time.Minute}) || got.Drift != "overwrite" || got.IdentifierChanges {
		t.Errorf("javelo %+v", got)
	}
	if got := c.Targets["elevo"]; got.Port != 22 || got.Path != "users.csv" {
		t.Errorf("elevo %+v", got)
	}
	if diff := cmp.Diff([]string{"hibob", "lucca", "next", "adp", "partner", "okta", "azure"}, c.Policy.Authority); diff != "" {
		t.Errorf("authority without a line: %s", diff)
	}
	if diff := cmp.Diff([]string{"adp", "azure", "hibob", "lucca", "next", "okta", "partner"}, c.Policy.Creates); diff != "" {
		t.Errorf("creates without a line: %s", diff)
	}
}

func TestAuthorityIsCompletedAndAttributeAuthorityIsExact(t *testing.T) {
	c := mustParse(t, push+`
[sources.azure]
kind = "azure"
[sources.sheet]
kind = "csv"
path = "/p.csv"
[policy]
authority = ["azure"]
creates = []
[policy.attributes]
title = ["okta"]
custom.team = ["sheet"]
`)
	if diff := cmp.Diff([]string{"azure", "sheet", "okta"}, c.Policy.Authority); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[model.Name][]string{"title": {"okta"}, "custom.team": {"sheet"}}, c.Policy.Attributes); diff != "" {
		t.Error(diff)
	}
	if len(c.Policy.Creates) != 0 {
		t.Errorf("creates = [] became %q", c.Policy.Creates)
	}
}

func TestProblemNamesPlaceKeyFoundAllowedAndNearest(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"unknown key", "[log]\n  levle = \"info\"", `t.toml:2:3: log.levle: unknown key; did you mean "level"?`},
		{"unknown table", "[logs]", `t.toml:1:2: logs: unknown key; did you mean "log"?`},
		{"unknown key without a likeness", "[log]\nzzzzzzzz = 1", `t.toml:2:1: log.zzzzzzzz: unknown key, allowed: level, format`},
		{"letter case", "[log]\nLevel = \"info\"", `t.toml:2:1: log.Level: unknown key; did you mean "level"?`},
		{"key of another table", "[log]\ndata_dir = \"/x\"", `t.toml:2:1: log.data_dir: unknown key; it belongs in [appliance]`},
		{"test that expects nothing", push + "[[test]]\nname = \"x\"\nsource = \"okta\"\nrecord = \"{}\"", `t.toml:5:3: test: test "x": it expects nothing`},
		{"wrong type", "[log]\nlevel = 3", `t.toml:2:9: log.level: wrong type: found 3, allowed: "trace", "debug", "info", "warn", "error"`},
		{"table for a value", "[log.level]\nx = 1", `t.toml:1:2: log.level: wrong type: found a table, allowed: "trace", "debug", "info", "warn", "error"`},
		{"value for a table", "log = 3", `t.toml:1:7: log: wrong type: found 3, allowed: a table, [log]`},
		{"list for a table", "[policy]\nguard = [1]", `t.toml:2:9: policy.guard: wrong type: found a list, allowed: a table`},
		{"word", "[log]\nformat = \"jsno\"", `t.toml:2:10: log.format: not one of the words allowed: found "jsno", allowed: "text", "json"; did you mean "json"?`},
		{"duration", push + "[sources.x]\nkind=\"csv\"\npath=\"/x\"\ninterval = \"40 minutes\"", `t.toml:8:12: sources.x.interval: not a duration: found "40 minutes", allowed: a duration such as "30s", "40m", "1h30m" or "7d"`},
		{"number for a duration", push + "[sources.x]\nkind=\"csv\"\npath=\"/x\"\ninterval = 40", `t.toml:8:12: sources.x.interval: wrong type: found 40, allowed: a duration such as "30s", "40m", "1h30m" or "7d"`},
		{"no interval", push + "[sources.x]\nkind=\"csv\"\npath=\"/x\"\ninterval = \"0s\"", `t.toml:8:12: sources.x.interval: shorter than a second: found "0s"`},
		{"days", "[policy.lifecycle]\ncreate_before_start = \"36h\"", `t.toml:2:23: policy.lifecycle.create_before_start: not a number of whole days: found "36h", allowed: whole days such as "0d" or "7d"`},
		{"zone", "[appliance]\ntime_zone = \"Europe/Pari\"", `t.toml:2:13: appliance.time_zone: no such time zone: found "Europe/Pari", allowed: a zone of the time zone database such as "Europe/Paris"`},
		{"limit", "[policy.guard]\nmax_creations = \"lots\"", `t.toml:2:17: policy.guard.max_creations: not a percentage: found "lots", allowed: a number such as 20, a percentage such as "5%", or both as ["5%", 20]`},
		{"absent reads", "[policy.lifecycle]\nabsent_reads = 0", `t.toml:2:16: policy.lifecycle.absent_reads: out of range: found 0, allowed: 1 to 100`},
		{"relative path", "[appliance]\ndata_dir = \"data\"", `t.toml:2:12: appliance.data_dir: not an absolute path: found "data", allowed: an absolute path such as "/etc/rollcall/secrets/hibob"`},
		{"same socket", "[appliance]\nview_socket = \"/run/rollcall/admin.sock\"", `t.toml:2:1: appliance.view_socket: the same as admin_socket; their file permissions differ: give each its own path`},
		{"long socket", "[appliance]\nview_socket = \"/" + strings.Repeat("x", 120) + "\"", `t.toml:2:1: appliance.view_socket: longer than the 107 bytes a socket's path may have`},

		{"no kind", "[sources.x]", `t.toml:1:2: sources.x: the key "kind" is missing, allowed: "hibob", "lucca", "adp", "csv", "scim-pull", "scim", "okta", "azure"`},
		{"no such kind", "[sources.x]\nkind = \"hibbo\"", `t.toml:2:8: sources.x.kind: no such kind: found "hibbo", allowed: "hibob", "lucca", "adp", "csv", "scim-pull", "scim", "okta", "azure"; did you mean "hibob"?`},
		{"name", "[sources.Okta]\nkind = \"csv\"\npath = \"/p\"", `t.toml:1:2: sources.Okta: not a name: found "Okta", allowed: up to 32 lower-case letters, digits, - and _, beginning with a letter`},
		{"missing key of the kind", "[sources.x]\nkind = \"csv\"", `t.toml:1:2: sources.x: the key "path" is missing; kind "csv" needs it, allowed: an absolute path such as "/etc/rollcall/secrets/hibob"`},
		{"key of another kind", "[sources.x]\nkind = \"csv\"\npath = \"/p\"\napi_key = \"k\"", `t.toml:4:1: sources.x.api_key: the key "api_key" does not belong to kind "csv"; it is for lucca`},
		{"dialect of okta", push + "dialect = \"rfc\"", `t.toml:5:1: sources.okta.dialect: the key "dialect" does not belong to kind "okta"; it is for scim`},
		{"empty required", "[sources.x]\nkind = \"hibob\"\nservice_user_id = \" \"\nservice_user_token = \"t\"", `t.toml:3:19: sources.x.service_user_id: empty: found " ", allowed: a text`},
		{"match_on not for the kind", push + "match_on = [\"employee_number\"]", `t.toml:5:12: sources.okta.match_on: kind "okta" does not match by employee number: its numbers are not unique enough: found "employee_number", allowed: "email"`},
		{"match_on nothing", push + "match_on = []", `t.toml:5:1: sources.okta.match_on: empty: nothing would ever match, allowed: "email"`},
		{"match_on twice", push + "match_on = [\"email\", \"email\"]", `t.toml:5:12: sources.okta.match_on: listed twice: found "email"`},
		{"groups of no attribute", polled + "groups = [\"departement\"]", `t.toml:5:10: sources.hibob.groups: no such attribute: found "departement"; did you mean "department"?`},
		{"groups of nothing like it", polled + "groups = [\"zodiac sign\"]", `t.toml:5:10: sources.hibob.groups: no such attribute: found "zodiac sign", allowed: "title", "department", "site", "organization", "division", "cost_center", "contract_type", or custom.NAME`},
		{"groups of what says who somebody is", polled + "groups = [\"department\", \"birth_date\"]", `t.toml:5:10: sources.hibob.groups: not an attribute that makes groups: found "birth_date", allowed: "title", "department", "site", "organization", "division", "cost_center", "contract_type", or custom.NAME`},
		{"groups twice", polled + "groups = [\"site\", \"site\"]", `t.toml:5:10: sources.hibob.groups: listed twice: found "site"`},
		{"groups that are no list", polled + "groups = true", `t.toml:5:10: sources.hibob.groups: wrong type: found true, allowed: a list of texts`},
		{"groups of a sender", push + "groups = [\"department\"]", `t.toml:5:1: sources.okta.groups: the key "groups" does not belong to kind "okta"; it is for hibob, lucca, adp, scim-pull, csv`},
		{"match_on unknown", push + "match_on = [\"mail\"]", `t.toml:5:12: sources.okta.match_on: not an identifier to match on: found "mail", allowed: "email"`},
		{"source and target of one name", push + "[targets.okta]\nkind=\"javelo\"\ntoken=\"t\"", `t.toml:5:2: targets.okta: a source is called "okta" too; commands take names of both: give each its own`},
		{"http", "[sources.x]\nkind = \"scim-pull\"\ntoken = \"t\"\nbase_url = \"http://idm.example.com\"", `t.toml:4:12: sources.x.base_url: http would send secrets and people in the clear: found "http://idm.example.com", allowed: an https URL such as "https://idm.example.com/scim/v2"; http on loopback only`},
		{"password in a URL", "[sources.x]\nkind = \"scim-pull\"\ntoken = \"t\"\nbase_url = \"https://u:hunter2@idm.example.com\"", `t.toml:4:12: sources.x.base_url: a URL must not carry a user name or password: found a URL with a user name in it, allowed: an https URL such as "https://idm.example.com/scim/v2"; http on loopback only`},

		{"lucca with neither", "[sources.x]\nkind = \"lucca\"\napi_key = \"k\"", `t.toml:1:2: sources.x: the key "account" is missing; for https://acme.ilucca.net write account = "acme"; for another host, base_url`},
		{"lucca with both", "[sources.x]\nkind = \"lucca\"\napi_key = \"k\"\naccount = \"a\"\nbase_url = \"https://a.ilucca.net\"", `t.toml:4:1: sources.x.account: account and base_url say the same thing twice; keep one`},
		{"lucca with a URL for an account", "[sources.x]\nkind = \"lucca\"\napi_key = \"k\"\naccount = \"https://acme.ilucca.net\"", `t.toml:4:11: sources.x.account: not an account: found "https://acme.ilucca.net"; write the first word of the host only: for https://acme.ilucca.net, "acme"`},
		{"lucca elsewhere", "[sources.x]\nkind = \"lucca\"\napi_key = \"k\"\nbase_url = \"https://lucca.example.com\"", `t.toml:4:12: sources.x.base_url: not a host of Lucca: found "https://lucca.example.com", allowed: a host ending in .ilucca.net, .ilucca.ch, .ilucca-test.net, .ilucca-test.ch, .ilucca-demo.net, .ilucca-demo.ch, .luccasoftware.com`},
		{"lucca without a key", "[sources.x]\nkind = \"lucca\"\naccount = \"a\"", `t.toml:1:2: sources.x: the key "api_key" is missing; api "v3" needs it`},

		{"scim in the clear", "[sources.okta]\nkind = \"okta\"\n[scim]\nlisten = \"0.0.0.0:8443\"\npublic_url = \"https://r.example.com\"", `t.toml:4:10: scim.listen: SCIM without TLS is allowed on loopback only: found "0.0.0.0:8443"; set tls_cert and tls_key, or listen on "127.0.0.1:8443" behind a proxy that ends TLS`},
		{"half of TLS", "[scim]\ntls_cert = \"/c\"", `t.toml:2:1: scim.tls_cert: tls_cert and tls_key go together, and one of them is missing`},
		{"no public URL", "[sources.okta]\nkind = \"okta\"\n[scim]\ntls_cert = \"/c\"\ntls_key = \"/k\"", `t.toml:3:2: scim.public_url: missing; SCIM senders are given links that begin with it, allowed: an https URL such as "https://idm.example.com/scim/v2"; http on loopback only`},
		{"same address", "[metrics]\nlisten = \"0.0.0.0:8443\"", `t.toml:2:10: metrics.listen: the same address as scim.listen: found "0.0.0.0:8443"`},
		{"address", "[metrics]\nlisten = \"9464\"", `t.toml:2:10: metrics.listen: not host:port: found "9464", allowed: host and port such as "127.0.0.1:9464" or "0.0.0.0:8443"`},

		{"authority", push + "[policy]\nauthority = [\"okta\", \"hibbob\"]\n[sources.hibob]\nkind=\"hibob\"\nservice_user_id=\"S\"\nservice_user_token=\"t\"", `t.toml:6:13: policy.authority: no such source: found "hibbob"; did you mean "hibob"?`},
		{"creates", push + "[policy]\ncreates = [\"nobody\"]", `t.toml:6:11: policy.creates: no such source: found "nobody", allowed: "okta"`},
		{"attribute authority", push + "[policy.attributes]\ntitle = [\"sheet\"]", `t.toml:6:9: policy.attributes.title: no such source: found "sheet", allowed: "okta"`},
		{"attribute name", push + "[policy.attributes]\ntitel = [\"okta\"]", `t.toml:6:1: policy.attributes.titel: no such attribute; did you mean "title"?`},
		{"domain", "[policy]\nemail_domains = [\"@acme.example\"]", `t.toml:2:17: policy.email_domains: leave out the @: found "@acme.example", allowed: a list, each a mail domain such as "example.com"`},

		{"rate", "[targets.x]\nkind = \"javelo\"\ntoken = \"t\"\nrate = \"300\"", `t.toml:4:8: targets.x.rate: not requests/time: found "300", allowed: requests per time such as "300/5m"`},
		{"flag", "[targets.x]\nkind = \"javelo\"\ntoken = \"t\"\nidentifier_changes = \"yes\"", `t.toml:4:22: targets.x.identifier_changes: wrong type: found "yes", allowed: true or false`},
		{"port", "[targets.x]\nkind = \"elevo\"\nhost = \"h\"\nuser = \"u\"\nkey = \"k\"\nhost_key = \"ssh-ed25519 AAAA\"\nport = 0", `t.toml:7:8: targets.x.port: not a port: found 0, allowed: 1 to 65535`},

		{"expression", push + "[sources.okta.map]\ntitle = 'userType +'", `t.toml:6:19: sources.okta.map.title: unexpected token EOF (line 1, column 10 of the expression)`},
		{"expression in the middle", push + "[sources.okta.map]\ntitle = 'upper(a) + now()'", `t.toml:6:21: sources.okta.map.title: no such function (line 1, column 12 of the expression); `},
		{"expression without quotes around custom", push + "[sources.okta.map]\ncustom.x = 'now()'", `t.toml:6:13: sources.okta.map."custom.x": no such function (line 1, column 1 of the expression); `},
		{"mapped attribute", push + "[sources.okta.map]\nmanger = 'x'", `t.toml:6:1: sources.okta.map.manger: no such attribute; did you mean "manager"?`},
		{"scope", push + "[sources.okta.scope]\nexclude = '1 + 1'", `t.toml:6:1: sources.okta.scope.exclude: expected bool, but got int`},
		{"outbound", push + "[targets.javelo]\nkind=\"javelo\"\ntoken=\"t\"\n[targets.javelo.map]\nregion = 'sites'", `t.toml:9:11: targets.javelo.map.region: a person has no attribute called "sites" (line 1, column 1 of the expression); known are `},
		{"mapping that is no text", push + "[sources.okta.map]\ntitle = 3", `t.toml:6:9: sources.okta.map.title: wrong type: found 3, allowed: an expression as a text`},

		{"webhook without url", "[notify]\nwebhook = {}", `t.toml:2:1: notify.webhook: the key "url" is missing`},
		{"mail to nobody", strings.Replace(mailing, "to = [\"it@example.com\"]\n", "", 1), `t.toml:1:2: notify.email: the key "to" is missing`},
		{"mail in the clear", mailing + "tls = \"none\"", `t.toml:5:7: notify.email.tls: mail without TLS is allowed to this machine only: found "none", allowed: "starttls" or "tls"`},
		{"mail with a user and no password", mailing + "user = \"x\"", `t.toml:1:2: notify.email: user and password go together, and one of them is missing`},
		{"mail to a name", strings.Replace(mailing, "it@example.com", "IT <it@example.com>", 1), `t.toml:4:6: notify.email.to: not a plain address: found "IT <it@example.com>", allowed: addresses such as "it@example.com"`},
		{"mail server without a port", strings.Replace(mailing, ":587", "", 1), `t.toml:2:10: notify.email.server: not host:port: found "smtp.example.com", allowed: host and port such as "smtp.example.com:587"`},
		{"command by name", "[notify]\ncommand = [\"page\"]", `t.toml:2:11: notify.command: the program's path is not absolute: found "page", allowed: a program and its arguments, ["/usr/local/bin/page", "--urgent"]; it is started without a shell`},
		{"webhook in the clear", "[notify]\nwebhook = { url = \"http://hooks.example.com/x\" }", `t.toml:2:13: notify.webhook.url: http would send what happens here in the clear: use https`},
		{"syntax", "[log]\nlevel = loud", `t.toml:2:9: log.level: not TOML: expected value but found "loud" instead`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := problemsOf(t, tt.text)
			if len(p) != 1 {
				t.Fatalf("got %d problems, want one:\n%v", len(p), p)
			}
			got := p[0].String()
			if strings.HasSuffix(tt.want, "; ") {
				got = got[:min(len(got), len(tt.want))]
			}
			if strings.HasSuffix(tt.want, " known are ") {
				got = got[:min(len(got), len(tt.want))]
			}
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestAllProblemsComeAtOnceInTheOrderOfTheFile(t *testing.T) {
	p := problemsOf(t, `[log]
level = "loud"
colour = true
[sources.hibob]
kind = "hibob"
intervall = "1h"
interval = 5
[sources.other]
[policy]
authority = ["hibob", "other", "nobody"]
[policy.guard]
max_creations = 1.5
[targets.elevo]
kind = "elevo"
port = 99999
`)
	var got []string
	for _, one := range p {
		got = append(got, one.Key+" "+one.Message)
	}
	want := []string{
		"log.level not one of the words allowed",
		"log.colour unknown key",
		`sources.hibob the key "service_user_id" is missing; kind "hibob" needs it`,
		`sources.hibob the key "service_user_token" is missing; kind "hibob" needs it`,
		"sources.hibob.intervall unknown key",
		"sources.hibob.interval wrong type",
		`sources.other the key "kind" is missing`,
		"policy.authority no such source",
		"policy.guard.max_creations neither a number nor a percentage",
		`targets.elevo the key "host" is missing; kind "elevo" needs it`,
		`targets.elevo the key "user" is missing; kind "elevo" needs it`,
		`targets.elevo the key "key" is missing; kind "elevo" needs it`,
		`targets.elevo the key "host_key" is missing; kind "elevo" needs it`,
		"targets.elevo.port not a port",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if lines := strings.Split(p.Error(), "\n"); len(lines) != len(p) {
		t.Errorf("%d lines for %d problems", len(lines), len(p))
	}
}

func TestLuccaGenerationsHaveTheirOwnKeys(t *testing.T) {
	p := problemsOf(t, "[sources.x]\nkind = \"lucca\"\naccount = \"a\"\napi = \"2024-11-01\"\napi_key = \"k\"")
	got := p.Error()
	for _, want := range []string{
		`the key "client_id" is missing; api "2024-11-01" needs it`,
		`the key "client_secret" is missing; api "2024-11-01" needs it`,
		`5:1: sources.x.api_key: the key "api_key" does not belong to api "2024-11-01"`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

func TestDetailPointsAtThePlaceButNeverShowsALineWithASecret(t *testing.T) {
	p := problemsOf(t, "[log]\n\tlevel = \"loud\"\n[targets.x]\nkind = \"javelo\"\ntoken = \"\"\ntoken_hunter2 = \"hunter2\"\n")
	want := "t.toml:2:10: log.level: not one of the words allowed: found \"loud\", allowed: \"trace\", \"debug\", \"info\", \"warn\", \"error\"\n" +
		"     2 | \tlevel = \"loud\"\n" +
		"       | \t        ^\n"
	if got := p.Detail(); !strings.HasPrefix(got, want) || strings.Contains(got, "\"hunter2\"") {
		t.Errorf("got\n%s\nwant it to begin with\n%s", got, want)
	}
}

func TestBrokenSecretLinesAreNotRepeated(t *testing.T) {
	for _, text := range []string{
		"[targets.x]\nkind = \"javelo\"\ntoken = hunter2\n",
		"[targets.x]\nkind = \"javelo\"\ntoken = \"hunter2\n",
		"[targets.x]\nkind = \"javelo\"\ntoken = \"\\hunter2\"\n",
		"[targets.x]\nkind = \"javelo\"\ntoken = 5hunter2\n",
		"[targets.x]\nkind = \"javelo\"\ntoken = [\"hunter2\"]\n",
		"[targets.x]\nkind = \"javelo\"\ntoken = { hunter2 = \"hunter2\", b = \"hunter2\" }\n",
		"[targets.x]\nkind = \"javelo\"\ntoken = { env = \"hunter2=\" }\n",
		"[targets.x]\nkind = \"elevo\"\nkey = \"\"\"\nhunter2\n\\q\n\"\"\"\n",
		"[notify]\nwebhook = { url = \"ftp://hunter2\" }\n",
		"[notify]\nwebhook = { url = \"https://%zzhunter2\" }\n",
		"[notify.webhook]\nurl = \"hunter2\"\n",
	} {
		_, err := Parse("t.toml", []byte(text), noEnvironment())
		var p Problems
		if !errors.As(err, &p) {
			t.Fatalf("%q: got %v", text, err)
		}
		if out := p.Detail() + p.Error(); strings.Contains(out, "hunter2") {
			t.Errorf("%q is repeated:\n%s", text, out)
		}
	}
}

func TestExampleFileIsValidAndHasEveryKeyWithItsDefault(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "config.example.toml"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Parse("config.example.toml", text, noEnvironment()); err != nil {
		t.Fatalf("as it stands:\n%v", err)
	}

	// With every optional line switched on it must still parse, apart from the
	// line that is an alternative, and mean the same: commented lines are defaults.
	full, defaults := uncomment(string(text))
	c, err := Parse("config.example.toml", []byte(full), noEnvironment())
	if err != nil {
		t.Fatalf("with the optional lines:\n%v", err)
	}
	plain, err := Parse("config.example.toml", text, noEnvironment())
	if err != nil {
		t.Fatal(err)
	}
	var changed []string
	for _, ch := range Diff(plain, c) {
		changed = append(changed, ch.Key)
	}
	// No default can stand for these: without the line there is none.
	if diff := cmp.Diff([]string{"sources.adp.ca_cert", "sources.hibob.webhook_secret", "sources.lucca.scope.include", "sources.lucca-next.webhook_secret",
		"targets.elevo.gpg_recipient", "notify.webhook.secret", "notify.email.user", "notify.email.password", "notify.command"}, changed); diff != "" {
		t.Errorf("commented lines that are not the default: %s", diff)
	}
	if defaults < 20 {
		t.Errorf("only %d commented keys were found: has the layout of the file changed?", defaults)
	}

	shown := map[string]bool{}
	for _, m := range locate(full) {
		shown[generic(m.path)] = true
	}
	for key := range everyKey() {
		if !shown[key] {
			t.Errorf("%s is not in the example", key)
		}
	}
}

// uncomment switches on the lines "# key = value" and counts them.
func uncomment(text string) (string, int) {
	n := 0
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		rest, ok := strings.CutPrefix(l, "# ")
		name, _, isPair := strings.Cut(rest, "=")
		if !ok || !isPair || strings.ContainsAny(strings.TrimSpace(name), " :\"{[") {
			continue
		}
		lines[i] = rest
		n++
	}
	return strings.Join(lines, "\n"), n
}

// generic replaces the names an administrator chooses.
func generic(path toml.Key) string {
	path = slices.Clone(path)
	if len(path) > 1 && (path[0] == "sources" || path[0] == "targets") {
		path[1] = "NAME"
	}
	if len(path) > 2 && path[0] == "scim" && path[1] == "extensions" {
		path = path[:2]
	}
	return path.String()
}

// everyKey returns all keys that some configuration could have.
func everyKey() map[string]bool {
	keys := map[string]bool{}
	var add func(path toml.Key, t reflect.Type)
	add = func(path toml.Key, t reflect.Type) {
		for _, f := range keysOf(t) {
			key := below(path, f.Tag.Get("toml"))
			switch {
			case f.Type.Kind() == reflect.Map && f.Type.Elem().Kind() == reflect.Pointer:
				add(below(key, "NAME"), f.Type.Elem().Elem())
			case isTable(f.Type):
				add(key, f.Type)
			default:
				keys[key.String()] = true
			}
		}
	}
	add(nil, reflect.TypeFor[Config]())
	return keys
}

func TestTableTypesKnowEveryTable(t *testing.T) {
	want := map[string]bool{}
	for key := range everyKey() {
		parts := strings.Split(key, ".")
		for n := len(parts) - 1; n > 0; n-- {
			want[strings.Join(parts[:n], ".")] = true
		}
	}
	got := map[string]bool{"sources": true, "targets": true} // whose keys are names
	for _, tt := range tableTypes {
		got[tt.path] = true
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestNoFileSaysWhereItLookedAndWhatToDo(t *testing.T) {
	dir := t.TempDir()
	missing := filepath.Join(dir, "missing.toml")
	for _, tt := range []struct {
		name, path string
		env        Environment
		want       []string
	}{
		{"named", missing, noEnvironment(), []string{missing, "--config", "rollcall install"}},
		{"by the variable", "", environment(map[string]string{PathVariable: missing}), []string{missing, "named by $ROLLCALL_CONFIG"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := LoadIn(tt.path, tt.env)
			if !errors.Is(err, os.ErrNotExist) {
				t.Fatalf("got %v", err)
			}
			for _, w := range tt.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("no %q in %q", w, err)
				}
			}
		})
	}
	if _, err := LoadIn(dir, noEnvironment()); err == nil {
		t.Error("a directory was read as a configuration")
	}
}

func TestLoadRefusesALiteralSecretInAFileOpenToEveryone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.toml")
	text := "[targets.javelo]\nkind = \"javelo\"\ntoken = \"hunter2\"\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); err != nil {
		t.Fatalf("mode 0600: %v", err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := Load(path)
	if err == nil || !strings.Contains(err.Error(), path+":3:1: targets.javelo.token") || !strings.Contains(err.Error(), "chmod 0640") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("mode 0644: got %v", err)
	}
}
