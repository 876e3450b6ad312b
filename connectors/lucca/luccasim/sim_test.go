package luccasim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rollcall/connectors/cast"
)

func today() time.Time { return time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC) }

func tenant(n int, opts Options) *Sim {
	if opts.Now == nil {
		opts.Now = today
	}
	return New(cast.Company(n, 2), opts)
}

// reply is an answer of the simulator.
type reply struct {
	status int
	header http.Header
	body   string
}

func ask(s http.Handler, method, target string, header map[string]string, body string) reply {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for k, v := range header {
		r.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return reply{w.Code, w.Header(), w.Body.String()}
}

// v3 asks API v3 with the default key; query is "a=b&c=d", unescaped.
func v3(s http.Handler, path string, query ...string) reply {
	q := url.Values{}
	for _, pair := range query {
		k, v, _ := strings.Cut(pair, "=")
		q.Add(k, v)
	}
	return ask(s, "GET", "/api/v3/"+path+"?"+q.Encode(), map[string]string{"Authorization": "Lucca application=" + DefaultKey}, "")
}

// list is what tests look at in a v3 list.
type list struct {
	Header *json.RawMessage
	Data   struct {
		Items []map[string]any
		Count *int
	}
}

func (r reply) list(t testing.TB) list {
	t.Helper()
	var l list
	if err := json.Unmarshal([]byte(r.body), &l); r.status != 200 || err != nil {
		t.Fatalf("%d %s: %v", r.status, r.body, err)
	}
	return l
}

func keys(m map[string]any) string {
	var names []string
	for k := range m {
		names = append(names, k)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

func ids(l list) string {
	var out []string
	for _, item := range l.Data.Items {
		out = append(out, fmt.Sprint(item["id"]))
	}
	return strings.Join(out, " ")
}

func TestV3ShowsIdNameAndURLUnlessFieldsAreNamed(t *testing.T) {
	s := tenant(30, Options{})
	l := v3(s, "users").list(t)
	if got := keys(l.Data.Items[0]); got != "id name url" {
		t.Errorf("fields %q", got)
	}
	if len(l.Data.Items) != 10 || l.Data.Count != nil || l.Header == nil {
		t.Errorf("%d items, count %v, header %v", len(l.Data.Items), l.Data.Count, l.Header)
	}
}

func TestV3SelectsFieldsInBothSpellings(t *testing.T) {
	s := tenant(3, Options{})
	for fields, want := range map[string]string{
		"id,manager[id,name,mail]":          "id mail name",
		"id,manager.id,manager.mail":        "id mail",
		"id,manager":                        "id name url",
		"id,MANAGER[ID]":                    "id",
		"manager[id],manager.mail,lastName": "id mail",
	} {
		l := v3(s, "users", "fields="+fields, "orderBy=id,asc", "paging=1,1").list(t)
		if got := keys(l.Data.Items[0]["manager"].(map[string]any)); got != want {
			t.Errorf("%s: manager has %q, want %q", fields, got, want)
		}
	}
	for _, fields := range []string{"id,", "manager[id", "manager]id", "[id]", "id,nonsense"} {
		r := v3(s, "users", "fields="+fields)
		if fields != "id," && r.status != 400 {
			t.Errorf("%s: %d", fields, r.status)
		}
	}
}

func TestV3PagesByOffsetAndRefusesMoreThanAThousand(t *testing.T) {
	s := tenant(23, Options{})
	l := v3(s, "users", "paging=20,10", "orderBy=id,asc", "formerEmployees=true", "fields=id,collection.count").list(t)
	if got := ids(l); got != "552 559 566" || *l.Data.Count != 23 {
		t.Errorf("items %s, count %d", got, *l.Data.Count)
	}
	if l := v3(s, "users", "paging=30,10", "fields=id").list(t); len(l.Data.Items) != 0 {
		t.Errorf("past the end: %s", ids(l))
	}
	for _, paging := range []string{"0,1001", "0,0", "-1,5", "0", "a,b"} {
		r := v3(s, "users", "paging="+paging)
		if r.status != 400 || r.header.Get("Content-Type") != "application/json" || json.Valid([]byte(r.body)) {
			t.Errorf("paging %s: %d %s %q", paging, r.status, r.header.Get("Content-Type"), r.body)
		}
	}
}

func TestV3OrdersAndFilters(t *testing.T) {
	s := tenant(5, Options{})
	s.Update("412", func(p *cast.Person) { p.Family, p.Department = "Zoltan", "Direction" })
	if got := ids(v3(s, "users", "orderBy=id,desc", "fields=id").list(t)); got != "440 433 426 419 412" {
		t.Errorf("descending: %s", got)
	}
	if got := ids(v3(s, "users", "orderBy=lastName,desc", "orderBy=id,asc", "fields=id").list(t)); !strings.HasPrefix(got, "412 ") {
		t.Errorf("by name: %s", got)
	}
	for filter, want := range map[string]string{
		"id=412,433": "412 433", "id=greaterthan,426": "433 440", "id=greaterthanorequal,433": "433 440",
		"lastName=like,zolt": "412", "managerID=null": "412", "modifiedAt=since,2026-11-01": "412", "modifiedAt=until,2026-11-01": "419 426 433 440",
		"id=between,413,430": "419 426", "managerID=notequal,412": "412",
	} {
		if got := ids(v3(s, "users", filter, "orderBy=id,asc", "fields=id").list(t)); got != want {
			t.Errorf("%s: %s, want %s", filter, got, want)
		}
	}
}

func TestV3HidesFormerEmployeesUnlessAskedAndAllowed(t *testing.T) {
	s := tenant(4, Options{})
	s.Terminate("426", "2026-11-21")
	s.Terminate("433", "2026-11-22") // the last day still counts
	q := []string{"orderBy=id,asc", "fields=id"}
	if got := ids(v3(s, "users", q...).list(t)); got != "412 419 433" {
		t.Errorf("default: %s", got)
	}
	if got := ids(v3(s, "users", append(q, "formerEmployees=true")...).list(t)); got != "412 419 426 433" {
		t.Errorf("asked: %s", got)
	}
	s.Hide(SectionFormer)
	if got := ids(v3(s, "users", append(q, "formerEmployees=true")...).list(t)); got != "412 419 433" {
		t.Errorf("without the right: %s", got)
	}
	if r := v3(s, "users/426"); r.status != 404 {
		t.Errorf("by id without the right: %d", r.status)
	}
}

func TestV3LeavesOutWhatTheRoleMayNotView(t *testing.T) {
	s := tenant(2, Options{Hidden: []Section{SectionPersonal, SectionExtension}})
	q := []string{"orderBy=id,asc", "fields=id,birthDate,gender,dtContractStart,extendedData"}
	if got := keys(v3(s, "users", q...).list(t).Data.Items[0]); got != "dtContractStart extendedData id" {
		t.Errorf("fields %q", got)
	}
	s.Hide(SectionContract)
	s.Show(SectionPersonal)
	if got := keys(v3(s, "users", q...).list(t).Data.Items[0]); got != "birthDate extendedData gender id" {
		t.Errorf("fields %q", got)
	}
	bare := tenant(2, Options{Hidden: []Section{SectionExtension}, NoExtData: true})
	if got := keys(v3(bare, "users", q...).list(t).Data.Items[0]); strings.Contains(got, "extendedData") {
		t.Errorf("fields %q", got)
	}
}

func TestV3TellsManagersMailsAndDatesInItsOwnForms(t *testing.T) {
	s := tenant(4, Options{})
	s.ManageSelf("419")
	s.BlankMail("426")
	s.Update("433", func(p *cast.Person) { p.Email = "" })
	s.DuplicateMail("412", "419")
	items := v3(s, "users", "orderBy=id,asc", "fields=id,mail,managerID,manager,dtContractStart,dtContractEnd,modifiedAt").list(t).Data.Items
	if items[0]["managerID"] != nil || items[0]["manager"] != nil || items[1]["managerID"] != float64(419) {
		t.Errorf("managers %v %v", items[0]["managerID"], items[1]["managerID"])
	}
	if items[2]["mail"] != "" || items[3]["mail"] != nil || items[0]["mail"] != items[1]["mail"] {
		t.Errorf("mails %v %v %v %v", items[0]["mail"], items[1]["mail"], items[2]["mail"], items[3]["mail"])
	}
	start := items[0]["dtContractStart"].(string)
	if _, err := time.Parse("2006-01-02T00:00:00", start); err != nil || items[0]["dtContractEnd"] != nil {
		t.Errorf("dates %v %v", start, items[0]["dtContractEnd"])
	}
	if r := v3(s, "users/412"); !strings.Contains(r.body, "9999-12-31T00:00:00") || !strings.Contains(r.body, `"picture"`) {
		t.Errorf("a single user: %s", r.body)
	}
}

func TestV3SpellsNamesAsTheTenantDoes(t *testing.T) {
	for casing, want := range map[Casing]string{
		CasingDocumented: "id managerID", CasingCamel: "id managerId", CasingPascal: "Id ManagerId", CasingBoth: "id managerID managerId",
	} {
		l := v3(tenant(1, Options{Casing: casing}), "users", "fields=id,managerID").list(t)
		if got := keys(l.Data.Items[0]); got != want {
			t.Errorf("casing %d: %q, want %q", casing, got, want)
		}
	}
	l := v3(tenant(1, Options{NoHeader: true, NoCount: true}), "users", "fields=id,collection.count").list(t)
	if l.Header != nil || l.Data.Count != nil {
		t.Errorf("header %v, count %v", l.Header, l.Data.Count)
	}
}

func TestV3ShowsExtensionValuesInEveryShape(t *testing.T) {
	s := tenant(120, Options{})
	all := ""
	for _, item := range v3(s, "users", "paging=0,200", "fields=extendedData", "formerEmployees=true").list(t).Data.Items {
		raw, _ := json.Marshal(item["extendedData"])
		all += string(raw)
	}
	for _, shape := range []string{`"e_badge":{"id":`, `"e_language":{"id":`, `"value":2}`, `"e_medical_visit"`, `"e_certificate":[{"id"`, `"e_car":{"e_car_model":{`, `"e_bloodType":"AB"`, `"value":false}`} {
		if !strings.Contains(all, shape) {
			t.Errorf("nobody has %s", shape)
		}
	}
	if !s.SetExtension("412", DefaultSkipField, `true`) || s.SetExtension("412", DefaultSkipField, `tru`) || s.SetExtension("1", DefaultSkipField, `true`) {
		t.Error("SetExtension takes what it must not, or the reverse")
	}
	if r := v3(s, "users/412", "fields=extendedData"); !strings.Contains(r.body, `"e_skip_elevo_sync":true`) {
		t.Errorf("a bare box: %s", r.body)
	}
}

func TestTheTenantsBucketIsSharedByEverything(t *testing.T) {
	now := today()
	s := tenant(2, Options{Now: func() time.Time { return now }, OtherLoad: 45})
	for i := range 5 {
		if r := v3(s, "users"); r.status != 200 {
			t.Fatalf("request %d: %d", i, r.status)
		}
	}
	r := v3(s, "users")
	if r.status != 429 || r.header.Get("Retry-After") != "61" {
		t.Errorf("the sixth: %d, Retry-After %q", r.status, r.header.Get("Retry-After"))
	}
	now = now.Add(59 * time.Second)
	if r := v3(s, "users"); r.status != 429 || r.header.Get("Retry-After") != "2" {
		t.Errorf("a second before: %d, Retry-After %q", r.status, r.header.Get("Retry-After"))
	}
	now = now.Add(time.Second)
	if r := v3(s, "users"); r.status != 200 {
		t.Errorf("a minute later: %d", r.status)
	}
}

func TestTooManyRowsTimesFieldsTakeTooLong(t *testing.T) {
	s := tenant(100, Options{Work: 200})
	for paging, want := range map[string]int{"0,50": 200, "0,51": 408, "90,100": 200} {
		if r := v3(s, "users", "paging="+paging, "formerEmployees=true", "fields=id,mail,manager[id,mail]"); r.status != want {
			t.Errorf("paging %s: %d, want %d", paging, r.status, want)
		}
	}
}

func TestRowsMoveBetweenTwoPages(t *testing.T) {
	s := tenant(6, Options{})
	s.BetweenPages(func(c *Control) { c.Insert("413", cast.Company(50, 9)[20]) })
	q := []string{"orderBy=id,asc", "fields=id,collection.count", "formerEmployees=true"}
	first := v3(s, "users", append(q, "paging=0,3")...).list(t)
	second := v3(s, "users", append(q, "paging=3,3")...).list(t)
	if ids(first) != "412 419 426" || ids(second) != "426 433 440" || *second.Data.Count != 7 {
		t.Errorf("pages %s and %s, count %d", ids(first), ids(second), *second.Data.Count)
	}
}

func TestV3OtherResourcesAndErrors(t *testing.T) {
	s := tenant(20, Options{})
	if r := v3(s, "roles"); r.status != 403 || json.Valid([]byte(r.body)) {
		t.Errorf("roles: %d %s", r.status, r.body)
	}
	if r := v3(s, "users/999999"); r.status != 404 || json.Valid([]byte(r.body)) || r.header.Get("Content-Type") != "application/json" {
		t.Errorf("nobody: %d %s", r.status, r.body)
	}
	if l := v3(s, "departments", "paging=0,1000").list(t); l.Data.Items[0]["name"] != "Direction" || l.Data.Items[0]["id"] != float64(20) {
		t.Errorf("departments %v", l.Data.Items)
	}
	if l := v3(s, "legalEntities", "paging=0,1000").list(t); len(l.Data.Items) != 1 {
		t.Errorf("legal entities %v", l.Data.Items)
	}
	l := v3(s, "userProperties", "paging=0,1000").list(t)
	if l.Data.Items[0]["id"] != DefaultSkipField || l.Data.Items[0]["type"] != float64(0) || l.Data.Items[0]["category"] != float64(3) {
		t.Errorf("user properties %v", l.Data.Items[0])
	}
	for _, header := range []string{"", "lucca application=wrong", "lucca key=" + DefaultKey, "Bearer " + DefaultKey, "lucca"} {
		if r := ask(s, "GET", "/api/v3/users", map[string]string{"Authorization": header}, ""); r.status != 401 {
			t.Errorf("authorization %q: %d", header, r.status)
		}
	}
	if r := ask(s, "POST", "/api/v3/users", map[string]string{"Authorization": "lucca application=" + DefaultKey}, "{}"); r.status != 405 {
		t.Errorf("a write: %d", r.status)
	}
}

func TestPeopleChangeWhileTheTenantRuns(t *testing.T) {
	s := tenant(3, Options{})
	p := cast.Company(40, 5)[30]
	p.Manager, p.Status, p.End, p.Department = 1, "employed", "", "Archive"
	id := s.Hire(p)
	if id != "433" || s.ID(p.Index) != id || s.ID(99) != "" {
		t.Errorf("hired as %s, found as %s", id, s.ID(p.Index))
	}
	r := v3(s, "users/"+id, "fields=managerID,department")
	if !strings.Contains(r.body, `"managerID":419`) || !strings.Contains(r.body, `"Archive"`) {
		t.Errorf("the newcomer: %s", r.body)
	}
	if !s.Remove("419") || s.Remove("419") || s.Update("419", func(*cast.Person) {}) || s.Terminate("nobody", "2026-01-01") {
		t.Error("a removed person can be changed, or the reverse")
	}
	// Who was erased is still named as a manager, as former managers are.
	if r := v3(s, "users/"+id, "fields=managerID"); !strings.Contains(r.body, `"managerID":419`) {
		t.Errorf("manager after the removal: %s", r.body)
	}
	if got := s.IDs(); !slices.Equal(got, []string{"412", "426", "433"}) {
		t.Errorf("ids %q", got)
	}
}

// TestConcurrentUseIsSafe is for the race detector.
func TestConcurrentUseIsSafe(t *testing.T) {
	s := tenant(30, Options{Rate: 100000})
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for j := range 20 {
				v3(s, "users", "fields=id,manager[id,mail],extendedData", "paging=0,100")
				s.Update("419", func(p *cast.Person) { p.Title = fmt.Sprint(i, j) })
				s.SetExtension("426", "e_x", `{"value":1}`)
				s.Inject(Fault{Kind: Empty, Times: 1})
				s.Requests()
				s.Heal()
			}
		})
	}
	wg.Wait()
}

func TestTheSameTenantAnswersTheSameBytes(t *testing.T) {
	for _, target := range []string{"users", "users/426", "departments", "userProperties"} {
		q := []string{"fields=id,name,extendedData,manager", "paging=0,50"}
		if target != "users" {
			q = nil
		}
		if a, b := v3(tenant(40, Options{}), target, q...), v3(tenant(40, Options{}), target, q...); a.body != b.body {
			t.Errorf("%s differs", target)
		}
	}
}
