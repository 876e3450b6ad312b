package config

import (
	"time"

	"rollcall/appliance/model"
)

// DefaultFile is where the configuration is looked for when nobody names another.
const DefaultFile = "/etc/rollcall/config.toml"

// The kinds that the key kind may name, HR systems before identity providers:
// this is the rank of sources that policy.authority leaves out.
var (
	sourceKinds = []model.Kind{
		model.KindHiBob, model.KindLucca, model.KindADP, model.KindCSV,
		model.KindSCIMPull, model.KindSCIM, model.KindOkta, model.KindAzure,
	}
	targetKinds = []model.Kind{model.KindJavelo, model.KindElevo, model.KindSCIM}
)

// luccaTokenURL is the default token_url of Lucca's API 2024-11-01: one host for
// all regions. API v3 has no tokens.
const luccaTokenURL = "https://accounts.world.luccasoftware.com/connect/token"

// Default returns the configuration of an empty file: no source, no target.
func Default() *Config {
	return &Config{
		Appliance: Appliance{
			DataDir:     "/var/lib/rollcall",
			AdminSocket: "/run/rollcall/admin.sock",
			ViewSocket:  "/run/rollcall/view.sock",
			TimeZone:    mustLocation("Europe/Paris"),
		},
		Log: Log{Level: "info", Format: "text"},
		SCIM: SCIM{
			Listen:     Address{Host: "0.0.0.0", Port: 8443, set: true},
			Extensions: map[string]map[string]AttributeType{}, TrustedProxies: []Prefix{},
		},
		Metrics: Metrics{Listen: Address{Host: "127.0.0.1", Port: 9464, set: true}},
		Sources: map[string]*Source{},
		Targets: map[string]*Target{},
		Policy: Policy{
			Authority:    []string{},
			Creates:      []string{},
			EmailDomains: []Domain{},
			Attributes:   map[model.Name][]string{},
			Lifecycle: Lifecycle{
				CreateBeforeStart: 7,
				Leave:             Keep,
				Absent:            Deactivate,
				AbsentReads:       2,
				Rehire:            RehireResume,
			},
			Guard: Guard{
				MaxDeactivations:    percent(5),
				MaxCreations:        percent(25),
				MaxAttributeChanges: percent(30),
				MaxSourceShrink:     percent(10),

				RollingDays:                7,
				MaxRollingDeactivations:    percent(10),
				MaxDepartmentDeactivations: percent(50),
			},
		},
		Backup: Backup{Every: Duration(day), Keep: 7, Recipients: []Recipient{}},
		// Long enough to answer for a review of the year before.
		Privacy: Privacy{KeepHistory: Duration(400 * day), Forgotten: ForgottenUntilActive},
	}
}

// defaultSource returns a source of the given kind as an otherwise empty table
// means it.
func defaultSource(name string, kind model.Kind) *Source {
	s := &Source{Name: name, Kind: kind, MatchOn: []model.IdentifierKind{model.IdentifierEmail}, Map: map[string]string{}}
	if !kind.Pushes() {
		// Entra's own rhythm; HR data does not change faster than people look.
		s.Interval = Duration(40 * time.Minute)
		s.Groups = []model.Name{}
	}
	switch kind {
	case model.KindOkta:
		s.Dialect = DialectOkta
	case model.KindAzure:
		s.Dialect = DialectAzure
	case model.KindSCIM:
		s.Dialect = DialectRFC
	case model.KindHiBob:
		s.BaseURL = mustURL("https://api.hibob.com/v1")
	case model.KindLucca:
		s.API = LuccaV3
		s.SkipField = "e_skip_elevo_sync"
	case model.KindADP:
		s.BaseURL = mustURL("https://api.adp.com")
		s.TokenURL = mustURL("https://accounts.adp.com/auth/oauth/v2/token")
	}
	return s
}

// defaultTarget returns a target of the given kind as an otherwise empty table
// means it.
func defaultTarget(name string, kind model.Kind) *Target {
	t := &Target{Name: name, Kind: kind, Map: map[string]string{}}
	switch kind {
	case model.KindJavelo:
		t.BaseURL = mustURL("https://api.javelo.io/scim/v2")
		// Javelo answers 429 above 300 in five minutes; a fifth is left to the
		// customer's other integrations.
		t.Rate = Rate{Max: 300, Per: 5 * time.Minute}
		t.Drift = DriftOverwrite
	case model.KindSCIM:
		t.Rate = Rate{Max: 300, Per: 5 * time.Minute}
		t.Drift = DriftOverwrite
	case model.KindElevo:
		t.Port = 22
		t.Path = "users.csv"
		t.Interval = Duration(24 * time.Hour)
	}
	return t
}
