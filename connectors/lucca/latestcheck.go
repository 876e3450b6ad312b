package lucca

import (
	"context"
	"errors"
	"net/url"

	"rollcall/appliance/model"
	"rollcall/connectors"
)

var _ connectors.Checker = (*latest)(nil)

// Check implements [connectors.Checker]: it reads up to a hundred people and, of
// one of them, all they refer to, and says which scopes are missing.
func (a *latest) Check(ctx context.Context) (connectors.Report, error) {
	report := connectors.Report{Reached: "Lucca API " + Latest + ", " + a.client.Base.Host}
	w := a.walk()
	list, err := w.next(ctx)
	var moved *driftError
	if errors.As(err, &moved) {
		err = moved.asError()
	}
	if err != nil {
		return report, err
	}
	report.Notices = announcements{}.in(w.header)
	if !luccaHost(a.client.Base.Hostname()) {
		report.Notices = append(report.Notices, a.client.Base.Hostname()+" is not one of Lucca's own addresses")
	}
	report.People = max(w.total, len(*list.Items))
	// The employees, and as many pages again of each of what they refer to.
	report.Requests = (report.People/a.pageSize + 1) * (1 + len(effects))
	if len(*list.Items) == 0 {
		report.Missing = []connectors.MissingPermission{{Permission: scopeEmployees, Field: "employees", Effect: "nobody is visible to the client; check its business establishments"}}
		return report, nil
	}
	sample := (*list.Items)[0]
	for _, o := range *list.Items {
		if status, _ := scalar(o.fact("status").value); statuses[status] == model.Active {
			sample = o
			break
		}
	}
	id, _ := identifier(sample.fact("id").value)
	dir, err := a.directory(ctx, scopeOfJoin{keepEmployments: true, employee: id})
	if err != nil {
		return report, err
	}
	if err := dir.ensurePosition(ctx, sample, list); err != nil {
		return report, err
	}
	e, bad := decodeEmployee(sample, list, dir)
	if bad != nil {
		return report, a.undocumented("read people", bad.Detail)
	}
	report.Sample = &e.Observation

	for _, f := range []field{
		{"email", model.Email, scopeEmployees}, {"givenName", model.GivenName, scopeEmployees}, {"familyName", model.FamilyName, scopeEmployees},
		{"employeeNumber", model.EmployeeNumber, scopeEmployees}, {"status", "", scopeEmployees}, {"phoneNumber", model.WorkPhone, scopeEmployees},
	} {
		if !told(*list.Items, f.name) {
			report.Missing = append(report.Missing, connectors.MissingPermission{Permission: f.section, Field: f.name, Attribute: f.attribute, Effect: f.name + " is absent for everybody"})
		}
	}
	for _, e := range effects {
		if dir.closed[e.resource] {
			report.Missing = append(report.Missing, connectors.MissingPermission{Permission: e.resource + ".readonly", Field: e.resource, Effect: e.effect})
		}
	}
	if a.skip == "" {
		return report, nil
	}
	return report, a.checkSkipField(ctx, &report, dir)
}

// checkSkipField asks whether anybody at all has a value in the skip field.
func (a *latest) checkSkipField(ctx context.Context, report *connectors.Report, dir *directory) error {
	if dir.closed["employee-attributes"] {
		return nil
	}
	c, _, err := a.list(ctx, "read employee-attributes", "employee-attributes", url.Values{"definition.id": {a.skip}, "limit": {"1"}}.Encode())
	class := connectors.ClassOf(err)
	switch {
	case err == nil && len(*c.Items) > 0:
	case err == nil, class == connectors.Gone, class == connectors.Invalid:
		report.Notices = append(report.Notices, "no value of skip field "+a.skip+" is visible for anybody; it may not exist, be ticked for nobody, or be hidden from the client")
	default:
		return err
	}
	return nil
}
