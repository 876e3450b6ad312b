package scimsrv_test

import (
	"net/http"
	"strings"
	"testing"

	"rollcall/scimsrv"
	"rollcall/scimsrv/attr"
	"rollcall/scimsrv/quirk"
	"rollcall/scimsrv/schema"
	"rollcall/scimsrv/scimtest"
)

func TestEveryEndpointIsBehindAToken(t *testing.T) {
	tn := newTenant(t, quirk.RFC)
	for _, path := range []string{"/Users", "/Users/x", "/Groups", "/Me", "/Schemas", "/ResourceTypes", "/ServiceProviderConfig", "/Nothing", ""} {
		g := tn.want(t, 401, "GET", path, "", "Authorization", "")
		if g.header.Get("WWW-Authenticate") != `Bearer realm="scim"` {
			t.Errorf("%s: WWW-Authenticate is %q", path, g.header.Get("WWW-Authenticate"))
		}
	}
}

func TestTokenFormsDependOnTheDialect(t *testing.T) {
	for _, tc := range []struct {
		header string
		want   map[string]int
	}{
		{"Bearer " + token, map[string]int{quirk.RFC: 200, quirk.Okta: 200, quirk.Azure: 200, quirk.Lenient: 200}},
		{"bEARER   " + token, map[string]int{quirk.RFC: 200, quirk.Okta: 200, quirk.Azure: 200, quirk.Lenient: 200}},
		{token, map[string]int{quirk.RFC: 401, quirk.Okta: 200, quirk.Azure: 401, quirk.Lenient: 200}},
		{"Basic " + token, map[string]int{quirk.RFC: 401, quirk.Okta: 401, quirk.Azure: 401, quirk.Lenient: 401}},
		{"Bearer", map[string]int{quirk.Okta: 401, quirk.Lenient: 401}},
		{"Bearer wrong", map[string]int{quirk.Okta: 401, quirk.RFC: 401}},
		{strings.Repeat("x", 5000), map[string]int{quirk.Okta: 401}},
	} {
		for dialect, want := range tc.want {
			newTenant(t, dialect).want(t, want, "GET", "/Users", "", "Authorization", tc.header)
		}
	}
}

func TestTokensInTheURLAreRefused(t *testing.T) {
	tn := newTenant(t, quirk.Lenient)
	tn.refused(t, 400, "invalidValue", "GET", "/Users?access_token="+token, "")
	tn.refused(t, 400, "invalidValue", "GET", "/Users?token="+token, "", "Authorization", "")
}

func TestPathsAreReadTolerantlyAndIdsExactly(t *testing.T) {
	d := &spy{}
	tn := newTenant(t, quirk.RFC, withSpy(d))
	id := tn.user(t, "jane")
	for _, path := range []string{"/Users/" + id, "/users/" + id, "/USERS/" + id + "/", "/Users/%" + hex(id[0]) + id[1:]} {
		if g := tn.want(t, 200, "GET", path, ""); g.id() != id {
			t.Errorf("%s answered with %s", path, g.raw)
		}
	}
	tn.want(t, 200, "GET", "/Users/", "")
	tn.want(t, 201, "POST", "/users/", userBody("john"))
	for _, path := range []string{
		"/Users/" + strings.ToLower(id), "/Users/.", "/Users/..", "/Users/..%2f..%2fetc", "/Users/%2e%2e", "/Users/a%2Fb", "/Users/a%5Cb",
		"/Users/%00", "/Users/%ff", "/Users/" + strings.Repeat("x", 300), "/Users/" + id + "/more", "/Users//" + id, "/Nothing", "/.search",
	} {
		if g := tn.send(t, "GET", path, ""); g.status != 404 && g.status != 405 {
			t.Errorf("GET %s: status %d, want 404: %s", path, g.status, g.raw)
		}
	}
	for _, id := range []string{".", "..", "../../etc", "a/b", `a\b`, "\x00", "\xff"} {
		if _, asked := d.asked.Load(id); asked {
			t.Errorf("the directory was asked for %q", id)
		}
	}
	root := tenant{Client: tn.Client}
	root.BaseURL = strings.TrimSuffix(tn.BaseURL, scimsrv.BasePath)
	root.want(t, 404, "GET", "/", "")
	root.want(t, 404, "GET", "/scim/Users", "")
	root.want(t, 404, "GET", "/other", "")
	root.refused(t, 400, "invalidVers", "GET", "/scim/v1/Users", "")
}

func hex(c byte) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[c>>4], digits[c&15]})
}

func TestWrongMethodsAreAnswered405WithAllow(t *testing.T) {
	tn := newTenant(t, quirk.RFC)
	for _, tc := range []struct{ method, path, allow string }{
		{"DELETE", "/Users", "GET, HEAD, POST"},
		{"POST", "/Users/x", "DELETE, GET, HEAD, PATCH, PUT"},
		{"OPTIONS", "/Groups", "GET, HEAD, POST"},
		{"PUT", "/Schemas", "GET, HEAD"},
		{"GET", "/Bulk", "POST"},
		{"TRACE", "/ServiceProviderConfig", "GET, HEAD"},
	} {
		if g := tn.want(t, 405, tc.method, tc.path, ""); g.header.Get("Allow") != tc.allow {
			t.Errorf("%s %s: Allow is %q, want %q", tc.method, tc.path, g.header.Get("Allow"), tc.allow)
		}
	}
	for _, method := range []string{"GET", "POST", "PATCH", "DELETE"} {
		tn.want(t, 501, method, "/Me", "")
	}
}

func TestHeadIsGetWithoutBody(t *testing.T) {
	tn := newTenant(t, quirk.RFC)
	id := tn.user(t, "jane")
	for _, path := range []string{"/Users", "/Users/" + id, "/Schemas"} {
		get, head := tn.want(t, 200, "GET", path, ""), tn.want(t, 200, "HEAD", path, "")
		for _, name := range []string{"Content-Type", "Content-Length", "ETag"} {
			if get.header.Get(name) != head.header.Get(name) {
				t.Errorf("%s: %s of HEAD is %q, of GET %q", path, name, head.header.Get(name), get.header.Get(name))
			}
		}
		if head.raw != "" {
			t.Errorf("%s: HEAD has a body", path)
		}
	}
	s, err := scimsrv.New(scimsrv.Options{Directory: tn.dir, PublicURL: "http://x.example.com",
		Authenticator: scimtest.Tokens{token: {Source: "acme", Dialect: quirk.RFC}}})
	if err != nil {
		t.Fatal(err)
	}
	if g := serve(t, s, "HEAD", "/scim/v2/Users", ""); g.raw != "" {
		t.Errorf("the service writes a body for HEAD and leaves it to the server to drop it: %s", g.raw)
	}
	if g := tn.send(t, "HEAD", "/Users/nobody", ""); g.status != 404 || g.raw != "" {
		t.Errorf("HEAD of nobody: %d %s", g.status, g.raw)
	}
}

func TestBodiesAreTakenAsAnyKindOfJSON(t *testing.T) {
	tn := newTenant(t, quirk.RFC)
	for i, ct := range []string{"application/scim+json", "application/json", "Application/SCIM+JSON; Charset=UTF-8", "application/json;charset=utf8", ""} {
		tn.want(t, 201, "POST", "/Users", userBody("u"+string(rune('a'+i))), "Content-Type", ct)
	}
	tn.want(t, 201, "POST", "/Users", "\xef\xbb\xbf"+userBody("bom"))
	for _, ct := range []string{"text/xml", "application/x-www-form-urlencoded", "application/json; charset=latin1", "json", ";;"} {
		tn.want(t, 415, "POST", "/Users", userBody("x"), "Content-Type", ct)
	}
	tn.want(t, 415, "POST", "/Users", userBody("x"), "Content-Encoding", "gzip")
}

func TestBodiesThatAreNoResourceAreRefused(t *testing.T) {
	tn := newTenant(t, quirk.RFC, func(o *scimsrv.Options) { o.Limits.BodyBytes = 2000 })
	for name, body := range map[string]string{
		"broken":              `{"schemas":[broken`,
		"a list":              `[]`,
		"two values":          userBody("x") + "{}",
		"invalid UTF-8":       strings.Replace(userBody("x"), "Jane", "J\xffne", 1),
		"the same name twice": `{"schemas":["` + userURN + `"],"userName":"a","USERNAME":"b"}`,
		"too deep":            strings.Repeat(`{"a":`, 100) + "1" + strings.Repeat("}", 100),
	} {
		if g := tn.send(t, "POST", "/Users", body); g.status != 400 || g.body.String("scimType") != "invalidSyntax" {
			t.Errorf("%s: %d %s", name, g.status, g.raw)
		}
	}
	tn.refused(t, 400, "invalidSyntax", "POST", "/Users", "", "Content-Type", "application/scim+json")
	tn.want(t, 413, "POST", "/Users", userBody("x", `"title":"`+strings.Repeat("x", 3000)+`"`))
	tn.refused(t, 400, "invalidValue", "GET", "/Users?filter=%zz", "")
}

func TestBodiesOfUnknownLengthAreCutOff(t *testing.T) {
	tn := newTenant(t, quirk.RFC, func(o *scimsrv.Options) { o.Limits.BodyBytes = 2000 })
	body := userBody("x", `"title":"`+strings.Repeat("x", 3000)+`"`)
	req, err := http.NewRequestWithContext(t.Context(), "POST", tn.BaseURL+"/Users", struct{ *strings.Reader }{strings.NewReader(body)})
	if err != nil {
		t.Fatal(err)
	}
	req.ContentLength = -1
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := tn.HTTP.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != 413 {
		t.Errorf("status %d, want 413", resp.StatusCode)
	}
}

func TestVersionsGuardReadsAndWrites(t *testing.T) {
	tn := newTenant(t, quirk.RFC)
	made := tn.want(t, 201, "POST", "/Users", userBody("jane"))
	path, v1 := "/Users/"+made.id(), made.header.Get("ETag")
	if v1 == "" || made.path("meta", "version") != v1 || !strings.HasPrefix(v1, `W/"`) {
		t.Fatalf("ETag %q, meta.version %v", v1, made.path("meta", "version"))
	}
	if made.header.Get("Location") != tn.BaseURL+path || made.path("meta", "location") != tn.BaseURL+path {
		t.Errorf("Location %q, meta.location %v, want %s", made.header.Get("Location"), made.path("meta", "location"), tn.BaseURL+path)
	}
	if g := tn.want(t, 304, "GET", path, "", "If-None-Match", `"x", `+v1); g.raw != "" || g.header.Get("ETag") != v1 {
		t.Errorf("304 with body %q and ETag %q", g.raw, g.header.Get("ETag"))
	}
	tn.want(t, 200, "GET", path, "", "If-None-Match", `W/"999"`)
	v2 := tn.want(t, 200, "PUT", path, userBody("jane", `"title":"A"`), "If-Match", v1).header.Get("ETag")
	if v2 == v1 {
		t.Error("a change kept the version")
	}
	tn.want(t, 412, "PUT", path, userBody("jane", `"title":"B"`), "If-Match", v1)
	tn.want(t, 412, "PATCH", path, patchBody(`{"op":"remove","path":"title"}`), "If-Match", v1)
	tn.want(t, 412, "DELETE", path, "", "If-Match", v1)
	tn.want(t, 412, "PUT", path, userBody("jane"), "If-None-Match", "*")
	g := tn.want(t, 200, "PATCH", path, patchBody(`{"op":"replace","path":"title","value":"A"}`), "If-Match", "*")
	if g.header.Get("ETag") != v2 || g.path("meta", "lastModified") != tn.want(t, 200, "GET", path, "").path("meta", "lastModified") {
		t.Errorf("a PATCH without effect made version %s of %s", g.header.Get("ETag"), v2)
	}
	tn.want(t, 204, "DELETE", path, "", "If-Match", v2)
	tn.want(t, 404, "PUT", path, userBody("jane"))
}

func TestAUsersVersionSaysNothingOfItsGroups(t *testing.T) {
	tn := newTenant(t, quirk.RFC)
	id := tn.user(t, "jane")
	team := tn.want(t, 201, "POST", "/Groups", groupBody("Team")).id()
	version := func(path string) string { return tn.want(t, 200, "GET", path, "").header.Get("ETag") }
	user, group := version("/Users/"+id), version("/Groups/"+team)
	tn.want(t, 200, "PATCH", "/Groups/"+team, patchBody(`{"op":"add","path":"members","value":[{"value":"`+id+`"}]}`))
	if v := version("/Users/" + id); v != user {
		t.Errorf("the user went from version %s to %s", user, v)
	}
	with := version("/Groups/" + team)
	if with == group {
		t.Error("the group has the version it had without its member")
	}
	tn.want(t, 204, "DELETE", "/Users/"+id, "")
	if v := version("/Groups/" + team); v == with {
		t.Error("the group has the version it had before its member was deleted")
	}
}

func TestAnswersHoldTheAttributesThatWereAskedFor(t *testing.T) {
	tn := newTenant(t, quirk.RFC)
	body := `{"schemas":["` + userURN + `","` + eURN + `"],"userName":"jane","externalId":"E","displayName":"Jane",
		"name":{"givenName":"Jane","familyName":"Doe"},
		"emails":[{"value":"a@x.example","type":"work","primary":true},{"value":"b@x.example","type":"home"}],
		"` + eURN + `":{"department":"Sales","employeeNumber":"7"}}`
	id := tn.want(t, 201, "POST", "/Users", body).id()
	for _, tc := range []struct{ query, want string }{
		{"attributes=userName", `{"schemas":["` + userURN + `"],"id":"ID","userName":"jane"}`},
		{"attributes=USERNAME,Name.familyname", `{"schemas":["` + userURN + `"],"id":"ID","userName":"jane","name":{"familyName":"Doe"}}`},
		{"attributes=name", `{"schemas":["` + userURN + `"],"id":"ID","name":{"givenName":"Jane","familyName":"Doe"}}`},
		{"attributes=emails.type", `{"schemas":["` + userURN + `"],"id":"ID","emails":[{"type":"work"},{"type":"home"}]}`},
		{"attributes=" + eURN + ":department", `{"schemas":["` + userURN + `","` + eURN + `"],"id":"ID","` + eURN + `":{"department":"Sales"}}`},
		{"attributes=" + eURN, `{"schemas":["` + userURN + `","` + eURN + `"],"id":"ID","` + eURN + `":{"department":"Sales","employeeNumber":"7"}}`},
		{"attributes=nothing", `{"schemas":["` + userURN + `"],"id":"ID"}`},
		{"attributes=password", `{"schemas":["` + userURN + `"],"id":"ID"}`},
		{"attributes=meta.resourceType", `{"schemas":["` + userURN + `"],"id":"ID","meta":{"resourceType":"User"}}`},
		{"excludedAttributes=id,schemas,meta,emails,name.givenName,active," + eURN, `{"schemas":["` + userURN + `"],"id":"ID","userName":"jane","externalId":"E","displayName":"Jane","name":{"familyName":"Doe"}}`},
		{"excludedAttributes=meta,externalId,name,displayName,active,emails.value," + eURN + ":employeeNumber",
			`{"schemas":["` + userURN + `","` + eURN + `"],"id":"ID","userName":"jane","emails":[{"type":"work","primary":true},{"type":"home"}],"` + eURN + `":{"department":"Sales"}}`},
	} {
		want, err := attr.Decode([]byte(strings.ReplaceAll(tc.want, "ID", id)), attr.Limits{})
		if err != nil {
			t.Fatalf("%s: %v", tc.want, err)
		}
		if g := tn.want(t, 200, "GET", "/Users/"+id+"?"+tc.query, ""); !attr.Equal(want, g.body) {
			t.Errorf("%s:\n got %s\nwant %s", tc.query, g.raw, attr.Append(nil, want))
		}
	}
	if g := tn.want(t, 201, "POST", "/Users?attributes=id", userBody("john")); g.path("userName") != nil {
		t.Errorf("POST with attributes=id answered %s", g.raw)
	}
	tn.refused(t, 400, "invalidValue", "GET", "/Users?attributes=id&excludedAttributes=name", "")
}

func TestDiscoveryShowsEveryDocumentByIdToo(t *testing.T) {
	tn := newTenant(t, quirk.RFC)
	for _, path := range []string{"/Schemas", "/ResourceTypes"} {
		list := tn.want(t, 200, "GET", path+"?startIndex=2&count=1", "") // paging is ignored
		ids := list.list("id")
		if len(ids) < 2 || list.path("totalResults") != list.path("itemsPerPage") {
			t.Errorf("%s: %s", path, list.raw)
		}
		for _, id := range ids {
			for _, spelled := range []string{id, strings.ToUpper(id), strings.ReplaceAll(id, ":", "%3A")} {
				if g := tn.want(t, 200, "GET", path+"/"+spelled, ""); g.id() != id {
					t.Errorf("%s/%s is %s", path, spelled, g.id())
				}
			}
		}
		tn.want(t, 403, "GET", path+"?filter=id+pr", "")
		tn.want(t, 404, "GET", path+"/none", "")
	}
	config := tn.want(t, 200, "GET", "/ServiceProviderConfig", "")
	if config.raw != tn.want(t, 200, "GET", "/ServiceProviderConfigs", "").raw {
		t.Error("the SCIM 1.1 name shows something else")
	}
	for _, at := range [][]string{{"patch", "supported"}, {"bulk", "supported"}, {"filter", "supported"}, {"sort", "supported"}, {"etag", "supported"}, {"pagination", "cursor"}} {
		if config.path(at...) != true {
			t.Errorf("%v is %v", at, config.path(at...))
		}
	}
	if strings.Contains(tn.want(t, 200, "GET", "/Schemas", "").raw, "null") {
		t.Error("there is a null in /Schemas")
	}
}

func TestAttributesReturnedOnRequestAreLeftOutUntilAskedFor(t *testing.T) {
	const urn = "urn:example:params:scim:schemas:extension:acme:2.0:User"
	attribute := func(name string, returned schema.Returned) *schema.Attribute {
		return &schema.Attribute{Name: name, Type: schema.String, Mutability: schema.ReadWrite, Returned: returned, Uniqueness: schema.UniqueNone}
	}
	catalog, err := schema.New(schema.Extension{Schema: &schema.Schema{URN: urn, Name: "Acme", Attributes: []*schema.Attribute{
		attribute("badge", schema.ReturnedDefault), attribute("notes", schema.ReturnedRequest), attribute("pin", schema.ReturnedNever),
	}}})
	if err != nil {
		t.Fatal(err)
	}
	tn := newTenant(t, quirk.RFC, func(o *scimsrv.Options) { o.Catalog = catalog })
	id := tn.want(t, 201, "POST", "/Users", `{"schemas":["`+userURN+`","`+urn+`"],"userName":"jane","`+urn+`":{"badge":"7","notes":"n","pin":"1"}}`).id()
	for query, want := range map[string]string{
		"":                                      `{"badge":"7"}`,
		"?attributes=" + urn:                    `{"badge":"7"}`,
		"?attributes=" + urn + ":notes":         `{"notes":"n"}`,
		"?attributes=" + urn + ":pin":           ``,
		"?excludedAttributes=" + urn + ":badge": ``,
		"?excludedAttributes=title":             `{"badge":"7"}`,
	} {
		ext, _ := tn.want(t, 200, "GET", "/Users/"+id+query, "").path(urn).(*attr.Object)
		if got := string(attr.Append(nil, ext)); got != want && !(want == "" && ext == nil) {
			t.Errorf("%s shows %s, want %s", query, got, want)
		}
	}
}
