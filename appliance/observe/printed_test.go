package observe

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/appliance/model"
)

// exported returns the names of all series that one appliance can export, with
// those that histograms add.
func exported(t *testing.T) map[string]bool {
	t.Helper()
	m := NewMetrics("test", []string{"Users"}, func() (State, error) {
		return State{
			OldestJob: map[string]time.Duration{"t": 1}, Jobs: map[string]map[model.JobState]int{"t": {model.JobReady: 1}},
			LastGoodRead: map[string]time.Duration{"s": 1}, SourceFailures: map[string]int{"s": 1}, Lanes: map[string]model.LaneState{"t": model.LaneOpen},
			Accounts: map[string]int{"t": 1}, People: map[model.Status]int{model.Active: 1}, OpenConflicts: map[model.ConflictKind]int{model.AccountTaken: 1},
			Certificates: map[string]time.Time{"c": time.Unix(1, 0)}, NotifyFailures: map[string]int{"email": 1},
		}, nil
	})
	m.SCIMRequest("Users", 200, time.Millisecond)
	families, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, f := range families {
		names[f.GetName()] = true
		if f.GetName() == "rollcall_scim_request_duration_seconds" {
			names[f.GetName()+"_bucket"] = true
		}
	}
	return names
}

var metricName = regexp.MustCompile(`\b(?:rollcall|process|go)_[a-z0-9_]+`)

func TestAlertsAndDashboardSpeakOfMetricsThatExist(t *testing.T) {
	names := exported(t)
	used := map[string]bool{}
	for l := range strings.Lines(AlertRules) {
		if expr, ok := strings.CutPrefix(strings.TrimSpace(l), "expr:"); ok {
			for _, name := range metricName.FindAllString(expr, -1) {
				used[name] = true
			}
		}
	}
	var d struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr, LegendFormat string }
		}
	}
	if err := json.Unmarshal([]byte(Dashboard), &d); err != nil {
		t.Fatal(err)
	}
	for _, p := range d.Panels {
		if p.Title == "" || len(p.Targets) == 0 {
			t.Errorf("panel %q shows nothing", p.Title)
		}
		for _, target := range p.Targets {
			for _, name := range metricName.FindAllString(target.Expr, -1) {
				used[name] = true
			}
		}
	}
	if len(used) < 10 {
		t.Fatalf("only %d metrics were found in use: is the test reading the right lines?", len(used))
	}
	for _, name := range slices.Sorted(maps.Keys(used)) {
		if !names[name] {
			t.Errorf("%s is alerted on or drawn, and is no metric of ours", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if strings.HasPrefix(name, "rollcall_") && !used[name] && name != "rollcall_scim_request_duration_seconds" && name != "rollcall_config_last_reload_success_timestamp_seconds" {
			t.Errorf("%s is exported, and no alert or panel says what it is good for", name)
		}
	}
}

func TestNoLabelCouldNameAPerson(t *testing.T) {
	allowed := []string{"target", "state", "source", "kind", "route", "class", "status", "certificate", "channel", "version"}
	label := regexp.MustCompile(`variableLabels: \{([^}]*)\}`)
	for _, d := range stateDescs {
		for _, group := range label.FindAllStringSubmatch(d.String(), -1) {
			for name := range strings.SplitSeq(group[1], ",") {
				if name != "" && !slices.Contains(allowed, name) {
					t.Errorf("%s has the label %s", d, name)
				}
			}
		}
	}
}
