package demo

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"rollcall/appliance/config"
	"rollcall/appliance/model"
)

func TestSimulatorsServeWhatTheirTableConfigures(t *testing.T) {
	for _, c := range []struct {
		kind, fault, path string
	}{
		{"hibob", "page", "/v1/company/named-lists"},
		{"lucca", "status", "/api/v3/users"},
		{"javelo", "unavailable", "/scim/v2/Users"},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		printed := make(chan string, 1)
		out := &ending{text: "On the dial", end: func() {}}
		out.end = func() {
			select {
			case printed <- out.all.String():
			default:
			}
		}
		done := make(chan error, 1)
		go func() { done <- Sim(ctx, c.kind, SimOptions{Faults: []string{c.fault}, Out: out}) }()
		var text string
		select {
		case text = <-printed:
		case err := <-done:
			t.Fatalf("%s: %v", c.kind, err)
		}
		table := text
		if _, err := config.Parse("sim.toml", []byte(table), config.System()); err != nil {
			t.Errorf("%s: the table to paste is refused: %v\n%s", c.kind, err, table)
		}
		base := regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindString(text)
		var statuses []int
		for range 2 {
			resp, err := http.Get(base + c.path)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			statuses = append(statuses, resp.StatusCode)
		}
		if statuses[0] == statuses[1] || statuses[1] != http.StatusUnauthorized {
			t.Errorf("%s answered %v, want the fault once and then that credentials are missing", c.kind, statuses)
		}
		cancel()
		if err := <-done; err != nil {
			t.Errorf("%s: %v", c.kind, err)
		}
	}
}

func TestSimulatedSendersPushACompany(t *testing.T) {
	for kind, dialect := range map[string]model.Kind{"okta": model.KindOkta, "azure": model.KindAzure} {
		s := newService(t, dialect)
		ctx, cancel := context.WithCancel(t.Context())
		out := &ending{text: "From here on", end: cancel}
		if err := Sim(ctx, kind, SimOptions{URL: s.base, Token: "secret", People: 12, Out: out}); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		created := 0
		for _, x := range s.seen {
			if x.Method == http.MethodPost {
				created++
			}
		}
		if want := len(pushed(SimOptions{People: 12, Seed: DefaultSeed}, "%d")); created != want {
			t.Errorf("%s created %d users, want %d", kind, created, want)
		}
		cancel()
	}
}

func TestSimulatorsRefuseWhatDoesNotFit(t *testing.T) {
	for _, c := range []struct {
		kind string
		o    SimOptions
		want string
	}{
		{"workday", SimOptions{}, "adp, azure, elevo, hibob, javelo, lucca, okta, scim, scim-pull"},
		{"hibob", SimOptions{Faults: []string{"fire"}}, "cut, empty, half"},
		{"hibob", SimOptions{Faults: []string{"half:never"}}, "half:3"},
		{"hibob", SimOptions{Faults: []string{"hide-shoes"}}, "lifecycle"},
		{"elevo", SimOptions{Faults: []string{"cut", "read-only"}}, "one fault"},
		{"adp", SimOptions{Faults: []string{"fire"}}, "truncated"},
		{"lucca", SimOptions{Faults: []string{"html:0"}}, "html:always"},
		{"javelo", SimOptions{Listen: "0.0.0.0:0"}, "loopback"},
		{"javelo", SimOptions{Listen: "nowhere"}, "host and port"},
		{"javelo", SimOptions{URL: "http://127.0.0.1"}, "okta and azure"},
		{"javelo", SimOptions{People: MaxPeople + 1}, "choose 1"},
		{"okta", SimOptions{}, "token create okta"},
		{"azure", SimOptions{URL: "here", Token: "t"}, "no URL"},
		{"azure", SimOptions{URL: "http://127.0.0.1:1/scim/v2", Token: "t", Faults: []string{"x"}}, "no faults"},
	} {
		if err := Sim(t.Context(), c.kind, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %+v: %v, want something about %q", c.kind, c.o, err, c.want)
		}
	}
}
