package scimtest

import (
	"regexp"
	"strings"
)

func envelopeRequirements() []Requirement {
	return []Requirement{
		{"auth.401", "RFC 7644 §2", Must, "a request without valid credentials gets 401 with WWW-Authenticate", func(s *session) {
			for _, header := range []string{"", "Bearer not-a-token"} {
				r := s.want(is(401), "GET", "/Users", nil, "Authorization", header)
				if r.header.Get("WWW-Authenticate") == "" {
					s.t.Error("there is no WWW-Authenticate")
				}
				s.expect(r, "$.status", "401")
			}
		}},
		{"media.response", "RFC 7644 §3.1", Must, "answers are application/scim+json", func(s *session) {
			_, made := s.user(nil)
			for _, r := range []reply{made, s.do("GET", "/Users", nil), s.do("GET", "/Users/nobody", nil)} {
				if !strings.HasPrefix(r.header.Get("Content-Type"), "application/scim+json") {
					s.t.Errorf("content type %q", r.header.Get("Content-Type"))
				}
			}
		}},
		{"media.request", "RFC 7644 §8.1", Must, "application/json is accepted for bodies", func(s *session) {
			s.want(is(201), "POST", "/Users", userOf(s.name(), nil), "Content-Type", "application/json")
		}},
		{"error.form", "RFC 7644 §3.12", Must, "an error has its schema and the status as a text", func(s *session) {
			s.refused(404, "", "GET", "/Users/nobody", nil)
			s.refused(400, "invalidSyntax", "POST", "/Users", "{broken")
		}},
		{"name.case", "RFC 7643 §2.1", Must, "attribute names are case-insensitive", func(s *session) {
			name := s.name()
			r := s.want(is(201), "POST", "/Users", object{"SCHEMAS": []string{coreUser}, "USERNAME": name, "DisplayName": "Jane"})
			s.expect(r, "$.userName", name)
			s.expect(r, "$.displayName", "Jane")
		}},
	}
}

var timestampForm = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$`)

func resourceRequirements() []Requirement {
	return []Requirement{
		{"resource.common", "RFC 7643 §3.1", Must, "id and meta are there: type, times, location, version", func(s *session) {
			path, made := s.user(nil)
			r := s.want(is(200), "GET", path, nil)
			s.expect(r, "$.meta.resourceType", "User")
			s.expect(r, "$.meta.location", s.c.BaseURL+path)
			for _, at := range []string{"$.meta.created", "$.meta.lastModified"} {
				if text := s.text(r, at); !timestampForm.MatchString(text) {
					s.t.Errorf("%s is %s, want xsd:dateTime", at, text)
				}
			}
			if v := s.text(r, "$.meta.version"); v != made.header.Get("ETag") {
				s.t.Errorf("meta.version is %s, the ETag %s", v, made.header.Get("ETag"))
			}
		}},
		{"resource.id", "RFC 7643 §3.1", Must, "the server gives the id; one from the client is ignored", func(s *session) {
			path, r := s.user(object{"id": "chosen-by-client"})
			if strings.HasSuffix(path, "chosen-by-client") || strings.Contains(s.text(r, "$.id"), "bulkId") {
				s.t.Errorf("the id is %s", path)
			}
		}},
		{"resource.extension", "RFC 7643 §3", Must, "schemas lists an extension exactly when it has attributes", func(s *session) {
			path, r := s.user(object{"schemas": []string{coreUser, enterprise}, enterprise: object{"department": "Sales"}})
			if !s.schemas(r, enterprise) {
				s.t.Errorf("the extension is not listed: %s", r.raw)
			}
			s.want(is(200, 204), "PATCH", path, patchOf(object{"op": "remove", "path": enterprise + ":department"}))
			r = s.want(is(200), "GET", path, nil)
			if s.schemas(r, enterprise) {
				s.t.Errorf("an extension without attributes is listed: %s", r.raw)
			}
			s.expect(r, "$['"+enterprise+"']", nil)
		}},
		{"resource.unassigned", "RFC 7643 §2.5", Must, "null and the empty list are the same as absence", func(s *session) {
			_, r := s.user(object{"title": nil, "phoneNumbers": []object{}, "nickName": nil})
			for _, at := range []string{"$.title", "$.nickName", "$.phoneNumbers[0]"} {
				s.expect(r, at, nil)
			}
		}},
		{"resource.password", "RFC 7643 §4.1.1", Must, "a password is never returned", func(s *session) {
			path, r := s.user(object{"password": "Correct-Horse-7"})
			s.expect(r, "$.password", nil)
			s.expect(s.want(is(200), "GET", path+"?attributes=password,userName", nil), "$.password", nil)
		}},
		{"resource.one-primary", "RFC 7643 §2.4", Must, "primary true appears no more than once", func(s *session) {
			path, _ := s.user(object{"emails": []object{{"value": "a@x.example", "type": "work", "primary": true}}})
			s.want(is(200, 204), "PATCH", path, patchOf(object{"op": "add", "path": "emails",
				"value": []object{{"value": "b@x.example", "type": "home", "primary": true}}}))
			r := s.want(is(200), "GET", path, nil)
			if n := strings.Count(string(r.raw), `"primary":true`); n != 1 {
				s.t.Errorf("%d primary emails: %s", n, r.raw)
			}
		}},
		{"create.201", "RFC 7644 §3.3", Must, "201 with the resource, and Location equal to meta.location", func(s *session) {
			path, r := s.user(nil)
			if l := r.header.Get("Location"); l != s.c.BaseURL+path || l != s.text(r, "$.meta.location") {
				s.t.Errorf("Location is %q", l)
			}
		}},
		{"create.unique", "RFC 7644 §3.3", Must, "a taken userName is 409 uniqueness, in any letter case", func(s *session) {
			name := s.name()
			s.want(is(201), "POST", "/Users", userOf(name, nil))
			s.refused(409, "uniqueness", "POST", "/Users", userOf(name, nil))
			s.refused(409, "uniqueness", "POST", "/Users", userOf(strings.ToUpper(name), nil))
		}},
		{"create.required", "RFC 7643 §7", Must, "a missing required attribute is 400 invalidValue", func(s *session) {
			s.refused(400, "invalidValue", "POST", "/Users", object{"schemas": []string{coreUser}, "displayName": "Jane"})
			s.refused(400, "invalidValue", "POST", "/Groups", object{"schemas": []string{coreGroup}})
		}},
		{"create.read-only", "RFC 7644 §3.3", Must, "readOnly attributes in the body are ignored", func(s *session) {
			_, r := s.user(object{"meta": object{"created": "1999-01-01T00:00:00Z"}, "groups": []object{{"value": "made-up"}}})
			s.expect(r, "$.groups[0]", nil)
			if strings.HasPrefix(s.text(r, "$.meta.created"), "1999") {
				s.t.Error("meta.created came from the client")
			}
		}},
		{"read.404", "RFC 7644 §3.4.1", Must, "an id that is no resource's is 404", func(s *session) {
			for _, id := range []string{"nobody", "010101001010101011001010101011", "%2e%2e", "a%2Fb"} {
				s.refused(404, "", "GET", "/Users/"+id, nil)
			}
		}},
		{"put.replaces", "RFC 7644 §3.5.1", Must, "PUT replaces what is readWrite and answers 200 with the resource", func(s *session) {
			path, made := s.user(object{"title": "Old"})
			r := s.want(is(200), "PUT", path, userOf(s.text(made, "$.userName"), object{"displayName": "New", "id": "other"}))
			s.expect(r, "$.displayName", "New")
			s.expect(r, "$.title", nil)
			s.expect(r, "$.id", s.text(made, "$.id"))
			s.expect(r, "$.meta.created", s.text(made, "$.meta.created"))
		}},
		{"put.no-create", "RFC 7644 §3.5.1", Must, "PUT creates nothing", func(s *session) {
			s.refused(404, "", "PUT", "/Users/nobody", userOf(s.name(), nil))
		}},
		{"put.unique", "RFC 7644 §3.5.1", Must, "a PUT to a taken userName is 409", func(s *session) {
			_, a := s.user(nil)
			path, _ := s.user(nil)
			s.refused(409, "uniqueness", "PUT", path, userOf(s.text(a, "$.userName"), nil))
		}},
		{"delete.204", "RFC 7644 §3.6", Must, "DELETE is 204, then 404 for every verb, and the name is free", func(s *session) {
			path, made := s.user(nil)
			name := s.text(made, "$.userName")
			if r := s.want(is(204), "DELETE", path, nil); len(r.raw) > 0 {
				s.t.Error("204 has a body")
			}
			for _, method := range []string{"GET", "DELETE"} {
				s.refused(404, "", method, path, nil)
			}
			s.refused(404, "", "PUT", path, userOf(name, nil))
			s.refused(404, "", "PATCH", path, patchOf(object{"op": "remove", "path": "title"}))
			s.expect(s.want(is(200), "GET", find("/Users", "filter", `userName eq "`+name+`"`), nil), "$.totalResults", 0)
			s.want(is(201), "POST", "/Users", userOf(name, nil))
		}},
		{"group.membership", "RFC 7643 §4.1.2", Must, "a user's groups show where it is a member, and cannot be written", func(s *session) {
			path, made := s.user(nil)
			group, _ := s.group(s.text(made, "$.id"))
			r := s.want(is(200), "GET", path, nil)
			s.expect(r, "$.groups[0].value", strings.TrimPrefix(group, "/Groups/"))
			s.want(is(204), "DELETE", group, nil)
			s.expect(s.want(is(200), "GET", path, nil), "$.groups[0]", nil)
		}},
		{"etag.conditional", "RFC 7644 §3.14", Must, "If-Match guards writes with 412, If-None-Match reads with 304", func(s *session) {
			path, made := s.user(nil)
			etag := made.header.Get("ETag")
			s.want(is(304), "GET", path, nil, "If-None-Match", etag)
			name := s.text(made, "$.userName")
			s.want(is(200), "PUT", path, userOf(name, object{"title": "A"}), "If-Match", etag)
			s.want(is(412), "PUT", path, userOf(name, object{"title": "B"}), "If-Match", etag)
			s.want(is(412), "DELETE", path, nil, "If-Match", etag)
		}},
		{"method.405", "RFC 9110 §15.5.6", Must, "a method that an endpoint does not have is 405 with Allow", func(s *session) {
			r := s.want(is(405), "DELETE", "/Users", nil)
			if !strings.Contains(r.header.Get("Allow"), "POST") {
				s.t.Errorf("Allow is %q", r.header.Get("Allow"))
			}
		}},
		{"me.501", "RFC 7644 §3.11", Must, "/Me is answered with 501 where it is not supported", func(s *session) {
			s.refused(501, "", "GET", "/Me", nil)
		}},
	}
}
