package hibobsim

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"
)

// object is a JSON object whose members are written in random order, because
// the order of keys in HiBob's answers is not stable.
type object struct{ members []member }

type member struct {
	key   string
	value any // *object, string, int, bool, reference, or nil
}

// put stores a value under a path, making objects on the way. What is there
// already stays: a field below work.reportsTo does not replace it.
func (o *object) put(path []string, value any) {
	at := slices.IndexFunc(o.members, func(m member) bool { return m.key == path[0] })
	if len(path) == 1 {
		if at < 0 {
			o.members = append(o.members, member{path[0], value})
		}
		return
	}
	if at < 0 {
		o.members = append(o.members, member{path[0], &object{}})
		at = len(o.members) - 1
	}
	if below, ok := o.members[at].value.(*object); ok {
		below.put(path[1:], value)
	}
}

// render writes one employee: the flat form, the nested form, and the labels.
func (sn *snapshot) render(i int, want readable, rng *rand.Rand) []byte {
	whole, labels := &object{}, &object{}
	whole.put([]string{"id"}, sn.ids[i]) // asked for or not
	for _, f := range want.fields {
		value := f.value(sn, i)
		label := sn.label(f, value)
		if want.mode == "REPLACE" && firstItem[f.list] != 0 && f.kind == "list" && value != nil {
			value = label
		}
		whole.put(f.path(), value)
		if value == nil {
			continue
		}
		whole.put([]string{f.slash()}, &object{[]member{{"value", value}}})
		labels.put(f.path(), label)
	}
	if want.mode == "APPEND" {
		whole.put([]string{"humanReadable"}, labels)
	}
	var buf bytes.Buffer
	write(&buf, whole, rng)
	return buf.Bytes()
}

// label is a value as humanReadable tells it: a string for everything, with
// dates as the service user's locale writes them.
func (sn *snapshot) label(f *field, value any) string {
	switch v := value.(type) {
	case string:
		if f.kind == "date" {
			if day, err := time.Parse(time.DateOnly, v); err == nil {
				return day.Format(sn.sim.opts.DateLayout)
			}
		}
		if f.list != "" {
			return sn.sim.lists.label(f.list, v)
		}
		return v
	case int:
		return strconv.Itoa(v)
	case bool:
		if v {
			return "Yes"
		}
		return "No"
	case reference:
		return v.display()
	}
	return ""
}

func write(buf *bytes.Buffer, value any, rng *rand.Rand) {
	switch v := value.(type) {
	case *object:
		rng.Shuffle(len(v.members), func(i, j int) { v.members[i], v.members[j] = v.members[j], v.members[i] })
		buf.WriteByte('{')
		for n, m := range v.members {
			if n > 0 {
				buf.WriteByte(',')
			}
			// The real service escapes the slashes of its flat keys.
			buf.WriteString(strings.ReplaceAll(string(marshal(m.key)), "/", `\/`))
			buf.WriteByte(':')
			write(buf, m.value, rng)
		}
		buf.WriteByte('}')
	case reference:
		write(buf, &object{[]member{{"id", v.id}, {"email", v.email}, {"firstName", v.given}, {"surname", v.family}, {"displayName", v.display()}}}, rng)
	default:
		buf.Write(marshal(v))
	}
}

// marshal encodes without escaping HTML, as the real service does not. The
// values given to it cannot fail to encode.
func marshal(v any) []byte {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return []byte("null")
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
}
