package adp

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"rollcall/appliance/model"
)

// mapping is an observation in the making.
type mapping struct {
	worker     worker
	assignment worker // nil when there is none
	model.Observation
}

// fact is what one field says of one attribute.
type fact struct {
	told       bool // false: absent
	value      model.Value
	field      string // for the explanation
	unreadable bool   // there was something that is not understood
}

// or returns f when it is a value, else other when that is one, else whichever of
// the two was told to be empty.
func (f fact) or(other fact) fact {
	switch {
	case f.told && !f.value.Null:
		return f
	case other.told && !other.value.Null:
		return other
	case f.told:
		return f
	}
	other.unreadable = other.unreadable || f.unreadable
	return other
}

func (m *mapping) set(name model.Name, f fact) {
	if f.told {
		m.Attributes[name], m.Fields[name] = f.value, f.field
	}
}

func (m *mapping) note(notice string) {
	if !slices.Contains(m.Notices, notice) {
		m.Notices = append(m.Notices, notice)
	}
}

// get follows names through nested objects. What null refers to is null as well.
func get(o worker, names ...string) (v any, told bool) {
	v = o
	for i, name := range names {
		in, ok := v.(worker)
		if !ok {
			return nil, i > 0 && v == nil
		}
		if v, told = in[name]; !told {
			return nil, false
		}
	}
	return v, told
}

// text returns a text or a number as text.
func text(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return strings.TrimSpace(v), true
	case json.Number:
		return v.String(), true
	}
	return "", false
}

// label returns the name that a code object {codeValue, shortName, longName} has
// for people. ADP adds longName only when shortName was too short for it.
func label(v any) (string, bool) {
	o, ok := v.(worker)
	if !ok {
		return text(v)
	}
	for _, name := range []string{"longName", "shortName", "codeValue"} {
		if s, _ := text(o[name]); s != "" {
			return s, true
		}
	}
	return "", len(o) > 0
}

// codeOf returns what a code object says to machines, its name where it lacks a code.
func codeOf(v any) string {
	if o, ok := v.(worker); ok {
		if s, _ := text(o["codeValue"]); s != "" {
			return s
		}
	}
	s, _ := label(v)
	return s
}

// read maps one place below root. spelt is how the field is named to people.
func (m *mapping) read(root worker, path, spelt string, as func(any) (string, bool)) fact {
	v, told := get(root, strings.Split(path, ".")...)
	switch {
	case !told:
		return fact{}
	case v == nil:
		return fact{told: true, value: model.Null(), field: spelt}
	}
	// ADP writes {} for what is empty; it is also what is left of a masked code.
	if o, ok := v.(worker); ok && len(o) == 0 {
		return fact{}
	}
	s, ok := as(v)
	if !ok {
		m.note(spelt + " is not in a form that is known, and left out")
		return fact{unreadable: true}
	}
	return fact{told: true, value: model.Text(s), field: spelt}
}

func (m *mapping) text(path string) fact { return m.read(m.worker, path, path, text) }

func (m *mapping) assigned(path string) fact {
	return m.read(m.assignment, path, "workAssignments[]."+path, text)
}

func (m *mapping) assignedLabel(path string) fact {
	return m.read(m.assignment, path, "workAssignments[]."+path, label)
}

// date keeps a calendar date. Whatever else is there is left out: masks have many
// spellings.
func (m *mapping) date(f fact) fact {
	if !f.told || f.value.Null {
		return f
	}
	s := f.value.Text
	if len(s) > len(time.DateOnly) && s[len(time.DateOnly)] == 'T' {
		s = s[:len(time.DateOnly)]
	}
	if _, err := time.Parse(time.DateOnly, s); err != nil {
		m.note(f.field + " is not a date, and left out")
		return fact{unreadable: true}
	}
	f.value.Text = s
	return f
}

// gender knows the codes M and F; of others the name is kept.
func (m *mapping) gender() fact {
	f := m.read(m.worker, "person.genderCode", "person.genderCode", func(v any) (string, bool) {
		switch code := strings.ToLower(codeOf(v)); code {
		case "m", "male":
			return "male", true
		case "f", "female":
			return "female", true
		}
		s, ok := label(v)
		return strings.ToLower(s), ok
	})
	if slices.Contains([]string{"n", "u", "unknown", "undefined", "not specified"}, f.value.Text) {
		return fact{}
	}
	return f
}

// displayName is built: formattedName is "Last, First", which cannot be taken
// apart again. Names that the worker prefers go first.
func (m *mapping) displayName() fact {
	var words []string
	field := "person.legalName"
	for _, name := range []string{"givenName", "familyName1"} {
		preferred, _ := get(m.worker, "person", "preferredName", name)
		legal, _ := get(m.worker, "person", "legalName", name)
		s, _ := text(preferred)
		if s != "" {
			field = "person.preferredName"
		} else {
			s, _ = text(legal)
		}
		if s != "" {
			words = append(words, s)
		}
	}
	if len(words) == 0 {
		return fact{}
	}
	return fact{told: true, value: model.Text(strings.Join(words, " ")), field: field}
}

// locale spells "fr_FR" as RFC 5646 does.
func (m *mapping) locale() fact {
	f := m.read(m.worker, "_languageCode", "_languageCode", func(v any) (string, bool) { return codeOf(v), true })
	f.value.Text = strings.ReplaceAll(f.value.Text, "_", "-")
	return f
}

// unit is the name of the first home organisational unit of one of the types,
// whose spelling differs between products.
func (m *mapping) unit(kinds ...string) fact {
	const spelt = "workAssignments[].homeOrganizationalUnits[]"
	v, told := get(m.assignment, "homeOrganizationalUnits")
	list, _ := v.([]any)
	if told && v == nil {
		return fact{told: true, value: model.Null(), field: spelt}
	}
	for _, kind := range kinds {
		for _, one := range list {
			o, _ := one.(worker)
			code := strings.NewReplacer(" ", "", "_", "", "-", "").Replace(strings.ToLower(codeOf(o["typeCode"])))
			if code != kind {
				continue
			}
			if s, ok := label(o["nameCode"]); ok && s != "" {
				return fact{told: true, value: model.Text(s), field: spelt + ".nameCode"}
			}
		}
	}
	return fact{}
}
