package javelo_test

import (
	"net/http"
	"net/url"
	"testing"

	"rollcall/appliance/model"
	"rollcall/connectors"
	"rollcall/connectors/connectortest"
	"rollcall/connectors/javelo"
	"rollcall/connectors/javelo/javelosim"
)

const canary = "canary-javelo-token-7f"

// suite holds a target to its promises against a simulated service.
func suite(opts javelosim.Options) connectortest.TargetSuite {
	opts.Token, opts.Limit = canary, -1
	return connectortest.TargetSuite{
		Attributes: []model.Name{
			model.GivenName, model.FamilyName, model.DisplayName, model.EmployeeNumber, model.Title, model.Department,
			model.Site, model.Organization, model.WorkPhone, model.Gender, model.BirthDate, model.ContractType,
			model.FirstHiredOn, model.StartDate, model.Locale,
		},
		UnknownID: "00000000-0000-4000-8000-000000000000",
		Start:     []string{"start_index", "startIndex"},
		Open: func(testing.TB) connectortest.TargetService {
			sim := javelosim.New(opts)
			return connectortest.TargetService{
				Handler: sim,
				Secrets: []string{canary},
				Groups:  simGroups{sim},
				New: func(base *url.URL, client *http.Client) (connectors.Target, error) {
					return javelo.New(javelo.Config{BaseURL: base.JoinPath(javelosim.Prefix), Token: canary, HTTP: client, PageSize: 2})
				},
			}
		},
	}
}

func TestJaveloKeepsThePromisesOfATarget(t *testing.T) {
	connectortest.RunTarget(t, suite(javelosim.Options{}))
}

// What the documents leave open must not matter.
func TestJaveloKeepsThePromisesWhateverIsUnverified(t *testing.T) {
	for name, opts := range map[string]javelosim.Options{
		"snake case paging, unquoted filter, 422": {Paging: javelosim.PagingSnake, Filter: javelosim.FilterUnquoted, Duplicate: http.StatusUnprocessableEntity},
		"camel case paging, quoted is 400, 400":   {Paging: javelosim.PagingCamel, Filter: javelosim.FilterUnquotedStrict, Duplicate: http.StatusBadRequest},
		"unquoted is 400, empty lists, booleans":  {Filter: javelosim.FilterQuoted, OmitEmptyResources: true, StringBooleans: true, RetryAfter: true},
		"small pages, unknown manager ignored":    {MaxCount: 1, Manager: javelosim.ManagerIgnored},
	} {
		t.Run(name, func(t *testing.T) { connectortest.RunTarget(t, suite(opts)) })
	}
}

// simGroups shows the suite the groups of a Sim.
type simGroups struct{ *javelosim.Sim }

func (s simGroups) SeedGroup(name string, members ...string) string {
	s.SeedGroups([]javelosim.Group{{DisplayName: name, Members: members}})
	all := s.Groups()
	return all[len(all)-1].ID
}

func (s simGroups) GroupMembers(id string) (string, []string, bool) {
	for _, g := range s.Groups() {
		if g.ID == id {
			return g.DisplayName, g.Members, true
		}
	}
	return "", nil, false
}
