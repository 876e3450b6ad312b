package appliance

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"rollcall/appliance/config"
	"rollcall/appliance/hook"
	"rollcall/appliance/ingest"
	"rollcall/appliance/model"
	"rollcall/appliance/reconcile"
	"rollcall/connectors"
	"rollcall/connectors/adp"
	"rollcall/connectors/csv"
	"rollcall/connectors/elevo"
	"rollcall/connectors/hibob"
	"rollcall/connectors/javelo"
	"rollcall/connectors/lucca"
	"rollcall/connectors/scim"
	"rollcall/connectors/wire"
)

// settings turns the configuration into what package ingest decides by.
func (a *App) settings(cfg *config.Config) (*ingest.Settings, error) {
	p := cfg.Policy
	s := &ingest.Settings{
		Location:    cfg.Appliance.TimeZone.Location,
		AbsentReads: p.Lifecycle.AbsentReads, ForgottenForGood: cfg.Privacy.Forgotten == config.ForgottenForGood,
		WavesFrom: p.Guard.WavesFrom,
		Sources:   map[string]ingest.SourceSettings{},
		Policy:    policyOf(cfg),
		Limits: reconcile.Limits{
			Deactivations: limit(p.Guard.MaxDeactivations), Creations: limit(p.Guard.MaxCreations),
			Attributes: limit(p.Guard.MaxAttributeChanges), Shrink: limit(p.Guard.MaxSourceShrink),
			Rolling: limit(p.Guard.MaxRollingDeactivations), Department: limit(p.Guard.MaxDepartmentDeactivations), RollingDays: int(p.Guard.RollingDays),
		},
	}
	for name, src := range cfg.Sources {
		set := ingest.SourceSettings{Kind: src.Kind, Scope: askedAs(src), MatchNumber: slices.Contains(src.MatchOn, model.IdentifierEmployeeNumber) && src.Kind.MatchesEmployeeNumber(), Print: mapPrint(src), Groups: src.Groups}
		set.Adjust = src.Mapping().Apply
		if src.Kind.Pushes() {
			set.MapResource = mapResource
		}
		s.Sources[name] = set
	}
	for _, name := range cfg.TargetNames() {
		t := cfg.Targets[name]
		rules, err := targetRules(t)
		if err != nil {
			return nil, err
		}
		s.Targets = append(s.Targets, ingest.TargetSettings{Name: name, Rules: rules, Drift: t.Drift, Groups: t.Groups, ReadBack: t.Kind != model.KindElevo})
	}
	return s, nil
}

func limit(l config.Limit) reconcile.Limit {
	return reconcile.Limit{Count: l.Count, HasCount: l.Count != config.None, Percent: float64(l.Share) / 100, HasPercent: l.Share != config.None}
}

// askedAs says whom a polled source is asked as, without any secret: what it shows
// depends on it, and so do the ids it gives to people.
func askedAs(s *config.Source) string {
	if s.Kind.Pushes() {
		return ""
	}
	address := string(s.Path)
	if u := s.Endpoint(); u != nil {
		address = u.String()
	}
	return strings.TrimRight(strings.Join([]string{string(s.Kind), s.API, address, s.ServiceUserID, s.ClientID}, " "), " ")
}

// mapResource decodes a SCIM resource as stored and maps it.
// policyOf turns the configuration into what package reconcile decides by.
func policyOf(cfg *config.Config) reconcile.Policy {
	p := cfg.Policy
	out := reconcile.Policy{
		Authority: p.Authority, Attributes: p.Attributes, Creates: p.Creates,
		CreateBeforeStart: int(p.Lifecycle.CreateBeforeStart), DeactivateAfterEnd: int(p.Lifecycle.DeactivateAfterEnd),
		LeaveDeactivates: p.Lifecycle.Leave == config.Deactivate, AbsentDeactivates: p.Lifecycle.Absent == config.Deactivate, AskRehires: p.Lifecycle.Rehire == config.RehireAsk,
	}
	for _, d := range p.EmailDomains {
		out.EmailDomains = append(out.EmailDomains, string(d))
	}
	return out
}

func mapResource(raw json.RawMessage) (model.Observation, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var r scim.Resource
	if err := d.Decode(&r); err != nil {
		return model.Observation{}, fmt.Errorf("map resource: %w", err)
	}
	return scim.MapUser(r), nil
}

func targetRules(t *config.Target) (reconcile.TargetRules, error) {
	switch t.Kind {
	case model.KindJavelo:
		return reconcile.TargetRules{Attributes: javelo.Attributes(), Custom: true, IdentifierChanges: t.IdentifierChanges, Derive: derive(t)}, nil
	case model.KindSCIM:
		// Custom attributes go only where the map names a place for them.
		return reconcile.TargetRules{Attributes: scim.TargetAttributes(), IdentifierChanges: t.IdentifierChanges, Derive: derive(t)}, nil
	case model.KindElevo:
		// Custom attributes go only where the map names a column for them.
		return reconcile.TargetRules{Attributes: elevo.Attributes(), IdentifierChanges: t.IdentifierChanges, Derive: derive(t)}, nil
	}
	return reconcile.TargetRules{}, fmt.Errorf("[targets.%s]: this build cannot deliver to kind %q yet", t.Name, t.Kind)
}

// tenantKeys names the attributes that [targets.NAME.map] computes: each key of
// the map is a key of the target's, held as a custom attribute.
func tenantKeys(t *config.Target) map[model.Name]string {
	keys := map[model.Name]string{}
	for _, key := range t.Mapping().Names() {
		keys[derivedName(t.Kind, key)] = key
	}
	return keys
}

// derivedName is the attribute that an entry of a target's map computes. Of Elevo's
// documented columns it is the one that the column holds, so that an entry changes
// what is in it.
func derivedName(kind model.Kind, key string) model.Name {
	if kind == model.KindElevo {
		if n, ok := elevo.ColumnOf(key); ok {
			return n
		}
	}
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, strings.ToLower(key))
	return model.Name(model.CustomPrefix + clean)
}

// derive evaluates [targets.NAME.map] for a person. A value that cannot be
// computed is left alone.
func derive(t *config.Target) func(model.Attributes) map[model.Name]string {
	m := t.Mapping()
	if len(m.Names()) == 0 {
		return nil
	}
	return func(attrs model.Attributes) map[model.Name]string {
		person := make(map[model.Name]string, len(attrs))
		for n, v := range attrs {
			person[n] = v.Text
		}
		values, _ := m.Apply(person)
		out := make(map[model.Name]string, len(values))
		for key, v := range values {
			out[derivedName(t.Kind, key)] = v
		}
		return out
	}
}

// fingerprint tells policies apart: another one means that everybody must be
// planned anew.
func fingerprint(s *ingest.Settings, cfg *config.Config) string {
	maps := make(map[string]map[string]string, len(cfg.Targets))
	for name, t := range cfg.Targets {
		maps[name] = t.Map
	}
	raw, err := json.Marshal(struct {
		Policy  reconcile.Policy
		Zone    string
		Targets []ingest.TargetSettings
		Maps    map[string]map[string]string
	}{s.Policy, s.Location.String(), s.Targets, maps})
	if err != nil {
		panic("appliance: a policy that cannot be encoded: " + err.Error())
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:16])
}

// budget is a target's rate and what is left of it after a fifth for others.
type budget struct {
	limiter *wire.Limiter
	max     int
	per     time.Duration
	target  connectors.Target // whose requests it counts
}

func newBudget(r config.Rate) *budget {
	own := max(1, r.Max-r.Max/5)
	return &budget{limiter: wire.NewLimiter(own, r.Per), max: own, per: r.Per}
}

// together is how many deliveries one request of the budget takes.
func (b *budget) together() int {
	if t, ok := b.target.(connectors.BulkTarget); ok {
		return max(1, t.Together())
	}
	return 1
}

func (b *budget) String() string {
	used := 0
	since := time.Now().Add(-b.per).Unix()
	for slot, n := range b.limiter.Usage() {
		if slot >= since {
			used += n
		}
	}
	return fmt.Sprintf("%d of %d requests in %s", used, b.max, strings.TrimSuffix(b.per.String(), "0s"))
}

// connect builds the connectors. They check their configuration and send nothing.
func (a *App) connect(cfg *config.Config) error {
	var problems []error
	for _, name := range cfg.SourceNames() {
		src := cfg.Sources[name]
		if src.Kind.Pushes() {
			continue
		}
		s, err := connectSource(src)
		if err != nil {
			problems = append(problems, fmt.Errorf("[sources.%s]: %w", name, err))
			continue
		}
		a.sources[name] = s
	}
	for _, name := range cfg.TargetNames() {
		t := cfg.Targets[name]
		if t.Kind == model.KindElevo {
			f, err := connectFile(t)
			if err != nil {
				problems = append(problems, fmt.Errorf("[targets.%s]: %w", name, err))
				continue
			}
			a.files[name] = f
			continue
		}
		b := newBudget(t.Rate)
		tgt, err := connectTarget(t, b)
		if err != nil {
			problems = append(problems, fmt.Errorf("[targets.%s]: %w", name, err))
			continue
		}
		b.target = tgt
		a.targets[name], a.budgets[name], a.keys[name] = tgt, b, t.Token.Reveal()
	}
	return errors.Join(problems...)
}

func connectSource(s *config.Source) (connectors.Source, error) {
	paths := s.Mapping().Paths()
	switch s.Kind {
	case model.KindHiBob:
		return hibob.New(hibob.Config{BaseURL: s.BaseURL.Copy(), ServiceUserID: s.ServiceUserID, Token: s.ServiceUserToken.Reveal(), CustomFields: paths, BatchSize: s.BatchSize})
	case model.KindLucca:
		return lucca.New(lucca.Config{BaseURL: s.BaseURL.Copy(), Account: s.Account, API: s.API, APIKey: s.APIKey.Reveal(),
			ClientID: s.ClientID, ClientSecret: s.ClientSecret.Reveal(), TokenURL: s.TokenURL.String(), SkipField: s.SkipField, NoSkipField: s.SkipField == "", CustomFields: luccaFields(paths)})
	case model.KindADP:
		return adp.New(adp.Config{BaseURL: s.BaseURL.Copy(), TokenURL: s.TokenURL.Copy(), ClientID: s.ClientID, ClientSecret: s.ClientSecret.Reveal(),
			ClientCert: string(s.ClientCert), ClientKey: string(s.ClientKey), CACert: string(s.CACert), CustomFields: paths})
	case model.KindSCIMPull:
		return scim.NewSource(scim.PullConfig{BaseURL: s.BaseURL.Copy(), Token: s.Token.Reveal()})
	case model.KindCSV:
		return csv.New(csv.Config{Path: string(s.Path), CustomFields: paths})
	}
	return nil, fmt.Errorf("this build cannot read kind %q yet", s.Kind)
}

// webhooks are the kinds whose services can tell of changes.
var webhooks = map[model.Kind]connectors.Webhook{model.KindHiBob: hibob.Hook, model.KindLucca: lucca.Hook}

// withHooks puts the webhooks of the sources that take them beside the SCIM
// service, on the same listener.
func (a *App) withHooks(scim http.Handler) http.Handler {
	var sources []*hook.Source
	for _, name := range a.cfg.SourceNames() {
		if src := a.cfg.Sources[name]; !src.WebhookSecret.IsZero() {
			sources = append(sources, &hook.Source{Name: name, Secret: src.WebhookSecret.Reveal(), Webhook: webhooks[src.Kind], Hint: a.pollers[name].Hint})
		}
	}
	if len(sources) == 0 {
		return scim
	}
	hooks := hook.New(sources, a.log.Named("hook"), a.now)
	// Not a ServeMux, which would redirect what it takes for an untidy path.
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, hook.Path) {
			hooks.ServeHTTP(w, r)
			return
		}
		scim.ServeHTTP(w, r)
	})
}

// hookURL is the address to give to a service that tells of changes, empty when
// the source takes no webhooks.
func (a *App) hookURL(name string) string {
	base := a.scimBase()
	if src := a.cfg.Sources[name]; src == nil || src.WebhookSecret.IsZero() || base == "" {
		return ""
	}
	return base + hook.Path + url.PathEscape(name)
}

// luccaFields names the fields behind the paths of configured expressions:
// extension codes stand below extendedData in the document.
func luccaFields(paths []string) []string {
	var out []string
	for _, p := range paths {
		if rest, ok := strings.CutPrefix(p, "extendedData."); ok {
			p, _, _ = strings.Cut(rest, ".")
		}
		if !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}

func connectTarget(t *config.Target, b *budget) (connectors.Target, error) {
	switch t.Kind {
	case model.KindJavelo:
		return javelo.New(javelo.Config{BaseURL: t.BaseURL.Copy(), Token: t.Token.Reveal(), Limiter: b.limiter, TenantKeys: tenantKeys(t)})
	case model.KindSCIM:
		return scim.NewTarget(scim.TargetConfig{BaseURL: t.BaseURL.Copy(), Token: t.Token.Reveal(), Limiter: b.limiter, CustomKeys: tenantKeys(t)})
	}
	return nil, fmt.Errorf("this build cannot deliver to kind %q yet", t.Kind)
}

// connectFile makes the connector of a target that takes everybody as a file.
func connectFile(t *config.Target) (*elevo.Target, error) {
	c := elevo.Config{Host: t.Host, Port: t.Port, User: t.User, Key: []byte(t.Key.Reveal()), HostKey: t.HostKey, Path: t.Path}
	if t.GPGRecipient != "" {
		key, err := os.ReadFile(string(t.GPGRecipient))
		if err != nil {
			return nil, fmt.Errorf("gpg_recipient: %w; name a file that the user rollcall runs as may read", err)
		}
		c.Recipient = key
	}
	for n, key := range tenantKeys(t) {
		if _, documented := elevo.ColumnOf(key); !documented {
			c.Layout.Columns = append(c.Layout.Columns, elevo.Column{Header: key, Attribute: n})
		}
	}
	slices.SortFunc(c.Layout.Columns, func(a, b elevo.Column) int { return strings.Compare(a.Header, b.Header) })
	return elevo.New(c)
}
