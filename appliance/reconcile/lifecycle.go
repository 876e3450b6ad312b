package reconcile

import (
	"fmt"

	"rollcall/appliance/model"
)

// standing is what one record says about its person on a given day.
type standing struct {
	status model.Status
	reason string
	// review is the next day on which the calendar alone changes the standing.
	review model.Date
}

// stand derives the standing of a record: the source's own status, bounded by
// the dates it gave. A date in the future never ends anything, and an end before
// the start belongs to an earlier employment.
func stand(r *model.Record, today model.Date, p *Policy) standing {
	if r.Gone && r.Status != model.Inactive {
		if p.AbsentDeactivates {
			return standing{status: model.Inactive, reason: r.Source + " does not list them any more"}
		}
		return standing{status: model.Unknown, reason: r.Source + " does not list them any more, and [policy.lifecycle] absent keeps accounts"}
	}
	start := model.Date(r.Attributes.Text(model.StartDate))
	end := model.Date(r.Attributes.Text(model.EndDate))
	status := r.Status
	if status == model.Dated {
		if !r.Attributes.Has(model.StartDate) && !r.Attributes.Has(model.EndDate) {
			return standing{status: model.Unknown, reason: r.Source + " gave neither start nor end date"}
		}
		status = model.Active
	}
	if status != model.Active && status != model.Leave && status != model.Pending {
		return standing{status: status, reason: fmt.Sprintf("%s says %s", r.Source, statusWord(r))}
	}
	if end != "" && start != "" && end < start {
		end = ""
	}
	s := standing{status: status, reason: fmt.Sprintf("%s says %s", r.Source, statusWord(r))}
	if end != "" {
		off := AddDays(end, p.DeactivateAfterEnd+1)
		if today >= off {
			return standing{status: model.Inactive, reason: fmt.Sprintf("%s gives %s as the last day", r.Source, end)}
		}
		s.review = off
	}
	switch {
	case start != "" && start > today:
		s.status = model.Pending
		s.reason = fmt.Sprintf("%s says they start on %s", r.Source, start)
		s.review = soonest(s.review, start)
		if early := AddDays(start, -p.CreateBeforeStart); early > today {
			s.review = soonest(s.review, early)
		}
	case status == model.Pending && start != "":
		s.status = model.Active
		s.reason = fmt.Sprintf("%s gave %s as the first day", r.Source, start)
	}
	return s
}

func statusWord(r *model.Record) string {
	if r.RawStatus != "" {
		return r.RawStatus
	}
	if r.Status == model.Dated {
		return "employed, by start and end dates"
	}
	return string(r.Status)
}

func soonest(a, b model.Date) model.Date {
	if a == "" || (b != "" && b < a) {
		return b
	}
	return a
}

// live reports whether a record stands for someone who works here or will.
func live(r *model.Record, today model.Date, p *Policy) bool {
	if r.Gone || r.Scope.State == model.OutOfScope {
		return false
	}
	return stand(r, today, p).status != model.Inactive
}

// verdict is what all records of a person together say.
type verdict struct {
	status model.Status
	access model.Access
	reason string
	review model.Date
}

// decide combines the standings of a person's records. Nobody is inactive while
// one source holds them active; leave and pending count for more than inactive,
// and unknown for more than inactive, because it may be any of them.
func decide(records []*model.Record, today model.Date, p *Policy) verdict {
	var v verdict
	var best *standing
	var bestStart model.Date
	counted := 0
	for _, r := range records {
		switch r.Scope.State {
		case model.OutOfScope:
			continue
		case model.HeldScope:
			return verdict{status: model.Unknown, access: model.AccessKeep, reason: r.Scope.Reason}
		}
		counted++
		s := stand(r, today, p)
		v.review = soonest(v.review, s.review)
		if best == nil || weight(s.status) > weight(best.status) {
			best, bestStart = &s, model.Date(r.Attributes.Text(model.StartDate))
		} else if s.status == model.Pending && best.status == model.Pending {
			bestStart = soonest(bestStart, model.Date(r.Attributes.Text(model.StartDate)))
		}
	}
	if counted == 0 {
		reason := "no record takes part"
		if len(records) > 0 {
			reason = records[0].Scope.Reason
		}
		return verdict{status: model.Unknown, access: model.AccessKeep, reason: reason}
	}
	v.status, v.reason = best.status, best.reason
	switch best.status {
	case model.Active:
		v.access = model.AccessOn
	case model.Leave:
		v.access = model.AccessOn
		if p.LeaveDeactivates {
			v.access = model.AccessOff
			v.reason += ", and [policy.lifecycle] leave deactivates"
		}
	case model.Pending:
		v.access = model.AccessKeep
		if bestStart != "" && AddDays(bestStart, -p.CreateBeforeStart) <= today {
			v.access = model.AccessOn
		}
	case model.Inactive:
		v.access = model.AccessOff
	default:
		v.access = model.AccessKeep
	}
	return v
}

func weight(s model.Status) int {
	switch s {
	case model.Active:
		return 5
	case model.Leave:
		return 4
	case model.Pending:
		return 3
	case model.Unknown:
		return 2
	case model.Inactive:
		return 1
	}
	return 2
}
