package demo

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"

	"rollcall/appliance/model"
	"rollcall/connectors/cast"
	"rollcall/connectors/javelo/javelosim"
)

const (
	// lifeEvery is how often something changes at a source.
	lifeEvery = 4 * time.Second
	// lifeSteps and lifeHires bound what a demo that is forgotten does.
	lifeSteps = 20_000
	lifeHires = 20
)

// goOn keeps the world alive after the last act, until ctx ends or the user
// leaves the terminal UI.
func (s *story) goOn(ctx context.Context, o Options) error {
	last, err := s.client.Journal(ctx, -1, 1, false)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		newLife(s.stage, o.Seed, o.Log).run(ctx)
	}()
	defer func() {
		cancel()
		<-done
	}()
	if o.TUI != nil {
		return o.TUI(ctx, s.addresses.Admin)
	}
	s.line("")
	s.say("From here on something changes every few seconds. End it with Ctrl-C.")
	after := int64(1)
	if len(last) > 0 {
		after = int64(last[0].Seq)
	}
	return s.follow(ctx, after)
}

// follow prints what the journal says, as it happens.
func (s *story) follow(ctx context.Context, after int64) error {
	for ctx.Err() == nil {
		events, err := s.client.Journal(ctx, after, 0, true)
		if err != nil {
			return err
		}
		for _, e := range events {
			after = int64(e.Seq)
			if text := s.happening(ctx, e); text != "" {
				s.hang("   ", "             ", e.At.Local().Format("15:04:05")+"  "+text)
			}
		}
	}
	return ctx.Err()
}

// happening tells an event in words; empty when it is not worth a line.
func (s *story) happening(ctx context.Context, e model.Event) string {
	kind, id, _ := strings.Cut(e.Subject, ":")
	who := e.Subject
	if kind == "person" {
		p, err := s.client.Person(ctx, id)
		if err != nil {
			return "" // joined with somebody else meanwhile
		}
		who = p.Name
	}
	fields := strings.Join(e.Fields, ", ")
	switch e.Verb {
	case "joined":
		return fmt.Sprintf("%s brings in %s", strings.TrimPrefix(e.Actor, "source:"), who)
	case "changed":
		return fmt.Sprintf("%s changes %s of %s", strings.TrimPrefix(e.Actor, "source:"), fields, who)
	case "created", "adopted", "deactivated", "reactivated":
		return fmt.Sprintf("Javelo: the account of %s is %s", who, e.Verb)
	case "updated":
		return fmt.Sprintf("Javelo: %s of %s is updated", fields, who)
	case "held", "conflict_opened", "parked", "read_failed", "read_recovered", "lapsed":
		return fmt.Sprintf("%s: %s, %s", e.Subject, strings.ReplaceAll(e.Verb, "_", " "), e.Reason)
	}
	return ""
}

// life changes something at one source after the other, the same things for the
// same seed. It leaves those alone whom the story still needs as they are.
type life struct {
	*stage
	log   hclog.Logger
	rng   *rand.Rand
	staff []int // in HiBob, by index
	other []int // in Lucca only, by index
	hires int
}

func newLife(s *stage, seed uint64, log hclog.Logger) *life {
	l := &life{stage: s, log: log.Named("demo"), rng: rand.New(rand.NewPCG(seed, 0x6c696665))}
	waiting := s.company.reported()
	for i, p := range s.company.people {
		_, here := s.company.inHiBob[i]
		switch {
		case s.company.isPart(i) || p.Status != "employed" || slices.Contains(waiting, i):
		case here:
			l.staff = append(l.staff, i)
		case s.company.inLucca[i]:
			l.other = append(l.other, i)
		}
	}
	return l
}

// run changes something every few seconds until ctx ends. What fails is logged
// and no reason to end: the user may have paused a source or revoked a token.
func (l *life) run(ctx context.Context) {
	tick := time.NewTicker(lifeEvery)
	defer tick.Stop()
	for n := range lifeSteps {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := l.step(ctx, n); err != nil && ctx.Err() == nil {
			l.log.Debug("a change at a source did not go through", "step", n, "error", err)
		}
	}
}

// step is one change.
func (l *life) step(ctx context.Context, n int) error {
	title := fmt.Sprintf("%s of the %s", pick(l.rng, "Keeper", "Reader", "Mender", "Friend"), pick(l.rng, "Maps", "Bells", "Lamps", "Ledgers"))
	switch n % 5 {
	case 0:
		l.hibob.Update(l.company.inHiBob[pick(l.rng, l.staff...)], func(p *cast.Person) { p.Title = title })
		return l.client.Sync(ctx, []string{"hibob"})
	case 1:
		p := l.company.azureProfile(pick(l.rng, l.company.azure...))
		p.CostCenter = fmt.Sprintf("CC-%03d", l.rng.IntN(1000))
		return l.azure.setCostCenter(ctx, p)
	case 2:
		if len(l.other) > 0 {
			l.lucca.Update(l.lucca.ID(pick(l.rng, l.other...)), func(p *cast.Person) { p.Title = title })
		}
		return l.client.Sync(ctx, []string{"lucca"})
	case 3:
		p := l.company.oktaProfile(l.company.of(contractorB).Index)
		p.Title = title
		return l.okta.update(ctx, p)
	}
	if l.hires < lifeHires {
		l.hires++
		hired := cast.Company(1, l.rng.Uint64())[0]
		hired.Email = fmt.Sprintf("newcomer%d@%s", l.hires, cast.Domain)
		hired.EmployeeNumber, hired.Manager = fmt.Sprintf("%05d", 90000+l.hires), 0
		hired.Title, hired.Department = title, "People"
		l.hibob.Hire(hired)
		return l.client.Sync(ctx, []string{"hibob"})
	}
	// Javelo stumbles over one request; the delivery comes again.
	l.javelo.Fault(javelosim.Fault{Kind: javelosim.Unavailable})
	l.hibob.Update(l.company.inHiBob[pick(l.rng, l.staff...)], func(p *cast.Person) { p.Title = title })
	return l.client.Sync(ctx, []string{"hibob"})
}

func pick[T any](rng *rand.Rand, of ...T) T { return of[rng.IntN(len(of))] }
