package ingest

import (
	"slices"
	"time"

	"rollcall/appliance/model"
	"rollcall/appliance/store"
)

// lane returns the state of the way to a target, open when nothing is known of it.
func (c *change) lane(target string) (model.Lane, error) {
	lane, _, err := store.Lanes.Get(c.tx, target)
	lane.Target = target
	if lane.State == "" {
		lane.State, lane.Since = model.LaneOpen, c.at
	}
	return lane, err
}

// SetLane stores the state of the way to a target; reason is journaled when the
// state changes.
func (e *Engine) SetLane(actor, target string, fn func(*model.Lane)) error {
	return e.update(actor, 0, model.JobReady, func(c *change) error {
		lane, err := c.lane(target)
		if err != nil {
			return err
		}
		before := lane.State
		fn(&lane)
		if lane.State != before {
			lane.Since = c.at
			passing := lane.State == model.LaneWaiting || before == model.LaneWaiting && lane.State == model.LaneOpen
			if !passing || actor != actorSelf {
				if _, err := c.event("lane_"+string(lane.State), "target:"+target, lane.Reason); err != nil {
					return err
				}
			}
		}
		return store.Lanes.Put(c.tx, target, lane)
	})
}

// Spent stores what the rate budget of a target counts, a request that is about to
// leave included, and how far the lane has come since it last had nothing to do.
func (e *Engine) Spent(target string, usage map[int64]int, sent int, since time.Time) error {
	return e.update(actorSelf, 0, model.JobReady, func(c *change) error {
		lane, err := c.lane(target)
		if err != nil {
			return err
		}
		lane.Usage, lane.Sent, lane.SentSince = usage, sent, since
		return store.Lanes.Put(c.tx, target, lane)
	})
}

// Forgive makes the jobs due that failed while nothing reached the target, as if
// they had not been tried: an outage must not change who goes before whom. What
// their attempts may have changed stays in doubt.
func (e *Engine) Forgive(target string) error {
	return e.update(actorSelf, 0, model.JobReady, func(c *change) error {
		var tried []model.Job
		for job, err := range store.JobByState.Prefix(c.tx, store.Prefix(target, string(model.JobReady))) {
			if err != nil {
				return err
			}
			if job.Attempts > 0 {
				tried = append(tried, job)
			}
		}
		for _, job := range tried {
			job.Attempts, job.NotBefore = 0, time.Time{}
			if err := store.Outbox.Put(c.tx, store.TargetPerson{Target: target, Person: job.Person}, job); err != nil {
				return err
			}
		}
		return nil
	})
}

// Ignored adds to the attributes that a target drops, and journals those that are
// new: once, not with every person nor after every start. One leaves the list when a
// listing shows that somebody has it.
func (e *Engine) Ignored(target string, names []model.Name) error {
	return e.update(actorSelf, 0, model.JobReady, func(c *change) error {
		lane, err := c.lane(target)
		if err != nil {
			return err
		}
		var fresh []string
		for _, n := range names {
			if !slices.Contains(lane.Ignored, n) {
				lane.Ignored = append(lane.Ignored, n)
				fresh = append(fresh, string(n))
			}
		}
		if len(fresh) == 0 {
			return nil
		}
		model.SortNames(lane.Ignored)
		if _, err := c.event("attributes_ignored", "target:"+target, "accepted and not kept: the fields do not exist there", fresh...); err != nil {
			return err
		}
		return store.Lanes.Put(c.tx, target, lane)
	})
}
