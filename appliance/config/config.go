package config

import (
	"net"
	"net/url"
	"slices"
	"strings"

	"rollcall/appliance/mapping"
	"rollcall/appliance/model"
)

// Struct tags, read by every walk over the configuration:
//
//	toml   the key's name; "-" is not a key
//	kinds  the kinds of source or target that the key belongs to; without it, all
//	need   the kinds that cannot do without the key
//	oneof  the words allowed
//	empty  "off" where an empty text is a value of its own, to be shown
//	reload "restart" when a change takes effect only after a restart; without
//	       it, a change applies while running

// Config is the whole configuration, with every default filled in.
type Config struct {
	Appliance Appliance          `toml:"appliance"`
	Log       Log                `toml:"log"`
	SCIM      SCIM               `toml:"scim"`
	Metrics   Metrics            `toml:"metrics"`
	Sources   map[string]*Source `toml:"sources"` // by name
	Targets   map[string]*Target `toml:"targets"` // by name
	Policy    Policy             `toml:"policy"`
	Notify    Notify             `toml:"notify"`
	Journal   Journal            `toml:"journal"`
	Backup    Backup             `toml:"backup"`
	Privacy   Privacy            `toml:"privacy"`
	// Tests are the [[test]] tables.
	Tests []Test `toml:"-"`

	// File is where the configuration was read from, for messages.
	File string `toml:"-"`

	env   Environment
	lines source
}

// Appliance is the [appliance] table: where things are on this machine.
type Appliance struct {
	DataDir     Path     `toml:"data_dir" reload:"restart"`
	AdminSocket Path     `toml:"admin_socket" reload:"restart"`
	ViewSocket  Path     `toml:"view_socket" reload:"restart"`
	TimeZone    Location `toml:"time_zone" reload:"restart"` // whose "today" start and end dates mean
	// KeepHistory is how long the old and new values of changes are kept; 0: for ever.
	KeepHistory Days `toml:"keep_history" reload:"restart"`
}

// Log is the [log] table.
type Log struct {
	Level  string `toml:"level" oneof:"trace debug info warn error"`
	Format string `toml:"format" oneof:"text json" reload:"restart"`
}

// SCIM is the [scim] table: the listener for SCIM senders.
type SCIM struct {
	Listen Address `toml:"listen" reload:"restart"`
	// PublicURL is what senders were told, without /scim/v2 and without a slash
	// at the end. Left out, it follows from a loopback listen address.
	PublicURL URL  `toml:"public_url" reload:"restart"`
	TLSCert   Path `toml:"tls_cert" reload:"restart"` // PEM; re-read when the file changes
	TLSKey    Path `toml:"tls_key" reload:"restart"`
	// TrustedProxies are the addresses of proxies whose X-Forwarded-For is
	// believed; from anywhere else the header is ignored.
	TrustedProxies []Prefix `toml:"trusted_proxies" reload:"restart"`
	// Extensions are schemas of this tenant for users: URN → attribute → type.
	Extensions map[string]map[string]AttributeType `toml:"extensions" reload:"restart"`
}

// Metrics is the [metrics] table.
type Metrics struct {
	Listen Address `toml:"listen" reload:"restart" empty:"off"` // zero: no such listener
}

// The dialects a source of kind scim may be given.
const (
	DialectRFC     = "rfc" // RFC 7643 and 7644 to the letter
	DialectOkta    = "okta"
	DialectAzure   = "azure"
	DialectLenient = "lenient"
)

// The generations of Lucca's API, as the key api spells them.
const (
	LuccaV3   = "v3"
	Lucca2024 = "2024-11-01"
)

// Source is one [sources.NAME] table. Which keys it may have depends on Kind.
type Source struct {
	Name string     `toml:"-"`
	Kind model.Kind `toml:"kind" reload:"restart"`
	// MatchOn lists the identifiers by which records are correlated, best first.
	MatchOn []model.IdentifierKind `toml:"match_on" reload:"restart"`

	// Dialect is what a sender of kind scim speaks; of the kinds okta and azure
	// it is the kind's own, and not a key.
	Dialect string `toml:"dialect" reload:"restart" kinds:"scim" oneof:"rfc okta azure lenient"`

	BaseURL  URL      `toml:"base_url" reload:"restart" kinds:"hibob lucca adp scim-pull" need:"scim-pull"`
	Interval Duration `toml:"interval" reload:"restart" kinds:"hibob lucca adp scim-pull csv"`

	ServiceUserID    string `toml:"service_user_id" reload:"restart" kinds:"hibob" need:"hibob"`
	ServiceUserToken Secret `toml:"service_user_token" reload:"restart" kinds:"hibob" need:"hibob"`

	// BatchSize is how many people one request reads, by their ids; 0: everybody in
	// one answer.
	BatchSize int `toml:"batch_size" reload:"restart" kinds:"hibob"`

	// WebhookSecret is shared with the service, which then tells of changes; zero:
	// no webhook is taken.
	WebhookSecret Secret `toml:"webhook_secret" reload:"restart" kinds:"hibob lucca"`

	Account string `toml:"account" reload:"restart" kinds:"lucca"` // the first label of ACCOUNT.ilucca.net
	API     string `toml:"api" reload:"restart" kinds:"lucca" oneof:"v3 2024-11-01"`
	APIKey  Secret `toml:"api_key" reload:"restart" kinds:"lucca"`
	// SkipField is the code of the extension that leaves a person out when it is
	// ticked; empty: none.
	SkipField string `toml:"skip_field" reload:"restart" kinds:"lucca" empty:"off"`

	ClientID     string `toml:"client_id" reload:"restart" kinds:"lucca adp" need:"adp"`
	ClientSecret Secret `toml:"client_secret" reload:"restart" kinds:"lucca adp" need:"adp"`
	TokenURL     URL    `toml:"token_url" reload:"restart" kinds:"lucca adp"`
	ClientCert   Path   `toml:"client_cert" reload:"restart" kinds:"adp" need:"adp"` // PEM
	ClientKey    Path   `toml:"client_key" reload:"restart" kinds:"adp" need:"adp"`  // PEM
	CACert       Path   `toml:"ca_cert" reload:"restart" kinds:"adp"`                // PEM; zero: the system's

	Token Secret `toml:"token" reload:"restart" kinds:"scim-pull" need:"scim-pull"`

	Path Path `toml:"path" reload:"restart" kinds:"csv" need:"csv"`

	// Groups names attributes of which each value is a group, whose members are those
	// who have it; empty: no groups.
	Groups []model.Name `toml:"groups" kinds:"hibob lucca adp scim-pull csv"`

	Scope Scope             `toml:"scope"`
	Map   map[string]string `toml:"map"` // attribute name → expression over the record

	compiled *mapping.Mapping
}

// Scope is a [sources.NAME.scope] table: expressions that choose records.
type Scope struct {
	Include string `toml:"include"` // empty: everyone
	Exclude string `toml:"exclude"` // empty: nobody
}

// Mapping returns the compiled expressions of [sources.NAME.map] and
// [sources.NAME.scope]; nil, which is usable, when there is none.
func (s *Source) Mapping() *mapping.Mapping { return s.compiled }

// Endpoint returns where requests go: base_url, or for Lucca what the account
// says. Nil for the kinds that push and for csv.
func (s *Source) Endpoint() *url.URL {
	if !s.BaseURL.IsZero() {
		return s.BaseURL.Copy()
	}
	if s.Account != "" {
		return &url.URL{Scheme: "https", Host: s.Account + ".ilucca.net"}
	}
	return nil
}

// What to do when someone edited an account in the target.
const (
	DriftOverwrite = "overwrite"
	DriftReport    = "report"
)

// Target is one [targets.NAME] table. Which keys it may have depends on Kind.
type Target struct {
	Name string     `toml:"-"`
	Kind model.Kind `toml:"kind" reload:"restart"`

	BaseURL URL    `toml:"base_url" reload:"restart" kinds:"javelo scim" need:"scim"`
	Token   Secret `toml:"token" kinds:"javelo scim" need:"javelo scim"`
	// Rate is never exceeded in any window of its length.
	Rate              Rate   `toml:"rate" reload:"restart" kinds:"javelo scim"`
	Drift             string `toml:"drift" reload:"restart" kinds:"javelo scim" oneof:"overwrite report"`
	IdentifierChanges bool   `toml:"identifier_changes"`
	// Groups delivers the groups of sources, with their members.
	Groups bool `toml:"groups" reload:"restart" kinds:"javelo scim"`

	Host    string `toml:"host" reload:"restart" kinds:"elevo" need:"elevo"`
	Port    int    `toml:"port" reload:"restart" kinds:"elevo"`
	User    string `toml:"user" reload:"restart" kinds:"elevo" need:"elevo"`
	Key     Secret `toml:"key" reload:"restart" kinds:"elevo" need:"elevo"`      // the private SSH key, OpenSSH or PEM text
	HostKey string `toml:"host_key" reload:"restart" kinds:"elevo" need:"elevo"` // the server's public key, "ssh-ed25519 AAAA…"
	Path    string `toml:"path" reload:"restart" kinds:"elevo"`                  // of the file on the server
	// Interval is how often the file is written when something changed.
	Interval     Duration `toml:"interval" reload:"restart" kinds:"elevo"`
	GPGRecipient Path     `toml:"gpg_recipient" reload:"restart" kinds:"elevo"` // public key to encrypt to; zero: plain

	Map map[string]string `toml:"map" reload:"restart"` // target attribute → expression over the person

	compiled *mapping.Outbound
}

// Mapping returns the compiled expressions of [targets.NAME.map]; nil, which is
// usable, when there is none.
func (t *Target) Mapping() *mapping.Outbound { return t.compiled }

// What to do with people on leave, and with people no source lists any more.
const (
	Keep       = "keep"
	Deactivate = "deactivate"
)

// What to do when one record ended and another with the same identifier, and the
// same name or birth date, is current.
const (
	RehireResume = "resume" // one person, and their old accounts
	RehireAsk    = "ask"    // a conflict
)

// Policy is the [policy] table.
type Policy struct {
	// Authority ranks all sources: those the file lists, in its order, and then
	// the rest by kind (HR systems before identity providers) and name.
	Authority []string `toml:"authority"`
	// Creates names the sources that may bring a new person in.
	Creates      []string `toml:"creates"`
	EmailDomains []Domain `toml:"email_domains"` // empty: any but known personal-mail domains
	// Attributes is the authority for single attributes. Unlike Authority it is
	// exact: a source that is not listed never gives that attribute.
	Attributes map[model.Name][]string `toml:"attributes"`
	Lifecycle  Lifecycle               `toml:"lifecycle"`
	Guard      Guard                   `toml:"guard"`
}

// Lifecycle is the [policy.lifecycle] table.
type Lifecycle struct {
	CreateBeforeStart  Days   `toml:"create_before_start"`
	DeactivateAfterEnd Days   `toml:"deactivate_after_end"`
	Leave              string `toml:"leave" oneof:"keep deactivate"`
	Absent             string `toml:"absent" oneof:"keep deactivate"`
	AbsentReads        int    `toml:"absent_reads"` // complete reads in a row that must agree
	Rehire             string `toml:"rehire" oneof:"resume ask"`
}

// LeastDeactivations is how many deactivations a percentage always allows, so
// that one leaver in a company of ten needs no approval.
const LeastDeactivations = 3

// Guard is the [policy.guard] table: what one run may change in one target.
type Guard struct {
	MaxDeactivations    Limit `toml:"max_deactivations"` // see LeastDeactivations
	MaxCreations        Limit `toml:"max_creations"`
	MaxAttributeChanges Limit `toml:"max_attribute_changes"`
	MaxSourceShrink     Limit `toml:"max_source_shrink"`
	// WavesFrom is how many accounts a run must write to go out in waves; 0: never.
	WavesFrom int `toml:"waves_from"`
	// RollingDays are the days over which the next two count together what one run
	// alone is not stopped for.
	RollingDays                Days  `toml:"rolling_days"`
	MaxRollingDeactivations    Limit `toml:"max_rolling_deactivations"`    // see LeastDeactivations
	MaxDepartmentDeactivations Limit `toml:"max_department_deactivations"` // see LeastDeactivations
}

// Notify is the [notify] table: who is told of what needs a human.
type Notify struct {
	Webhook Webhook `toml:"webhook" reload:"restart"`
	Email   Email   `toml:"email" reload:"restart"`
	// Command is a program and its arguments; it reads the message on its
	// standard input.
	Command []string `toml:"command" reload:"restart"`
}

// Webhook is where holds, conflicts and failures are posted.
type Webhook struct {
	// URL is a secret because the addresses of chat hooks carry their token.
	URL Secret `toml:"url" reload:"restart"`
	// Secret signs each message; not set: nothing is signed.
	Secret Secret `toml:"secret" reload:"restart"`
}

// How the connection to a mail server is protected.
const (
	MailStartTLS = "starttls"
	MailTLS      = "tls"
	MailNone     = "none" // on loopback only
)

// Email is the mail server and who is written to.
type Email struct {
	Server   Server   `toml:"server" reload:"restart"`
	TLS      string   `toml:"tls" reload:"restart" oneof:"starttls tls none"` // default starttls
	User     string   `toml:"user" reload:"restart"`
	Password Secret   `toml:"password" reload:"restart"`
	From     string   `toml:"from" reload:"restart"`
	To       []string `toml:"to" reload:"restart"`
}

// Journal is the [journal] table.
type Journal struct {
	// Syslog is where each event is sent as well, as RFC 5424; zero: nowhere.
	Syslog SyslogAddress `toml:"syslog" empty:"off"`
	// Keep is how long events are kept; zero: for ever.
	Keep Duration `toml:"keep"`
}

// Backup is the [backup] table: copies that the appliance makes by itself.
type Backup struct {
	Dir Path `toml:"dir"` // left out: backups below data_dir
	// Every is how old the newest copy may become; zero: none is made.
	Every Duration `toml:"every"`
	Keep  int      `toml:"keep"` // how many copies stay
	// Recipients are age or SSH public keys that every backup is encrypted to;
	// empty: backups are not encrypted.
	Recipients []Recipient `toml:"recipients"`
}

// What to do when a source still lists somebody who was erased.
const (
	ForgottenUntilActive = "until_active" // leave them out until the source says they work here again
	ForgottenForGood     = "for_good"     // leave them out whatever it says
)

// Privacy is the [privacy] table.
type Privacy struct {
	// KeepHistory is how long the old and new values of changes are kept, beside
	// the journal, which names fields only; zero: for ever.
	KeepHistory Duration `toml:"keep_history"`
	Forgotten   string   `toml:"forgotten" oneof:"until_active for_good"`
}

// ServesSCIM reports whether some source pushes.
func (c *Config) ServesSCIM() bool {
	for _, s := range c.Sources {
		if s.Kind.Pushes() {
			return true
		}
	}
	return false
}

// Listens reports whether the listener of [scim] is needed: a source pushes, or
// takes webhooks.
func (c *Config) Listens() bool {
	for _, s := range c.Sources {
		if s.Kind.Pushes() || !s.WebhookSecret.IsZero() {
			return true
		}
	}
	return false
}

// SourceNames returns the names of the sources, sorted.
func (c *Config) SourceNames() []string { return sortedKeys(c.Sources) }

// TargetNames returns the names of the targets, sorted.
func (c *Config) TargetNames() []string { return sortedKeys(c.Targets) }

func sortedKeys[K ~string, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// loopbackHost reports whether host can only be this machine.
func loopbackHost(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return ip != nil && ip.IsLoopback()
}
