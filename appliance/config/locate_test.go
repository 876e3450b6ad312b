package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
	"github.com/google/go-cmp/cmp"
)

var located = []string{
	"",
	"a = 1",
	"[a]\nb = 'x' # c = 1\n[ a . \"c d\" ]\ne.f = [1, # x]\n 2]\n",
	"a = { b = 1, c.d = \"}\", e = { f = [ { g = 1 } ] } }\nh = 2",
	"a = \"\"\"\n[b]\nc = 1 \\\"\"\" \"\"\"\"\"\nd = '''\n'x''''\n",
	"[[a]]\nb = 1\n[[a]]\nb = 2\n[a.c]\n",
	"d = 1979-05-27 07:32:00\nx = 1979-05-27\n",
	"\xef\xbb\xbfa = 1\r\n\"\\u00e9\" = 2\n'' = 3\n",
	"\"a.b\" = 1\na.b = 2",
	"x = [[],[[1]], {}, { y = '' }]\n",
}

func TestLocateFindsKeysAndValues(t *testing.T) {
	const text = "# c\n[a . \"b c\"]\nd.e  =  'x' # f = 1\ng = { h = 2 }\n"
	var got []string
	for _, m := range locate(text) {
		end := func(at int) string {
			return strings.FieldsFunc(text[at:], func(r rune) bool { return r == '\n' || r == '#' })[0]
		}
		got = append(got, m.path.String()+" | "+end(m.key)+" | "+end(m.value))
	}
	want := []string{
		`a."b c" | a . "b c"] | a . "b c"]`,
		`a."b c".d.e | d.e  =  'x'  | 'x' `,
		`a."b c".g | g = { h = 2 } | { h = 2 }`,
		`a."b c".g.h | h = 2 } | 2 }`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// FuzzLocateAgreesWithTheParser holds the locator to the parser: on every text
// that the parser takes, both find the same keys in the same order.
func FuzzLocateAgreesWithTheParser(f *testing.F) {
	for _, s := range located {
		f.Add(s)
	}
	if example, err := os.ReadFile(filepath.Join("..", "..", "config.example.toml")); err == nil {
		f.Add(string(example))
	}
	f.Fuzz(func(t *testing.T, text string) {
		marks := locate(text)
		for _, m := range marks {
			if m.key < 0 || m.key >= len(text) || m.value < m.key || m.value > len(text) {
				t.Fatalf("%q: %s at %d, %d", text, m.path, m.key, m.value)
			}
		}
		var raw map[string]any
		md, err := toml.Decode(text, &raw)
		if err != nil || strings.Count(text, "[")+strings.Count(text, "{") > maxDepth {
			return
		}
		var want, got []string
		for _, k := range md.Keys() {
			want = append(want, k.String())
		}
		for _, m := range marks {
			got = append(got, m.path.String())
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	})
}

// FuzzParseNeverPanics also holds every problem to a place inside the file.
func FuzzParseNeverPanics(f *testing.F) {
	for _, s := range located {
		f.Add(s)
	}
	f.Add(push + "[sources.okta.map]\ntitle = 'now('\n[policy.guard]\nmax_creations = ['5%', 20]\n")
	f.Add("[sources.x]\nkind = 'lucca'\naccount = 'a'\napi_key = {env = 'K'}\n[targets.y]\nkind = 'elevo'\n")
	if example, err := os.ReadFile(filepath.Join("..", "..", "config.example.toml")); err == nil {
		f.Add(string(example))
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Parse("t.toml", []byte(text), noEnvironment())
		if err == nil {
			var b strings.Builder
			if err := c.Show(&b); err != nil {
				t.Fatal(err)
			}
			return
		}
		problems, ok := err.(Problems)
		if !ok || len(problems) == 0 {
			t.Fatalf("%q: error is %T", text, err)
		}
		for _, p := range problems {
			if p.Line > 1+strings.Count(text, "\n") || p.Message == "" || strings.Contains(p.String(), "\n") {
				t.Errorf("%q: %+v", text, p)
			}
		}
		_ = problems.Detail()
	})
}

func TestNearestSuggestsOnlyWhatIsAlike(t *testing.T) {
	words := []string{"interval", "kind", "base_url", "match_on"}
	for word, want := range map[string]string{
		"intervall": "interval", "interavl": "interval", "Interval": "interval", "kidn": "kind", "baseurl": "base_url", "matchon": "match_on", "colour": "", "x": "", "inter": "interval", "i": "",
	} {
		if got := Nearest(word, words); got != want {
			t.Errorf("%q: got %q, want %q", word, got, want)
		}
	}
}
