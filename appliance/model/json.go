package model

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// The AppendJSON methods write exactly what encoding/json writes, without reflection:
// for what is written or digested for every person of a plan, where that would be a
// good part of the cost. Digests of it are stored, so that it may not change.

// AppendJSON appends d as encoding/json writes it.
func (d *Desired) AppendJSON(b []byte) []byte {
	b = AppendText(append(b, `{"person":`...), string(d.Person))
	b = strconv.AppendBool(append(b, `,"active":`...), d.Active)
	b = AppendText(append(b, `,"email":`...), d.Email)
	b = AppendMap(append(b, `,"attributes":`...), d.Attributes, AppendText)
	if m := d.Manager; m != nil {
		b = append(b, `,"manager":{`...)
		if m.Person != "" {
			b = AppendText(append(b, `"person":`...), string(m.Person))
		}
		b = append(b, '}')
	}
	return append(b, '}')
}

// AppendJSON appends v as encoding/json writes it.
func (v Value) AppendJSON(b []byte) []byte {
	from := len(b)
	if v.Null {
		b = append(b, `,"null":true`...)
	}
	if v.Text != "" {
		b = AppendText(append(b, `,"text":`...), v.Text)
	}
	if len(v.Refs) > 0 {
		b = AppendList(append(b, `,"refs":`...), v.Refs, func(b []byte, r Reference) []byte {
			b = AppendText(append(b, `{"by":`...), string(r.By))
			return append(AppendText(append(b, `,"value":`...), r.Value), '}')
		})
	}
	return closed(b, from)
}

// AppendJSON appends j as encoding/json writes it.
func (j *Job) AppendJSON(b []byte) []byte {
	b = AppendText(append(b, `{"target":`...), j.Target)
	b = AppendText(append(b, `,"person":`...), string(j.Person))
	b = AppendText(append(b, `,"state":`...), string(j.State))
	b = AppendText(append(b, `,"effect":`...), string(j.Effect))
	if len(j.Changed) > 0 {
		b = AppendList(append(b, `,"changed":`...), j.Changed, AppendText)
	}
	b = AppendText(append(b, `,"digest":`...), j.Digest)
	b = strconv.AppendUint(append(b, `,"run":`...), j.Run, 10)
	if j.Reason != "" {
		b = AppendText(append(b, `,"reason":`...), j.Reason)
	}
	if j.Wave != 0 {
		b = strconv.AppendInt(append(b, `,"wave":`...), int64(j.Wave), 10)
	}
	if j.Attempts != 0 {
		b = strconv.AppendInt(append(b, `,"attempts":`...), int64(j.Attempts), 10)
	}
	if j.Uncertain {
		b = append(b, `,"uncertain":true`...)
	}
	if !j.NotBefore.IsZero() {
		b = AppendTime(append(b, `,"not_before":`...), j.NotBefore)
	}
	if j.LastClass != "" {
		b = AppendText(append(b, `,"last_class":`...), j.LastClass)
	}
	if j.LastError != "" {
		b = AppendText(append(b, `,"last_error":`...), j.LastError)
	}
	b = AppendTime(append(b, `,"created":`...), j.Created)
	if len(j.Tried) > 0 {
		b = AppendList(append(b, `,"tried":`...), j.Tried, func(b []byte, t Try) []byte {
			b = AppendTime(append(b, `{"at":`...), t.At)
			if t.Class != "" {
				b = AppendText(append(b, `,"class":`...), t.Class)
			}
			if t.Text != "" {
				b = AppendText(append(b, `,"text":`...), t.Text)
			}
			return append(b, '}')
		})
	}
	return append(b, '}')
}

// closed makes an object of members that each begin with a comma, those from a
// position on.
func closed(b []byte, from int) []byte {
	if len(b) == from {
		return append(b, "{}"...)
	}
	b[from] = '{'
	return append(b, '}')
}

// AppendMap appends a map, nil as null, its keys sorted.
func AppendMap[V any](b []byte, m map[Name]V, value func([]byte, V) []byte) []byte {
	if m == nil {
		return append(b, "null"...)
	}
	names := make([]Name, 0, 32)
	for n := range m {
		names = append(names, n)
	}
	slices.Sort(names)
	from := len(b)
	for _, n := range names {
		b = append(AppendText(append(b, ','), n), ':')
		b = value(b, m[n])
	}
	return closed(b, from)
}

// AppendList appends a list, nil as null.
func AppendList[V any](b []byte, list []V, value func([]byte, V) []byte) []byte {
	if list == nil {
		return append(b, "null"...)
	}
	b = append(b, '[')
	for i, v := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = value(b, v)
	}
	return append(b, ']')
}

// AppendTime appends a time of the years 0 to 9999, others being refused by
// encoding/json.
func AppendTime(b []byte, t time.Time) []byte {
	return append(t.AppendFormat(append(b, '"'), time.RFC3339Nano), '"')
}

// AppendText appends a text.
func AppendText[S ~string](b []byte, s S) []byte {
	if asIs(string(s)) {
		return append(append(append(b, '"'), s...), '"')
	}
	raw, _ := json.Marshal(string(s)) // a string can always be written
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
