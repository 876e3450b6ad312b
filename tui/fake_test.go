package tui

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"rollcall/appliance/admin"
	"rollcall/appliance/admin/admintest"
	"rollcall/appliance/model"
)

// noon is when the tests take place.
var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// fake is an appliance of plainly fictional people. It answers from memory, does
// what it is asked, and notes it in calls. It can be made unreachable.
type fake struct {
	status    admin.Status
	count     int      // people
	names     []string // of the first of them, instead of made-up ones
	conflicts []admin.Conflict
	runs      []model.Run
	held      []admin.Delivery
	pending   []admin.Delivery
	events    []model.Event
	tokens    []admin.Token
	plan      admin.Plan
	groups    []admin.Group
	members   []admin.GroupMember
	drifted   []admin.Drift

	calls    []string
	down     error
	refuse   error // of every change
	resolved []admin.Resolution
	decided  []admin.Decision
	requests []admin.Request
	preview  admin.Plan
	previews []string // asked for
	named    int      // questions for names
	shift    int      // how many people joined before all others
	looks    int      // questions for the status
	asked    []string // queries for people
	limits   []int    // of those
}

var (
	givenNames  = []string{"Ada", "Basil", "Cleo", "Dorian", "Édith", "Fabien", "Greta", "Hugo", "Ines", "Jonas"}
	familyNames = []string{"Sample", "Placeholder", "Fictif", "Example", "Muster", "Prueba", "Fittizio"}
)

func (f *fake) note(format string, args ...any) error {
	f.calls = append(f.calls, fmt.Sprintf(format, args...))
	return f.down
}

// change notes a change and refuses it when told to.
func (f *fake) change(format string, args ...any) error {
	if err := f.note(format, args...); err != nil {
		return err
	}
	return f.refuse
}

func (f *fake) PeopleAt(ctx context.Context, query string, at time.Time, page admin.Page) (admin.PeoplePage, error) {
	if err := f.note("people at %s", at.Format(time.RFC3339)); err != nil {
		return admin.PeoplePage{}, err
	}
	list, next, err := f.People(ctx, query, page)
	for i := range list {
		list[i].Name = "Former " + list[i].Name
	}
	return admin.PeoplePage{People: list, Next: next, At: at, Notices: []string{"two entries were erased since"}}, err
}

func (f *fake) PersonAt(ctx context.Context, who string, at time.Time) (admin.Person, error) {
	p, err := f.Person(ctx, who)
	p.Name = "Former " + p.Name
	return p, err
}

func (f *fake) Groups(_ context.Context, target string) ([]admin.Group, error) {
	return f.groups, f.down
}
func (f *fake) Group(_ context.Context, target, source, group string) (admin.GroupDetail, error) {
	for _, g := range f.groups {
		if g.Source == source && g.ID == group {
			return admin.GroupDetail{Group: g, People: f.members}, f.down
		}
	}
	return admin.GroupDetail{}, &admin.Error{Code: admin.CodeNotFound, Text: "there is no such group"}
}
func (f *fake) RetryGroup(_ context.Context, target, source, group string) error {
	return f.change("retry group %s %s %s", target, source, group)
}
func (f *fake) Drift(_ context.Context, target string) ([]admin.Drift, error) {
	return f.drifted, f.down
}

func (f *fake) Status(context.Context) (admin.Status, error) {
	f.looks++
	return f.status, f.down
}

func (f *fake) Activate(_ context.Context, source string) (uint64, error) {
	return 813, f.change("activate %s", source)
}
func (f *fake) ActivateInWaves(_ context.Context, source string) (uint64, error) {
	return 813, f.change("activate %s in waves", source)
}
func (f *fake) Pause(_ context.Context, source string) error { return f.change("pause %s", source) }
func (f *fake) Sync(_ context.Context, sources []string) error {
	return f.change("sync %s", strings.Join(sources, " "))
}

func (f *fake) Check(_ context.Context, names []string) ([]admin.CheckResult, error) {
	return []admin.CheckResult{{
		Name: names[0], Kind: "hibob", OK: false, Summary: "answers, but two fields cannot be read",
		Missing: []admin.CheckMissing{{Permission: "People's data > Work > View", Field: "work.title", Attribute: "title", Effect: "titles keep their last good value"}},
		Notices: []string{"The account sees 1,204 people."},
	}}, f.note("check %s", names[0])
}

func (f *fake) Plan(_ context.Context, source string) (admin.Plan, error) {
	return f.plan, f.note("plan %s", source)
}

func (f *fake) Runs(_ context.Context, page admin.Page) ([]model.Run, error) {
	from := 0
	if page.After != "" {
		seq, err := strconv.ParseUint(page.After, 10, 64)
		if err != nil {
			return nil, err
		}
		from = slices.IndexFunc(f.runs, func(r model.Run) bool { return r.Seq < seq })
		if from < 0 {
			return nil, f.down
		}
	}
	return f.runs[from:min(from+page.Limit, len(f.runs))], f.down
}

func (f *fake) Run(_ context.Context, seq uint64) (admin.RunDetail, error) {
	for _, r := range f.runs {
		if r.Seq == seq {
			return admin.RunDetail{Run: r, Deliveries: f.held, Tag: admintest.RunTag(r, f.held)}, f.down
		}
	}
	return admin.RunDetail{}, &admin.Error{Code: admin.CodeNotFound, Text: "there is no run " + strconv.FormatUint(seq, 10)}
}

func (f *fake) Approve(ctx context.Context, seq uint64, tag string) (int, error) {
	return f.decide(ctx, "approve", seq, tag)
}

func (f *fake) Reject(ctx context.Context, seq uint64, tag string) (int, error) {
	return f.decide(ctx, "reject", seq, tag)
}

func (f *fake) decide(ctx context.Context, verb string, seq uint64, tag string) (int, error) {
	detail, err := f.Run(ctx, seq)
	if err != nil {
		return 0, err
	}
	if tag != detail.Tag {
		return 0, &admin.Error{Code: admin.CodeStale, Text: "run 812 is not as it was shown"}
	}
	return len(f.held), f.change("%s %d", verb, seq)
}

func (f *fake) row(i int) admin.Person {
	given, family := givenNames[i%len(givenNames)], familyNames[i/len(givenNames)%len(familyNames)]
	p := admin.Person{
		ID: fmt.Sprintf("p_%06d", i), Name: given + " " + family, Email: fmt.Sprintf("person%d@acme.example", i),
		Status: "active", Access: "on", Sources: []string{"hibob", "okta"}, Reason: "hibob says active", Changed: noon.Add(-time.Hour),
	}
	if i < len(f.names) {
		p.Name = f.names[i]
	}
	if f.shift > 0 && i >= len(f.names) {
		p.Name = f.madeUpName(i - f.shift)
	}
	if f.shift > 0 {
		p.ID = fmt.Sprintf("p_%06d", i-f.shift)
	}
	switch i % 11 {
	case 3:
		p.Status, p.Reason = "inactive", "hibob says inactive"
	case 5:
		p.Held = []string{"c_0001"}
	case 7:
		p.Status, p.Waiting = "pending", "starts on 2026-04-01"
	}
	return p
}

// madeUpName is the name of person i before anybody joined.
func (f *fake) madeUpName(i int) string {
	return givenNames[i%len(givenNames)] + " " + familyNames[i/len(givenNames)%len(familyNames)]
}

func (f *fake) People(_ context.Context, query string, page admin.Page) ([]admin.Person, string, error) {
	f.asked, f.limits = append(f.asked, query), append(f.limits, page.Limit)
	if f.down != nil {
		return nil, "", f.down
	}
	i := 0
	if page.After != "" {
		i, _ = strconv.Atoi(page.After)
	}
	var rows []admin.Person
	for ; i < f.count && len(rows) < page.Limit; i++ {
		if p := f.row(i); matches(query, p.Name, p.Email) {
			rows = append(rows, p)
		}
	}
	if i >= f.count {
		return rows, "", nil
	}
	return rows, strconv.Itoa(i), nil
}

func (f *fake) ExplainDelivery(_ context.Context, who, target string) ([]admin.DeliveryExplained, error) {
	if f.down != nil {
		return nil, f.down
	}
	i, err := strconv.Atoi(strings.TrimPrefix(who, "p_"))
	if err != nil {
		return nil, &admin.Error{Code: admin.CodeNotFound, Text: "nobody is " + who}
	}
	p := f.row(i)
	return []admin.DeliveryExplained{{Target: target, Person: admin.PersonRef{ID: p.ID, Name: p.Name, Email: p.Email}, State: "ready", Effect: "update", Run: 812,
		Account:     &admin.ExplainedAccount{ID: "8812", Login: p.Email, Active: true, Adopted: true, At: noon.Add(-48 * time.Hour), Doubt: true},
		Differences: []admin.Difference{{Attribute: "title", Wanted: "Senior Analyst", Has: "Analyst", Doubt: true}, {Attribute: "manager", Wanted: "Ada Sample"}},
		Obstacles: []admin.Obstacle{{Target: target, What: "their manager Ada Sample has no active account there yet: the link follows once they have one",
			Change: "the manager's account is made", Command: "rollcall deliveries explain p_000000 --target " + target}},
		Attempts: []admin.DeliveryAttempt{{At: noon.Add(-3 * time.Minute), Class: "transient", Answer: "javelo: update account: 503 Service Unavailable"}, {At: noon.Add(-time.Minute), Answer: "no answer was stored"}},
		Tries:    2, Next: "it is tried again", At: noon.Add(2 * time.Minute)}}, nil
}

func (f *fake) Person(_ context.Context, who string) (admin.Person, error) {
	if f.down != nil {
		return admin.Person{}, f.down
	}
	i, err := strconv.Atoi(strings.TrimPrefix(who, "p_"))
	if err != nil || i >= f.count {
		return admin.Person{}, &admin.Error{Code: admin.CodeNotFound, Text: "nobody is " + who}
	}
	p := f.row(i)
	p.Manager = &admin.PersonRef{ID: "p_000000", Name: "Ada Sample", Email: "person0@acme.example"}
	p.Reports = 3
	p.Values = []admin.Value{
		{Attribute: "email", Value: p.Email, Source: "okta", Field: "emails[primary].value", Record: "r_2", Run: 780, At: noon.Add(-48 * time.Hour)},
		{Attribute: "given_name", Value: strings.Fields(p.Name)[0], Source: "hibob", Field: "firstName", Record: "r_1", Run: 812, At: noon.Add(-time.Hour),
			Lost: []admin.Lost{{Source: "okta", Value: "Addie", Why: "hibob comes first in authority"}}},
		{Attribute: "title", Null: true, Source: "hibob", Field: "work.title", Record: "r_1", Run: 812, At: noon.Add(-time.Hour)},
	}
	p.Records = []admin.Record{record("r_1", "hibob", "2044", p.Name, p.Email), record("r_2", "okta", "00u1", p.Name, p.Email)}
	p.Accounts = []admin.Account{{Target: "javelo", RemoteID: "j-17", Login: p.Email, Active: true, Adopted: true, At: noon.Add(-2 * time.Hour)}}
	p.WhyNot = map[string]string{"elevo": "the lane is paused by an operator"}
	p.Events = f.events[:min(5, len(f.events))]
	return p, nil
}

func record(id, source, native, name, email string) admin.Record {
	given, family, _ := strings.Cut(name, " ")
	return admin.Record{
		ID: id, Source: source, Native: native, Status: "active", RawStatus: "ACTIVE", Changed: noon.Add(-time.Hour),
		Attributes: map[string]string{"email": email, "given_name": given, "family_name": family, "birth_date": "1990-05-06", "title": "Analyst"},
	}
}

func (f *fake) Conflicts(context.Context) ([]admin.Conflict, error) {
	return slices.Clone(f.conflicts), f.down
}

func (f *fake) Conflict(_ context.Context, id string) (admin.Conflict, error) {
	for _, c := range f.conflicts {
		if c.ID == id {
			return c, f.down
		}
	}
	return admin.Conflict{}, &admin.Error{Code: admin.CodeNotFound, Text: "the conflict " + id + " is not open"}
}

func (f *fake) Resolve(_ context.Context, id string, answer admin.Resolution) error {
	if err := f.change("resolve %s %s %s", id, answer.Verb, answer.Record); err != nil {
		return err
	}
	i := slices.IndexFunc(f.conflicts, func(c admin.Conflict) bool { return c.ID == id })
	if i < 0 || f.conflicts[i].Rev != answer.Rev {
		return &admin.Error{Code: admin.CodeStale, Text: "the conflict is not as it was shown"}
	}
	for _, also := range answer.Also {
		if !slices.ContainsFunc(f.conflicts, func(c admin.Conflict) bool { return c.ID == also.ID && c.Rev == also.Rev }) {
			return &admin.Error{Code: admin.CodeStale, Text: "the conflict " + also.ID + " is not as it was shown"}
		}
	}
	f.resolved = append(f.resolved, answer)
	f.conflicts = slices.DeleteFunc(f.conflicts, func(c admin.Conflict) bool {
		return c.ID == id || slices.ContainsFunc(answer.Also, func(a admin.Asked) bool { return a.ID == c.ID })
	})
	return nil
}

func (f *fake) UndoDecision(_ context.Context, decision string) error {
	return f.change("undo %s", decision)
}

func (f *fake) Deliveries(_ context.Context, target, state string, page admin.Page) ([]admin.Delivery, error) {
	var out []admin.Delivery
	for _, d := range f.pending {
		if (target == "" || d.Target == target) && (state == "" || d.State == state) && len(out) < page.Limit {
			out = append(out, d)
		}
	}
	return out, f.down
}
func (f *fake) RetryDelivery(_ context.Context, target, person string) error {
	return f.change("retry %s %s", target, person)
}
func (f *fake) DropDelivery(_ context.Context, target, person string) error {
	return f.change("drop %s %s", target, person)
}
func (f *fake) SetLane(_ context.Context, target, state string) error {
	return f.change("lane %s %s", target, state)
}

func (f *fake) Tokens(context.Context) ([]admin.Token, error) { return f.tokens, f.down }
func (f *fake) CreateToken(_ context.Context, source, label string, _ time.Duration) (admin.NewToken, error) {
	return admin.NewToken{ID: "t_9", Source: source, Token: "rc_exampletokenshownonlyonce0123456789", URL: "https://rollcall.acme.example/scim/v2"},
		f.change("token %s %q", source, label)
}
func (f *fake) RevokeToken(_ context.Context, id string) error { return f.change("revoke %s", id) }

func (f *fake) Journal(_ context.Context, after int64, limit int, _ bool) ([]model.Event, error) {
	if f.down != nil {
		return nil, f.down
	}
	if after < 0 {
		return f.events[max(len(f.events)-limit, 0):], nil
	}
	from := slices.IndexFunc(f.events, func(e model.Event) bool { return int64(e.Seq) > after })
	if from < 0 {
		return nil, nil
	}
	return f.events[from:min(from+limit, len(f.events))], nil
}

func (f *fake) Names(_ context.Context, subjects []string) (map[string]string, error) {
	f.named++
	out := map[string]string{}
	for _, s := range subjects {
		if i, err := strconv.Atoi(strings.TrimPrefix(s, "person:p_")); err == nil && i < max(f.count, 10_000) {
			out[s] = f.row(i).Name
		}
	}
	return out, f.down
}

func (f *fake) History(ctx context.Context, who string) ([]admin.HistoryEntry, error) {
	p, err := f.Person(ctx, who)
	if err != nil {
		return nil, err
	}
	day := 24 * time.Hour
	return []admin.HistoryEntry{
		{Event: model.Event{Seq: 3, At: noon.Add(-400 * day), Actor: "source:hibob", Subject: "person:" + p.ID, Verb: "joined", Fields: []string{"email", "given_name"}, Reason: "active, access on"}},
		{Event: model.Event{Seq: 4, At: noon.Add(-400 * day), Actor: "rollcall", Subject: "person:" + p.ID, Verb: "created", Fields: []string{"email"}, Reason: "javelo account j-17"}},
		{Event: model.Event{Seq: 90, At: noon.Add(-200 * day), Actor: "rollcall", Subject: "person:" + p.ID, Verb: "deactivated", Reason: "javelo account j-17"}},
		{Event: model.Event{Seq: 95, At: noon.Add(-30 * day), Actor: "rollcall", Subject: "person:" + p.ID, Verb: "reactivated", Reason: "javelo account j-17"}},
		{Event: model.Event{Seq: 99, At: noon.Add(-time.Hour), Actor: "uid:1000(jane)", Subject: "person:" + p.ID, Verb: "changed", Fields: []string{"title"}, Reason: "active, access on", Run: 812},
			Changes: []admin.AttributeChange{{Attribute: "title", Old: "Analyst", New: "Head of Charts"}}},
	}, nil
}

func (f *fake) Decisions(context.Context) ([]admin.Decision, error) { return f.decided, f.down }

func (f *fake) Requests(_ context.Context, source string, failed bool, limit int) ([]admin.Request, error) {
	var out []admin.Request
	for _, r := range f.requests {
		if (source == "" || r.Source == source) && (!failed || r.Status >= 400) && len(out) < limit {
			out = append(out, r)
		}
	}
	return out, f.down
}

func (f *fake) Preview(_ context.Context, id string, answer admin.Resolution) (admin.Plan, error) {
	f.previews = append(f.previews, fmt.Sprintf("%s %s and %d more", id, answer.Verb, len(answer.Also)))
	return f.preview, f.down
}

func (f *fake) PreviewUndo(_ context.Context, decision string) (admin.Plan, error) {
	f.previews = append(f.previews, "undo "+decision)
	return f.preview, f.down
}

func (f *fake) RunPlan(_ context.Context, seq uint64) (admin.Plan, error) {
	pl := admin.Plan{}
	for i, d := range f.held {
		ch := admin.PlanChange{Target: d.Target, Effect: d.Effect, State: d.State, Person: d.Person, Why: "hibob says terminated", Cause: "hibob says terminated",
			Department: []string{"Sales", "Legal", "People"}[i%3], Causes: []string{"c1"}, Attributes: []admin.AttributeChange{{Attribute: "active", Old: "true", New: "false"}}}
		if i%4 == 3 {
			ch.Why, ch.Cause, ch.Causes = "no source lists them any more", "no source lists them any more", []string{"c2"}
		}
		pl.Changes = append(pl.Changes, ch)
	}
	return pl, f.down
}

func (f *fake) Readiness(context.Context) (admin.Readiness, error) {
	r := admin.Readiness{Made: noon, Previewed: []string{"lucca"}, Counts: map[admin.ReadinessKind]int{}, Notices: []string{"elevo was never listed"}}
	for i := range 40 {
		row := admin.ReadinessRow{Kind: "matched", Target: "javelo", Name: f.row(i).Name, Email: f.row(i).Email, Person: f.row(i).ID}
		if i < 3 {
			row = admin.ReadinessRow{Kind: "uncovered", Target: "javelo", Account: f.row(i).Email, Detail: "active, last seen in March", ToDo: "tell HR, or add the source that knows them"}
		}
		r.Rows = append(r.Rows, row)
		r.Counts[row.Kind]++
	}
	return r, f.down
}

func (f *fake) UndoPlan(_ context.Context, seq uint64) (admin.Undo, error) {
	return admin.Undo{Run: seq, Tag: "u1", Plan: f.preview, Stopped: 2, Cannot: []string{"1 account that was created stays, deactivated"},
		Left: []admin.LeftOut{{Target: "javelo", Person: admin.PersonRef{Name: "Hugo Muster"}, Why: "changed since"}}}, f.down
}

func (f *fake) UndoRunIf(_ context.Context, seq uint64, tag string) (admin.Undo, error) {
	return admin.Undo{Run: seq, By: seq + 5}, f.change("undo run %d if %s", seq, tag)
}

func (f *fake) ApproveOnly(ctx context.Context, seq uint64, tag string, only admin.Only) (admin.Settled, error) {
	detail, err := f.Run(ctx, seq)
	if err != nil {
		return admin.Settled{}, err
	}
	if tag != detail.Tag {
		return admin.Settled{}, &admin.Error{Code: admin.CodeStale, Text: "run 812 is not as it was shown"}
	}
	return admin.Settled{Deliveries: len(only.Persons)}, f.change("approve %d only %s %s %s", seq, strings.Join(only.Persons, ","), strings.Join(only.Departments, ","), strings.Join(only.Causes, ","))
}

// acme is an appliance in the middle of its work: a hold, conflicts, a broken
// lane, a read under way.
func acme() *fake {
	f := &fake{count: 1204}
	f.status = admin.Status{
		Version: admin.Version{Version: "1.0.0"}, Now: noon, Started: noon.Add(-72 * time.Hour),
		Health: "attention", Headline: "Deliveries flow; 12 deactivations and 3 conflicts wait for you.",
		Needs: []admin.Need{
			{Kind: "hold", Subject: "run 812", Text: "12 deactivations of run 812 (hibob) wait for approval", Command: "rollcall approve 812"},
			{Kind: "conflict", Subject: "conflicts", Text: "3 conflicts wait for an answer", Command: "rollcall conflicts list"},
			{Kind: "lane", Subject: "elevo", Text: "elevo refuses the credentials", Command: "rollcall check elevo"},
		},
		People: admin.Counts{Total: 1204, Active: 1100, Pending: 14, Leave: 20, Inactive: 70, Held: 6, Waiting: 4},
		Sources: []admin.Source{
			{Name: "hibob", Kind: "hibob", State: "active", Health: "ok", Detail: "read whole", Records: 1190, LastGood: noon.Add(-12 * time.Minute), NextRead: noon.Add(28 * time.Minute), LastRun: 812,
				Reading: &admin.Progress{Done: 400, Total: 1190, Rate: 80, Started: noon.Add(-5 * time.Second), ETA: noon.Add(10 * time.Second)}},
			{Name: "okta", Kind: "okta", State: "active", Health: "ok", Detail: "calls as usual", Records: 1204, LastHeard: noon.Add(-90 * time.Second), Endpoint: "https://rollcall.acme.example/scim/v2", Tokens: 1},
			{Name: "lucca", Kind: "lucca", State: "preview", Health: "trouble", Detail: "could not be read", Records: 0, Error: "lucca: read page 1: 401 Unauthorized; check api_key", Failures: 3},
		},
		Targets: []admin.Target{
			{Name: "javelo", Kind: "javelo", Lane: "open", Accounts: 1100, Ready: 8, Held: 12, Parked: 2, Oldest: noon.Add(-4 * time.Minute), Listed: noon.Add(-time.Hour), Rate: "12 of 240 requests in 5m"},
			{Name: "elevo", Kind: "elevo", Lane: "denied", Reason: "the server refuses the key", RetryAt: noon.Add(10 * time.Minute), Accounts: 900, Ready: 30},
		},
		Activity: []int{0, 0, 1, 3, 9, 20, 4, 0, 0, 2, 5, 7, 1, 0, 0, 0, 12, 3, 2, 0},
	}
	f.conflicts = manyConflicts(3)
	f.runs = []model.Run{
		{Seq: 812, Source: "hibob", Cause: model.CausePoll, Verdict: model.VerdictComplete, Started: noon.Add(-12 * time.Minute), Ended: noon.Add(-11 * time.Minute),
			Counts: model.RunCounts{Pages: 12, Seen: 1190, Unchanged: 1170, Changed: 8, Missing: 12, Expected: 1190, Update: 8, Deactivate: 12},
			Holds:  []model.Hold{{Guard: "max_deactivations", Target: "javelo", Reason: "12 people of 1,100 would lose access; 11 are allowed in one run", Count: 12, Limit: 11, State: model.HoldWaiting}},
			Waves:  []model.Waves{{Target: "javelo", Sizes: []int{1, 60, 240, 900}, Current: 2, State: model.WavesSending}},
			Notes:  []string{"12 people of the department Example Sales left together"}},
		{Seq: 811, Source: "okta", Cause: model.CauseSCIM, Verdict: model.VerdictComplete, Started: noon.Add(-20 * time.Minute), Ended: noon.Add(-20 * time.Minute), Counts: model.RunCounts{Seen: 1, Changed: 1, Update: 1}},
		{Seq: 810, Source: "lucca", Cause: model.CausePoll, Verdict: model.VerdictFailed, Started: noon.Add(-30 * time.Minute), Ended: noon.Add(-30 * time.Minute), Error: "lucca: read page 1: 401 Unauthorized"},
	}
	for i := range 12 {
		p := f.row(i * 11)
		f.held = append(f.held, admin.Delivery{Target: "javelo", Person: admin.PersonRef{ID: p.ID, Name: p.Name, Email: p.Email}, State: "held", Effect: "deactivate", Changed: []string{"active"}, Run: 812, Reason: "hibob says inactive", Created: noon.Add(-11 * time.Minute)})
	}
	bad := f.row(20)
	f.pending = append([]admin.Delivery{{Target: "javelo", Person: admin.PersonRef{ID: bad.ID, Name: bad.Name, Email: bad.Email}, State: "parked", Effect: "update", Changed: []string{"title"}, Run: 811, Reason: "changed in hibob", Attempts: 1, LastError: "javelo: update: 422: title is too long", Created: noon.Add(-19 * time.Minute)}}, f.held...)
	f.events = manyEvents(30)
	f.tokens = []admin.Token{{ID: "t_1", Source: "okta", Label: "production", Created: noon.Add(-90 * 24 * time.Hour), By: "uid:1000(jane)", LastUsed: noon.Add(-90 * time.Second)}}
	f.plan = manyChanges(4)
	f.preview = admin.Plan{Changes: f.plan.Changes[:1]}
	f.decided = []admin.Decision{{ID: "d_1", Verb: "separate", Conflict: "c_9", Kind: "duplicate_identifier", Names: []string{"Greta Muster", "Hugo Muster"},
		Records: []string{"r_8", "r_9"}, At: noon.Add(-26 * time.Hour), Actor: "uid:1000(jane)", Reason: "father and daughter"}}
	for i := range 6 {
		r := admin.Request{At: noon.Add(-time.Duration(i*i) * time.Minute), Source: "okta", Token: "t_1", Method: "PATCH", Path: "/scim/v2/Users/u_" + strconv.Itoa(i), Status: 200, TookMS: 4.2, Dialect: "okta", Quirks: []string{"okta_empty_string_clears"}}
		if i == 2 {
			r.Method, r.Path, r.Status, r.Detail, r.Quirks = "POST", "/scim/v2/Users", 409, "another user of this source has the userName", nil
		}
		f.requests = append(f.requests, r)
	}
	return f
}

// worldwide is an appliance whose people have names of many scripts.
func worldwide() *fake {
	f := acme()
	f.names = []string{"架空 太郎", "נועה דוגמה", "مثال فرضي", "Ngoc\u0323 Vi\u0301 Du\u0323", "Zoë Ñandú Łukasik-Beispiel von und zu Langer Nachname", "สมมติ ตัวอย่าง", "👩‍💻 Emoji", "Ctrl\x1b[31m\x07Sample"}
	return f
}

// blankSlate is an appliance just installed, with sources but nothing active.
func blankSlate() *fake {
	f := &fake{}
	f.status = admin.Status{
		Now: noon, Started: noon.Add(-time.Minute), Health: "ok", Headline: "Nothing is relayed yet: no source is active.",
		Sources: []admin.Source{
			{Name: "hibob", Kind: "hibob", State: "preview", Health: "ok", Detail: "read whole", Records: 1190, LastGood: noon.Add(-12 * time.Second)},
			{Name: "okta", Kind: "okta", State: "preview", Health: "ok", Detail: "has not called yet"},
		},
		Targets: []admin.Target{{Name: "javelo", Kind: "javelo", Lane: "open"}},
	}
	return f
}

func manyConflicts(n int) []admin.Conflict {
	kinds := []model.ConflictKind{model.AmbiguousMatch, model.EmailRecycled, model.PersonalEmail}
	var out []admin.Conflict
	for i := range n {
		kind := kinds[i%len(kinds)]
		name := givenNames[i%len(givenNames)] + " " + familyNames[i%len(familyNames)]
		email := fmt.Sprintf("person%d@acme.example", i)
		c := admin.Conflict{
			ID: fmt.Sprintf("c_%04d", i+1), Kind: string(kind), Rule: "at most one living record of a source may belong to one person", Freezes: kind.Freezes(),
			Identifiers: []string{"email:" + email}, Names: []string{name}, Opened: noon.Add(-time.Duration(i+1) * time.Hour), Rev: uint64(i + 1),
			Records: []admin.Record{record(fmt.Sprintf("r_%da", i), "hibob", strconv.Itoa(2000+i), name, email), record(fmt.Sprintf("r_%db", i), "okta", fmt.Sprintf("00u%d", i), name, email)},
			Persons: []string{fmt.Sprintf("p_%06d", i)}, Differs: []string{"title"}, Suggestion: "merge: same name, birth date and email",
			For: []string{"the names are the same", "each record is from another source"}, Against: []string{"more than one of them is current"},
		}
		c.Shape = string(kind)
		c.Suggested = &admin.Resolution{Verb: "merge"}
		c.Answers = []string{"merge", "separate", "prefer", "exclude", "set", "later"}
		if kind == model.EmailRecycled {
			c.Answers = append(c.Answers, "allow")
		}
		c.Records[1].Attributes["title"] = "Senior Analyst"
		delete(c.Records[1].Attributes, "birth_date")
		if kind == model.PersonalEmail {
			c.Suggestion, c.Suggested, c.Answers = "Ask for a company address.", nil, []string{"allow", "set", "exclude", "later"}
		}
		out = append(out, c)
	}
	return out
}

func manyEvents(n int) []model.Event {
	verbs := []string{"record_changed", "delivered", "linked", "run_ended"}
	out := make([]model.Event, n)
	for i := range out {
		out[i] = model.Event{
			Seq: uint64(i + 1), At: noon.Add(time.Duration(i-n) * time.Second), Actor: "source:hibob",
			Subject: fmt.Sprintf("person:p_%06d", i%1000), Verb: verbs[i%len(verbs)], Fields: []string{"title"}, Reason: "changed in the source", Run: 812,
		}
	}
	return out
}

func manyChanges(n int) admin.Plan {
	pl := admin.Plan{Digest: "d1", Summary: fmt.Sprintf("%d people would change in javelo.", n), Counts: map[string]int{"update": n}}
	for i := range n {
		ch := admin.PlanChange{Target: "javelo", Effect: "update", Why: "title changed in hibob", Person: admin.PersonRef{ID: fmt.Sprintf("p_%06d", i), Name: givenNames[i%10] + " " + familyNames[i%7], Email: fmt.Sprintf("person%d@acme.example", i)},
			Attributes: []admin.AttributeChange{{Attribute: "title", Old: "Analyst", New: "Senior Analyst", Source: "hibob"}}}
		if i%4 == 3 {
			ch.Effect, ch.Why, ch.Attributes = "create", "new in hibob", nil
		}
		pl.Changes = append(pl.Changes, ch)
	}
	return pl
}

var errDown = errors.New("is the appliance running? nothing answers on /run/rollcall/admin.sock: connection refused")
