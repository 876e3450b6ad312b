package guide_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"time"

	"rollcall/appliance/admin"
	"rollcall/appliance/model"
	"rollcall/connectors/cast"
)

// before brings about what a command takes for granted: that the appliance runs,
// that somebody was pushed, that something is held or asked.
func (r *reader) before(command string) {
	r.t.Helper()
	switch {
	case strings.HasPrefix(command, "compact"):
		r.halt() // the guide says to
		return
	case strings.HasPrefix(command, "config check"), strings.HasPrefix(command, "metrics"), strings.HasPrefix(command, "install"),
		strings.HasPrefix(command, "uninstall"), strings.HasPrefix(command, "restore"):
		return
	}
	r.csvFile()
	r.start()
	switch {
	case strings.HasPrefix(command, "requests --source"):
		defer r.heard()
		r.push(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"jane@example.com","active":true,"name":{"givenName":"Jane","familyName":"Doe"},"emails":[{"value":"jane@example.com","type":"work","primary":true}]}`)
	case strings.HasPrefix(command, "deliveries resume"), r.topic == "first-activation" && command == "status":
		r.listed()
	}
	switch r.topic {
	case "holds":
		r.holdsBefore(command)
	case "conflicts":
		r.relay()
		if strings.Contains(command, "c_9f2c") && !strings.HasPrefix(command, "conflicts undo") || command == "conflicts" {
			r.twin()
		}
	case "operations", "javelo", "elevo":
		r.read()
	case "first-activation":
		if command == "activate hibob --yes" {
			r.anew()
		}
	case "security":
		r.relay()
		if strings.HasPrefix(command, "forget") {
			r.hibob.Terminate(3, "2026-01-31") // who works here is refused
			r.read()
		}
	}
}

// listed waits until the accounts of all targets are known.
func (r *reader) listed() {
	r.t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		var st admin.Status
		r.ask(&st, "status")
		unlisted := false
		for _, target := range st.Targets {
			unlisted = unlisted || target.Listed.IsZero()
		}
		if !unlisted {
			return
		}
	}
	r.t.Errorf("the accounts are not listed:\n%s", r.log)
}

// heard waits until what was pushed is in the list of requests, which is written now
// and then.
func (r *reader) heard() {
	r.t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		var list []admin.Request
		r.ask(&list, "requests")
		if len(list) > 0 {
			return
		}
	}
	r.t.Error("the request is not in the list")
}

// anew begins again, with a database that knows nobody.
func (r *reader) anew() {
	r.t.Helper()
	r.halt()
	if err := os.RemoveAll(r.path("lib")); err != nil {
		r.t.Fatal(err)
	}
	r.start()
	r.read()
}

// after remembers what later commands speak of.
func (r *reader) after(command, out string) {
	switch {
	case strings.HasPrefix(command, "token create"):
		r.token = strings.TrimSpace(out)
	case strings.HasPrefix(command, "conflicts resolve") && !strings.Contains(command, "--dry-run"):
		r.settled = r.conflict.ID
	}
}

// csvFile drops a file for those who read one.
func (r *reader) csvFile() {
	if r.topic != "csv" {
		return
	}
	path := r.path("lib/drop/people.csv")
	if _, err := os.Stat(path); err == nil {
		return
	}
	_, sample, _ := strings.Cut(r.text, "```text\n")
	sample, _, _ = strings.Cut(sample, "```")
	if err := os.WriteFile(path, []byte(sample), 0o600); err != nil {
		r.t.Fatal(err)
	}
	if err := os.Chtimes(path, past(), past()); err != nil {
		r.t.Fatal(err)
	}
}

// read reads HiBob whole.
func (r *reader) read() {
	r.t.Helper()
	r.ask(nil, "sync", "hibob", "--wait")
}

// relay reads and activates HiBob, and waits until all is delivered.
func (r *reader) relay() {
	r.t.Helper()
	r.read()
	var st admin.Status
	r.ask(&st, "status")
	for _, s := range st.Sources {
		if s.Name == "hibob" && s.State == "preview" {
			r.ask(nil, "activate", "hibob", "--yes")
		}
	}
	r.read()
}

// holdsBefore brings about a hold, or a run that wrote something.
func (r *reader) holdsBefore(command string) {
	r.t.Helper()
	switch {
	case command == "activate hibob --waves":
		r.anew()
		return
	case command == "apply plan.json --waves":
		r.anew()
		r.ask(nil, "plan", "hibob", "--out", r.path("plan.json"))
		return
	case strings.HasPrefix(command, "undo"), command == "status", strings.HasPrefix(command, "apply"), strings.HasPrefix(command, "plan"):
		r.relay()
		return
	}
	r.relay()
	if r.heldRun() == 0 || strings.HasPrefix(command, "approve") || strings.HasPrefix(command, "reject") {
		r.leave()
	}
}

// leave lets more people leave than a run may switch off, Jane and Omar among them.
func (r *reader) leave() {
	r.t.Helper()
	for _, i := range []int{3, 4} {
		r.hibob.Rehire(i, "2024-01-08")
	}
	r.read()
	for range 6 {
		r.hibob.Terminate(10+r.leavers, "2026-01-31")
		r.leavers++
	}
	for _, i := range []int{3, 4} {
		r.hibob.Terminate(i, "2026-01-31")
	}
	r.read()
}

// heldRun is the newest run with a hold that waits, 0 when there is none.
func (r *reader) heldRun() uint64 {
	r.t.Helper()
	var runs []model.Run
	r.ask(&runs, "runs")
	var found uint64
	for _, run := range runs {
		for _, h := range run.Holds {
			if h.State == "waiting" {
				found = max(found, run.Seq)
			}
		}
	}
	return found
}

// written is the newest run that wrote to accounts.
func (r *reader) written() uint64 {
	r.t.Helper()
	var runs []model.Run
	r.ask(&runs, "runs")
	var found uint64
	for _, run := range runs {
		if run.Counts.Create+run.Counts.Update+run.Counts.Deactivate > 0 && len(run.Holds) == 0 {
			found = max(found, run.Seq)
		}
	}
	return found
}

// twin gives two people of HiBob one address, which is a conflict to settle.
func (r *reader) twin() {
	r.t.Helper()
	r.twins++
	email := fmt.Sprintf("twin%d@example.com", r.twins)
	for _, given := range []string{"Ida", "Ina"} {
		r.hibob.Hire(cast.Person{Given: given, Family: fmt.Sprintf("Zwilling%d", r.twins), Email: email, EmployeeNumber: fmt.Sprintf("9%04d%s", r.twins, given), Title: "Clerk", Department: "Ops", Status: "employed", Start: "2024-01-08", Manager: -1})
	}
	r.read()
	var open []admin.Conflict
	r.ask(&open, "conflicts")
	for _, q := range open {
		for _, id := range q.Identifiers {
			if strings.Contains(id, email) {
				r.ask(&r.conflict, "conflicts", "show", q.ID)
				return
			}
		}
	}
	r.t.Fatalf("two people with one address are no conflict: %+v", open)
}

var (
	runNumber = regexp.MustCompile(`^12$`)
	backupOf  = regexp.MustCompile(`/backups/rollcall-\d{8}T\d{6}Z\.db$`)
)

// fill puts what is there into the place of what the guide makes up.
func (r *reader) fill(args []string) []string {
	r.t.Helper()
	out := make([]string, len(args))
	for i, a := range args {
		a = r.here(a)
		switch {
		case runNumber.MatchString(a) && args[0] == "undo", runNumber.MatchString(a) && r.topic != "holds":
			a = fmt.Sprint(r.written())
		case runNumber.MatchString(a):
			a = fmt.Sprint(r.heldRun())
		case a == "c81378b80ff9b3f8":
			var run admin.RunDetail
			r.ask(&run, "runs", "show", fmt.Sprint(r.heldRun()))
			a = run.Tag
		case strings.HasPrefix(a, "cause:"):
			var run admin.RunDetail
			r.ask(&run, "runs", "show", fmt.Sprint(r.heldRun()))
			if len(run.Causes) == 0 {
				r.t.Fatalf("what is held has no cause: %+v", run)
			}
			a = "cause:" + run.Causes[0].ID
		case backupOf.MatchString(a):
			a = r.path("lib/before-the-change.db")
		case a == "c_9f2c" && args[1] == "undo":
			a = r.settled
		case a == "c_9f2c":
			a = r.conflict.ID
		case a == "t_0123456789":
			var tokens []admin.Token
			r.ask(&tokens, "token", "list")
			a = tokens[0].ID
		case a == "r_1":
			a = r.conflict.Records[0].ID
		case a == "r_2":
			a = r.conflict.Records[1].ID
		case i > 0 && args[i-1] == "--rev":
			a = fmt.Sprint(r.conflict.Rev)
		case strings.HasPrefix(a, "plan.json") || strings.HasSuffix(a, ".json") && !strings.Contains(a, "/"):
			a = r.path(a)
		}
		out[i] = a
	}
	return out
}

// past is when a file was written that nobody writes any more.
func past() time.Time { return time.Now().Add(-time.Hour) }
