package adp

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/appliance/model"
)

func reader(t testing.TB, custom ...string) *Source {
	t.Helper()
	s, err := New(Config{ClientID: "i", ClientSecret: "s", HTTP: http.DefaultClient, CustomFields: custom,
		Now: func() time.Time { return time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC) }})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func decoded(t testing.TB, text string) worker {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var w worker
	if err := d.Decode(&w); err != nil {
		t.Fatal(err)
	}
	return w
}

func mapText(t testing.TB, s *Source, members string) model.Observation {
	t.Helper()
	o, _, err := s.observe(decoded(t, `{"associateOID":"G3TEST0000000001",`+members+`}`))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

const (
	statusActive = `"workerStatus":{"statusCode":{"codeValue":"Active"}}`
	assignmentA  = `"assignmentStatus":{"statusCode":{"codeValue":"A"}}`
	assignmentT  = `"assignmentStatus":{"statusCode":{"codeValue":"T"}}`
)

func TestStatusFollowsWorkerAndAssignment(t *testing.T) {
	assignment := func(code string) string {
		return `"workAssignments":[{"primaryIndicator":true,"assignmentStatus":{"statusCode":{"codeValue":"` + code + `"}},"hireDate":"2020-01-01"}]`
	}
	worker := func(code string) string { return `"workerStatus":{"statusCode":{"codeValue":"` + code + `"}}` }
	for _, tc := range []struct {
		name, members string
		want          model.Status
		noted         bool
	}{
		{"active", worker("Active") + "," + assignment("A"), model.Active, false},
		{"active on leave", worker("Active") + "," + assignment("L"), model.Leave, false},
		{"active without assignments", worker("Active"), model.Active, false},
		{"active with nothing but ended assignments", worker("Active") + "," + assignment("T"), model.Unknown, true},
		{"active with an assignment code nobody documented", worker("Active") + "," + assignment("Q"), model.Unknown, true},
		{"terminated", worker("Terminated") + "," + assignment("T"), model.Inactive, false},
		{"terminated with an assignment left open", worker("Terminated") + "," + assignment("A"), model.Inactive, false},
		{"inactive", worker("Inactive") + "," + assignment("A"), model.Inactive, false},
		{"inactive for a leave", worker("Inactive") + "," + assignment("L"), model.Leave, false},
		{"a leave code of the worker", worker("Leave") + "," + assignment("A"), model.Leave, false},
		{"a reason instead of a status", worker("Retired"), model.Unknown, true},
		{"no status", assignment("A"), model.Unknown, false},
		{"a status of null", `"workerStatus":null`, model.Unknown, false},
		{"hired for later", worker("Active") + `,"workAssignments":[{` + assignmentA + `,"hireDate":"2027-01-04"}]`, model.Pending, false},
		{"hired for today", worker("Active") + `,"workAssignments":[{` + assignmentA + `,"hireDate":"2026-11-22"}]`, model.Active, false},
		{"hired for later, dates of the worker only", worker("Active") + `,"workerDates":{"originalHireDate":"2027-01-04"}`, model.Pending, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := mapText(t, reader(t), tc.members)
			if o.Status != tc.want || len(o.Notices) > 0 != tc.noted {
				t.Errorf("status %q, notices %q; want %q", o.Status, o.Notices, tc.want)
			}
		})
	}
}

func TestTheAssignmentThatCountsDoesNotDependOnTheOrder(t *testing.T) {
	primary := `{"jobTitle":"primary","primaryIndicator":true,"hireDate":"2019-01-01",` + assignmentA + `}`
	primaryEnded := `{"jobTitle":"primary ended","primaryIndicator":true,"hireDate":"2025-01-01",` + assignmentT + `}`
	second := `{"jobTitle":"second","primaryIndicator":false,"hireDate":"2020-01-01",` + assignmentA + `}`
	third := `{"jobTitle":"third","hireDate":"2024-01-01",` + assignmentA + `}`
	ended := `{"jobTitle":"ended","hireDate":"2018-01-01",` + assignmentT + `}`
	for _, tc := range []struct {
		name string
		list []string
		want string
	}{
		{"primary before later ones", []string{ended, third, primary, second}, "primary"},
		{"an ended primary one does not count", []string{primaryEnded, second, third}, "third"},
		{"the latest of those that go on", []string{third, second, ended}, "third"},
		{"the latest of all when all ended", []string{ended, primaryEnded}, "primary ended"},
		{"things that are no assignments", []string{`null`, `7`, second}, "second"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for range 2 {
				o := mapText(t, reader(t), statusActive+`,"workAssignments":[`+strings.Join(tc.list, ",")+`]`)
				if got := o.Attributes.Text(model.Title); got != tc.want {
					t.Errorf("%q counts, want %q", got, tc.want)
				}
				slices.Reverse(tc.list)
			}
		})
	}
}

func TestAttributesAreAbsentNullOrAValue(t *testing.T) {
	current := func(members string) string { return `"workAssignments":[{` + assignmentA + "," + members + `}]` }
	null, absent := model.Null(), model.Value{}
	manager := func(id string) model.Value {
		return model.Value{Text: id, Refs: []model.Reference{{By: model.RefNative, Value: id}}}
	}
	for _, tc := range []struct {
		name, members string
		attribute     model.Name
		want          model.Value
	}{
		{"work email before others", `"businessCommunication":{"emails":[{"emailUri":"a@x.example"},{"emailUri":"b@x.example","nameCode":{"codeValue":"Work E-mail"}}]}`, model.Email, model.Text("b@x.example")},
		{"empty addresses are skipped", `"businessCommunication":{"emails":[{"emailUri":"","nameCode":{"codeValue":"Work E-mail"}},{"emailUri":"b@x.example"}]}`, model.Email, model.Text("b@x.example")},
		{"only empty addresses", `"businessCommunication":{"emails":[{"emailUri":""}]}`, model.Email, null},
		{"an empty list", `"businessCommunication":{"emails":[]}`, model.Email, null},
		{"no business communication", `"person":{"communication":{"emails":[{"emailUri":"p@home.example"}]}}`, model.Email, absent},
		{"a private address in the wrong place", `"businessCommunication":{"emails":[{"emailUri":"p@home.example","nameCode":{"codeValue":"Personal E-mail"}}]}`, model.Email, absent},
		{"a masked address", `"businessCommunication":{"emails":[{"emailUri":"j***@x.example","nameCode":{"codeValue":"Work E-mail"}}]}`, model.Email, absent},
		{"phone from its parts", `"businessCommunication":{"landlines":[{"countryDialing":"33","areaDialing":"4","dialNumber":"00000057"}]}`, model.WorkPhone, model.Text("+33 4 00000057")},
		{"number as a number", `"workerID":{"idValue":57}`, model.EmployeeNumber, model.Text("57")},
		{"a number beyond floats", `"workerID":{"idValue":9007199254740993}`, model.EmployeeNumber, model.Text("9007199254740993")},
		{"a masked number", `"workerID":{"idValue":"XXXXX"}`, model.EmployeeNumber, absent},
		{"a date with a time", `"person":{"birthDate":"1980-02-29T00:00:00Z"}`, model.BirthDate, model.Text("1980-02-29")},
		{"a day that does not exist", `"person":{"birthDate":"1981-02-29"}`, model.BirthDate, absent},
		{"a masked date", `"person":{"birthDate":"XXXX-XX-XX"}`, model.BirthDate, absent},
		{"a gender that is not told", `"person":{"genderCode":{"codeValue":"N","shortName":"Not Specified"}}`, model.Gender, absent},
		{"another gender", `"person":{"genderCode":{"codeValue":"X","shortName":"Non-binary"}}`, model.Gender, model.Text("non-binary")},
		{"title from the job code", current(`"jobCode":{"codeValue":"J1","shortName":"Long na","longName":"Long name"}`), model.Title, model.Text("Long name")},
		{"department among others", current(`"homeOrganizationalUnits":[{"typeCode":{"codeValue":"Cost Number"},"nameCode":{"codeValue":"77"}},{"typeCode":{"codeValue":"Department"},"nameCode":{"codeValue":"D1","shortName":"Sales"}}]`), model.Department, model.Text("Sales")},
		{"cost number", current(`"homeOrganizationalUnits":[{"typeCode":{"codeValue":"Cost Number"},"nameCode":{"codeValue":"77"}}]`), model.CostCenter, model.Text("77")},
		{"site from the address", current(`"homeWorkLocation":{"address":{"cityName":"Lyon"}}`), model.Site, model.Text("Lyon")},
		{"supervisor among several", current(`"reportsTo":[{"associateOID":"G3A","reportsToRelationshipCode":{"codeValue":"Matrix"}},{"associateOID":"G3B","reportsToRelationshipCode":{"codeValue":"Supervisor"}}]`), model.Manager, manager("G3B")},
		{"first of several without a relationship", current(`"reportsTo":[{"associateOID":"G3A"},{"associateOID":"G3B"}]`), model.Manager, manager("G3A")},
		{"reports to nobody", current(`"reportsTo":[]`), model.Manager, null},
		{"reports to themselves", current(`"reportsTo":[{"associateOID":"G3TEST0000000001"}]`), model.Manager, null},
		{"no reportsTo", current(`"jobTitle":"x"`), model.Manager, absent},
		{"manager by number only", current(`"reportsTo":[{"workerID":{"idValue":"00057"}}]`), model.Manager, model.Value{Text: "00057", Refs: []model.Reference{{By: model.RefEmployeeNumber, Value: "00057"}}}},
		{"no end while the dates are shown", `"workerDates":{"originalHireDate":"2020-01-01"}`, model.EndDate, null},
		{"no dates shown", `"person":{}`, model.EndDate, absent},
		{"an end that is masked is not null", `"workerDates":{"originalHireDate":"2020-01-01","terminationDate":"soon"}`, model.EndDate, absent},
		{"the end of an earlier employment", `"workerDates":{"originalHireDate":"2015-01-01","rehireDate":"2026-02-02","terminationDate":"2024-01-01"}`, model.EndDate, null},
		{"an end to come", `"workerDates":{"originalHireDate":"2015-01-01","terminationDate":"2027-01-31"}`, model.EndDate, model.Text("2027-01-31")},
		{"a title of null", current(`"jobTitle":null`), model.Title, null},
		{"a title that is an object", current(`"jobTitle":{"x":1}`), model.Title, absent},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := mapText(t, reader(t), statusActive+","+tc.members)
			if d := cmp.Diff(tc.want, o.Attributes[tc.attribute]); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			if wanted := !tc.want.Equal(absent); o.Attributes.Has(tc.attribute) != wanted {
				t.Errorf("present: %v, want %v", !wanted, wanted)
			}
		})
	}
}

func TestPayAndPrivateDataAreNotKeptUnlessAnExpressionReadsThem(t *testing.T) {
	const members = statusActive + `,"links":[{"href":"x"}],"person":{"governmentIDs":[{"idValue":"1 80 02 29"}],"communication":{"emails":[{"emailUri":"p@home.example"}]},"legalAddress":{"lineOne":"1 rue Fictive"}},
		"workAssignments":[{` + assignmentA + `,"jobTitle":"Welder","baseRemuneration":{"annualRateAmount":{"amountValue":41000.50}}}]`
	o := mapText(t, reader(t), members)
	for _, secret := range []string{"1 80 02 29", "home.example", "rue Fictive", "41000", "links"} {
		if strings.Contains(string(o.Document), secret) {
			t.Errorf("%q is in the document: %s", secret, o.Document)
		}
	}
	o = mapText(t, reader(t, "person.communication.emails", "assignment.baseRemuneration.annualRateAmount"), members)
	for _, wanted := range []string{"home.example", "41000.50"} {
		if !strings.Contains(string(o.Document), wanted) {
			t.Errorf("%q is not in the document although it was asked for: %s", wanted, o.Document)
		}
	}
	if strings.Contains(string(o.Document), "rue Fictive") {
		t.Error("what nobody asked for is in the document")
	}
}

func TestCustomFieldsOfWorkerAndAssignmentAreGatheredByCode(t *testing.T) {
	o := mapText(t, reader(t), statusActive+`,"customFieldGroup":{"stringFields":[{"nameCode":{"codeValue":"badge"},"stringValue":"C-09"},{"nameCode":{"codeValue":"empty"}}],
		"numberFields":[{"nameCode":{"codeValue":"big"},"numberValue":9007199254740993}],"codeFields":[{"nameCode":{"codeValue":"team"},"codeValue":"T1","shortName":"Blue"}]},
		"workAssignments":[{`+assignmentA+`,"customFieldGroup":{"stringFields":[{"nameCode":{"codeValue":"badge"},"stringValue":"other"},{"nameCode":{"codeValue":"desk"},"stringValue":"7b"}],"dateFields":[{"nameCode":{"codeValue":"medical"},"dateValue":"2026-01-02"}]}}]`)
	var doc struct {
		CustomFields json.RawMessage
		Assignment   struct{ AssignmentStatus any }
	}
	if err := json.Unmarshal(o.Document, &doc); err != nil {
		t.Fatal(err)
	}
	if want := `{"badge":"C-09","big":9007199254740993,"desk":"7b","empty":null,"medical":"2026-01-02","team":"Blue"}`; string(doc.CustomFields) != want {
		t.Errorf("got  %s\nwant %s", doc.CustomFields, want)
	}
	if doc.Assignment.AssignmentStatus == nil {
		t.Error("the assignment that counts is not in the document")
	}
}

func TestMasksAreToldFromWords(t *testing.T) {
	for s, want := range map[string]bool{
		"XXXX-XX-XX": true, "xxx-xx-1234": true, "***": true, "j***@x.example": true, "•••••": true, "+33 XXX XX 57": true,
		"": false, "X": false, "XX": false, "Alexxxis": false, "Rue XXX": false, "1990-01-01": false, "**": false,
	} {
		if masked(s) != want {
			t.Errorf("masked(%q) is %v", s, !want)
		}
	}
}

// FuzzObserve holds the mapping to what package connectortest calls well formed,
// for any JSON.
func FuzzObserve(f *testing.F) {
	for _, seed := range []string{
		`{"associateOID":"G3"}`, `{"associateOID":"G3",` + statusActive + `,"workAssignments":[{` + assignmentA + `,"reportsTo":[{"associateOID":"G3"}]}]}`,
		`{"associateOID":7,"person":[],"workAssignments":{"a":1},"businessCommunication":{"emails":[null,7,{"emailUri":{}}],"landlines":[{"countryDialing":"","dialNumber":"1"}]}}`,
		`{"associateOID":"x","customFieldGroup":{"codeFields":[{"nameCode":"a"}]},"workerDates":{"terminationDate":"2026-06-30T"},"_languageCode":null}`,
		`{"associateOID":"x","workAssignments":[{"homeOrganizationalUnits":[{"typeCode":"Department","nameCode":{}}]}],"assignment":7,"customFields":[]}`,
	} {
		f.Add([]byte(seed))
	}
	s := reader(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		d := json.NewDecoder(bytes.NewReader(raw))
		d.UseNumber()
		var w worker
		if d.Decode(&w) != nil {
			return
		}
		o, _, err := s.observe(w)
		if err != nil {
			return
		}
		if o.Native == "" || !json.Valid(o.Document) {
			t.Fatalf("native %q, document %s", o.Native, o.Document)
		}
		for n, v := range o.Attributes {
			if v.Null == (v.Text != "" || len(v.Refs) > 0) || o.Fields[n] == "" {
				t.Errorf("%s is %+v from %q", n, v, o.Fields[n])
			}
			if n == model.BirthDate || n == model.StartDate || n == model.EndDate || n == model.FirstHiredOn {
				if _, err := time.Parse(time.DateOnly, v.Text); !v.Null && err != nil {
					t.Errorf("%s is %q", n, v.Text)
				}
			}
		}
	})
}
