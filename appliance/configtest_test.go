package appliance_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rollcall/appliance"
	"rollcall/appliance/config"
)

const testedConfig = `
[sources.hibob]
kind = "hibob"
service_user_id = "SERVICE-1"
service_user_token = "t"
[sources.hibob.map]
"custom.team" = 'work.custom.team'
"custom.never" = 'work.custom.never'
[sources.hibob.scope]
exclude = 'work.department == "Interns"'
[sources.lucca]
kind = "lucca"
account = "acme"
api_key = "k"
[sources.adp]
kind = "adp"
client_id = "i"
client_secret = "s"
client_cert = "/x.pem"
client_key = "/x.key"
[sources.sheet]
kind = "csv"
path = "/x.csv"
[sources.okta]
kind = "okta"
[scim]
listen = "127.0.0.1:8443"

[[test]]
name = "an employee"
source = "hibob"
today = "2026-11-22"
record = '''{"id": "1", "firstName": "Ada", "surname": "Moreau", "email": "ada@acme.example", "home": {"legalGender": "Female"},
  "work": {"startDate": "2020-01-06", "department": "R&D", "title": null, "custom": {"team": "Core"}}, "internal": {"lifecycleStatus": "employed", "status": "Active"}}'''
[test.expect]
email = "ada@acme.example"
title = ""
site = "(absent)"
gender = "female"
status = "active"
account = true
custom.team = "Core"

[[test]]
name = "an intern is left out"
source = "hibob"
record = '{"id": "2", "firstName": "Bea", "email": "bea@acme.example", "work": {"department": "Interns"}, "internal": {"lifecycleStatus": "employed"}}'
expect = { scope = "out", account = false }

[[test]]
name = "whoever starts in a month has no account yet"
source = "lucca"
today = "2026-11-22"
record = '{"id": 7, "firstName": "Cy", "lastName": "Ito", "mail": "cy@acme.example", "dtContractStart": "2026-12-24T00:00:00", "dtContractEnd": null, "cultureID": 1036}'
expect = { status = "pending", account = "no", start_date = "2026-12-24", locale = "fr", end_date = "" }

[[test]]
name = "an employee number keeps its zeros"
source = "adp"
record = '{"associateOID": "G1", "workerID": {"idValue": "00057"}, "person": {"legalName": {"givenName": "Eli", "familyName1": "Roy"}}, "workerStatus": {"statusCode": {"codeValue": "Active"}}}'
expect = { employee_number = "00057", given_name = "Eli", account = false }

[[test]]
name = "a row"
source = "sheet"
record = '{"email": "fay@acme.example", "first_name": "Fay", "last_name": "Ito"}'
expect = { given_name = "Fay", account = true }

[[test]]
name = "wrong on purpose"
source = "okta"
record = '{"userName": "dee@acme.example", "active": true, "name": {"givenName": "Dee"}}'
expect = { given_name = "Don", status = "active", title = "Pilot" }
`

func loadConfig(t *testing.T, text string) (*config.Config, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return config.LoadIn(path, config.Environment{LookupEnv: func(string) (string, bool) { return "", false }})
}

func TestConfiguredTestsRunThroughBuiltInMapsExpressionsAndPolicy(t *testing.T) {
	cfg, err := loadConfig(t, testedConfig)
	if err != nil {
		t.Fatal(err)
	}
	report := appliance.TestConfig(cfg)
	for _, r := range report.Results {
		want := []string(nil)
		if r.Source == "okta" {
			want = []string{`given_name is "Dee", want "Don"`, `title is absent, want "Pilot"`}
		}
		if !slices.Equal(r.Failures, want) {
			t.Errorf("%s: %q, want %q", r.Name, r.Failures, want)
		}
	}
	if len(report.Results) != 6 || report.Failed() != 1 {
		t.Errorf("%d results, %d failed", len(report.Results), report.Failed())
	}
	if want := []string{"[sources.hibob.map] custom.never"}; !slices.Equal(report.Idle, want) {
		t.Errorf("idle %q, want %q", report.Idle, want)
	}
}

func TestMalformedTestsAreProblemsOfTheConfiguration(t *testing.T) {
	_, err := loadConfig(t, `
[[test]]
source = "nobody"
record = "not json"
[[test]]
name = "typo"
source = "nobody"
record = "{}"
wanted = "x"
expect = { emial = "x", status = "gone" }
`)
	var problems config.Problems
	if !errors.As(err, &problems) {
		t.Fatalf("error %v", err)
	}
	text := problems.Detail()
	for _, want := range []string{`there is no source "nobody"`, "record is not a JSON object", "it expects nothing", `unknown key "wanted"`, "expect.emial", `expect.status is "gone"`} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not among the problems:\n%s", want, text)
		}
	}
}
