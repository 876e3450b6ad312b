package appliance

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"rollcall/appliance/admin"
	"rollcall/appliance/ingest"
	"rollcall/appliance/model"
	"rollcall/appliance/observe"
	"rollcall/appliance/poll"
	"rollcall/appliance/relay"
	"rollcall/appliance/store"
	"rollcall/connectors"
)

// The healths of the appliance and its parts.
const (
	healthOK        = "ok"
	healthAttention = "attention"
	healthTrouble   = "trouble"
)

// The kinds of need that more than one place speaks of.
const (
	needConflict = "conflict"
	needNotify   = "notify"
)

// activityCache remembers how busy the last hour was.
type activityCache struct {
	perMinute []int
	at        time.Time
}

// activityAge is how long it is reused: counting the events of a busy hour again for
// each look would cost more than it tells.
const activityAge = 5 * time.Second

// Status implements admin.Service.
func (a *App) Status(ctx context.Context) (admin.Status, error) {
	s := admin.Status{Version: a.version, Now: a.now().UTC(), Needs: []admin.Need{}, Sources: []admin.Source{}, Targets: []admin.Target{}}
	a.mu.Lock()
	s.Started = a.started.UTC()
	a.mu.Unlock()
	err := a.store.View(func(tx *store.Tx) error {
		s.People = countPeople(tx)
		tokens, err := tokensBySource(tx, a.now())
		if err != nil {
			return err
		}
		for _, name := range a.cfg.SourceNames() {
			src, err := a.sourceStatus(tx, name, tokens[name])
			if err != nil {
				return err
			}
			s.Sources = append(s.Sources, src)
		}
		for _, name := range a.cfg.TargetNames() {
			t, err := a.targetStatus(tx, name)
			if err != nil {
				return err
			}
			s.Targets = append(s.Targets, t)
		}
		if s.Activity, err = a.recentActivity(tx); err != nil {
			return err
		}
		last, _, err := store.Journal.Last(tx)
		if err != nil {
			return err
		}
		s.Journal = last.Seq
		under, err := ingest.UnderWay(tx)
		if err != nil {
			return err
		}
		for _, u := range under {
			s.UnderWay = append(s.UnderWay, admin.UnderWay(u))
		}
		return a.needs(tx, &s)
	})
	a.notifyNeeds(&s)
	a.tellNeeds(&s)
	a.judge(&s)
	return s, err
}

// countPeople tells how many people there are of each status; nobody is read for it.
func countPeople(tx *store.Tx) admin.Counts {
	of := func(kind string) int { return store.Persons.Counted(tx, kind) }
	c := admin.Counts{Active: of(string(model.Active)), Pending: of(string(model.Pending)), Leave: of(string(model.Leave)),
		Inactive: of(string(model.Inactive)), Unknown: of(string(model.Unknown)), Held: of(store.PersonHeld), Waiting: of(store.PersonWaiting)}
	c.Total = c.Active + c.Pending + c.Leave + c.Inactive + c.Unknown
	return c
}

func tokensBySource(tx *store.Tx, now time.Time) (map[string]int, error) {
	out := map[string]int{}
	for t, err := range store.Tokens.Each(tx, nil) {
		if err != nil {
			return nil, err
		}
		if t.Revoked.IsZero() && (t.Expires.IsZero() || t.Expires.After(now)) {
			out[t.Source]++
		}
	}
	return out, nil
}

func (a *App) sourceStatus(tx *store.Tx, name string, tokens int) (admin.Source, error) {
	cfg := a.cfg.Sources[name]
	state, ok, err := store.Sources.Get(tx, name)
	if err != nil {
		return admin.Source{}, err
	}
	if !ok {
		state = store.SourceState{Name: name, State: store.Preview}
	}
	s := admin.Source{Name: name, Kind: string(cfg.Kind), State: string(state.State), Health: healthOK, LastGood: state.LastGood,
		NextRead: state.NextRead, LastHeard: state.LastHeard, Error: state.LastError, LastRun: state.LastRun, Failures: state.Failures, Tokens: tokens,
		Records: store.RecordBySource.Count(tx, store.Prefix(name), 0)}
	if cfg.Kind.Pushes() {
		s.Endpoint = a.scimURL()
	}
	if p := a.pollers[name]; p != nil {
		s.Webhook, s.Hinted = a.hookURL(name), p.Heard().UTC()
		if at, busy := p.Busy(); busy {
			s.Reading = reading(at, state.LastCount, a.now())
		}
	}
	s.Health, s.Detail = describeSource(s, cfg.Kind)
	return s, nil
}

func describeSource(s admin.Source, kind model.Kind) (health, detail string) {
	switch {
	case s.State == string(store.Paused):
		return healthAttention, "paused: nothing is read, what it said last still counts"
	case s.Failures > 0:
		if s.Failures == 1 {
			return healthTrouble, "the last read failed: " + s.Error
		}
		return healthTrouble, fmt.Sprintf("%d reads in a row failed: %s", s.Failures, s.Error)
	case kind.Pushes() && s.Tokens == 0:
		return healthAttention, fmt.Sprintf("no token yet; rollcall token create %s makes one", s.Name)
	case kind.Pushes() && s.LastHeard.IsZero():
		return healthAttention, "waiting for the identity provider's first request"
	case s.State == string(store.Preview):
		return healthAttention, "in preview: read, matched and planned, nothing relayed"
	case s.Reading != nil:
		return healthOK, "being read"
	}
	return healthOK, "active"
}

// reading is how far a read has come. HiBob says how many people there are only
// with the last of them: until then the last complete read is the best guess.
func reading(at poll.Progress, last int, now time.Time) *admin.Progress {
	guessed := at.Total == 0 && last > at.Seen
	if guessed {
		at.Total = last
	}
	p := progress(at.Seen, at.Total, at.Started, now)
	p.Estimated = guessed
	return p
}

func progress(done, total int, started, now time.Time) *admin.Progress {
	p := &admin.Progress{Done: done, Total: total, Started: started.UTC()}
	if took := now.Sub(started).Seconds(); took > 0 && !started.IsZero() {
		p.Rate = float64(done) / took
	}
	if p.Rate > 0 && total > done {
		p.ETA = now.Add(time.Duration(float64(total-done)/p.Rate) * time.Second).UTC()
	}
	return p
}

func (a *App) targetStatus(tx *store.Tx, name string) (admin.Target, error) {
	lane, _, err := store.Lanes.Get(tx, name)
	if err != nil {
		return admin.Target{}, err
	}
	if lane.State == "" {
		lane.State = model.LaneOpen
	}
	t := admin.Target{Name: name, Kind: string(a.cfg.Targets[name].Kind), Lane: string(lane.State), Reason: lane.Reason, RetryAt: lane.RetryAt,
		Listed: lane.Listed, Accounts: ingest.ActiveAccounts(tx, name)}
	t.Groups = store.GroupDeliveries.Count(tx, store.Prefix(name))
	for j, err := range store.GroupJobs.Each(tx, store.Prefix(name)) {
		if err != nil {
			return t, err
		}
		if j.State != model.JobReady && j.State != model.JobOpen {
			t.GroupsWaiting++
		}
	}
	t.Drifted, t.Uncovered = store.Drifts.Count(tx, store.Prefix(name)), lane.Uncovered
	for _, n := range lane.Ignored {
		t.Ignored = append(t.Ignored, string(n))
	}
	if a.files[name] != nil {
		t.File = &admin.File{People: lane.File.People, At: lane.File.At, Unsure: lane.File.Announced}
		if next := lane.File.At.Add(time.Duration(a.cfg.Targets[name].Interval)); t.Ready > 0 && next.After(a.now()) {
			t.File.Next = next
		}
	}
	for state, n := range map[model.JobState]*int{model.JobReady: &t.Ready, model.JobOpen: &t.Open, model.JobHeld: &t.Held, model.JobParked: &t.Parked, model.JobRejected: &t.Rejected} {
		*n = store.JobByState.Count(tx, store.Prefix(name, string(state)), 0)
	}
	for job, err := range store.JobByState.Prefix(tx, store.Prefix(name, string(model.JobReady))) {
		if err != nil {
			return t, err
		}
		t.Oldest = job.Created
		break
	}
	if b := a.budgets[name]; b != nil {
		t.Rate = b.String()
	}
	known, err := ingest.KnowledgeOf(tx, name)
	if err != nil {
		return t, err
	}
	t.Learned, t.Facts = known.Learned, facts(known.Facts)
	if l := a.lanes[name]; l != nil {
		if at, busy := l.Busy(); busy || !at.Started.IsZero() && t.Ready > 0 {
			t.Sending = a.sending(t, at)
		}
	}
	return t, nil
}

func facts(known []connectors.Fact) (out []admin.Fact) {
	for _, f := range known {
		out = append(out, admin.Fact{Name: f.Name, Value: f.Value, How: f.How})
	}
	return out
}

// sending is how far a backlog has come, and when it is done: not before the rate
// budget has let one request per delivery pass, nor before a lane that rests goes on.
func (a *App) sending(t admin.Target, at relay.Progress) *admin.Progress {
	now := a.now()
	p := progress(at.Sent, at.Sent+t.Ready, at.Started, now)
	b := a.budgets[t.Name]
	if b == nil || t.Lane == string(model.LanePaused) || t.Ready == 0 {
		return p
	}
	eta := now.Add(b.limiter.Until(now, (t.Ready+b.together()-1)/b.together()))
	if wait := t.RetryAt.Sub(now); wait > 0 {
		eta = eta.Add(wait)
	}
	if eta = eta.UTC(); eta.After(p.ETA) {
		p.ETA = eta
	}
	return p
}

// recentActivity is activity, counted again no more often than activityAge.
func (a *App) recentActivity(tx *store.Tx) ([]int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if now := a.now(); a.lately.perMinute == nil || now.Sub(a.lately.at) >= activityAge {
		counted, err := activity(tx, now)
		if err != nil {
			return nil, err
		}
		a.lately = activityCache{counted, now}
	}
	return slices.Clone(a.lately.perMinute), nil
}

// activity counts journal events per minute of the last hour, oldest first.
func activity(tx *store.Tx, now time.Time) ([]int, error) {
	out := make([]int, 60)
	for e, err := range store.Journal.Backward(tx, nil) {
		if err != nil {
			return nil, err
		}
		minute := int(now.Sub(e.At) / time.Minute)
		if minute >= len(out) {
			break
		}
		out[len(out)-1-max(minute, 0)]++
	}
	return out, nil
}

// needs lists what waits for a human, most urgent first.
func (a *App) needs(tx *store.Tx, s *admin.Status) error {
	holds, err := ingest.WaitingHolds(tx)
	if err != nil {
		return err
	}
	for _, seq := range holds {
		run, ok, err := store.Runs.Get(tx, seq)
		if err != nil {
			return err
		}
		for _, h := range run.Holds {
			if ok && h.State == model.HoldWaiting {
				text := h.Reason
				if h.Target == "" && run.Source != "" { // of a read, and there may be several sources
					text = run.Source + ": " + text
				}
				s.Needs = append(s.Needs, admin.Need{Kind: "hold", Subject: fmt.Sprintf("run %d", seq), Text: text,
					Command: fmt.Sprintf("rollcall runs show %d, then rollcall approve %d or rollcall reject %d", seq, seq, seq)})
			}
		}
	}
	for _, t := range s.Targets {
		switch model.LaneState(t.Lane) {
		case model.LaneDenied, model.LaneBroken:
			s.Needs = append(s.Needs, admin.Need{Kind: "lane", Subject: t.Name, Text: fmt.Sprintf("nothing reaches %s: %s", t.Name, t.Reason), Command: "rollcall check " + t.Name})
		}
		if lane, _, err := store.Lanes.Get(tx, t.Name); err != nil {
			return err
		} else if !lane.Restored.IsZero() {
			s.Needs = append(s.Needs, admin.Need{Kind: "restored", Subject: t.Name, Text: fmt.Sprintf("%s gets nothing since a backup was restored; %s wait", t.Name, plural(t.Ready+t.Held, "difference")),
				Command: fmt.Sprintf("rollcall plan, then rollcall deliveries resume %s", t.Name)})
		}
		if t.GroupsWaiting > 0 {
			s.Needs = append(s.Needs, admin.Need{Kind: "parked", Subject: t.Name, Text: fmt.Sprintf("%s of %s wait for a human", plural(t.GroupsWaiting, "group"), t.Name), Command: "rollcall deliveries groups " + t.Name})
		}
		if t.Parked > 0 {
			s.Needs = append(s.Needs, admin.Need{Kind: "parked", Subject: t.Name, Text: fmt.Sprintf("%s refused %s as they are", t.Name, people(t.Parked)), Command: "rollcall deliveries list --state parked"})
		}
	}
	for _, src := range s.Sources {
		if src.Health == healthTrouble {
			s.Needs = append(s.Needs, admin.Need{Kind: "source", Subject: src.Name, Text: fmt.Sprintf("%s: %s", src.Name, src.Detail), Command: "rollcall check " + src.Name})
		}
	}
	freezing, told := 0, 0
	for q, err := range store.Conflicts.Each(tx, nil) {
		if err != nil {
			return err
		}
		if q.Kind.Freezes() {
			freezing++
		} else {
			told++
		}
	}
	if freezing > 0 {
		s.Needs = append(s.Needs, admin.Need{Kind: needConflict, Subject: "conflicts", Text: frozen(freezing), Command: "rollcall conflicts list"})
	}
	if told > 0 {
		s.Needs = append(s.Needs, admin.Need{Kind: needConflict, Subject: "conflicts", Text: fmt.Sprintf("%s to look at, nothing is stopped by them", plural(told, "notice")), Command: "rollcall conflicts list"})
	}
	for _, src := range s.Sources {
		if src.State == string(store.Preview) && src.Records > 0 {
			s.Needs = append(s.Needs, admin.Need{Kind: "activate", Subject: src.Name, Text: fmt.Sprintf("%s is in preview with %s", src.Name, people(src.Records)),
				Command: fmt.Sprintf("rollcall plan %s, then rollcall activate %s", src.Name, src.Name)})
		}
	}
	unfinished, err := a.engine.Unfinished(tx)
	if err != nil {
		return err
	}
	for _, name := range unfinished {
		s.Needs = append(s.Needs, admin.Need{Kind: "activate", Subject: name, Text: "the activation of " + name + " stopped halfway, and is tried again every minute",
			Command: fmt.Sprintf("rollcall activate %s goes on at once and says what stops it", name)})
	}
	if err := a.foresee(tx, s); err != nil {
		return err
	}
	if a.cert != nil {
		if end, err := a.cert.expires(); err != nil || end.Sub(a.now()) < foresight {
			text := "the TLS certificate ends on " + end.Format(time.DateOnly)
			if err != nil {
				text = err.Error()
			}
			s.Needs = append(s.Needs, admin.Need{Kind: "certificate", Subject: "[scim] tls_cert", Text: text, Command: "renew it; the file is read again by itself"})
		}
	}
	return nil
}

func frozen(n int) string {
	if n == 1 {
		return "1 conflict freezes the people it concerns"
	}
	return fmt.Sprintf("%d conflicts freeze the people they concern", n)
}

func people(n int) string {
	if n == 1 {
		return "1 person"
	}
	return fmt.Sprintf("%d people", n)
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// judge sums the status up in one word and one sentence.
func (a *App) judge(s *admin.Status) {
	s.Health = healthOK
	broken := ""
	for _, n := range s.Needs {
		switch n.Kind {
		case "lane", "source":
			if s.Health != healthTrouble {
				s.Health, broken = healthTrouble, n.Text
			}
		case "hold", "parked", "certificate", "silence", "activate", "restored", "backup", "token", "syslog", needNotify:
			if s.Health == healthOK {
				s.Health = healthAttention
			}
		case needConflict:
			if s.Health == healthOK && strings.Contains(n.Text, "freeze") {
				s.Health = healthAttention
			}
		}
	}
	pending := 0
	stuck := ""
	for _, t := range s.Targets {
		pending += t.Ready + t.Open
		if t.Lane == string(model.LaneWaiting) && t.Reason != "" && stuck == "" {
			stuck = fmt.Sprintf("%s is not answering as it should and is tried again at %s: %s", t.Name, t.RetryAt.Format(time.TimeOnly), t.Reason)
		}
	}
	if stuck != "" && s.Health == healthOK {
		s.Health = healthAttention
	}
	switch {
	case len(s.Sources) == 0:
		s.Headline = "No source is configured yet: add a [sources.NAME] table to the configuration and restart."
	case s.Health == healthTrouble:
		s.Headline = "Something is broken: " + broken + "."
	case s.Health == healthAttention && len(s.Needs) == 0:
		s.Headline = "Working; " + stuck + "."
	case s.People.Total == 0 && s.Health == healthOK:
		s.Headline = "Nothing is broken; nobody is in the roster yet."
	case s.Health == healthAttention:
		s.Headline = "Working; a human is needed: " + s.Needs[0].Text + "."
	case pending > 0:
		s.Headline = fmt.Sprintf("All is well; %s on the way.", plural(pending, "change"))
	default:
		s.Headline = fmt.Sprintf("All is well; %s in step.", people(s.People.Total))
	}
}

// metricsState answers a scrape.
func (a *App) metricsState() (observe.State, error) {
	now := a.now()
	s := observe.State{OldestJob: map[string]time.Duration{}, Jobs: map[string]map[model.JobState]int{},
		LastGoodRead: map[string]time.Duration{}, SourceFailures: map[string]int{}, Lanes: map[string]model.LaneState{}, Accounts: map[string]int{},
		OpenConflicts: map[model.ConflictKind]int{}, Certificates: map[string]time.Time{}, NotifyFailures: map[string]int{}}
	space := a.store.Space()
	s.DatabaseBytes, s.DatabaseFree = space.File, space.Free
	for _, f := range a.notifier.Failing() {
		s.NotifyFailures[f.Channel] = f.Times
	}
	if a.cert != nil {
		if ends, _ := a.cert.expires(); !ends.IsZero() {
			s.Certificates["scim.tls_cert"] = ends
		}
	}
	for _, name := range a.cfg.SourceNames() {
		for _, e := range foreseen(a.sources[name]) {
			s.Certificates["sources."+name+"."+e.Key] = e.At
		}
	}
	err := a.store.View(func(tx *store.Tx) error {
		c := countPeople(tx)
		s.People = map[model.Status]int{model.Active: c.Active, model.Pending: c.Pending, model.Leave: c.Leave, model.Inactive: c.Inactive, model.Unknown: c.Unknown}
		for _, name := range a.cfg.TargetNames() {
			t, err := a.targetStatus(tx, name)
			if err != nil {
				return err
			}
			if !t.Oldest.IsZero() {
				s.OldestJob[name] = now.Sub(t.Oldest)
			} else {
				s.OldestJob[name] = 0
			}
			s.Lanes[name], s.Accounts[name] = model.LaneState(t.Lane), t.Accounts
			s.Jobs[name] = map[model.JobState]int{model.JobReady: t.Ready, model.JobOpen: t.Open, model.JobHeld: t.Held, model.JobParked: t.Parked, model.JobRejected: t.Rejected}
		}
		for src, err := range store.Sources.Each(tx, nil) {
			if err != nil {
				return err
			}
			if a.cfg.Sources[src.Name] == nil {
				continue
			}
			s.SourceFailures[src.Name] = src.Failures
			if at := later(src.LastGood, src.LastHeard); !at.IsZero() {
				s.LastGoodRead[src.Name] = now.Sub(at)
			}
		}
		for q, err := range store.Conflicts.Each(tx, nil) {
			if err != nil {
				return err
			}
			s.OpenConflicts[q.Kind]++
		}
		holds, err := ingest.WaitingHolds(tx)
		s.HeldRuns = len(holds)
		return err
	})
	return s, err
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// alive reports whether the write path answers.
func (a *App) alive() error {
	return a.store.Try(func(tx *store.Tx) error { return tx.SetSetting("alive", a.now()) })
}

// health says what /healthz and /readyz mean: the write path answers, and no
// source is refused and no lane is stopped.
func (a *App) health() observe.Health {
	return observe.Health{
		Live:    []observe.Check{{Name: "database", Test: func(context.Context) error { return a.alive() }}},
		Ready:   []observe.Check{{Name: "people flow", Test: a.flowing}},
		Metrics: a.metrics.Handler(),
	}
}

func (a *App) flowing(context.Context) error {
	return a.store.View(func(tx *store.Tx) error {
		for src, err := range store.Sources.Each(tx, nil) {
			if err != nil {
				return err
			}
			if src.LastClass == "denied" || src.LastClass == "misconfigured" {
				return fmt.Errorf("source %s is refused", src.Name)
			}
		}
		for lane, err := range store.Lanes.Each(tx, nil) {
			if err != nil {
				return err
			}
			if lane.State == model.LaneDenied || lane.State == model.LaneBroken {
				return fmt.Errorf("target %s is %s", lane.Target, lane.State)
			}
		}
		return nil
	})
}
