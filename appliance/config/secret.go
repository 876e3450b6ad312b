package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/BurntSushi/toml"
)

// Hidden is what a secret prints as, everywhere.
const Hidden = "[secret]"

// maxSecret is the size above which a file is certainly not a secret, in bytes.
const maxSecret = 64 << 10

// Secret is a credential, or where to find one:
//
//	token = { file = "/etc/rollcall/secrets/javelo" }
//	token = { env = "JAVELO_TOKEN" }
//	token = { credential = "javelo" }   # systemd: LoadCredential=
//	token = "the secret itself"
//
// It prints as [secret] whatever prints it: fmt with any verb, JSON, hclog. The
// zero Secret is not set.
type Secret struct {
	from string // file, env, credential, literal; empty: not set
	name string // path or name; empty for a literal
	// value is behind a pointer because fmt does not follow pointers below the
	// top of a value: a struct that holds a Secret in an unexported field, where
	// Format is out of fmt's reach, still prints an address.
	value *string
}

// Allowed says what may be written.
func (Secret) Allowed() string {
	return `{ file = "/path" }, { env = "NAME" }, { credential = "NAME" } or a non-empty text`
}

// IsZero reports whether the secret is not set.
func (s Secret) IsZero() bool { return s.from == "" }

// Reveal returns the secret itself; empty before [Config.ResolveSecrets] unless
// it was written into the configuration file.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// Reference returns where the secret comes from, "file /etc/…" or "literal".
func (s Secret) Reference() string {
	if s.name == "" {
		return s.from
	}
	return s.from + " " + s.name
}

// Equal reports whether both come from the same place and, as far as they were
// resolved, hold the same.
func (s Secret) Equal(t Secret) bool {
	return s.from == t.from && s.name == t.name && s.Reveal() == t.Reveal()
}

// String returns "[secret]", empty when the secret is not set.
func (s Secret) String() string {
	if s.IsZero() {
		return ""
	}
	return Hidden
}

// Format prints what String returns, whatever the verb and the flags.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// MarshalText returns what String returns.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// variableName is what POSIX lets a program call an environment variable (IEEE
// 1003.1, 3.216). Messages repeat the name, and whoever writes the secret itself
// there should not find it in the log.
var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// UnmarshalTOML takes a text or a table with exactly one of file, env and
// credential. Its errors never hold what was written.
func (s *Secret) UnmarshalTOML(v any) error {
	switch v := v.(type) {
	case string:
		if strings.TrimSpace(v) == "" {
			return errors.New("the secret is empty")
		}
		*s = Secret{from: "literal", value: &v}
		return nil
	case map[string]any:
		if len(v) != 1 {
			return errors.New("not exactly one of file, env and credential")
		}
		for from, name := range v {
			text, ok := name.(string)
			switch {
			case from != "file" && from != "env" && from != "credential":
				return fmt.Errorf("unknown key %q", from)
			case !ok || text == "":
				return fmt.Errorf("%s is not a non-empty text", from)
			case from == "file" && !filepath.IsAbs(text):
				return errors.New("the path of the secret file is not absolute")
			case from == "credential" && (text != filepath.Base(text) || text == "." || text == ".."):
				return errors.New("a credential has a plain name, not a path")
			case from == "env" && !variableName.MatchString(text):
				return errors.New("not the name of an environment variable")
			}
			*s = Secret{from: from, name: text}
		}
		return nil
	}
	return errors.New("neither a text nor a table")
}

// MarshalTOML returns the reference as the file spells it, and [secret] for one
// that was written into the file.
func (s Secret) MarshalTOML() ([]byte, error) {
	if s.name == "" {
		return []byte(quote(Hidden)), nil
	}
	return []byte("{ " + s.from + " = " + quote(s.name) + " }"), nil
}

// Environment is what configuration may take from around the process.
type Environment struct {
	// LookupEnv finds an environment variable, as os.LookupEnv does.
	LookupEnv func(string) (string, bool)
}

// System is the environment of this process.
func System() Environment { return Environment{LookupEnv: os.LookupEnv} }

func (e Environment) lookup(name string) (string, bool) {
	if e.LookupEnv == nil {
		return "", false
	}
	return e.LookupEnv(name)
}

// resolve reads the secret. Errors name file or variable and what to do, and
// never hold what was read.
func (s *Secret) resolve(env Environment) error {
	var text string
	switch s.from {
	case "", "literal":
		return nil
	case "env":
		v, ok := env.lookup(s.name)
		if !ok {
			return fmt.Errorf("the environment variable %s is not set", s.name)
		}
		text = v
	case "credential":
		dir, ok := env.lookup("CREDENTIALS_DIRECTORY")
		if !ok || dir == "" {
			return fmt.Errorf("credential %s: $CREDENTIALS_DIRECTORY is not set; add LoadCredential=%s:/path to the systemd unit", s.name, s.name)
		}
		v, err := readSecretFile(filepath.Join(dir, s.name))
		if err != nil {
			return err
		}
		text = v
	case "file":
		v, err := readSecretFile(s.name)
		if err != nil {
			return err
		}
		text = v
	}
	text = strings.TrimRight(text, "\r\n")
	if strings.TrimSpace(text) == "" {
		return fmt.Errorf("%s is empty", s.Reference())
	}
	s.value = &text
	return nil
}

// Reread returns the secret as its file, credential or variable holds it now; one that
// was written into the configuration is returned as it is.
func (s Secret) Reread(env Environment) (Secret, error) {
	fresh := s
	err := fresh.resolve(env)
	return fresh, err
}

func readSecretFile(path string) (string, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("secret file %s does not exist", path)
	}
	if errors.Is(err, os.ErrPermission) {
		return "", fmt.Errorf("secret file %s is not readable for this user: chgrp it to the group rollcall runs as, and chmod 0640 %s", path, path)
	}
	if err != nil {
		return "", fmt.Errorf("secret file %s: %w", path, errors.Unwrap(err))
	}
	defer f.Close()
	// The open file is judged, not the path: nobody can swap it in between.
	info, err := f.Stat()
	if err != nil {
		return "", fmt.Errorf("secret file %s: %w", path, err)
	}
	switch {
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("secret file %s is not a regular file", path)
	case info.Mode().Perm()&0o006 != 0:
		return "", fmt.Errorf("secret file %s is open to everyone on this machine (mode %04o): run chmod 0640 %s, and replace the secret if others may have read it",
			path, info.Mode().Perm(), path)
	case info.Size() > maxSecret:
		return "", fmt.Errorf("secret file %s is larger than %d bytes", path, maxSecret)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxSecret))
	if err != nil {
		return "", fmt.Errorf("secret file %s: %w", path, err)
	}
	return string(data), nil
}

// ResolveSecrets reads every secret that the configuration refers to. It
// returns [Problems] that name each one that could not be read, and leaves
// those unresolved. Call it before the configuration is shared.
func (c *Config) ResolveSecrets() error {
	p := problems{file: c.File, lines: c.lines}
	c.eachSecret(func(key toml.Key, s *Secret) {
		if err := s.resolve(c.env); err != nil {
			p.add(key, Problem{Message: err.Error(), secret: true})
		}
	})
	if s := &c.Notify.Webhook.URL; !s.IsZero() && s.from != "literal" && s.value != nil {
		if err := checkWebhook(*s.value); err != nil {
			p.add(toml.Key{"notify", "webhook", "url"}, Problem{Message: s.Reference() + ": " + err.Error(), secret: true})
		}
	}
	return p.err()
}

// SecretValues returns the resolved secrets, for a log that must never show them.
func (c *Config) SecretValues() []string {
	var values []string
	c.eachSecret(func(_ toml.Key, s *Secret) {
		if v := s.Reveal(); v != "" {
			values = append(values, v)
		}
	})
	return values
}

// eachSecret visits the secrets that are set, in the order the configuration is shown.
func (c *Config) eachSecret(visit func(toml.Key, *Secret)) {
	c.walk(func(k known) {
		if s, ok := k.value.Addr().Interface().(*Secret); ok && !s.IsZero() {
			visit(k.key, s)
		}
	})
}
