package config

import (
	"encoding"
	"reflect"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"rollcall/appliance/model"
)

// known is one key of a configuration.
type known struct {
	key   toml.Key
	field reflect.StructField
	value reflect.Value // addressable
}

// live reports whether a change of the key applies without a restart.
func (k known) live() bool { return k.field.Tag.Get("reload") != "restart" }

// walk visits every key that the configuration could have written, in the order
// of the structs, sources and targets by name. Keys of other kinds are left out.
func (c *Config) walk(visit func(known)) {
	root := reflect.ValueOf(c).Elem()
	for _, f := range reflect.VisibleFields(root.Type()) {
		name := f.Tag.Get("toml")
		if name == "" || name == "-" {
			continue
		}
		switch name {
		case "sources":
			for _, n := range sortedKeys(c.Sources) {
				walkTable(toml.Key{name, n}, reflect.ValueOf(c.Sources[n]).Elem(), c.Sources[n].Kind, visit)
			}
		case "targets":
			for _, n := range sortedKeys(c.Targets) {
				walkTable(toml.Key{name, n}, reflect.ValueOf(c.Targets[n]).Elem(), c.Targets[n].Kind, visit)
			}
		default:
			walkTable(toml.Key{name}, root.FieldByIndex(f.Index), "", visit)
		}
	}
}

func walkTable(path toml.Key, table reflect.Value, kind model.Kind, visit func(known)) {
	for _, f := range keysOf(table.Type()) {
		if !belongs(f, kind) {
			continue
		}
		key := below(path, f.Tag.Get("toml"))
		if isTable(f.Type) {
			walkTable(key, table.FieldByIndex(f.Index), kind, visit)
			continue
		}
		if isTables(f.Type) {
			walkTables(key, f, table.FieldByIndex(f.Index), visit)
			continue
		}
		visit(known{key: key, field: f, value: table.FieldByIndex(f.Index)})
	}
}

// walkTables visits each table of a key that holds tables by name. The values
// are copies: those of a map cannot be addressed.
func walkTables(key toml.Key, f reflect.StructField, tables reflect.Value, visit func(known)) {
	names := map[string]reflect.Value{}
	for it := tables.MapRange(); it.Next(); {
		names[it.Key().String()] = it.Value()
	}
	for _, n := range sortedKeys(names) {
		value := reflect.New(f.Type.Elem()).Elem()
		value.Set(names[n])
		visit(known{key: below(key, n), field: f, value: value})
	}
}

// keysOf returns the fields of a table that are keys, in order.
func keysOf(t reflect.Type) []reflect.StructField {
	var keys []reflect.StructField
	for _, f := range reflect.VisibleFields(t) {
		if name := f.Tag.Get("toml"); name != "" && name != "-" && len(f.Index) == 1 {
			keys = append(keys, f)
		}
	}
	return keys
}

// belongs reports whether a key belongs to sources or targets of a kind.
func belongs(f reflect.StructField, kind model.Kind) bool {
	kinds, limited := f.Tag.Lookup("kinds")
	return !limited || slices.Contains(strings.Fields(kinds), string(kind))
}

// needed reports whether a kind cannot do without a key.
func needed(f reflect.StructField, kind model.Kind) bool {
	return slices.Contains(strings.Fields(f.Tag.Get("need")), string(kind))
}

var (
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
	tomlUnmarshaler = reflect.TypeFor[toml.Unmarshaler]()
)

// isTable reports whether t is a struct that stands for a table of its own, not
// for one value.
func isTable(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return t.Kind() == reflect.Struct && !p.Implements(textUnmarshaler) && !p.Implements(tomlUnmarshaler)
}

// isTables reports whether t stands for tables with names of the
// administrator's, whose keys are the administrator's too.
func isTables(t reflect.Type) bool {
	return t.Kind() == reflect.Map && t.Elem().Kind() == reflect.Map
}

// below returns path with one more name, sharing nothing.
func below(path toml.Key, name string) toml.Key {
	return append(slices.Clone(path), name)
}
