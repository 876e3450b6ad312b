package scim_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"rollcall/appliance/model"
	"rollcall/connectors"
	"rollcall/connectors/connectortest"
	"rollcall/connectors/scim"
	"rollcall/connectors/scim/scimtargetsim"
)

const targetCanary = "canary-scim-target-token-7f"

const ownSchema = "urn:example:reviews:2.0:User"

// customPlaces are where the simulated service keeps what RFC 7643 has no place for.
var customPlaces = map[model.Name]string{
	model.StartDate: ownSchema + ":startedOn", model.Gender: ownSchema + ":gender", "custom.team": ownSchema + ":team",
}

func simulated(opts scimtargetsim.Options) *scimtargetsim.Sim {
	opts.Token = targetCanary
	opts.Extension, opts.ExtensionKeys = ownSchema, []string{"startedOn", "gender", "team"}
	return scimtargetsim.New(opts)
}

// targetSuite holds a target to its promises against a simulated service. The
// suite counts the requests of single calls, so the target it gets has asked what
// the service offers already.
func targetSuite(opts scimtargetsim.Options, start string) connectortest.TargetSuite {
	return connectortest.TargetSuite{
		Attributes:    append(scim.TargetAttributes(), model.StartDate, model.Gender),
		UnknownID:     "ffffffffffffffffffffffff",
		Start:         []string{start},
		KeepsManagers: true,
		Open: func(t testing.TB) connectortest.TargetService {
			sim := simulated(opts)
			return connectortest.TargetService{
				Handler: sim,
				Secrets: []string{targetCanary},
				Groups:  simGroups{sim},
				New: func(base *url.URL, client *http.Client) (connectors.Target, error) {
					if opts.NoPatch {
						client = &http.Client{Transport: aroundTheGate{client.Transport, sim}}
					}
					target, err := scim.NewTarget(scim.TargetConfig{
						BaseURL: base.JoinPath(scimtargetsim.Prefix), Token: targetCanary, HTTP: client, PageSize: 2, CustomKeys: customPlaces,
					})
					if err != nil {
						return nil, err
					}
					_, err = target.Discover(t.Context())
					return target, err
				},
			}
		},
	}
}

// simGroups shows the suite the groups of a Sim.
type simGroups struct{ *scimtargetsim.Sim }

func (s simGroups) GroupMembers(id string) (string, []string, bool) {
	for _, g := range s.Groups() {
		if g.ID == id {
			return g.Name, g.Members, true
		}
	}
	return "", nil, false
}

// aroundTheGate takes the read that goes before a PUT straight to the service. The
// suite counts and disturbs one request per update; so it is the write, and not
// the read, that is counted and disturbed.
type aroundTheGate struct {
	gate http.RoundTripper
	sim  http.Handler
}

func (g aroundTheGate) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodGet || !strings.Contains(r.URL.Path, "/Users/") {
		return g.gate.RoundTrip(r)
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	w := httptest.NewRecorder()
	direct := r.Clone(r.Context())
	direct.Body = http.NoBody
	g.sim.ServeHTTP(w, direct)
	return w.Result(), nil
}

func TestSCIMTargetKeepsThePromisesOfATarget(t *testing.T) {
	for name, mode := range map[string]struct {
		opts  scimtargetsim.Options
		start string
	}{
		"to the letter":                        {scimtargetsim.Options{}, "startIndex"},
		"ETags, cursors, nulls":                {scimtargetsim.Options{ETags: true, Cursors: true, Nulls: true}, "cursor"},
		"PUT only, ETags, bulk":                {scimtargetsim.Options{NoPatch: true, ETags: true, Bulk: true}, "startIndex"},
		"PUT only, no ETags, loose booleans":   {scimtargetsim.Options{NoPatch: true, LooseBooleans: true, Nulls: true}, "startIndex"},
		"bulk to the letter":                   {scimtargetsim.Options{Bulk: true}, "startIndex"},
		"no filters, duplicates are 400":       {scimtargetsim.Options{NoFilter: true, Duplicate: http.StatusBadRequest}, "startIndex"},
		"filters ignored, managers ignored":    {scimtargetsim.Options{IgnoreMembers: true, IgnoreFilter: true, IgnoreManager: true, Duplicate: http.StatusUnprocessableEntity}, "startIndex"},
		"no ServiceProviderConfig, tiny pages": {scimtargetsim.Options{NoConfig: true, MaxCount: 1, MakeElements: true}, "startIndex"},
	} {
		t.Run(name, func(t *testing.T) { connectortest.RunTarget(t, targetSuite(mode.opts, mode.start)) })
	}
}

// However a service does bulk requests.
func TestSCIMTargetKeepsThePromisesOfBulk(t *testing.T) {
	for name, opts := range map[string]scimtargetsim.Options{
		"bulk with ETags and bodies, reversed": scimtargetsim.Options{Bulk: true, ETags: true, BulkTraits: scimtargetsim.Bulk{Bodies: true, Reverse: true, Status: scimtargetsim.StatusNumber}},
		"bulk that refuses references":         scimtargetsim.Options{Bulk: true, Duplicate: http.StatusBadRequest, BulkTraits: scimtargetsim.Bulk{References: scimtargetsim.ReferencesRefused, Status: scimtargetsim.StatusObject}},
		"bulk that drops references":           scimtargetsim.Options{Bulk: true, BulkTraits: scimtargetsim.Bulk{References: scimtargetsim.ReferencesDropped}},
	} {
		t.Run(name, func(t *testing.T) { connectortest.RunBulk(t, targetSuite(opts, "startIndex")) })
	}
}
