package config

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func show(t *testing.T, c *Config) string {
	t.Helper()
	var b bytes.Buffer
	if err := c.Show(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestShownConfigurationReadsBackAsTheSame(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "config.example.toml"))
	if err != nil {
		t.Fatal(err)
	}
	full, _ := uncomment(string(text))
	for name, text := range map[string]string{
		"example":    string(text),
		"everything": full,
		"empty":      "",
		"odd": push + `
[metrics]
listen = ""
[sources.lucca]
kind = "lucca"
base_url = "http://127.0.0.1:1/x"
api_key = { env = "K" }
skip_field = ""
[sources.lucca.map]
"custom.a" = 'x == "\"" ? "é" : "	"'
[policy.guard]
max_creations = ["2.5%", 7]
max_deactivations = 0
`,
	} {
		t.Run(name, func(t *testing.T) {
			c := mustParse(t, text)
			shown := show(t, c)
			again, err := Parse("shown.toml", []byte(shown), noEnvironment())
			if err != nil {
				t.Fatalf("%v\n%s", err, shown)
			}
			if changes := Diff(c, again); len(changes) > 0 {
				t.Errorf("changed: %+v", changes)
			}
			if diff := cmp.Diff(shown, show(t, again)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestShowSpellsDefaultsAndReferences(t *testing.T) {
	got := show(t, mustParse(t, push+`
[targets.javelo]
kind = "javelo"
token = { file = "/etc/rollcall/secrets/javelo" }
[targets.javelo.map]
businessUnit = 'custom.team'
[policy.attributes]
"custom.team" = ["okta"]
`))
	for _, want := range []string{
		"[appliance]\ndata_dir = \"/var/lib/rollcall\"\n",
		"public_url = \"http://127.0.0.1:8443\"\n",
		"[sources.okta]\nkind = \"okta\"\nmatch_on = [\"email\"]\n\n",
		"token = { file = \"/etc/rollcall/secrets/javelo\" }\nrate = \"300/5m\"\ndrift = \"overwrite\"\nidentifier_changes = false\ngroups = false\n\n[targets.javelo.map]\nbusinessUnit = \"custom.team\"\n",
		"[policy.attributes]\n\"custom.team\" = [\"okta\"]\n",
		"create_before_start = \"7d\"\ndeactivate_after_end = \"0d\"\n",
		"max_deactivations = \"5%\"\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

func TestDiffTellsLiveChangesFromThoseThatNeedARestart(t *testing.T) {
	const before = push + `
[sources.sheet]
kind = "csv"
path = "/p.csv"
[targets.javelo]
kind = "javelo"
token = { env = "T" }
[targets.old]
kind = "javelo"
token = { env = "T" }
`
	const after = `
[appliance]
data_dir = "/srv/rollcall"
[log]
level = "debug"
[scim]
listen = "127.0.0.1:9443"
[sources.okta]
kind = "okta"
[sources.okta.scope]
exclude = 'userType == "robot"'
[sources.sheet]
kind = "scim-pull"
base_url = "https://idm.example.com"
token = { env = "T" }
[targets.javelo]
kind = "javelo"
token = { env = "T2" }
rate = "10/1m"
[targets.javelo.map]
region = 'site'
[policy.attributes]
title = ["okta"]
`
	old, updated := mustParse(t, before), mustParse(t, after)
	want := []Change{
		{Key: "sources.sheet", Old: "csv", New: "scim-pull"},
		{Key: "targets.old", Old: "javelo"},
		{Key: "appliance.data_dir", Old: `"/var/lib/rollcall"`, New: `"/srv/rollcall"`},
		{Key: "log.level", Old: `"info"`, New: `"debug"`, Live: true},
		{Key: "scim.listen", Old: `"127.0.0.1:8443"`, New: `"127.0.0.1:9443"`},
		{Key: "scim.public_url", Old: `"http://127.0.0.1:8443"`, New: `"http://127.0.0.1:9443"`},
		{Key: "targets.javelo.token", Old: `{ env = "T" }`, New: `{ env = "T2" }`, Live: true},
		{Key: "targets.javelo.rate", Old: `"300/5m"`, New: `"10/1m"`},
		{Key: "backup.dir", Old: `"/var/lib/rollcall/backups"`, New: `"/srv/rollcall/backups"`, Live: true}, // follows data_dir
		{Key: "policy.authority", Old: `["sheet", "okta"]`, New: `["sheet", "okta"]`, Live: true},
		{Key: "sources.okta.scope.exclude", New: `"userType == \"robot\""`, Live: true},
		{Key: "targets.javelo.map.region", New: `"site"`},
		{Key: "policy.attributes.title", New: `["okta"]`, Live: true},
	}
	want = append(want[:9], want[10:]...) // the authority is the same
	if diff := cmp.Diff(want, Diff(old, updated)); diff != "" {
		t.Error(diff)
	}
	if changes := Diff(old, mustParse(t, before)); changes != nil {
		t.Errorf("the same file differs: %+v", changes)
	}
}

func TestDiffSeesARotatedSecretBehindTheSameReference(t *testing.T) {
	const text = "[targets.javelo]\nkind = \"javelo\"\ntoken = { env = \"T\" }\n"
	configs := make([]*Config, 2)
	for i, value := range []string{"one", "two"} {
		c, err := Parse("t.toml", []byte(text), environment(map[string]string{"T": value}))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.ResolveSecrets(); err != nil {
			t.Fatal(err)
		}
		configs[i] = c
	}
	want := []Change{{Key: "targets.javelo.token", Old: `{ env = "T" }`, New: `{ env = "T" }`, Live: true}}
	if diff := cmp.Diff(want, Diff(configs[0], configs[1])); diff != "" {
		t.Error(diff)
	}
}
