package scimtest_test

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/scimsrv/scimtest"
)

// The suites run against any service, ours or another's:
//
//	SCIM_BASE_URL=https://… SCIM_TOKEN=… go test -count=1 -v ./scimsrv/scimtest
//
// They create users and groups there and leave some of them: name a tenant made for
// it. Nothing is asked of any service unless both are set.
const howTo = `set both, as in
	SCIM_BASE_URL=https://host/scim/v2 SCIM_TOKEN=… go test -count=1 -v ./scimsrv/scimtest
against a tenant made for tests: users and groups are created there and some stay`

// named returns a client for the service that the environment names.
func named(t *testing.T) scimtest.Client {
	t.Helper()
	base, token := os.Getenv("SCIM_BASE_URL"), os.Getenv("SCIM_TOKEN")
	switch {
	case base == "" && token == "":
		t.Skip("no service is named by SCIM_BASE_URL and SCIM_TOKEN")
	case base == "":
		t.Fatal("SCIM_TOKEN is set and SCIM_BASE_URL is not; " + howTo)
	case token == "":
		t.Fatal("SCIM_BASE_URL is set and SCIM_TOKEN is not; " + howTo)
	}
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.RawQuery != "" || u.Fragment != "" {
		t.Fatal("SCIM_BASE_URL is no SCIM base URL such as https://host/scim/v2; " + howTo)
	}
	c := scimtest.Client{BaseURL: strings.TrimRight(base, "/"), Token: token, HTTP: http.DefaultClient}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.BaseURL+"/Users?count=1", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := c.HTTP.Do(req)
	if err != nil {
		t.Fatalf("the service that SCIM_BASE_URL names does not answer: %v", err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("GET /Users?count=1 is answered %s; check the base URL and the token", resp.Status)
	}
	return c
}

// SCIM_DEPARTURES names requirements that the service does not keep on purpose,
// separated by commas.
func TestServiceNamedByTheEnvironmentKeepsTheRFCs(t *testing.T) {
	c := named(t)
	departures := map[string]string{}
	for id := range strings.SplitSeq(os.Getenv("SCIM_DEPARTURES"), ",") {
		if id = strings.TrimSpace(id); id != "" {
			departures[id] = "named by SCIM_DEPARTURES"
		}
	}
	scimtest.RunRequirements(t, func(*testing.T) scimtest.Client { return c }, departures)
}

// SCIM_SENDER=okta or SCIM_SENDER=entra replays what that sender sends, which asks
// for more than the RFCs do; without it nothing is replayed.
func TestServiceNamedByTheEnvironmentAnswersSendersAsRecorded(t *testing.T) {
	c := named(t)
	sender := os.Getenv("SCIM_SENDER")
	switch {
	case sender == "":
		t.Skip("no sender is named by SCIM_SENDER: okta or entra")
	case !slices.Contains([]string{"okta", "entra"}, sender):
		t.Fatalf("SCIM_SENDER is %q: okta or entra is expected", sender)
	}
	scimtest.ReplayShared(t, scimtest.Recorded(sender), c)
}

func TestRequirementsAreIdentified(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range scimtest.Requirements() {
		if seen[r.ID] {
			t.Errorf("%s is there twice", r.ID)
		}
		seen[r.ID] = true
		if r.Section == "" || r.Text == "" || r.Level != scimtest.Must && r.Level != scimtest.Should {
			t.Errorf("%s is not described", r.ID)
		}
	}
}
