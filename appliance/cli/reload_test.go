package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rollcall/appliance/admin"
	"rollcall/appliance/admin/admintest"
	"rollcall/appliance/config"
)

// TestAChangedSecretIsNamedByItsKey compares configurations as the appliance does:
// how a secret is spelled is package config's to say.
func TestAChangedSecretIsNamedByItsKey(t *testing.T) {
	dir := t.TempDir()
	kept := filepath.Join(dir, "token")
	read := func(hibob, javelo, content string) *config.Config {
		t.Helper()
		text := fmt.Sprintf("[sources.hibob]\nkind = \"hibob\"\nservice_user_id = \"SERVICE-1\"\nservice_user_token = %s\n"+
			"[targets.javelo]\nkind = \"javelo\"\ntoken = %s\n", hibob, javelo)
		path := filepath.Join(dir, "config.toml")
		for name, content := range map[string]string{path: text, kept: content} {
			if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		cfg, err := config.LoadIn(path, config.Environment{})
		if err != nil {
			t.Fatal(err)
		}
		if err := cfg.ResolveSecrets(); err != nil {
			t.Fatal(err)
		}
		return cfg
	}
	there := fmt.Sprintf("{ file = %q }", kept)
	before := read(`"first-secret"`, there, "second-secret")
	for _, c := range []struct {
		after *config.Config
		want  []string
	}{
		{read(`"third-secret"`, there, "fourth-secret"), []string{
			"- sources.hibob.service_user_token: another secret than before (needs a restart)\n",
			"- targets.javelo.token: another secret than before in " + there + "\n"}},
		{read(there, `"fourth-secret"`, "second-secret"), []string{
			"- sources.hibob.service_user_token: a secret that stands there → " + there + " (needs a restart)\n",
			"- targets.javelo.token: " + there + " → a secret that stands there\n"}},
	} {
		fake := admintest.Acme()
		fake.Reloading = admin.Reloaded{}
		for _, d := range config.Diff(before, c.after) {
			fake.Reloading.Changes = append(fake.Reloading.Changes, admin.ConfigChange{Key: d.Key, Old: d.Old, New: d.New, Live: d.Live})
		}
		r := ends{}.call(t, "--socket", admintest.Serve(t, fake).Admin, "config", "reload")
		for _, want := range c.want {
			if !strings.Contains(r.out, want) {
				t.Errorf("no %q in\n%s%s", want, r.out, r.err)
			}
		}
		if strings.Contains(r.out, "-secret") || strings.Contains(r.out, config.Hidden) {
			t.Errorf("it shows a secret, or what stands for one:\n%s", r.out)
		}
	}
}
