package scimsim

import (
	"encoding/json"
	"strings"
)

const enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

// render is a user resource in the server's style.
func (s *Sim) render(u user, base string) map[string]any {
	p, style := u.person, s.opts.Style
	email := map[string]any{"value": p.Email, "type": "work", "primary": true}
	emails := []any{email, map[string]any{"value": p.PersonalEmail, "type": "home"}}
	if style&UntypedEmails != 0 {
		emails = []any{map[string]any{"value": p.Email}}
	}
	r := map[string]any{
		"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:User", enterprise},
		"id":      u.id, "externalId": "emp-" + p.EmployeeNumber, "userName": strings.ToUpper(p.Email[:1]) + p.Email[1:],
		"name":        map[string]any{"givenName": p.Given, "familyName": p.Family, "formatted": p.Given + " " + p.Family},
		"displayName": p.Given + " " + p.Family, "title": p.Title, "userType": p.Contract, "preferredLanguage": p.Locale,
		"emails": emails, "active": p.Status != "terminated",
		"phoneNumbers": []any{map[string]any{"value": p.WorkPhone, "type": "work"}, map[string]any{"value": p.MobilePhone, "type": "mobile"}},
		"addresses":    []any{map[string]any{"type": "work", "locality": p.Site}},
		"meta": map[string]any{
			"resourceType": "User", "created": "2024-01-01T00:00:00Z", "lastModified": "2026-11-22T08:00:00Z",
			"location": base + "/Users/" + u.id, "version": `W/"1"`,
		},
	}
	extension := map[string]any{"employeeNumber": p.EmployeeNumber, "department": p.Department, "organization": p.LegalEntity}
	if style&EmployeeNumbers != 0 {
		extension["employeeNumber"] = json.Number(strings.TrimLeft(p.EmployeeNumber, "0"))
	}
	if manager := s.managerOf(u); manager != nil {
		extension["manager"] = manager
	}
	r[enterprise] = extension
	s.restyle(r, extension)
	return r
}

func (s *Sim) managerOf(u user) any {
	id := s.byIndex[u.person.Manager]
	if id == "" {
		return nil
	}
	if s.opts.Style&ManagerByMail != 0 {
		for _, m := range s.users {
			if m.id == id {
				id = m.person.Email
			}
		}
	}
	if s.opts.Style&BareManager != 0 {
		return id
	}
	return map[string]any{"value": id, "$ref": "../Users/" + id}
}

// restyle takes the liberties that concern the resource as a whole.
func (s *Sim) restyle(r, extension map[string]any) {
	style := s.opts.Style
	if style&TextBooleans != 0 {
		r["active"] = map[bool]string{true: "True", false: "False"}[r["active"] == true]
	}
	if style&NoActive != 0 {
		delete(r, "active")
	}
	if style&NoSchemas != 0 {
		delete(r, "schemas")
	}
	if style&WeakMeta != 0 {
		r["meta"] = map[string]any{"resourceType": "User"}
	}
	if style&FlatExtensions != 0 {
		delete(r, enterprise)
		for name, v := range extension {
			r[enterprise+"."+name] = v
		}
	}
	if style&OtherCase != 0 {
		for _, name := range []string{"userName", "displayName", "emails", "title"} {
			v := r[name]
			delete(r, name)
			r[strings.ToUpper(name[:1])+name[1:]] = v
		}
	}
}
