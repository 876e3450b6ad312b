package lucca

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"time"
)

// object is a JSON object, decoded without floats. Its names are looked up
// without regard to case: "id", "Id", "managerID" and "managerId" all occur.
type object map[string]any

// get returns the member of that name. Of several that differ in case only, one
// that is not null is preferred, then the first in byte order.
func (o object) get(name string) (value any, ok bool) {
	if v, exact := o[name]; exact && v != nil {
		return v, true
	}
	var spellings []string
	for k := range o {
		if strings.EqualFold(k, name) {
			spellings = append(spellings, k)
		}
	}
	slices.Sort(spellings)
	for _, k := range spellings {
		if o[k] != nil {
			return o[k], true
		}
	}
	return nil, len(spellings) > 0
}

// fact is what an object says under a name: nothing, null, or a value.
type fact struct {
	field string // the name in the source's own words, "department.name"
	value any
	told  bool // false: absent, which says nothing
}

// fact follows names through nested objects. What null refers to is null as
// well: who has no department has no name of a department.
func (o object) fact(names ...string) fact {
	f := fact{field: strings.Join(names, ".")}
	for i, name := range names {
		f.value, f.told = o.get(name)
		if f.value == nil || i == len(names)-1 {
			break
		}
		inner, isObject := f.value.(map[string]any)
		if !isObject {
			return fact{field: f.field}
		}
		o = inner
	}
	return f
}

// scalar returns a text or a number as text. Ids and employee numbers come as
// either, and a number keeps its digits.
func scalar(v any) (text string, ok bool) {
	switch v := v.(type) {
	case string:
		return strings.TrimSpace(v), true
	case json.Number:
		return v.String(), true
	}
	return "", false
}

var wholeNumber = regexp.MustCompile(`^[0-9]+$`)

// identifier returns an id as text. A number that is not a plain row of digits
// is not an id: written otherwise it could not be compared.
func identifier(v any) (id string, ok bool) {
	id, ok = scalar(v)
	if _, number := v.(json.Number); number && !wholeNumber.MatchString(id) {
		return "", false
	}
	return id, ok && id != ""
}

// openEnd is the date that Lucca writes where there is no end.
const openEnd = "9999-12-31"

// calendarDate returns the date of "2014-09-01T00:00:00" or "2014-09-01". The
// time says nothing and there is no zone to convert from: these are dates on a
// contract. The open end is "", which is none.
func calendarDate(text string) (date string, ok bool) {
	text = strings.TrimSpace(text)
	date, rest := text, ""
	if len(text) > len(time.DateOnly) {
		date, rest = text[:len(time.DateOnly)], text[len(time.DateOnly):]
	}
	if _, err := time.Parse(time.DateOnly, date); err != nil || rest != "" && rest[0] != 'T' && rest[0] != ' ' {
		return "", false
	}
	if date == openEnd {
		return "", true
	}
	return date, true
}

// without returns a copy of o, and of the objects in it, that lacks the names
// that drop picks. It does not look inside the member called keep.
func without(o map[string]any, keep string, drop func(name string) bool) map[string]any {
	out := make(map[string]any, len(o))
	for name, v := range o {
		if drop(name) {
			continue
		}
		if inner, ok := v.(map[string]any); ok && !strings.EqualFold(name, keep) {
			v = without(inner, keep, drop)
		}
		out[name] = v
	}
	return out
}

// document encodes an object: names in order, numbers as they came.
func document(o map[string]any) (json.RawMessage, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(o); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}
