package scim

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"rollcall/appliance/model"
	"rollcall/connectors"
)

// Refusal is what the body of a refused request says.
type Refusal struct {
	Sentence string // safe to show: nobody's data is in it
	Type     string // the scimType of RFC 7644 §3.12, "" when it is none of those
	Taken    bool   // the login exists already
	Manager  bool   // it speaks of the manager
}

// Classify turns an error of the wire into what the refusal says it is: RFC 7644
// §3.12 has 409 for a login that exists and 400 for a value that is not
// acceptable, and services also answer 400 or 422 for the one and 404 for the
// other. linked says that the request named a manager.
func (r Refusal) Classify(err error, linked bool) error {
	e, ok := errors.AsType[*connectors.Error](err)
	if !ok {
		return err
	}
	refused := e.Status == http.StatusBadRequest || e.Status == http.StatusUnprocessableEntity
	switch {
	case refused && r.Taken:
		e.Class = connectors.Taken
	case linked && r.Manager && (refused || e.Status == http.StatusNotFound):
		e.Class = connectors.Invalid
		e.Err = connectors.ErrManagerRefused
	}
	return err
}

// refusalTypes are those of RFC 7644 §3.12 and RFC 9865 §2.1; others are not shown.
var refusalTypes = []string{
	"invalidFilter", "tooMany", "uniqueness", "mutability", "invalidSyntax", "invalidPath", "noTarget",
	"invalidValue", "invalidVers", "sensitive", "invalidCursor", "expiredCursor", "invalidCount",
}

var takenPhrases = []string{
	"been taken", "already taken", "already exist", "already in use", "already used", "is taken", "must be unique", "not unique",
	"déjà pris", "déjà utilisé", "existe déjà",
}

// maxRefusalText bounds the text of a refusal that is looked at, in bytes.
const maxRefusalText = 2000

// ReadRefusal reads the body of a refusal: an error message of RFC 7644 §3.12, or
// the {"error": …} and {"errors": {field: [sentences]}} that web frameworks give.
// Services quote what they refuse, so the sentence is stripped of private (see
// [PrivateValues]) and of whatever else may tell of a person. own are words with a
// capital that the service uses of itself.
func ReadRefusal(body []byte, private []string, own ...string) Refusal {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var doc any
	if d.Decode(&doc) != nil {
		return Refusal{} // a web page or a plain text: the status says enough
	}
	o, _ := doc.(map[string]any)
	var said any
	for _, name := range []string{"detail", "message", "error_description", "error", "errors"} {
		if v, _ := member(o, name); said == nil {
			said = v
		}
	}
	r := Refusal{Sentence: withoutPeople(sentences(said, 0), private, own)}
	lower := strings.ToLower(r.Sentence)
	r.Manager = strings.Contains(lower, "manager")
	if v, _ := member(o, "scimType"); v != nil {
		if kind, _ := v.(string); slices.Contains(refusalTypes, kind) {
			r.Type = kind
			r.Sentence = strings.TrimSuffix(kind+": "+r.Sentence, ": ")
		}
	}
	r.Taken = r.Type == "uniqueness" || slices.ContainsFunc(takenPhrases, func(w string) bool { return strings.Contains(lower, w) })
	return r
}

// sentences writes what a refusal holds as one text: members as "name text".
func sentences(v any, depth int) string {
	const deepest, widest = 4, 20
	if depth > deepest {
		return ""
	}
	var parts []string
	switch v := v.(type) {
	case string:
		parts = []string{v}
	case []any:
		for _, e := range v[:min(len(v), widest)] {
			parts = append(parts, sentences(e, depth+1))
		}
	case map[string]any:
		keys := sortedKeys(v)
		for _, k := range keys[:min(len(keys), widest)] {
			parts = append(parts, strings.TrimSpace(k+" "+sentences(v[k], depth+1)))
		}
	}
	text := strings.Join(parts, ", ")
	return text[:min(len(text), maxRefusalText)]
}

// PrivateValues lists the values of a write that an answer could echo.
func PrivateValues(want model.Desired) []string {
	values := []string{want.Email, string(want.Person)}
	for n, v := range want.Attributes {
		values = append(values, v)
		switch n {
		case model.GivenName, model.FamilyName, model.DisplayName:
			values = append(values, strings.Fields(v)...)
		}
	}
	if want.Manager != nil {
		values = append(values, want.Manager.Email, want.Manager.RemoteID)
	}
	return values
}

// What is taken out of a sentence besides the values that were sent.
var (
	inQuotes  = regexp.MustCompile("\"[^\"]*\"?|'[^']*'|`[^`]*`|«[^»]*»?|“[^”]*”?|‘[^’]*’?")
	anAddress = regexp.MustCompile(`\S*(?:@|%40|://)\S*`)
	aWord     = regexp.MustCompile(`\pL[\pL\pM'’-]*`)
	aNumber   = regexp.MustCompile(`\+?[\pL\pN_/:.-]*(?:\pN[\pL_/:.() -]{0,3}){4,}[\pL\pN_-]*`)
)

// serviceWords are the capitalised words that begin a service's sentences. All
// other words with a capital may be names, of this person or of somebody else
// whose account is in the way.
var serviceWords = strings.Fields(`A An The This That It Is No Not Only Must Cannot Can Could Unable
	Attribute Value Invalid Validation Missing Unknown Unsupported Required Duplicate Filter Field Custom Key Schema
	User Username Account Person Record Resource Group Manager Email Name Title Locale Active Department Date
	Operation Operations Path Patch Request Body Syntax Rate Limit Too Many Token Unauthorized Forbidden Bad
	SCIM JSON PATCH POST PUT GET API ID URN HTTP UUID YYYY-MM-DD`)

// withoutPeople takes out of a service's sentence what may tell of a person:
// values that were sent, everything in quotes, addresses, numbers of four digits
// or more (dates, telephone numbers and ids among them), and what may be a name.
func withoutPeople(said string, private, own []string) string {
	said = strings.ToValidUTF8(said, "")
	said = withoutValues(said, private)
	for _, telling := range []*regexp.Regexp{inQuotes, anAddress, aNumber} {
		said = telling.ReplaceAllString(said, "…")
	}
	said = aWord.ReplaceAllStringFunc(said, func(w string) string {
		if first, _ := utf8.DecodeRuneInString(w); unicode.IsLower(first) || slices.Contains(serviceWords, w) || slices.Contains(own, w) {
			return w
		}
		return "…" // scripts without letter case too
	})
	return strings.Join(strings.Fields(said), " ")
}

// withoutValues blanks values wherever they occur, whatever their letter case, the
// longest first; those of less than four letters where they are whole words only,
// or "fr" would be cut out of "from".
func withoutValues(said string, values []string) string {
	values = slices.Clone(values)
	slices.SortFunc(values, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	var long, short []string
	for _, v := range slices.Compact(values) {
		v = strings.TrimSpace(strings.ToValidUTF8(v, ""))
		switch n := utf8.RuneCountInString(v); {
		case n < 2, strings.EqualFold(v, "manager"):
			// "manager" as somebody's title tells nothing, and is a word of the protocol's.
		case n < 4:
			short = append(short, regexp.QuoteMeta(v))
		default:
			long = append(long, regexp.QuoteMeta(v))
		}
	}
	if len(long) > 0 {
		said = regexp.MustCompile("(?i)"+strings.Join(long, "|")).ReplaceAllString(said, "…")
	}
	if len(short) > 0 {
		word := regexp.MustCompile(`(?i)(^|[^\pL\pN])(?:` + strings.Join(short, "|") + `)($|[^\pL\pN])`)
		for range 2 { // two in a row share the character between them
			said = word.ReplaceAllString(said, "$1…$2")
		}
	}
	return said
}
