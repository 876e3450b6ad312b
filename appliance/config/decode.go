package config

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/BurntSushi/toml"

	"rollcall/appliance/model"
)

// decoder fills a Config, which holds the defaults, from what the file says. It
// goes on after a problem; a key that has one keeps its default.
type decoder struct {
	problems
	config *Config
}

// root decodes the whole file.
func (d *decoder) root(raw map[string]any) {
	config := reflect.ValueOf(d.config).Elem()
	fields := keysOf(config.Type())
	for _, name := range sortedKeys(raw) {
		key := toml.Key{name}
		if name == "test" {
			defer d.tests(raw[name]) // they speak of sources, which come later
			continue
		}
		f, ok := fieldNamed(fields, name)
		if !ok {
			d.unknown(key, fields, nil)
			continue
		}
		table, ok := raw[name].(map[string]any)
		if !ok {
			d.add(key, Problem{Message: "wrong type", Found: describe(raw[name]), Allowed: "a table, [" + name + "]"})
			continue
		}
		switch name {
		case "sources":
			for _, n := range sortedKeys(table) {
				d.source(below(key, n), table[n])
			}
		case "targets":
			for _, n := range sortedKeys(table) {
				d.target(below(key, n), table[n])
			}
		default:
			d.table(key, table, config.FieldByIndex(f.Index), "")
		}
	}
}

func (d *decoder) source(key toml.Key, raw any) {
	table, kind, ok := d.named(key, raw, sourceKinds)
	if !ok {
		return
	}
	s := defaultSource(key[1], kind)
	d.table(key, table, reflect.ValueOf(s).Elem(), kind)
	d.config.Sources[s.Name] = s
}

func (d *decoder) target(key toml.Key, raw any) {
	table, kind, ok := d.named(key, raw, targetKinds)
	if !ok {
		return
	}
	t := defaultTarget(key[1], kind)
	d.table(key, table, reflect.ValueOf(t).Elem(), kind)
	d.config.Targets[t.Name] = t
}

// named checks the name and the kind of a source or target: without a kind,
// nothing else about the table can be judged.
func (d *decoder) named(key toml.Key, raw any, kinds []model.Kind) (map[string]any, model.Kind, bool) {
	if !validName(key[1]) {
		d.add(key, Problem{Message: "not a name", Found: strconv.Quote(key[1]),
			Allowed: "up to 32 lower-case letters, digits, - and _, beginning with a letter"})
	}
	table, ok := raw.(map[string]any)
	if !ok {
		d.add(key, Problem{Message: "wrong type", Found: describe(raw), Allowed: "a table, [" + key.String() + "]"})
		return nil, "", false
	}
	allowed := make([]string, len(kinds))
	for i, k := range kinds {
		allowed[i] = string(k)
	}
	written, ok := table["kind"]
	if !ok {
		d.add(key, Problem{Message: `the key "kind" is missing`, Allowed: oneOf(allowed)})
		return nil, "", false
	}
	text, _ := written.(string)
	if !slices.Contains(allowed, text) {
		d.add(below(key, "kind"), Problem{Message: "no such kind", Found: describe(written), Allowed: oneOf(allowed), Hint: didYouMean(text, allowed)})
		return nil, "", false
	}
	return table, model.Kind(text), true
}

// table decodes the keys of one table, notes those it does not know, and those
// that the kind needs and nobody wrote.
func (d *decoder) table(path toml.Key, raw map[string]any, into reflect.Value, kind model.Kind) {
	fields := keysOf(into.Type())
	for _, name := range sortedKeys(raw) {
		key := below(path, name)
		f, ok := fieldNamed(fields, name)
		if !ok {
			d.unknown(key, fields, func(f reflect.StructField) bool { return belongs(f, kind) })
			continue
		}
		if !belongs(f, kind) {
			d.add(key, Problem{Message: fmt.Sprintf("the key %q does not belong to kind %q", name, kind),
				Hint: "it is for " + strings.Join(strings.Fields(f.Tag.Get("kinds")), ", ")})
			continue
		}
		value := into.FieldByIndex(f.Index)
		if isTable(f.Type) {
			sub, ok := raw[name].(map[string]any)
			if !ok {
				d.add(key, Problem{Message: "wrong type", Found: describe(raw[name]), Allowed: "a table"})
				continue
			}
			d.table(key, sub, value, kind)
			continue
		}
		d.leaf(key, f, raw[name], value)
	}
	for _, f := range fields {
		if name := f.Tag.Get("toml"); needed(f, kind) {
			if _, ok := raw[name]; !ok {
				d.add(path, Problem{Message: fmt.Sprintf("the key %q is missing; kind %q needs it", name, kind), Allowed: allowedFor(f)})
			}
		}
	}
}

// leaf decodes one value.
func (d *decoder) leaf(key toml.Key, f reflect.StructField, raw any, into reflect.Value) {
	switch into.Kind() {
	case reflect.Slice:
		d.list(key, f, raw, into)
		return
	case reflect.Map:
		if isTables(f.Type) {
			d.tables(key, f, raw, into)
			return
		}
		d.entries(key, f, raw, into)
		return
	}
	p := Problem{Allowed: allowedFor(f), Found: describe(raw)}
	if f.Type == reflect.TypeFor[Secret]() {
		p.Found, p.secret = kindOf(raw), true
	}
	if f.Type == reflect.TypeFor[URL]() && strings.Contains(p.Found, "@") {
		p.Found, p.secret = "a URL with a user name in it", true
	}
	value := reflect.New(into.Type())
	if err := decodeValue(raw, value); err != nil {
		p.Message = err.Error()
		d.add(key, p)
		return
	}
	if words := strings.Fields(f.Tag.Get("oneof")); len(words) > 0 && !slices.Contains(words, value.Elem().String()) {
		p.Message, p.Hint = "not one of the words allowed", didYouMean(value.Elem().String(), words)
		d.add(key, p)
		return
	}
	if needed := f.Tag.Get("need"); needed != "" && into.Kind() == reflect.String && strings.TrimSpace(value.Elem().String()) == "" {
		p.Message = "empty"
		d.add(key, p)
		return
	}
	into.Set(value.Elem())
}

// list decodes a list of texts.
func (d *decoder) list(key toml.Key, f reflect.StructField, raw any, into reflect.Value) {
	items, ok := raw.([]any)
	if !ok {
		d.add(key, Problem{Message: "wrong type", Found: describe(raw), Allowed: "a list of texts"})
		return
	}
	out := reflect.MakeSlice(into.Type(), 0, len(items))
	seen := map[string]bool{}
	for _, item := range items {
		value := reflect.New(into.Type().Elem())
		if err := decodeValue(item, value); err != nil {
			p := Problem{Message: err.Error(), Found: describe(item), Allowed: "a list, each " + allowedType(into.Type().Elem())}
			if errors.Is(err, errPrivateKey) {
				p.Found, p.secret = "", true
			}
			d.add(key, p)
			continue
		}
		if text := spellItem(value.Elem()); seen[text] {
			d.add(key, Problem{Message: "listed twice", Found: describe(item)})
			continue
		} else {
			seen[text] = true
		}
		out = reflect.Append(out, value.Elem())
	}
	into.Set(out)
}

// tables decodes a table of tables whose names and keys are the
// administrator's: scim.extensions.
func (d *decoder) tables(key toml.Key, f reflect.StructField, raw any, into reflect.Value) {
	named, ok := raw.(map[string]any)
	if !ok {
		d.add(key, Problem{Message: "wrong type", Found: describe(raw), Allowed: "tables, [" + key.String() + ".NAME]"})
		return
	}
	out := reflect.MakeMap(into.Type())
	for _, name := range sortedKeys(named) {
		one := reflect.New(into.Type().Elem()).Elem()
		d.entries(below(key, name), f, named[name], one)
		if !one.IsNil() {
			out.SetMapIndex(reflect.ValueOf(name), one)
		}
	}
	into.Set(out)
}

// entries decodes a table whose keys are the administrator's: map,
// policy.attributes and each of scim.extensions.
func (d *decoder) entries(key toml.Key, f reflect.StructField, raw any, into reflect.Value) {
	table, ok := raw.(map[string]any)
	if !ok {
		d.add(key, Problem{Message: "wrong type", Found: describe(raw), Allowed: "a table, [" + key.String() + "]"})
		return
	}
	out := reflect.MakeMap(into.Type())
	for _, name := range sortedKeys(table) {
		entry := below(key, name)
		if sub, ok := table[name].(map[string]any); ok && name == "custom" && !isTables(f.Type) {
			// custom.team = … without quotes is a table in TOML; it can only mean one thing.
			for _, n := range sortedKeys(sub) {
				d.entry(below(entry, n), model.CustomPrefix+n, sub[n], f, out)
			}
			continue
		}
		d.entry(entry, name, table[name], f, out)
	}
	into.Set(out)
}

func (d *decoder) entry(key toml.Key, name string, raw any, f reflect.StructField, into reflect.Value) {
	value := reflect.New(into.Type().Elem()).Elem()
	if value.Kind() == reflect.Slice {
		d.list(key, f, raw, value)
	} else if err := decodeValue(raw, value.Addr()); err != nil {
		p := Problem{Message: err.Error(), Found: describe(raw), Allowed: "an expression as a text"}
		if t, ok := value.Interface().(described); ok {
			p.Allowed = t.Allowed()
		}
		if word, ok := raw.(string); ok && value.Type() == reflect.TypeFor[AttributeType]() {
			p.Hint = didYouMean(strings.TrimSuffix(word, listMark), attributeTypes)
		}
		d.add(key, p)
		return
	}
	into.SetMapIndex(reflect.ValueOf(name).Convert(into.Type().Key()), value)
}

// decodeValue sets what pointer points to from a TOML value. Its errors say
// what is wrong without repeating the value.
func decodeValue(raw any, pointer reflect.Value) error {
	if u, ok := pointer.Interface().(toml.Unmarshaler); ok {
		return u.UnmarshalTOML(raw)
	}
	value := pointer.Elem()
	switch {
	case value.Kind() == reflect.Bool:
		b, ok := raw.(bool)
		if !ok {
			return errWrongType
		}
		value.SetBool(b)
	case value.Kind() == reflect.Int && !pointer.Type().Implements(textUnmarshaler):
		n, ok := raw.(int64)
		if !ok {
			return errWrongType
		}
		if value.OverflowInt(n) {
			return fmt.Errorf("out of range")
		}
		value.SetInt(n)
	default:
		text, ok := raw.(string)
		if !ok {
			return errWrongType
		}
		if u, ok := pointer.Interface().(encoding.TextUnmarshaler); ok {
			return u.UnmarshalText([]byte(text))
		}
		value.SetString(text)
	}
	return nil
}

var errWrongType = fmt.Errorf("wrong type")

// unknown notes a key nobody knows, with the nearest one that somebody does.
func (d *decoder) unknown(key toml.Key, fields []reflect.StructField, keep func(reflect.StructField) bool) {
	var names []string
	for _, f := range fields {
		if keep == nil || keep(f) {
			names = append(names, f.Tag.Get("toml"))
		}
	}
	p := Problem{Message: "unknown key", Hint: didYouMean(key[len(key)-1], names)}
	if p.Hint == "" {
		p.Hint = homeOf(key[len(key)-1])
	}
	if p.Hint == "" {
		p.Allowed = strings.Join(names, ", ")
	}
	d.add(key, p)
}

// homeOf says in which table a key would be known.
func homeOf(name string) string {
	var tables []string
	visit := func(path string, t reflect.Type) {
		if _, ok := fieldNamed(keysOf(t), name); ok {
			tables = append(tables, "["+path+"]")
		}
	}
	for _, t := range tableTypes {
		visit(t.path, t.of)
	}
	if len(tables) == 0 {
		return ""
	}
	return "it belongs in " + strings.Join(tables, " or ")
}

// tableTypes lists every table there is.
var tableTypes = []struct {
	path string
	of   reflect.Type
}{
	{"appliance", reflect.TypeFor[Appliance]()},
	{"log", reflect.TypeFor[Log]()},
	{"scim", reflect.TypeFor[SCIM]()},
	{"metrics", reflect.TypeFor[Metrics]()},
	{"sources.NAME", reflect.TypeFor[Source]()},
	{"sources.NAME.scope", reflect.TypeFor[Scope]()},
	{"targets.NAME", reflect.TypeFor[Target]()},
	{"policy", reflect.TypeFor[Policy]()},
	{"policy.lifecycle", reflect.TypeFor[Lifecycle]()},
	{"journal", reflect.TypeFor[Journal]()},
	{"backup", reflect.TypeFor[Backup]()},
	{"privacy", reflect.TypeFor[Privacy]()},
	{"policy.guard", reflect.TypeFor[Guard]()},
	{"notify", reflect.TypeFor[Notify]()},
	{"notify.webhook", reflect.TypeFor[Webhook]()},
	{"notify.email", reflect.TypeFor[Email]()},
}

func fieldNamed(fields []reflect.StructField, name string) (reflect.StructField, bool) {
	for _, f := range fields {
		if f.Tag.Get("toml") == name {
			return f, true
		}
	}
	return reflect.StructField{}, false
}

// allowedFor says what may be written for a key.
func allowedFor(f reflect.StructField) string {
	if words := strings.Fields(f.Tag.Get("oneof")); len(words) > 0 {
		return oneOf(words)
	}
	return allowedType(f.Type)
}

func allowedType(t reflect.Type) string {
	if d, ok := reflect.Zero(t).Interface().(described); ok {
		return d.Allowed()
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int:
		return "a whole number"
	}
	return "a text"
}

func oneOf(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = strconv.Quote(w)
	}
	return strings.Join(quoted, ", ")
}

func didYouMean(word string, candidates []string) string {
	if n := Nearest(word, candidates); n != "" {
		return "did you mean " + strconv.Quote(n) + "?"
	}
	return ""
}

// describe renders what was found, short enough for a line.
func describe(v any) string {
	switch v := v.(type) {
	case string:
		if r := []rune(v); len(r) > 60 {
			v = string(r[:60]) + "…"
		}
		return strconv.Quote(v)
	case bool, int64, float64:
		return fmt.Sprint(v)
	}
	return kindOf(v)
}

// kindOf names the TOML type of a value.
func kindOf(v any) string {
	switch v.(type) {
	case string:
		return "a text"
	case bool:
		return "true or false"
	case int64:
		return "a whole number"
	case float64:
		return "a fraction"
	case time.Time:
		return "a date"
	case []any, []map[string]any:
		return "a list"
	}
	return "a table"
}

// validName reports whether a source or target may be called so. Names become
// parts of database keys, metric labels and command arguments.
func validName(s string) bool {
	if s == "" || len(s) > 32 || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}
