package appliance

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"rollcall/appliance/admin"
	"rollcall/appliance/identity"
	"rollcall/appliance/ingest"
	"rollcall/appliance/model"
	"rollcall/appliance/reconcile"
	"rollcall/appliance/store"
)

// personName is what a human calls the person: a name, else the email, else the id.
func personName(p model.Person) string {
	return cmp.Or(p.Attributes.Text(model.DisplayName),
		strings.TrimSpace(p.Attributes.Text(model.GivenName)+" "+p.Attributes.Text(model.FamilyName)),
		p.Attributes.Text(model.Email), string(p.ID))
}

func personRef(p model.Person) admin.PersonRef {
	return admin.PersonRef{ID: string(p.ID), Name: personName(p), Email: p.Attributes.Text(model.Email)}
}

func refOf(tx *store.Tx, id model.PersonID) (admin.PersonRef, error) {
	p, ok, err := store.Persons.Get(tx, id)
	if !ok {
		return admin.PersonRef{ID: string(id), Name: string(id)}, err
	}
	return personRef(p), err
}

// summary is a person without the details.
func summary(tx *store.Tx, p model.Person) (admin.Person, error) {
	out := admin.Person{ID: string(p.ID), Name: personName(p), Email: p.Attributes.Text(model.Email), Status: string(p.Status), Access: string(p.Access),
		Reason: p.Reason, Waiting: p.Waiting, Changed: p.Changed, Sources: []string{}}
	for _, id := range p.Held {
		out.Held = append(out.Held, string(id))
	}
	for _, id := range p.Records {
		r, ok, err := store.Records.Get(tx, id)
		if err != nil {
			return out, err
		}
		if ok && !slices.Contains(out.Sources, r.Source) {
			out.Sources = append(out.Sources, r.Source)
		}
	}
	slices.Sort(out.Sources)
	if p.Manager != "" {
		ref, err := refOf(tx, p.Manager)
		if err != nil {
			return out, err
		}
		out.Manager = &ref
	}
	return out, nil
}

// maxPage bounds what one answer lists.
const maxPage = 1000

// People implements admin.Service. The query matches parts of names, emails,
// employee numbers, titles and departments, every word of it, whatever its case
// and accents; "status:inactive" and "source:hibob" narrow further.
func (a *App) People(ctx context.Context, query string, page admin.Page) ([]admin.Person, string, error) {
	limit := page.Limit
	if limit <= 0 {
		limit = 100
	}
	limit = min(limit, maxPage)
	match, err := parseQuery(query)
	if err != nil {
		return nil, "", err
	}
	out := []admin.Person{}
	next := ""
	err = a.store.View(func(tx *store.Tx) error {
		var after []byte
		if page.After != "" {
			p, ok, err := store.Persons.Get(tx, model.PersonID(page.After))
			if err != nil {
				return err
			}
			if !ok {
				return &admin.Error{Code: admin.CodeStale, Text: "the person after whom the list should go on is not there any more; begin again"}
			}
			after = store.PersonByName.Position(p, p.ID)
		}
		last := ""
		for p, err := range store.PersonByName.PrefixAfter(tx, nil, after) {
			if err != nil {
				return err
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			ok, err := match.matches(tx, p)
			if err != nil {
				return err
			}
			if !ok {
				continue
			}
			if len(out) == limit {
				next = last
				return nil
			}
			s, err := summary(tx, p)
			if err != nil {
				return err
			}
			out = append(out, s)
			last = string(p.ID)
		}
		return nil
	})
	return out, next, err
}

// peopleQuery is a parsed query.
type peopleQuery struct {
	words          []string
	status, source string
}

// statuses are those somebody can have.
var statuses = []string{string(model.Pending), string(model.Active), string(model.Leave), string(model.Inactive), string(model.Unknown)}

func parseQuery(q string) (peopleQuery, error) {
	var out peopleQuery
	for _, word := range strings.Fields(q) {
		name, value, tagged := strings.Cut(word, ":")
		switch {
		case tagged && name == "status":
			if !slices.Contains(statuses, value) {
				return out, invalid("status:%s: a status is one of %s", value, strings.Join(statuses, ", "))
			}
			out.status = value
		case tagged && name == "source":
			out.source = value
		case tagged && value != "" && !strings.Contains(name, "@"):
			return out, invalid("people can be narrowed by status: and source:, not by %q", name+":")
		default:
			out.words = append(out.words, foldText(word))
		}
	}
	return out, nil
}

// foldText folds for searching: names loosely, everything else by case.
func foldText(s string) string {
	if folded := identity.Name(s); folded != "" && len(folded) >= len(s)/2 && !strings.ContainsAny(s, "@0123456789.") {
		return folded
	}
	return strings.ToLower(s)
}

func (q peopleQuery) matches(tx *store.Tx, p model.Person) (bool, error) {
	if q.status != "" && string(p.Status) != q.status {
		return false, nil
	}
	for _, word := range q.words {
		found := string(p.ID) == word
		for _, n := range []model.Name{model.DisplayName, model.GivenName, model.FamilyName, model.Title, model.Department} {
			text := p.Attributes.Text(n)
			found = found || strings.Contains(identity.Name(text), word) || strings.Contains(strings.ToLower(text), word)
		}
		for _, n := range []model.Name{model.Email, model.EmployeeNumber} {
			found = found || strings.Contains(strings.ToLower(p.Attributes.Text(n)), word)
		}
		if !found {
			return false, nil
		}
	}
	if q.source == "" {
		return true, nil
	}
	for _, id := range p.Records {
		r, ok, err := store.Records.Get(tx, id)
		if err != nil {
			return false, err
		}
		if ok && r.Source == q.source {
			return true, nil
		}
	}
	return false, nil
}

// find returns the one person meant by an id, an email, an employee number or a
// name.
func find(tx *store.Tx, who string) (model.Person, error) {
	if p, ok, err := store.Persons.Get(tx, model.PersonID(who)); ok || err != nil {
		return p, err
	}
	if id, _, err := identity.Email(who); err == nil {
		found, err := collect(store.PersonByEmail.Find(tx, store.Key(id.Value)))
		if err != nil {
			return model.Person{}, err
		}
		if len(found) > 0 {
			return single(found, who)
		}
		// Not the address that won: one of the records may carry it all the same.
		for r, err := range store.RecordByIdentifier.Find(tx, store.IdentifierKey(id)) {
			if err != nil {
				return model.Person{}, err
			}
			if p, ok, err := store.Persons.Get(tx, r.Person); ok || err != nil {
				return p, err
			}
		}
		for p, err := range store.Persons.Each(tx, nil) {
			if err != nil || p.EmailKey == "" && reconcile.SameLogin(p.Attributes.Text(model.Email), who) {
				return p, err // out of scope: known, and no claim to the address
			}
		}
		return model.Person{}, notFound("nobody in the roster has the email %s; rollcall people searches", who)
	}
	q := peopleQuery{words: []string{}}
	for _, w := range strings.Fields(who) {
		q.words = append(q.words, foldText(w))
	}
	var found []model.Person
	for p, err := range store.Persons.Each(tx, nil) {
		if err != nil {
			return model.Person{}, err
		}
		if p.Attributes.Text(model.EmployeeNumber) == who {
			return p, nil
		}
		ok, err := q.matches(tx, p)
		if err != nil {
			return model.Person{}, err
		}
		if ok && len(found) < 10 {
			found = append(found, p)
		}
	}
	return single(found, who)
}

func collect(seq func(func(model.Person, error) bool)) ([]model.Person, error) {
	var out []model.Person
	for p, err := range seq {
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

func single(found []model.Person, who string) (model.Person, error) {
	switch len(found) {
	case 0:
		return model.Person{}, notFound("nobody in the roster is called %q; rollcall people searches", who)
	case 1:
		return found[0], nil
	}
	names := make([]string, 0, len(found))
	for _, p := range found {
		names = append(names, fmt.Sprintf("%s (%s)", personName(p), p.ID))
	}
	return model.Person{}, invalid("%q may be %s; name one by id or email", who, strings.Join(names, ", "))
}

// eventsShown is how many journal events a person's page shows.
const eventsShown = 50

// Person implements admin.Service.
func (a *App) Person(_ context.Context, who string) (admin.Person, error) {
	var out admin.Person
	err := a.store.View(func(tx *store.Tx) error {
		p, err := find(tx, strings.TrimSpace(who))
		if err != nil {
			return err
		}
		if out, err = summary(tx, p); err != nil {
			return err
		}
		records, err := recordsOf(tx, p.Records)
		if err != nil {
			return err
		}
		for _, r := range records {
			out.Records = append(out.Records, recordView(r))
		}
		fields, err := fieldsOf(tx, records)
		if err != nil {
			return err
		}
		if out.Values, err = a.values(tx, p, records, fields); err != nil {
			return err
		}
		if out.Groups, err = a.memberships(tx, p.ID, records, fields); err != nil {
			return err
		}
		out.Reports = store.PersonByManager.Count(tx, store.Prefix(string(p.ID)), 0)
		if err := a.accountsOf(tx, p.ID, &out); err != nil {
			return err
		}
		out.Events, err = eventsOf(tx, p.ID)
		return err
	})
	return out, err
}

func recordsOf(tx *store.Tx, ids []model.RecordID) ([]model.Record, error) {
	var out []model.Record
	for _, id := range ids {
		r, ok, err := store.Records.Get(tx, id)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, r)
		}
	}
	return out, nil
}

func recordView(r model.Record) admin.Record {
	out := admin.Record{ID: string(r.ID), Source: r.Source, Native: r.Native, Person: string(r.Person), Status: string(r.Status), RawStatus: r.RawStatus,
		Scope: r.Scope.Reason, Gone: r.Gone, Staged: r.Staged, Attributes: map[string]string{}, Notices: r.Notices, Changed: r.Changed}
	if r.Status == model.Dated {
		out.Status = "by its dates"
	}
	for n, v := range r.Attributes {
		if !v.Null {
			out.Attributes[string(n)] = v.Text
		}
	}
	return out
}

// fieldsOf returns, per record, which field of the source each attribute came from.
func fieldsOf(tx *store.Tx, records []model.Record) (map[model.RecordID]map[model.Name]string, error) {
	out := make(map[model.RecordID]map[model.Name]string, len(records))
	for _, r := range records {
		o, _, err := store.Origins.Get(tx, r.ID)
		if err != nil {
			return nil, err
		}
		out[r.ID] = o.Fields
	}
	return out, nil
}

func (a *App) accountsOf(tx *store.Tx, id model.PersonID, out *admin.Person) error {
	settings := a.engine.Settings()
	for i := range settings.Targets {
		t := &settings.Targets[i]
		o, ok, err := ingest.Look(tx, t, id)
		if err != nil || !ok {
			return err
		}
		if d := o.Delivered; d != nil {
			out.Accounts = append(out.Accounts, admin.Account{Target: t.Name, RemoteID: d.RemoteID, Login: d.Sent.Email, Active: d.Sent.Active, Adopted: d.Adopted, At: d.At})
		}
		job, pending, err := store.Outbox.Get(tx, store.TargetPerson{Target: t.Name, Person: id})
		if err != nil {
			return err
		}
		why := o.Projection.Blocked
		if pending {
			view, err := deliveryView(tx, job)
			if err != nil {
				return err
			}
			out.Pending = append(out.Pending, view)
			why = whyPending(job)
		}
		if why != "" {
			if out.WhyNot == nil {
				out.WhyNot = map[string]string{}
			}
			out.WhyNot[t.Name] = why
		}
	}
	return nil
}

func whyPending(job model.Job) string {
	switch job.State {
	case model.JobHeld:
		return fmt.Sprintf("held by %s in run %d; rollcall approve %d releases it", job.Reason, job.Run, job.Run)
	case model.JobParked:
		return "the target refused it: " + job.Reason
	case model.JobRejected:
		return job.Reason
	case model.JobOpen:
		if job.Wave > 0 {
			return fmt.Sprintf("waits for %s of run %d", job.Reason, job.Run)
		}
		return fmt.Sprintf("waits for the end of run %d", job.Run)
	}
	if job.LastError != "" {
		return "the last attempt failed: " + job.LastError
	}
	return ""
}

func eventsOf(tx *store.Tx, id model.PersonID) ([]model.Event, error) {
	subject := "person:" + string(id)
	var out []model.Event
	looked := 0
	for e, err := range store.Journal.Backward(tx, nil) {
		if err != nil {
			return nil, err
		}
		if e.Subject == subject {
			out = append(out, e)
		}
		if looked++; len(out) == eventsShown || looked == 200_000 {
			break
		}
	}
	slices.Reverse(out)
	return out, nil
}
