package scimtargetsim_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"rollcall/connectors/scim/scimtargetsim"
)

// The request of RFC 7644 §3.7.3, in the attributes that the service keeps.
const teamInOneRequest = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"failOnErrors":1,"Operations":[
	{"method":"POST","path":"/Users","bulkId":"qwerty","data":{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"Alice"}},
	{"method":"POST","path":"/Users","bulkId":"ytrewq","data":{"userName":"Bob","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"manager":{"value":"bulkId:qwerty"}}}},
	{"method":"POST","path":"/Users","bulkId":"again","data":{"userName":"alice"}},
	{"method":"POST","path":"/Users","bulkId":"never","data":{"userName":"Cyd"}}]}`

func postBulk(t *testing.T, sim *scimtargetsim.Sim, body string) (int, []map[string]any) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, scimtargetsim.Prefix+"/Bulk", strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+scimtargetsim.DefaultToken)
	w := httptest.NewRecorder()
	sim.ServeHTTP(w, r)
	var doc struct{ Operations []map[string]any }
	if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	return w.Code, doc.Operations
}

func TestBulkIsDoneAsTheRFCSays(t *testing.T) {
	sim := scimtargetsim.New(scimtargetsim.Options{Bulk: true, ETags: true})
	code, ops := postBulk(t, sim, teamInOneRequest)
	if code != 200 || len(ops) != 3 {
		t.Fatalf("%d: %v", code, ops)
	}
	alice, _ := sim.User("alice")
	bob, _ := sim.User("bob")
	if ops[0]["status"] != "201" || ops[0]["bulkId"] != "qwerty" || !strings.HasSuffix(ops[0]["location"].(string), "/Users/"+alice.ID) || ops[0]["version"] != `W/"1"` || ops[0]["response"] != nil {
		t.Errorf("made: %v", ops[0])
	}
	if bob.Manager != alice.ID {
		t.Errorf("bulkId:qwerty became the manager %q, want %q", bob.Manager, alice.ID)
	}
	refused, _ := ops[2]["response"].(map[string]any)
	if ops[2]["status"] != "409" || refused["scimType"] != "uniqueness" || ops[2]["location"] != nil {
		t.Errorf("refused: %v", ops[2])
	}
	if _, made := sim.User("cyd"); made {
		t.Error("failOnErrors did not end it")
	}
	// A refused PATCH names whom it was about (RFC 7644 §3.7.3).
	_, ops = postBulk(t, sim, `{"Operations":[{"method":"PATCH","path":"/Users/`+alice.ID+`","data":{"Operations":[{"op":"replace","path":"userName","value":"bob"}]}}]}`)
	if len(ops) != 1 || ops[0]["status"] != "409" || !strings.HasSuffix(ops[0]["location"].(string), alice.ID) {
		t.Errorf("refused: %v", ops)
	}
}

func TestBulkOverItsLimitsIsRefusedWhole(t *testing.T) {
	for _, b := range []scimtargetsim.Bulk{{MaxOperations: 3}, {MaxPayload: 500}} {
		sim := scimtargetsim.New(scimtargetsim.Options{Bulk: true, BulkTraits: b})
		if code, _ := postBulk(t, sim, teamInOneRequest); code != http.StatusRequestEntityTooLarge || len(sim.Users()) != 0 {
			t.Errorf("%+v: %d, %d users", b, code, len(sim.Users()))
		}
	}
	sim := scimtargetsim.New(scimtargetsim.Options{Bulk: true, BulkTraits: scimtargetsim.Bulk{Whole: true}})
	if code, _ := postBulk(t, sim, teamInOneRequest); code != http.StatusConflict || len(sim.Users()) != 0 || sim.Creates("alice") != 0 {
		t.Errorf("refused whole: %d, %d users, alice made %d times", code, len(sim.Users()), sim.Creates("alice"))
	}
}
