package appliance_test

import (
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"rollcall/appliance/readiness"
	"rollcall/connectors/cast"
	"rollcall/connectors/javelo/javelosim"
)

func readinessRows(r readiness.Report, k readiness.Kind) []readiness.Row {
	return slices.DeleteFunc(slices.Clone(r.Rows), func(row readiness.Row) bool { return row.Kind != k })
}

// journalOf counts the events of the journal.
func journalOf(w *world) int {
	w.t.Helper()
	v, err := w.app.VerifyJournal(w.ctx(), "")
	if err != nil {
		w.t.Fatal(err)
	}
	return v.Events
}

func TestReadinessReportOfALiveTenantBeforeActivation(t *testing.T) {
	w := newWorld(t, 48, `
[policy]
email_domains = ["`+cast.Domain+`"]
[sources.hibob.map]
"custom.team" = "work.department"
"custom.gone" = "work.custom.field_0_gone"
`)
	w.javelo.Seed(javelosim.BeforeActivation(w.people))
	w.start()
	w.sync("hibob")
	events, writes := journalOf(w), w.javelo.Writes()

	r, err := w.app.Readiness(w.ctx())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(r.Notices, func(s string) bool { return strings.Contains(s, "permissions of hibob were not looked at") }) {
		t.Errorf("nobody is told that permissions were not looked at: %q", r.Notices)
	}
	if _, err := w.app.Check(w.ctx(), []string{"hibob"}); err != nil {
		t.Fatal(err)
	}
	if r, err = w.app.Readiness(w.ctx()); err != nil {
		t.Fatal(err)
	}

	if !slices.Equal(r.Previewed, []string{"hibob"}) || r.Listed["javelo"].IsZero() {
		t.Errorf("previewed %v, listed %v", r.Previewed, r.Listed)
	}
	// Of twelve people seven have accounts; one of the seven under a personal address.
	matched, fresh, uncovered := readinessRows(r, readiness.Matched), readinessRows(r, readiness.New), readinessRows(r, readiness.Uncovered)
	if len(matched) == 0 || len(fresh) == 0 {
		t.Fatalf("counts: %v", r.Counts)
	}
	for _, row := range matched {
		if row.By != readiness.ByEmail || !strings.EqualFold(row.Account, row.Email) || row.Source != "hibob" || row.Record == "" {
			t.Errorf("matched by something else: %+v", row)
		}
	}
	var logins []string
	for _, row := range uncovered {
		logins = append(logins, row.Account)
	}
	if !slices.Contains(logins, "admin@"+cast.Domain) || !slices.Contains(logins, w.people[2].PersonalEmail) {
		t.Errorf("uncovered: %v", logins)
	}
	near := readinessRows(r, readiness.NearMatch)
	if !slices.ContainsFunc(near, func(row readiness.Row) bool {
		return row.Account == w.people[2].PersonalEmail && row.Email == w.people[2].Email
	}) {
		t.Errorf("the account under a personal address is near nobody: %+v", near)
	}
	if rows := readinessRows(r, readiness.UnreadableField); len(rows) != 1 || rows[0].Field != "work.custom.field_0_gone" || rows[0].Source != "hibob" {
		t.Errorf("unreadable: %+v", rows)
	}
	if unknown := readinessRows(r, readiness.UnknownField); !slices.ContainsFunc(unknown, func(row readiness.Row) bool {
		return row.Attribute == "custom.team" && row.Field == "team" && row.People > 0
	}) {
		t.Errorf("unknown fields: %+v", unknown)
	}
	if journalOf(w) != events || w.javelo.Writes() != writes {
		t.Error("making the report wrote something")
	}

	// What the report says would happen is what activating does.
	w.activate("hibob")
	p, err := w.app.Plan(w.ctx(), "")
	if err != nil {
		t.Fatal(err)
	}
	if held := p.Counts["create"]; w.javelo.Writes() == 0 || held > 0 {
		t.Fatalf("activation left %v", p.Counts)
	}
	created := 0
	for _, row := range fresh {
		created += w.javelo.Creates(row.Email)
	}
	if created != len(fresh) {
		t.Errorf("%d of the %d new people were created", created, len(fresh))
	}
	again, err := w.app.Readiness(w.ctx())
	if err != nil {
		t.Fatal(err)
	}
	if n := again.Counts[readiness.New]; n != 0 || len(again.Previewed) != 0 || again.Counts[readiness.Matched] < len(matched)+len(fresh) {
		t.Errorf("after activation: %v", again.Counts)
	}
	// The listing was made when nobody was in the roster, and everybody's account nobody's.
	status, err := w.app.Status(w.ctx())
	if err != nil {
		t.Fatal(err)
	}
	if n := status.Targets[0].Uncovered; n != len(uncovered) {
		t.Errorf("the status counts %d accounts of nobody, and there are %d", n, len(uncovered))
	}
}

// The report must be there in seconds: 10,000 people in preview, six thousand
// accounts, everything gathered and planned anew.
func BenchmarkReadiness10000(b *testing.B) {
	w := newWorld(b, 10_000, "")
	w.javelo.Seed(javelosim.BeforeActivation(w.people))
	w.start()
	w.sync("hibob")
	var r readiness.Report
	before := cpuSeconds(b)
	for b.Loop() {
		var err error
		if r, err = w.app.Readiness(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric((cpuSeconds(b)-before)/float64(b.N), "cpu-s/op") // on a machine that is busy with others, wall time says little
	b.ReportMetric(float64(len(r.Rows)), "rows")
	if r.Counts[readiness.Matched]+r.Counts[readiness.New] < 9000 {
		b.Fatalf("counts: %v", r.Counts)
	}
}

// cpuSeconds is the processor time that this process has taken.
func cpuSeconds(b *testing.B) float64 {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}
