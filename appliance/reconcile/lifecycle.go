package reconcile

import "rollcall/appliance/model"

// standing is what one record says about its person on a given day.
type standing struct {
	status  model.Status
	because because
	date    model.Date // that because speaks of
	// review is the next day on which the calendar alone changes the standing.
	review model.Date
}

// because is why a standing is what it is; words are made of it only when needed.
type because int

const (
	becauseSaid because = iota
	becauseGone
	becauseGoneKept
	becauseUndated
	becauseLastDay
	becauseStarts
	becauseStarted
)

// reason says a standing of a record in words.
func (s standing) reason(r *model.Record) string {
	switch s.because {
	case becauseGone:
		return r.Source + " does not list them any more"
	case becauseGoneKept:
		return r.Source + " does not list them any more, and [policy.lifecycle] absent keeps accounts"
	case becauseUndated:
		return r.Source + " gave neither start nor end date"
	case becauseLastDay:
		return r.Source + " gives " + string(s.date) + " as the last day"
	case becauseStarts:
		return r.Source + " says they start on " + string(s.date)
	case becauseStarted:
		return r.Source + " gave " + string(s.date) + " as the first day"
	}
	return r.Source + " says " + statusWord(r)
}

// stand derives the standing of a record: the source's own status, bounded by
// the dates it gave. A date in the future never ends anything, and an end before
// the start belongs to an earlier employment.
func stand(r *model.Record, today model.Date, p *Policy) standing {
	if r.Gone && r.Status != model.Inactive {
		if p.AbsentDeactivates {
			return standing{status: model.Inactive, because: becauseGone}
		}
		return standing{status: model.Unknown, because: becauseGoneKept}
	}
	status := r.Status
	if status == model.Dated {
		if !r.Attributes.Has(model.StartDate) && !r.Attributes.Has(model.EndDate) {
			return standing{status: model.Unknown, because: becauseUndated}
		}
		status = model.Active
	}
	if status != model.Active && status != model.Leave && status != model.Pending {
		return standing{status: status}
	}
	start, end := dateOf(r, model.StartDate), dateOf(r, model.EndDate)
	if end != "" && start != "" && end < start {
		end = ""
	}
	s := standing{status: status}
	if end != "" && today <= AddDays(end, p.DeactivateAfterEnd) {
		s.review = AddDays(end, p.DeactivateAfterEnd+1)
	} else if end != "" {
		return standing{status: model.Inactive, because: becauseLastDay, date: end}
	}
	switch {
	case start != "" && start > today:
		s.status, s.because, s.date = model.Pending, becauseStarts, start
		s.review = soonest(s.review, start)
		if early := AddDays(start, -p.CreateBeforeStart); early > today {
			s.review = soonest(s.review, early)
		}
	case status == model.Pending && start != "":
		s.status, s.because, s.date = model.Active, becauseStarted, start
	}
	return s
}

// dateOf returns a date of a record, empty when it gives none. What is no date
// says nothing about when somebody comes or goes.
func dateOf(r *model.Record, n model.Name) model.Date {
	d := model.Date(r.Attributes.Text(n))
	if !d.Valid() {
		return ""
	}
	return d
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
	var best standing
	var bestRecord *model.Record
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
		if bestRecord == nil || weight(s.status) > weight(best.status) {
			best, bestRecord, bestStart = s, r, dateOf(r, model.StartDate)
		} else if s.status == model.Pending && best.status == model.Pending {
			bestStart = soonest(bestStart, dateOf(r, model.StartDate))
		}
	}
	if counted == 0 {
		reason := "no record takes part"
		if len(records) > 0 {
			reason = records[0].Scope.Reason
		}
		return verdict{status: model.Unknown, access: model.AccessKeep, reason: reason}
	}
	v.status, v.reason = best.status, best.reason(bestRecord)
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

// StatusOn is what one record says about its person on a day, dates included.
func StatusOn(r *model.Record, today model.Date, p *Policy) model.Status {
	return stand(r, today, p).status
}
