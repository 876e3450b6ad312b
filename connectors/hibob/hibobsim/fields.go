package hibobsim

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"rollcall/connectors/cast"
)

// field is one field of the tenant.
type field struct {
	id         string // with category prefix, "work.title"
	category   string // the permission category's id: not always the prefix
	name       string
	kind       string // the metadata's type
	list       string // for lists
	historical bool
	value      func(sn *snapshot, i int) any
}

// CompanyID is the id of every simulated company.
const CompanyID = 636192

// categories are the display names of the permission categories. Those of root
// and userData are unverified.
var categories = map[string]string{
	"root": "Basic info", "work": "Work", "workContact": "Work contact details", "personalContact": "Personal contact details",
	"home": "Home", "personal": "Personal", "employment": "Employment", "lifecycle": "Lifecycle", "about": "About", "userData": "User data",
}

// path is where the field sits in the nested form: root has no wrapper.
func (f *field) path() []string {
	parts := strings.Split(f.id, ".")
	if parts[0] == "root" {
		return parts[1:]
	}
	return parts
}

// slash is the field's key in the flat form.
func (f *field) slash() string { return "/" + strings.ReplaceAll(f.id, ".", "/") }

// reference is a person as others name them.
type reference struct{ id, email, given, family string }

func (r reference) display() string { return r.given + " " + r.family }

// tenantFields lists the fields, in the order of the metadata.
func tenantFields(custom []CustomField) []*field {
	text := func(get func(f *facts) string) func(*snapshot, int) any {
		return func(sn *snapshot, i int) any {
			if s := get(sn.facts[i]); s != "" {
				return s
			}
			return nil
		}
	}
	listed := func(list string, get func(f *facts) string) func(*snapshot, int) any {
		return func(sn *snapshot, i int) any {
			if label := get(sn.facts[i]); label != "" {
				return sn.sim.lists.id(list, label)
			}
			return nil
		}
	}
	at := func(get func(sn *snapshot, i int) any) func(*snapshot, int) any { return get }
	all := []*field{
		{"root.id", "root", "Employee ID (backend)", "employee-reference", "", false, at(func(sn *snapshot, i int) any { return sn.ids[i] })},
		{"root.email", "root", "Email", "text", "", false, text(func(f *facts) string { return f.Email })},
		{"root.firstName", "root", "First name", "text", "", false, text(func(f *facts) string { return f.Given })},
		{"root.surname", "root", "Last name", "text", "", false, text(func(f *facts) string { return f.Family })},
		{"root.displayName", "root", "Display name", "text", "", false, text(func(f *facts) string { return f.Given + " " + f.Family })},
		{"root.fullName", "root", "Full name", "text", "", false, text(func(f *facts) string { return f.Given + " " + f.Family })},
		{"root.companyId", "root", "Company ID", "number", "", false, at(func(*snapshot, int) any { return CompanyID })},
		{"root.avatarUrl", "root", "Avatar", "avatar", "", false, at(avatar)},
		{"root.creationDateTime", "userData", "Creation date", "text", "", false, text(func(f *facts) string { return f.FirstHired + "T11:29:14.399997" })},
		{"about.about", "about", "About", "text-area", "", false, text(func(*facts) string { return "" })},
		{"work.reportsTo", "work", "Reports to", "employee", "", true, at(reportsTo)},
		{"work.reportsTo.email", "work", "Manager's email", "text", "", false, at(func(sn *snapshot, i int) any {
			if ref, ok := reportsTo(sn, i).(reference); ok {
				return ref.email
			}
			return nil
		})},
		{"work.manager", "work", "Manager", "employee-reference", "", false, at(func(sn *snapshot, i int) any {
			if ref, ok := reportsTo(sn, i).(reference); ok {
				return ref.id
			}
			return nil
		})},
		{"work.title", "work", "Job title", "list", "title", true, listed("title", func(f *facts) string { return f.Title })},
		{"work.department", "work", "Department", "list", "department", true, listed("department", func(f *facts) string { return f.Department })},
		{"work.site", "work", "Site", "text", "", false, text(func(f *facts) string { return f.Site })},
		{"work.siteId", "work", "Site", "list_id", "site", true, at(func(sn *snapshot, i int) any {
			if sn.facts[i].Site == "" {
				return nil
			}
			n, _ := strconv.Atoi(sn.sim.lists.id("site", sn.facts[i].Site))
			return n
		})},
		{"work.startDate", "work", "Start date", "date", "", false, text(func(f *facts) string { return f.Start })},
		{"work.originalStartDate", "work", "Original start date", "date", "", false, text(func(f *facts) string { return f.FirstHired })},
		{"work.tenureDuration.humanize", "work", "Tenure", "text", "", false, at(tenure)},
		{"work.employeeIdInCompany", "work", "Employee ID", "number", "", false, at(employeeNumber)},
		{"work.workPhone", "workContact", "Work phone", "text", "", false, text(func(f *facts) string { return f.WorkPhone })},
		{"work.workMobile", "workContact", "Work mobile", "text", "", false, text(func(f *facts) string { return f.MobilePhone })},
		{"home.mobilePhone", "personalContact", "Personal mobile", "text", "", false, text(func(*facts) string { return "" })},
		{"home.privateEmail", "personalContact", "Personal email", "text", "", false, text(func(f *facts) string { return f.PersonalEmail })},
		{"home.legalGender", "home", "Gender", "list", "legalGenderEnhanced", false, listed("legalGenderEnhanced", func(f *facts) string { return gender(f.Gender) })},
		{"personal.birthDate", "personal", "Date of birth", "date", "", false, text(func(f *facts) string { return f.BirthDate })},
		{"personal.shortBirthDate", "personal", "Birthday", "short-date", "", false, text(func(f *facts) string {
			if len(f.BirthDate) == len(time.DateOnly) {
				return f.BirthDate[5:]
			}
			return ""
		})},
		{"payroll.employment.contract", "employment", "Employment contract", "list", "employmentstatus", true, listed("employmentstatus", func(f *facts) string { return f.Contract })},
		{"payroll.employment.type", "employment", "Employment type", "list", "payrollEmploymentType", true, listed("payrollEmploymentType", func(*facts) string { return "Full time" })},
		{"internal.status", "lifecycle", "Status", "list", "status", false, at(func(sn *snapshot, i int) any {
			if sn.active(sn.facts[i]) {
				return "Active"
			}
			return "Inactive"
		})},
		{"internal.lifecycleStatus", "lifecycle", "Lifecycle status", "list", "lifecycleStatus", false, at(func(sn *snapshot, i int) any { return sn.lifecycle(sn.facts[i]) })},
		{"internal.terminationDate", "lifecycle", "Termination date", "date", "", false, text(func(f *facts) string { return f.End })},
		{"internal.terminationReason", "lifecycle", "Termination reason", "list", "terminationreason", false, listed("terminationreason", func(f *facts) string {
			if f.End != "" {
				return "Resignation"
			}
			return ""
		})},
		{"employee.lastDayOfWork", "lifecycle", "Last day of work", "date", "", false, text(func(f *facts) string {
			if f.lastDay != "" {
				return f.lastDay
			}
			return f.End
		})},
	}
	for _, c := range custom {
		all = append(all, &field{id: c.ID, category: c.Category, name: c.Name, kind: c.Type, value: func(sn *snapshot, i int) any {
			return c.Value(sn.facts[i].Person)
		}})
	}
	return all
}

// reportsTo names the manager, visible to the reader or not.
func reportsTo(sn *snapshot, i int) any {
	m := sn.facts[i].Manager
	if m < 0 || m >= len(sn.facts) || sn.facts[m] == nil {
		return nil
	}
	f := sn.facts[m]
	return reference{sn.ids[m], f.Email, f.Given, f.Family}
}

// employeeNumber is a number where that loses nothing, and a string otherwise:
// clients see both.
func employeeNumber(sn *snapshot, i int) any {
	s := sn.facts[i].EmployeeNumber
	if s == "" {
		return nil
	}
	if n, err := strconv.Atoi(s); err == nil && strconv.Itoa(n) == s {
		return n
	}
	return s
}

// avatar is signed anew at each request, like the real one.
func avatar(sn *snapshot, i int) any {
	return "https://images.example.test/" + sn.ids[i] + "?signature=" + strconv.FormatInt(sn.now.UnixNano(), 36)
}

// tenure changes by itself as time goes by.
func tenure(sn *snapshot, i int) any {
	start, err := time.Parse(time.DateOnly, sn.facts[i].Start)
	if err != nil {
		return nil
	}
	return strconv.Itoa(int(sn.now.Sub(start)/(24*time.Hour))) + " days"
}

func gender(truth string) string {
	switch truth {
	case "female":
		return "Female"
	case "male":
		return "Male"
	}
	return truth
}

// lists are the tenant's named lists. They only grow.
type lists struct {
	mu     sync.RWMutex // guards values
	values map[string][]item
}

type item struct{ id, label string }

// firstItem is the number of the first item of lists whose ids are numbers.
var firstItem = map[string]int{"title": 255490040, "department": 255490140, "site": 2010001, "employmentstatus": 255490301, "payrollEmploymentType": 255490401, "terminationreason": 255490501}

func newLists() *lists {
	l := &lists{values: map[string][]item{
		"status":              {{"Active", "Active"}, {"Inactive", "Inactive"}},
		"legalGenderEnhanced": {{"Female", "Female"}, {"Male", "Male"}},
		"lifecycleStatus": {{"hired", "Hired"}, {"employed", "Employed"}, {"terminated", "Terminated"},
			{"garden leave", "Garden Leave"}, {"leave", "Leave"}, {"parental leave", "Parental Leave"}},
	}}
	l.id("payrollEmploymentType", "Full time")
	l.id("terminationreason", "Resignation")
	return l
}

// learn makes sure that the values of a person are in the lists.
func (l *lists) learn(p cast.Person) {
	for list, label := range map[string]string{"title": p.Title, "department": p.Department, "site": p.Site, "employmentstatus": p.Contract, "legalGenderEnhanced": gender(p.Gender)} {
		if label != "" {
			l.id(list, label)
		}
	}
}

// id returns the id of a label, which is added to the list when it is new.
func (l *lists) id(list, label string) string {
	l.mu.RLock()
	id, ok := l.find(list, label)
	l.mu.RUnlock()
	if ok {
		return id
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if id, ok := l.find(list, label); ok {
		return id
	}
	id = label
	if first, ok := firstItem[list]; ok {
		id = strconv.Itoa(first + len(l.values[list]))
	}
	l.values[list] = append(l.values[list], item{id, label})
	return id
}

func (l *lists) find(list, label string) (string, bool) {
	for _, it := range l.values[list] {
		if it.label == label {
			return it.id, true
		}
	}
	return "", false
}

// label returns the label of an id, the id itself when it is not in the list.
func (l *lists) label(list, id string) string {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for _, it := range l.values[list] {
		if it.id == id {
			return it.label
		}
	}
	return id
}

// metadata answers GET /company/people/fields, which needs no permission and so
// lists fields that cannot be read.
func (s *Sim) metadata(w http.ResponseWriter, _ *http.Request, _ time.Time) {
	out := make([]map[string]any, 0, len(s.order))
	for _, f := range s.order {
		data := map[string]any{}
		if f.list != "" {
			data["listId"] = f.list
		}
		display := categories[f.category]
		if display == "" {
			display = f.category
		}
		out = append(out, map[string]any{
			"id": f.id, "category": f.category, "categoryId": f.category, "categoryDisplayName": display, "name": f.name,
			"description": "", "jsonPath": strings.Join(f.path(), "."), "type": f.kind, "typeData": data, "historical": f.historical,
		})
	}
	writeJSON(w, http.StatusOK, out)
}

func (l *lists) document(name string) (map[string]any, bool) {
	l.mu.RLock()
	values, ok := slices.Clone(l.values[name]), l.values[name] != nil
	l.mu.RUnlock()
	items := make([]map[string]any, 0, len(values))
	for _, it := range values {
		items = append(items, map[string]any{"id": it.id, "value": it.label, "name": it.label, "archived": false, "children": []any{}})
	}
	return map[string]any{"name": name, "values": items, "items": items}, ok
}

// namedLists answers all lists, keyed by name (the outer form is unverified).
func (s *Sim) namedLists(w http.ResponseWriter, _ *http.Request, _ time.Time) {
	s.lists.mu.RLock()
	names := make([]string, 0, len(s.lists.values))
	for name := range s.lists.values {
		names = append(names, name)
	}
	s.lists.mu.RUnlock()
	out := map[string]any{}
	for _, name := range names {
		out[name], _ = s.lists.document(name)
	}
	writeJSON(w, http.StatusOK, out)
}

// namedList answers one list; names are case-sensitive.
func (s *Sim) namedList(w http.ResponseWriter, name string) {
	doc, ok := s.lists.document(name)
	if !ok {
		writeJSON(w, http.StatusNotFound, map[string]string{"error": "list not found", "key": "not_found"})
		return
	}
	writeJSON(w, http.StatusOK, doc)
}
