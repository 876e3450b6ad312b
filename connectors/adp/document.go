package adp

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// private are the sections that are not kept, unless an expression reads them:
// nothing here has a use for them, and nobody should find them in a backup.
var private = []string{
	"person.governmentIDs", "person.communication", "person.legalAddress", "person.otherPersonalAddresses",
	"person.maritalStatusCode", "person.raceCode", "person.ethnicityCode", "person.religionCode", "person.disabledIndicator",
	"person.disabilities", "person.militaryStatusCode", "person.militaryClassificationCodes", "person.birthPlace",
	"person.immigrationDocuments", "person.deathDate", "person.tobaccoUserIndicator",
}

// paid are those of each assignment.
var paid = []string{"baseRemuneration", "additionalRemunerations", "annualBenefitBaseRate"}

// volatile are members that change without anything having changed.
var volatile = []string{"links", "photos", "meta"}

// document encodes what is kept of a worker, in an order that does not depend on
// the answer's.
func (s *Source) document(w worker, assignment worker) json.RawMessage {
	custom := customFields(w, assignment)
	for _, name := range volatile {
		delete(w, name)
	}
	for _, path := range private {
		if s.reads(path) {
			continue
		}
		section, name, _ := strings.Cut(path, ".")
		if in, ok := w[section].(worker); ok {
			delete(in, name)
		}
	}
	assignments, _ := w["workAssignments"].([]any)
	for _, v := range assignments {
		a, _ := v.(worker)
		for _, name := range paid {
			if !s.reads("assignment."+name) && !s.reads("workAssignments."+name) {
				delete(a, name)
			}
		}
	}
	if assignment != nil {
		w["assignment"] = assignment
	}
	if len(custom) > 0 {
		w["customFields"] = custom
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(w); err != nil {
		return json.RawMessage("{}") // not reached: the value was decoded from JSON
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}

// reads reports whether a configured expression reads path or something below.
func (s *Source) reads(path string) bool {
	return slices.ContainsFunc(s.cfg.CustomFields, func(f string) bool {
		rest, ok := strings.CutPrefix(f, path)
		return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
	})
}

// customFields gathers the custom fields of the assignment, the person and the
// worker by the code of the field. Of two of the same code that of the worker
// counts; a field without a value is null.
func customFields(w, assignment worker) map[string]any {
	out := map[string]any{}
	person, _ := w["person"].(worker)
	for _, owner := range []worker{assignment, person, w} {
		group, _ := owner["customFieldGroup"].(worker)
		for _, kind := range []struct {
			list  string
			value func(o worker) any
		}{
			{"codeFields", func(o worker) any {
				if s, _ := label(o); s != "" {
					return s
				}
				return nil
			}},
			{"dateFields", func(o worker) any { return o["dateValue"] }},
			{"indicatorFields", func(o worker) any { return o["indicatorValue"] }},
			{"numberFields", func(o worker) any { return o["numberValue"] }},
			{"stringFields", func(o worker) any { return o["stringValue"] }},
		} {
			list, _ := group[kind.list].([]any)
			for _, one := range list {
				o, _ := one.(worker)
				if name := codeOf(o["nameCode"]); name != "" {
					out[name] = kind.value(o)
				}
			}
		}
	}
	return out
}

// unmask takes out of a value every member whose text is masked: what may not be
// seen is absent.
func unmask(v any) {
	switch v := v.(type) {
	case worker:
		for name, one := range v {
			if s, ok := one.(string); ok && masked(s) {
				delete(v, name)
				continue
			}
			unmask(one)
		}
	case []any:
		for _, one := range v {
			unmask(one)
		}
	}
}

// masked reports whether s is a mask. How ADP writes them is not documented
// (unverified): three of a masking character in a row, and no letters besides
// unless the characters are stars or dots.
func masked(s string) bool {
	for _, run := range []string{"***", "•••", "###"} {
		if strings.Contains(s, run) {
			return true
		}
	}
	upper := strings.ToUpper(s)
	letters := strings.ContainsFunc(upper, func(r rune) bool { return r != 'X' && !strings.ContainsRune("0123456789-/.+() ", r) })
	return strings.Contains(upper, "XXX") && !letters
}
