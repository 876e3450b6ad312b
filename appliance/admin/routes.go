package admin

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"strconv"
	"time"
)

// route is one request the API understands. Routes with GET change nothing and
// are answered on the view socket too.
type route struct {
	method string
	path   string
	do     func(*request) (any, error)
}

func (r route) pattern() string { return r.method + " " + r.path }

func (s *Server) routes() []route {
	const get, post, del = http.MethodGet, http.MethodPost, http.MethodDelete
	return []route{
		{get, "/v1/version", func(*request) (any, error) { return s.version, nil }},
		{get, "/v1/status", func(r *request) (any, error) { return s.service.Status(r.Context()) }},
		{post, "/v1/sources/{source}/activate", s.activate},
		{post, "/v1/sources/{source}/pause", func(r *request) (any, error) {
			return nil, s.service.Pause(r.Context(), r.actor(), r.PathValue("source"))
		}},
		{post, "/v1/sync", s.sync},
		{get, "/v1/wait", s.wait},
		{get, "/v1/plan", s.plan},
		{get, "/v1/runs", s.runs},
		{get, "/v1/runs/{run}", s.run},
		{get, "/v1/runs/{run}/plan", s.runPlan},
		{post, "/v1/runs/{run}/approve", s.approve},
		{post, "/v1/runs/{run}/reject", func(r *request) (any, error) { return s.decide(r, whole(s.service.Reject)) }},
		{get, "/v1/runs/{run}/undo", s.undoPlan},
		{post, "/v1/runs/{run}/undo", s.undoRun},
		{post, "/v1/apply", s.apply},
		{get, "/v1/people", s.people},
		{get, "/v1/people/diff", s.peopleDiff},
		{get, "/v1/person", s.person},
		{get, "/v1/person/why-not", s.whyNot},
		{get, "/v1/conflicts", func(r *request) (any, error) { return list(s.service.Conflicts(r.Context())) }},
		{get, "/v1/conflicts/{conflict}", func(r *request) (any, error) {
			return s.service.Conflict(r.Context(), r.PathValue("conflict"))
		}},
		{post, "/v1/conflicts/{conflict}/resolve", s.resolve},
		{post, "/v1/conflicts/{conflict}/preview", func(r *request) (any, error) {
			var answer Resolution
			if err := r.decode(&answer); err != nil {
				return nil, err
			}
			return s.service.Preview(r.Context(), r.PathValue("conflict"), answer)
		}},
		{post, "/v1/decisions/{decision}/preview-undo", func(r *request) (any, error) {
			return s.service.PreviewUndo(r.Context(), r.PathValue("decision"))
		}},
		{get, "/v1/decisions", func(r *request) (any, error) { return list(s.service.Decisions(r.Context())) }},
		{get, "/v1/person/history", func(r *request) (any, error) {
			q, err := r.parameters("who")
			if err != nil {
				return nil, err
			}
			return list(s.service.History(r.Context(), q.Get("who")))
		}},
		{get, "/v1/verify", func(r *request) (any, error) { return s.service.Verify(r.Context()) }},
		{post, "/v1/decisions/{decision}/undo", func(r *request) (any, error) {
			return nil, s.service.UndoDecision(r.Context(), r.actor(), r.PathValue("decision"))
		}},
		{get, "/v1/deliveries", s.deliveries},
		{get, "/v1/deliveries/explain", func(r *request) (any, error) {
			q, err := r.parameters("who", "target")
			if err != nil {
				return nil, err
			}
			if q.Get("who") == "" {
				return nil, invalid("nobody is named: give an id, an email, an employee number or a name")
			}
			return list(s.service.ExplainDelivery(r.Context(), q.Get("who"), q.Get("target")))
		}},
		{get, "/v1/people/export", func(r *request) (any, error) {
			q, err := r.parameters("q", "after", "limit")
			if err != nil {
				return nil, err
			}
			p, err := page(q)
			if err != nil {
				return nil, err
			}
			return s.service.Export(r.Context(), q.Get("q"), p)
		}},
		{post, "/v1/people/import", s.importPeople},
		{get, "/v1/groups", func(r *request) (any, error) {
			q, err := r.parameters("target")
			if err != nil {
				return nil, err
			}
			return list(s.service.Groups(r.Context(), q.Get("target")))
		}},
		{get, "/v1/groups/{target}/{source}/{group}", func(r *request) (any, error) {
			return s.service.Group(r.Context(), r.PathValue("target"), r.PathValue("source"), r.PathValue("group"))
		}},
		{post, "/v1/groups/{target}/{source}/{group}/retry", func(r *request) (any, error) {
			return nil, s.service.RetryGroup(r.Context(), r.actor(), r.PathValue("target"), r.PathValue("source"), r.PathValue("group"))
		}},
		{get, "/v1/drift", func(r *request) (any, error) {
			q, err := r.parameters("target")
			if err != nil {
				return nil, err
			}
			return list(s.service.Drift(r.Context(), q.Get("target")))
		}},
		{post, "/v1/deliveries/{target}/{person}/retry", func(r *request) (any, error) {
			return nil, s.service.RetryDelivery(r.Context(), r.actor(), r.PathValue("target"), r.PathValue("person"))
		}},
		{post, "/v1/deliveries/{target}/{person}/drop", func(r *request) (any, error) {
			return nil, s.service.DropDelivery(r.Context(), r.actor(), r.PathValue("target"), r.PathValue("person"))
		}},
		{post, "/v1/targets/{target}/lane", s.lane},
		{get, "/v1/tokens", func(r *request) (any, error) { return list(s.service.Tokens(r.Context())) }},
		{post, "/v1/tokens", s.createToken},
		{del, "/v1/tokens/{token}", func(r *request) (any, error) {
			return nil, s.service.RevokeToken(r.Context(), r.actor(), r.PathValue("token"))
		}},
		{get, "/v1/journal", s.journal},
		{get, "/v1/journal/verify", func(r *request) (any, error) {
			q, err := r.parameters("head")
			if err != nil {
				return nil, err
			}
			return s.service.VerifyJournal(r.Context(), q.Get("head"))
		}},
		{get, "/v1/names", s.names},
		{get, "/v1/requests", s.requests},
		{get, "/v1/readiness", func(r *request) (any, error) { return s.service.ReadinessJSON(r.Context()) }},
		// A check asks the services with the appliance's credentials, which is
		// more than looking.
		{post, "/v1/check", s.check},
		{post, "/v1/backup", s.backup},
		{post, "/v1/notify/test", func(r *request) (any, error) { return list(s.service.NotifyTest(r.Context())) }},
		{post, "/v1/forget", func(r *request) (any, error) {
			var asked ForgetRequest
			if err := r.decode(&asked); err != nil {
				return nil, err
			}
			if asked.Who == "" {
				return nil, invalid("nobody is named: give an id, an email, an employee number or a name")
			}
			return s.service.Forget(r.Context(), r.actor(), asked)
		}},
		{post, "/v1/reload", func(r *request) (any, error) {
			var asked ReloadRequest
			if err := r.decode(&asked); err != nil {
				return nil, err
			}
			return s.service.Reload(r.Context(), r.actor(), asked.DryRun)
		}},
		{get, "/v1/config", func(r *request) (any, error) {
			text, err := s.service.ShowConfig(r.Context())
			return ShownConfig{Config: text}, err
		}},
	}
}

// list makes an empty list of none, so that a reply is never null.
func list[T any](items []T, err error) (any, error) {
	if items == nil {
		items = []T{}
	}
	return items, err
}

func (s *Server) activate(r *request) (any, error) {
	var asked ActivateRequest
	if r.ContentLength != 0 {
		if err := r.decode(&asked); err != nil {
			return nil, err
		}
	}
	do := s.service.Activate
	if asked.Waves {
		do = s.service.ActivateInWaves
	}
	run, err := do(r.Context(), r.actor(), r.PathValue("source"))
	return Activated{Run: run}, err
}

func (s *Server) sync(r *request) (any, error) {
	var asked SyncRequest
	if err := r.decode(&asked); err != nil {
		return nil, err
	}
	return nil, s.service.Sync(r.Context(), r.actor(), asked.Sources)
}

func (s *Server) wait(r *request) (any, error) {
	q, err := r.parameters("source")
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), LongPoll)
	defer cancel()
	err = s.service.Wait(ctx, q["source"])
	if timedOut(r, ctx, err) {
		return Waited{Done: false}, nil
	}
	return Waited{Done: true}, err
}

// timedOut reports whether err is only the end of a long poll.
func timedOut(r *request, poll context.Context, err error) bool {
	return err != nil && errors.Is(err, context.DeadlineExceeded) && poll.Err() != nil && r.Context().Err() == nil
}

func (s *Server) plan(r *request) (any, error) {
	q, err := r.parameters("source")
	if err != nil {
		return nil, err
	}
	if len(q["source"]) > 1 {
		return nil, invalid("a plan is of one source, or of all that is pending")
	}
	return s.service.PlanJSON(r.Context(), q.Get("source"))
}

func (s *Server) runs(r *request) (any, error) {
	q, err := r.parameters("after", "limit")
	if err != nil {
		return nil, err
	}
	p, err := page(q)
	if err != nil {
		return nil, err
	}
	return list(s.service.Runs(r.Context(), p))
}

func (s *Server) run(r *request) (any, error) {
	seq, err := r.runNumber()
	if err != nil {
		return nil, err
	}
	q, err := r.parameters("brief")
	switch {
	case err != nil:
		return nil, err
	case q.Get("brief") == "true":
		return s.service.RunBrief(r.Context(), seq)
	case q.Has("brief"):
		return nil, invalid("brief is true or left out")
	}
	return s.service.RunJSON(r.Context(), seq)
}

func (s *Server) resolve(r *request) (any, error) {
	var answer Resolution
	if err := r.decode(&answer); err != nil {
		return nil, err
	}
	tag, conditional, err := r.ifMatch()
	if err != nil {
		return nil, err
	}
	if conditional {
		rev, err := strconv.ParseUint(tag, 10, 64)
		if err != nil || rev == 0 {
			return nil, invalid("the header If-Match does not hold the revision of a conflict")
		}
		if answer.Rev != 0 && answer.Rev != rev {
			return nil, invalid("the header If-Match and the field rev name two revisions")
		}
		answer.Rev = rev
	}
	return nil, s.service.Resolve(r.Context(), r.actor(), r.PathValue("conflict"), answer)
}

func (s *Server) deliveries(r *request) (any, error) {
	q, err := r.parameters("target", "state", "after", "limit")
	if err != nil {
		return nil, err
	}
	p, err := page(q)
	if err != nil {
		return nil, err
	}
	return list(s.service.Deliveries(r.Context(), q.Get("target"), q.Get("state"), p))
}

func (s *Server) lane(r *request) (any, error) {
	var asked LaneRequest
	if err := r.decode(&asked); err != nil {
		return nil, err
	}
	return nil, s.service.SetLane(r.Context(), r.actor(), r.PathValue("target"), asked.State)
}

// maxTTL is a token's longest life, far below what a time.Duration can hold.
const maxTTL = 100 * 365 * 24 * time.Hour

func (s *Server) createToken(r *request) (any, error) {
	var asked TokenRequest
	if err := r.decode(&asked); err != nil {
		return nil, err
	}
	if asked.TTLSeconds < 0 || asked.TTLSeconds > int64(maxTTL/time.Second) {
		return nil, invalid("a token cannot live %d seconds: give 0 for no end, or up to a hundred years", asked.TTLSeconds)
	}
	return s.service.CreateToken(r.Context(), r.actor(), asked.Source, asked.Label, time.Duration(asked.TTLSeconds)*time.Second)
}

func (s *Server) journal(r *request) (any, error) {
	q, err := r.parameters("after", "limit", "wait")
	if err != nil {
		return nil, err
	}
	limit, err := limitOf(q)
	if err != nil {
		return nil, err
	}
	wait, err := flag(q, "wait")
	if err != nil {
		return nil, err
	}
	var after int64
	if text := q.Get("after"); text != "" {
		if after, err = strconv.ParseInt(text, 10, 64); err != nil {
			return nil, invalid("after %q is not the number of an event", text)
		}
	}
	if !wait {
		return list(s.service.Journal(r.Context(), after, limit, false))
	}
	ctx, cancel := context.WithTimeout(r.Context(), LongPoll)
	defer cancel()
	events, err := s.service.Journal(ctx, after, limit, true)
	if timedOut(r, ctx, err) {
		err = nil
	}
	return list(events, err)
}

// MaxNames is how many subjects one question for names may hold.
const MaxNames = 200

func (s *Server) names(r *request) (any, error) {
	q, err := r.parameters("subject")
	if err != nil {
		return nil, err
	}
	if len(q["subject"]) > MaxNames {
		return nil, invalid("%d subjects are too many for one question: ask for up to %d", len(q["subject"]), MaxNames)
	}
	names, err := s.service.Names(r.Context(), q["subject"])
	if names == nil {
		names = map[string]string{}
	}
	return names, err
}

func (s *Server) requests(r *request) (any, error) {
	q, err := r.parameters("source", "failed", "limit")
	if err != nil {
		return nil, err
	}
	limit, err := limitOf(q)
	if err != nil {
		return nil, err
	}
	failed, err := flag(q, "failed")
	if err != nil {
		return nil, err
	}
	return list(s.service.Requests(r.Context(), q.Get("source"), failed, limit))
}

func (s *Server) check(r *request) (any, error) {
	var asked CheckRequest
	if err := r.decode(&asked); err != nil {
		return nil, err
	}
	return list(s.service.Check(r.Context(), asked.Names))
}

func (s *Server) backup(r *request) (any, error) {
	var asked BackupRequest
	if err := r.decode(&asked); err != nil {
		return nil, err
	}
	if !filepath.IsAbs(asked.Path) {
		return nil, invalid("%q is not an absolute path: the appliance works in another directory than you", asked.Path)
	}
	return nil, s.service.Backup(r.Context(), r.actor(), asked.Path)
}
