package config

import (
	"bufio"
	"encoding"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"

	"rollcall/appliance/model"
)

// Show writes the effective configuration as TOML, defaults included and
// secrets as references. Where no secret stands in the file itself, the output
// read back gives the same configuration.
func (c *Config) Show(w io.Writer) error {
	out := bufio.NewWriter(w)
	table := ""
	c.walk(func(k known) {
		parent := k.key[:len(k.key)-1].String()
		if k.value.Kind() == reflect.Map {
			showEntries(out, &table, k)
			return
		}
		text, ok := spellKey(k)
		if !ok {
			return
		}
		header(out, &table, parent)
		fmt.Fprintf(out, "%s = %s\n", toml.Key{k.key[len(k.key)-1]}, text)
	})
	return out.Flush()
}

func header(out io.Writer, table *string, name string) {
	if *table == name {
		return
	}
	if *table != "" {
		fmt.Fprintln(out)
	}
	*table = name
	fmt.Fprintf(out, "[%s]\n", name)
}

// showEntries writes a table whose keys are the administrator's.
func showEntries(out io.Writer, table *string, k known) {
	names := map[string]reflect.Value{}
	for it := k.value.MapRange(); it.Next(); {
		names[it.Key().String()] = it.Value()
	}
	for _, n := range sortedKeys(names) {
		if text, ok := spell(names[n]); ok {
			header(out, table, k.key.String())
			fmt.Fprintf(out, "%s = %s\n", toml.Key{n}, text)
		}
	}
}

// spellKey is spell for a key: where empty is a value, it is spelled.
func spellKey(k known) (text string, ok bool) {
	if text, ok := spell(k.value); ok {
		return text, true
	}
	return `""`, k.field.Tag.Get("empty") == "off"
}

// spell returns a value as TOML writes it; ok is false when the key is not set,
// which TOML has no word for.
func spell(v reflect.Value) (text string, ok bool) {
	value := v.Interface()
	if z, is := value.(interface{ IsZero() bool }); is && z.IsZero() {
		return "", false
	}
	switch value := value.(type) {
	case toml.Marshaler:
		b, err := value.MarshalTOML()
		return string(b), err == nil
	case Path, model.Kind:
		return quote(v.String()), v.String() != ""
	case encoding.TextMarshaler:
		b, err := value.MarshalText()
		return quote(string(b)), err == nil && len(b) > 0
	}
	switch v.Kind() {
	case reflect.Bool:
		return strconv.FormatBool(v.Bool()), true
	case reflect.Int:
		return strconv.FormatInt(v.Int(), 10), true
	case reflect.Slice:
		if v.IsNil() {
			return "", false
		}
		items := make([]string, v.Len())
		for i := range items {
			items[i] = quote(spellItem(v.Index(i)))
		}
		return "[" + strings.Join(items, ", ") + "]", true
	}
	return quote(v.String()), v.String() != ""
}

// spellItem returns an item of a list as text.
func spellItem(v reflect.Value) string {
	if m, is := v.Interface().(encoding.TextMarshaler); is {
		if b, err := m.MarshalText(); err == nil {
			return string(b)
		}
	}
	return v.String()
}

// quote returns s as a TOML basic string.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < 0x20 || r == 0x7f:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
