package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"rollcall/connectors/cast"
	"rollcall/connectors/hibob/hibobsim"
	"rollcall/connectors/javelo/javelosim"
	"rollcall/connectors/lucca/luccasim"
)

// SimOptions say what a simulator is like.
type SimOptions struct {
	Listen string // HOST:PORT on loopback; empty: a free port. Not for okta and azure
	People int    // how many people it has; 0: DefaultPeople, at most MaxPeople
	Seed   uint64 // 0: DefaultSeed
	// Faults are on a dial: "KIND" goes wrong once, "KIND:3" three times, and
	// "KIND:always" until the end. The kinds are those of the simulator; a wrong
	// one is refused with the list. "hide-NAME" hides what a permission of hibob or
	// a section of lucca shows.
	Faults []string
	// URL and Token are where okta and azure push to: the URL ends in /scim/v2
	// and comes with the token from "rollcall token create".
	URL, Token string
	Out        io.Writer // nil: nothing is printed
}

// simulators are the kinds that Sim knows.
var simulators = map[string]func(context.Context, SimOptions, *narrator) error{
	"hibob": simHiBob, "lucca": simLucca, "adp": simADP, "scim-pull": simSCIMPull, "okta": simOkta, "azure": simAzure,
	"javelo": simJavelo, "scim": simSCIM, "elevo": simElevo,
}

// SimKinds lists the kinds of simulators, sorted.
func SimKinds() []string { return slices.Sorted(maps.Keys(simulators)) }

// Sim runs one simulator until ctx ends, and returns nil then. Those that serve
// do so on loopback and print the table to paste into a configuration, with keys
// and certificates in a directory that is gone afterwards; okta and azure push a company to the SCIM service at URL, and
// then a change every few seconds. Options that do not fit the kind are errors.
func Sim(ctx context.Context, kind string, o SimOptions) error {
	run := simulators[kind]
	if run == nil {
		return fmt.Errorf("there is no simulator of %q: choose one of %s", kind, strings.Join(SimKinds(), ", "))
	}
	if o.People == 0 {
		o.People = DefaultPeople
	}
	if o.Seed == 0 {
		o.Seed = DefaultSeed
	}
	if o.People < 1 || o.People > MaxPeople {
		return fmt.Errorf("a simulator with %d people does not do: choose 1 to %d", o.People, MaxPeople)
	}
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	pushes := kind == "okta" || kind == "azure"
	switch {
	case pushes && (o.URL == "" || o.Token == ""):
		return fmt.Errorf("the simulated %s pushes: give --url and --token, which \"rollcall token create %s\" prints", kind, kind)
	case pushes && len(o.Faults) > 0:
		return fmt.Errorf("the simulated %s has no faults: they are for simulators that serve", kind)
	case !pushes && (o.URL != "" || o.Token != ""):
		return fmt.Errorf("the simulated %s serves: --url and --token are for okta and azure", kind)
	}
	n := newNarrator(o.Out)
	err := run(ctx, o, n)
	if ctx.Err() != nil {
		err = nil // whoever ended it wanted it to end
	}
	return errors.Join(err, n.err())
}

// always, as the number of times, means until the end.
const always = -1

// fault is one fault on the dial.
type fault[K any] struct {
	kind  K
	times int
}

// dial reads faults, given the simulator's own kinds by name.
func dial[K any](texts []string, kinds map[string]K) ([]fault[K], error) {
	var out []fault[K]
	for _, text := range texts {
		name, times, limited := strings.Cut(text, ":")
		kind, ok := kinds[name]
		if !ok {
			return nil, fmt.Errorf("there is no fault %q here: choose one of %s", name, strings.Join(slices.Sorted(maps.Keys(kinds)), ", "))
		}
		f := fault[K]{kind, 1}
		switch n, err := strconv.Atoi(times); {
		case !limited:
		case times == "always":
			f.times = always
		case err != nil || n < 1:
			return nil, fmt.Errorf("fault %q: write how often after the colon, such as %s:3, or %s:always", text, name, name)
		default:
			f.times = n
		}
		out = append(out, f)
	}
	return out, nil
}

// answer serves a simulator until ctx ends. table is what to paste; its one %s is the
// address.
func answer(ctx context.Context, n *narrator, o SimOptions, h http.Handler, what, table string) error {
	base, srv, err := serve(h, o.Listen)
	if err != nil {
		return err
	}
	n.paste(what, base, fmt.Sprintf(table, base), o.Faults)
	<-ctx.Done()
	return srv.Close()
}

// paste says where a simulator is, what to put into a configuration to use it, and
// what will go wrong. All but the table is comments, so that the whole of it can be
// put there.
func (n *narrator) paste(what, where, table string, faults []string) {
	n.comment("Simulated %s at %s, until Ctrl-C. All of this can go into a configuration that is to use it:", what, where)
	n.line("")
	for line := range strings.Lines(table) {
		n.line(strings.TrimSuffix(line, "\n"))
	}
	n.line("")
	for _, f := range faults {
		n.comment("On the dial: %s.", f)
	}
	if len(faults) == 0 {
		n.comment("Nothing is on the dial: --fault makes it go wrong.")
	}
}

// comment prints a paragraph that is none to whoever reads a configuration.
func (n *narrator) comment(format string, args ...any) {
	n.hang("# ", "# ", fmt.Sprintf(format, args...))
}

func simHiBob(ctx context.Context, o SimOptions, n *narrator) error {
	hidden, err := o.hidden("work", "workContact", "home", "personal", "employment", "lifecycle")
	if err != nil {
		return err
	}
	faults, err := dial(o.Faults, map[string]hibobsim.FaultKind{
		"status": hibobsim.Status, "page": hibobsim.Page, "empty": hibobsim.Empty, "half": hibobsim.Half,
		"cut": hibobsim.Cut, "reset": hibobsim.Reset, "hang": hibobsim.Hang})
	if err != nil {
		return err
	}
	sim := hibobsim.New(cast.Company(o.People, o.Seed), hibobsim.Options{Seed: o.Seed, PermissionDelay: -1})
	sim.Revoke(hidden...)
	n.tell(hidden)
	for _, f := range faults {
		if f.times == always {
			sim.SetFaults(1, hibobsim.Fault{Kind: f.kind})
			continue
		}
		sim.FailNext(f.times, hibobsim.Fault{Kind: f.kind})
	}
	return answer(ctx, n, o, sim, "HiBob with "+people(o.People), `[sources.hibob]
kind               = "hibob"
base_url           = "%s/v1"
service_user_id    = "SERVICE-12345"
service_user_token = "sim-token"`)
}

func simLucca(ctx context.Context, o SimOptions, n *narrator) error {
	hidden, err := o.hidden(string(luccasim.SectionContract), string(luccasim.SectionPersonal), string(luccasim.SectionExtension), string(luccasim.SectionFormer))
	if err != nil {
		return err
	}
	faults, err := dial(o.Faults, map[string]luccasim.FaultKind{
		"status": luccasim.Status, "html": luccasim.HTML, "hang": luccasim.Hang, "reset": luccasim.Reset, "truncated": luccasim.Truncated,
		"empty": luccasim.Empty, "half": luccasim.Half, "repeat": luccasim.Repeat, "miscount": luccasim.Miscount, "foreign": luccasim.Foreign})
	if err != nil {
		return err
	}
	var opts luccasim.Options
	for _, name := range hidden {
		opts.Hidden = append(opts.Hidden, luccasim.Section(name))
	}
	n.tell(hidden)
	sim := luccasim.New(cast.Company(o.People, o.Seed), opts)
	for _, f := range faults {
		sim.Inject(luccasim.Fault{Kind: f.kind, Status: http.StatusServiceUnavailable, Times: max(0, f.times)}) // 0: until it is healed
	}
	return answer(ctx, n, o, sim, "Lucca with "+people(o.People), `[sources.lucca]
kind     = "lucca"
base_url = "%s"
api      = "v3"
api_key  = "`+luccasim.DefaultKey+`"`)
}

func simJavelo(ctx context.Context, o SimOptions, n *narrator) error {
	faults, err := dial(o.Faults, map[string]javelosim.FaultKind{
		"unavailable": javelosim.Unavailable, "html": javelosim.HTML, "slow": javelosim.Slow, "reset": javelosim.Reset,
		"reset-after-write": javelosim.ResetAfterWrite, "truncate": javelosim.Truncate, "throttle": javelosim.Throttle})
	if err != nil {
		return err
	}
	sim := javelosim.New(javelosim.Options{})
	sim.Seed(javelosim.BeforeActivation(cast.Company(o.People, o.Seed)))
	for _, f := range faults {
		sim.Fault(javelosim.Fault{Kind: f.kind, Times: f.times, Delay: 10 * time.Second, RetryAfter: "30"})
	}
	return answer(ctx, n, o, sim, fmt.Sprintf("Javelo with %s", count(len(sim.Accounts()), "account", "accounts")), `[targets.javelo]
kind     = "javelo"
base_url = "%s`+javelosim.Prefix+`"
token    = "`+javelosim.DefaultToken+`"`)
}

// pushed are the profiles of a company, in the directory of an identity provider.
func pushed(o SimOptions, external string) []profile {
	c := &company{people: cast.Company(o.People, o.Seed)}
	var all []profile
	for i, p := range c.people {
		if p.Status != "terminated" {
			all = append(all, c.profile(i, external))
		}
	}
	return all
}

func simOkta(ctx context.Context, o SimOptions, n *narrator) error {
	if err := checkURL(o.URL); err != nil {
		return err
	}
	sender := newOkta(o.URL, o.Token)
	defer sender.client.close()
	all := pushed(o, "00u1demo%09d")
	if err := assignAll(ctx, sender, all); err != nil {
		return err
	}
	n.say("Okta has pushed %s. From here on it changes, unassigns and assigns one after the other, until Ctrl-C.", count(len(all), "user", "users"))
	return every(ctx, lifeEvery, func(step int) error {
		round := step / 3
		p := all[round%len(all)]
		p.Title = fmt.Sprintf("%s, round %d", p.Title, round/len(all)+1)
		switch step % 3 {
		case 0:
			n.item("PUT a new title of %s", p.name())
			return sender.update(ctx, p)
		case 1:
			n.item("PUT active=false for %s", p.name())
			return sender.deactivate(ctx, p)
		}
		n.item("PUT active=true for %s", p.name())
		return sender.assign(ctx, p)
	})
}

func simAzure(ctx context.Context, o SimOptions, n *narrator) error {
	if err := checkURL(o.URL); err != nil {
		return err
	}
	sender := newEntra(o.URL, o.Token)
	defer sender.client.close()
	all := pushed(o, "7d1f0000-0000-4000-8000-%012d")
	if err := provisionAll(ctx, sender, all); err != nil {
		return err
	}
	n.say("Azure has pushed %s, and then their managers. From here on it changes, disables and restores one after the other, until Ctrl-C.", count(len(all), "user", "users"))
	return every(ctx, lifeEvery, func(step int) error {
		round := step / 3
		p := all[round%len(all)]
		p.CostCenter = fmt.Sprintf("CC-%03d", round%1000)
		switch step % 3 {
		case 0:
			n.item("PATCH a new cost centre of %s", p.name())
			return sender.setCostCenter(ctx, p)
		case 1:
			n.item("PATCH active=False for %s", p.name())
			return sender.disable(ctx, p)
		}
		n.item("PATCH active=True for %s", p.name())
		return sender.provision(ctx, p)
	})
}

func checkURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return errors.New("--url is no URL: it is what \"rollcall token create\" prints, such as http://127.0.0.1:8443/scim/v2")
	}
	return nil
}

// every calls step until ctx ends or step fails.
func every(ctx context.Context, d time.Duration, step func(int) error) error {
	tick := time.NewTicker(d)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := step(n); err != nil {
			return err
		}
	}
}
