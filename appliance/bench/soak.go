package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"rollcall/appliance/admin"
	"rollcall/appliance/store"
	"rollcall/connectors/cast"
	"rollcall/connectors/hibob/hibobsim"
	"rollcall/connectors/javelo/javelosim"
)

// SoakOptions say how long the appliance is kept busy.
type SoakOptions struct {
	Options
	// Duration is how long; Rounds, when it is not 0, is how often instead.
	Duration time.Duration
	Rounds   int
}

// Sample is what one round of a soak saw, faults and all settled.
type Sample struct {
	Round      int     `json:"round"`
	Memory     int64   `json:"memory"` // anonymous, in bytes
	Goroutines int     `json:"goroutines"`
	Read       float64 `json:"read_s"` // a read with its changes, delivered
	SCIM       float64 `json:"scim_filtered_read_s"`
}

// Disk is the database between two lives of the process.
type Disk struct {
	Round  int    `json:"round"`
	File   int64  `json:"file"`
	Free   int64  `json:"free"`   // bytes in pages that wait to be used again
	Events uint64 `json:"events"` // in the journal, which only grows
}

// SoakResult is what a soak saw.
type SoakResult struct {
	Machine string   `json:"machine"`
	People  int      `json:"people"`
	Rounds  int      `json:"rounds"`
	Faults  int      `json:"faults"`
	Changes int      `json:"changes"`
	Samples []Sample `json:"samples"`
	Disks   []Disk   `json:"disks"`
}

const (
	// restartEvery is how many rounds a process lives.
	restartEvery = 4
	// shareChanged is one in so many people who changes per round.
	shareChanged = 200
)

// soaking is a soak under way.
type soaking struct {
	*world
	sim    *hibobsim.Sim
	rng    *rand.Rand
	sender *sender
	out    SoakResult
}

// Soak runs an appliance of the first size in o.People for a while: in each round
// some people change, join and leave, HiBob and Javelo fail now and then, and every
// few rounds the process is stopped and started. It returns what it saw, and an
// error when something grew that must not, or when the target differs in the end.
func Soak(ctx context.Context, o SoakOptions) (SoakResult, error) {
	if o.Out == nil {
		o.Out = io.Discard
	}
	if o.Binary == "" {
		self, err := os.Executable()
		if err != nil {
			return SoakResult{}, err
		}
		o.Binary = self
	}
	people := o.People[0]
	s := &soaking{world: &world{o: o.Options, target: newTarget()}, rng: rand.New(rand.NewPCG(o.Seed, 2)),
		sim: hibobsim.New(cast.Company(people, o.Seed), hibobsim.Options{Rate: -1, Staleness: -1, PermissionDelay: -1, Seed: o.Seed}),
		out: SoakResult{Machine: machine(), People: people}}
	err := s.run(ctx, o)
	return s.out, errors.Join(err, s.close())
}

func (s *soaking) run(ctx context.Context, o SoakOptions) (err error) {
	if s.at, err = s.serve(s.sim); err != nil {
		return err
	}
	if err := s.configure(); err != nil {
		return err
	}
	if s.d, err = start(ctx, s.o.Binary, s.config(), s.socket()); err != nil {
		return err
	}
	if err := s.firstRead(ctx); err != nil {
		return err
	}
	for _, source := range []string{"hibob", "okta"} {
		if _, err := s.d.Activate(ctx, source); err != nil {
			return err
		}
	}
	if err := s.settle(ctx); err != nil {
		return err
	}
	if err := s.connect(ctx); err != nil {
		return err
	}
	until := time.Now().Add(o.Duration)
	for round := 1; ctx.Err() == nil && (round <= o.Rounds || o.Rounds == 0 && time.Now().Before(until)); round++ {
		if err := s.round(ctx, round); err != nil {
			return fmt.Errorf("round %d: %w", round, err)
		}
		s.out.Rounds = round
	}
	s.target.sim.Heal()
	if err := s.settle(ctx); err != nil {
		return err
	}
	v, err := s.d.Verify(ctx)
	if err != nil {
		return err
	}
	if len(v.Problems) > 0 {
		return fmt.Errorf("what is derived is not right in the end: %v", v.Problems)
	}
	return errors.Join(s.inStep(), s.out.flat())
}

// settle reads and delivers until a read finds nothing and nothing waits.
func (s *soaking) settle(ctx context.Context) error {
	for range 60 {
		if err := errors.Join(s.d.Sync(ctx, []string{"hibob"}), s.d.Wait(ctx, nil)); err != nil {
			return err
		}
		waiting, err := s.d.Deliveries(ctx, "", "ready", admin.Page{Limit: 1})
		if err != nil || len(waiting) == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second): // after a fault, the lane rests for some seconds
		}
	}
	return errors.New("deliveries never come to an end")
}

// connect makes the token of the sender, and one user to ask for.
func (s *soaking) connect(ctx context.Context) error {
	t, err := s.d.CreateToken(ctx, "okta", "soak", 0)
	if err != nil {
		return err
	}
	s.sender = &sender{base: s.d.scim + "/scim/v2", http: &http.Client{}, tokens: []string{t.Token}}
	_, err = s.sender.want(http.StatusCreated, 0, http.MethodPost, "/Users", user("soak@"+cast.Domain, "Soak", "Tester"))
	return err
}

func (s *soaking) round(ctx context.Context, round int) error {
	s.people()
	faulty := s.faults(round)
	took, err := timed(func() error { return errors.Join(s.d.Sync(ctx, []string{"hibob"}), s.d.Wait(ctx, nil)) })
	if err != nil {
		return err
	}
	if faulty {
		if err := s.settle(ctx); err != nil {
			return err
		}
	} else if err := s.sample(ctx, round, took); err != nil {
		return err
	}
	if round%restartEvery != 0 {
		return nil
	}
	if _, err := s.d.end(); err != nil {
		return err
	}
	if err := s.disk(round); err != nil {
		return err
	}
	if s.d, err = start(ctx, s.o.Binary, s.config(), s.socket()); err != nil {
		return err
	}
	s.sender.base = s.d.scim + "/scim/v2"
	return nil
}

// people lets some people change, and now and then one join and one leave.
func (s *soaking) people() {
	for range max(1, s.out.People/shareChanged) {
		title := "Title " + strconv.Itoa(s.rng.IntN(1000))
		s.sim.Update(s.rng.IntN(s.out.People), func(p *cast.Person) { p.Title = title })
		s.out.Changes++
	}
	switch who := 8 + s.rng.IntN(s.out.People-8); s.rng.IntN(4) {
	case 0:
		s.sim.Terminate(who, "2026-01-31")
	case 1:
		if p, ok := s.sim.Person(who); ok && p.End != "" {
			s.sim.Rehire(who, "2026-02-01")
		}
	}
}

// faults arms what goes wrong in this round, and reports whether anything does.
func (s *soaking) faults(round int) bool {
	switch round % 6 {
	case 2:
		s.sim.FailNext(1, hibobsim.Fault{Kind: hibobsim.Cut})
	case 3:
		s.target.sim.Fault(javelosim.Fault{Kind: javelosim.ResetAfterWrite, Method: http.MethodPatch})
	case 5:
		s.sim.FailNext(1, hibobsim.Fault{Kind: hibobsim.Half})
	default:
		return false
	}
	s.out.Faults++
	return true
}

func (s *soaking) sample(ctx context.Context, round int, read float64) error {
	memory, err := s.d.memory()
	if err != nil {
		return err
	}
	goroutines, err := s.goroutines(ctx)
	if err != nil {
		return err
	}
	asked, err := timed(func() error {
		_, err := s.sender.want(http.StatusOK, 0, http.MethodGet, "/Users?filter=userName%20eq%20%22soak@"+cast.Domain+"%22", nil)
		return err
	})
	if err != nil {
		return err
	}
	x := Sample{Round: round, Memory: memory, Goroutines: goroutines, Read: read, SCIM: asked}
	s.out.Samples = append(s.out.Samples, x)
	s.say("round %d: memory %s, %d goroutines, read %s, SCIM %s", round, size(x.Memory), x.Goroutines, seconds(x.Read), seconds(x.SCIM))
	return nil
}

// goroutines asks the profiler on the admin socket.
func (s *soaking) goroutines(ctx context.Context) (int, error) {
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", s.socket())
	}}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://admin/debug/pprof/goroutine?debug=1", nil)
	if err != nil {
		return 0, err
	}
	resp, err := c.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return 0, err
	}
	_, rest, _ := bytes.Cut(raw, []byte("total "))
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	return strconv.Atoi(string(line))
}

// disk looks at the database while nobody has it open.
func (s *soaking) disk(round int) error {
	db, err := store.Open(filepath.Join(s.dir, "data", store.FileName), store.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	space := db.Space()
	d := Disk{Round: round, File: space.File, Free: space.Free}
	err = db.View(func(tx *store.Tx) error {
		last, _, err := store.Journal.Last(tx)
		d.Events = last.Seq
		return err
	})
	s.out.Disks = append(s.out.Disks, d)
	s.say("round %d: database %s, of it %s free, %d events", round, size(d.File), size(d.Free), d.Events)
	return errors.Join(err, db.Close())
}

// inStep reports whether the target's accounts are those of HiBob's people.
func (s *soaking) inStep() error {
	wrong := 0
	for i := range s.out.People {
		p, _ := s.sim.Person(i)
		a, has := s.target.sim.Account(p.Email)
		works := p.Status == "employed" && (p.End == "" || p.End > time.Now().Format(time.DateOnly))
		if works && (!has || !a.Active || a.Title != p.Title) || !works && has && a.Active && p.Status == "employed" {
			wrong++
		}
	}
	if wrong > 0 {
		return fmt.Errorf("%d accounts are not as HiBob's people are", wrong)
	}
	return nil
}

// perEvent is more than what one change adds to journal and history.
const perEvent = 4 << 10

// flat compares the last third of the samples with the first.
func (r *SoakResult) flat() error {
	var errs []error
	if n := len(r.Samples) / 3; n > 0 {
		middle := func(of []Sample, value func(Sample) float64) float64 {
			var all []float64
			for _, s := range of {
				all = append(all, value(s))
			}
			slices.Sort(all)
			return all[len(all)/2]
		}
		first, last := r.Samples[:n], r.Samples[len(r.Samples)-n:]
		for _, x := range []struct {
			what  string
			value func(Sample) float64
			slack float64 // beside a third more
		}{
			{"memory", func(s Sample) float64 { return float64(s.Memory) }, 32 << 20},
			{"goroutines", func(s Sample) float64 { return float64(s.Goroutines) }, 4},
			{"seconds of a read", func(s Sample) float64 { return s.Read }, 2},
			{"seconds of a SCIM read", func(s Sample) float64 { return s.SCIM }, 0.1},
		} {
			if a, b := middle(first, x.value), middle(last, x.value); b > a*4/3+x.slack {
				errs = append(errs, fmt.Errorf("%s grew from %.4g to %.4g", x.what, a, b))
			}
		}
	}
	if n := len(r.Disks); n > 1 {
		a, b := r.Disks[0], r.Disks[n-1]
		// What is in use may grow by what the journal keeps, and by nothing else.
		if grown, allowed := (b.File-b.Free)-(a.File-a.Free), int64(b.Events-a.Events)*perEvent+(1<<20); grown > allowed {
			errs = append(errs, fmt.Errorf("the database grew by %s in use while the journal grew by %d events", size(grown), b.Events-a.Events))
		}
		if b.Free > b.File/2 && b.File > a.File+(16<<20) {
			errs = append(errs, fmt.Errorf("%s of the database's %s are free and were not used again", size(b.Free), size(b.File)))
		}
	}
	return errors.Join(errs...)
}
