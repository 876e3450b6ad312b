package javelo_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/appliance/model"
	"rollcall/connectors"
	"rollcall/connectors/javelo"
	"rollcall/connectors/javelo/javelosim"
	"rollcall/connectors/wire"
)

// inProcess is a transport that hands requests to a handler without a network.
type inProcess struct{ handler http.Handler }

func (p inProcess) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	defer func() {
		if v := recover(); v != nil {
			if v != http.ErrAbortHandler {
				panic(v)
			}
			resp, err = nil, io.ErrUnexpectedEOF
		}
	}()
	if r.Body == nil {
		r.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	p.handler.ServeHTTP(w, r)
	return w.Result(), nil
}

// answers is a handler that gives the same JSON to every request.
func answers(bodies ...string) http.Handler {
	n := 0
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/scim+json")
		io.WriteString(w, bodies[min(n, len(bodies)-1)])
		n++
	})
}

func targetOf(t testing.TB, h http.Handler, change ...func(*javelo.Config)) *javelo.Target {
	t.Helper()
	cfg := javelo.Config{Token: javelosim.DefaultToken, HTTP: &http.Client{Transport: inProcess{h}}, PageSize: 2}
	for _, c := range change {
		c(&cfg)
	}
	target, err := javelo.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return target
}

func person(name string, attributes ...string) model.Desired {
	d := model.Desired{
		Person: model.PersonID("p_" + name), Active: true, Email: name + "@halcyon-atelier.example",
		Attributes: map[model.Name]string{},
	}
	for i := 0; i < len(attributes); i += 2 {
		d.Attributes[model.Name(attributes[i])] = attributes[i+1]
	}
	return d
}

func reportsTo(d model.Desired, name string) model.Desired {
	d.Manager = &model.ManagerLink{Person: model.PersonID("p_" + name), Email: name + "@halcyon-atelier.example"}
	return d
}

func create(t testing.TB, target *javelo.Target, d model.Desired) model.Account {
	t.Helper()
	a, err := target.Create(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// lastOperations returns the operations of the last PATCH as "path=value".
func lastOperations(t testing.TB, sim *javelosim.Sim) []string {
	t.Helper()
	requests := sim.Requests()
	var body struct {
		Operations []struct {
			Op, Path string
			Value    any
		}
	}
	if err := json.Unmarshal(requests[len(requests)-1].Body, &body); err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, o := range body.Operations {
		out = append(out, fmt.Sprintf("%s=%v", strings.TrimPrefix(o.Path, "urn:ietf:params:scim:schemas:extension:"), o.Value))
	}
	return out
}

func TestClearingWhatIsNotKnownIsSent(t *testing.T) {
	sim := javelosim.New(javelosim.Options{})
	target := targetOf(t, sim)
	id := create(t, target, person("ada", "title", "Analyst")).RemoteID
	have := person("ada")
	if _, err := target.Update(t.Context(), id, &have, person("ada", "title", "")); err != nil {
		t.Fatal(err)
	}
	if held, _ := sim.Account("ada@halcyon-atelier.example"); held.Title != "" {
		t.Errorf("title is still %q", held.Title)
	}
}

func TestRefusedManagerCanBeToldAndTheRestSentWithoutIt(t *testing.T) {
	sim := javelosim.New(javelosim.Options{})
	target := targetOf(t, sim)
	want := reportsTo(person("ada", "title", "Analyst"), "nobody")
	_, err := target.Create(t.Context(), want)
	if !errors.Is(err, connectors.ErrManagerRefused) || connectors.ClassOf(err) != connectors.Invalid {
		t.Fatalf("create: %v", err)
	}
	want.Manager = nil
	a := create(t, target, want)

	boss := create(t, target, person("greta"))
	left := person("greta")
	left.Active = false
	if _, err := target.Update(t.Context(), boss.RemoteID, nil, left); err != nil {
		t.Fatal(err)
	}
	have := want
	_, err = target.Update(t.Context(), a.RemoteID, &have, reportsTo(want, "greta"))
	if !errors.Is(err, connectors.ErrManagerRefused) {
		t.Errorf("update: %v", err)
	}
}

func TestManagerIgnoredByTheServiceIsSeenInTheAnswer(t *testing.T) {
	target := targetOf(t, javelosim.New(javelosim.Options{Manager: javelosim.ManagerIgnored}))
	if a := create(t, target, reportsTo(person("ada"), "nobody")); a.ManagerLogin != "" || a.ManagerRemoteID != "" {
		t.Errorf("the answer has manager %q", a.ManagerLogin)
	}
}

func TestManagerWithoutLoginOrAccountIsRefusedBeforeItIsSent(t *testing.T) {
	sim := javelosim.New(javelosim.Options{})
	target := targetOf(t, sim)
	want := person("ada")
	want.Manager = &model.ManagerLink{Person: "p_nobody"}
	_, err := target.Create(t.Context(), want)
	if !errors.Is(err, connectors.ErrManagerRefused) || sim.Total() != 0 {
		t.Errorf("got %v after %d requests; clearing the link would be wrong", err, sim.Total())
	}
}

func TestOperationsAreInTheOrderJaveloNeeds(t *testing.T) {
	sim := javelosim.New(javelosim.Options{})
	target := targetOf(t, sim)
	create(t, target, person("greta"))
	create(t, target, person("hugo"))
	active := reportsTo(person("ada", "title", "Analyst"), "greta")
	id := create(t, target, active).RemoteID
	gone := active
	gone.Active = false
	gone.Attributes = map[model.Name]string{model.Title: "", "custom.grade": "B", model.MobilePhone: "+33 6 00"}

	const link = "javelo:2.0:User:managerUserName="
	for _, tc := range []struct {
		name       string
		have, want model.Desired
		ops        []string
	}{
		{"deactivate", active, gone, []string{link + "<nil>", "active=false", "title=<nil>", "javelo:2.0:User:grade=B"}},
		{"reactivate", gone, active, []string{"active=true", "title=Analyst", link + "greta@halcyon-atelier.example"}},
		{"another manager", active, reportsTo(active, "hugo"), []string{link + "hugo@halcyon-atelier.example"}},
		{"no manager any more", reportsTo(active, "hugo"), func() model.Desired { d := active; d.Manager = &model.ManagerLink{}; return d }(), []string{link + "<nil>"}},
	} {
		if _, err := target.Update(t.Context(), id, &tc.have, tc.want); err != nil {
			t.Fatalf("%s: %v", tc.name, err)
		}
		if d := cmp.Diff(tc.ops, lastOperations(t, sim)); d != "" {
			t.Errorf("%s: operations (-want +got):\n%s", tc.name, d)
		}
	}
}

func TestManagerKnownByAccountOnlyIsLinkedByItsID(t *testing.T) {
	sim := javelosim.New(javelosim.Options{})
	target := targetOf(t, sim)
	boss := create(t, target, person("greta"))
	want := person("ada")
	want.Manager = &model.ManagerLink{Person: "p_greta", RemoteID: boss.RemoteID}
	a := create(t, target, want)
	if a.ManagerLogin != "greta@halcyon-atelier.example" {
		t.Errorf("create: manager is %q", a.ManagerLogin)
	}
	none := want
	none.Manager = &model.ManagerLink{}
	for _, step := range [][2]model.Desired{{want, none}, {none, want}} {
		var err error
		if a, err = target.Update(t.Context(), a.RemoteID, &step[0], step[1]); err != nil {
			t.Fatal(err)
		}
	}
	if a.ManagerRemoteID != boss.RemoteID {
		t.Errorf("update: manager is %q", a.ManagerRemoteID)
	}
}

func TestAdoptionLeavesAUserNameAloneThatTheCallerKnows(t *testing.T) {
	sim := javelosim.New(javelosim.Options{})
	sim.Seed([]javelosim.Account{{UserName: "Ada@Halcyon-Atelier.example", GivenName: "Ada", Active: true}})
	target := targetOf(t, sim)
	found, ok, err := target.Find(t.Context(), "ada@halcyon-atelier.example")
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	have := model.Desired{Active: found.Active, Email: found.Login, Attributes: found.Attributes}
	want := person("ada", "given_name", "Ada", "title", "Analyst")
	want.Email = found.Login
	if _, err := target.Update(t.Context(), found.RemoteID, &have, want); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"externalId=p_ada", "title=Analyst"}, lastOperations(t, sim)); d != "" {
		t.Errorf("operations (-want +got):\n%s", d)
	}
}

func TestCreateOfSomebodyInactiveSendsNoManager(t *testing.T) {
	sim := javelosim.New(javelosim.Options{})
	target := targetOf(t, sim)
	create(t, target, person("greta"))
	want := reportsTo(person("ada"), "greta")
	want.Active = false
	if a := create(t, target, want); a.Active || a.ManagerLogin != "" {
		t.Errorf("created %+v", a)
	}
}

func TestAttributesTheTenantDropsAreToldUntilItKeepsThem(t *testing.T) {
	opts := javelosim.Options{TenantKeys: []string{"gender"}}
	target := targetOf(t, javelosim.New(opts))
	want := person("ada", "gender", "female", "site", "Lyon", "custom.team", "Red", "title", "Analyst", "custom.empty", "", "mobile_phone", "+33 6")
	create(t, target, want)
	if d := cmp.Diff([]model.Name{model.Site, "custom.team"}, target.IgnoredAttributes()); d != "" {
		t.Errorf("ignored (-want +got):\n%s", d)
	}

	// The same target after support created the keys.
	answer := `{"id":"1","userName":"ada@halcyon-atelier.example","urn:ietf:params:scim:schemas:extension:javelo:2.0:User":{"region":"Lyon"}}`
	target = targetOf(t, answers(strings.Replace(answer, `"region":"Lyon"`, ``, 1), answer))
	create(t, target, person("ada", "site", "Lyon"))
	if got := target.IgnoredAttributes(); len(got) != 1 {
		t.Fatalf("ignored %v, want site", got)
	}
	if _, err := target.Update(t.Context(), "1", nil, person("ada", "site", "Lyon", "department", "Design")); err != nil {
		t.Fatal(err)
	}
	// The answer has no enterprise extension, which says nothing about department.
	if got := target.IgnoredAttributes(); len(got) != 0 {
		t.Errorf("ignored %v, want none any more", got)
	}
}

func TestTenantKeysAreUsedBothWays(t *testing.T) {
	sim := javelosim.New(javelosim.Options{TenantKeys: []string{"businessUnit", "naissance", "team"}})
	target := targetOf(t, sim, func(c *javelo.Config) {
		c.TenantKeys = map[model.Name]string{"custom.business_unit": "businessUnit", model.BirthDate: "naissance"}
	})
	a := create(t, target, person("ada", "custom.business_unit", "North", "birth_date", "1990-02-01", "custom.team", "Red"))
	held, _ := sim.Account("ada@halcyon-atelier.example")
	if d := cmp.Diff(map[string]string{"businessUnit": "North", "naissance": "1990-02-01", "team": "Red"}, held.Tenant); d != "" {
		t.Errorf("held by Javelo (-want +got):\n%s", d)
	}
	for n, want := range map[model.Name]string{"custom.business_unit": "North", model.BirthDate: "1990-02-01", "custom.team": "Red"} {
		if got := a.Attributes[n]; got != want {
			t.Errorf("%s reads as %q, want %q", n, got, want)
		}
	}
	if !target.Carries("custom.any") || target.Carries(model.MobilePhone) || target.Carries("custom.region") || target.Carries("nonsense") {
		t.Error("Carries: custom.any must be carried; mobile_phone, the key of site, and nonsense must not")
	}
}

func TestAnswerWithoutABodyIsTakenForWhatWasSent(t *testing.T) {
	sim := javelosim.New(javelosim.Options{PatchNoContent: true})
	target := targetOf(t, sim)
	have := person("ada", "title", "Analyst")
	id := create(t, target, have).RemoteID
	want := person("ada", "title", "Partner")
	a, err := target.Update(t.Context(), id, &have, want)
	if err != nil || a.RemoteID != id || a.Login != want.Email || a.Attributes[model.Title] != "Partner" || !a.Active {
		t.Errorf("got %+v, %v", a, err)
	}
	if held, _ := sim.Account(want.Email); held.Title != "Partner" {
		t.Errorf("Javelo holds title %q", held.Title)
	}
}

func TestAnswerAboutSomebodyElseIsAnError(t *testing.T) {
	target := targetOf(t, answers(`{"id":"2","userName":"greta@halcyon-atelier.example"}`))
	if _, err := target.Create(t.Context(), person("ada")); connectors.ClassOf(err) != connectors.Transient {
		t.Errorf("create: %v", err)
	}
	if _, err := target.Update(t.Context(), "1", nil, person("ada")); connectors.ClassOf(err) != connectors.Transient {
		t.Errorf("update: %v", err)
	}
}

func TestAddressThatIsNotJavelosIsAConfigurationError(t *testing.T) {
	target := targetOf(t, javelosim.New(javelosim.Options{}), func(c *javelo.Config) {
		c.BaseURL = &url.URL{Scheme: "https", Host: "api.javelo.example", Path: "/scim"}
	})
	_, listErr := collect(t, target)
	_, createErr := target.Create(t.Context(), person("ada"))
	_, _, findErr := target.Find(t.Context(), "ada@halcyon-atelier.example")
	for what, err := range map[string]error{"list": listErr, "create": createErr, "find": findErr} {
		if connectors.ClassOf(err) != connectors.Misconfigured || !strings.Contains(err.Error(), "Check base_url") {
			t.Errorf("%s: %v: %v", what, connectors.ClassOf(err), err)
		}
	}
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	parse := func(s string) *url.URL { u, _ := url.Parse(s); return u }
	for name, cfg := range map[string]javelo.Config{
		"no token":             {},
		"token with a newline": {Token: "abc\n"},
		"no host":              {Token: "t", BaseURL: parse("/scim/v2")},
		"other scheme":         {Token: "t", BaseURL: parse("sftp://api.javelo.io/scim/v2")},
		"password in address":  {Token: "t", BaseURL: parse("https://u:p@api.javelo.io/scim/v2")},
		"query in address":     {Token: "t", BaseURL: parse("https://api.javelo.io/scim/v2?x=1")},
		"negative page size":   {Token: "t", PageSize: -1},
		"key of no attribute":  {Token: "t", TenantKeys: map[model.Name]string{"Team": "team"}},
		"key of a core one":    {Token: "t", TenantKeys: map[model.Name]string{model.Title: "title2"}},
		"key not carried":      {Token: "t", TenantKeys: map[model.Name]string{model.TimeZone: "tz"}},
		"malformed key":        {Token: "t", TenantKeys: map[model.Name]string{"custom.a": `x"]`}},
		"the manager's key":    {Token: "t", TenantKeys: map[model.Name]string{"custom.a": "ManagerUsername"}},
		"key used twice":       {Token: "t", TenantKeys: map[model.Name]string{"custom.a": "region"}},
	} {
		_, err := javelo.New(cfg)
		if connectors.ClassOf(err) != connectors.Misconfigured {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := javelo.New(javelo.Config{Token: "t"}); err != nil {
		t.Errorf("the token alone is enough: %v", err)
	}
}

func TestBudgetIsNeverExceededAndNobodyIsCreatedTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := javelosim.New(javelosim.Options{})
		target := targetOf(t, sim, func(c *javelo.Config) { c.Limiter = wire.NewLimiter(300, 5*time.Minute) })
		start := time.Now()
		for i := range 700 {
			want := person(fmt.Sprintf("p%d", i))
			if i%10 == 0 {
				sim.Fault(javelosim.Fault{Kind: javelosim.ResetAfterWrite, Method: http.MethodPost})
				if _, err := target.Create(t.Context(), want); err == nil {
					t.Fatal("a create without an answer reports success")
				}
				if _, ok, err := target.Find(t.Context(), want.Email); !ok || err != nil {
					t.Fatal(ok, err)
				}
				continue
			}
			create(t, target, want)
		}
		if n := sim.Busiest(); n > 300 || n < 290 {
			t.Errorf("%d requests in the busiest five minutes, want at most 300 and nearly as many", n)
		}
		if took := time.Since(start); took < 10*time.Minute || took > 11*time.Minute {
			t.Errorf("770 requests took %v, want a little over 10 minutes", took)
		}
		for i := range 700 {
			if n := sim.Creates(fmt.Sprintf("p%d@halcyon-atelier.example", i)); n != 1 {
				t.Errorf("p%d was created %d times", i, n)
			}
		}
	})
}
