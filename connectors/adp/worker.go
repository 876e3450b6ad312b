package adp

import (
	"strings"
	"time"

	"rollcall/appliance/model"
)

// worker is one worker as ADP sent it, decoded without floats.
type worker = map[string]any

// mapped turns a worker into an observation. It never fails: what cannot be
// understood is left out, and noted where a human should know.
func (s *Source) mapped(id string, w worker) model.Observation {
	m := mapping{worker: w, assignment: current(w), Observation: model.Observation{
		Native: id, Attributes: make(model.Attributes, 20), Fields: make(map[model.Name]string, 20),
	}}
	m.set(model.Email, m.email())
	m.set(model.GivenName, m.text("person.legalName.givenName"))
	m.set(model.FamilyName, m.text("person.legalName.familyName1"))
	m.set(model.DisplayName, m.displayName())
	m.set(model.EmployeeNumber, m.text("workerID.idValue"))
	m.set(model.Manager, m.manager())
	m.set(model.Title, m.assigned("jobTitle").or(m.assignedLabel("jobCode")))
	m.set(model.Department, m.unit("department"))
	m.set(model.Division, m.unit("division"))
	// Workforce Now calls it Cost Number; the others are guesses (unverified).
	m.set(model.CostCenter, m.unit("costcenter", "costnumber"))
	m.set(model.Organization, m.assignedLabel("payrollGroupCode"))
	m.set(model.Site, m.assignedLabel("homeWorkLocation.nameCode").or(m.assigned("homeWorkLocation.address.cityName")))
	m.set(model.ContractType, m.assignedLabel("workerTypeCode"))
	m.set(model.TimeZone, m.assigned("workerTimeProfile.timeZoneCode"))
	m.set(model.WorkPhone, m.phone("landlines"))
	m.set(model.MobilePhone, m.phone("mobiles"))
	m.set(model.Gender, m.gender())
	m.set(model.BirthDate, m.date(m.text("person.birthDate")))
	m.set(model.FirstHiredOn, m.date(m.text("workerDates.originalHireDate")))
	m.set(model.StartDate, m.startDate())
	m.set(model.EndDate, m.endDate())
	m.set(model.Locale, m.locale())
	m.status(s.cfg.Now())
	m.Document = s.document(w, m.assignment)
	return m.Observation
}

// current returns the assignment that counts: the primary one unless it is
// terminated, else of those that are not terminated the one hired for last, else
// of all. ADP keeps ended assignments in the list, often in front.
func current(w worker) worker {
	list, _ := w["workAssignments"].([]any)
	var best worker
	for _, v := range list {
		a, ok := v.(worker)
		if ok && (best == nil || outranks(a, best)) {
			best = a
		}
	}
	return best
}

// outranks reports whether assignment a counts for more than b. The order of the
// list decides nothing.
func outranks(a, b worker) bool {
	if over, other := ended(a), ended(b); over != other {
		return other
	}
	if primary := a["primaryIndicator"] == true; primary != (b["primaryIndicator"] == true) && !ended(a) {
		return primary
	}
	for _, name := range []string{"hireDate", "itemID"} {
		x, _ := text(a[name])
		y, _ := text(b[name])
		if x != y {
			return x > y
		}
	}
	return false
}

func ended(assignment worker) bool {
	v, _ := get(assignment, "assignmentStatus", "statusCode")
	return standingOf(v) == terminated
}

// standing is what a status code means. Codes of leave differ by product
// (unverified), and single letters are those of assignments.
type standing int

const (
	unstated standing = iota // no code at all
	active
	onLeave
	inactive
	terminated
	other // a code we do not know
)

func standingOf(code any) standing {
	switch word := strings.ToLower(strings.TrimSpace(codeOf(code))); word {
	case "":
		return unstated
	case "active", "a":
		return active
	case "leave", "l", "leave of absence", "on leave", "loa":
		return onLeave
	case "inactive", "i":
		return inactive
	case "terminated", "t":
		return terminated
	}
	return other
}

// status derives the status from the worker's and from the assignment's. Where
// the two contradict each other the status is unknown, which deactivates nobody.
func (m *mapping) status(now time.Time) {
	ofWorker, _ := get(m.worker, "workerStatus", "statusCode")
	ofAssignment, _ := get(m.assignment, "assignmentStatus", "statusCode")
	m.RawStatus = codeOf(ofWorker)
	if code := codeOf(ofAssignment); code != "" && m.RawStatus != "" {
		m.RawStatus += ", assignment " + code
	}
	m.Status = model.Unknown
	switch standingOf(ofWorker) {
	case terminated:
		m.Status = model.Inactive
	case onLeave:
		m.Status = model.Leave
	case inactive:
		m.Status = model.Inactive
		// Some leaves make the worker inactive; the assignment tells them apart.
		if standingOf(ofAssignment) == onLeave {
			m.Status = model.Leave
		}
	case active:
		switch standingOf(ofAssignment) {
		case active, unstated:
			m.Status = model.Active
		case onLeave:
			m.Status = model.Leave
		default:
			m.note("the worker is active and no assignment is: the status is unknown")
		}
	case other:
		m.note("the worker status is not one that is known: the status is unknown")
	}
	// Somebody hired for a day to come is active in ADP already. The calendar of
	// the customer decides about the day itself when planning.
	if start := m.Attributes.Text(model.StartDate); m.Status == model.Active && start > now.UTC().Format(time.DateOnly) {
		m.Status = model.Pending
	}
}

// startDate is when the current assignment began; a rehire has a new one.
func (m *mapping) startDate() fact {
	return m.date(m.assigned("hireDate")).or(m.date(m.assigned("actualStartDate"))).
		or(m.date(m.text("workerDates.rehireDate"))).or(m.date(m.text("workerDates.originalHireDate")))
}

// endDate is when the employment ended or will. A date before the current start
// is that of an earlier employment. ADP leaves empty dates out, so where it shows
// a worker's dates without an end, there is none: otherwise a termination that
// was taken back would never be cleared.
func (m *mapping) endDate() fact {
	end := m.date(m.assigned("terminationDate")).or(m.date(m.text("workerDates.terminationDate")))
	start := m.startDate()
	if end.value.Text != "" && start.value.Text != "" && end.value.Text < start.value.Text {
		return fact{told: true, value: model.Null(), field: end.field}
	}
	if _, dates := m.worker["workerDates"].(worker); dates && !end.told && !end.unreadable {
		return fact{told: true, value: model.Null(), field: "workerDates.terminationDate"}
	}
	return end
}
