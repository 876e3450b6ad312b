package scim_test

import (
	"errors"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"rollcall/appliance/model"
	"rollcall/connectors"
	"rollcall/connectors/scim"
	"rollcall/connectors/scim/scimtargetsim"
)

func newcomer(name string) model.Desired {
	return model.Desired{Person: model.PersonID("p_" + name), Active: true, Email: name + "@acme.example", Attributes: map[model.Name]string{model.Title: "Analyst"}}
}

// begun is a batch of the creates of these people, as far as it takes them.
func begun(t *testing.T, target *scim.Target, people ...model.Desired) (connectors.Batch, int) {
	t.Helper()
	b, err := target.Batch(t.Context())
	if err != nil || b == nil {
		t.Fatalf("no batch: %v", err)
	}
	for i, want := range people {
		if b.Add(connectors.Write{Want: want}) != connectors.Fits {
			return b, i
		}
	}
	return b, len(people)
}

func fact(target *scim.Target, name string) string {
	for _, f := range target.Known().Facts {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}

func TestBatchKeepsToTheLimitsOfTheService(t *testing.T) {
	people := []model.Desired{newcomer("ada"), newcomer("bob"), newcomer("cyd"), newcomer("dan"), newcomer("eve")}
	target, _ := openTarget(t, scimtargetsim.Options{Bulk: true, BulkTraits: scimtargetsim.Bulk{MaxOperations: 3}})
	b, n := begun(t, target, people...)
	if n != 3 || b.Add(connectors.Write{Want: people[4]}) != connectors.Full {
		t.Errorf("%d went into a batch of at most 3", n)
	}
	for i, w := range b.Send(t.Context()) {
		if w.Err != nil || w.Account.RemoteID == "" {
			t.Errorf("%d: %+v", i, w)
		}
	}
	// A payload is counted in bytes as it is sent, to the last one.
	for limit := 700; limit < 1500; limit += 13 {
		var sim *scimtargetsim.Sim
		target, sim = openTarget(t, scimtargetsim.Options{Bulk: true, BulkTraits: scimtargetsim.Bulk{MaxPayload: limit}})
		long := newcomer("zoé")
		long.Attributes[model.Title] = strings.Repeat("é<", 30)
		b, n := begun(t, target, long, people[0], people[1], people[2], people[3])
		out := b.Send(t.Context())
		if len(out) != n || n == 0 || n == 5 {
			t.Fatalf("%d of %d", len(out), n)
		}
		for i, w := range out {
			if w.Err != nil {
				t.Errorf("%d bytes, write %d: %v", limit, i, w.Err)
			}
		}
		if size := len(sim.Requests()[1].Body); size > limit || size < limit/3 {
			t.Errorf("%d bytes were sent where %d may be", size, limit)
		}
	}
	giant := newcomer("ada")
	giant.Attributes[model.Title] = strings.Repeat("x", 2000)
	if b, _ := begun(t, target); b.Add(connectors.Write{Want: giant}) != connectors.Alone {
		t.Error("who fits no batch goes alone")
	}
}

// Answers of every form are understood; what departs from RFC 7644 §3.7.3 so far that
// an answer cannot be told from another's is never guessed at, and ends the use of bulk
// with the reason.
func TestBulkAnswersAsTheyCome(t *testing.T) {
	people := []model.Desired{newcomer("ada"), newcomer("bob"), newcomer("cyd")}
	for name, tc := range map[string]struct {
		traits  scimtargetsim.Bulk
		unknown int    // outcomes that say nothing
		gaveUp  string // why
	}{
		"to the letter":          {scimtargetsim.Bulk{}, 0, ""},
		"in reverse":             {scimtargetsim.Bulk{Reverse: true}, 0, ""},
		"with numbers":           {scimtargetsim.Bulk{Status: scimtargetsim.StatusNumber, Bodies: true}, 0, ""},
		"with objects":           {scimtargetsim.Bulk{Status: scimtargetsim.StatusObject}, 0, ""},
		"bodies, no location":    {scimtargetsim.Bulk{NoLocation: true, Bodies: true, Reverse: true}, 0, ""},
		"neither":                {scimtargetsim.Bulk{NoLocation: true}, 3, "without its location"},
		"without bulkId":         {scimtargetsim.Bulk{NoBulkID: true}, 3, "does not say to which write"},
		"the last two are lost":  {scimtargetsim.Bulk{Lost: 2}, 2, "without an answer"},
		"takes fewer than said":  {scimtargetsim.Bulk{MaxOperations: 2, Announced: struct{ MaxOperations, MaxPayload int }{9, 9000}}, 3, "too many"},
		"is not there":           {scimtargetsim.Bulk{Missing: true}, 3, "404"},
		"refuses all for one":    {scimtargetsim.Bulk{Whole: true}, 3, "as a whole"},
		"stops at the first one": {scimtargetsim.Bulk{StopAfter: 1}, 2, "without an answer"},
	} {
		t.Run(name, func(t *testing.T) {
			target, sim := openTarget(t, scimtargetsim.Options{Bulk: true, BulkTraits: tc.traits})
			want := people
			refused := tc.traits.Whole || tc.traits.StopAfter > 0
			if refused {
				sim.Seed(people[0].Email, true)
			}
			b, _ := begun(t, target, want...)
			unknown := 0
			for i, w := range b.Send(t.Context()) {
				switch {
				case w.Err == nil:
					if u, ok := sim.User(want[i].Email); !ok || u.ID != w.Account.RemoteID {
						t.Fatalf("%s is said to be account %s, and is %s", want[i].Email, w.Account.RemoteID, u.ID)
					}
				case connectors.ClassOf(w.Err) == connectors.Taken:
				default:
					unknown++
				}
			}
			if unknown != tc.unknown {
				t.Errorf("%d outcomes say nothing, want %d", unknown, tc.unknown)
			}
			if got := fact(target, "bulk"); tc.gaveUp == "" && !strings.HasPrefix(got, "up to") || tc.gaveUp != "" && !strings.Contains(got, tc.gaveUp) && !(refused && strings.Contains(got, "whole")) {
				t.Errorf("bulk: %q, want %q", got, tc.gaveUp)
			}
			again, err := target.Batch(t.Context())
			if err != nil || (again == nil) != (tc.gaveUp != "") {
				t.Errorf("another batch: %v, %v", again != nil, err)
			}
		})
	}
}

func TestManagersWhoAreMadeInTheSameRequest(t *testing.T) {
	boss, report := newcomer("boss"), newcomer("report")
	report.Manager = &model.ManagerLink{Person: boss.Person}
	for name, tc := range map[string]struct {
		references scimtargetsim.References
		linked     bool
	}{"resolved": {scimtargetsim.ReferencesResolve, true}, "refused": {scimtargetsim.ReferencesRefused, false}, "dropped": {scimtargetsim.ReferencesDropped, false}} {
		for _, bodies := range []bool{false, true} {
			target, sim := openTarget(t, scimtargetsim.Options{Bulk: true, BulkTraits: scimtargetsim.Bulk{References: tc.references, Bodies: bodies}})
			b, _ := begun(t, target, boss, report)
			out := b.Send(t.Context())
			u, made := sim.User(report.Email)
			switch {
			case out[0].Err != nil:
				t.Fatalf("%s: %v", name, out[0].Err)
			case tc.linked && (out[1].Err != nil || out[1].LinkLeft || u.Manager != out[0].Account.RemoteID):
				t.Errorf("%s, bodies %t: %+v, manager %q", name, bodies, out[1], u.Manager)
			case tc.references == scimtargetsim.ReferencesDropped && (out[1].Err != nil || !out[1].LinkLeft):
				t.Errorf("%s, bodies %t: a link that was dropped is taken for written: %+v", name, bodies, out[1])
			case tc.references == scimtargetsim.ReferencesRefused && (!errors.Is(out[1].Err, connectors.ErrAlone) || made):
				t.Errorf("%s, bodies %t: %+v", name, bodies, out[1])
			}
			// What was seen holds for the next ones, and nothing is read back again.
			before := len(sim.Requests())
			b, n := begun(t, target, renamed(boss, "boss2"), reporting(report, "report2", "boss2"))
			if tc.linked != (n == 2) {
				t.Errorf("%s, bodies %t: %d of the next two go together", name, bodies, n)
			}
			b.Send(t.Context())
			if asked := len(sim.Requests()) - before; asked != 1 {
				t.Errorf("%s, bodies %t: %d requests for the second batch", name, bodies, asked)
			}
		}
	}
}

func renamed(d model.Desired, name string) model.Desired {
	d.Person, d.Email = model.PersonID("p_"+name), name+"@acme.example"
	return d
}

func reporting(d model.Desired, name, boss string) model.Desired {
	d = renamed(d, name)
	d.Manager = &model.ManagerLink{Person: model.PersonID("p_" + boss)}
	return d
}

func TestBulkThatKeepsFailingIsGivenUp(t *testing.T) {
	target, sim := openTarget(t, scimtargetsim.Options{Bulk: true})
	sim.Fault(scimtargetsim.Fault{Kind: scimtargetsim.Unavailable, Path: "/Bulk", Times: -1})
	for range 3 {
		b, _ := begun(t, target, newcomer("ada"), newcomer("bob"))
		for _, w := range b.Send(t.Context()) {
			if connectors.ClassOf(w.Err) != connectors.Transient || errors.Is(w.Err, connectors.ErrUnsent) {
				t.Errorf("a gateway's page is taken for an answer: %v", w.Err)
			}
		}
	}
	if b, err := target.Batch(t.Context()); b != nil || err != nil || !strings.Contains(fact(target, "bulk"), "in a row failed") {
		t.Errorf("after three failures: %v, %v, %q", b, err, fact(target, "bulk"))
	}
}

// What one process learned the next one knows, for a week, of the same service only.
func TestWhatWasLearnedIsRecalled(t *testing.T) {
	sim := simulated(scimtargetsim.Options{Bulk: true, ETags: true, BulkTraits: scimtargetsim.Bulk{Missing: true}})
	server := httptest.NewServer(sim)
	defer server.Close()
	base, _ := url.Parse(server.URL + scimtargetsim.Prefix)
	target, err := scim.NewTarget(scim.TargetConfig{BaseURL: base, Token: targetCanary, HTTP: server.Client()})
	if err != nil {
		t.Fatal(err)
	}
	b, _ := begun(t, target, newcomer("ada"), newcomer("bob"))
	b.Send(t.Context())
	known := target.Known()
	if known.Learned.IsZero() || fact(target, "etag") != "yes" || !strings.Contains(fact(target, "bulk"), "404") {
		t.Fatalf("known: %+v", known)
	}
	recall := func(change func(*connectors.Knowledge)) (asked int) {
		k := known
		change(&k)
		before := len(sim.Requests())
		next, err := scim.NewTarget(scim.TargetConfig{BaseURL: base, Token: targetCanary, HTTP: server.Client()})
		if err != nil {
			t.Fatal(err)
		}
		next.Recall(k)
		if _, err := next.Discover(t.Context()); err != nil {
			t.Fatal(err)
		}
		return len(sim.Requests()) - before
	}
	if n := recall(func(*connectors.Knowledge) {}); n != 0 {
		t.Errorf("%d requests to find out what is known", n)
	}
	if n := recall(func(k *connectors.Knowledge) { k.Service = "https://other.example/scim/v2" }); n != 1 {
		t.Error("what another service offers was believed")
	}
	if n := recall(func(k *connectors.Knowledge) { k.Memory = []byte(`{"Patch":7`) }); n != 1 {
		t.Error("what cannot be read was believed")
	}
	if n := recall(func(k *connectors.Knowledge) {
		k.Memory = []byte(strings.Replace(string(k.Memory), k.Learned.Format("2006-01-02"), k.Learned.Add(-8*24*time.Hour).Format("2006-01-02"), 1))
	}); n != 1 {
		t.Error("what was learned a week ago was believed")
	}
	if strings.Contains(string(known.Memory), targetCanary) {
		t.Error("the token is in what is remembered")
	}
}
