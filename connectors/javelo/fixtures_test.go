package javelo_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/appliance/model"
	"rollcall/connectors"
	"rollcall/connectors/javelo"
)

// exchange is one recorded request with its answer.
type exchange struct {
	File    string
	Request struct {
		Method, Path string
		Query        map[string]string
		Headers      map[string]string
		Body         json.RawMessage
	}
	Response struct {
		Status  int
		Headers map[string]string
	}
}

func exchanges(t testing.TB) map[string]exchange {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	var index struct{ Fixtures []exchange }
	if err := json.Unmarshal(raw, &index); err != nil {
		t.Fatal(err)
	}
	out := map[string]exchange{}
	for _, e := range index.Fixtures {
		out[e.File] = e
	}
	return out
}

// tape answers the requests of a test with the recorded answers it names, and
// compares each request with the recorded one.
type tape struct {
	t     testing.TB
	all   map[string]exchange
	files []string
	sent  []json.RawMessage
}

func (p *tape) RoundTrip(r *http.Request) (*http.Response, error) {
	if len(p.files) == 0 {
		p.t.Errorf("one request too many: %s %s", r.Method, r.URL)
		return nil, io.ErrUnexpectedEOF
	}
	e := p.all[p.files[0]]
	p.files = p.files[1:]
	if got, want := r.Method+" "+r.URL.Path, e.Request.Method+" "+e.Request.Path; got != want {
		p.t.Errorf("%s: request %s, recorded %s", e.File, got, want)
	}
	query := map[string]string{}
	for k := range r.URL.Query() {
		query[k] = r.URL.Query().Get(k)
	}
	if d := cmp.Diff(e.Request.Query, query); d != "" {
		p.t.Errorf("%s: query (-recorded +sent):\n%s", e.File, d)
	}
	if strings.Contains(r.URL.RawQuery, "+") {
		p.t.Errorf("%s: a blank is sent as +: %s", e.File, r.URL.RawQuery)
	}
	if got := r.Header.Get("Authorization"); got != "Bearer "+canary {
		p.t.Errorf("%s: Authorization is %q", e.File, got)
	}
	if r.Body != nil {
		if got := r.Header.Get("Content-Type"); got != e.Request.Headers["Content-Type"] {
			p.t.Errorf("%s: Content-Type is %q", e.File, got)
		}
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		p.sent = append(p.sent, raw)
	}
	raw, err := os.ReadFile(filepath.Join("testdata", e.File))
	if err != nil {
		return nil, err
	}
	resp := &http.Response{StatusCode: e.Response.Status, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(raw)), Request: r}
	for k, v := range e.Response.Headers {
		resp.Header.Set(k, v)
	}
	return resp, nil
}

// play makes a target that is answered with the recorded files, in order.
func play(t *testing.T, files ...string) (*javelo.Target, *tape) {
	t.Helper()
	p := &tape{t: t, all: exchanges(t), files: files}
	for _, f := range files {
		if _, ok := p.all[f]; !ok {
			t.Fatalf("no recorded exchange %s", f)
		}
	}
	target, err := javelo.New(javelo.Config{Token: canary, HTTP: &http.Client{Transport: p}, PageSize: 5})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if len(p.files) > 0 {
			t.Errorf("recorded answers nobody asked for: %v", p.files)
		}
	})
	return target, p
}

// sameJSON compares what was sent with a recorded request.
func sameJSON(t *testing.T, what string, recorded, sent []byte) {
	t.Helper()
	var a, b any
	if err := json.Unmarshal(recorded, &a); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(sent, &b); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(a, b); d != "" {
		t.Errorf("%s (-recorded +sent):\n%s", what, d)
	}
}

func collect(t *testing.T, target *javelo.Target) ([]model.Account, error) {
	t.Helper()
	var all []model.Account
	for page, err := range target.List(t.Context()) {
		if err != nil {
			return all, err
		}
		all = append(all, page.Accounts...)
	}
	return all, nil
}

const (
	zoeID   = "4c1179ae-2a8f-5330-881c-638a91df8d99"
	kofiID  = "db070008-3dc4-5fb9-bda1-015950d0ceea"
	priyaID = "237e9e45-a493-50ad-a946-c382e7757043"
	boss    = "margaux.delacroix@halcyon-atelier.example"
	seun    = "oluwaseun.adeyemi@halcyon-atelier.example"
)

func TestRecordedListingIsReadToItsTotal(t *testing.T) {
	target, _ := play(t, "01-users-page1.200.json", "02-users-page2.200.json")
	accounts, err := collect(t, target)
	if err != nil {
		t.Fatal(err)
	}
	if len(accounts) != 9 {
		t.Fatalf("%d accounts, want 9", len(accounts))
	}
	want := model.Account{
		RemoteID: "fee613c5-f4c5-5dd3-9831-842755615f99", Login: boss, ExternalID: "3512908837465120001", Active: true,
		Attributes: map[model.Name]string{
			model.GivenName: "Margaux", model.FamilyName: "Delacroix", model.DisplayName: "Margaux Delacroix",
			model.Title: "Managing director", model.Locale: "fr", model.WorkPhone: "+33 4 00 00 00 01",
			model.EmployeeNumber: "00001", model.Department: "Direction", model.Organization: "Halcyon Atelier",
			model.FirstHiredOn: "2015-03-02", model.StartDate: "2015-03-02", model.Gender: "female",
			model.ContractType: "Permanent", "custom.status": "", "custom.grade": "",
		},
	}
	if d := cmp.Diff(want, accounts[0]); d != "" {
		t.Errorf("first account (-want +got):\n%s", d)
	}
	zoe := accounts[2]
	if zoe.ManagerRemoteID != "7450559d-8217-51d4-9e44-d5420e941b3f" || zoe.ManagerLogin != seun {
		t.Errorf("manager of the third account is %q, %q", zoe.ManagerRemoteID, zoe.ManagerLogin)
	}
	if phone, said := zoe.Attributes[model.WorkPhone]; phone != "" || !said {
		t.Errorf("an empty list of phone numbers reads as %q, said %v; want known to be empty", phone, said)
	}
	if jb := accounts[6]; jb.Active || jb.ManagerLogin != "" {
		t.Errorf("the disabled account reads as active %v with manager %q", jb.Active, jb.ManagerLogin)
	}
}

// The empty page after the last account ends a listing too; with another total
// it must not.
func TestRecordedEndOfListingDoesNotHideMissingAccounts(t *testing.T) {
	target, p := play(t, "03-users-end.200.json")
	e := p.all["03-users-end.200.json"]
	e.Request.Query["start_index"], e.Request.Query["startIndex"] = "1", "1"
	accounts, err := collect(t, target)
	if err == nil || !strings.Contains(err.Error(), "0 distinct accounts were listed, the service counts 9") {
		t.Errorf("got %d accounts and %v, want an error that counts", len(accounts), err)
	}
}

func TestRecordedAccountsBeforeActivation(t *testing.T) {
	target, p := play(t, "18-users-before-activation.200.json")
	p.all["18-users-before-activation.200.json"].Request.Query["count"] = "5"
	accounts, err := collect(t, target)
	if err != nil {
		t.Fatal(err)
	}
	type seen struct {
		Login, Number string
		Active        bool
	}
	var got []seen
	for _, a := range accounts {
		got = append(got, seen{a.Login, a.Attributes[model.EmployeeNumber], a.Active})
		if _, said := a.Attributes[model.Department]; said {
			t.Errorf("%s: department is said although the answer has none", a.RemoteID)
		}
	}
	want := []seen{
		{"Margaux.Delacroix@Halcyon-Atelier.example", "00001", true},
		{"zoe.vdb@mailbox.example", "", true},
		{"karim.benhaddou@halcyon-atelier.example", "00166", false},
		{"ancien.stagiaire@halcyon-atelier.example", "", true},
		{"admin@halcyon-atelier.example", "", true},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("accounts (-want +got):\n%s", d)
	}
}

func TestRecordedFilterFindsAndMisses(t *testing.T) {
	target, _ := play(t, "04-users-filter-hit.200.json", "05-users-filter-miss.200.json")
	a, ok, err := target.Find(t.Context(), " zoe.vanderberg@halcyon-atelier.example ")
	if err != nil || !ok || a.RemoteID != zoeID {
		t.Errorf("hit: %q, %v, %v", a.RemoteID, ok, err)
	}
	if _, ok, err := target.Find(t.Context(), "nobody@halcyon-atelier.example"); ok || err != nil {
		t.Errorf("miss: %v, %v", ok, err)
	}
}

// The one user that GET /Users/{id} answers is what PATCH answers too.
func TestRecordedUserIsTheAnswerToAPatch(t *testing.T) {
	target, p := play(t, "06-user.200.json")
	e := p.all["06-user.200.json"]
	e.Request.Method = http.MethodPatch
	e.Request.Query = map[string]string{}
	p.all["06-user.200.json"] = e
	have := model.Desired{Active: true, Attributes: map[model.Name]string{model.Title: "Trainee"}}
	want := model.Desired{Active: true, Attributes: map[model.Name]string{model.Title: "Software engineer"}}
	a, err := target.Update(t.Context(), zoeID, &have, want)
	if err != nil || a.Attributes[model.Title] != "Software engineer" || a.Login != "zoe.vanderberg@halcyon-atelier.example" {
		t.Errorf("got %v, %v", a, err)
	}
}

func TestRecordedUnknownUserIsGone(t *testing.T) {
	target, p := play(t, "07-user-unknown.404.json")
	e := p.all["07-user-unknown.404.json"]
	e.Request.Method = http.MethodPatch
	p.all["07-user-unknown.404.json"] = e
	_, err := target.Update(t.Context(), "00000000-0000-4000-8000-000000000000", nil, model.Desired{Active: true, Email: "x@halcyon-atelier.example"})
	if got, want := err.Error(), "javelo: update account: 404 Not Found: Resource not found"; connectors.ClassOf(err) != connectors.Gone || got != want {
		t.Errorf("got %v %q, want gone %q", connectors.ClassOf(err), got, want)
	}
}

var kofi = model.Desired{
	Person: "3512908837474557194", Active: true, Email: "kofi@mensah-conseil.example",
	Attributes: map[model.Name]string{
		model.GivenName: "Kofi", model.FamilyName: "Mensah", model.Title: "Security consultant", model.Locale: "fr",
		model.EmployeeNumber: "00288", model.Department: "Engineering",
		model.FirstHiredOn: "2026-05-04", model.StartDate: "2026-05-04", model.WorkPhone: "",
	},
}

func TestRecordedCreateIsWhatIsSent(t *testing.T) {
	target, p := play(t, "08-create.201.json")
	a, err := target.Create(t.Context(), kofi)
	if err != nil {
		t.Fatal(err)
	}
	if a.RemoteID != kofiID || a.ExternalID != "3512908837474557194" || !a.Active {
		t.Errorf("created %+v", a)
	}
	// The recorded body says null for the manager; without one it is left out.
	recorded := bytes.Replace(p.all["08-create.201.json"].Request.Body, []byte(`"managerUserName": null,`), nil, 1)
	sameJSON(t, "POST", recorded, p.sent[0])
}

func TestRecordedDuplicateIsTaken(t *testing.T) {
	target, _ := play(t, "09-create-duplicate.409.json")
	_, err := target.Create(t.Context(), kofi)
	want := "javelo: create account: 409 Conflict: uniqueness: userName has already been taken"
	if connectors.ClassOf(err) != connectors.Taken || err.Error() != want {
		t.Errorf("got %v: %v", connectors.ClassOf(err), err)
	}
}

func TestRecordedInvalidIsShown(t *testing.T) {
	target, _ := play(t, "10-create-invalid.400.json")
	_, err := target.Create(t.Context(), kofi)
	want := "javelo: create account: 400 Bad Request: invalidValue: userName is required"
	if connectors.ClassOf(err) != connectors.Invalid || err.Error() != want {
		t.Errorf("got %v: %v", connectors.ClassOf(err), err)
	}
}

func TestRecordedPatchesAreWhatIsSent(t *testing.T) {
	linked := kofi
	linked.Manager = &model.ManagerLink{Person: "p_seun", Email: seun}
	unlinked := kofi
	unlinked.Manager = &model.ManagerLink{}

	priya := model.Desired{Active: true, Email: "priya.ramaswamy@halcyon-atelier.example", Manager: &model.ManagerLink{Person: "p_boss", Email: boss}}
	leaver := priya
	leaver.Active = false

	zoe := model.Desired{Active: true, Email: "zoe.vanderberg@halcyon-atelier.example", Attributes: map[model.Name]string{model.FamilyName: "van der Berg"}}
	married := model.Desired{Active: true, Email: "zoe.lindqvist@halcyon-atelier.example", Attributes: map[model.Name]string{model.FamilyName: "Lindqvist"}}

	for _, tc := range []struct {
		file, id   string
		have, want model.Desired
		reordered  bool // the recorded order of operations does not matter here
	}{
		{"11-patch-manager.200.json", kofiID, unlinked, linked, false},
		{"12-patch-deactivate.200.json", priyaID, priya, leaver, false},
		{"13-patch-rename.200.json", zoeID, zoe, married, true},
	} {
		target, p := play(t, tc.file)
		a, err := target.Update(t.Context(), tc.id, &tc.have, tc.want)
		if err != nil {
			t.Fatalf("%s: %v", tc.file, err)
		}
		if a.RemoteID != tc.id || a.Login != tc.want.Email || a.Active != tc.want.Active {
			t.Errorf("%s: answer read as %+v", tc.file, a)
		}
		recorded, sent := []byte(p.all[tc.file].Request.Body), []byte(p.sent[0])
		if tc.reordered {
			recorded, sent = inPathOrder(t, recorded), inPathOrder(t, sent)
		}
		sameJSON(t, tc.file, recorded, sent)
	}
}

func TestRecordedRegeneratedTokenSaysWhatToDo(t *testing.T) {
	target, _ := play(t, "14-unauthorized.401.json")
	_, err := target.Check(t.Context())
	if connectors.ClassOf(err) != connectors.Denied || !strings.Contains(err.Error(), "Generate a new token in Javelo") {
		t.Errorf("got %v: %v", connectors.ClassOf(err), err)
	}
}

func TestRecordedRateLimitIsThrottled(t *testing.T) {
	target, _ := play(t, "15-rate-limited.429.json")
	_, err := collect(t, target)
	if connectors.ClassOf(err) != connectors.Throttled || !connectors.RetryAt(err).IsZero() {
		t.Errorf("got %v, retry at %v: %v", connectors.ClassOf(err), connectors.RetryAt(err), err)
	}
}

func TestRecordedGroupsAreNotTakenForAccounts(t *testing.T) {
	target, p := play(t, "16-groups.200.json")
	e := p.all["16-groups.200.json"]
	e.Request.Path, e.Request.Query = "/scim/v2/Users", map[string]string{"filter": `userName eq "x@halcyon-atelier.example"`}
	p.all["16-groups.200.json"] = e
	if _, _, err := target.Find(t.Context(), "x@halcyon-atelier.example"); err == nil {
		t.Error("groups in answer to a filter on users read as nobody found")
	}

	target, p = play(t, "17-group-patch.200.json")
	e = p.all["17-group-patch.200.json"]
	e.Request.Path = "/scim/v2/Users/" + kofiID
	p.all["17-group-patch.200.json"] = e
	if _, err := target.Update(t.Context(), kofiID, nil, kofi); err == nil {
		t.Error("a group in answer to a PATCH of a user reads as success")
	}
}

func TestRecordedGatewayPageIsTransient(t *testing.T) {
	target, p := play(t, "19-unavailable.503.html")
	p.all["19-unavailable.503.html"].Request.Query["count"] = "5"
	_, err := collect(t, target)
	if connectors.ClassOf(err) != connectors.Transient {
		t.Errorf("got %v: %v", connectors.ClassOf(err), err)
	}
}

// inPathOrder sorts the operations of a patch by path.
func inPathOrder(t *testing.T, raw []byte) []byte {
	t.Helper()
	var p struct {
		Schemas    []string
		Operations []struct {
			Op    string `json:"op"`
			Path  string `json:"path"`
			Value any    `json:"value"`
		}
	}
	if err := json.Unmarshal(raw, &p); err != nil {
		t.Fatal(err)
	}
	byPath := map[string]any{}
	for _, o := range p.Operations {
		byPath[o.Path] = o
	}
	if len(byPath) != len(p.Operations) {
		t.Errorf("a path is written twice: %s", raw)
	}
	out, err := json.Marshal(map[string]any{"schemas": p.Schemas, "Operations": byPath})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
