package admintest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
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

// RunPlanJSON implements admin.Service.
func (s *Service) RunPlanJSON(ctx context.Context, seq uint64) (admin.Spooled, error) {
	p, err := s.RunPlan(ctx, seq)
	if err != nil {
		return nil, err
	}
	if p.Changes == nil {
		p.Changes = []admin.PlanChange{}
	}
	return admin.InMemory(p)
}

// RunJSON implements admin.Service.
func (s *Service) RunJSON(ctx context.Context, seq uint64) (admin.Spooled, error) {
	run, deliveries, err := s.Run(ctx, seq)
	if err != nil {
		return nil, err
	}
	if deliveries == nil {
		deliveries = []admin.Delivery{}
	}
	held := 0
	for _, d := range deliveries {
		if d.State == string(model.JobHeld) {
			held++
		}
	}
	return admin.InMemory(admin.RunDetail{Run: run, Held: held, Deliveries: deliveries, Tag: RunTag(run, deliveries)})
}

// RunBrief implements admin.Service.
func (s *Service) RunBrief(ctx context.Context, seq uint64) (out admin.RunDetail, err error) {
	whole, err := s.RunJSON(ctx, seq)
	if err == nil {
		err = admin.Unspool(whole, &out)
	}
	out.Deliveries = []admin.Delivery{}
	return out, err
}

// RunTag is the tag of a run in the way of this service.
func RunTag(run model.Run, deliveries []admin.Delivery) string {
	text := fmt.Sprint(run.Seq)
	for _, h := range run.Holds {
		text += fmt.Sprintf(" %s %s %s %d", h.Guard, h.Target, h.State, h.Count)
	}
	for _, d := range deliveries {
		if d.State == string(model.JobHeld) {
			text += fmt.Sprintf(" %s %s %s %s", d.Target, d.Person.ID, d.Effect, d.Changed)
		}
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}

// still refuses a decision on a run that is not what was seen.
func (s *Service) still(seq uint64, tag string) error {
	run, deliveries, err := s.Run(context.Background(), seq)
	if err == nil && tag != "" && tag != RunTag(run, deliveries) {
		err = &admin.Error{Code: admin.CodeStale, Text: fmt.Sprintf("run %d is not what you saw any more: someone decided, or people changed: look again with \"rollcall runs show %d\"", seq, seq)}
	}
	return err
}

// ApproveOnly makes those held deliveries of a run ready whose person is named.
func (s *Service) ApproveOnly(_ context.Context, actor string, seq uint64, tag string, only admin.Only) (out admin.Settled, err error) {
	if err := s.still(seq, tag); err != nil {
		return out, err
	}
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
