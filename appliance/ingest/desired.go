package ingest

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	"rollcall/appliance/model"
)

// appendDesired appends a desired state as encoding/json writes it, of which digests
// are stored: two for each person of a plan, where reflection would be most of the
// cost.
func appendDesired(b []byte, d *model.Desired) []byte {
	b = appendText(append(b, `{"person":`...), string(d.Person))
	if d.Active {
		b = append(b, `,"active":true,"email":`...)
	} else {
		b = append(b, `,"active":false,"email":`...)
	}
	b = append(appendText(b, d.Email), `,"attributes":`...)
	if d.Attributes == nil {
		b = append(b, "null"...)
	} else {
		names := make([]model.Name, 0, 32)
		for n := range d.Attributes {
			names = append(names, n)
		}
		slices.Sort(names)
		before := byte('{')
		for _, n := range names {
			b = append(appendText(append(b, before), string(n)), ':')
			b = appendText(b, d.Attributes[n])
			before = ','
		}
		if len(names) == 0 {
			b = append(b, '{')
		}
		b = append(b, '}')
	}
	if m := d.Manager; m != nil {
		b = append(b, `,"manager":{`...)
		if m.Person != "" {
			b = appendText(append(b, `"person":`...), string(m.Person))
		}
		b = append(b, '}')
	}
	return append(b, '}')
}

// appendText appends a text as encoding/json writes it: what it would spell in another
// way is left to it.
func appendText(b []byte, s string) []byte {
	if asIs(s) {
		return append(append(append(b, '"'), s...), '"')
	}
	raw, _ := json.Marshal(s) // a string can always be written
	return append(b, raw...)
}

// asIs reports whether encoding/json writes a text between quotes as it is.
func asIs(s string) bool {
	ascii := true
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ', c == '"', c == '\\', c == '<', c == '>', c == '&':
			return false
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return ascii || utf8.ValidString(s) && !strings.ContainsAny(s, "\u2028\u2029")
}
