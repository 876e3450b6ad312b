package admin

import (
	"context"
	"strconv"
)

// decision is what is done to what a run holds.
type decision func(ctx context.Context, actor string, seq uint64, tag string) (Settled, error)

// whole makes a decision of one that concerns all that a run holds.
func whole(do func(ctx context.Context, actor string, seq uint64, tag string) (int, error)) decision {
	return func(ctx context.Context, actor string, seq uint64, tag string) (Settled, error) {
		n, err := do(ctx, actor, seq, tag)
		return Settled{Deliveries: n}, err
	}
}

func (s *Server) approve(r *request) (any, error) {
	var asked ApproveRequest
	if r.ContentLength != 0 {
		if err := r.decode(&asked); err != nil {
			return nil, err
		}
	}
	if asked.Only == nil {
		return s.decide(r, whole(s.service.Approve))
	}
	return s.decide(r, func(ctx context.Context, actor string, seq uint64, tag string) (Settled, error) {
		return s.service.ApproveOnly(ctx, actor, seq, tag, *asked.Only)
	})
}

func (s *Server) runPlan(r *request) (any, error) {
	seq, err := r.runNumber()
	if err != nil {
		return nil, err
	}
	return s.service.RunPlanJSON(r.Context(), seq)
}

func (s *Server) undoPlan(r *request) (any, error) {
	seq, err := r.runNumber()
	if err != nil {
		return nil, err
	}
	return s.service.UndoPlan(r.Context(), seq)
}

// undoRun undoes a run. With If-Match it does so only when the undo would still do
// what the operator saw.
func (s *Server) undoRun(r *request) (any, error) {
	seq, err := r.runNumber()
	if err != nil {
		return nil, err
	}
	tag, conditional, err := r.ifMatch()
	if err != nil {
		return nil, err
	}
	s.deciding.Lock()
	defer s.deciding.Unlock()
	if conditional {
		now, err := s.service.UndoPlan(r.Context(), seq)
		if err != nil {
			return nil, err
		}
		if now.Tag != tag {
			return nil, &Error{Code: CodeStale, Text: "undoing run " + strconv.FormatUint(seq, 10) + " would not do what you saw any more: look again with \"rollcall undo " + strconv.FormatUint(seq, 10) + "\""}
		}
	}
	return s.service.UndoRun(r.Context(), r.actor(), seq)
}

func (s *Server) apply(r *request) (any, error) {
	var plan ReviewedPlan
	if err := r.decode(&plan); err != nil {
		return nil, err
	}
	s.deciding.Lock()
	defer s.deciding.Unlock()
	done, err := s.service.Apply(r.Context(), r.actor(), plan)
	if done.Left == nil {
		done.Left = []LeftOut{}
	}
	return done, err
}

// decide approves or rejects what a run holds. With If-Match it does so only
// when the run still is what the operator saw.
func (s *Server) decide(r *request, do decision) (any, error) {
	seq, err := r.runNumber()
	if err != nil {
		return nil, err
	}
	tag, _, err := r.ifMatch()
	if err != nil {
		return nil, err
	}
	s.deciding.Lock()
	defer s.deciding.Unlock()
	return do(r.Context(), r.actor(), seq, tag)
}
