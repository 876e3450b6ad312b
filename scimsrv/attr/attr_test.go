package attr_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/scimsrv/attr"
)

func decode(t testing.TB, text string) *attr.Object {
	t.Helper()
	o, err := attr.Decode([]byte(text), attr.Limits{})
	if err != nil {
		t.Fatalf("decode %s: %v", text, err)
	}
	return o
}

func Example() {
	user, err := attr.Decode([]byte(`{"UserName":"jane@example.com","emails":[{"value":"jane@example.com"}]}`), attr.Limits{})
	if err != nil {
		fmt.Println(err)
		return
	}
	user.Set("username", "jane.doe@example.com") // the same member, in another case
	user.Set("active", true)
	text, _ := user.MarshalJSON()
	fmt.Println(string(text))

	_, err = attr.Decode([]byte(`{"userName":"jane","name":{"givenName":"Jane","GIVENNAME":"Joan"}}`), attr.Limits{})
	fmt.Println(err)
	// Output:
	// {"UserName":"jane.doe@example.com","emails":[{"value":"jane@example.com"}],"active":true}
	// offset 46, name.GIVENNAME: the member is there twice; names are compared without regard to case
}

func TestDecodeKeepsOrderSpellingAndNumbers(t *testing.T) {
	const text = `{"b":1.50,"A":[true,null,{"x":"é\n\"\\"}],"c":{},"d":[],"n":-0.10E+2,"big":123456789012345678901234567890}`
	o := decode(t, text)
	got, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(text, string(got)); diff != "" {
		t.Errorf("encoding differs (-want +got):\n%s", diff)
	}
}

func TestDecodeSkipsByteOrderMark(t *testing.T) {
	if got := decode(t, "\xef\xbb\xbf{\"a\":\"b\"}").String("A"); got != "b" {
		t.Errorf("got %q, want b", got)
	}
}

func TestDecodeRefusesWithPlaceAndReason(t *testing.T) {
	wide := &strings.Builder{}
	wide.WriteString(`{"m0":0`)
	for i := 1; i < 1001; i++ {
		fmt.Fprintf(wide, `,"m%d":0`, i)
	}
	wide.WriteString("}")
	late := strings.Replace(wide.String()[:len(wide.String())-len(`,"m1000":0}`)]+"}", `"m998"`, `"M500"`, 1)
	early := strings.Replace(late, `"M500"`, `"M3"`, 1)
	tests := []struct {
		name, text string
		want       string // of the error's text
		offset     int64
	}{
		{"duplicate in another case", `{"userName":"a","USERNAME":"b"}`, "USERNAME: the member is there twice", 16},
		{"duplicate of an escaped name", `{"a":1,"\u0041":2}`, "A: the member is there twice", 7},
		{"duplicate of an early member of a large object", early, "M3: the member is there twice", -1},
		{"duplicate of a late member of a large object", late, "M500: the member is there twice", -1},
		{"duplicate inside a list", `{"emails":[{},{"value":1,"Value":2}]}`, "emails[1].Value: the member is there twice", -1},
		{"raw invalid UTF-8", "{\"a\":\"\xff\"}", "invalid UTF-8", 6},
		{"half a surrogate pair", `{"a":"x\ud800y"}`, "half a surrogate pair", -1},
		{"low surrogate first", `{"a":"\udc00\ud800"}`, "half a surrogate pair", -1},
		{"half a surrogate pair in a name", `{"a\udfff":1}`, "half a surrogate pair", -1},
		{"list at the top", `[1]`, "an object is expected", 0},
		{"null at the top", `null`, "an object is expected", 0},
		{"something behind", `{} {}`, "something after the object", 3},
		{"nothing", ``, "ends too early", 0},
		{"cut off", `{"a":{"b":[1`, "ends too early", 12},
		{"broken", `{"schemas": [broken`, "schemas[0]: a value is expected", -1},
		{"comma before the end", `{"a":1,}`, "the name of a member is expected", -1},
		{"control character", "{\"a\":\"x\ny\"}", "control character", 7},
		{"control character behind an escape", "{\"a\":\"\\t\ty\"}", "control character", -1},
		{"unknown escape", `{"a":"\x"}`, "escape sequence is not valid", 6},
		{"short escape", `{"a":"\u12"}`, "escape sequence is not valid", 6},
		{"string without an end", `{"a":"b`, "ends too early", 7},
		{"misspelt word", `{"a":nul}`, "a: a value is expected", 5},
		{"comma in a list", `{"a":[1,]}`, "a[1]: a value is expected", -1},
		{"no colon", `{"a" 1}`, "a colon is expected", -1},
		{"no comma", `{"a":1 "b":2}`, "a comma or the end of the object is expected", -1},
		{"leading zero", `{"a":01}`, "not a number", 5},
		{"too deep", strings.Repeat(`{"a":`, 17) + "1" + strings.Repeat("}", 17), "nested deeper than 16 levels", -1},
		{"too many members", wide.String(), "more than 1000 members", -1},
		{"long number", `{"a":` + strings.Repeat("1", 101) + `}`, "more than 100 characters", -1},
		{"absurd exponent", `{"a":1e10000}`, "exponent beyond 9999", -1},
		{"exponent beyond 64 bits", `{"a":1e99999999999999999999}`, "exponent beyond 9999", -1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := attr.Decode([]byte(tt.text), attr.Limits{})
			var e *attr.Error
			if !errors.As(err, &e) {
				t.Fatalf("got error %v, want an *attr.Error", err)
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %q, want it to contain %q", err, tt.want)
			}
			if tt.offset >= 0 && e.Offset != tt.offset {
				t.Errorf("got offset %d, want %d", e.Offset, tt.offset)
			}
			if errors.Is(err, attr.ErrTooLarge) {
				t.Error("ErrTooLarge is for the size of the document only")
			}
		})
	}
}

func TestDecodeErrorsDoNotRepeatValues(t *testing.T) {
	for _, text := range []string{
		`{"password":"hunter2","PASSWORD":"hunter2"}`,
		`{"password":"hunter2"`,
		`{"password":"hunter2" x}`,
	} {
		if _, err := attr.Decode([]byte(text), attr.Limits{}); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("got error %v, want one without the value", err)
		}
	}
}

func TestReadStopsAtTheSizeLimit(t *testing.T) {
	text := `{"a":"` + strings.Repeat("x", 100) + `"}`
	if _, err := attr.Read(strings.NewReader(text), attr.Limits{Bytes: int64(len(text))}); err != nil {
		t.Errorf("a document of exactly the limit: %v", err)
	}
	_, err := attr.Read(strings.NewReader(text), attr.Limits{Bytes: int64(len(text)) - 1})
	if !errors.Is(err, attr.ErrTooLarge) {
		t.Errorf("got %v, want ErrTooLarge", err)
	}
	_, err = attr.Decode([]byte(text), attr.Limits{Bytes: int64(len(text)) - 1})
	if !errors.Is(err, attr.ErrTooLarge) {
		t.Errorf("got %v, want ErrTooLarge", err)
	}
	if _, err := attr.Decode([]byte(`{"a":[1,2,3]}`), attr.Limits{Values: 4}); err == nil {
		t.Error("five values passed a limit of four")
	}
}

func TestNamesFoldAsASCIIOnly(t *testing.T) {
	o := attr.NewObject(attr.Member{Name: "schemas", Value: "s"}, attr.Member{Name: "Kind", Value: "k"})
	// U+017F and U+212A fold to s and k under Unicode's rules.
	for _, name := range []string{"\u017fchemas", "\u212aind"} {
		if _, ok := o.Get(name); ok {
			t.Errorf("%q found a member", name)
		}
	}
	if got := attr.FoldName("ExternalID-É"); got != "externalid-É" {
		t.Errorf("got %q", got)
	}
}

func TestObjectMembers(t *testing.T) {
	o := attr.NewObject(attr.Member{Name: "a", Value: "1"}, attr.Member{Name: "b", Value: nil}, attr.Member{Name: "A", Value: "2"})
	if o.Len() != 2 || o.String("A") != "2" {
		t.Errorf("a repeated name must replace the value: %d members, a=%q", o.Len(), o.String("a"))
	}
	if v, ok := o.Get("B"); !ok || v != nil {
		t.Error("null must be there and nil")
	}
	if o.Delete("missing") || !o.Delete("B") || o.Len() != 1 {
		t.Error("Delete must report whether there was a member")
	}
	var none *attr.Object
	if none.Len() != 0 || none.Delete("a") || none.Clone() != nil {
		t.Error("a nil object must read as empty")
	}
}

func TestCloneSharesNothing(t *testing.T) {
	o := decode(t, `{"a":{"b":[{"c":"1"}]}}`)
	c := o.Clone()
	a, _ := c.Get("a")
	b, _ := a.(*attr.Object).Get("b")
	b.(attr.Array)[0].(*attr.Object).Set("c", "2")
	if !attr.Equal(o, decode(t, `{"a":{"b":[{"c":"1"}]}}`)) {
		t.Error("a change of the clone reached the original")
	}
}

func TestEquality(t *testing.T) {
	tests := []struct {
		a, b        string
		equal, sets bool
	}{
		{`{"a":1,"B":2}`, `{"b":2.0,"A":10e-1}`, true, true},
		{`{"a":[1,2]}`, `{"a":[2,1]}`, false, true},
		{`{"a":[1,1,2]}`, `{"a":[2,2,1]}`, false, false},
		{`{"a":[{"x":1},{"y":2}]}`, `{"a":[{"y":2},{"x":1}]}`, false, true},
		{`{"a":null}`, `{}`, false, false},
		{`{"a":"1"}`, `{"a":1}`, false, false},
		{`{"a":true}`, `{"a":"true"}`, false, false},
		{`{"a":"x"}`, `{"a":"X"}`, false, false},
		{`{"a":0}`, `{"a":-0.0}`, true, true},
		{`{"a":["b,c"]}`, `{"a":["b","c"]}`, false, false},
	}
	for _, tt := range tests {
		a, b := decode(t, tt.a), decode(t, tt.b)
		if got := attr.Equal(a, b); got != tt.equal {
			t.Errorf("Equal(%s, %s) = %v", tt.a, tt.b, got)
		}
		if got := attr.EqualSets(a, b); got != tt.sets {
			t.Errorf("EqualSets(%s, %s) = %v", tt.a, tt.b, got)
		}
		if attr.Equal(a, b) != attr.Equal(b, a) {
			t.Errorf("Equal(%s, %s) depends on the order", tt.a, tt.b)
		}
	}
}

func TestNumbersCompareByWorth(t *testing.T) {
	ordered := []attr.Number{"-1e9999", "-10.5", "-10", "-1e-3", "0", "1e-9999", "0.1", "1", "1.0000000000000000000000000001", "2", "10", "9007199254740993", "9007199254740994", "1e9999"}
	for i, a := range ordered {
		for j, b := range ordered {
			want := 0
			switch {
			case i < j:
				want = -1
			case i > j:
				want = 1
			}
			if got := a.Compare(b); got != want {
				t.Errorf("%s compared with %s: %d, want %d", a, b, got, want)
			}
		}
	}
	for _, n := range []attr.Number{"", "-", "01", "1.", ".5", "1e", "1e+", "+1", "1e+-1", "0x1", "1 ", "NaN"} {
		if n.Valid() {
			t.Errorf("%q passes for a number", string(n))
		}
	}
	for n, want := range map[attr.Number]int64{"5": 5, "5.0": 5, "50e-1": 5, "-0": 0, "9223372036854775807": 1<<63 - 1, "-9223372036854775808": -1 << 63} {
		if got, ok := n.Int64(); !ok || got != want {
			t.Errorf("%s: got %d, %v", n, got, ok)
		}
	}
	for _, n := range []attr.Number{"0.5", "9223372036854775808", "1e400"} {
		if _, ok := n.Int64(); ok {
			t.Errorf("%s fits no int64", n)
		}
	}
	if attr.Number("1e400").IsInteger() != true || attr.Number("1.5").IsInteger() {
		t.Error("IsInteger is wrong")
	}
}

func TestIsEmpty(t *testing.T) {
	for text, want := range map[string]bool{
		`{"v":null}`: true, `{"v":[]}`: true, `{"v":{}}`: true, `{"v":[null,{"a":[]}]}`: true,
		`{"v":""}`: false, `{"v":false}`: false, `{"v":0}`: false, `{"v":[0]}`: false,
	} {
		v, _ := decode(t, text).Get("v")
		if got := attr.IsEmpty(v); got != want {
			t.Errorf("IsEmpty of %s: %v", text, got)
		}
	}
}

func TestAppendWritesJSONWhateverItIsGiven(t *testing.T) {
	o := attr.NewObject(
		attr.Member{Name: "bad\xffname", Value: "a\xffb\x00\u2028"},
		attr.Member{Name: "number", Value: attr.Number("no number")},
		attr.Member{Name: "other", Value: 5},
	)
	got := attr.Append(nil, o)
	if !json.Valid(got) {
		t.Errorf("not JSON: %s", got)
	}
	if want := "{\"bad\ufffdname\":\"a\ufffdb\\u0000\u2028\",\"number\":null,\"other\":null}"; string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"jane@example.com","active":true,"emails":[{"primary":true,"type":"work","value":"jane@example.com"}],"roles":[]}`,
		`{"Operations":[{"op":"Replace","path":"emails[type eq \"work\"].value","value":null}]}`,
		`{"a":1,"A":2}`, `{"a":"\ud83d\ude00"}`, `{"a":"\ud800"}`, `{"a":-1.5e-7}`, "{\"a\":\"\xff\"}", `{"":{"":[]}}`, `[`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := attr.Decode(data, attr.Limits{})
		body := trimBOM(data)
		if err != nil {
			// encoding/json must refuse it too, or we must have a reason of our own.
			var m map[string]json.RawMessage
			if json.Unmarshal(body, &m) == nil && m != nil && !strict.MatchString(err.Error()) {
				t.Fatalf("refused JSON %q: %v", data, err)
			}
			return
		}
		if !json.Valid(body) {
			t.Fatalf("accepted what is not JSON: %q", data)
		}
		var want, got any
		text, _ := o.MarshalJSON()
		if err := errors.Join(json.Unmarshal(body, &want), json.Unmarshal(text, &got)); err == nil {
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("%q was understood in another way than encoding/json does (-json +attr):\n%s", data, diff)
			}
		}
		again, err := attr.Decode(text, attr.Limits{Bytes: 1 << 24})
		if err != nil {
			t.Fatalf("what was encoded is refused: %v", err)
		}
		if !attr.Equal(o, again) || !attr.EqualSets(o, again) {
			t.Fatalf("not equal after encoding: %q, %q", data, text)
		}
		if !attr.Equal(o, o.Clone()) {
			t.Fatal("a clone differs")
		}
	})
}

// strict matches the errors for what is JSON but refused.
var strict = regexp.MustCompile(`there twice|invalid UTF-8|surrogate pair|nested deeper|more than|not a number, or`)

func trimBOM(data []byte) []byte {
	return []byte(strings.TrimPrefix(string(data), "\xef\xbb\xbf"))
}

var sample = []byte(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],` +
	`"externalId":"00u1a2b3c4d5e6f7g8h9","userName":"jane@example.com","active":true,"emails":[{"primary":true,"type":"work","value":"jane@example.com"}],` +
	`"meta":{"resourceType":"User"},"name":{"formatted":"Jane Doe","familyName":"Doe","givenName":"Jane"},"roles":[],"displayName":"Jane Doe","locale":"en-US",` +
	`"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"employeeNumber":"42","department":"Sales","manager":{"value":"17"}}}`)

func BenchmarkDecode(b *testing.B) {
	b.ReportAllocs()
	b.SetBytes(int64(len(sample)))
	for b.Loop() {
		if _, err := attr.Decode(sample, attr.Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDecodeStandard is the floor: encoding/json into any.
func BenchmarkDecodeStandard(b *testing.B) {
	b.ReportAllocs()
	b.SetBytes(int64(len(sample)))
	for b.Loop() {
		var v any
		if err := json.Unmarshal(sample, &v); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	o, err := attr.Decode(sample, attr.Limits{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		attr.Append(nil, o)
	}
}
