package scimtargetsim_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"rollcall/connectors/scim/scimtargetsim"
)

func call(h http.Handler, method, path, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, scimtargetsim.Prefix+path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+scimtargetsim.DefaultToken)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

const ada = `{"userName":"ada@x.example","active":true,"phoneNumbers":[{"type":"work","value":"1"}]}`

func patch(ops string) string {
	return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[` + ops + `]}`
}

func TestWritesAreJudgedAsTheRFCSays(t *testing.T) {
	for name, tc := range map[string]struct {
		opts         scimtargetsim.Options
		method, body string
		header       []string
		status       int
		says         string
	}{
		"same user name in capitals": {method: "POST", body: `{"userName":"ADA@x.example"}`, status: 409, says: "uniqueness"},
		"duplicate as 400":           {opts: scimtargetsim.Options{Duplicate: 400}, method: "POST", body: ada, status: 400, says: "uniqueness"},
		"no user name":               {method: "POST", body: `{"active":true}`, status: 400, says: "invalidValue"},
		"boolean as a text":          {method: "PATCH", body: patch(`{"op":"replace","path":"active","value":"False"}`), status: 400, says: "invalidValue"},
		"boolean as a text, loosely": {opts: scimtargetsim.Options{LooseBooleans: true}, method: "PATCH", body: patch(`{"op":"replace","path":"active","value":"False"}`), status: 200, says: `"active":"false"`},
		"element that is not there":  {method: "PATCH", body: patch(`{"op":"replace","path":"phoneNumbers[type eq \"mobile\"].value","value":"2"}`), status: 400, says: "noTarget"},
		"element that is made":       {opts: scimtargetsim.Options{MakeElements: true}, method: "PATCH", body: patch(`{"op":"replace","path":"phoneNumbers[type eq \"mobile\"].value","value":"2"}`), status: 200, says: `"mobile"`},
		"element removed twice":      {method: "PATCH", body: patch(`{"op":"remove","path":"phoneNumbers[type eq \"home\"]"}`), status: 200, says: `"work"`},
		"unknown manager":            {method: "PATCH", body: patch(`{"op":"replace","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager","value":{"value":"nobody"}}`), status: 400, says: "manager"},
		"remove without a path":      {method: "PATCH", body: patch(`{"op":"remove"}`), status: 400, says: "noTarget"},
		"all or nothing":             {method: "PATCH", body: patch(`{"op":"replace","path":"title","value":"x"},{"op":"replace","path":"userName","value":""}`), status: 400, says: "userName"},
		"other version":              {opts: scimtargetsim.Options{ETags: true}, method: "PATCH", body: patch(`{"op":"replace","path":"title","value":"x"}`), header: []string{"If-Match", `W/"7"`}, status: 412},
		"this version":               {opts: scimtargetsim.Options{ETags: true}, method: "PATCH", body: patch(`{"op":"replace","path":"title","value":"x"}`), header: []string{"If-Match", `W/"1"`}, status: 200, says: `W/\"2\"`},
		"version required":           {opts: scimtargetsim.Options{RequireMatch: true}, method: "PUT", body: ada, status: 428},
		"PATCH not offered":          {opts: scimtargetsim.Options{NoPatch: true}, method: "PATCH", body: patch(`{"op":"replace","path":"title","value":"x"}`), status: 501},
		"PUT clears the rest":        {method: "PUT", body: `{"userName":"ada@x.example"}`, status: 200, says: `"active":true`},
		"DELETE":                     {method: "DELETE", status: 405},
		"other token":                {method: "GET", header: []string{"Authorization", "Bearer x"}, status: 401},
	} {
		t.Run(name, func(t *testing.T) {
			sim := scimtargetsim.New(tc.opts)
			if w := call(sim, "POST", "/Users", ada); w.Code != http.StatusCreated {
				t.Fatalf("%d: %s", w.Code, w.Body)
			}
			before := sim.Users()[0]
			path := "/Users/" + before.ID
			if tc.method == "POST" {
				path = "/Users"
			}
			w := call(sim, tc.method, path, tc.body, tc.header...)
			if w.Code != tc.status || !strings.Contains(w.Body.String(), tc.says) {
				t.Errorf("%d %s; want %d that says %s", w.Code, w.Body, tc.status, tc.says)
			}
			if after := sim.Users(); tc.status >= 400 && (len(after) != 1 || string(after[0].Document) != string(before.Document)) {
				t.Errorf("a refused write changed something: %s", after[0].Document)
			}
		})
	}
}

func TestRemovedUserIsNobodysManager(t *testing.T) {
	sim := scimtargetsim.New(scimtargetsim.Options{})
	call(sim, "POST", "/Users", ada)
	boss := sim.Users()[0].ID
	call(sim, "POST", "/Users", `{"userName":"bo@x.example","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"manager":{"value":"`+boss+`"}}}`)
	if u, _ := sim.User("bo@x.example"); u.Manager != boss {
		t.Fatalf("manager %q, want %q", u.Manager, boss)
	}
	sim.Remove(boss)
	if u, _ := sim.User("bo@x.example"); u.Manager != "" || len(sim.Users()) != 1 {
		t.Errorf("manager %q of %d users", u.Manager, len(sim.Users()))
	}
}

func TestResetAfterWriteAppliesTheWrite(t *testing.T) {
	sim := scimtargetsim.New(scimtargetsim.Options{})
	server := httptest.NewServer(sim)
	defer server.Close()
	for _, kind := range []scimtargetsim.FaultKind{scimtargetsim.Reset, scimtargetsim.ResetAfterWrite} {
		sim.Fault(scimtargetsim.Fault{Kind: kind, Method: "POST"})
		r, err := http.NewRequest("POST", server.URL+scimtargetsim.Prefix+"/Users", strings.NewReader(ada))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+scimtargetsim.DefaultToken)
		if resp, err := server.Client().Do(r); err == nil {
			resp.Body.Close()
			t.Errorf("fault %d: answered with %s", kind, resp.Status)
		}
		if want := int(kind - scimtargetsim.Reset); len(sim.Users()) != want {
			t.Errorf("fault %d: %d users, want %d", kind, len(sim.Users()), want)
		}
	}
}
