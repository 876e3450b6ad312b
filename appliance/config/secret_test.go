package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
	"github.com/hashicorp/go-hclog"
)

func TestSecretNeverPrints(t *testing.T) {
	c := mustParse(t, "[targets.javelo]\nkind = \"javelo\"\ntoken = \"hunter2\"\n")
	s := c.Targets["javelo"].Token
	if s.Reveal() != "hunter2" {
		t.Fatalf("reveals %q", s.Reveal())
	}
	var logged bytes.Buffer
	for _, asJSON := range []bool{false, true} {
		log := hclog.New(&hclog.LoggerOptions{Output: &logged, JSONFormat: asJSON})
		log.Info("m", "secret", s, "pointer", &s, "target", c.Targets["javelo"])
	}
	asJSON, err := json.Marshal(c.Targets["javelo"])
	if err != nil {
		t.Fatal(err)
	}
	var asTOML, shown bytes.Buffer
	if err := toml.NewEncoder(&asTOML).Encode(struct{ S Secret }{s}); err != nil {
		t.Fatal(err)
	}
	if err := c.Show(&shown); err != nil {
		t.Fatal(err)
	}
	outputs := map[string]string{"hclog": logged.String(), "json": string(asJSON), "toml": asTOML.String(), "show": shown.String()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%10.3s"} {
		outputs[verb] = fmt.Sprintf(verb, s)
		outputs["pointer "+verb] = fmt.Sprintf(verb, &s)
		outputs["inside an exported field "+verb] = fmt.Sprintf(verb, *c.Targets["javelo"])
		outputs["inside an unexported field "+verb] = fmt.Sprintf(verb, struct{ hidden Secret }{s})
	}
	for how, out := range outputs {
		if strings.Contains(out, "hunter2") || strings.Contains(out, fmt.Sprintf("%x", "hunter2")) {
			t.Errorf("%s shows it: %s", how, out)
		}
	}
	for _, how := range []string{"hclog", "json", "toml", "show", "%v", "%x"} {
		if !strings.Contains(outputs[how], "[secret]") {
			t.Errorf("%s does not say [secret]: %s", how, outputs[how])
		}
	}
}

func TestSecretReferenceIsExactlyOneOfThree(t *testing.T) {
	for _, v := range []any{
		"", "  ", int64(5), true, []any{"x"}, map[string]any{}, map[string]any{"file": "/a", "env": "B"}, map[string]any{"fil": "/a"},
		map[string]any{"file": ""}, map[string]any{"file": int64(1)}, map[string]any{"file": "relative"},
		map[string]any{"credential": "../x"}, map[string]any{"credential": ".."}, map[string]any{"env": "A=B"}, map[string]any{"env": "the-secret-itself"}, map[string]any{"env": "7up"},
	} {
		if err := new(Secret).UnmarshalTOML(v); err == nil {
			t.Errorf("%v was accepted", v)
		}
	}
}

func TestResolveReadsFilesVariablesAndCredentials(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := write("good", "s3cret\r\n\n", 0o640)
	write("cred", " keeps inner space \n", 0o400)
	env := environment(map[string]string{"TOKEN": "from-env", "EMPTY": "\n", "CREDENTIALS_DIRECTORY": dir})
	for _, tt := range []struct {
		ref       string
		want, err string
	}{
		{`{ file = "` + good + `" }`, "s3cret", ""},
		{`{ env = "TOKEN" }`, "from-env", ""},
		{`{ credential = "cred" }`, " keeps inner space ", ""},
		{`"literal"`, "literal", ""},
		{`{ file = "` + filepath.Join(dir, "none") + `" }`, "", "secret file " + filepath.Join(dir, "none") + " does not exist"},
		{`{ file = "` + write("open", "hunter2", 0o644) + `" }`, "", "open to everyone on this machine (mode 0644): run chmod 0640 " + filepath.Join(dir, "open")},
		{`{ file = "` + write("writable", "hunter2", 0o602) + `" }`, "", "open to everyone"},
		{`{ file = "` + write("empty", " \n", 0o600) + `" }`, "", "is empty"},
		{`{ file = "` + write("large", strings.Repeat("x", maxSecret+1), 0o600) + `" }`, "", "is larger than 65536 bytes"},
		{`{ file = "` + dir + `" }`, "", "is not a regular file"},
		{`{ env = "MISSING" }`, "", "the environment variable MISSING is not set"},
		{`{ env = "EMPTY" }`, "", "env EMPTY is empty"},
		{`{ credential = "none" }`, "", "does not exist"},
	} {
		t.Run(tt.ref, func(t *testing.T) {
			c, err := Parse("t.toml", []byte("[targets.javelo]\nkind = \"javelo\"\ntoken = "+tt.ref+"\n"), env)
			if err != nil {
				t.Fatal(err)
			}
			err = c.ResolveSecrets()
			if tt.err == "" {
				if err != nil || c.Targets["javelo"].Token.Reveal() != tt.want {
					t.Fatalf("got %q, %v", c.Targets["javelo"].Token.Reveal(), err)
				}
				if got := c.SecretValues(); len(got) != 1 || got[0] != tt.want {
					t.Errorf("SecretValues %q", got)
				}
				return
			}
			var p Problems
			if !errors.As(err, &p) || len(p) != 1 || !strings.Contains(p[0].Message, tt.err) || p[0].Line != 3 {
				t.Fatalf("got %v, want %q on line 3", err, tt.err)
			}
			if strings.Contains(p.Detail(), "hunter2") {
				t.Errorf("shows the secret: %s", p.Detail())
			}
		})
	}
}

func TestResolveNamesEverySecretThatIsMissing(t *testing.T) {
	c := mustParse(t, `
[sources.hibob]
kind = "hibob"
service_user_id = "S"
service_user_token = { env = "A" }
[targets.javelo]
kind = "javelo"
token = { credential = "b" }
[notify]
webhook = { url = { env = "C" } }
`)
	err := c.ResolveSecrets()
	var p Problems
	if !errors.As(err, &p) || len(p) != 3 {
		t.Fatalf("got %v", err)
	}
	if !strings.Contains(p[1].Message, "$CREDENTIALS_DIRECTORY is not set; add LoadCredential=b:/path") {
		t.Errorf("got %v", p[1])
	}
}

func TestResolvedWebhookMustBeAnEncryptedURL(t *testing.T) {
	c, err := Parse("t.toml", []byte("[notify]\nwebhook = { url = { env = \"HOOK\" } }\n"), environment(map[string]string{"HOOK": "http://hooks.example.com/hunter2"}))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.ResolveSecrets(); err == nil || !strings.Contains(err.Error(), "use https") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}
