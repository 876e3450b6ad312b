package quirk

import (
	"strings"

	"rollcall/scimsrv/attr"
	"rollcall/scimsrv/patch"
	"rollcall/scimsrv/schema"
)

// Quirk describes a rewriter for people.
type Quirk struct {
	Name    string // as it stands in the journal of requests
	Summary string
	Source  string // the recorded request or public report behind it
}

// Quirks returns the rewriters of the profile, in the order in which they run.
func (p Profile) Quirks() []Quirk {
	quirks := make([]Quirk, len(p.rewriters))
	for i, r := range p.rewriters {
		quirks[i] = r.Quirk
	}
	return quirks
}

type rewriter struct {
	Quirk
	resource  func(*schema.ResourceType, *attr.Object) (*attr.Object, bool) // nil: bodies are left alone
	operation func(*schema.ResourceType, patch.Operation) ([]patch.Operation, bool)
}

func malformedURN() rewriter {
	return renaming(Quirk{
		Name:    "malformed-enterprise-urn",
		Summary: "the enterprise extension under its URN without the last colon",
		Source:  `historical create sample of Entra: "schemas":["…:enterprise:2.0User"]`,
	}, properURN)
}

func managerID() rewriter {
	return renaming(Quirk{
		Name:    "manager-id",
		Summary: "managerId, an attribute of Okta's profile, stands for the manager",
		Source:  `Okta: managerId mapped under its own name into the enterprise namespace (unverified)`,
	}, properManager)
}

func pathKeys() rewriter {
	return rewriter{
		Quirk: Quirk{
			Name:    "paths-as-keys",
			Summary: "a value without path whose keys are paths is divided into one operation per path",
			Source: `Entra with aadOptscim062020: {"op":"replace","value":{"name.givenName":"Jane",` +
				`"urn:…:enterprise:2.0:User:employeeNumber":"E-42"}} (pingidentity/scim2 224, SCIM-SDK 193)`,
		},
		operation: dividePaths,
	}
}

func readOnlyInValue() rewriter {
	return rewriter{
		Quirk: Quirk{
			Name:    "read-only-in-value",
			Summary: "id, meta, schemas and groups inside a value without path are dropped",
			Source: `Okta and authentik, rename of a group: {"op":"replace","value":{"id":"…","displayName":"New"}} ` +
				`(authentik, pull request 23950)`,
		},
		operation: dropReadOnly,
	}
}

// renaming returns a rewriter that gives names another spelling wherever a name
// can stand. proper gets a name or path of the resource, and reports false if
// there is nothing wrong with it.
func renaming(q Quirk, proper func(*schema.ResourceType, string) (string, bool)) rewriter {
	rename := func(rt *schema.ResourceType, tree *attr.Object) (*attr.Object, bool) {
		return renameMembers(rt, tree, proper)
	}
	return rewriter{
		Quirk:    q,
		resource: rename,
		operation: func(rt *schema.ResourceType, op patch.Operation) ([]patch.Operation, bool) {
			path, changed := proper(rt, op.Path)
			if changed {
				op.Path = path
			}
			o, ok := op.Value.(*attr.Object)
			if !ok || op.Path != "" && !attr.EqualName(op.Path, schema.EnterpriseUserURN) {
				return []patch.Operation{op}, changed
			}
			if op.Path != "" {
				o, ok = renameInside(rt, o, proper)
			} else {
				o, ok = rename(rt, o)
			}
			if ok {
				op.Value = o
			}
			return []patch.Operation{op}, changed || ok
		},
	}
}

func renameMembers(rt *schema.ResourceType, tree *attr.Object, proper func(*schema.ResourceType, string) (string, bool)) (*attr.Object, bool) {
	out, changed := &attr.Object{}, false
	for name, v := range tree.Members() {
		if to, ok := proper(rt, name); ok {
			name, changed = to, true
		}
		if inner, ok := v.(*attr.Object); ok && attr.EqualName(name, schema.EnterpriseUserURN) {
			if o, ok := renameInside(rt, inner, proper); ok {
				v, changed = o, true
			}
		}
		keepFirst(out, name, v)
	}
	if !changed {
		return tree, false
	}
	return out, true
}

// renameInside renames the members of the enterprise extension's object.
func renameInside(rt *schema.ResourceType, o *attr.Object, proper func(*schema.ResourceType, string) (string, bool)) (*attr.Object, bool) {
	const prefix = schema.EnterpriseUserURN + ":"
	out, changed := &attr.Object{}, false
	for name, v := range o.Members() {
		if to, ok := proper(rt, prefix+name); ok && strings.HasPrefix(to, prefix) {
			if to = to[len(prefix):]; has(o, to) {
				changed = true // the proper name is there too, and counts
				continue
			}
			name, changed = to, true
		}
		keepFirst(out, name, v)
	}
	return out, changed
}

// keepFirst sets a member unless a renamed one has the name already.
func keepFirst(o *attr.Object, name string, v attr.Value) {
	if !has(o, name) {
		o.Set(name, v)
	}
}

func has(o *attr.Object, name string) bool {
	_, ok := o.Get(name)
	return ok
}

func properURN(_ *schema.ResourceType, name string) (string, bool) {
	const malformed = "urn:ietf:params:scim:schemas:extension:enterprise:2.0User"
	if len(name) < len(malformed) || !attr.EqualName(name[:len(malformed)], malformed) {
		return name, false
	}
	rest := name[len(malformed):]
	if rest != "" && rest[0] != ':' {
		return name, false
	}
	return schema.EnterpriseUserURN + rest, true
}

// properManager knows managerId alone and under the enterprise URN, unless the
// tenant has defined an attribute of that name.
func properManager(rt *schema.ResourceType, name string) (string, bool) {
	const key, urn = "managerId", schema.EnterpriseUserURN
	bare := name
	if len(name) > len(urn) && attr.EqualName(name[:len(urn)], urn) {
		bare = name[len(urn)+1:]
	}
	if !attr.EqualName(bare, key) || rt.Schema(urn) == nil {
		return name, false
	}
	if _, err := rt.ResolveShort(name); err == nil {
		return name, false
	}
	return urn + ":manager", true
}

// dividePaths makes operations of their own from the keys of a value that are
// paths. What stands between them stays together, and the order stays.
func dividePaths(rt *schema.ResourceType, op patch.Operation) ([]patch.Operation, bool) {
	o, ok := op.Value.(*attr.Object)
	if !ok || op.Path != "" || op.Verb == patch.Remove {
		return []patch.Operation{op}, false
	}
	var out []patch.Operation
	divided := false
	var plain *attr.Object
	flush := func() {
		if plain != nil {
			out = append(out, patch.Operation{Verb: op.Verb, Value: plain, Index: op.Index})
			plain = nil
		}
	}
	for name, v := range o.Members() {
		if isPath(rt, name) {
			flush()
			out = append(out, patch.Operation{Verb: op.Verb, Path: name, Value: v, Index: op.Index})
			divided = true
			continue
		}
		if plain == nil {
			plain = &attr.Object{}
		}
		plain.Set(name, v)
	}
	if !divided {
		return []patch.Operation{op}, false
	}
	flush()
	return out, true
}

// isPath reports whether a key is more than the name of an attribute or the URN
// of an extension.
func isPath(rt *schema.ResourceType, key string) bool {
	if strings.Contains(key, "[") {
		return true
	}
	ref, err := rt.ResolveShort(key)
	if err != nil || ref.Attribute == nil {
		return false
	}
	return ref.Sub != nil || strings.Contains(key, ":")
}

func dropReadOnly(rt *schema.ResourceType, op patch.Operation) ([]patch.Operation, bool) {
	o, ok := op.Value.(*attr.Object)
	if !ok || op.Path != "" || op.Verb == patch.Remove {
		return []patch.Operation{op}, false
	}
	kept := &attr.Object{}
	for name, v := range o.Members() {
		ref, err := rt.Resolve(name)
		if err == nil && ref.Attribute != nil && ref.Sub == nil && ref.Attribute.Mutability == schema.ReadOnly {
			continue
		}
		kept.Set(name, v)
	}
	switch {
	case kept.Len() == o.Len():
		return []patch.Operation{op}, false
	case kept.Len() == 0:
		return nil, true
	default:
		op.Value = kept
		return []patch.Operation{op}, true
	}
}
