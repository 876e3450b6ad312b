package appliance_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"rollcall/appliance/admin"
)

func TestPasswordsAreNowhereWhateverWayTheyCame(t *testing.T) {
	const canary = "Correct-Horse-7-Battery"
	const core, javelo = "urn:ietf:params:scim:schemas:core:2.0:User", "urn:ietf:params:scim:schemas:extension:javelo:2.0:User"
	for _, kind := range []string{"okta", "azure", "scim"} {
		t.Run(kind, func(t *testing.T) {
			d := serveSources(t, "idp", kind)
			s := d.sender("idp")
			var answers strings.Builder
			ask := func(method, path, body string) reply {
				r := s.ask(method, path, body)
				fmt.Fprintln(&answers, r.raw, r.header)
				if r.status == 0 || r.status >= 500 {
					t.Errorf("%s %s: %d %s", method, path, r.status, r.raw)
				}
				return r
			}
			with := func(name string) string {
				return strings.Replace(user(name, "Ada", "Adeyemi"), `"active"`, `"Password":"`+canary+`","active"`, 1)
			}
			const name = "ada@halcyon-atelier.example"
			made := ask("POST", "/Users", with(name))
			if made.status != 201 {
				t.Fatalf("a user with a password: %s", made.raw)
			}
			path := "/Users/" + made.id()
			if r := ask("PUT", path, with(name)); r.status != 200 {
				t.Errorf("PUT: %s", r.raw)
			}
			accepted := []string{
				`{"op":"replace","value":{"password":"` + canary + `"}}`,
				`{"op":"replace","path":"password","value":"` + canary + `"}`,
				`{"op":"add","path":"PASSWORD","value":"` + canary + `"}`,
				`{"op":"replace","path":"` + core + `:password","value":"` + canary + `"}`,
				`{"op":"replace","path":"` + javelo + `:password","value":"` + canary + `"}`,
				`{"op":"replace","path":"` + javelo + `","value":{"password":"` + canary + `"}}`,
			}
			for _, op := range accepted {
				if r := ask("PATCH", path, patchOps(op)); r.status != 200 {
					t.Errorf("%s: %s", op, r.raw)
				}
			}
			for _, op := range []string{
				`{"op":"replace","path":"password[value eq \"` + canary + `\"]","value":"` + canary + `"}`,
				`{"op":"replace","path":"password.value","value":"` + canary + `"}`,
				`{"op":"replace","path":"password","value":["` + canary + `","` + canary + `"]}`,
				`{"op":"replace","path":"password","value":{"value":"` + canary + `"}}`,
				`{"op":"remove","path":"password","value":"` + canary + `"}`,
				`{"op":"move","path":"password","value":"` + canary + `"}`,
				`{"op":"replace","path":"passwords","value":"` + canary + `"}`,
				`{"op":"replace","path":"emails[value eq \"` + canary + `\"].password","value":"` + canary + `"}`,
			} {
				ask("PATCH", path, patchOps(op))
			}
			for _, body := range []string{
				strings.Replace(with(name), `"`+canary+`"`, `["`+canary+`"]`, 1),
				strings.Replace(with(name), `"`+canary+`"`, `{"value":"`+canary+`"}`, 1),
				`{"schemas":["` + core + `"],"password":"` + canary + `"}`,
				`{"userName":"x","password":"` + canary + `"`,
				`{"userName":"x","password":"` + canary + `","PASSWORD":"` + canary + `"}`,
			} {
				ask("PUT", path, body)
				ask("POST", "/Users", body)
			}
			bulk := fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[
				{"method":"POST","path":"/Users","bulkId":"a","data":%s},{"method":"PATCH","path":%q,"data":%s},{"method":"PUT","path":%q,"data":%s}]}`,
				with("bob@halcyon-atelier.example"), path, patchOps(accepted[0]), path, with(name))
			if r := ask("POST", "/Bulk", bulk); r.status != 200 || strings.Contains(r.raw, `"status":"4`) {
				t.Errorf("bulk: %s", r.raw)
			}
			ask("GET", path+"?attributes=password,userName", "")
			ask("GET", filtered("/Users", `password eq "`+canary+`"`), "")
			ask("GET", "/Users?attributes="+canary+"&"+canary+"=1", "")
			ask("POST", "/Users/.search", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],"filter":"password sw \"`+canary+`\""}`)
			ask("GET", "/Users", "")

			d.stop()
			file, err := os.ReadFile(d.app.Store().Path())
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Contains(file, []byte("Adeyemi")) {
				t.Fatal("the database file does not hold what was stored: the search below would find nothing")
			}
			logged := d.log.String()
			d.start()
			requests, err := d.app.Requests(context.Background(), "", false, 1000)
			if err != nil {
				t.Fatal(err)
			}
			journal, err := json.Marshal(requests)
			if err != nil {
				t.Fatal(err)
			}
			if len(requests) < 20 {
				t.Errorf("only %d requests were recorded", len(requests))
			}
			for where, text := range map[string]string{"answers": answers.String(), "log": logged, "journal of requests": string(journal), "database": string(file)} {
				if i := strings.Index(text, canary); i >= 0 {
					t.Errorf("the password is in the %s: …%q…", where, text[max(0, i-120):min(len(text), i+60)])
				}
			}
		})
	}
}

func TestTheRequestsJournalShowsWhatWasAskedAnsweredAndRewritten(t *testing.T) {
	d := serveSources(t, "okta", "okta", "azure", "azure")
	azure, okta := d.sender("azure"), d.sender("okta")
	const name = "ada@halcyon-atelier.example"
	path := "/Users/" + azure.want(201, "POST", "/Users", user(name, "Ada", "Adeyemi")).id()
	azure.want(200, "GET", filtered("/Users", `userName eq "`+name+`"`), "")
	azure.want(200, "PATCH", path, patchOps(`{"op":"Replace","path":"active","value":"False"}`,
		`{"op":"replace","value":{"name.givenName":"Adaeze"}}`, `{"op":"Add","path":"phoneNumbers[type eq \"mobile\"].value","value":"+33 6 00 00 00 00"}`))
	azure.want(409, "POST", "/Users", user(name, "Ada", "Adeyemi"))
	azure.want(404, "GET", "/Users/"+name, "")
	okta.want(200, "GET", "/Users?startIndex=1&count=2", "")
	d.stop()
	d.start()
	var unknown *admin.Error
	if _, err := d.app.Requests(context.Background(), "azzure", false, 100); !errors.As(err, &unknown) || unknown.Code != admin.CodeNotFound || !strings.Contains(unknown.Text, "azure, okta") {
		t.Errorf("a source that is none: %v", err)
	}
	requests, err := d.app.Requests(context.Background(), "azure", false, 100)
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(requests) // oldest first
	type row struct {
		method, path string
		status       int
		quirks       string
	}
	var got []row
	for _, r := range requests {
		got = append(got, row{r.Method, r.Path, r.Status, strings.Join(r.Quirks, " ")})
		if r.Source != "azure" || r.Dialect != "azure" || r.Token == "" || r.At.IsZero() {
			t.Errorf("not told who asked, how and when: %+v", r)
		}
		if r.Status >= 400 && r.Detail == "" {
			t.Errorf("not told why it was refused: %+v", r)
		}
	}
	want := []row{
		{"POST", "/scim/v2/Users", 201, ""},
		{"GET", `/scim/v2/Users?filter=userName eq "…"`, 200, ""},
		{"PATCH", "/scim/v2" + path, 200, "patch-envelope paths-as-keys boolean-string element-created-by-filter"},
		{"POST", "/scim/v2/Users", 409, ""},
		{"GET", "/scim/v2/Users/…", 404, ""},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
	whole, err := json.Marshal(requests)
	if err != nil {
		t.Fatal(err)
	}
	for _, personal := range []string{"ada@", "Adeyemi", "Adaeze", "+33"} {
		if strings.Contains(string(whole), personal) {
			t.Errorf("%s is in the journal of requests", personal)
		}
	}
	failed, err := d.app.Requests(context.Background(), "", true, 100)
	if err != nil || len(failed) != 2 {
		t.Errorf("%d failed requests, want 2: %v", len(failed), err)
	}
	if all, err := d.app.Requests(context.Background(), "", false, 3); err != nil || len(all) != 3 {
		t.Errorf("%d of 3 requests: %v", len(all), err)
	}
}

func TestStrangersDoNotPushSendersOutOfTheRequestsJournal(t *testing.T) {
	d := serveSources(t, "idp", "okta")
	s := d.sender("idp")
	s.want(200, "GET", "/Users?count=1", "")
	stranger := s
	stranger.token = "nobody"
	const knocks = 300
	for range knocks {
		stranger.want(401, "GET", "/Users", "")
	}
	s.want(200, "GET", "/Users?count=2", "")
	d.stop()
	d.start()
	requests, err := d.app.Requests(context.Background(), "", false, 1000)
	if err != nil {
		t.Fatal(err)
	}
	known, unknown := 0, 0
	for _, r := range requests {
		if r.Source == "idp" {
			known++
		} else {
			unknown++
		}
	}
	if known != 2 || unknown == 0 || unknown > knocks/2 {
		t.Errorf("the journal has %d requests of the sender and %d of strangers", known, unknown)
	}
}

func TestTokensAreStoredAsTheirHashOnly(t *testing.T) {
	d := serveSources(t, "idp", "okta")
	s := d.sender("idp")
	s.want(404, "GET", "/Users/"+s.token, "")
	s.want(400, "GET", "/Users?access_token="+s.token, "")
	s.want(400, "GET", "/Users?token="+s.token, "")
	s.want(200, "GET", "/Users?"+s.token, "")
	s.want(404, "POST", "/"+s.token, "{}")
	s.want(400, "POST", "/Users", "access_token="+s.token)
	stranger := s
	stranger.token = "nobody"
	stranger.want(401, "POST", "/Users", "access_token="+s.token)
	d.stop()
	file, err := os.ReadFile(d.app.Store().Path())
	if err != nil {
		t.Fatal(err)
	}
	for where, text := range map[string][]byte{"database": file, "log": []byte(d.log.String())} {
		if bytes.Contains(text, []byte(s.token)) {
			t.Errorf("the token is in the %s", where)
		}
	}
}
