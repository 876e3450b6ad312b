package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/BurntSushi/toml"
)

// PathVariable names the environment variable that names the file.
const PathVariable = "ROLLCALL_CONFIG"

// maxFile is the size above which a file is certainly not our configuration, in bytes.
const maxFile = 1 << 20

// Load reads and checks the configuration file at path. An empty path means
// the file that $ROLLCALL_CONFIG names, else [DefaultFile]. What is wrong with
// the contents is returned as [Problems]; secrets are not read yet.
func Load(path string) (*Config, error) { return LoadIn(path, System()) }

// LoadIn is [Load] with another environment.
func LoadIn(path string, env Environment) (*Config, error) {
	found := "named by --config"
	if path == "" {
		var ok bool
		path, ok = env.lookup(PathVariable)
		found = "named by $" + PathVariable
		if !ok || path == "" {
			path, found = DefaultFile, "the default; neither --config nor $"+PathVariable+" names another"
		}
	}
	f, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("no configuration: %s (%s): %w: run \"rollcall install\" to have one written, copy config.example.toml there, or name your file with --config",
			path, found, fs.ErrNotExist)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("configuration %s (%s): %w for this user: run the command with sudo, or join the group that owns the file", path, found, fs.ErrPermission)
	case err != nil:
		return nil, fmt.Errorf("configuration (%s): %w", found, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("configuration (%s): %w", found, err)
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("configuration %s is larger than %d bytes: is it the right file?", path, maxFile)
	}
	c, err := Parse(path, data, env)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	if key, ok := c.hasLiteralSecret(); ok && info.Mode().Perm()&0o006 != 0 {
		p := problems{file: path, lines: c.lines}
		p.add(key, Problem{Message: fmt.Sprintf("a secret stands in a file that is open to everyone on this machine (mode %04o)", info.Mode().Perm()),
			Hint: "run chmod 0640 " + path + ", or move the secret out with { file = … }", secret: true})
		return nil, p.err()
	}
	return c, nil
}

// Parse reads a configuration from data; name is what problems call it. The
// error is [Problems]: everything that is wrong, not the first thing only.
func Parse(name string, data []byte, env Environment) (*Config, error) {
	d := &decoder{problems: problems{file: name}, config: Default()}
	d.config.File, d.config.env = name, env
	raw := map[string]any{}
	if _, err := toml.Decode(string(data), &raw); err != nil {
		return nil, syntaxProblem(name, string(data), err)
	}
	d.lines = locateKeys(string(data))
	d.config.lines = d.lines
	d.root(raw)
	d.check()
	if err := d.err(); err != nil {
		return nil, err
	}
	return d.config, nil
}

// syntaxProblem turns what the toml package says into a [Problem]. Its message
// may quote the text around the place, so near a secret it is not repeated.
func syntaxProblem(name, text string, err error) Problems {
	one := Problem{File: name, Message: "not TOML: " + oneLine(strings.TrimPrefix(err.Error(), "toml: "))}
	var parse toml.ParseError
	if errors.As(err, &parse) {
		lines := source{text: text}
		one.Message = "not TOML: " + oneLine(parse.Message)
		one.Key = oneLine(parse.LastKey)
		one.Line, one.Column = max(parse.Position.Line, 1), max(parse.Position.Col, 1)
		one.text = lines.line(one.Line)
		one.secret = mayHoldSecret(one.text) || mayHoldSecret(one.Key)
		if one.secret {
			one.Message = "not TOML (the line may hold a secret and is not shown): texts stand between quotes, on one line"
		}
	}
	return Problems{one}
}
