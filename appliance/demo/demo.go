// Package demo is the simulated world behind rollcall demo and rollcall sim: a
// company that does not exist, its HR systems, its identity providers, the
// Javelo tenant it already has, and a real appliance in the middle.
//
// [Run] puts everything on loopback. HiBob, Lucca v3 and Javelo are the
// simulators that stand beside their connectors; Okta and Azure are senders
// written here after recorded requests, which push to the appliance's own SCIM
// service with tokens that were created for them. The appliance is assembled by
// package appliance from a configuration file in a temporary directory, and is
// driven through its admin socket only, with the client that every command uses:
// whatever the demo does, an administrator could have typed. The directory is
// removed at the end; nothing else on the machine is touched, and nothing leaves
// it.
//
// # The story
//
//	1  what runs where
//	2  first reads in preview, and what a plan says
//	3  activation, and what became of the troubles hidden in the company
//	4  day two: a new title, a leaver, another email, a rehire
//	5  HiBob goes wrong twice; the guards hold
//	6  the sum of it, and a further run that writes nothing
//
// Every number that is told is read from the appliance or counted in a
// simulator, and every claim is checked before it is made: when an act does not
// come out as told, Run says which and how, and fails. The same number of people
// and seed tell the same story, word for word apart from ports, whatever the
// order in which requests happened to arrive.
//
// [Sim] serves one simulator by itself, or runs one sender against any SCIM
// service, with faults on a dial.
//
// The package holds no knowledge of HR systems, of SCIM servers or of the
// appliance's decisions beyond what telling the story needs.
package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/hashicorp/go-hclog"

	"rollcall/appliance/admin"
)

// The defaults of Options.
const (
	DefaultPeople = 60
	DefaultSeed   = 1
)

// MaxPeople bounds the company: every account is a request to Javelo, and the
// simulators keep everything in memory.
const MaxPeople = 20_000

// Options say how the demo runs.
type Options struct {
	People int    // how many people the company has; 0: DefaultPeople, at least MinPeople, at most MaxPeople
	Seed   uint64 // the same seed gives the same company; 0: DefaultSeed
	Once   bool   // end after the last act
	// JSON prints the [Summary] instead of the story. It needs Once.
	JSON bool
	// TUI opens the terminal UI of the appliance behind an admin socket and
	// returns when its user leaves; nil: there is no terminal, and the story goes
	// on in writing. Once goes before TUI.
	TUI     func(ctx context.Context, socket string) error
	Out     io.Writer     // nil: nothing is printed
	Version admin.Version // of the binary; without one: "demo"
	Log     hclog.Logger  // the appliance's; nil: discarded
}

func (o Options) checked() (Options, error) {
	if o.People == 0 {
		o.People = DefaultPeople
	}
	if o.Seed == 0 {
		o.Seed = DefaultSeed
	}
	if o.Log == nil {
		o.Log = hclog.NewNullLogger()
	}
	if o.Version.Version == "" {
		o.Version.Version = "demo" // a client takes an answer without a version for somebody else's
	}
	switch {
	case o.People < MinPeople || o.People > MaxPeople:
		return o, fmt.Errorf("demo: a company of %d people does not do: choose %d to %d, because %d of them have a part in the story", o.People, MinPeople, MaxPeople, parts)
	case o.JSON && !o.Once:
		return o, errors.New("demo: a summary as JSON needs a demo that ends: add --once")
	}
	return o, nil
}

// Run tells the story. With Once it returns nil after the last act, and an error
// when something did not come out as told. Without, it goes on until ctx ends or
// the terminal UI is left, and small changes keep happening at the sources.
// Run may be called several times, also at once.
func Run(ctx context.Context, o Options) error {
	o, err := o.checked()
	if err != nil {
		return err
	}
	out := o.Out
	if o.JSON {
		out = nil
	}
	began := time.Now()
	s, err := newStage(ctx, o)
	if err != nil {
		return err
	}
	story := &story{stage: s, narrator: newNarrator(out), once: o.Once}
	err = story.tell(ctx)
	switch {
	case err != nil:
	case o.Once && o.JSON:
		err = printJSON(o.Out, story.summary)
	case o.Once:
		story.say("All of this took %.1f s. Nothing of it is left on this machine.", time.Since(began).Seconds())
	default:
		err = story.goOn(ctx, o)
	}
	if ctx.Err() != nil && !o.Once {
		err = nil // whoever ended it wanted it to end
	}
	return errors.Join(err, story.err(), s.close())
}

func printJSON(out io.Writer, s Summary) error {
	if out == nil {
		return nil
	}
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	if err := enc.Encode(s); err != nil {
		return fmt.Errorf("demo: write: %w", err)
	}
	return nil
}

// storyBudget bounds the acts: a story that is stuck must end with an error.
const storyBudget = 30 * time.Minute

// story is a stage and somebody who tells what happens on it.
type story struct {
	*stage
	*narrator
	once    bool
	summary Summary
}

// untold is the error of an act that did not come out as told.
func untold(act int, format string, args ...any) error {
	return fmt.Errorf("demo: act %d did not come out as told: %s", act, fmt.Sprintf(format, args...))
}

// tell plays the acts.
func (s *story) tell(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, storyBudget)
	defer cancel()
	s.line("rollcall demo: a company that does not exist, on loopback only.")
	for _, act := range []func(context.Context) error{s.whatRunsWhere, s.preview, s.activation, s.dayTwo, s.glitches, s.sum} {
		if err := act(ctx); err != nil {
			return err
		}
	}
	return nil
}
