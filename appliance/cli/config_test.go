package cli

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rollcall/appliance/admin/admintest"
	"rollcall/appliance/config"
)

func TestSocketComesFromTheConfiguration(t *testing.T) {
	dir := admintest.Directory(t)
	file := filepath.Join(dir, "config.toml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	socket := admintest.Serve(t, admintest.Acme()).Admin
	write("[appliance]\nadmin_socket = \"" + socket + "\"\n")
	if r := (ends{}).call(t, "--config", file, "people"); r.code != ExitDone {
		t.Errorf("--config: %+v", r)
	}
	named := ends{deps: Deps{LookupEnv: func(k string) (string, bool) { return file, k == "ROLLCALL_CONFIG" }}}
	if r := named.call(t, "people"); r.code != ExitDone {
		t.Errorf("environment: %+v", r)
	}
	write("[appliance]\nadmin_sokcet = 1\n")
	if r := named.call(t, "people"); r.code != ExitUsage || !strings.Contains(r.err, "admin_sokcet") || !strings.Contains(r.err, "--socket") {
		t.Errorf("broken configuration: %+v", r)
	}
	if r := named.call(t, "people", "--socket", socket); r.code != ExitDone {
		t.Errorf("--socket beside a broken configuration: %+v", r)
	}
}

func TestConfigCheckPrintsAllProblemsAtOnce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(file, []byte("[log]\nlevel = \"loud\"\n[sources.hibob]\nkind = \"hibbob\"\n[nofity]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := ends{}.call(t, "config", "check", file)
	if r.code != ExitUsage {
		t.Errorf("exit code %d", r.code)
	}
	for _, part := range []string{file + ":2:", file + ":4:", file + ":5:", "loud", "hibbob", "nofity", "3 problems"} {
		if !strings.Contains(r.out, part) {
			t.Errorf("no %q in:\n%s", part, r.out)
		}
	}
	var report configReport
	if err := json.Unmarshal([]byte(ends{}.call(t, "config", "check", file, "--json").out), &report); err != nil || report.OK || len(report.Problems) != 3 {
		t.Errorf("%+v, %v", report, err)
	}
}

func TestConfigCheckWarnsOfSecretsItCannotRead(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.toml")
	text := "[targets.javelo]\nkind = \"javelo\"\ntoken = { env = \"NO_SUCH_VARIABLE\" }\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r := ends{}.call(t, "config", "check", "--config", file)
	if r.code != ExitDone || !strings.Contains(r.err, "NO_SUCH_VARIABLE") || !strings.Contains(r.out, "1 target: javelo") {
		t.Errorf("%+v", r)
	}
	if r := (ends{}).call(t, "config", "show", "--config", file); r.code != ExitDone || !strings.Contains(r.out, "[targets.javelo]") {
		t.Errorf("%+v", r)
	}
	if r := (ends{deps: Deps{ConfigExample: "# all keys\n"}}).call(t, "config", "example"); r.out != "# all keys\n" {
		t.Errorf("%+v", r)
	}
	if r := (ends{}).call(t, "config", "show", "--running", "--socket", admintest.Serve(t, admintest.Acme()).View); r.code != ExitDone || !strings.Contains(r.out, "Europe/Paris") {
		t.Errorf("%+v", r)
	}
	if r := (ends{}).call(t, "config", "check", "--config", file+".none"); r.code != ExitUsage || !strings.Contains(r.err, "no configuration") {
		t.Errorf("%+v", r)
	}
	if _, err := os.Stat(file + ".none"); !errors.Is(err, fs.ErrNotExist) {
		t.Error("config check made a file")
	}
}

func TestConfigCheckRunsTheTestsAndNamesWhatNoneExercises(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.toml")
	text := "[scim]\nlisten = \"127.0.0.1:8443\"\n[sources.okta]\nkind = \"okta\"\n[[test]]\nname = \"one\"\nsource = \"okta\"\nrecord = \"{}\"\nexpect = { title = \"CEO\" }\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		failures []string
		code     int
		says     string
	}{
		"as expected": {nil, ExitDone, "1 test gave what is expected"},
		"not so":      {[]string{`title is absent, want "CEO"`}, ExitHuman, `title is absent, want "CEO"`},
	} {
		e := ends{deps: Deps{TestConfig: func(c *config.Config) config.TestReport {
			return config.TestReport{Results: []config.TestResult{{Name: c.Tests[0].Name, Source: "okta", Failures: tc.failures}}, Idle: []string{"[sources.okta.map] custom.team"}}
		}}}
		r := e.call(t, "config", "check", file)
		if r.code != tc.code || !strings.Contains(r.out, tc.says) || !strings.Contains(r.out, "No test exercises [sources.okta.map] custom.team") {
			t.Errorf("%s: %+v", name, r)
		}
		var report configReport
		if err := json.Unmarshal([]byte(e.call(t, "config", "check", file, "--json").out), &report); err != nil || report.Tests == nil || len(report.Tests.Results) != 1 {
			t.Errorf("%s as JSON: %v, %+v", name, err, report.Tests)
		}
	}
}
