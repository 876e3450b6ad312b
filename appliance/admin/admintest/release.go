package admintest

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"rollcall/appliance/admin"
	"rollcall/appliance/model"
)

// RunPlan is what of Pending the run caused, described as the plan of what is
// pending describes it.
func (s *Service) RunPlan(ctx context.Context, seq uint64) (admin.Plan, error) {
	_, deliveries, err := s.Run(ctx, seq)
	p := admin.Plan{Counts: map[string]int{}}
	all := s.Plans[""]
	for _, d := range deliveries {
		c := admin.PlanChange{Target: d.Target, Person: d.Person, Effect: d.Effect, Why: d.Reason}
		if i := slices.IndexFunc(all.Changes, func(c admin.PlanChange) bool { return c.Target == d.Target && c.Person.ID == d.Person.ID }); i >= 0 {
			c = all.Changes[i]
		}
		c.State = d.State
		p.Counts[d.Effect]++
		p.Changes = append(p.Changes, c)
		for _, cause := range all.Causes {
			if slices.Contains(c.Causes, cause.ID) && !slices.Contains(p.Causes, cause) {
				p.Causes = append(p.Causes, cause)
			}
		}
	}
	return p, err
}

// ApproveOnly makes those held deliveries of a run ready whose person is named.
func (s *Service) ApproveOnly(_ context.Context, actor string, seq uint64, only admin.Only) (out admin.Settled, err error) {
	what := fmt.Sprintf("approve %d only %s", seq, strings.Join(slices.Concat(only.Persons, only.Departments, only.Causes), " "))
	err = s.do(actor, what, func() error {
		if _, err := s.run(seq); err != nil {
			return err
		}
		for i, d := range s.Pending {
			switch {
			case d.Run != seq || d.State != string(model.JobHeld):
			case slices.Contains(only.Persons, d.Person.ID) || slices.Contains(only.Persons, d.Person.Email):
				s.Pending[i].State = string(model.JobReady)
				out.Deliveries++
			default:
				out.Waiting++
			}
		}
		return nil
	})
	return out, err
}

// UndoPlan puts back what the run still has to send.
func (s *Service) UndoPlan(ctx context.Context, seq uint64) (admin.Undo, error) {
	p, err := s.RunPlan(ctx, seq)
	return admin.Undo{Run: seq, Tag: fmt.Sprint("u", len(p.Changes)), Plan: p, Left: []admin.LeftOut{}, Cannot: []string{"what the target sent cannot be called back"}}, err
}

// UndoRun remembers that it was asked.
func (s *Service) UndoRun(ctx context.Context, actor string, seq uint64) (admin.Undo, error) {
	u, err := s.UndoPlan(ctx, seq)
	if err != nil {
		return u, err
	}
	u.By = seq + 1
	return u, s.do(actor, fmt.Sprintf("undo %d", seq), func() error { return nil })
}

// Apply releases nobody and leaves out who is in Changed.
func (s *Service) Apply(_ context.Context, actor string, plan admin.ReviewedPlan) (out admin.Applied, err error) {
	err = s.do(actor, fmt.Sprintf("apply %s of %d", plan.Digest, len(plan.Changes)), func() error {
		for _, c := range plan.Changes {
			if slices.Contains(s.Changed, c.Person.ID) {
				out.Left = append(out.Left, admin.LeftOut{Target: c.Target, Person: c.Person, Why: "would change in another way than was reviewed"})
				continue
			}
			out.Released++
		}
		return nil
	})
	return out, err
}

// ActivateInWaves makes a source of State active.
func (s *Service) ActivateInWaves(ctx context.Context, actor, source string) (uint64, error) {
	return s.Activate(ctx, actor+" in waves:", source)
}
