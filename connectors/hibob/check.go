package hibob

import (
	"context"
	"net/http"
	"slices"
	"time"

	"rollcall/appliance/model"
	"rollcall/connectors"
	"rollcall/connectors/wire"
)

// permissionDelay is how long HiBob may take until a changed permission applies
// (about 10 s), and checks how often it is looked at within that time.
const (
	permissionDelay = 12 * time.Second
	checks          = 3
)

// noLeavers is said when everybody visible is employed: leavers and future hires
// are then probably hidden by the people condition, and would look deleted.
const noLeavers = "everybody visible is employed: check that the people condition of the service user's permission group includes Hired, Garden Leave, Leave, Parental Leave and Terminated"

// Check reads the metadata of all fields, which needs no permission, and then
// everybody, and compares: a wanted field that no person has is not readable.
// Because permissions take effect late, it looks again for about twelve seconds
// before it reports something as missing. When nobody is visible, nothing can be
// said about fields, and a notice says so.
func (s *Source) Check(ctx context.Context) (connectors.Report, error) {
	fields, err := s.readMetadata(ctx)
	if err != nil {
		return connectors.Report{}, advised(err)
	}
	var seen survey
	for n := range checks {
		if n > 0 {
			timer := time.NewTimer(permissionDelay / (checks - 1))
			select {
			case <-ctx.Done():
				timer.Stop()
				return connectors.Report{}, &connectors.Error{Class: connectors.Transient, Op: "hibob: check permissions", Err: ctx.Err()}
			case <-timer.C:
			}
		}
		if seen, err = s.survey(ctx); err != nil {
			return connectors.Report{}, advised(err)
		}
		if seen.people > 0 && !grantable(s.missing(fields, seen)) {
			break
		}
	}
	report := connectors.Report{Reached: "HiBob", People: seen.people, Requests: 1, Sample: seen.sample}
	if size := s.cfg.BatchSize; size > 0 {
		report.Requests += (seen.people + size - 1) / size
	}
	if seen.company != "" {
		report.Reached = "HiBob, company " + seen.company
	}
	if seen.people == 0 {
		report.Notices = append(report.Notices, noPeople)
		return report, nil
	}
	report.Missing = s.missing(fields, seen)
	if seen.onlyEmployed {
		report.Notices = append(report.Notices, noLeavers)
	}
	return report, nil
}

// metadataField is one entry of GET /company/people/fields.
type metadataField struct {
	ID                  string `json:"id"`
	CategoryDisplayName string `json:"categoryDisplayName"`
	CategoryID          string `json:"categoryId"`
}

// permission is the name under which HiBob's screens grant the field.
func (f metadataField) permission() string {
	if f.CategoryDisplayName != "" {
		return f.CategoryDisplayName
	}
	return f.CategoryID
}

func (s *Source) readMetadata(ctx context.Context) (map[string]metadataField, error) {
	var list []metadataField
	_, err := s.metadata.JSON(ctx, wire.Request{Op: "read field metadata", Method: http.MethodGet, Path: "company/people/fields"}, &list)
	if err != nil {
		return nil, err
	}
	byID := make(map[string]metadataField, len(list))
	for _, f := range list {
		byID[f.ID] = f
	}
	return byID, nil
}

// survey is what one search for everybody showed.
type survey struct {
	people       int
	company      string
	readable     map[string]bool // by field id
	sample       *model.Observation
	onlyEmployed bool
}

// survey looks at everybody and keeps only what a report needs.
func (s *Source) survey(ctx context.Context) (survey, error) {
	out := survey{readable: map[string]bool{}, onlyEmployed: true}
	search := s.search(nil)
	search.Fields = append(search.Fields, "root.companyId")
	roll := newRoll()
	err := s.stream(ctx, search, func(e *employee) error {
		o, err := s.take(e, roll)
		if err != nil {
			return err
		}
		out.people++
		for _, f := range s.wanted {
			if !out.readable[f.id] {
				_, out.readable[f.id] = e.get(nested(f.id)...)
			}
		}
		if v, ok := e.get("companyId"); ok && out.company == "" {
			out.company, _ = v.text()
		}
		if o.Status != model.Active {
			out.onlyEmployed = false
		}
		if out.sample == nil || better(o, *out.sample) {
			out.sample = &o
		}
		return nil
	})
	return out, err
}

// better reports whether a shows more of the mapping than b. Ties are broken by
// id, so that two checks show the same person.
func better(a, b model.Observation) bool {
	if active := a.Status == model.Active; active != (b.Status == model.Active) {
		return active
	}
	if len(a.Attributes) != len(b.Attributes) {
		return len(a.Attributes) > len(b.Attributes)
	}
	return compareIDs(a.Native, b.Native) < 0
}

// noSuchField stands for a permission where there is nothing to grant.
const noSuchField = "(no such field)"

// grantable reports whether waiting for a permission could help any of them.
func grantable(missing []connectors.MissingPermission) bool {
	return slices.ContainsFunc(missing, func(m connectors.MissingPermission) bool { return m.Permission != noSuchField })
}

// missing lists the wanted fields that nobody has.
func (s *Source) missing(fields map[string]metadataField, seen survey) []connectors.MissingPermission {
	attribute := map[model.Name]bool{}
	for _, f := range s.wanted {
		if seen.readable[f.id] && f.attribute != "" {
			attribute[f.attribute] = true
		}
	}
	var out []connectors.MissingPermission
	for _, f := range s.wanted {
		about, exists := fields[f.id]
		if seen.readable[f.id] || f.spare && (!exists || attribute[f.attribute]) {
			continue
		}
		m := connectors.MissingPermission{Permission: about.permission(), Field: f.id, Attribute: f.attribute, Effect: f.effect}
		if !exists {
			m.Permission = noSuchField
			m.Effect = "HiBob does not know this field; " + f.effect
		}
		out = append(out, m)
	}
	return out
}
