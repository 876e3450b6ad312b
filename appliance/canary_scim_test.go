package appliance_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"time"

	"rollcall/connectors/hibob/hibobsim"
	"rollcall/scimsrv"
)

// scim sends a request with a token and notes the answer. It returns the status
// and the id in the body.
func (f *flight) scim(token, method, path, body string, header ...string) (int, string) {
	f.t.Helper()
	req, err := http.NewRequest(method, f.s.base+path, strings.NewReader(body))
	if err != nil {
		f.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/scim+json")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := f.s.http.Do(req)
	if err != nil {
		f.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	answer := fmt.Sprint(resp.Header) + string(raw)
	if resp.StatusCode >= 400 {
		f.answer("errors to SCIM senders", path+body, answer)
	} else {
		f.saw("answers to SCIM senders", answer)
	}
	var resource struct{ ID string }
	_ = json.Unmarshal(raw, &resource)
	return resp.StatusCode, resource.ID
}

// push is a sender that does everything there is to do with the canary person,
// rightly and wrongly.
func (f *flight) push() {
	password, token := secretCanaries["SCIM password attribute"], f.s.token
	whole := func(name string) string {
		return fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],"userName":%q,"password":%q,"active":true,
"name":{"givenName":%q,"familyName":%q},"title":%q,"emails":[{"value":%q,"type":"work","primary":true}],"phoneNumbers":[{"value":%q,"type":"work"}],
"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"employeeNumber":%q,"manager":{"displayName":%q}}}`,
			name, password, bird.Given, bird.Family, bird.Title, name, bird.WorkPhone, bird.EmployeeNumber, nest.Given+" "+nest.Family)
	}
	status, id := f.scim(token, "POST", "/Users", whole(bird.Email))
	if status != http.StatusCreated {
		f.t.Fatalf("POST: %d", status)
	}
	bulk := func(ops ...string) string {
		return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[` + strings.Join(ops, ",") + `]}`
	}
	path, by := "/Users/"+id, url.QueryEscape
	change := `{"op":"replace","value":{"password":"` + password + `","title":"` + bird.Title + ` in chief"}}`
	one := fmt.Sprintf(`{"method":"PATCH","path":%q,"data":%s}`, path, patchOps(change))
	seen := map[int]int{}
	for _, r := range []struct {
		token, method, path, body string
		header                    []string
	}{
		{token, "GET", path, "", nil},
		{token, "GET", "/Users?filter=" + by(`userName eq "`+bird.Email+`"`), "", nil},
		{token, "GET", "/Users?filter=" + by(`name.familyName sw "`+bird.Family+`" and phoneNumbers.value pr`), "", nil},
		{token, "POST", "/Users/.search", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],"filter":"title eq \"` + bird.Title + `\""}`, nil},
		{token, "PATCH", path, patchOps(change), nil},
		{token, "PATCH", path, patchOps(`{"op":"replace","path":"password","value":"` + password + `"}`), nil},
		{token, "PUT", path, whole(bird.Email), nil},
		{token, "POST", "/Bulk", bulk(one, fmt.Sprintf(`{"method":"PUT","path":%q,"data":%s}`, path, whole(bird.Email)), fmt.Sprintf(`{"method":"POST","path":"/Users","bulkId":"x","data":%s}`, whole(bird.Email))), nil},
		{token, "POST", "/Groups", group("Kites", id), nil},
		// Refusals, of what the sender said and of what others did.
		{token, "POST", "/Users", whole(bird.Email), nil},
		{token, "POST", "/Users", whole(bird.Email)[:300], nil},
		{token, "POST", "/Users", `{"userName":"` + bird.Email + `","active":{"` + bird.Family + `":1},"password":["` + password + `"]}`, nil},
		{token, "PATCH", path, patchOps(`{"op":"replace","path":"emails[value eq \"` + password + `\"].password","value":"` + password + `"}`), nil},
		{token, "PATCH", path, patchOps(`{"op":"` + bird.Family + `","path":"` + bird.Given + `","value":"` + password + `"}`), nil},
		{token, "GET", "/Users?filter=" + by(bird.Family+` eq "`+bird.Email), "", nil},
		{token, "GET", "/Users?filter=" + by(`password eq "`+password+`"`), "", nil},
		{token, "GET", "/Users?access_token=" + secretCanaries["token in a query"], "", nil},
		{token, "GET", "/Users?token=" + token, "", nil},
		{token, "GET", "/Users/" + token, "", nil},
		{token, "GET", "/Users/" + bird.Email, "", nil},
		{token, "POST", "/" + bird.Family, whole(bird.Email), nil},
		{token, "PUT", path, whole(bird.Email), []string{"If-Match", `W/"` + bird.Family + `"`}},
		{token, "PUT", path, whole("someone.else@halcyon-atelier.example"), []string{"Content-Type", "text/" + bird.Family}},
		{token, "POST", "/Bulk", bulk(slices.Repeat([]string{one}, 1001)...), nil},
		{token, "POST", "/Users", `{"displayName":"` + strings.Repeat(bird.Family, 17<<20/len(bird.Family)) + `"}`, []string{"Expect", "100-continue"}},
		{secretCanaries["wrong bearer token"], "POST", "/Users", whole(bird.Email), nil},
		{secretCanaries["wrong bearer token"], "GET", path, "", nil},
		{token + "x", "GET", path, "", nil},
	} {
		status, _ := f.scim(r.token, r.method, r.path, r.body, r.header...)
		seen[status]++
		if status >= 500 {
			f.t.Errorf("%s %.60s: %d", r.method, r.path, status)
		}
	}
	for _, status := range []int{200, 201, 400, 401, 404, 409, 412, 413} {
		if seen[status] == 0 {
			f.t.Errorf("no answer %d among %v", status, seen)
		}
	}
	f.activate("okta")
	if status, _ := f.scim(token, "DELETE", path, ""); status != http.StatusNoContent {
		f.t.Errorf("DELETE: %d", status)
	}
	if status, _ := f.scim(token, "DELETE", path, ""); status != http.StatusNotFound {
		f.t.Errorf("DELETE again: %d", status)
	}
	if status, _ := f.scim(token, "POST", "/Users", whole(bird.Email)); status != http.StatusCreated {
		f.t.Errorf("POST again: %d", status)
	}
	f.wait()
}

// hooksAndWire sends a true webhook, false ones, and what is no HTTP at all.
func (f *flight) hooksAndWire() {
	to := hibobsim.Hook{Secret: secretCanaries["HiBob webhook secret"], URL: f.at.SCIM + "/hooks/hibob"}
	if status, err := f.world.hibob.Send(f.ctx(), to, "employee.updated", f.i); status != http.StatusOK || err != nil {
		f.t.Errorf("webhook: %d, %v", status, err)
	}
	body := `{"data":{"employee":"` + bird.Email + `","secret":"` + secretCanaries["HiBob webhook secret"] + `"}}`
	for _, path := range []string{"/hooks/hibob", "/hooks/hibob?secret=" + secretCanaries["HiBob webhook secret"], "/hooks/" + bird.Family} {
		resp, err := http.Post(f.at.SCIM+path, "application/json", strings.NewReader(body))
		if err != nil {
			f.t.Fatal(err)
		}
		raw, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		f.saw("answers to webhooks", fmt.Sprint(resp.Status, resp.Header, string(raw)))
	}
	for _, garbage := range []string{"GET /scim/v2/Users?" + bird.Family + " HTTP/9\r\n\r\n", secretCanaries["wrong bearer token"] + "\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: " + bird.Family + "\x00\r\nAuthorization: Bearer " + f.s.token + "\r\n\r\n",
		"POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nAuthorization " + f.s.token + "\r\n\r\n" + bird.Email} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(f.at.SCIM, "http://"))
		if err != nil {
			f.t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		_, _ = io.WriteString(conn, garbage)
		raw, _ := io.ReadAll(conn)
		conn.Close()
		f.saw("errors on the wire", string(raw))
	}
}

// panicked makes the SCIM service fail from within, in the middle of a request.
func (f *flight) panicked() {
	service, err := scimsrv.New(scimsrv.Options{Directory: nothing{}, Authenticator: anybody{}, PublicURL: "http://rollcall.example", Logger: f.world.log})
	if err != nil {
		f.t.Fatal(err)
	}
	body := `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"` + bird.Email + `","password":"` + secretCanaries["SCIM password attribute"] + `"}`
	for _, r := range []*http.Request{
		httptest.NewRequest("POST", "/scim/v2/Users", strings.NewReader(body)),
		httptest.NewRequest("GET", "/scim/v2/Users/"+bird.Family, nil),
		httptest.NewRequest("GET", "/scim/v2/Users?filter="+url.QueryEscape(`userName eq "`+bird.Email+`"`), nil),
	} {
		r.Header.Set("Authorization", "Bearer "+f.s.token)
		r.Header.Set("Content-Type", "application/scim+json")
		w := httptest.NewRecorder()
		service.ServeHTTP(w, r)
		if w.Code != http.StatusInternalServerError {
			f.t.Errorf("a service without a directory answers %d", w.Code)
		}
		f.saw("errors to SCIM senders", fmt.Sprint(w.Header(), w.Body))
	}
}

// nothing is a directory whose every method panics.
type nothing struct{ scimsrv.Directory }

// anybody lets everybody in.
type anybody struct{}

func (anybody) Authenticate(context.Context, string) (scimsrv.Caller, bool) {
	return scimsrv.Caller{Source: "okta", Kind: "okta", Dialect: "okta"}, true
}
