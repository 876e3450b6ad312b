package config

import (
	"reflect"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// Change is one difference between two configurations. Old and New are spelled
// as the file would; an empty one says that the key is not set, and secrets are
// their references.
type Change struct {
	Key  string `json:"key"`
	Old  string `json:"old,omitempty"`
	New  string `json:"new,omitempty"`
	Live bool   `json:"live"` // applies while running; else only after a restart
}

// Diff returns what differs between two configurations, in the order of the
// file. A secret whose reference stayed the same but whose contents did not is
// a change too, when both configurations were resolved. Adding or removing a
// source or target, or changing its kind, is one change and needs a restart.
func Diff(old, updated *Config) []Change {
	before, after := flatten(old), flatten(updated)
	var changes []Change
	whole := map[string]bool{} // tables that came, went or changed kind
	for _, tables := range []struct {
		name     string
		old, new map[string]string
	}{
		{"sources", kindsOf(old.Sources), kindsOf(updated.Sources)},
		{"targets", kindsOf(old.Targets), kindsOf(updated.Targets)},
	} {
		names := sortedKeys(tables.old)
		for _, n := range sortedKeys(tables.new) {
			if _, ok := tables.old[n]; !ok {
				names = append(names, n)
			}
		}
		slices.Sort(names)
		for _, n := range names {
			if tables.old[n] == tables.new[n] {
				continue
			}
			key := toml.Key{tables.name, n}.String()
			whole[key] = true
			changes = append(changes, Change{Key: key, Old: tables.old[n], New: tables.new[n]})
		}
	}
	keys := before.order
	for _, k := range after.order {
		if _, ok := before.entries[k]; !ok {
			keys = append(keys, k)
		}
	}
	for _, k := range keys {
		o, inOld := before.entries[k]
		n, inNew := after.entries[k]
		if whole[tableOf(k)] || inOld && inNew && o.text == n.text && o.secret.Equal(n.secret) {
			continue
		}
		live := (!inOld || o.live) && (!inNew || n.live)
		changes = append(changes, Change{Key: k, Old: o.text, New: n.text, Live: live})
	}
	return changes
}

// entry is one key as Diff compares it.
type entry struct {
	text   string
	secret Secret
	live   bool
}

type entries struct {
	order   []string
	entries map[string]entry
}

func (e *entries) put(key toml.Key, text string, v reflect.Value, live bool) {
	one := entry{text: text, live: live}
	one.secret, _ = v.Interface().(Secret)
	e.order = append(e.order, key.String())
	e.entries[key.String()] = one
}

func flatten(c *Config) *entries {
	e := &entries{entries: map[string]entry{}}
	c.walk(func(k known) {
		if k.value.Kind() != reflect.Map {
			if text, ok := spellKey(k); ok {
				e.put(k.key, text, k.value, k.live())
			}
			return
		}
		names := map[string]reflect.Value{}
		for it := k.value.MapRange(); it.Next(); {
			names[it.Key().String()] = it.Value()
		}
		for _, n := range sortedKeys(names) {
			if text, ok := spell(names[n]); ok {
				e.put(below(k.key, n), text, names[n], k.live())
			}
		}
	})
	return e
}

// tableOf returns "sources.hibob" for "sources.hibob.interval".
func tableOf(key string) string {
	first, rest, ok := strings.Cut(key, ".")
	if !ok || first != "sources" && first != "targets" {
		return ""
	}
	second, _, _ := strings.Cut(rest, ".")
	return first + "." + second
}

func kindsOf[T any](m map[string]*T) map[string]string {
	out := make(map[string]string, len(m))
	for n, v := range m {
		switch v := any(v).(type) {
		case *Source:
			out[n] = string(v.Kind)
		case *Target:
			out[n] = string(v.Kind)
		}
	}
	return out
}
