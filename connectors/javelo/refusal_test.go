package javelo

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"rollcall/appliance/model"
	"rollcall/connectors"
)

func TestRefusalShowsWhatIsWrongAndNobodysData(t *testing.T) {
	want := model.Desired{
		Person: "p_4711kofi", Email: "kofi@mensah-conseil.example",
		Attributes: map[model.Name]string{
			model.GivenName: "Kofi", model.FamilyName: "van der mensah", model.Title: "Manager",
			model.Department: "security consulting", model.Locale: "fr", model.WorkPhone: "+33 4 00 00 02 88",
		},
	}
	for _, tc := range []struct {
		name, body, want string
		taken, manager   bool
	}{
		{"RFC body", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"400","scimType":"invalidValue","detail":"userName is required"}`, "invalidValue: userName is required", false, false},
		{"uniqueness", `{"scimType":"uniqueness","detail":"userName has already been taken"}`, "uniqueness: userName has already been taken", true, false},
		{"uniqueness without a type", `{"detail":"User already exists"}`, "User already exists", true, false},
		{"type alone", `{"scimType":"noTarget"}`, "noTarget", false, false},
		{"type nobody defined", `{"scimType":"Kofi","detail":"no"}`, "no", false, false},
		{"framework body", `{"errors":{"email":["has already been taken"],"manager_id":["is disabled"]}}`, "email has already been taken, manager_id is disabled", true, true},
		{"message", `{"message":"managerUserName is unknown"}`, "managerUserName is unknown", false, true},
		{"email", `{"detail":"no account for kofi@mensah-conseil.example or ada%40x.example"}`, "no account for … or …", false, false},
		{"quoted", `{"detail":"value \"Jane Roe\" and 'Jane' and «Roe» are not valid for contractStartDate"}`, "value … and … and … are not valid for contractStartDate", false, false},
		{"sent values", `{"detail":"KOFI VAN DER MENSAH of security consulting is not from fr"}`, "… … of … is not from …", false, false},
		{"name of somebody else", `{"detail":"userName belongs to Zoë Lindqvist already"}`, "userName belongs to … … already", false, false},
		{"numbers", `{"detail":"bad: 2026-05-04, +33 4 00 00 02 88, 4c1179ae-2a8f-5330-881c-638a91df8d99, at 12 of 99"}`, "bad: …, …, …, at 12 of 99", false, false},
		{"address", `{"detail":"see https://api.javelo.example/x?y=z for more"}`, "see … for more", false, false},
		{"title that is a word of Javelo's", `{"detail":"manager must be active"}`, "manager must be active", false, true},
		{"web page", `<html>taken manager</html>`, "", false, false},
		{"text", `"manager"`, "", false, false},
		{"nothing", ``, "", false, false},
		{"null", `null`, "", false, false},
	} {
		got := readRefusal([]byte(tc.body), private(want, nil))
		if d := cmp.Diff(refusal{tc.want, tc.taken, tc.manager}, got, cmp.AllowUnexported(refusal{})); d != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, d)
		}
	}
}

func TestRefusalClassTellsTheLoginAndTheManagerApart(t *testing.T) {
	for _, tc := range []struct {
		name   string
		status int
		class  connectors.Class
		said   refusal
		linked bool
		want   connectors.Class
		link   bool
	}{
		{"400 that says taken", http.StatusBadRequest, connectors.Invalid, refusal{taken: true}, false, connectors.Taken, false},
		{"422 that says taken", http.StatusUnprocessableEntity, connectors.Invalid, refusal{taken: true}, true, connectors.Taken, false},
		{"409", http.StatusConflict, connectors.Taken, refusal{}, false, connectors.Taken, false},
		{"500 that says taken", http.StatusInternalServerError, connectors.Transient, refusal{taken: true}, false, connectors.Transient, false},
		{"400 about the manager that was sent", http.StatusBadRequest, connectors.Invalid, refusal{manager: true}, true, connectors.Invalid, true},
		{"400 about a manager that was not sent", http.StatusBadRequest, connectors.Invalid, refusal{manager: true}, false, connectors.Invalid, false},
		{"404 about the manager that was sent", http.StatusNotFound, connectors.Gone, refusal{manager: true}, true, connectors.Invalid, true},
		{"404 about the account", http.StatusNotFound, connectors.Gone, refusal{}, true, connectors.Gone, false},
		{"403 about the manager", http.StatusForbidden, connectors.Denied, refusal{manager: true}, true, connectors.Denied, false},
	} {
		err := tc.said.classify(&connectors.Error{Class: tc.class, Status: tc.status}, tc.linked)
		var e *connectors.Error
		if c := connectors.ClassOf(err); c != tc.want {
			t.Errorf("%s: class %v, want %v", tc.name, c, tc.want)
		}
		if e, _ = err.(*connectors.Error); (e.Err == connectors.ErrManagerRefused) != tc.link {
			t.Errorf("%s: ErrManagerRefused is the cause: %v, want %v", tc.name, !tc.link, tc.link)
		}
	}
}

func FuzzRefusalTellsNothingOfThePerson(f *testing.F) {
	for _, name := range []string{"07-user-unknown.404.json", "09-create-duplicate.409.json", "10-create-invalid.400.json", "14-unauthorized.401.json", "15-rate-limited.429.json", "19-unavailable.503.html"} {
		raw, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add([]byte(`{"errors":{"quillfeather":["is taken","by \"quill\"",{"canaria":"é@x"}]},"scimType":"uniqueness"}`))
	private := []string{"canaria@quillfeather.example", "canaria", "quillfeather", "+33 4 00 00 02 88"}
	f.Fuzz(func(t *testing.T, raw []byte) {
		got := readRefusal(raw, private)
		if !utf8.ValidString(got.sentence) {
			t.Errorf("not valid UTF-8: %q", got.sentence)
		}
		lower := strings.ToLower(got.sentence)
		for _, p := range append(private, "@") {
			if strings.Contains(lower, p) {
				t.Errorf("%q is in %q", p, got.sentence)
			}
		}
	})
}
