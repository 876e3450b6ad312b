package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
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
	// Duration is how long; Rounds, when it is not 0, is how often instead, and then
	// nothing is judged by the clock.
	Duration time.Duration
	Rounds   int
}

// restartEvery is how many rounds a process lives in the first half of a soak. In
// the second half it is one process all the time, so that what leaks shows.
const restartEvery = 2

const (
	// shareChanged is one in so many people who changes per round.
	shareChanged = 200
	// soakUsers is how many users the SCIM sender has; soakReads filtered reads and
	// soakWrites changes are what it sends per round, one after the other.
	soakUsers, soakReads, soakWrites = 40, 200, 50
	// shown is how many lines of samples a report has.
	shown = 12
)

// soaking is a soak under way.
type soaking struct {
	*world
	sim    *hibobsim.Sim
	rng    *rand.Rand
	sender *sender
	begun  time.Time
	half   func(round int) bool // whether the second half has begun
	users  []soakUser
	out    SoakResult
}

// soakUser is a user of the SCIM sender, as the appliance last acknowledged it.
type soakUser struct{ login, id, title string }

// Soak runs an appliance of the first size in o.People for a while: in each round
// some people change, join and leave in HiBob, a SCIM sender asks and writes, and
// HiBob, Javelo and the way to it fail now and then. In the first half the process is
// stopped or killed every few rounds and started again; the second half is one
// process. In the end the database is compacted. It returns what it saw, and an error
// when something grew that must not, when what was acknowledged is lost, or when the
// target differs in the end.
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
	s := &soaking{begun: time.Now(), world: &world{o: o.Options, target: newTarget()}, rng: rand.New(rand.NewPCG(o.Seed, 2)),
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
	s.begun = time.Now()
	until := s.begun.Add(o.Duration)
	s.half = func(round int) bool {
		if o.Rounds > 0 {
			return round > o.Rounds/2
		}
		return time.Since(s.begun) > o.Duration/2
	}
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
	s.out.Took = time.Since(s.begun).Seconds()
	v, err := s.d.Verify(ctx)
	if err != nil {
		return err
	}
	if len(v.Problems) > 0 {
		return fmt.Errorf("what is derived is not right in the end: %v", v.Problems)
	}
	if err := s.stop(false); err != nil {
		return err
	}
	if err := s.disk(s.out.Rounds); err != nil {
		return err
	}
	if err := s.compact(ctx); err != nil {
		return err
	}
	return errors.Join(s.inStep(), s.out.flat(o.Rounds == 0))
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

// connect makes the token of the sender, and its users.
func (s *soaking) connect(ctx context.Context) error {
	t, err := s.d.CreateToken(ctx, "okta", "soak", 0)
	if err != nil {
		return err
	}
	s.sender = &sender{base: s.d.scim + "/scim/v2", http: &http.Client{}, tokens: []string{t.Token}}
	for i := range soakUsers {
		u := soakUser{login: fmt.Sprintf("soak%d@%s", i, cast.Domain), title: "Analyst"} // as user has it
		raw, err := s.sender.want(http.StatusCreated, 0, http.MethodPost, "/Users", user(u.login, "Soak", "Tester"+strings.Repeat("i", i)))
		if err != nil {
			return err
		}
		if u.id, err = member(raw, "id"); err != nil {
			return err
		}
		s.users = append(s.users, u)
	}
	return s.d.Wait(ctx, nil)
}

// member returns a text member of a JSON object.
func member(raw []byte, name string) (string, error) {
	var o map[string]json.RawMessage
	var text string
	if err := json.Unmarshal(raw, &o); err != nil {
		return "", err
	}
	return text, json.Unmarshal(o[name], &text)
}

func (s *soaking) round(ctx context.Context, round int) error {
	s.people()
	faulty := s.faults(round)
	x := Sample{Round: round, Life: s.out.Restarts}
	took, err := timed(func() error { return errors.Join(s.d.Sync(ctx, []string{"hibob"}), s.d.Wait(ctx, nil)) })
	if err != nil {
		return err
	}
	if faulty {
		if err := s.settle(ctx); err != nil {
			return err
		}
	} else {
		x.Read = took
	}
	if err := s.ask(&x); err != nil {
		return err
	}
	if err := s.d.Wait(ctx, nil); err != nil {
		return err
	}
	if err := s.sample(ctx, &x); err != nil {
		return err
	}
	if round%restartEvery != 0 || s.half(round) {
		return nil
	}
	return s.restart(ctx, round)
}

// ask sends what a sender sends, and times it.
func (s *soaking) ask(x *Sample) error {
	for range soakReads {
		login := s.users[s.rng.IntN(soakUsers)].login
		took, err := timed(func() error {
			_, err := s.sender.want(http.StatusOK, 0, http.MethodGet, "/Users?filter=userName%20eq%20%22"+login+"%22&startIndex=1&count=100", nil)
			return err
		})
		if err != nil {
			return err
		}
		x.asked = append(x.asked, took)
	}
	for range soakWrites {
		took, err := timed(s.write)
		if err != nil {
			return err
		}
		x.wrote = append(x.wrote, took)
	}
	x.SCIMRead, x.SCIMWrite = percentiles(x.asked), percentiles(x.wrote)
	return nil
}

// write changes a user and remembers what was acknowledged.
func (s *soaking) write() error {
	u := &s.users[s.rng.IntN(soakUsers)]
	title := "Title " + strconv.Itoa(s.rng.IntN(1_000_000))
	patch := `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","value":{"title":"` + title + `"}}]}`
	_, err := s.sender.want(http.StatusOK, 0, http.MethodPatch, "/Users/"+u.id, []byte(patch))
	if err == nil {
		u.title = title
		s.out.Changes++
	}
	return err
}

// restart ends the process and starts it again: by turns as systemd does, and with
// kill -9 in the middle of a read and behind writes that were just acknowledged.
func (s *soaking) restart(ctx context.Context, round int) error {
	kill := s.out.Restarts%2 == 1
	if kill {
		if err := s.d.Sync(ctx, []string{"hibob"}); err != nil {
			return err
		}
		for range soakWrites / 5 {
			if err := s.write(); err != nil {
				return err
			}
		}
		s.out.Killed++
	}
	if err := s.stop(kill); err != nil {
		return err
	}
	s.out.Restarts++
	if err := s.disk(round); err != nil {
		return err
	}
	if err := s.start(ctx); err != nil {
		return err
	}
	for _, u := range s.users {
		raw, err := s.sender.want(http.StatusOK, 0, http.MethodGet, "/Users/"+u.id, nil)
		if err != nil {
			return err
		}
		if title, err := member(raw, "title"); err != nil || title != u.title {
			return fmt.Errorf("user %s was acknowledged with the title %q and has %q after the restart (%v)", u.id, u.title, title, err)
		}
	}
	if kill { // what the killed read left is for the next one
		return s.settle(ctx)
	}
	return nil
}

func (s *soaking) stop(kill bool) error {
	d := s.d
	s.d = nil
	if kill {
		return d.kill()
	}
	_, err := d.end()
	return err
}

func (s *soaking) start(ctx context.Context) (err error) {
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
	switch round % 8 {
	case 2:
		s.sim.FailNext(1, hibobsim.Fault{Kind: hibobsim.Cut})
	case 3:
		s.target.sim.Fault(javelosim.Fault{Kind: javelosim.ResetAfterWrite, Method: http.MethodPatch})
	case 5:
		s.sim.FailNext(1, hibobsim.Fault{Kind: hibobsim.Half})
	case 7:
		s.target.sim.Fault(javelosim.Fault{Kind: javelosim.Throttle, RetryAfter: "1", Times: 2})
		s.sim.FailNext(1, hibobsim.Fault{Kind: hibobsim.Status, Status: http.StatusBadGateway})
	default:
		return false
	}
	s.out.Faults++
	return true
}

func (s *soaking) sample(ctx context.Context, x *Sample) (err error) {
	if x.Memory, err = s.d.memory(); err != nil {
		return err
	}
	x.Peak = s.d.takePeak()
	if x.Goroutines, err = s.goroutines(ctx); err != nil {
		return err
	}
	info, err := os.Stat(s.database())
	if err != nil {
		return err
	}
	x.File, x.At = info.Size(), time.Since(s.begun).Seconds()
	s.out.Samples = append(s.out.Samples, *x)
	s.say("round %d: memory %s (peak %s), %d goroutines, read %s, SCIM read %s, write %s", x.Round,
		size(x.Memory), size(x.Peak), x.Goroutines, seconds(x.Read), seconds(x.SCIMRead.P50), seconds(x.SCIMWrite.P50))
	return nil
}

func (s *soaking) database() string { return filepath.Join(s.dir, "data", store.FileName) }

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
	db, err := store.Open(s.database(), store.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	space := db.Space()
	d := Disk{Round: round, File: space.File, Free: space.Free, WorthCompacting: space.WorthCompacting()}
	err = db.View(func(tx *store.Tx) error {
		last, _, err := store.Journal.Last(tx)
		d.Events = last.Seq
		return err
	})
	s.out.Disks = append(s.out.Disks, d)
	s.say("round %d: database %s, of it %s free, %d events", round, size(d.File), size(d.Free), d.Events)
	return errors.Join(err, db.Close())
}

// compact writes the database anew, starts once more with it and asks for a user.
func (s *soaking) compact(ctx context.Context) (err error) {
	c := &s.out.Compacted
	if c.Took, err = timed(func() error { c.Before, c.After, err = store.Compact(s.database(), store.Options{}); return err }); err != nil {
		return err
	}
	s.say("compacted: %s, before %s", size(c.After), size(c.Before))
	if err := s.start(ctx); err != nil {
		return err
	}
	_, err = s.sender.want(http.StatusOK, 0, http.MethodGet, "/Users/"+s.users[0].id, nil)
	return err
}

// inStep reports whether the target's accounts are those of HiBob's people and of
// the sender's users.
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
	for _, u := range s.users {
		if a, has := s.target.sim.Account(u.login); !has || !a.Active || a.Title != u.title {
			wrong++
		}
	}
	if wrong > 0 {
		return fmt.Errorf("%d accounts are not as HiBob's people and the sender's users are", wrong)
	}
	return nil
}
