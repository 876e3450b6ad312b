package javelo

import (
	"bytes"
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

// refusal is what the body of a refused request says.
type refusal struct {
	sentence string // safe to show
	taken    bool   // the login exists already
	manager  bool   // it speaks of the manager
}

// classify turns an error of the wire into what the refusal says it is. Which
// status Javelo gives to a login that exists, and to a manager it does not take,
// is unverified: RFC 7644 §3.12 has 409 for the one and 400 for the other,
// frameworks of its kind answer 422.
func (r refusal) classify(err error, linked bool) error {
	e, ok := errors.AsType[*connectors.Error](err)
	if !ok {
		return err
	}
	refused := e.Status == http.StatusBadRequest || e.Status == http.StatusUnprocessableEntity
	switch {
	case refused && r.taken:
		e.Class = connectors.Taken
	case linked && r.manager && (refused || e.Status == http.StatusNotFound):
		e.Class = connectors.Invalid
		e.Err = connectors.ErrManagerRefused // unknown there, or disabled
	}
	return err
}

// maxSaid bounds the text of a refusal that is looked at.
const maxSaid = 2000

// readRefusal reads the body of a refusal: RFC 7644 §3.12, or the {"error": …}
// and {"errors": {field: [sentences]}} that web frameworks give. private are the
// values that must not be in the sentence.
func readRefusal(body []byte, private []string) refusal {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var doc any
	if d.Decode(&doc) != nil {
		return refusal{} // a web page or a plain text: the status says enough
	}
	o, _ := doc.(map[string]any)
	said := o["detail"]
	for _, name := range []string{"message", "error_description", "error", "errors"} {
		if said == nil {
			said = o[name]
		}
	}
	sentence := redact(flatten(said, 0), private)
	kind, _ := o["scimType"].(string)
	if !slices.Contains(scimTypes, kind) {
		kind = ""
	}
	lower := strings.ToLower(sentence)
	r := refusal{
		sentence: sentence,
		taken:    kind == "uniqueness" || slices.ContainsFunc(takenWords, func(w string) bool { return strings.Contains(lower, w) }),
		manager:  strings.Contains(lower, "manager"),
	}
	if kind != "" {
		r.sentence = strings.TrimSuffix(kind+": "+sentence, ": ")
	}
	return r
}

// scimTypes are the error types of RFC 7644 §3.12; others are not shown.
var scimTypes = []string{"invalidFilter", "tooMany", "uniqueness", "mutability", "invalidSyntax", "invalidPath", "noTarget", "invalidValue", "invalidVers", "sensitive"}

var takenWords = []string{"been taken", "already taken", "already exist", "already in use", "already used", "is taken", "must be unique", "not unique", "déjà pris", "déjà utilisé", "existe déjà"}

// flatten writes what a refusal holds as one text: members as "name text".
func flatten(v any, depth int) string {
	if depth > 4 {
		return ""
	}
	var parts []string
	switch v := v.(type) {
	case string:
		return v[:min(len(v), maxSaid)]
	case []any:
		for _, e := range v[:min(len(v), 20)] {
			parts = append(parts, flatten(e, depth+1))
		}
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for _, k := range keys[:min(len(keys), 20)] {
			parts = append(parts, strings.TrimSpace(k+" "+flatten(v[k], depth+1)))
		}
	}
	text := strings.Join(parts, ", ")
	return text[:min(len(text), maxSaid)]
}

// private lists the values of a write that an answer could echo.
func private(want model.Desired, link *model.ManagerLink) []string {
	values := []string{want.Email, string(want.Person)}
	for n, v := range want.Attributes {
		values = append(values, v)
		switch n {
		case model.GivenName, model.FamilyName, model.DisplayName:
			values = append(values, strings.Fields(v)...)
		}
	}
	if link != nil {
		values = append(values, link.Email, link.RemoteID)
	}
	return values
}

// What is taken out of a sentence besides the values that were sent.
var (
	quotedText = regexp.MustCompile("\"[^\"]*\"?|'[^']*'|`[^`]*`|«[^»]*»?|“[^”]*”?|‘[^’]*’?")
	addressed  = regexp.MustCompile(`\S*(?:@|%40|://)\S*`)
	word       = regexp.MustCompile(`\pL[\pL\pM'’-]*`)
	numbered   = regexp.MustCompile(`\+?[\pL\pN_/:.-]*(?:\pN[\pL_/:.() -]{0,3}){4,}[\pL\pN_-]*`)
)

// plainWords are the capitalised words that begin a service's sentences. All
// other words with a capital may be names: those of the person, or of somebody
// else whose account is in the way.
var plainWords = strings.Fields(`A An The This That It Is No Not Only Must Cannot Can Could Unable
	Attribute Value Invalid Validation Missing Unknown Unsupported Required Duplicate Filter Field Custom Key Schema
	User Username Account Person Record Resource Group Manager Email Name Title Locale Active Department Date
	Operation Operations Path Patch Request Body Syntax Rate Limit Too Many Token Unauthorized Forbidden Bad
	SCIM JSON PATCH POST PUT GET API ID URN HTTP UUID YYYY-MM-DD Javelo`)

// redact takes out of a service's sentence what may tell of a person: values
// that were sent, everything in quotes, addresses, numbers of four digits or
// more, among them dates, telephone numbers and ids, and what may be a name.
func redact(said string, private []string) string {
	said = strings.ToValidUTF8(said, "")
	values := slices.Clone(private)
	slices.SortFunc(values, func(a, b string) int { return len(b) - len(a) })
	for _, v := range values {
		// "manager" as somebody's title tells nothing, and is a word of Javelo's own.
		if v = strings.TrimSpace(v); utf8.RuneCountInString(v) < 2 || strings.EqualFold(v, "manager") {
			continue
		}
		said = blank(said, v)
	}
	said = quotedText.ReplaceAllString(said, "…")
	said = addressed.ReplaceAllString(said, "…")
	said = numbered.ReplaceAllString(said, "…")
	said = word.ReplaceAllStringFunc(said, func(w string) string {
		if first, _ := utf8.DecodeRuneInString(w); unicode.IsLower(first) || slices.Contains(plainWords, w) {
			return w
		}
		return "…" // scripts without letter case too
	})
	return strings.Join(strings.Fields(said), " ")
}

// blank replaces a value wherever it occurs, whatever its letter case; a short
// one where it is a whole word only, or "fr" would be cut out of "from".
func blank(said, value string) string {
	if value = strings.ToValidUTF8(value, ""); value == "" {
		return said
	}
	pattern := "(?i)" + regexp.QuoteMeta(value)
	if utf8.RuneCountInString(value) < 4 {
		pattern = `(?i)(^|[^\pL\pN])` + regexp.QuoteMeta(value) + `($|[^\pL\pN])`
		return regexp.MustCompile(pattern).ReplaceAllString(said, "$1…$2")
	}
	return regexp.MustCompile(pattern).ReplaceAllString(said, "…")
}
