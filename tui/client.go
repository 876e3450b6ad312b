package tui

import (
	"context"
	"time"

	"rollcall/appliance/admin"
	"rollcall/appliance/model"
)

// Client is what the terminal UI asks of the running appliance; admin/client
// satisfies it. Methods mean what their namesakes of [admin.Service] mean, with
// the operator at this end of the socket as the actor. A refusal is an
// *[admin.Error]; every other error means that the appliance could not be
// reached, and is shown to the operator as it is. Methods must end when their context does and be
// safe for concurrent use.
type Client interface {
	Status(ctx context.Context) (admin.Status, error)
	Activate(ctx context.Context, source string) (run uint64, err error)
	ActivateInWaves(ctx context.Context, source string) (run uint64, err error)
	Pause(ctx context.Context, source string) error
	Sync(ctx context.Context, sources []string) error
	Check(ctx context.Context, names []string) ([]admin.CheckResult, error)

	Plan(ctx context.Context, source string) (admin.Plan, error)
	// Runs returns runs newest first; a page begins after the run whose number
	// Page.After is, in decimal.
	Runs(ctx context.Context, page admin.Page) ([]model.Run, error)
	Run(ctx context.Context, seq uint64) (admin.RunDetail, error)
	// Approve and Reject decide on exactly what was seen: tag is that of the run.
	// When the run is something else by now nothing happens and the refusal is
	// [admin.CodeStale].
	Approve(ctx context.Context, seq uint64, tag string) (released int, err error)
	Reject(ctx context.Context, seq uint64, tag string) (rejected int, err error)

	People(ctx context.Context, query string, page admin.Page) (list []admin.Person, next string, err error)
	Person(ctx context.Context, who string) (admin.Person, error)

	// PeopleAt and PersonAt are the roster of an instant.
	PeopleAt(ctx context.Context, query string, at time.Time, page admin.Page) (admin.PeoplePage, error)
	PersonAt(ctx context.Context, who string, at time.Time) (admin.Person, error)

	Conflicts(ctx context.Context) ([]admin.Conflict, error)
	Conflict(ctx context.Context, id string) (admin.Conflict, error)
	Resolve(ctx context.Context, id string, answer admin.Resolution) error
	// UndoDecision takes a decision back. It is named by its own id or by that
	// of the conflict it answered, which is the one known here.
	UndoDecision(ctx context.Context, decision string) error

	Deliveries(ctx context.Context, target, state string, page admin.Page) ([]admin.Delivery, error)
	ExplainDelivery(ctx context.Context, who, target string) ([]admin.DeliveryExplained, error)
	RetryDelivery(ctx context.Context, target, person string) error
	DropDelivery(ctx context.Context, target, person string) error
	SetLane(ctx context.Context, target, state string) error
	// Groups are those that a target has or is to have, Group one of them with its
	// members; RetryGroup lets one go that waits. Drift is how a target differs from
	// what was delivered.
	Groups(ctx context.Context, target string) ([]admin.Group, error)
	Group(ctx context.Context, target, source, group string) (admin.GroupDetail, error)
	RetryGroup(ctx context.Context, target, source, group string) error
	Drift(ctx context.Context, target string) ([]admin.Drift, error)

	Tokens(ctx context.Context) ([]admin.Token, error)
	CreateToken(ctx context.Context, source, label string, ttl time.Duration) (admin.NewToken, error)
	RevokeToken(ctx context.Context, id string) error

	// Journal returns events after seq, oldest first, or the newest ones when
	// seq is negative; with wait it blocks until there is one or ctx ends.
	Journal(ctx context.Context, after int64, limit int, wait bool) ([]model.Event, error)
	// Names says what humans call the subjects of events; see [admin.Service].
	Names(ctx context.Context, subjects []string) (map[string]string, error)
	History(ctx context.Context, who string) ([]admin.HistoryEntry, error)
	Decisions(ctx context.Context) ([]admin.Decision, error)
	Requests(ctx context.Context, source string, failedOnly bool, limit int) ([]admin.Request, error)
	// Preview and PreviewUndo return the plan that an answer, or taking one back,
	// would cause.
	Preview(ctx context.Context, id string, answer admin.Resolution) (admin.Plan, error)
	PreviewUndo(ctx context.Context, decision string) (admin.Plan, error)
	Readiness(ctx context.Context) (admin.Readiness, error)
	UndoPlan(ctx context.Context, seq uint64) (admin.Undo, error)
	// UndoRunIf is what UndoPlan said: tag is that of its answer.
	UndoRunIf(ctx context.Context, seq uint64, tag string) (admin.Undo, error)
	// RunPlan is what a run still has to send, with the causes of it.
	RunPlan(ctx context.Context, seq uint64) (admin.Plan, error)
	// ApproveOnly is Approve of the part that only names.
	ApproveOnly(ctx context.Context, seq uint64, tag string, only admin.Only) (admin.Settled, error)
}
