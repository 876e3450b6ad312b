package javelo

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"rollcall/appliance/model"
	"rollcall/connectors/scim"
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
		got := readRefusal([]byte(tc.body), &want)
		got.Type = ""
		if d := cmp.Diff(scim.Refusal{Sentence: tc.want, Taken: tc.taken, Manager: tc.manager}, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, d)
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
	want := model.Desired{Email: private[0], Attributes: map[model.Name]string{model.GivenName: private[1], model.FamilyName: private[2], model.WorkPhone: private[3]}}
	f.Fuzz(func(t *testing.T, raw []byte) {
		got := readRefusal(raw, &want)
		if !utf8.ValidString(got.Sentence) {
			t.Errorf("not valid UTF-8: %q", got.Sentence)
		}
		lower := strings.ToLower(got.Sentence)
		for _, p := range append(private, "@") {
			if strings.Contains(lower, p) {
				t.Errorf("%q is in %q", p, got.Sentence)
			}
		}
	})
}
