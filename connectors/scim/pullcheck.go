package scim

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"rollcall/appliance/model"
	"rollcall/connectors"
	"rollcall/connectors/wire"
)

// pullNeeds are the attributes that a person cannot do without. SCIM has no names
// for permissions, so what to grant is named by the attribute.
var pullNeeds = []struct {
	attribute     model.Name
	field, effect string
}{
	{model.Email, "emails", "nobody can be matched by email"},
	{model.GivenName, "name.givenName", "no account can be created without a name"},
	{model.FamilyName, "name.familyName", "no account can be created without a name"},
}

// pullWants are attributes whose absence is worth a word.
var pullWants = []model.Name{model.EmployeeNumber, model.Manager, model.Title, model.Department}

// Check implements [connectors.Checker]: it reads one page, says what nobody on
// it has, and whether the server pages by cursors.
func (s *PullSource) Check(ctx context.Context) (connectors.Report, error) {
	report := connectors.Report{Reached: "SCIM server " + s.client.Base.Host}
	w := s.walkFrom("")
	list, err := w.list(ctx)
	if err != nil {
		return report, advisedPull(err)
	}
	report.People = max(list.Total, len(list.Resources))
	report.Sampled = list.Total < 0
	if n := len(list.Resources); n > 0 {
		report.Requests = (report.People + n - 1) / n
	}
	if len(list.Resources) == 0 {
		report.Notices = append(report.Notices, "the server lists no users: check what the token may see")
		return report, nil
	}
	has := map[model.Name]bool{}
	stated := false
	for _, r := range list.Resources {
		o, err := pulled(r)
		if err != nil {
			return report, pullUndocumented(err)
		}
		for n := range o.Attributes {
			has[n] = true
		}
		stated = stated || o.Status != model.Unknown
		if report.Sample == nil || fuller(o, *report.Sample) {
			report.Sample = &o
		}
	}
	for _, need := range pullNeeds {
		if !has[need.attribute] {
			report.Missing = append(report.Missing, connectors.MissingPermission{
				Permission: "read " + need.field, Field: need.field, Attribute: need.attribute, Effect: need.effect,
			})
		}
	}
	if !stated {
		report.Missing = append(report.Missing, connectors.MissingPermission{Permission: "read active", Field: "active", Effect: "nobody's status is known"})
	}
	var lacking []string
	for _, n := range pullWants {
		if !has[n] {
			lacking = append(lacking, string(n))
		}
	}
	if len(lacking) > 0 {
		report.Notices = append(report.Notices, fmt.Sprintf("none of the %d users looked at has %s", len(list.Resources), strings.Join(lacking, ", ")))
	}
	report.Notices = append(report.Notices, s.pagingNotice(ctx, list))
	return report, nil
}

// pagingNotice says how the server pages, which decides how a read copes with
// users who change meanwhile. ServiceProviderConfig may be missing.
func (s *PullSource) pagingNotice(ctx context.Context, list listing) string {
	if list.next != "" {
		return "the server pages by cursors: users who change places during a read do not disturb it"
	}
	var doc Resource
	_, err := s.client.JSON(ctx, wire.Request{Op: "read the service's configuration", Method: http.MethodGet, Path: "ServiceProviderConfig"}, &doc)
	pagination, _ := member(doc, "pagination")
	o, _ := pagination.(map[string]any)
	if offered, _ := member(o, "cursor"); err == nil && isTrue(offered) {
		return "the server offers cursors but pages by index unless asked; a read during which users are added or removed is repeated"
	}
	return "the server pages by index: a read during which users are added or removed is repeated"
}

// fuller reports whether a shows more of the mapping than b. Ties are broken by
// id, so that two checks show the same user.
func fuller(a, b model.Observation) bool {
	if active := a.Status == model.Active; active != (b.Status == model.Active) {
		return active
	}
	if len(a.Attributes) != len(b.Attributes) {
		return len(a.Attributes) > len(b.Attributes)
	}
	return a.Native < b.Native
}
