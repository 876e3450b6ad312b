package reconcile

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"rollcall/appliance/identity"
	"rollcall/appliance/model"
)

// crowd is a company of n records: each human has one in HR and one in the
// identity provider, linked to one person; one in fifty left and came back, one
// in two hundred has a duplicate that is frozen.
func crowd(n int) Input {
	w := newWorld()
	in := Input{Today: w.today, Policy: w.policy}
	persons := map[model.PersonID]model.Person{}
	add := func(r model.Record, person string) {
		r.Person = model.PersonID(person)
		r.Identifiers, _ = identity.Of(r.Attributes, false)
		in.Records = append(in.Records, r)
		if person != "" {
			persons[r.Person] = model.Person{ID: r.Person}
		}
	}
	for i := 0; len(in.Records) < n; i++ {
		who := func(source, native string) model.Record {
			return says(source, native, "given_name", letters(i), "family_name", "Doe", "email", mail(fmt.Sprintf("p%d", i)), "title", "Engineer",
				"department", "R&D", "site", "Lyon", "employee_number", fmt.Sprint(i), "start_date", "2020-01-01", "birth_date", "1990-02-03")
		}
		id := fmt.Sprintf("p-%07d", i)
		add(who("hr", fmt.Sprintf("%07d", i)), id)
		add(who("idp", fmt.Sprintf("%07d", i)), id)
		switch {
		case i%200 == 0:
			add(who("hr", fmt.Sprintf("%07d-twin", i)), "")
		case i%50 == 0:
			add(ended(who("hr", fmt.Sprintf("%07d-before", i))), id)
		}
	}
	for _, p := range persons {
		in.Persons = append(in.Persons, p)
	}
	in.Hot = HotIdentifiers(in.Records, in.Policy)
	return in
}

func letters(n int) string {
	b := []byte(fmt.Sprint(n))
	for i := range b {
		b[i] += 'a' - '0'
	}
	return string(b)
}

// BenchmarkPlanEverything plans 100,000 records as a whole: the promise is less
// than a second on an idle machine. Beside the time that passed it reports what the
// processors spent, which other work on the machine does not change, and how many
// times that is of the floor: looking at every identifier of every record once.
func BenchmarkPlanEverything(b *testing.B) {
	in := crowd(100_000)
	spent := processors()
	n := 0
	for range 5 {
		HotIdentifiers(in.Records, in.Policy)
		n++
	}
	floor := (processors() - spent) / time.Duration(n)
	b.ReportAllocs()
	spent = processors()
	for b.Loop() {
		plan := PlanRoster(in)
		if len(plan.Links) != len(in.Records) || len(plan.Conflicts) == 0 {
			b.Fatalf("%d links, %d conflicts", len(plan.Links), len(plan.Conflicts))
		}
	}
	each := (processors() - spent) / time.Duration(b.N)
	b.ReportMetric(each.Seconds(), "cpu-s/op")
	b.ReportMetric(float64(each)/float64(max(floor, 1)), "x-floor")
}

// processors is the time that the process has used on all of them.
func processors() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
