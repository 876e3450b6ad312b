package scimtest

import (
	"strings"
)

func patchRequirements() []Requirement {
	return []Requirement{
		{"patch.operations", "RFC 7644 §3.5.2", Must, "operations apply in order, and all or none", func(s *session) {
			path, _ := s.user(object{"nickName": "nick"})
			s.want(is(200, 204), "PATCH", path, patchOf(
				object{"op": "remove", "path": "nickName"},
				object{"op": "add", "path": "nickName", "value": "a"},
				object{"op": "replace", "path": "nickName", "value": "b"}))
			s.expect(s.want(is(200), "GET", path, nil), "$.nickName", "b")
			s.refused(400, "noTarget", "PATCH", path, patchOf(object{"op": "replace", "path": "nickName", "value": "c"}, object{"op": "remove"}))
			s.expect(s.want(is(200), "GET", path, nil), "$.nickName", "b")
		}},
		{"patch.add.list", "RFC 7644 §3.5.2.1", Must, "add appends to a list and adds nothing that is there", func(s *session) {
			path, _ := s.user(object{"emails": []object{{"value": "a@x.example", "type": "work"}}})
			add := patchOf(object{"op": "add", "path": "emails", "value": []object{{"value": "b@x.example", "type": "home"}}})
			s.want(is(200, 204), "PATCH", path, add)
			before := s.want(is(200), "GET", path, nil)
			s.want(is(200, 204), "PATCH", path, add)
			after := s.want(is(200), "GET", path, nil)
			s.values(after, "$.emails", "a@x.example", "b@x.example")
			s.expect(after, "$.meta.lastModified", s.text(before, "$.meta.lastModified"))
		}},
		{"patch.add.no-path", "RFC 7644 §3.5.2.1", Must, "without a path the value is a set of attributes, merged", func(s *session) {
			path, _ := s.user(nil)
			s.want(is(200, 204), "PATCH", path, patchOf(object{"op": "add", "value": object{"title": "T", "name": object{"middleName": "M"}}}))
			r := s.want(is(200), "GET", path, nil)
			s.expect(r, "$.title", "T")
			s.expect(r, "$.name.middleName", "M")
			s.expect(r, "$.name.givenName", "Jane")
		}},
		{"patch.extension", "RFC 7644 §3.10", Must, "a path may begin with a schema URN, dots and all", func(s *session) {
			path, _ := s.user(nil)
			s.want(is(200, 204), "PATCH", path, patchOf(
				object{"op": "add", "path": enterprise + ":department", "value": "Sales"},
				object{"op": "replace", "path": coreUser + ":title", "value": "Boss"},
				object{"op": "add", "path": enterprise + ":manager.value", "value": "26118915-6090-4610-87e4-49d8ca9f808d"}))
			r := s.want(is(200), "GET", path, nil)
			s.expect(r, "$['"+enterprise+"'].department", "Sales")
			s.expect(r, "$['"+enterprise+"'].manager.value", "26118915-6090-4610-87e4-49d8ca9f808d")
			s.expect(r, "$.title", "Boss")
		}},
		{"patch.value-path", "RFC 7644 §3.5.2.3", Must, "a filter selects the elements that change", func(s *session) {
			path, _ := s.user(object{"emails": []object{{"value": "a@x.example", "type": "work"}, {"value": "b@x.example", "type": "home"}}})
			s.want(is(200, 204), "PATCH", path, patchOf(object{"op": "replace", "path": `emails[type eq "HOME" and value ew "x.example"].value`, "value": "c@x.example"}))
			s.want(is(200, 204), "PATCH", path, patchOf(object{"op": "remove", "path": `emails[type eq "work"]`}))
			r := s.want(is(200), "GET", path, nil)
			s.values(r, "$.emails", "c@x.example")
		}},
		{"patch.no-target", "RFC 7644 §3.5.2.3", Must, "replace with a filter that selects nothing is 400 noTarget", func(s *session) {
			path, _ := s.user(nil)
			s.refused(400, "noTarget", "PATCH", path, patchOf(object{"op": "replace", "path": `emails[type eq "work"].value`, "value": "a@x.example"}))
		}},
		{"patch.remove.path", "RFC 7644 §3.5.2.2", Must, "remove without a path is 400 noTarget", func(s *session) {
			path, _ := s.user(nil)
			s.refused(400, "noTarget", "PATCH", path, patchOf(object{"op": "remove"}))
		}},
		{"patch.remove.required", "RFC 7644 §3.5.2.2", Must, "required and readOnly attributes cannot be removed: 400 mutability", func(s *session) {
			path, _ := s.user(nil)
			for _, name := range []string{"userName", "id", "meta"} {
				s.refused(400, "mutability", "PATCH", path, patchOf(object{"op": "remove", "path": name}))
			}
		}},
		{"patch.syntax", "RFC 7644 §3.12", Must, "malformed paths, filters and operations are told apart", func(s *session) {
			path, _ := s.user(nil)
			s.refused(400, "invalidPath", "PATCH", path, patchOf(object{"op": "replace", "path": "emails[type eq", "value": "x"}))
			s.refused(400, "invalidSyntax", "PATCH", path, patchOf(object{"op": "delete", "path": "title"}))
			s.refused(400, "invalidValue", "PATCH", path, patchOf(object{"op": "replace", "path": "name", "value": 7}))
		}},
		{"patch.unknown", "RFC 7644 §3.12", Should, "a path to an unknown attribute is refused", func(s *session) {
			path, _ := s.user(nil)
			s.refused(400, "invalidPath", "PATCH", path, patchOf(object{"op": "add", "path": "shoeSize", "value": "43"}))
		}},
		{"patch.unique", "RFC 7644 §3.5.2", Must, "a PATCH to a taken userName is 409", func(s *session) {
			_, a := s.user(nil)
			path, _ := s.user(nil)
			s.refused(409, "uniqueness", "PATCH", path, patchOf(object{"op": "replace", "path": "userName", "value": strings.ToUpper(s.text(a, "$.userName"))}))
		}},
		{"patch.attributes", "RFC 7644 §3.5.2", Must, "with attributes the answer is 200 with these", func(s *session) {
			path, _ := s.group()
			r := s.want(is(200), "PATCH", path+"?attributes=externalId", patchOf(object{"op": "add", "path": "externalId", "value": "e"}))
			s.expect(r, "$.externalId", "e")
			s.expect(r, "$.displayName", nil)
		}},
		{"patch.members", "RFC 7644 §3.5.2.2", Must, "members are added and removed one by one", func(s *session) {
			_, a := s.user(nil)
			_, b := s.user(nil)
			idA, idB := s.text(a, "$.id"), s.text(b, "$.id")
			path, _ := s.group(idA)
			s.want(is(200, 204), "PATCH", path, patchOf(object{"op": "add", "path": "members", "value": []object{{"value": idB}, {"value": idA}}}))
			s.members(path, idA, idB)
			s.want(is(200, 204), "PATCH", path, patchOf(object{"op": "remove", "path": `members[value eq "` + idA + `"]`}))
			s.members(path, idB)
			s.want(is(200, 204), "PATCH", path, patchOf(object{"op": "remove", "path": "members"}))
			s.members(path)
		}},
	}
}
