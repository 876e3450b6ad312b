package lucca

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"rollcall/appliance/model"
	"rollcall/connectors"
	"rollcall/connectors/wire"
)

var _ connectors.Checker = (*legacy)(nil)

// checkSample is how many people a check looks at.
const checkSample = 100

// field is one field of v3 that the map uses and the section of the HR file
// that shows it. Customers name their sections themselves, so these are
// descriptions (unverified).
type field struct {
	name      string
	attribute model.Name
	section   string
}

const (
	sectionDirectory = "directory: View"
	sectionContract  = "contract section of the HR file: View"
	sectionPersonal  = "personal data section of the HR file: View"
)

var checkedFields = []field{
	{"mail", model.Email, sectionDirectory},
	{"firstName", model.GivenName, sectionDirectory},
	{"lastName", model.FamilyName, sectionDirectory},
	{"displayName", model.DisplayName, sectionDirectory},
	{"employeeNumber", model.EmployeeNumber, sectionDirectory},
	{"jobTitle", model.Title, sectionDirectory},
	{"managerID", model.Manager, sectionDirectory},
	{"department", model.Department, sectionDirectory},
	{"legalEntity", model.Organization, sectionDirectory},
	{"cultureID", model.Locale, sectionDirectory},
	{"dtContractStart", model.StartDate, sectionContract},
	{"dtContractEnd", model.EndDate, sectionContract},
	{"seniorityDate", model.FirstHiredOn, sectionPersonal},
	{"birthDate", model.BirthDate, sectionPersonal},
	{"gender", model.Gender, sectionPersonal},
	{"directLine", model.WorkPhone, sectionPersonal},
	{"professionalMobile", model.MobilePhone, sectionPersonal},
}

// Check implements [connectors.Checker]: it reads up to a hundred people, and
// says which fields nobody of them shows, whether former employees are visible,
// and whether the skip field exists and can be seen.
func (l *legacy) Check(ctx context.Context) (connectors.Report, error) {
	report := connectors.Report{Reached: "Lucca API v3, " + l.client.Base.Host}
	w := l.walk(min(l.pageSize, checkSample))
	list, err := w.fetch(ctx, 0)
	if err != nil {
		return report, err
	}
	report.Notices = announcements{}.in(w.header)
	if !luccaHost(l.client.Base.Hostname()) {
		report.Notices = append(report.Notices, l.client.Base.Hostname()+" is not one of Lucca's own addresses")
	}
	rows := *list.Data.Items
	report.People = len(rows)
	if list.Data.Count != nil {
		if n, err := list.Data.Count.Int64(); err == nil {
			report.People = int(n)
		}
	}
	report.Requests = report.People/l.pageSize + 1
	if len(rows) == 0 {
		report.Missing = []connectors.MissingPermission{{Permission: sectionDirectory, Field: "users", Effect: "nobody is visible to the key"}}
		return report, nil
	}

	var people []user
	for _, o := range rows {
		u, bad := decodeUser(o, l.skip)
		if bad != nil {
			return report, l.undocumented(bad.Detail)
		}
		people = append(people, u)
	}
	for i := range people {
		o := &people[i].Observation
		// Somebody who still works there says more, and the oldest ids come first.
		if o.Scope.State == model.InScope && (report.Sample == nil || o.Attributes.Text(model.EndDate) == "") {
			report.Sample = o
			if o.Attributes.Text(model.EndDate) == "" {
				break
			}
		}
	}
	for _, f := range checkedFields {
		if !told(rows, f.name) {
			report.Missing = append(report.Missing, connectors.MissingPermission{
				Permission: f.section, Field: f.name, Attribute: f.attribute, Effect: fmt.Sprintf("%s is absent for everybody", f.attribute),
			})
		}
	}
	if !told(rows, "dtContractStart") && !told(rows, "dtContractEnd") {
		report.Notices = append(report.Notices, "without contract dates nobody's status is known, and every read is refused")
	}
	if err := l.checkFormer(ctx, &report); err != nil {
		return report, err
	}
	if l.skip == "" {
		return report, nil
	}
	return report, l.checkSkipField(ctx, &report, people)
}

// told reports whether any row has the field, if only as null.
func told(rows []object, name string) bool {
	for _, o := range rows {
		if _, ok := o.get(name); ok {
			return true
		}
	}
	return false
}

// checkFormer compares the number of people with and without those who left. A
// key without the right gets the shorter list, without a word.
func (l *legacy) checkFormer(ctx context.Context, report *connectors.Report) error {
	list, _, err := l.users(ctx, "count employees", url.Values{"fields": {"id,collection.count"}, "paging": {"0,1"}, "orderBy": {"id,asc"}})
	if err != nil {
		return err
	}
	if list.Data.Count == nil {
		return nil
	}
	if n, err := list.Data.Count.Int64(); err == nil && int(n) == report.People {
		report.Notices = append(report.Notices, "no former employees are visible; if there are any, give the role of the API key the right to see them, so that leavers are seen to leave")
	}
	return nil
}

// property is one entry of userProperties.
type property struct {
	ID   string `json:"id"`
	Type *int   `json:"type"`
}

// checkSkipField says whether the skip field exists, is a checkbox, and can be
// seen. Whether a key may read userProperties without its role seeing the
// section is not known (unverified).
func (l *legacy) checkSkipField(ctx context.Context, report *connectors.Report, people []user) error {
	var list struct {
		Data struct{ Items []property }
	}
	_, err := l.client.JSON(ctx, wire.Request{
		Op: "read user properties", Method: http.MethodGet, Path: "api/v3/userProperties", Query: url.Values{"paging": {"0,1000"}},
	}, &list)
	class := connectors.ClassOf(err)
	switch {
	case err == nil:
	case class == connectors.Denied || class == connectors.Gone || class == connectors.Invalid:
		report.Notices = append(report.Notices, "the list of extension fields cannot be read, so whether "+l.skip+" exists is not known")
	default:
		return adviseV3(err)
	}
	var found *property
	for _, p := range list.Data.Items {
		if strings.EqualFold(p.ID, l.skip) {
			found = &p
		}
	}
	extended, seen := false, false
	for _, u := range people {
		extended = extended || u.extended
		seen = seen || u.skipTold
	}
	const checkboxType = 0
	switch {
	case seen:
	case !extended:
		report.Missing = append(report.Missing, connectors.MissingPermission{
			Permission: "section of " + l.skip + ": View", Field: "extendedData." + l.skip,
			Effect: "no extension field of anybody is visible, so nobody is left out by the skip field",
		})
	case found == nil && err == nil:
		report.Notices = append(report.Notices, "Lucca has no extension field "+l.skip+", so nobody is left out by it")
	default:
		report.Notices = append(report.Notices, "skip field "+l.skip+" is set for nobody among the people looked at; a section that the key cannot view looks the same")
	}
	if found != nil && found.Type != nil && *found.Type != checkboxType {
		report.Notices = append(report.Notices, "skip field "+l.skip+" is not a checkbox in Lucca; people whose value is neither yes nor no are held")
	}
	return nil
}
