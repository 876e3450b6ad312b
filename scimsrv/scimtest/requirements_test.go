package scimtest_test

import (
	"os"
	"testing"

	"rollcall/scimsrv/scimtest"
)

// The suite runs against any service: SCIM_BASE_URL=https://… SCIM_TOKEN=… go test.
// It creates users and groups there and leaves them.
func TestServiceNamedByTheEnvironmentKeepsTheRFCs(t *testing.T) {
	base, token := os.Getenv("SCIM_BASE_URL"), os.Getenv("SCIM_TOKEN")
	if base == "" || token == "" {
		t.Skip("SCIM_BASE_URL and SCIM_TOKEN are not set")
	}
	scimtest.RunRequirements(t, func(*testing.T) scimtest.Client {
		return scimtest.Client{BaseURL: base, Token: token}
	}, nil)
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
