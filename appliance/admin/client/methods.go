package client

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"rollcall/appliance/admin"
	"rollcall/appliance/model"
	"rollcall/appliance/readiness"
)

const (
	get  = http.MethodGet
	post = http.MethodPost
	del  = http.MethodDelete
)

// Version returns the version of the running appliance.
func (c *Client) Version(ctx context.Context) (admin.Version, error) {
	return ask[admin.Version](ctx, c, call{method: get, path: []string{"version"}})
}

// Status returns everything at a glance.
func (c *Client) Status(ctx context.Context) (admin.Status, error) {
	return ask[admin.Status](ctx, c, call{method: get, path: []string{"status"}})
}

// Activate makes a source relay, and returns the run whose plan that is.
func (c *Client) Activate(ctx context.Context, source string) (run uint64, err error) {
	var a admin.Activated
	err = c.do(ctx, call{method: post, path: []string{"sources", source, "activate"}, into: &a})
	return a.Run, err
}

// ActivateInWaves makes a source relay its plan in waves.
func (c *Client) ActivateInWaves(ctx context.Context, source string) (run uint64, err error) {
	var a admin.Activated
	err = c.do(ctx, call{method: post, path: []string{"sources", source, "activate"}, body: admin.ActivateRequest{Waves: true}, into: &a})
	return a.Run, err
}

// Pause makes a source read nothing and relay nothing.
func (c *Client) Pause(ctx context.Context, source string) error {
	return c.do(ctx, call{method: post, path: []string{"sources", source, "pause"}})
}

// Sync asks for a read now of the named sources (none: all that are polled and not paused), and
// returns at once.
func (c *Client) Sync(ctx context.Context, sources []string) error {
	return c.do(ctx, call{method: post, path: []string{"sync"}, body: admin.SyncRequest{Sources: sources}})
}

// Wait blocks until no read of the named sources (none: of all) is running and
// nothing that may be sent is left, or ctx ends. It asks as often as needed.
func (c *Client) Wait(ctx context.Context, sources []string) error {
	for {
		var w admin.Waited
		if err := c.do(ctx, call{method: get, path: []string{"wait"}, query: url.Values{"source": sources}, into: &w}); err != nil || w.Done {
			return err
		}
	}
}

// Plan returns what is pending, or what activating source would change.
func (c *Client) Plan(ctx context.Context, source string) (admin.Plan, error) {
	q := url.Values{}
	if source != "" {
		q.Set("source", source)
	}
	return ask[admin.Plan](ctx, c, call{method: get, path: []string{"plan"}, query: q})
}

// PlanTo writes a plan as JSON to w as it comes, however large it is.
func (c *Client) PlanTo(ctx context.Context, source string, w io.Writer) error {
	q := url.Values{}
	if source != "" {
		q.Set("source", source)
	}
	return c.do(ctx, call{method: get, path: []string{"plan"}, query: q, into: w})
}

// ReadinessTo writes the readiness report as JSON to w as it comes, however large it is.
func (c *Client) ReadinessTo(ctx context.Context, w io.Writer) error {
	return c.do(ctx, call{method: get, path: []string{"readiness"}, into: w})
}

// Runs lists runs, newest first.
func (c *Client) Runs(ctx context.Context, page admin.Page) ([]model.Run, error) {
	return ask[[]model.Run](ctx, c, call{method: get, path: []string{"runs"}, query: pageQuery(page)})
}

// Run returns one run and its deliveries. Its tag is what a decision on exactly this
// names.
func (c *Client) Run(ctx context.Context, seq uint64) (admin.RunDetail, error) {
	return ask[admin.RunDetail](ctx, c, call{method: get, path: []string{"runs", strconv.FormatUint(seq, 10)}})
}

// RunBrief is Run without the deliveries, which may be many.
func (c *Client) RunBrief(ctx context.Context, seq uint64) (admin.RunDetail, error) {
	return ask[admin.RunDetail](ctx, c, call{method: get, path: []string{"runs", strconv.FormatUint(seq, 10)}, query: url.Values{"brief": {"true"}}})
}

// Approve releases what a run holds. With a tag, that of the run as the operator saw
// it, nothing happens when it is something else by now, and the answer is
// [admin.CodeStale].
func (c *Client) Approve(ctx context.Context, seq uint64, tag string) (released int, err error) {
	return c.decide(ctx, seq, "approve", tag)
}

// Reject refuses what a run holds; tag is as for [Client.Approve].
func (c *Client) Reject(ctx context.Context, seq uint64, tag string) (rejected int, err error) {
	return c.decide(ctx, seq, "reject", tag)
}

func (c *Client) decide(ctx context.Context, seq uint64, verb, tag string) (int, error) {
	var s admin.Settled
	err := c.do(ctx, call{method: post, path: []string{"runs", strconv.FormatUint(seq, 10), verb}, tag: tag, into: &s})
	return s.Deliveries, err
}

// RunPlan returns what a run still has to send, person by person.
func (c *Client) RunPlan(ctx context.Context, seq uint64) (admin.Plan, error) {
	return ask[admin.Plan](ctx, c, call{method: get, path: []string{"runs", strconv.FormatUint(seq, 10), "plan"}})
}

// ApproveOnly releases a part of what a run holds; tag is as for [Client.Approve].
func (c *Client) ApproveOnly(ctx context.Context, seq uint64, tag string, only admin.Only) (admin.Settled, error) {
	return ask[admin.Settled](ctx, c, call{method: post, path: []string{"runs", strconv.FormatUint(seq, 10), "approve"}, tag: tag, body: admin.ApproveRequest{Only: &only}})
}

// UndoPlan says what undoing a run would do.
func (c *Client) UndoPlan(ctx context.Context, seq uint64) (admin.Undo, error) {
	return ask[admin.Undo](ctx, c, call{method: get, path: []string{"runs", strconv.FormatUint(seq, 10), "undo"}})
}

// UndoRun undoes a run, as it is when the appliance is asked.
func (c *Client) UndoRun(ctx context.Context, seq uint64) (admin.Undo, error) {
	return c.UndoRunIf(ctx, seq, "")
}

// UndoRunIf is UndoRun on condition that it does exactly what the operator saw:
// tag is that of [Client.UndoPlan].
func (c *Client) UndoRunIf(ctx context.Context, seq uint64, tag string) (admin.Undo, error) {
	return ask[admin.Undo](ctx, c, call{method: post, path: []string{"runs", strconv.FormatUint(seq, 10), "undo"}, tag: tag})
}

// Apply does exactly what a reviewed plan says.
func (c *Client) Apply(ctx context.Context, plan admin.ReviewedPlan) (admin.Applied, error) {
	return ask[admin.Applied](ctx, c, call{method: post, path: []string{"apply"}, body: plan})
}

// People lists the people that query finds (empty: all), and the cursor of the
// next page, empty after the last.
func (c *Client) People(ctx context.Context, query string, page admin.Page) (list []admin.Person, next string, err error) {
	q := pageQuery(page)
	if query != "" {
		q.Set("q", query)
	}
	var p admin.PeoplePage
	err = c.do(ctx, call{method: get, path: []string{"people"}, query: q, into: &p})
	return p.People, p.Next, err
}

// Person finds one person by id, email, employee number or unambiguous name.
func (c *Client) Person(ctx context.Context, who string) (admin.Person, error) {
	return ask[admin.Person](ctx, c, call{method: get, path: []string{"person"}, query: url.Values{"who": {who}}})
}

// PeopleAt is People as the roster was at an instant.
func (c *Client) PeopleAt(ctx context.Context, query string, at time.Time, page admin.Page) (admin.PeoplePage, error) {
	q := pageQuery(page)
	q.Set("at", at.UTC().Format(time.RFC3339Nano))
	if query != "" {
		q.Set("q", query)
	}
	return ask[admin.PeoplePage](ctx, c, call{method: get, path: []string{"people"}, query: q})
}

// PersonAt is Person as they were at an instant.
func (c *Client) PersonAt(ctx context.Context, who string, at time.Time) (admin.Person, error) {
	return ask[admin.Person](ctx, c, call{method: get, path: []string{"person"}, query: url.Values{"who": {who}, "at": {at.UTC().Format(time.RFC3339Nano)}}})
}

// ExplainDelivery says what is between somebody and their account in a target, in each
// when target is empty, and what happens next.
func (c *Client) ExplainDelivery(ctx context.Context, who, target string) ([]admin.DeliveryExplained, error) {
	q := url.Values{"who": {who}}
	if target != "" {
		q.Set("target", target)
	}
	return ask[[]admin.DeliveryExplained](ctx, c, call{method: get, path: []string{"deliveries", "explain"}, query: q})
}

// WhyNot says what is between somebody and their accounts.
func (c *Client) WhyNot(ctx context.Context, who string) (admin.WhyNot, error) {
	return ask[admin.WhyNot](ctx, c, call{method: get, path: []string{"person", "why-not"}, query: url.Values{"who": {who}}})
}

// PeopleDiff says who joined, went and changed between two instants.
func (c *Client) PeopleDiff(ctx context.Context, from, to time.Time) (admin.RosterDiff, error) {
	q := url.Values{"from": {from.UTC().Format(time.RFC3339Nano)}, "to": {to.UTC().Format(time.RFC3339Nano)}}
	return ask[admin.RosterDiff](ctx, c, call{method: get, path: []string{"people", "diff"}, query: q})
}

// Conflicts lists the open conflicts.
func (c *Client) Conflicts(ctx context.Context) ([]admin.Conflict, error) {
	return ask[[]admin.Conflict](ctx, c, call{method: get, path: []string{"conflicts"}})
}

// Conflict returns one open conflict.
func (c *Client) Conflict(ctx context.Context, id string) (admin.Conflict, error) {
	return ask[admin.Conflict](ctx, c, call{method: get, path: []string{"conflicts", id}})
}

// Resolve answers a conflict. With the Rev of the conflict as it was shown, the
// answer counts only while the conflict still is that; else [admin.CodeStale].
func (c *Client) Resolve(ctx context.Context, id string, answer admin.Resolution) error {
	tag := ""
	if answer.Rev != 0 {
		tag = strconv.FormatUint(answer.Rev, 10)
	}
	return c.do(ctx, call{method: post, path: []string{"conflicts", id, "resolve"}, tag: tag, body: answer})
}

// Preview returns the plan that an answer to a conflict would cause, without
// giving it.
func (c *Client) Preview(ctx context.Context, id string, answer admin.Resolution) (admin.Plan, error) {
	return ask[admin.Plan](ctx, c, call{method: post, path: []string{"conflicts", id, "preview"}, body: answer})
}

// Decisions lists the answers in force, newest first.
func (c *Client) Decisions(ctx context.Context) ([]admin.Decision, error) {
	return ask[[]admin.Decision](ctx, c, call{method: get, path: []string{"decisions"}})
}

// History returns what changed about a person, oldest first.
func (c *Client) History(ctx context.Context, who string) ([]admin.HistoryEntry, error) {
	return ask[[]admin.HistoryEntry](ctx, c, call{method: get, path: []string{"person", "history"}, query: url.Values{"who": {who}}})
}

// Verify recomputes everything that is derived and compares it.
func (c *Client) Verify(ctx context.Context) (admin.Verification, error) {
	return ask[admin.Verification](ctx, c, call{method: get, path: []string{"verify"}})
}

// PreviewUndo returns the plan that taking a decision back would cause, without
// taking it back.
func (c *Client) PreviewUndo(ctx context.Context, decision string) (admin.Plan, error) {
	return ask[admin.Plan](ctx, c, call{method: post, path: []string{"decisions", decision, "preview-undo"}})
}

// UndoDecision takes a decision back, named by its own id or by that of the
// conflict it answered. The conflict opens again if it still is one.
func (c *Client) UndoDecision(ctx context.Context, decision string) error {
	return c.do(ctx, call{method: post, path: []string{"decisions", decision, "undo"}})
}

// Export returns a page of who is to have access.
func (c *Client) Export(ctx context.Context, query string, page admin.Page) (admin.ExportedPeople, error) {
	q := pageQuery(page)
	if query != "" {
		q.Set("q", query)
	}
	return ask[admin.ExportedPeople](ctx, c, call{method: get, path: []string{"people", "export"}, query: q})
}

// Import sets what rows of a people file say otherwise than the roster or, with
// DryRun, says what that would be.
func (c *Client) Import(ctx context.Context, asked admin.ImportRequest) (admin.Imported, error) {
	return ask[admin.Imported](ctx, c, call{method: post, path: []string{"people", "import"}, body: asked})
}

// Groups lists the groups that targets have or are to have; an empty target means all.
func (c *Client) Groups(ctx context.Context, target string) ([]admin.Group, error) {
	q := url.Values{}
	if target != "" {
		q.Set("target", target)
	}
	return ask[[]admin.Group](ctx, c, call{method: get, path: []string{"groups"}, query: q})
}

// Group is one group of a source in a target, with its members.
func (c *Client) Group(ctx context.Context, target, source, group string) (admin.GroupDetail, error) {
	return ask[admin.GroupDetail](ctx, c, call{method: get, path: []string{"groups", target, source, group}})
}

// RetryGroup lets a group go that a guard holds or the target refused.
func (c *Client) RetryGroup(ctx context.Context, target, source, group string) error {
	_, err := ask[struct{}](ctx, c, call{method: post, path: []string{"groups", target, source, group, "retry"}})
	return err
}

// Drift lists what targets hold otherwise than it was delivered; an empty target
// means all.
func (c *Client) Drift(ctx context.Context, target string) ([]admin.Drift, error) {
	q := url.Values{}
	if target != "" {
		q.Set("target", target)
	}
	return ask[[]admin.Drift](ctx, c, call{method: get, path: []string{"drift"}, query: q})
}

// Deliveries lists pending deliveries; an empty target or state means any.
func (c *Client) Deliveries(ctx context.Context, target, state string, page admin.Page) ([]admin.Delivery, error) {
	q := pageQuery(page)
	if target != "" {
		q.Set("target", target)
	}
	if state != "" {
		q.Set("state", state)
	}
	return ask[[]admin.Delivery](ctx, c, call{method: get, path: []string{"deliveries"}, query: q})
}

// RetryDelivery sends a delivery again as soon as its target's lane allows.
func (c *Client) RetryDelivery(ctx context.Context, target, person string) error {
	return c.do(ctx, call{method: post, path: []string{"deliveries", target, person, "retry"}})
}

// DropDelivery forgets a delivery until the person changes.
func (c *Client) DropDelivery(ctx context.Context, target, person string) error {
	return c.do(ctx, call{method: post, path: []string{"deliveries", target, person, "drop"}})
}

// SetLane pauses or resumes a target: state is "paused" or "open".
func (c *Client) SetLane(ctx context.Context, target, state string) error {
	return c.do(ctx, call{method: post, path: []string{"targets", target, "lane"}, body: admin.LaneRequest{State: state}})
}

// Tokens lists the bearer tokens of SCIM sources, without the tokens themselves.
func (c *Client) Tokens(ctx context.Context) ([]admin.Token, error) {
	return ask[[]admin.Token](ctx, c, call{method: get, path: []string{"tokens"}})
}

// CreateToken makes a bearer token for a SCIM source. Ttl 0 is without end;
// fractions of a second are dropped.
func (c *Client) CreateToken(ctx context.Context, source, label string, ttl time.Duration) (admin.NewToken, error) {
	body := admin.TokenRequest{Source: source, Label: label, TTLSeconds: int64(ttl / time.Second)}
	return ask[admin.NewToken](ctx, c, call{method: post, path: []string{"tokens"}, body: body})
}

// RevokeToken makes a token worthless at once.
func (c *Client) RevokeToken(ctx context.Context, id string) error {
	return c.do(ctx, call{method: del, path: []string{"tokens", id}})
}

// Journal returns up to limit events after seq, oldest first; zero is the start
// of the journal, and a negative seq returns the newest. With wait it blocks
// until there is one, for at most [admin.LongPoll], and then returns none.
func (c *Client) Journal(ctx context.Context, after int64, limit int, wait bool) ([]model.Event, error) {
	q := url.Values{}
	if after != 0 {
		q.Set("after", strconv.FormatInt(after, 10))
	}
	if wait {
		q.Set("wait", "true")
	}
	setLimit(q, limit)
	return ask[[]model.Event](ctx, c, call{method: get, path: []string{"journal"}, query: q})
}

// VerifyJournal checks the journal's chain and, when known is not empty, that it
// still holds the head that somebody noted.
func (c *Client) VerifyJournal(ctx context.Context, known string) (admin.Verified, error) {
	q := url.Values{}
	if known != "" {
		q.Set("head", known)
	}
	return ask[admin.Verified](ctx, c, call{method: get, path: []string{"journal", "verify"}, query: q})
}

// Names says what humans call the subjects of journal events, at most
// [admin.MaxNames] of them; those without a name are left out.
func (c *Client) Names(ctx context.Context, subjects []string) (map[string]string, error) {
	return ask[map[string]string](ctx, c, call{method: get, path: []string{"names"}, query: url.Values{"subject": subjects}})
}

// Requests lists what SCIM senders asked lately, masked.
func (c *Client) Requests(ctx context.Context, source string, failedOnly bool, limit int) ([]admin.Request, error) {
	q := url.Values{}
	if source != "" {
		q.Set("source", source)
	}
	if failedOnly {
		q.Set("failed", "true")
	}
	setLimit(q, limit)
	return ask[[]admin.Request](ctx, c, call{method: get, path: []string{"requests"}, query: q})
}

// Check checks credentials and permissions of the named sources and targets
// (none: of all).
func (c *Client) Check(ctx context.Context, names []string) ([]admin.CheckResult, error) {
	return ask[[]admin.CheckResult](ctx, c, call{method: post, path: []string{"check"}, body: admin.CheckRequest{Names: names}})
}

// Readiness returns the readiness report, made of what is known.
func (c *Client) Readiness(ctx context.Context) (readiness.Report, error) {
	return ask[readiness.Report](ctx, c, call{method: get, path: []string{"readiness"}})
}

// Backup writes a consistent copy of the database to an absolute path on the
// appliance's machine.
func (c *Client) Backup(ctx context.Context, path string) error {
	return c.do(ctx, call{method: post, path: []string{"backup"}, body: admin.BackupRequest{Path: path}})
}

// NotifyTest sends a test message over every channel of [notify] and returns how
// each fared.
func (c *Client) NotifyTest(ctx context.Context) ([]admin.NotifyResult, error) {
	var out []admin.NotifyResult
	err := c.do(ctx, call{method: post, path: []string{"notify", "test"}, into: &out})
	return out, err
}

// Forget erases a person or, with DryRun, says what that would erase.
func (c *Client) Forget(ctx context.Context, asked admin.ForgetRequest) (admin.Forgotten, error) {
	return ask[admin.Forgotten](ctx, c, call{method: post, path: []string{"forget"}, body: asked})
}

// Reload has the appliance read its configuration again or, with dryRun, say what
// that would change.
func (c *Client) Reload(ctx context.Context, dryRun bool) (admin.Reloaded, error) {
	return ask[admin.Reloaded](ctx, c, call{method: post, path: []string{"reload"}, body: admin.ReloadRequest{DryRun: dryRun}})
}

// ShowConfig returns the configuration that the running appliance uses, with
// secrets hidden.
func (c *Client) ShowConfig(ctx context.Context) (string, error) {
	var s admin.ShownConfig
	err := c.do(ctx, call{method: get, path: []string{"config"}, into: &s})
	return s.Config, err
}
