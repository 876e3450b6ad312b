package scimtest_test

import (
	"os"
	"strings"
	"testing"

	"rollcall/scimsrv/scimtest"
)

// The suites run against any service, ours or another's:
//
//	SCIM_BASE_URL=https://… SCIM_TOKEN=… go test -count=1 ./scimsrv/scimtest
//
// It creates users and groups there and leaves some of them.
func named(t *testing.T) scimtest.Client {
	t.Helper()
	base, token := os.Getenv("SCIM_BASE_URL"), os.Getenv("SCIM_TOKEN")
	if base == "" || token == "" {
		t.Skip("SCIM_BASE_URL and SCIM_TOKEN are not set")
	}
	return scimtest.Client{BaseURL: strings.TrimRight(base, "/"), Token: token}
}

func TestServiceNamedByTheEnvironmentKeepsTheRFCs(t *testing.T) {
	c := named(t)
	scimtest.RunRequirements(t, func(*testing.T) scimtest.Client { return c }, nil)
}

// SCIM_SENDER=okta or SCIM_SENDER=entra replays what that sender sends only, for
// services that treat their senders differently.
func TestServiceNamedByTheEnvironmentAnswersSendersAsRecorded(t *testing.T) {
	scimtest.ReplayShared(t, scimtest.Recorded(os.Getenv("SCIM_SENDER")), named(t))
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
