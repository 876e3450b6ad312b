package appliance_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"rollcall/appliance/admin"
)

func TestATenantsOwnAttributesAreServedMappedAndPublished(t *testing.T) {
	const urn = "urn:example:params:scim:schemas:extension:acme:2.0:User"
	w := newWorld(t, 1, "[scim.extensions.\""+urn+"\"]\nbadge = \"string\"\nlevel = \"integer\"\nlanguages = \"string[]\"\n"+
		"[sources.idp]\nkind = \"scim\"\n[sources.idp.map]\n\"custom.badge\" = '$env[\""+urn+"\"].badge'\n")
	w.start()
	token, err := w.app.CreateToken(w.ctx(), "test", "idp", "", 0)
	if err != nil {
		t.Fatal(err)
	}
	s := sender{tb: t, base: token.URL, token: token.Token, http: http.DefaultClient}
	if r := s.want(200, "GET", "/Schemas/"+urn, ""); !strings.Contains(r.raw, `"name":"languages","type":"string","multiValued":true`) {
		t.Errorf("published as %s", r.raw)
	}
	if r := s.want(200, "GET", "/ResourceTypes/User", ""); !strings.Contains(r.raw, urn) {
		t.Errorf("the resource type lacks the extension: %s", r.raw)
	}
	with := func(name, attributes string) string {
		return strings.Replace(strings.Replace(user(name, "Ada", "Adeyemi"), `core:2.0:User"`, `core:2.0:User","`+urn+`"`, 1), `"active"`, `"`+urn+`":`+attributes+`,"active"`, 1)
	}
	s.want(400, "POST", "/Users", with("bob@halcyon-atelier.example", `{"level":"three"}`))
	s.want(400, "POST", "/Users", with("bob@halcyon-atelier.example", `{"pin":"1"}`))
	id := s.want(201, "POST", "/Users", with("ada@halcyon-atelier.example", `{"badge":"B-7","level":3,"languages":["fr"]}`)).id()
	if ids := s.want(200, "GET", filtered("/Users", urn+`:level gt 2 and `+urn+`:languages eq "FR"`), "").ids(); len(ids) != 1 || ids[0] != id {
		t.Errorf("a filter on the extension finds %v", ids)
	}
	s.want(200, "PATCH", "/Users/"+id, patchOps(`{"op":"add","path":"`+urn+`:languages","value":["en"]}`))
	if r := s.want(200, "GET", "/Users/"+id+"?attributes="+urn, ""); !strings.Contains(r.raw, `"`+urn+`":{"badge":"B-7","languages":["fr","en"],"level":3}`) {
		t.Errorf("stored as %s", r.raw)
	}
	w.activate("idp")
	person, err := w.app.Person(w.ctx(), "ada@halcyon-atelier.example")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(person.Values, func(v admin.Value) bool { return v.Attribute == "custom.badge" && v.Value == "B-7" }) {
		t.Errorf("the map did not read the extension: %+v", person.Values)
	}
}
