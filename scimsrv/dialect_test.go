package scimsrv_test

import (
	"testing"

	"rollcall/scimsrv/attr"
	"rollcall/scimsrv/quirk"
)

// Where the recorded conversations with Okta and Entra depart from the RFC, the
// dialect rfc does what the RFC says, on the same request.
func TestDialectRFCKeepsToTheLetterWhereRecordingsDepartFromIt(t *testing.T) {
	type step struct {
		what, method, path, body string
		azure, rfc               int
		rfcType                  string
	}
	const work = `{"op":"Replace","path":"emails[type eq \"work\"].value","value":"w@x.example"}`
	for _, s := range []step{
		{"a filter without match creates nothing: §3.5.2.3 noTarget", "PATCH", "/Users/ID", patchBody(work), 200, 400, "noTarget"},
		{"a boolean is no string: RFC 7643 §2.3.2", "PATCH", "/Users/ID", patchBody(`{"op":"replace","path":"active","value":"False"}`), 200, 400, "invalidValue"},
		{"a boolean is no string on create either", "POST", "/Users", userBody("b", `"active":"True"`), 201, 400, "invalidValue"},
		{"an extension's attribute has its URN: §3.10", "PATCH", "/Users/ID", patchBody(`{"op":"add","path":"manager","value":[{"value":"2819"}]}`), 200, 400, "invalidPath"},
		{"a complex value is an object: RFC 7643 §2.3.8", "PATCH", "/Users/ID", patchBody(`{"op":"add","path":"` + eURN + `:manager","value":"2819"}`), 200, 400, "invalidValue"},
		{"a single value takes no filter: §3.5.2", "PATCH", "/Users/ID", patchBody(`{"op":"remove","path":"` + eURN + `:manager[value eq \"2819\"]"}`), 200, 400, "invalidPath"},
		{"keys of a value are names, not paths: §3.5.2.1", "PATCH", "/Users/ID", patchBody(`{"op":"replace","value":{"name.givenName":"J"}}`), 200, 400, "invalidPath"},
		{"unknown attributes have no path", "PATCH", "/Users/ID", patchBody(`{"op":"add","path":"extensionAttribute9","value":"x"}`), 200, 400, "invalidPath"},
		{"a text literal is no boolean", "GET", "/Users?filter=active+eq+%22True%22", "", 200, 400, "invalidFilter"},
		{"JSON booleans are lower case", "GET", "/Users?filter=active+eq+True", "", 200, 400, "invalidFilter"},
		{"a message names its schema: §3.5.2", "PATCH", "/Users/ID", `{"Operations":[{"op":"replace","path":"title","value":"T"}]}`, 200, 400, "invalidSyntax"},
		{"schemas names what is used: RFC 7643 §3", "POST", "/Users", `{"schemas":["` + userURN + `","urn:ietf:params:scim:schemas:extension:enterprise:2.0User"],"userName":"c"}`, 201, 400, "invalidSyntax"},
		{"a readOnly attribute cannot be patched: §3.5.2", "PATCH", "/Users/ID", patchBody(`{"op":"replace","value":{"meta":{"resourceType":"User"}}}`), 200, 400, "mutability"},
		{"two groups may have one name", "POST", "/Groups", groupBody("Team"), 409, 201, ""},
	} {
		for dialect, want := range map[string]int{quirk.Azure: s.azure, quirk.RFC: s.rfc} {
			tn := newTenant(t, dialect)
			id := tn.user(t, "jane@example.com")
			tn.want(t, 201, "POST", "/Groups", groupBody("TEAM"))
			path := s.path
			if path == "/Users/ID" {
				path = "/Users/" + id
			}
			g := tn.send(t, s.method, path, s.body)
			if g.status != want {
				t.Errorf("%s: dialect %s answers %d, want %d: %s", s.what, dialect, g.status, want, g.raw)
			}
			if dialect == quirk.RFC && g.body.String("scimType") != s.rfcType {
				t.Errorf("%s: scimType %q, want %q: %s", s.what, g.body.String("scimType"), s.rfcType, g.raw)
			}
		}
	}
}

func TestEmptyTextIsAValueInDialectRFCAndClearsElsewhere(t *testing.T) {
	for dialect, want := range map[string]attr.Value{quirk.RFC: "", quirk.Okta: nil, quirk.Azure: nil, quirk.Lenient: nil} {
		tn := newTenant(t, dialect)
		id := tn.user(t, "jane", `"title":"Boss"`)
		tn.want(t, 200, "PATCH", "/Users/"+id, patchBody(`{"op":"replace","path":"title","value":""}`))
		if got := tn.want(t, 200, "GET", "/Users/"+id, "").path("title"); got != want {
			t.Errorf("dialect %s: title is %v, want %v", dialect, got, want)
		}
	}
}

func TestGroupPatchIsAnsweredWithoutMembersWhereTheSenderWantsNone(t *testing.T) {
	for dialect, want := range map[string]int{quirk.RFC: 200, quirk.Okta: 200, quirk.Azure: 204, quirk.Lenient: 200} {
		tn := newTenant(t, dialect)
		team := tn.want(t, 201, "POST", "/Groups", groupBody("Team")).id()
		rename := patchBody(`{"op":"replace","path":"displayName","value":"Other"}`)
		tn.want(t, want, "PATCH", "/Groups/"+team, rename)
		if g := tn.want(t, 200, "PATCH", "/Groups/"+team+"?attributes=displayName", rename); g.body.String("displayName") != "Other" {
			t.Errorf("dialect %s: PATCH with attributes answered %s", dialect, g.raw)
		}
	}
}
