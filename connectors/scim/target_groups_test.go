package scim_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"rollcall/appliance/model"
	"rollcall/connectors"
	"rollcall/connectors/scim"
	"rollcall/scimsrv"
	"rollcall/scimsrv/quirk"
	"rollcall/scimsrv/scimtest"
	"rollcall/scimsrv/scimtest/memory"
)

// TestGroupsAtAnRFCServer delivers groups to the SCIM server of this program itself,
// which keeps to RFC 7644, once as it is and once without PATCH.
func TestGroupsAtAnRFCServer(t *testing.T) {
	for name, patches := range map[string]bool{"PATCH": true, "PUT": false} {
		t.Run(name, func(t *testing.T) {
			service, err := scimsrv.New(scimsrv.Options{Directory: memory.New(time.Now), PublicURL: "http://x.example.com",
				Authenticator: scimtest.Tokens{"canary": {Source: "acme", Dialect: quirk.RFC, TokenID: "t"}}})
			if err != nil {
				t.Fatal(err)
			}
			writes := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPatch && !patches {
					w.WriteHeader(http.StatusNotImplemented)
					return
				}
				if r.Method != http.MethodGet {
					writes++
				}
				service.ServeHTTP(w, r)
			}))
			defer server.Close()
			base, _ := url.Parse(server.URL + "/scim/v2")
			target, err := scim.NewTarget(scim.TargetConfig{BaseURL: base, Token: "canary", PageSize: 2})
			if err != nil {
				t.Fatal(err)
			}
			var ids []string
			for _, login := range []string{"ada@x.test", "bob@x.test", "cyd@x.test"} {
				a, err := target.Create(t.Context(), model.Desired{Person: model.PersonID(login), Active: true, Email: login})
				if err != nil {
					t.Fatal(err)
				}
				ids = append(ids, a.RemoteID)
			}
			var made []connectors.Group
			for _, name := range []string{"Sales", "Finance", "Ops"} {
				g, err := target.CreateGroup(t.Context(), name, ids[:2])
				if err != nil || g.ID == "" {
					t.Fatalf("%+v, %v", g, err)
				}
				made = append(made, g)
			}
			listed, last := 0, false
			for page, err := range target.Groups(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				listed, last = listed+len(page.Groups), page.Last
			}
			if listed != 3 || !last {
				t.Errorf("%d groups listed, to the end: %t", listed, last)
			}
			for range 2 { // the second time nothing is left to change
				if err := target.UpdateGroup(t.Context(), made[0].ID, "Sales EMEA", ids[2:], ids[:1]); err != nil {
					t.Fatal(err)
				}
			}
			request, _ := http.NewRequest(http.MethodGet, base.String()+"/Groups/"+made[0].ID, nil)
			request.Header.Set("Authorization", "Bearer canary")
			answer := httptest.NewRecorder()
			service.ServeHTTP(answer, request)
			for part, want := range map[string]bool{`"Sales EMEA"`: true, ids[0]: false, ids[1]: true, ids[2]: true} {
				if strings.Contains(answer.Body.String(), part) != want {
					t.Errorf("%s there: %t, in %s", part, !want, answer.Body.String())
				}
			}
			if err := target.UpdateGroup(t.Context(), "none", "X", nil, nil); connectors.ClassOf(err) != connectors.Gone {
				t.Errorf("an unknown group: %v", err)
			}
			before := writes
			if err := target.UpdateGroup(t.Context(), made[1].ID, "", nil, nil); err != nil || writes != before {
				t.Errorf("nothing to change sent %d requests: %v", writes-before, err)
			}
		})
	}
}
