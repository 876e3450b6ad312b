package appliance

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"rollcall/appliance/config"
	"rollcall/appliance/identity"
	"rollcall/appliance/model"
	"rollcall/appliance/reconcile"
	"rollcall/connectors/adp"
	"rollcall/connectors/csv"
	"rollcall/connectors/hibob"
	"rollcall/connectors/lucca"
)

// TestConfig runs the [[test]] tables of a configuration: each record goes through
// the built-in map of its source, the configured expressions and the policy, as if
// it were the only one there is. Nothing is asked of any service.
func TestConfig(cfg *config.Config) config.TestReport {
	report := config.TestReport{Results: []config.TestResult{}, Idle: []string{}}
	exercised := map[string]bool{}
	for _, t := range cfg.Tests {
		result := config.TestResult{Name: t.Name, Source: t.Source}
		got, rules, err := tryRecord(cfg, t)
		if err != nil {
			result.Failures = []string{err.Error()}
		}
		for _, rule := range rules {
			exercised[t.Source+" "+rule] = true
		}
		for _, name := range slices.Sorted(maps.Keys(t.Expect)) {
			if want := t.Expect[name]; err == nil && got[name] != want {
				result.Failures = append(result.Failures, fmt.Sprintf("%s is %s, want %s", name, gaveFor(got, name), quoteOr(want)))
			}
		}
		report.Results = append(report.Results, result)
	}
	for _, name := range cfg.SourceNames() {
		for _, rule := range cfg.Sources[name].Mapping().Rules() {
			if !exercised[name+" "+rule] {
				table, key, _ := strings.Cut(rule, ".")
				report.Idle = append(report.Idle, fmt.Sprintf("[sources.%s.%s] %s", name, table, key))
			}
		}
	}
	return report
}

// gaveFor spells what came of a record for one expectation.
func gaveFor(got map[string]string, name string) string {
	v, ok := got[name]
	if !ok {
		return "nothing"
	}
	return quoteOr(v)
}

func quoteOr(v string) string {
	switch v {
	case "":
		return "null"
	case config.ExpectAbsent:
		return "absent"
	}
	return fmt.Sprintf("%q", v)
}

// tryRecord returns what comes of a test's record, in the words of expectations,
// and the expressions that had a say.
func tryRecord(cfg *config.Config, t config.Test) (map[string]string, []string, error) {
	src := cfg.Sources[t.Source]
	now := time.Now().In(cfg.Appliance.TimeZone.Location)
	if t.Today != "" {
		day, err := time.ParseInLocation(time.DateOnly, string(t.Today), cfg.Appliance.TimeZone.Location)
		if err != nil {
			return nil, nil, fmt.Errorf("today is no date: %w", err)
		}
		now = day.Add(12 * time.Hour)
	}
	o, err := builtIn(src, t, now)
	if err != nil {
		return nil, nil, err
	}
	m := src.Mapping()
	m.Apply(&o)
	rules := m.Exercised(&o)
	got := map[string]string{config.ExpectScope: cmp.Or(string(o.Scope.State), "in")}
	for n := range t.Expect {
		if model.Name(n).Valid() {
			got[n] = config.ExpectAbsent
		}
	}
	for n, v := range o.Attributes {
		got[string(n)] = v.Text
	}
	policy := policyOf(cfg)
	r := model.Record{ID: "r_test", Source: t.Source, Kind: src.Kind, Native: o.Native, Attributes: o.Attributes, Status: o.Status, RawStatus: o.RawStatus, Scope: o.Scope, Spare: "p_test"}
	if o.Scope.State != model.OutOfScope {
		r.Identifiers, _ = identity.Of(o.Attributes, slices.Contains(src.MatchOn, model.IdentifierEmployeeNumber))
	}
	plan := reconcile.PlanRoster(reconcile.Input{Today: model.Date(now.Format(time.DateOnly)), Policy: &policy, Records: []model.Record{r}})
	got[config.ExpectAccount] = "no"
	for _, p := range plan.Persons {
		got[config.ExpectStatus] = string(p.Status)
		if p.Access == model.AccessOn && p.Waiting == "" && len(p.Held) == 0 {
			got[config.ExpectAccount] = "yes"
		}
	}
	return got, rules, nil
}

// builtIn maps a test's record as the source's connector would.
func builtIn(src *config.Source, t config.Test, now time.Time) (model.Observation, error) {
	switch src.Kind {
	case model.KindHiBob:
		return hibob.Map(t.Record)
	case model.KindADP:
		return adp.Map(t.Record, now)
	case model.KindCSV:
		return csv.Map(t.Record)
	case model.KindLucca:
		if src.API != config.LuccaV3 {
			return model.Observation{}, fmt.Errorf("a person of Lucca's API %s is more than one record, and cannot be tested by one", src.API)
		}
		return lucca.Map(t.Record, src.SkipField)
	}
	o, err := mapResource(t.Record)
	o.Document = t.Record
	return o, err
}
