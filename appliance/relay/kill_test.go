package relay_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/crypto/ssh"

	"rollcall/appliance/ingest"
	"rollcall/appliance/model"
	"rollcall/appliance/reconcile"
	"rollcall/appliance/relay"
	"rollcall/appliance/store"
	"rollcall/appliance/store/storetest"
	"rollcall/connectors"
	"rollcall/connectors/elevo"
	"rollcall/connectors/elevo/elevosim"
	"rollcall/connectors/javelo"
	"rollcall/connectors/javelo/javelosim"
	"rollcall/connectors/scim"
	"rollcall/connectors/scim/scimtargetsim"
	"rollcall/connectors/wire"
	"rollcall/scimsrv"
)

// What the killed process is told: the database, the service, and the moment.
const (
	killStore  = "RELAY_TEST_KILL_STORE"
	killURL    = "RELAY_TEST_KILL_URL"
	killMoment = "RELAY_TEST_KILL_MOMENT"
	killNth    = "RELAY_TEST_KILL_NTH"
	killSFTP   = "RELAY_TEST_KILL_SFTP" // host:port, and the server's key after a blank
	killKey    = "RELAY_TEST_KILL_KEY"
	killBulk   = "RELAY_TEST_KILL_BULK" // the service at the URL takes bulk requests
)

// kill is one place to die at.
type kill struct {
	name string
	// moment of the lane and which time it comes by; empty: the service kills.
	moment relay.Moment
	nth    int
	// applied says that the service has applied the nth write when it kills.
	applied bool
	// stage is what there is to do: "first" creates and adopts, "changes" updates,
	// deactivates and brings back, "unlisted" finds the account that a listing did
	// not show, "failing" is refused once, "groups" makes groups, "file" puts a file over SFTP,
	// "bulk" creates everybody in one request.
	stage string
}

// kills enumerates where the process dies. Every moment of the lane is among them;
// TestKilledAtEveryMoment fails when one is not, or is never reached.
func kills() []kill {
	var out []kill
	at := func(m relay.Moment, nth int, stage string) {
		out = append(out, kill{name: fmt.Sprintf("%s %d, %s", m, nth, stage), moment: m, nth: nth, stage: stage})
	}
	at(relay.AccountsListed, 1, "first")
	at(relay.ListingStored, 1, "first")
	at(relay.RequestCounted, 1, "first") // of the listing
	at(relay.RequestCounted, 3, "first") // of a write
	for _, nth := range []int{1, 2, 4} {
		at(relay.AttemptStored, nth, "first")
		at(relay.Answered, nth, "first")
		at(relay.OutcomeStored, nth, "first")
		at(relay.AttemptStored, nth, "changes")
		at(relay.Answered, nth, "changes")
		at(relay.OutcomeStored, nth, "changes")
	}
	at(relay.AccountClaimed, 1, "unlisted")
	at(relay.Answered, 1, "unlisted")
	at(relay.FailureStored, 1, "failing")
	for _, m := range []relay.Moment{relay.GroupAttemptStored, relay.GroupAnswered, relay.GroupStored} {
		at(m, 1, "groups")
	}
	at(relay.GroupAttemptStored, 2, "groups")
	for _, m := range []relay.Moment{relay.FileAnnounced, relay.FilePut, relay.FileStored} {
		at(m, 1, "file")
	}
	at(relay.RequestCounted, 3, "bulk") // of the bulk request, behind discovery and listing
	at(relay.AttemptStored, 1, "bulk")
	at(relay.Answered, 1, "bulk")
	at(relay.OutcomeStored, 1, "bulk") // of five
	at(relay.OutcomeStored, 4, "bulk")
	out = append(out, kill{name: "bulk request under way", nth: 1, stage: "bulk"}, kill{name: "bulk request applied and not answered", nth: 1, stage: "bulk", applied: true})
	for _, stage := range []string{"first", "changes"} {
		for _, nth := range []int{1, 3} {
			out = append(out, kill{name: fmt.Sprintf("write %d under way, %s", nth, stage), nth: nth, stage: stage},
				kill{name: fmt.Sprintf("write %d applied and not answered, %s", nth, stage), nth: nth, stage: stage, applied: true})
		}
	}
	return out
}

// TestKilledAtEveryMoment kills the delivering process with SIGKILL at each named
// moment, starts another, and looks at the service: everybody once, everybody as
// the source states them. It fails when the attempt is stored after the request
// leaves, and when an uncertain create is not looked up.
func TestKilledAtEveryMoment(t *testing.T) {
	if os.Getenv(killStore) != "" {
		deliverUntilKilled(t)
		return
	}
	reached := map[relay.Moment]bool{}
	for _, k := range kills() {
		reached[k.moment] = true
		t.Run(k.name, func(t *testing.T) {
			switch k.stage {
			case "file":
				dieOverAFile(t, k)
			case "bulk":
				dieInABatch(t, k)
			default:
				dieAndGoOn(t, k)
			}
		})
	}
	for _, m := range relay.Moments {
		if !reached[m] {
			t.Errorf("nobody dies at %q", m)
		}
	}
}

// killedWorld is a world whose database two processes use, one after the other.
func killedWorld(t *testing.T, path string) *world {
	s, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, s: s}
	w.settings = &ingest.Settings{
		Policy: reconcile.Policy{AbsentDeactivates: true}, Location: time.UTC, AbsentReads: 1,
		Sources: map[string]ingest.SourceSettings{"hr": {Kind: model.KindHiBob}, "okta": pushingSource},
		Targets: []ingest.TargetSettings{{Name: "javelo", Rules: reconcile.TargetRules{Attributes: javelo.Attributes(), Custom: true}, Groups: true}},
	}
	w.e = ingest.New(s, w.settings, time.Now, func(string) {
		if w.lane != nil {
			w.lane.Kick()
		}
	})
	return w
}

func dieAndGoOn(t *testing.T, k kill) {
	path := filepath.Join(t.TempDir(), store.FileName)
	sim := javelosim.New(javelosim.Options{Limit: -1})
	final := prepare(t, path, sim, k.stage)
	created := map[string]int{}
	for n := 1; n <= 6; n++ {
		created[address(n)] = sim.Creates(address(n))
	}

	diesAt(t, k, path, sim)

	// The next process. Its clock is years behind, as if it had been set back.
	synctest.Test(t, func(t *testing.T) {
		w := killedWorld(t, path)
		storetest.CheckAtEnd(t, w.s)
		h := &history{tenant: &tenant{world: w, sim: sim, http: wireTo{sim}, rate: 240}, roster: final, made: 6, tally: &tally{}}
		h.start()
		h.pass(3 * time.Hour)
		h.settled()
		for n := 1; n <= 6; n++ {
			if why := h.differs(n, true); why != "" && final[n].Native != "" {
				t.Errorf("person %d: %s", n, why)
			}
			if c := sim.Creates(address(n)); c > 1 || c > 0 && created[address(n)] > 0 && c != created[address(n)] {
				t.Errorf("person %d was created %d times", n, c)
			}
		}
		if d := h.doubled(); d > 0 {
			t.Errorf("%d creates of somebody who was made before", d)
		}
		if k.stage == "groups" {
			p := &pushed{tenant: h.tenant}
			for name, want := range map[string][]string{"Sales": addresses(1, 2), "Finance": addresses(2)} {
				if got := p.members(name); !slices.Equal(got, want) {
					t.Errorf("%s has %v, want %v", name, got, want)
				}
			}
			p.quiet()
		}
	})
}

// diesAt has the process die while it delivers to a service, which kills it where the
// kill says so.
func diesAt(t *testing.T, k kill, path string, sim http.Handler, env ...string) {
	t.Helper()
	var mu sync.Mutex
	var child *exec.Cmd
	writes := 0
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		if r.Method != http.MethodGet {
			writes++
		}
		here := k.moment == "" && r.Method != http.MethodGet && writes == k.nth
		process := child
		mu.Unlock()
		if here && k.applied {
			sim.ServeHTTP(httptest.NewRecorder(), r)
		}
		if here {
			process.Process.Kill()
			panic(http.ErrAbortHandler)
		}
		sim.ServeHTTP(w, r)
	}))
	defer service.Close()
	dies(t, k, path, func(cmd *exec.Cmd) error {
		mu.Lock()
		defer mu.Unlock()
		child = cmd
		return cmd.Start()
	}, append(env, killURL+"="+service.URL)...)
}

// dieInABatch has the process die while it creates everybody in one request.
func dieInABatch(t *testing.T, k kill) {
	path := filepath.Join(t.TempDir(), store.FileName)
	sim := scimtargetsim.New(scimtargetsim.Options{Bulk: true})
	final := prepare(t, path, javelosim.New(javelosim.Options{}), "first")
	diesAt(t, k, path, sim, killBulk+"=yes")
	synctest.Test(t, func(t *testing.T) {
		w := killedWorld(t, path)
		storetest.CheckAtEnd(t, w.s)
		h := &history{tenant: &tenant{world: w, scim: sim, http: wireTo{sim}, rate: 240}, roster: final, made: 5, tally: &tally{}}
		h.start()
		h.pass(3 * time.Hour)
		h.settled()
		for n := 1; n <= 5; n++ {
			if why := h.differs(n, true); why != "" {
				t.Errorf("person %d: %s", n, why)
			}
			if c := sim.Creates(address(n)); c != 1 {
				t.Errorf("person %d was created %d times", n, c)
			}
		}
		if left := k.applied || k.moment == relay.Answered || k.moment == relay.OutcomeStored; sim.Doubled() > 0 || left != (sim.Bulks() > 0) {
			t.Errorf("%d creates of somebody who was made before, %d bulk requests", sim.Doubled(), sim.Bulks())
		}
	})
}

// dies starts the process that is to die, and waits until it did.
func dies(t *testing.T, k kill, path string, start func(*exec.Cmd) error, env ...string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestKilledAtEveryMoment$", "-test.timeout=30s")
	cmd.Env = append(append(os.Environ(), killStore+"="+path, killMoment+"="+string(k.moment), killNth+"="+strconv.Itoa(k.nth)), env...)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := start(cmd); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("the process was to die at this moment and ended with %v: %s", err, out.String())
	}
}

// dieOverAFile has the process die while it delivers over real SFTP.
func dieOverAFile(t *testing.T, k kill) {
	path := filepath.Join(t.TempDir(), store.FileName)
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	sim, err := elevosim.New(elevosim.Options{Key: key})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- sim.Serve(l) }()
	defer func() {
		sim.Close()
		<-served
	}()
	prepare(t, path, javelosim.New(javelosim.Options{}), "first")
	env := []string{killSFTP + "=" + l.Addr().String() + " " + sim.HostKey(), killKey + "=" + string(pem.EncodeToMemory(block))}
	dies(t, k, path, (*exec.Cmd).Start, env...)

	synctest.Test(t, func(t *testing.T) {
		w := killedWorld(t, path)
		storetest.CheckAtEnd(t, w.s)
		var left int
		w.sftp, err = elevo.New(sftpConfig(env[0][len(killSFTP)+1:], env[1][len(killKey)+1:]))
		if err != nil {
			t.Fatal(err)
		}
		w.start()
		w.pass(3 * time.Hour)
		for range all(w, store.Outbox) {
			left++
		}
		content, _ := sim.File("users.csv")
		var intake elevosim.Intake
		if err := intake.Read(content); err != nil || len(intake.People()) != 5 || left != 0 {
			t.Errorf("%d people in the file, %d jobs left: %v", len(intake.People()), left, err)
		}
		if n := sim.Uploads(); n > 2 {
			t.Errorf("%d uploads", n)
		}
	})
}

func sftpConfig(server, key string) elevo.Config {
	address, hostKey, _ := strings.Cut(server, " ")
	host, port, _ := net.SplitHostPort(address)
	number, _ := strconv.Atoi(port)
	return elevo.Config{Host: host, Port: number, User: elevosim.DefaultUser, Key: []byte(key), HostKey: hostKey}
}

// prepare makes a database with something to deliver, and returns what the source
// states.
func prepare(t *testing.T, path string, sim *javelosim.Sim, stage string) map[int]model.Observation {
	t.Helper()
	list := []model.Observation{someone(1, "title", "Head"), someone(2, "title", "Analyst", "manager", "1"), someone(3, "title", "Analyst", "manager", "2"),
		someone(4, "title", "Analyst", "manager", "1"), someone(5, "title", "Analyst", "manager", "4")}
	sim.Seed([]javelosim.Account{{UserName: address(4), GivenName: "By hand", Active: true}})
	synctest.Test(t, func(t *testing.T) {
		w := killedWorld(t, path)
		w.read(list...)
		if _, err := w.e.Activate("test", "hr"); err != nil {
			t.Fatal(err)
		}
		n := &tenant{world: w, sim: sim, http: wireTo{sim}, rate: 240}
		switch stage {
		case "unlisted":
			if _, err := w.e.Listed("javelo", nil); err != nil {
				t.Fatal(err)
			}
		case "groups":
			if _, err := w.e.Activate("test", "okta"); err != nil {
				t.Fatal(err)
			}
			p := &pushed{tenant: n}
			for i := range 2 {
				p.users = append(p.users, p.create(scimsrv.User, "userName", address(i+1), nil))
			}
			p.create(scimsrv.Group, "displayName", "Sales", p.users)
			p.create(scimsrv.Group, "displayName", "Finance", p.users[1:])
		case "failing":
			sim.Fault(javelosim.Fault{Kind: javelosim.Unavailable, Method: http.MethodPost})
		case "changes":
			n.start()
			n.pass(time.Minute)
			w.settled()
			w.read(left(list[4]))
			n.pass(time.Minute)
			w.stop()
			list = []model.Observation{someone(1, "title", "Chair"), left(list[1]), someone(3, "title", "Analyst", "manager", "4"), someone(4, "title", "Partner", "manager", "1"),
				someone(5, "title", "Analyst", "manager", "4"), someone(6, "title", "Analyst", "manager", "5")}
			w.read(list...)
		}
		// The clock of the process that dies is the real one: a listing of the past
		// is due again, unless this stage is about one that is not.
		real := realNow()
		if err := w.e.SetLane("rollcall", "javelo", func(l *model.Lane) {
			if l.Listed = real; stage == "first" || stage == "failing" || stage == "groups" {
				l.Listed = time.Time{}
			}
		}); err != nil {
			t.Fatal(err)
		}
		if err := w.s.Close(); err != nil {
			t.Fatal(err)
		}
	})
	out := map[int]model.Observation{}
	for _, o := range list {
		n, _ := strconv.Atoi(o.Native)
		out[n] = o
	}
	return out
}

// started is read outside of every bubble.
var started = time.Now()

func realNow() time.Time { return started }

// deliverUntilKilled is the process that dies.
func deliverUntilKilled(t *testing.T) {
	w := killedWorld(t, os.Getenv(killStore))
	if server := os.Getenv(killSFTP); server != "" {
		target, err := elevo.New(sftpConfig(server, os.Getenv(killKey)))
		if err != nil {
			t.Fatal(err)
		}
		w.sftp = target
		w.lane = w.newLane()
	} else {
		base, err := url.Parse(os.Getenv(killURL) + "/scim/v2")
		if err != nil {
			t.Fatal(err)
		}
		limiter := wire.NewLimiter(240, window)
		var target connectors.Target
		if target, err = javelo.New(javelo.Config{BaseURL: base, Token: javelosim.DefaultToken, Limiter: limiter}); os.Getenv(killBulk) != "" {
			target, err = scim.NewTarget(scim.TargetConfig{BaseURL: base, Token: scimtargetsim.DefaultToken, Limiter: limiter})
		}
		if err != nil {
			t.Fatal(err)
		}
		w.lane = relay.New("javelo", target, limiter, w.s, w.e, hclog.NewNullLogger())
	}
	nth, _ := strconv.Atoi(os.Getenv(killNth))
	at, seen := relay.Moment(os.Getenv(killMoment)), []relay.Moment{}
	w.lane.Watch = func(m relay.Moment) {
		seen = append(seen, m)
		if m == at && len(slices.DeleteFunc(slices.Clone(seen), func(o relay.Moment) bool { return o != m })) == nth {
			if err := syscall.Kill(os.Getpid(), syscall.SIGKILL); err != nil {
				panic(err)
			}
			select {} // until the signal arrives
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	err := w.lane.Run(ctx)
	t.Fatalf("alive after %v: %v", seen, err)
}
