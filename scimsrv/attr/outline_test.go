package attr_test

import (
	"bytes"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"rollcall/scimsrv/attr"
)

// values draws what an object may hold, names and texts with everything that is
// written in more than one way.
func values(depth int) *rapid.Generator[attr.Value] {
	text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "\"", "\\", "a\nb", "\x00\x1f\x7f", "é\u2028😀", "/", "<&>", `\u0041`, "\xff"}))
	return rapid.Custom(func(t *rapid.T) attr.Value {
		kinds := 7
		if depth == 0 {
			kinds = 5
		}
		switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
		case 0:
			return nil
		case 1:
			return rapid.Bool().Draw(t, "bool")
		case 2:
			return attr.Number(rapid.SampledFrom([]string{"0", "-1.50", "1e5", "-0.10E+2", "12345678901234567890", "no number"}).Draw(t, "number"))
		case 3, 4:
			return text.Draw(t, "text")
		case 5:
			list := attr.Array{}
			for range rapid.IntRange(0, 4).Draw(t, "elements") {
				list = append(list, values(depth-1).Draw(t, "element"))
			}
			return list
		default:
			return object(depth-1, text).Draw(t, "object")
		}
	})
}

func object(depth int, name *rapid.Generator[string]) *rapid.Generator[*attr.Object] {
	return rapid.Custom(func(t *rapid.T) *attr.Object {
		o := &attr.Object{}
		for range rapid.IntRange(0, 20).Draw(t, "members") {
			o.Set(name.Draw(t, "name"), values(depth).Draw(t, "value"))
		}
		return o
	})
}

// outlined checks what Outline promises of any data and reports whether it took them.
func outlined(t interface{ Fatalf(string, ...any) }, data []byte) bool {
	before := bytes.Clone(data)
	o, ok := attr.Outline(data)
	if !bytes.Equal(before, data) {
		t.Fatalf("the data were changed: %q", before)
	}
	if !ok {
		return false
	}
	whole, err := attr.Decode(data, attr.Stored())
	if err != nil {
		t.Fatalf("took %q, which Decode refuses: %v", data, err)
	}
	for i := range data {
		data[i] = 'x' // the outline must not live in them
	}
	if got, want := attr.Append(nil, o), attr.Append(nil, whole); !bytes.Equal(got, want) || !bytes.Equal(got, before) {
		t.Fatalf("%q\noutlined %q\ndecoded  %q", before, got, want)
	}
	if o.Len() != whole.Len() {
		t.Fatalf("%q: %d members, decoded %d", before, o.Len(), whole.Len())
	}
	for name, v := range whole.Members() {
		got, there := o.Get(attr.FoldName(name))
		if !there {
			t.Fatalf("%q: %q is not found", before, name)
		}
		if attr.IsEmpty(got) != attr.IsEmpty(v) {
			t.Fatalf("%q: %q is empty: %v outlined, %v decoded", before, name, attr.IsEmpty(got), attr.IsEmpty(v))
		}
	}
	return true
}

func TestOutlineIsWrittenAsWhatIsDecoded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := object(3, rapid.OneOf(rapid.SampledFrom([]string{"userName", "emails", "value", "a", "é", "quo\"te"}), rapid.String())).Draw(t, "object")
		text := attr.Append(nil, o)
		// What has two names that become one when it is written is refused by both.
		_, err := attr.Decode(text, attr.Stored())
		if ok := outlined(t, bytes.Clone(text)); ok != (err == nil) {
			t.Fatalf("%q: outlined %v, decoded with %v", text, ok, err)
		}
		at := rapid.IntRange(0, len(text)-1).Draw(t, "at")
		with := rapid.SampledFrom([]string{"", " ", "\n", ",", `"`, `\`, `\u0041`, "{", "}", "[", "]", "0", "\xff", "null", ":"}).Draw(t, "with")
		outlined(t, append(append(bytes.Clone(text[:at]), with...), text[at:]...))
		outlined(t, append(append(bytes.Clone(text[:at]), with...), text[at+1:]...))
		outlined(t, text[:at])
	})
}

func TestOutlineLeavesOtherWritingsToDecode(t *testing.T) {
	for _, text := range []string{
		"", "[]", `"a"`, "null", ` {}`, `{} `, "\xef\xbb\xbf{}", `{"a":1,"A":2}`, `{"a":{"b":1,"B":2}}`, `{"a": 1}`, `{"a":1 }`, `{"a":[1, 2]}`,
		`{"a":"\u0041"}`, `{"\u0041":1}`, `{"a":"\/"}`, `{"a":"\ud83d\ude00"}`, `{"a":"\u000A"}`, `{"a":1,}`, `{"a":01}`, `{"a":}`, `{"a"}`, `{"a":tru}`,
		`{"a":[1,]}`, `{"a":1}{`, "{\"a\":\"\xff\"}", "{\"a\":\"\n\"}", `{"a":1,"b"`, `{a:1}`,
		`{"a":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `}`,
	} {
		if outlined(t, []byte(text)) {
			t.Errorf("%s is taken", text)
		}
	}
	for _, text := range []string{`{}`, `{"a":{},"b":[],"c":[{}],"d":"","e":"\u0001\n\"\\é😀","f":[null,true,false,-1.5E+3]}`,
		`{"a":` + strings.Repeat("[", 63) + strings.Repeat("]", 63) + `}`} {
		if !outlined(t, []byte(text)) {
			t.Errorf("%s is not taken", text)
		}
	}
}

func FuzzOutline(f *testing.F) {
	f.Add(sample)
	f.Add([]byte(`{"a":{"b":[1,{"c":"\u0001\n"}]},"d":null}`))
	f.Fuzz(func(t *testing.T, data []byte) { outlined(t, bytes.Clone(data)) })
}

func BenchmarkOutline(b *testing.B) {
	b.ReportAllocs()
	b.SetBytes(int64(len(sample)))
	for b.Loop() {
		if _, ok := attr.Outline(sample); !ok {
			b.Fatal("not taken")
		}
	}
}
