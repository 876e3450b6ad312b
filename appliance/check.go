package appliance

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"rollcall/appliance/admin"
	"rollcall/appliance/model"
	"rollcall/appliance/reconcile"
	"rollcall/connectors"
)

// checksAtOnce is how many services are asked at the same time: HiBob alone takes
// twelve seconds to be sure that a permission is missing.
const checksAtOnce = 8

// Check implements admin.Service. What it finds out about fields is remembered for
// the readiness report.
func (a *App) Check(ctx context.Context, names []string) ([]admin.CheckResult, error) {
	if len(names) == 0 {
		names = append(a.cfg.SourceNames(), a.cfg.TargetNames()...)
	}
	for _, name := range names {
		if a.cfg.Sources[name] == nil && a.cfg.Targets[name] == nil {
			return nil, notFound("there is no source or target %q; the configuration has %s", name, listed(append(a.cfg.SourceNames(), a.cfg.TargetNames()...)))
		}
	}
	out := make([]admin.CheckResult, len(names))
	var g errgroup.Group
	g.SetLimit(checksAtOnce)
	for i, name := range names {
		g.Go(func() (err error) {
			out[i], err = a.checkOne(ctx, name)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, r := range out {
		a.checked[r.Name] = r
	}
	return out, nil
}

func (a *App) checkOne(ctx context.Context, name string) (admin.CheckResult, error) {
	src := a.cfg.Sources[name]
	if src != nil && src.Kind.Pushes() {
		return a.checkSender(name)
	}
	r := admin.CheckResult{Name: name}
	var connector any
	switch {
	case src != nil:
		r.Kind, connector = string(src.Kind), a.sources[name]
	case a.files[name] != nil:
		r.Kind, connector = string(a.cfg.Targets[name].Kind), a.files[name]
	default:
		r.Kind, connector = string(a.cfg.Targets[name].Kind), a.targets[name]
	}
	checker, ok := connector.(connectors.Checker)
	if !ok {
		r.OK, r.Summary = true, "configured; this kind has nothing to check beyond that"
		return r, nil
	}
	report, err := checker.Check(ctx)
	if err != nil {
		r.Error, r.Summary = err.Error(), "not usable as configured"
		return r, nil
	}
	r.OK, r.People, r.Requests, r.Notices = len(report.Missing) == 0, report.People, report.Requests, report.Notices
	r.Summary = fmt.Sprintf("%s, %s", report.Reached, people(report.People))
	if report.Sampled {
		r.Summary = fmt.Sprintf("%s, %s looked at", report.Reached, people(report.People))
	}
	for _, m := range report.Missing {
		r.Missing = append(r.Missing, admin.CheckMissing{Permission: m.Permission, Field: m.Field, Attribute: string(m.Attribute), Effect: m.Effect})
	}
	if src == nil {
		r.Facts = facts(report.Facts)
		return r, a.keepKnowledge(name, connector)
	}
	if report.Requests > 0 {
		r.Summary += "; a full read costs about " + plural(report.Requests, "request")
	}
	if report.Sample != nil {
		o := *report.Sample
		told := len(o.Notices)
		src.Mapping().Apply(&o)
		for _, n := range o.Notices[told:] {
			r.Notices = append(r.Notices, "in the sample record, "+n)
		}
		for _, n := range o.Attributes.Sorted() {
			r.Sample = append(r.Sample, admin.Value{Attribute: string(n), Value: o.Attributes[n].Text, Null: o.Attributes[n].Null, Field: o.Fields[n], Source: name})
		}
		if o.RawStatus != "" || o.Status != model.Dated {
			r.Sample = append(r.Sample, admin.Value{Attribute: "status", Value: string(o.Status), Field: o.RawStatus, Source: name})
		}
	}
	told, err := a.groupNotices(src)
	if err != nil {
		return r, err
	}
	r.Notices = append(r.Notices, told...)
	if address := a.hookURL(name); address != "" {
		r.Notices = append(r.Notices, a.hookNotice(name, address))
	}
	if report.Sampled {
		return r, nil
	}
	return r, a.checkDrift(&r)
}

// keepKnowledge stores what a check of a target found out about its service.
func (a *App) keepKnowledge(name string, connector any) error {
	t, ok := connector.(connectors.Learner)
	if !ok {
		return nil
	}
	if k := t.Known(); !k.Learned.IsZero() {
		return a.engine.Learned(name, k)
	}
	return nil
}

// checkDrift compares what a source shows now with its last complete read: an
// answer that is much smaller would be held by a guard, and says so beforehand.
func (a *App) checkDrift(r *admin.CheckResult) error {
	state, err := a.sourceState(r.Name)
	if err != nil || state.LastGood.IsZero() {
		return err
	}
	r.LastRead = state.LastCount
	switch d := r.People - r.LastRead; {
	case d > 0:
		r.Summary += fmt.Sprintf("; %d more than the last complete read saw", d)
	case d < 0:
		r.Summary += fmt.Sprintf("; %d fewer than the last complete read saw", -d)
	}
	if shrunk, why := reconcile.Shrunk(r.People, r.LastRead, a.engine.Settings().Limits.Shrink); shrunk {
		r.OK = false
		r.Notices = append(r.Notices, "a read would be held: "+why)
	}
	return nil
}

// hookNotice says where the service may tell of changes, and whether it does.
func (a *App) hookNotice(name, address string) string {
	heard := "nothing came since the start; polling goes on regardless"
	if at := a.pollers[name].Heard(); !at.IsZero() {
		heard = "the last one came at " + at.UTC().Format(time.RFC3339)
	}
	return "webhooks are taken at " + address + ": " + heard
}

// checkSender looks at a source that pushes: it can only be waited for.
func (a *App) checkSender(name string) (admin.CheckResult, error) {
	r := admin.CheckResult{Name: name, Kind: string(a.cfg.Sources[name].Kind)}
	tokens, err := a.Tokens(context.Background())
	if err != nil {
		return r, err
	}
	usable := 0
	for _, t := range tokens {
		if t.Source == name && t.Revoked.IsZero() && (t.Expires.IsZero() || t.Expires.After(a.now())) {
			usable++
		}
	}
	state, err := a.sourceState(name)
	if err != nil {
		return r, err
	}
	switch {
	case usable == 0:
		r.Error = fmt.Sprintf("no usable token; rollcall token create %s makes one", name)
		r.Summary = "cannot be reached by the identity provider yet"
	case state.LastHeard.IsZero():
		r.OK, r.Summary = true, "waiting for the first request at "+a.scimURL()
	default:
		r.OK, r.Summary = true, "last heard "+state.LastHeard.Format(time.RFC3339)
	}
	return r, nil
}
