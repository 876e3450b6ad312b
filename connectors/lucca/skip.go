package lucca

import (
	"encoding/json"
	"strings"

	"rollcall/appliance/model"
)

// skipped decodes the value of the skip field. How Lucca writes a checkbox is not
// documented (unverified), so every form that its documentation shows for some
// extension value is accepted: true and false, 1 and 0, "1" and "0", "true" and
// "false" in any case, null, each of them bare, in {"value": …}, or in an array
// of those, where one true decides. Anything else is not ok.
func skipped(v any) (skip, ok bool) {
	list, several := v.([]any)
	if !several {
		return checkbox(v)
	}
	ok = true
	for _, entry := range list {
		set, readable := checkbox(entry)
		skip, ok = skip || set, ok && readable
	}
	return skip, ok || skip
}

// checkbox decodes one value, bare or wrapped.
func checkbox(v any) (set, ok bool) {
	if wrapped, isObject := v.(map[string]any); isObject {
		v, ok = object(wrapped).get("value")
		if !ok {
			return false, false
		}
	}
	switch v := v.(type) {
	case nil:
		return false, true
	case bool:
		return v, true
	case json.Number:
		return v == "1", v == "0" || v == "1"
	case string:
		switch strings.ToLower(strings.TrimSpace(v)) {
		case "1", "true":
			return true, true
		case "0", "false":
			return false, true
		}
	}
	return false, false
}

// scope says what the skip field makes of a person; present is whether it was
// told at all. A box that was never ticked is not told (inferred), and neither
// is one that the key may not see: only Check can tell these two apart.
func scope(field string, v any, present bool) model.Scope {
	if !present {
		return model.Scope{}
	}
	skip, ok := skipped(v)
	switch {
	case !ok:
		return model.Scope{State: model.HeldScope, Reason: "skip field " + field + " holds neither yes nor no"}
	case skip:
		return model.Scope{State: model.OutOfScope, Reason: "skip field " + field + " is set"}
	}
	return model.Scope{}
}
