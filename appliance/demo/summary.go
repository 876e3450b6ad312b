package demo

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"rollcall/appliance/admin"
	"rollcall/appliance/model"
)

// Summary is what came of a demo. Everything in it was read from the appliance
// or counted in the simulated Javelo. It is what --json prints.
type Summary struct {
	People   int    `json:"people"`   // in the roster
	Accounts int    `json:"accounts"` // active in Javelo
	Effects  ledger `json:"effects"`  // what was done to accounts
	// What was not done, and why.
	Held      []Reason `json:"held"`       // by a guard
	Frozen    []Reason `json:"frozen"`     // by a conflict
	Reported  []Reason `json:"reported"`   // conflicts that stop nothing
	Waiting   []Reason `json:"waiting"`    // people who cannot get an account yet
	LeftAlone []Reason `json:"left_alone"` // people and accounts that are not rollcall's to change
	// Requests, Reads and Writes are what Javelo received.
	Requests int `json:"requests"`
	Reads    int `json:"reads"`
	Writes   int `json:"writes"`
	// MostWrites is the largest number of writes to one account during the first
	// sync, WrittenTwice how many accounts needed a second one. Both are 0 when
	// the simulator's log does not reach back that far.
	MostWrites   int `json:"most_writes_per_person"`
	WrittenTwice int `json:"written_twice"`
	// FurtherWrites is how many writes one more run caused.
	FurtherWrites int `json:"further_writes"`
}

// Reason is a number of people or accounts and what keeps them where they are.
type Reason struct {
	Count int    `json:"count"`
	Why   string `json:"why"`
}

// sum is act 6.
func (s *story) sum(ctx context.Context) error {
	s.act(6, "The sum")
	writes := s.javelo.Writes()
	if _, err := s.read(ctx, "hibob", "lucca"); err != nil {
		return err
	}
	if s.summary.FurtherWrites = s.javelo.Writes() - writes; s.summary.FurtherWrites != 0 {
		return untold(6, "a further run with nothing changed wrote %d times", s.summary.FurtherWrites)
	}
	if err := s.measure(ctx); err != nil {
		return err
	}
	rows := [][]string{
		row(s.summary.Effects.Created, "created", "had no account"),
		row(s.summary.Effects.Adopted, "adopted", "had one already"),
		row(s.summary.Effects.Updated, "updated", "changed later"),
		row(s.summary.Effects.Deactivated, "deactivated", "left; nothing is ever deleted"),
		row(s.summary.Effects.Reactivated, "reactivated", "had a disabled account, and work here"),
	}
	for _, part := range []struct {
		word    string
		reasons []Reason
	}{{"held", s.summary.Held}, {"frozen", s.summary.Frozen}, {"waiting", s.summary.Waiting}, {"reported", s.summary.Reported}, {"left alone", s.summary.LeftAlone}} {
		for _, r := range part.reasons {
			rows = append(rows, row(r.Count, part.word, r.Why))
		}
	}
	s.table(rows)
	s.say("Javelo received %s in all: %s and %s. %s have an active account through rollcall.", count(s.summary.Requests, "request", "requests"),
		count(s.summary.Reads, "read", "reads"), count(s.summary.Writes, "write", "writes"), people(s.summary.Accounts))
	if s.summary.MostWrites > 0 {
		s.say("The first sync took one write per person; %s needed a second, because of the circle.", people(s.summary.WrittenTwice))
	}
	s.say("Both HR systems were read once more just now: %s to Javelo.", count(s.summary.FurtherWrites, "write", "writes"))
	return nil
}

func row(n int, what, why string) []string { return []string{strconv.Itoa(n), what, why} }

// measure fills in the summary.
func (s *story) measure(ctx context.Context) error {
	var err error
	if s.summary.Effects, err = s.ledger(ctx); err != nil {
		return err
	}
	st, err := s.client.Status(ctx)
	if err != nil {
		return err
	}
	roster, err := s.roster(ctx)
	if err != nil {
		return err
	}
	s.summary.People, s.summary.Accounts = len(roster), st.Targets[0].Accounts
	s.summary.Requests, s.summary.Writes = s.javelo.Total(), s.javelo.Writes()
	s.summary.Reads = s.summary.Requests - s.summary.Writes
	if s.summary.Held, err = s.held(ctx); err != nil {
		return err
	}
	conflicts, err := s.client.Conflicts(ctx)
	if err != nil {
		return err
	}
	s.summary.Frozen, s.summary.Reported = conflictReasons(conflicts)
	s.summary.Waiting = personReasons(roster, func(p admin.Person) string { return p.Waiting })
	s.summary.LeftAlone = personReasons(roster, leftAlone)
	plan, err := s.client.Plan(ctx, "")
	if err != nil {
		return err
	}
	if n := len(plan.Uncovered); n > 0 {
		s.summary.LeftAlone = append(s.summary.LeftAlone, Reason{n, "accounts in Javelo that no source covers"})
	}
	return nil
}

// held lists what waits for approve or reject.
func (s *stage) held(ctx context.Context) ([]Reason, error) {
	runs, err := s.client.Runs(ctx, admin.Page{})
	if err != nil {
		return nil, err
	}
	out := []Reason{}
	for _, run := range runs {
		for _, h := range run.Holds {
			if h.State == model.HoldWaiting {
				out = append(out, Reason{h.Count, fmt.Sprintf("%s: %s (rollcall approve %d)", h.Guard, h.Reason, run.Seq)})
			}
		}
	}
	return out, nil
}

// conflictReasons counts the people that conflicts concern, by rule.
func conflictReasons(conflicts []admin.Conflict) (frozen, reported []Reason) {
	freeze, report := map[string]int{}, map[string]int{}
	for _, q := range conflicts {
		why := strings.ReplaceAll(q.Kind, "_", " ") + ": " + q.Rule
		n := max(1, len(q.Records), len(q.Persons))
		switch model.ConflictKind(q.Kind) {
		case model.PersonalEmail, model.MissingIdentifier:
			continue // they wait, and are counted there
		}
		if q.Freezes {
			freeze[why] += n
		} else {
			report[why] += n
		}
	}
	return reasons(freeze), reasons(report)
}

func personReasons(roster []admin.Person, why func(admin.Person) string) []Reason {
	counted := map[string]int{}
	for _, p := range roster {
		if text := why(p); text != "" {
			counted[text]++
		}
	}
	return reasons(counted)
}

// leftAlone says why nothing is done about somebody who is neither wanted nor
// unwanted.
func leftAlone(p admin.Person) string {
	if p.Access != "keep" {
		return ""
	}
	if p.Status == string(model.Pending) {
		return "hired, and too early for an account"
	}
	return p.Reason
}

func reasons(counted map[string]int) []Reason {
	out := make([]Reason, 0, len(counted))
	for why, n := range counted {
		out = append(out, Reason{n, why})
	}
	slices.SortFunc(out, func(a, b Reason) int { return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Why, b.Why)) })
	return out
}
