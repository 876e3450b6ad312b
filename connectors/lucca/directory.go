package lucca

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"rollcall/connectors"
)

// directory is what the employees of one read refer to. The new API names
// departments, managers and the rest by id only.
type directory struct {
	a           *latest
	departments map[string]string
	entities    map[string]string
	sites       map[string]site
	first       map[string]string // employee id → earliest start of an employment
	employments map[string]object // by id, only when they are not embedded
	positions   map[string]object // by id, only when they are not embedded; nil: not read
	personal    map[string]personal
	attributes  map[string]map[string][]any // extension code → employee id → values
	closed      map[string]bool             // resources that the client may not read
}

type site struct{ name, zone string }

// personal is what is kept of a personal record, which holds far more.
type personal struct{ gender, birthDate fact }

// scopeOfJoin says how much of the directory a caller needs.
type scopeOfJoin struct {
	keepEmployments bool
	employee        string // of this person only; empty: of everybody
}

// effects says what is absent without a resource, in the order they are read.
var effects = []struct{ resource, effect string }{
	{"departments", "department is absent"},
	{"legal-entities", "organization is absent"},
	{"business-establishments", "site and time_zone are absent"},
	{"employments", "first_hired_on is absent, and start_date and end_date when they are not embedded"},
	{"job-positions", "title, department, site and manager are absent when they are not embedded"},
	{"employee-personal-records", "gender and birth_date are absent"},
	{"employee-attributes", "the skip field and extension fields cannot be seen: nobody is left out"},
}

// directory reads what employees refer to. A resource that the client was not
// granted is noted and leaves its attributes absent.
func (a *latest) directory(ctx context.Context, need scopeOfJoin) (*directory, error) {
	d := &directory{
		a: a, departments: map[string]string{}, entities: map[string]string{}, sites: map[string]site{},
		first: map[string]string{}, employments: map[string]object{}, personal: map[string]personal{},
		attributes: map[string]map[string][]any{}, closed: map[string]bool{},
	}
	all := func() url.Values {
		if need.employee != "" {
			return url.Values{"employee.id": {need.employee}}
		}
		return url.Values{}
	}
	name := func(into map[string]string) func(o object) {
		return func(o object) {
			id, _ := identifier(o.fact("id").value)
			into[id], _ = scalar(o.fact("name").value)
		}
	}
	steps := []struct {
		resource string
		query    url.Values
		visit    func(o object)
	}{
		{"departments", url.Values{}, name(d.departments)},
		{"legal-entities", url.Values{}, name(d.entities)},
		{"business-establishments", url.Values{}, d.addSite},
		{"employments", all(), func(o object) { d.addEmployment(o, need.keepEmployments) }},
		{"employee-personal-records", all(), d.addPersonal},
	}
	for _, s := range steps {
		if err := d.read(ctx, s.resource, s.query, s.visit); err != nil {
			return nil, err
		}
	}
	for _, code := range a.codes {
		q := all()
		q.Set("definition.id", code)
		if err := d.read(ctx, "employee-attributes", q, d.addAttribute(code)); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// read visits a resource, unless the client may not read it.
func (d *directory) read(ctx context.Context, resource string, q url.Values, visit func(o object)) error {
	if d.closed[resource] || slices.Contains(d.a.tokens.withheld(), resource+".readonly") {
		d.closed[resource] = true
		return nil
	}
	err := d.a.each(ctx, resource, q, visit)
	var e *connectors.Error
	switch {
	case err == nil:
	case !errors.As(err, &e):
		return err
	case resource == "employee-attributes" && (e.Class == connectors.Gone || e.Class == connectors.Invalid):
		// The tenant has no such extension field (unverified which status says so):
		// then nobody can have it ticked.
	case e.Status == http.StatusForbidden, e.Class == connectors.Gone:
		d.closed[resource] = true
	default:
		return err
	}
	return nil
}

func (d *directory) addSite(o object) {
	id, _ := identifier(o.fact("id").value)
	name, _ := scalar(o.fact("name").value)
	zone, _ := scalar(o.fact("timezoneId").value)
	d.sites[id] = site{name, zone}
}

func (d *directory) addEmployment(o object, keep bool) {
	employee, _ := identifier(o.fact("employee", "id").value)
	text, _ := scalar(o.fact("start", "date").value)
	start, ok := calendarDate(text)
	if first, known := d.first[employee]; ok && start != "" && (!known || start < first) {
		d.first[employee] = start
	}
	if id, _ := identifier(o.fact("id").value); keep && id != "" {
		d.employments[id] = o
	}
}

func (d *directory) addPersonal(o object) {
	employee, _ := identifier(o.fact("employee", "id").value)
	d.personal[employee] = personal{gender: o.fact("legalGender"), birthDate: o.fact("birthDate")}
}

// addAttribute keeps the values of one extension field that apply today.
func (d *directory) addAttribute(code string) func(o object) {
	d.attributes[code] = map[string][]any{}
	today := d.a.now().UTC().Format(time.DateOnly)
	return func(o object) {
		employee, _ := identifier(o.fact("employee", "id").value)
		definition, _ := scalar(o.fact("definition", "id").value)
		start, end := day(o, "start"), day(o, "end")
		if employee == "" || !strings.EqualFold(definition, code) || start > today || end != "" && end < today {
			return
		}
		d.attributes[code][employee] = append(d.attributes[code][employee], o.fact("value").value)
	}
}

// day returns a date of "applicability", which is told bare or as {"date": …}
// (unverified which).
func day(o object, name string) string {
	for _, f := range []fact{o.fact("applicability", name), o.fact("applicability", name, "date")} {
		if text, ok := scalar(f.value); ok {
			date, _ := calendarDate(text)
			return date
		}
	}
	return ""
}

// ensurePosition reads all job positions when the one of o is not embedded.
func (d *directory) ensurePosition(ctx context.Context, o object, c collection) error {
	id, ok := identifier(o.fact("applicableJobPosition", "id").value)
	if _, embedded := c.embedded("job-position", id); !ok || embedded || d.positions != nil {
		return nil
	}
	d.positions = map[string]object{}
	return d.read(ctx, "job-positions", url.Values{}, func(o object) {
		if id, ok := identifier(o.fact("id").value); ok {
			d.positions[id] = o
		}
	})
}

// notices are what an operator should know about a whole read.
func (d *directory) notices(again bool) []string {
	var notices []string
	if again {
		notices = append(notices, "people changed in Lucca while they were read, so the read began again")
	}
	for _, e := range effects {
		if d.closed[e.resource] {
			notices = append(notices, fmt.Sprintf("without the scope %s.readonly, %s", e.resource, e.effect))
		}
	}
	return notices
}
