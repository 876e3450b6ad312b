package hibob

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// plainly decodes JSON the slow way and leaves out what a document leaves out.
func plainly(raw []byte) (any, bool) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return nil, false
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, false
	}
	for k := range m {
		if strings.HasPrefix(k, "/") {
			delete(m, k)
		}
	}
	withoutVolatile(m)
	return v, true
}

func withoutVolatile(v any) {
	m, ok := v.(map[string]any)
	if !ok {
		return
	}
	for k, below := range m {
		if volatile(k) {
			delete(m, k)
			continue
		}
		withoutVolatile(below)
	}
}

// The document of any valid JSON object says what the standard decoder reads.
func FuzzDocument(f *testing.F) {
	for _, name := range []string{"testdata/13-person.200.json"} {
		raw, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	for _, s := range []string{
		`{}`, `{"a":1,"a":2}`, `{"\/x":1,"/y":[{}],"z":{"\/kept":null}}`, `{"a":[{"b":"\"]}"}],"c":-1.5e+3,"d":true}`, "{ \"\\u0061\" :\t{\"\": \"\xff\"} }",
		`{"a":01}`, `{"a":1.}`, `{"a":-}`, `{"a":1e}`, `{"a":tru}`, `{"a":"\u12g4"}`, `{"a":"\x"}`, "{\"a\":\"\n\"}", `{"a":[1,]}`, `{"a":1,}`, `{,}`, `{"a" 1}`, `{"a":{"b":[}]}`, `[{}]`, `{}{}`, `{"/a":[1,{"b":}]}`,
		`{"age":1,"work":{"tenureX":{},"age":[2]},"s":"a\\"}`, `{"<&>":"<\u2028>"}`, `{"":""}`,
	} {
		f.Add([]byte(s))
	}
	p := newParser()
	f.Fuzz(func(t *testing.T, raw []byte) {
		want, ok := plainly(raw)
		e, err := p.parse(raw)
		if !json.Valid(raw) {
			if err == nil {
				t.Fatalf("%q is not JSON and was taken", raw)
			}
			return
		}
		if !ok {
			if err == nil {
				t.Fatalf("%q is no object and was taken", raw)
			}
			return
		}
		if errors.Is(err, errNotJSON) {
			t.Fatalf("%q is JSON and was not taken for it", raw)
		}
		if err != nil {
			if bytes.Count(raw, []byte("{")) <= maxDepth {
				t.Fatalf("%q is refused: %v", raw, err)
			}
			return
		}
		doc := e.document()
		got, ok := plainly(doc)
		if !ok {
			t.Fatalf("document %q of %q is not a JSON object", doc, raw)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("document %q of %q (-decoded +document):\n%s", doc, raw, d)
		}
		again, err := newParser().parse(doc)
		if err != nil {
			t.Fatal(err)
		}
		if twice := again.document(); !bytes.Equal(doc, twice) {
			t.Fatalf("the document of a document differs:\n%s\n%s", doc, twice)
		}
	})
}
