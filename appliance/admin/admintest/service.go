// Package admintest holds an [admin.Service] in memory, for tests of what asks
// the admin API: the client, the command line and the terminal UI. It answers
// from its fields, remembers what it was asked to do and by whom, and keeps the
// API's promises about stale decisions. It reads nothing, relays nothing and
// knows no rules of reconciling.
package admintest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"rollcall/appliance/admin"
	"rollcall/appliance/model"
	"rollcall/appliance/readiness"
)

// Service is a fake appliance. Fill its fields before it is used; afterwards it
// is safe for concurrent use through its methods.
type Service struct {
	mu sync.Mutex // guards everything below

	// Err, when set, is what every method answers.
	Err error

	State     admin.Status
	Plans     map[string]admin.Plan // by source, "" for what is pending
	RunList   []model.Run           // newest first
	Pending   []admin.Delivery
	Drifted   []admin.Drift
	GroupList []admin.Group
	Exported  []admin.ExportedPerson
	Importing admin.Imported // what Import answers
	Roster    []admin.Person
	Open      []admin.Conflict
	Decided   []admin.Decision
	TokenList []admin.Token
	Erasing   admin.Forgotten // what Forget answers
	// Reloading is what Reload answers.
	Reloading  admin.Reloaded
	Events     []model.Event // oldest first
	RequestLog []admin.Request
	Checks     []admin.CheckResult
	Ready      readiness.Report
	Config     string
	Diff       admin.RosterDiff // between any two instants
	Changed    []string         // ids of the people who changed since a plan was made
	Notified   []admin.NotifyResult

	asked []string
	more  chan struct{} // closed and replaced when an event is added
}

var _ admin.Service = (*Service)(nil)

// Asked returns what the service was asked to change, oldest first, as
// "ACTOR verb what".
func (s *Service) Asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

// Happen adds an event to the journal and wakes those who wait for one.
func (s *Service) Happen(e model.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e.Seq = uint64(len(s.Events) + 1)
	s.Events = append(s.Events, e)
	if s.more != nil {
		close(s.more)
		s.more = nil
	}
}

// do runs one change under the lock and remembers it when it succeeds.
func (s *Service) do(actor, what string, change func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.Err != nil {
		return s.Err
	}
	if err := change(); err != nil {
		return err
	}
	s.asked = append(s.asked, actor+" "+what)
	return nil
}

// answer returns a field under the lock.
func answer[T any](s *Service, get func() (T, error)) (T, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.Err != nil {
		var none T
		return none, s.Err
	}
	return get()
}

func missing(format string, args ...any) error {
	return &admin.Error{Code: admin.CodeNotFound, Text: fmt.Sprintf(format, args...)}
}

// Names names the people of Roster and the conflicts that are Open.
func (s *Service) Names(_ context.Context, subjects []string) (map[string]string, error) {
	return answer(s, func() (map[string]string, error) {
		out := map[string]string{}
		for _, subject := range subjects {
			kind, id, _ := strings.Cut(subject, ":")
			for _, p := range s.Roster {
				if kind == "person" && p.ID == id {
					out[subject] = p.Name
				}
			}
			for _, q := range s.Open {
				if kind == "conflict" && q.ID == id {
					out[subject] = strings.Join(q.Names, ", ")
				}
			}
		}
		return out, nil
	})
}

// Status returns State.
func (s *Service) Status(context.Context) (admin.Status, error) {
	return answer(s, func() (admin.Status, error) { return s.State, nil })
}

func (s *Service) setSource(source, state string) error {
	for i := range s.State.Sources {
		if s.State.Sources[i].Name == source {
			s.State.Sources[i].State = state
			return nil
		}
	}
	return missing("there is no source %q: see \"rollcall status\"", source)
}

// Activate makes a source of State active.
func (s *Service) Activate(_ context.Context, actor, source string) (run uint64, err error) {
	err = s.do(actor, "activate "+source, func() error {
		run = 1
		for _, r := range s.RunList {
			run = max(run, r.Seq+1)
		}
		return s.setSource(source, "active")
	})
	if err != nil {
		return 0, err
	}
	return run, nil
}

// Pause makes a source of State paused.
func (s *Service) Pause(_ context.Context, actor, source string) error {
	return s.do(actor, "pause "+source, func() error { return s.setSource(source, "paused") })
}

// Sync remembers that it was asked.
func (s *Service) Sync(_ context.Context, actor string, sources []string) error {
	return s.do(actor, strings.TrimSpace("sync "+strings.Join(sources, " ")), func() error {
		for _, n := range sources {
			if !slices.ContainsFunc(s.State.Sources, func(x admin.Source) bool { return x.Name == n }) {
				return missing("there is no source %q: see \"rollcall status\"", n)
			}
		}
		return nil
	})
}

// Wait returns when no source of State is being read, and else when ctx ends.
func (s *Service) Wait(ctx context.Context, sources []string) error {
	reading, err := answer(s, func() (bool, error) {
		return slices.ContainsFunc(s.State.Sources, func(x admin.Source) bool {
			return x.Reading != nil && (len(sources) == 0 || slices.Contains(sources, x.Name))
		}), nil
	})
	if err != nil || !reading {
		return err
	}
	<-ctx.Done()
	return ctx.Err()
}

// PlanJSON returns one of Plans.
func (s *Service) PlanJSON(_ context.Context, source string) (admin.Spooled, error) {
	return answer(s, func() (admin.Spooled, error) {
		p, ok := s.Plans[source]
		if !ok && source != "" {
			return nil, missing("there is no source %q: see \"rollcall status\"", source)
		}
		if p.Changes == nil {
			p.Changes = []admin.PlanChange{}
		}
		return admin.InMemory(p)
	})
}

// Runs returns RunList; a page goes on after the run numbered After.
func (s *Service) Runs(_ context.Context, page admin.Page) ([]model.Run, error) {
	return answer(s, func() ([]model.Run, error) {
		list := s.RunList
		if page.After != "" {
			seq, err := strconv.ParseUint(page.After, 10, 64)
			if err != nil {
				return nil, &admin.Error{Code: admin.CodeInvalid, Text: "the cursor is not one of these: ask for the first page"}
			}
			list = slices.DeleteFunc(slices.Clone(list), func(r model.Run) bool { return r.Seq >= seq })
		}
		return first(list, page.Limit), nil
	})
}

// first returns up to limit items, 100 when limit is 0.
func first[T any](list []T, limit int) []T {
	return slices.Clone(list[:min(len(list), cmp.Or(limit, 100))])
}

func (s *Service) run(seq uint64) (*model.Run, error) {
	for i := range s.RunList {
		if s.RunList[i].Seq == seq {
			return &s.RunList[i], nil
		}
	}
	return nil, missing("there is no run %d: see \"rollcall runs\"", seq)
}

// Run returns one of RunList and what of Pending it caused.
func (s *Service) Run(_ context.Context, seq uint64) (model.Run, []admin.Delivery, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.Err != nil {
		return model.Run{}, nil, s.Err
	}
	r, err := s.run(seq)
	if err != nil {
		return model.Run{}, nil, err
	}
	var caused []admin.Delivery
	for _, d := range s.Pending {
		if d.Run == seq {
			caused = append(caused, d)
		}
	}
	run := *r
	run.Holds = slices.Clone(r.Holds)
	return run, caused, nil
}

// Approve makes the held deliveries of a run ready.
func (s *Service) Approve(_ context.Context, actor string, seq uint64, tag string) (n int, err error) {
	if err := s.still(seq, tag); err != nil {
		return 0, err
	}
	err = s.do(actor, fmt.Sprintf("approve %d", seq), func() error {
		n, err = s.settle(actor, seq, model.HoldApproved, model.JobReady)
		return err
	})
	return n, err
}

// Reject makes the held deliveries of a run rejected.
func (s *Service) Reject(_ context.Context, actor string, seq uint64, tag string) (n int, err error) {
	if err := s.still(seq, tag); err != nil {
		return 0, err
	}
	err = s.do(actor, fmt.Sprintf("reject %d", seq), func() error {
		n, err = s.settle(actor, seq, model.HoldRejected, model.JobRejected)
		return err
	})
	return n, err
}

func (s *Service) settle(actor string, seq uint64, hold model.HoldState, job model.JobState) (int, error) {
	r, err := s.run(seq)
	if err != nil {
		return 0, err
	}
	for i := range r.Holds {
		if r.Holds[i].State == model.HoldWaiting {
			r.Holds[i].State, r.Holds[i].By, r.Holds[i].At = hold, actor, s.State.Now
		}
	}
	n := 0
	for i := range s.Pending {
		if s.Pending[i].Run == seq && s.Pending[i].State == string(model.JobHeld) {
			s.Pending[i].State = string(job)
			n++
		}
	}
	return n, nil
}

// People returns those of Roster whose name or email holds query; the cursor is
// the id of the last person of a page.
func (s *Service) People(_ context.Context, query string, page admin.Page) (list []admin.Person, next string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.Err != nil {
		return nil, "", s.Err
	}
	q := strings.ToLower(query)
	after := page.After == ""
	limit := cmp.Or(page.Limit, 100)
	for _, p := range s.Roster {
		if !after {
			after = p.ID == page.After
			continue
		}
		if !strings.Contains(strings.ToLower(p.Name), q) && !strings.Contains(strings.ToLower(p.Email), q) {
			continue
		}
		if len(list) == limit {
			return list, list[limit-1].ID, nil
		}
		list = append(list, p)
	}
	return list, "", nil
}

// Person finds one of Roster by id, email or name.
func (s *Service) Person(_ context.Context, who string) (admin.Person, error) {
	return answer(s, func() (admin.Person, error) {
		for _, p := range s.Roster {
			if p.ID == who || strings.EqualFold(p.Email, who) || strings.EqualFold(p.Name, who) {
				return p, nil
			}
		}
		return admin.Person{}, missing("nobody is called %q: \"rollcall people\" lists everyone", who)
	})
}

// Conflicts returns Open.
func (s *Service) Conflicts(context.Context) ([]admin.Conflict, error) {
	return answer(s, func() ([]admin.Conflict, error) { return slices.Clone(s.Open), nil })
}

// Conflict returns one of Open.
func (s *Service) Conflict(_ context.Context, id string) (admin.Conflict, error) {
	return answer(s, func() (admin.Conflict, error) {
		i := slices.IndexFunc(s.Open, func(c admin.Conflict) bool { return c.ID == id })
		if i < 0 {
			return admin.Conflict{}, missing("there is no open conflict %q: see \"rollcall conflicts\"", id)
		}
		return s.Open[i], nil
	})
}

// Resolve closes one of Open, or refuses when its revision is another.
func (s *Service) Resolve(_ context.Context, actor, id string, a admin.Resolution) error {
	what := strings.Join(append([]string{"resolve", id, a.Verb}, a.Apart...), " ")
	for _, q := range a.Also {
		what += " and " + q.ID
	}
	return s.do(actor, what, func() error {
		i := slices.IndexFunc(s.Open, func(c admin.Conflict) bool { return c.ID == id })
		switch {
		case i < 0:
			return &admin.Error{Code: admin.CodeStale, Text: fmt.Sprintf("conflict %s is settled already: see \"rollcall conflicts\"", id)}
		case a.Rev != 0 && a.Rev != s.Open[i].Rev:
			return &admin.Error{Code: admin.CodeStale, Text: fmt.Sprintf("conflict %s is not what you saw any more: look again with \"rollcall conflicts show %s\"", id, id)}
		case a.Verb == string(model.Later):
			return nil
		}
		s.Open = slices.Delete(slices.Clone(s.Open), i, i+1)
		return nil
	})
}

// Preview says that nothing would change.
func (s *Service) Preview(context.Context, string, admin.Resolution) (admin.Plan, error) {
	return answer(s, func() (admin.Plan, error) {
		return admin.Plan{Summary: "nothing would change", Changes: []admin.PlanChange{}, Counts: map[string]int{}}, nil
	})
}

// Decisions returns Decided.
func (s *Service) Decisions(context.Context) ([]admin.Decision, error) {
	return answer(s, func() ([]admin.Decision, error) { return slices.Clone(s.Decided), nil })
}

// History returns the events of a person, without values.
func (s *Service) History(ctx context.Context, who string) ([]admin.HistoryEntry, error) {
	p, err := s.Person(ctx, who)
	if err != nil {
		return nil, err
	}
	out := []admin.HistoryEntry{}
	for _, e := range p.Events {
		out = append(out, admin.HistoryEntry{Event: e})
	}
	return out, nil
}

// Verify finds nothing wrong.
func (s *Service) Verify(context.Context) (admin.Verification, error) {
	return answer(s, func() (admin.Verification, error) { return admin.Verification{Problems: []string{}}, nil })
}

// PreviewUndo says that nothing would change.
func (s *Service) PreviewUndo(context.Context, string) (admin.Plan, error) {
	return answer(s, func() (admin.Plan, error) {
		return admin.Plan{Summary: "nothing would change", Counts: map[string]int{}}, nil
	})
}

// UndoDecision remembers that it was asked.
func (s *Service) UndoDecision(_ context.Context, actor, decision string) error {
	return s.do(actor, "undo "+decision, func() error { return nil })
}

// Export returns Exported, whatever is asked.
func (s *Service) Export(context.Context, string, admin.Page) (admin.ExportedPeople, error) {
	return answer(s, func() (admin.ExportedPeople, error) {
		return admin.ExportedPeople{People: append([]admin.ExportedPerson{}, s.Exported...)}, nil
	})
}

// Import answers with Importing, and refuses another tag than its own.
func (s *Service) Import(_ context.Context, actor string, asked admin.ImportRequest) (admin.Imported, error) {
	if asked.DryRun {
		return answer(s, func() (admin.Imported, error) {
			out := s.Importing
			out.DryRun, out.Batch, out.Run = true, "", 0
			return out, nil
		})
	}
	var out admin.Imported
	err := s.do(actor, fmt.Sprintf("import %d rows", len(asked.Rows)), func() error {
		if out = s.Importing; asked.Tag != "" && asked.Tag != out.Tag {
			return &admin.Error{Code: admin.CodeStale, Text: "the roster changed since the import was shown"}
		}
		return nil
	})
	return out, err
}

// Groups returns those of GroupList that match.
func (s *Service) Groups(_ context.Context, target string) ([]admin.Group, error) {
	return answer(s, func() ([]admin.Group, error) {
		return slices.DeleteFunc(slices.Clone(s.GroupList), func(g admin.Group) bool { return target != "" && g.Target != target }), nil
	})
}

// Group returns one of GroupList, without members.
func (s *Service) Group(ctx context.Context, target, source, group string) (admin.GroupDetail, error) {
	list, err := s.Groups(ctx, target)
	if err != nil {
		return admin.GroupDetail{}, err
	}
	for _, g := range list {
		if g.Source == source && g.ID == group {
			return admin.GroupDetail{Group: g, People: []admin.GroupMember{}}, nil
		}
	}
	return admin.GroupDetail{}, &admin.Error{Code: admin.CodeNotFound, Text: "there is no such group"}
}

// RetryGroup makes one of GroupList ready.
func (s *Service) RetryGroup(_ context.Context, actor, target, source, group string) error {
	return s.do(actor, "retry group "+target+" "+source+" "+group, func() error { return nil })
}

// Drift returns those of Drifted that match.
func (s *Service) Drift(_ context.Context, target string) ([]admin.Drift, error) {
	return answer(s, func() ([]admin.Drift, error) {
		return slices.DeleteFunc(slices.Clone(s.Drifted), func(d admin.Drift) bool { return target != "" && d.Target != target }), nil
	})
}

// Deliveries returns those of Pending that match.
func (s *Service) Deliveries(_ context.Context, target, state string, page admin.Page) ([]admin.Delivery, error) {
	return answer(s, func() ([]admin.Delivery, error) {
		var list []admin.Delivery
		for _, d := range s.Pending {
			if (target == "" || d.Target == target) && (state == "" || d.State == state) {
				list = append(list, d)
			}
		}
		return first(list, page.Limit), nil
	})
}

func (s *Service) delivery(target, person string) (int, error) {
	i := slices.IndexFunc(s.Pending, func(d admin.Delivery) bool { return d.Target == target && d.Person.ID == person })
	if i < 0 {
		return 0, missing("nothing is on its way to %s for that person: see \"rollcall deliveries\"", target)
	}
	return i, nil
}

// RetryDelivery makes one of Pending ready.
func (s *Service) RetryDelivery(_ context.Context, actor, target, person string) error {
	return s.do(actor, "retry "+target+" "+person, func() error {
		i, err := s.delivery(target, person)
		if err == nil {
			s.Pending[i].State = string(model.JobReady)
		}
		return err
	})
}

// DropDelivery takes one out of Pending.
func (s *Service) DropDelivery(_ context.Context, actor, target, person string) error {
	return s.do(actor, "drop "+target+" "+person, func() error {
		i, err := s.delivery(target, person)
		if err == nil {
			s.Pending = slices.Delete(slices.Clone(s.Pending), i, i+1)
		}
		return err
	})
}

// SetLane changes the lane of a target of State.
func (s *Service) SetLane(_ context.Context, actor, target, state string) error {
	return s.do(actor, "lane "+target+" "+state, func() error {
		for i := range s.State.Targets {
			if s.State.Targets[i].Name == target {
				s.State.Targets[i].Lane = state
				return nil
			}
		}
		return missing("there is no target %q: see \"rollcall status\"", target)
	})
}

// Tokens returns TokenList.
func (s *Service) Tokens(context.Context) ([]admin.Token, error) {
	return answer(s, func() ([]admin.Token, error) { return slices.Clone(s.TokenList), nil })
}

// CreateToken adds to TokenList; the token is the same every time.
func (s *Service) CreateToken(_ context.Context, actor, source, label string, ttl time.Duration) (t admin.NewToken, err error) {
	err = s.do(actor, strings.TrimSpace(fmt.Sprintf("token %s %s %s", source, label, ttl)), func() error {
		for _, x := range s.State.Sources {
			if x.Name == source {
				t = admin.NewToken{ID: "t_new", Source: source, Token: "rc_example-token", URL: x.Endpoint}
				s.TokenList = append(s.TokenList, admin.Token{ID: t.ID, Source: source, Label: label, Created: s.State.Now, By: actor})
				return nil
			}
		}
		return missing("there is no source %q: see \"rollcall status\"", source)
	})
	return t, err
}

// RevokeToken revokes one of TokenList.
func (s *Service) RevokeToken(_ context.Context, actor, id string) error {
	return s.do(actor, "revoke "+id, func() error {
		for i := range s.TokenList {
			if s.TokenList[i].ID == id {
				s.TokenList[i].Revoked = s.State.Now
				return nil
			}
		}
		return missing("there is no token %q: see \"rollcall token list\"", id)
	})
}

// Journal returns Events; with wait it blocks until [Service.Happen] adds one.
func (s *Service) Journal(ctx context.Context, after int64, limit int, wait bool) ([]model.Event, error) {
	for {
		s.mu.Lock()
		err := s.Err
		events := s.since(after, cmp.Or(limit, 100))
		if s.more == nil {
			s.more = make(chan struct{})
		}
		more := s.more
		s.mu.Unlock()
		if err != nil || len(events) > 0 || !wait {
			return events, err
		}
		select {
		case <-more:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (s *Service) since(after int64, limit int) []model.Event {
	if after < 0 {
		return slices.Clone(s.Events[max(0, len(s.Events)-limit):])
	}
	if after >= int64(len(s.Events)) {
		return nil
	}
	return first(s.Events[after:], limit)
}

// VerifyJournal counts Events.
func (s *Service) VerifyJournal(_ context.Context, known string) (admin.Verified, error) {
	return answer(s, func() (admin.Verified, error) {
		head := fmt.Sprintf("%d:%064x", len(s.Events), len(s.Events))
		if known != "" && known != head {
			return admin.Verified{}, &admin.Error{Code: admin.CodeStale, Text: "the journal was altered"}
		}
		return admin.Verified{Events: len(s.Events), Head: head}, nil
	})
}

// Forget answers with the counts of Erasing.
func (s *Service) Forget(_ context.Context, _ string, asked admin.ForgetRequest) (admin.Forgotten, error) {
	return answer(s, func() (admin.Forgotten, error) {
		f := s.Erasing
		f.DryRun = asked.DryRun
		return f, nil
	})
}

// Reload answers with Reloading.
func (s *Service) Reload(_ context.Context, _ string, dryRun bool) (admin.Reloaded, error) {
	return answer(s, func() (admin.Reloaded, error) {
		r := s.Reloading
		r.DryRun = dryRun
		return r, nil
	})
}

// Requests returns those of RequestLog that match, newest first.
func (s *Service) Requests(_ context.Context, source string, failedOnly bool, limit int) ([]admin.Request, error) {
	return answer(s, func() ([]admin.Request, error) {
		var list []admin.Request
		for _, r := range slices.Backward(s.RequestLog) {
			if (source == "" || r.Source == source) && (!failedOnly || r.Status >= 400) {
				list = append(list, r)
			}
		}
		return first(list, limit), nil
	})
}

// Check returns those of Checks that are named.
func (s *Service) Check(_ context.Context, names []string) ([]admin.CheckResult, error) {
	return answer(s, func() ([]admin.CheckResult, error) {
		var list []admin.CheckResult
		for _, r := range s.Checks {
			if len(names) == 0 || slices.Contains(names, r.Name) {
				list = append(list, r)
			}
		}
		return list, nil
	})
}

// ReadinessJSON returns Ready.
func (s *Service) ReadinessJSON(context.Context) (admin.Spooled, error) {
	return answer(s, func() (admin.Spooled, error) { return admin.InMemory(s.Ready) })
}

// Backup remembers that it was asked.
func (s *Service) Backup(_ context.Context, actor, path string) error {
	return s.do(actor, "backup "+path, func() error { return nil })
}

// NotifyTest returns Notified.
func (s *Service) NotifyTest(context.Context) ([]admin.NotifyResult, error) {
	return answer(s, func() ([]admin.NotifyResult, error) { return s.Notified, nil })
}

// ShowConfig returns Config.
func (s *Service) ShowConfig(context.Context) (string, error) {
	return answer(s, func() (string, error) { return s.Config, nil })
}
