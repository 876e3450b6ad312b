package identity

import (
	"golang.org/x/text/cases"

	"rollcall/appliance/model"
)

// Aliases returns the keys under which a manager reference finds the record: by
// its native id, user name and external id within its source, by its employee
// number within its source and anywhere, and by its email anywhere. The employee
// number counts here whatever the kind: a reference is not a match.
func Aliases(source, native string, attrs model.Attributes, names []model.Reference) []string {
	keys := []string{aliasNative(source, native)}
	for _, ref := range names {
		keys = append(keys, aliasKeys(source, ref)...)
	}
	if raw := attrs.Text(model.EmployeeNumber); raw != "" {
		keys = append(keys, aliasKeys(source, model.Reference{By: model.RefEmployeeNumber, Value: raw})...)
	}
	if raw := attrs.Text(model.Email); raw != "" {
		keys = append(keys, aliasKeys(source, model.Reference{By: model.RefEmail, Value: raw})...)
	}
	return unique(keys)
}

// ManagerKeys returns the keys to look for when resolving the references of a
// manager value, best first.
func ManagerKeys(source string, v model.Value) []string {
	var keys []string
	for _, ref := range v.Refs {
		keys = append(keys, aliasKeys(source, ref)...)
	}
	return unique(keys)
}

func aliasNative(source, native string) string { return "native:" + source + ":" + native }

func aliasKeys(source string, ref model.Reference) []string {
	switch ref.By {
	case model.RefNative:
		return []string{aliasNative(source, ref.Value)}
	case model.RefUserName:
		return []string{"user:" + source + ":" + cases.Fold().String(ref.Value)}
	case model.RefExternalID:
		return []string{"external:" + source + ":" + ref.Value}
	case model.RefEmail:
		if id, _, err := Email(ref.Value); err == nil {
			return []string{"email:" + id.Value}
		}
	case model.RefEmployeeNumber:
		if id, err := EmployeeNumber(ref.Value); err == nil {
			return []string{"number:" + source + ":" + id.Value, "number::" + id.Value}
		}
	case model.RefAny:
		var keys []string
		// The order of the SCIM reference: id, external id, employee number, user name, email.
		for _, by := range []model.RefKind{model.RefNative, model.RefExternalID, model.RefEmployeeNumber, model.RefUserName, model.RefEmail} {
			keys = append(keys, aliasKeys(source, model.Reference{By: by, Value: ref.Value})...)
		}
		return keys
	}
	return nil
}

func unique(keys []string) []string {
	seen := make(map[string]bool, len(keys))
	out := keys[:0]
	for _, k := range keys {
		if !seen[k] {
			seen[k] = true
			out = append(out, k)
		}
	}
	return out
}
