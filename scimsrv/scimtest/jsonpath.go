package scimtest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
)

var pathStep = regexp.MustCompile(`^(?:\.([A-Za-z0-9_$]+)|\['([^']+)'\]|\[([0-9]+)\])`)

// lookUp finds the value at a path such as $.emails[0]['a.b']. It reports false
// where nothing is; a null is something.
func lookUp(v any, at string) (any, bool, error) {
	rest, ok := strings.CutPrefix(at, "$")
	if !ok {
		return nil, false, fmt.Errorf("path %s does not begin with $", at)
	}
	for rest != "" {
		m := pathStep.FindStringSubmatch(rest)
		if m == nil {
			return nil, false, fmt.Errorf("path %s cannot be read from %s on", at, rest)
		}
		rest = rest[len(m[0]):]
		if m[3] != "" {
			list, _ := v.([]any)
			i, err := strconv.Atoi(m[3])
			if err != nil || i >= len(list) {
				return nil, false, err
			}
			v = list[i]
			continue
		}
		o, _ := v.(map[string]any)
		if v, ok = o[m[1]+m[2]]; !ok {
			return nil, false, nil
		}
	}
	return v, true, nil
}

// contains reports whether want is a part of got: objects by key, every element
// of a list somewhere, scalars equal. Else it says where it is not.
func contains(got, want any, at string) (string, bool) {
	switch want := want.(type) {
	case map[string]any:
		o, ok := got.(map[string]any)
		if !ok {
			return at, false
		}
		for name, v := range want {
			sub, there := o[name]
			if !there {
				return at + "." + name, false
			}
			if where, ok := contains(sub, v, at+"."+name); !ok {
				return where, false
			}
		}
		return "", true
	case []any:
		list, ok := got.([]any)
		if !ok {
			return at, false
		}
		for i, v := range want {
			found := false
			for _, e := range list {
				_, ok := contains(e, v, at)
				found = found || ok
			}
			if !found {
				return at + "[" + strconv.Itoa(i) + "]", false
			}
		}
		return "", true
	default:
		return at, reflect.DeepEqual(got, want)
	}
}

// typeOf names a JSON type as the recorded conversations do.
func typeOf(v any) string {
	switch v := v.(type) {
	case string:
		return "string"
	case bool:
		return "boolean"
	case json.Number:
		if _, err := v.Int64(); err == nil {
			return "integer"
		}
		return "number"
	case map[string]any:
		return "object"
	case []any:
		return "array"
	case nil:
		return "null or missing"
	default:
		return fmt.Sprintf("%T", v)
	}
}

func textOf(v any) string {
	switch v := v.(type) {
	case string:
		return v
	default:
		return fmt.Sprint(v)
	}
}
