package reconcile

import (
	"strings"
	"testing"

	"rollcall/appliance/model"
)

const today = model.Date("2026-11-22")

// TestStatusPerSource is the table of §8.2 of the reference, as far as it is
// decided here: connectors turn the vendor's words into one of the statuses (or
// Dated), and the dates decide the rest.
func TestStatusPerSource(t *testing.T) {
	const past, future = "2026-11-21", "2026-11-23"
	d := func(status model.Status, start, end string) model.Record {
		r := says("hr", "1")
		r.Status = status
		if start != "-" {
			r.Attributes[model.StartDate] = model.Text(start)
		}
		if end != "-" {
			r.Attributes[model.EndDate] = model.Text(end)
		}
		return r
	}
	for _, tc := range []struct {
		name string
		r    model.Record
		want model.Status
	}{
		{"HiBob hired, first day ahead", d(model.Pending, future, "-"), model.Pending},
		{"HiBob hired, first day passed and not flipped yet", d(model.Pending, past, "-"), model.Active},
		{"HiBob hired, first day today", d(model.Pending, string(today), "-"), model.Active},
		{"HiBob hired without a first day", d(model.Pending, "-", "-"), model.Pending},
		{"HiBob employed", d(model.Active, past, "-"), model.Active},
		{"HiBob employed with an end ahead", d(model.Active, past, future), model.Active},
		{"HiBob on leave", d(model.Leave, past, "-"), model.Leave},
		{"HiBob on leave with an end that passed", d(model.Leave, past, past), model.Inactive},
		{"HiBob terminated", d(model.Inactive, past, past), model.Inactive},
		{"HiBob terminated although the end is ahead", d(model.Inactive, past, future), model.Inactive},
		{"HiBob without internal keys", d(model.Unknown, past, past), model.Unknown},
		{"Lucca v3 before the contract", d(model.Dated, future, "-"), model.Pending},
		{"Lucca v3 on the first day", d(model.Dated, string(today), "-"), model.Active},
		{"Lucca v3 with an open end", d(model.Dated, past, ""), model.Active},
		{"Lucca v3 on the last day", d(model.Dated, past, string(today)), model.Active},
		{"Lucca v3 on the day after", d(model.Dated, "2020-01-01", past), model.Inactive},
		{"Lucca v3 with only an end that passed", d(model.Dated, "-", past), model.Inactive},
		{"Lucca v3 with neither date readable", d(model.Dated, "-", "-"), model.Unknown},
		{"Lucca v3 between two contracts", d(model.Dated, future, past), model.Pending},
		{"Lucca new, upcoming", d(model.Pending, future, "-"), model.Pending},
		{"Lucca new, active", d(model.Active, past, ""), model.Active},
		{"Lucca new, deactivated", d(model.Inactive, past, "-"), model.Inactive},
		{"Lucca new, any other word", d(model.Unknown, past, "-"), model.Unknown},
		{"ADP active and hired for a future day", d(model.Active, future, "-"), model.Pending},
		{"ADP active", d(model.Active, past, "-"), model.Active},
		{"ADP on leave", d(model.Leave, past, "-"), model.Leave},
		{"ADP terminated", d(model.Inactive, past, past), model.Inactive},
		{"ADP terminated and rehired for a future day", d(model.Active, future, past), model.Pending},
		{"ADP without a worker status", d(model.Unknown, "-", "-"), model.Unknown},
		{"SCIM active", d(model.Active, "-", "-"), model.Active},
		{"SCIM inactive", d(model.Inactive, "-", "-"), model.Inactive},
		{"SCIM that never said", d(model.Unknown, "-", "-"), model.Unknown},
	} {
		if got := stand(&tc.r, today, &Policy{}); got.status != tc.want || got.reason(&tc.r) == "" {
			t.Errorf("%s: %s (%s), want %s", tc.name, got.status, got.reason(&tc.r), tc.want)
		}
	}
}

func TestEndOfEmploymentFollowsTheCustomersCalendar(t *testing.T) {
	r := says("hr", "1", "start_date", "2020-01-01", "end_date", "2026-11-22")
	for _, tc := range []struct {
		today model.Date
		after int
		want  model.Access
		next  model.Date
	}{
		{"2026-11-21", 0, model.AccessOn, "2026-11-23"},
		{"2026-11-22", 0, model.AccessOn, "2026-11-23"}, // the last day counts whole
		{"2026-11-23", 0, model.AccessOff, ""},
		{"2026-11-29", 7, model.AccessOn, "2026-11-30"},
		{"2026-11-30", 7, model.AccessOff, ""},
		{"2027-02-28", 100, model.AccessOn, "2027-03-03"}, // across a year and a short month
	} {
		v := combine(tc.today, &Policy{DeactivateAfterEnd: tc.after}, r)
		if v.access != tc.want || v.review != tc.next {
			t.Errorf("on %s with %d days of grace: %s until %q, want %s until %q", tc.today, tc.after, v.access, v.review, tc.want, tc.next)
		}
	}
}

func combine(today model.Date, p *Policy, records ...model.Record) verdict {
	var list []*model.Record
	for _, r := range records {
		list = append(list, &r)
	}
	return decide(list, today, p)
}

func TestAccountIsMadeSomeDaysBeforeTheFirst(t *testing.T) {
	r := says("hr", "1", "start_date", "2026-12-01")
	for _, tc := range []struct {
		today  model.Date
		before int
		status model.Status
		access model.Access
		next   model.Date
	}{
		{"2026-11-22", 0, model.Pending, model.AccessKeep, "2026-12-01"},
		{"2026-11-30", 0, model.Pending, model.AccessKeep, "2026-12-01"},
		{"2026-12-01", 0, model.Active, model.AccessOn, ""},
		{"2026-11-22", 7, model.Pending, model.AccessKeep, "2026-11-24"},
		{"2026-11-23", 7, model.Pending, model.AccessKeep, "2026-11-24"},
		{"2026-11-24", 7, model.Pending, model.AccessOn, "2026-12-01"},
		{"2026-11-30", 7, model.Pending, model.AccessOn, "2026-12-01"},
		{"2026-12-02", 7, model.Active, model.AccessOn, ""},
	} {
		v := combine(tc.today, &Policy{CreateBeforeStart: tc.before}, r)
		if v.status != tc.status || v.access != tc.access || v.review != tc.next {
			t.Errorf("on %s, %d days before: %s, %s until %q; want %s, %s until %q", tc.today, tc.before, v.status, v.access, v.review, tc.status, tc.access, tc.next)
		}
	}
}

func TestNextReviewIsTheEarliestDayAnythingChanges(t *testing.T) {
	short := says("hr", "1", "start_date", "2026-12-01", "end_date", "2026-12-10")
	if v := combine(today, &Policy{CreateBeforeStart: 3}, short); v.review != "2026-11-28" {
		t.Errorf("review on %q, want the day the account may be made", v.review)
	}
	other := says("idp", "1", "start_date", "2020-01-01", "end_date", "2026-11-24")
	for _, order := range [][]model.Record{{short, other}, {other, short}} {
		if v := combine(today, &Policy{}, order...); v.review != "2026-11-25" || v.status != model.Active {
			t.Errorf("%s until %q, want the earlier change of the other source", v.status, v.review)
		}
	}
}

func TestSourcesTogetherDecideAccess(t *testing.T) {
	active, leaver, pending, leave, unknown := says("hr", "1"), ended(says("idp", "2")), says("adp", "3", "start_date", "2027-01-01"), says("idp", "4"), says("adp", "5")
	leave.Status, leave.RawStatus = model.Leave, "parental leave"
	unknown.Status = model.Unknown
	out, held, gone := says("idp", "6"), says("idp", "7"), says("idp", "8")
	out.Scope = model.Scope{State: model.OutOfScope, Reason: "left out by scope"}
	held.Scope = model.Scope{State: model.HeldScope, Reason: "the skip field cannot be read"}
	gone.Gone = true
	goneLeaver := ended(gone)
	for _, tc := range []struct {
		name    string
		policy  Policy
		records []model.Record
		status  model.Status
		access  model.Access
	}{
		{"one source holds them active", Policy{}, []model.Record{active, leaver}, model.Active, model.AccessOn},
		{"whichever comes first", Policy{}, []model.Record{leaver, active}, model.Active, model.AccessOn},
		{"all sources say they left", Policy{}, []model.Record{leaver, goneLeaver}, model.Inactive, model.AccessOff},
		{"active here counts for more than leave there", Policy{LeaveDeactivates: true}, []model.Record{leave, active}, model.Active, model.AccessOn},
		{"leave keeps the account", Policy{}, []model.Record{leave, leaver}, model.Leave, model.AccessOn},
		{"leave deactivates where policy says so", Policy{LeaveDeactivates: true}, []model.Record{leave}, model.Leave, model.AccessOff},
		{"a rehire ahead keeps whatever there is", Policy{}, []model.Record{leaver, pending}, model.Pending, model.AccessKeep},
		{"unknown is not left", Policy{}, []model.Record{leaver, unknown}, model.Unknown, model.AccessKeep},
		{"unknown is not active either", Policy{}, []model.Record{unknown}, model.Unknown, model.AccessKeep},
		{"active counts for more than unknown", Policy{}, []model.Record{unknown, active}, model.Active, model.AccessOn},
		{"absent deactivates", Policy{AbsentDeactivates: true}, []model.Record{gone}, model.Inactive, model.AccessOff},
		{"absent keeps", Policy{}, []model.Record{gone}, model.Unknown, model.AccessKeep},
		{"absent after leaving is left under both", Policy{}, []model.Record{goneLeaver}, model.Inactive, model.AccessOff},
		{"absent here, active there", Policy{AbsentDeactivates: true}, []model.Record{gone, active}, model.Active, model.AccessOn},
		{"out of scope says nothing", Policy{}, []model.Record{out, leaver}, model.Inactive, model.AccessOff},
		{"nobody takes part", Policy{}, []model.Record{out}, model.Unknown, model.AccessKeep},
		{"a skip field that cannot be read keeps everything", Policy{}, []model.Record{leaver, held}, model.Unknown, model.AccessKeep},
	} {
		v := combine(today, &tc.policy, tc.records...)
		if v.status != tc.status || v.access != tc.access || v.reason == "" {
			t.Errorf("%s: %s, %s (%s); want %s, %s", tc.name, v.status, v.access, v.reason, tc.status, tc.access)
		}
	}
}

func TestEarliestOfSeveralFirstDaysDecidesWhenTheAccountIsMade(t *testing.T) {
	late, early := says("hr", "1", "start_date", "2027-01-10"), says("idp", "2", "start_date", "2026-11-25")
	for _, order := range [][]model.Record{{late, early}, {early, late}} {
		if v := combine(today, &Policy{CreateBeforeStart: 7}, order...); v.access != model.AccessOn {
			t.Errorf("access is %s three days before the earlier first day", v.access)
		}
	}
}

func TestReasonsNameTheSourceAndItsOwnWord(t *testing.T) {
	leave := says("hibob", "1")
	leave.Status, leave.RawStatus = model.Leave, "garden leave"
	v := combine(today, &Policy{LeaveDeactivates: true}, leave)
	for _, part := range []string{"hibob", "garden leave", "[policy.lifecycle] leave"} {
		if !strings.Contains(v.reason, part) {
			t.Errorf("%q does not name %q", v.reason, part)
		}
	}
}

func TestAddDaysCrossesMonthsAndLeavesUnreadableDatesAlone(t *testing.T) {
	for _, tc := range []struct {
		d    model.Date
		n    int
		want model.Date
	}{{"2026-12-31", 1, "2027-01-01"}, {"2028-02-28", 1, "2028-02-29"}, {"2027-03-01", -1, "2027-02-28"}, {"soon", 3, "soon"}, {"", 1, ""}} {
		if got := AddDays(tc.d, tc.n); got != tc.want {
			t.Errorf("AddDays(%q, %d) = %q, want %q", tc.d, tc.n, got, tc.want)
		}
	}
}
