package elevo_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"rollcall/appliance/model"
	"rollcall/connectors"
	"rollcall/connectors/cast"
	"rollcall/connectors/elevo"
	"rollcall/connectors/elevo/elevosim"
)

const sshUser = "canary-user-41"

// stage is a server and what is needed to reach it.
type stage struct {
	*elevosim.Sim
	config elevo.Config
}

func open(t testing.TB, opts elevosim.Options) *stage {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if opts.Key, err = ssh.NewPublicKey(public); err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	opts.User = sshUser
	sim, err := elevosim.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- sim.Serve(l) }()
	t.Cleanup(func() {
		sim.Close()
		if err := <-done; !errors.Is(err, net.ErrClosed) {
			t.Errorf("Serve: %v", err)
		}
	})
	_, port, _ := net.SplitHostPort(l.Addr().String())
	number, _ := strconv.Atoi(port)
	return &stage{sim, elevo.Config{
		Host: "127.0.0.1", Port: number, User: sshUser, Key: pem.EncodeToMemory(block), HostKey: sim.HostKey(), Timeout: 20 * time.Second,
	}}
}

// caller puts a file when it is not the one that is there, and forgets which one is
// there before it does: what the contract asks of whoever calls.
type caller struct {
	*elevo.Target
	there string // digest
}

// receipt is what became of one delivery.
type receipt struct {
	Sent   bool
	Digest string
	People int
	Bytes  int
}

func (c *caller) Deliver(ctx context.Context, people []model.Desired) (receipt, error) {
	f, err := c.Render(people)
	if err != nil {
		return receipt{}, err
	}
	r := receipt{Digest: f.Digest, People: f.People}
	if f.Digest == c.there {
		return r, nil
	}
	c.there = ""
	if r.Bytes, err = c.Put(ctx, f); err != nil {
		return receipt{}, err
	}
	r.Sent, c.there = true, f.Digest
	return r, nil
}

func (st *stage) target(t testing.TB) *caller {
	t.Helper()
	target, err := elevo.New(st.config)
	if err != nil {
		t.Fatal(err)
	}
	return &caller{Target: target}
}

// company makes rows for n people of the cast; the title tells editions apart.
func company(n int, title string) []model.Desired {
	var out []model.Desired
	people := cast.Company(n, 7)
	for _, p := range people {
		d := model.Desired{
			Person: model.PersonID("p_" + p.EmployeeNumber), Active: p.Status != "terminated", Email: p.Email,
			Attributes: map[model.Name]string{
				model.EmployeeNumber: p.EmployeeNumber, model.GivenName: p.Given, model.FamilyName: p.Family,
				model.Title: title, model.StartDate: p.Start, model.Department: p.Department, model.Site: p.Site,
			},
		}
		if p.Manager >= 0 {
			d.Manager = &model.ManagerLink{Person: model.PersonID("p_" + people[p.Manager].EmployeeNumber)}
		}
		out = append(out, d)
	}
	return out
}

func rendered(t testing.TB, people []model.Desired) []byte {
	t.Helper()
	var rows []elevo.Row
	for _, d := range people {
		rows = append(rows, elevo.RowOf(d))
	}
	content, err := elevo.Render(rows)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// holds reports how the server's file is not the one that is wanted.
func (st *stage) holds(t *testing.T, want []byte) {
	t.Helper()
	got, ok := st.File("users.csv")
	if ok != (want != nil) || !bytes.Equal(got, want) {
		t.Errorf("the file is there: %v, with %d bytes; want %d bytes", ok, len(got), len(want))
	}
}

// neverHalf checks everything that users.csv ever was.
func (st *stage) neverHalf(t *testing.T, whole ...[]byte) {
	t.Helper()
	for i, content := range st.Shown("users.csv") {
		found := false
		for _, w := range whole {
			found = found || bytes.Equal(content, w)
		}
		if !found {
			t.Errorf("edition %d under the final name is none that was delivered: %d bytes", i+1, len(content))
		}
	}
}

func TestDeliveredFileIsImportedAndEqualPeopleSendNothing(t *testing.T) {
	st := open(t, elevosim.Options{})
	target := st.target(t)
	rows := company(300, "Analyst")
	first, err := target.Deliver(t.Context(), rows)
	if err != nil {
		t.Fatal(err)
	}
	want := rendered(t, rows)
	st.holds(t, want)
	if !first.Sent || first.Digest == "" || first.Bytes != len(want) {
		t.Errorf("receipt %+v", first)
	}
	var intake elevosim.Intake
	if err := intake.Read(want); err != nil || len(intake.People()) != first.People {
		t.Errorf("imported %d of %d people: %v", len(intake.People()), first.People, err)
	}

	restarted := st.target(t)
	restarted.there = first.Digest
	for name, again := range map[string]*caller{"same target": target, "after a restart": restarted} {
		second, err := again.Deliver(t.Context(), company(300, "Analyst"))
		if err != nil || second.Sent || second.Digest != first.Digest || second.People != first.People {
			t.Errorf("%s: %+v, %v", name, second, err)
		}
	}
	if st.Uploads() != 1 || st.Logins() != 1 {
		t.Errorf("%d uploads, %d logins; want 1 of each", st.Uploads(), st.Logins())
	}

	changed := company(300, "Engineer")
	third, err := target.Deliver(t.Context(), changed)
	if err != nil || !third.Sent || third.Digest == first.Digest {
		t.Errorf("changed people: %+v, %v", third, err)
	}
	st.holds(t, rendered(t, changed))
	st.neverHalf(t, want, rendered(t, changed))
	if names := st.Names(); len(names) != 1 {
		t.Errorf("files left on the server: %v", names)
	}
}

func TestNobodyIsNoFile(t *testing.T) {
	st := open(t, elevosim.Options{})
	rows := company(3, "Analyst")
	for i := range rows {
		rows[i].Active = false
	}
	for name, people := range map[string][]model.Desired{"nobody": nil, "leavers only": rows} {
		if _, err := st.target(t).Deliver(t.Context(), people); connectors.ClassOf(err) != connectors.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if st.Logins() != 0 {
		t.Error("the server was asked")
	}
}

func TestFailedDeliveryLeavesTheOldFileWhole(t *testing.T) {
	for name, tc := range map[string]struct {
		opts   elevosim.Options
		faults elevosim.Faults
		class  connectors.Class
		words  string
	}{
		"other host key":           {faults: elevosim.Faults{OtherHostKey: true}, class: connectors.Misconfigured, words: "host key"},
		"key refused":              {faults: elevosim.Faults{RefuseKey: true}, class: connectors.Denied, words: "refused"},
		"cut at the login":         {faults: elevosim.Faults{CutAtLogin: true}, class: connectors.Transient, words: "broke"},
		"moved aside, refused":     {opts: elevosim.Options{NoAtomicRename: true}, faults: elevosim.Faults{RefuseNth: 3}, class: connectors.Denied, words: "permit"},
		"no SFTP":                  {faults: elevosim.Faults{NoSFTP: true}, class: connectors.Denied, words: "SFTP"},
		"read only":                {faults: elevosim.Faults{ReadOnly: true}, class: connectors.Denied, words: "permit"},
		"no directory":             {faults: elevosim.Faults{NoDirectory: true}, class: connectors.Misconfigured, words: "directory"},
		"disk full":                {faults: elevosim.Faults{DiskFullAfter: 40_000}, class: connectors.Transient, words: "disk"},
		"disk full and untold":     {faults: elevosim.Faults{LoseBytes: true}, class: connectors.Transient, words: "kept"},
		"cut at the first byte":    {faults: elevosim.Faults{CutAfter: 1}, class: connectors.Transient, words: "broke"},
		"cut in the middle":        {faults: elevosim.Faults{CutAfter: 40_000}, class: connectors.Transient, words: "broke"},
		"cut before the rename":    {faults: elevosim.Faults{CutOnRename: true}, class: connectors.Transient, words: "broke"},
		"rename refused":           {faults: elevosim.Faults{RefuseRename: true}, class: connectors.Denied, words: "permit"},
		"plain rename refused":     {opts: elevosim.Options{NoAtomicRename: true}, faults: elevosim.Faults{RefuseRename: true}, class: connectors.Denied, words: "permit"},
		"plain rename cut":         {opts: elevosim.Options{NoAtomicRename: true}, faults: elevosim.Faults{CutOnRename: true}, class: connectors.Transient, words: "broke"},
		"disk full, plain renames": {opts: elevosim.Options{NoAtomicRename: true, RenameReplaces: true}, faults: elevosim.Faults{DiskFullAfter: 1}, class: connectors.Transient, words: "disk"},
	} {
		t.Run(name, func(t *testing.T) {
			st := open(t, tc.opts)
			target := st.target(t)
			old, next := company(400, "Analyst"), company(400, "Engineer")
			if _, err := target.Deliver(t.Context(), old); err != nil {
				t.Fatal(err)
			}
			st.Break(tc.faults)
			r, err := target.Deliver(t.Context(), next)
			if connectors.ClassOf(err) != tc.class || err == nil || !strings.Contains(err.Error(), tc.words) || r.Sent {
				t.Errorf("got class %v: %v; want %v that says %q", connectors.ClassOf(err), err, tc.class, tc.words)
			}
			if e, ok := errors.AsType[*connectors.Error](err); ok && tc.class != connectors.Transient && e.Next == "" {
				t.Errorf("the error does not say what to do: %v", err)
			}
			tellsNothing(t, st, err)
			st.holds(t, rendered(t, old))
			if names := st.Names(); len(names) != 1 && !strings.Contains(tc.words, "broke") {
				t.Errorf("files left on the server: %v", names)
			}

			// What was not delivered is delivered once the server is well again.
			st.Break(elevosim.Faults{})
			if r, err := target.Deliver(t.Context(), next); err != nil || !r.Sent {
				t.Errorf("on the healthy server: %+v, %v", r, err)
			}
			st.holds(t, rendered(t, next))
			st.neverHalf(t, rendered(t, old), rendered(t, next))
		})
	}
}

// tellsNothing fails when an error holds a secret or somebody's data.
func tellsNothing(t *testing.T, st *stage, err error) {
	t.Helper()
	if err == nil {
		return
	}
	for _, secret := range []string{cast.Domain, "Analyst", string(bytes.Split(st.config.Key, []byte("\n"))[1])} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("the error tells %q: %v", secret, err)
		}
	}
}

func TestLostAnswerToTheRenameIsDeliveredAgain(t *testing.T) {
	st := open(t, elevosim.Options{})
	target := st.target(t)
	rows := company(20, "Analyst")
	st.Break(elevosim.Faults{CutAfterNext: true})
	if _, err := target.Deliver(t.Context(), rows); connectors.ClassOf(err) != connectors.Transient {
		t.Errorf("got %v", err)
	}
	if r, err := target.Deliver(t.Context(), rows); err != nil || !r.Sent {
		t.Errorf("again: %+v, %v", r, err)
	}
	st.holds(t, rendered(t, rows))
	st.neverHalf(t, rendered(t, rows))
}

func TestRosterThatTurnsBackAfterALostAnswerIsSent(t *testing.T) {
	st := open(t, elevosim.Options{})
	target := st.target(t)
	old, next := company(20, "Analyst"), company(20, "Engineer")
	if _, err := target.Deliver(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	st.Break(elevosim.Faults{CutAfterNext: true})
	if r, err := target.Deliver(t.Context(), next); err == nil || r.Digest != "" {
		t.Errorf("%+v, %v", r, err)
	}
	if r, err := target.Deliver(t.Context(), old); err != nil || !r.Sent {
		t.Errorf("%+v, %v", r, err)
	}
	st.holds(t, rendered(t, old))
	if r, err := target.Deliver(t.Context(), old); err != nil || r.Sent {
		t.Errorf("what was just delivered is sent again: %+v, %v", r, err)
	}
}

func TestServersWithoutAtomicRenameGetTheFileAllTheSame(t *testing.T) {
	for name, opts := range map[string]elevosim.Options{
		"rename replaces":   {NoAtomicRename: true, RenameReplaces: true},
		"rename never does": {NoAtomicRename: true},
	} {
		st := open(t, opts)
		target := st.target(t)
		for _, title := range []string{"Analyst", "Engineer", "Architect"} {
			if _, err := target.Deliver(t.Context(), company(50, title)); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			st.holds(t, rendered(t, company(50, title)))
		}
		st.neverHalf(t, rendered(t, company(50, "Analyst")), rendered(t, company(50, "Engineer")), rendered(t, company(50, "Architect")))
		if names := st.Names(); len(names) != 1 {
			t.Errorf("%s: files left on the server: %v", name, names)
		}
	}
}

func TestOnlyOldUploadsOfOurOwnAreSweptAway(t *testing.T) {
	st := open(t, elevosim.Options{})
	day := 25 * time.Hour
	st.Put(".users.csv.00112233445566aa.part", nil, day)
	keep := []string{".users.csv.00112233445566bb.part", ".users.csv.00112233445566aa.old.part", ".users.csv.notes.part", ".other.csv.00112233445566aa.part", "users.csv.bak"}
	for i, name := range keep {
		age := day
		if i == 0 {
			age = time.Hour // may be somebody's who is still at it
		}
		st.Put(name, nil, age)
	}
	if _, err := st.target(t).Deliver(t.Context(), company(5, "Analyst")); err != nil {
		t.Fatal(err)
	}
	want := []string{keep[3], keep[1], keep[0], keep[2], "users.csv", keep[4]}
	if d := cmp.Diff(want, st.Names()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestDeliveryEndsWithItsContextOrItsTimeout(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	st := open(t, elevosim.Options{})
	dialled := make(chan struct{}, 1)
	st.config.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
		dialled <- struct{}{}
		return (&net.Dialer{}).DialContext(ctx, network, silent.Addr().String())
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-dialled; cancel() }()
	if _, err := st.target(t).Deliver(ctx, company(5, "Analyst")); !errors.Is(err, context.Canceled) || connectors.ClassOf(err) != connectors.Transient {
		t.Errorf("cancelled: %v", err)
	}
	st.config.Timeout = 20 * time.Millisecond
	if _, err := st.target(t).Deliver(t.Context(), company(5, "Analyst")); !errors.Is(err, context.DeadlineExceeded) || connectors.ClassOf(err) != connectors.Transient {
		t.Errorf("timeout: %v", err)
	}
	st.config.Dial = func(context.Context, string, string) (net.Conn, error) { return nil, &net.DNSError{Name: "nowhere"} }
	if _, err := st.target(t).Deliver(t.Context(), company(5, "Analyst")); connectors.ClassOf(err) != connectors.Transient || !strings.Contains(err.Error(), "resolve") {
		t.Errorf("no such name: %v", err)
	}
}

func TestCheckWritesRenamesAndLeavesNothing(t *testing.T) {
	st := open(t, elevosim.Options{})
	report, err := st.target(t).Check(t.Context())
	if err != nil || !strings.Contains(report.Reached, sshUser) || len(report.Notices) != 0 || len(st.Names()) != 0 {
		t.Errorf("%+v, %v, files %v", report, err, st.Names())
	}
	for name, tc := range map[string]struct {
		faults elevosim.Faults
		class  connectors.Class
	}{
		"other host key": {elevosim.Faults{OtherHostKey: true}, connectors.Misconfigured},
		"key refused":    {elevosim.Faults{RefuseKey: true}, connectors.Denied},
		"read only":      {elevosim.Faults{ReadOnly: true}, connectors.Denied},
		"no directory":   {elevosim.Faults{NoDirectory: true}, connectors.Misconfigured},
		"rename refused": {elevosim.Faults{RefuseRename: true}, connectors.Denied},
	} {
		st.Break(tc.faults)
		if _, err := st.target(t).Check(t.Context()); connectors.ClassOf(err) != tc.class {
			t.Errorf("%s: %v, want class %v", name, err, tc.class)
		}
		if len(st.Names()) != 0 {
			t.Errorf("%s: files left on the server: %v", name, st.Names())
		}
	}
}

// recipient makes a key pair: the public half as configured, and the ring that opens.
func recipient(t testing.TB, armored bool, lifetime uint32) ([]byte, openpgp.EntityList) {
	t.Helper()
	e, err := openpgp.NewEntity("Elevo import", "", "import@elevo.example", &packet.Config{Algorithm: packet.PubKeyAlgoEdDSA, KeyLifetimeSecs: lifetime})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if !armored {
		err = e.Serialize(&out)
	} else if w, armorErr := armor.Encode(&out, openpgp.PublicKeyType, nil); armorErr == nil {
		err = errors.Join(e.Serialize(w), w.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), openpgp.EntityList{e}
}

func TestEncryptedFileOpensForTheRecipientOnly(t *testing.T) {
	for name, armored := range map[string]bool{"users.csv.gpg": false, "users.csv.asc": true} {
		st := open(t, elevosim.Options{})
		key, ring := recipient(t, armored, 0)
		st.config.Recipient, st.config.Path = key, name
		target := st.target(t)
		rows := company(40, "Analyst")
		r, err := target.Deliver(t.Context(), rows)
		if err != nil || !r.Sent {
			t.Fatalf("%s: %+v, %v", name, r, err)
		}
		sealed, _ := st.File(name)
		if bytes.Contains(sealed, []byte(cast.Domain)) {
			t.Errorf("%s: the file is not encrypted", name)
		}
		from := io.Reader(bytes.NewReader(sealed))
		if block, err := armor.Decode(bytes.NewReader(sealed)); (err == nil) != armored {
			t.Errorf("%s: armored: %v", name, err == nil)
		} else if armored {
			from = block.Body
		}
		message, err := openpgp.ReadMessage(from, ring, nil, nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, err := io.ReadAll(message.UnverifiedBody)
		if err != nil || !bytes.Equal(got, rendered(t, rows)) {
			t.Errorf("%s: %d bytes decrypted, %v", name, len(got), err)
		}
		if r, err := target.Deliver(t.Context(), rows); err != nil || r.Sent {
			t.Errorf("%s: equal people were sent again: %+v, %v", name, r, err)
		}
	}
}

func TestEncryptionKeyThatEndsIsSpokenOfInTime(t *testing.T) {
	const hundredDays = 100 * 24 * 3600
	st := open(t, elevosim.Options{})
	st.config.Recipient, _ = recipient(t, true, hundredDays)
	now := time.Now()
	st.config.Now = func() time.Time { return now }
	target := st.target(t)
	if r, err := target.Check(t.Context()); err != nil || len(r.Notices) != 0 {
		t.Errorf("a hundred days before: %+v, %v", r, err)
	}
	now = now.Add(80 * 24 * time.Hour)
	if r, err := target.Check(t.Context()); err != nil || len(r.Notices) != 1 || !strings.Contains(r.Notices[0], "expires within") {
		t.Errorf("twenty days before: %+v, %v", r, err)
	}
	now = now.Add(80 * 24 * time.Hour)
	if _, err := target.Deliver(t.Context(), company(3, "Analyst")); connectors.ClassOf(err) != connectors.Misconfigured {
		t.Errorf("after the end: %v", err)
	}
	if _, err := elevo.New(st.config); connectors.ClassOf(err) != connectors.Misconfigured {
		t.Errorf("configured after the end: %v", err)
	}
	if st.Uploads() != 2 {
		t.Errorf("%d uploads, want those of the two checks", st.Uploads())
	}
}

func TestConfigurationThatCannotWorkIsRefused(t *testing.T) {
	st := open(t, elevosim.Options{})
	_, ring := recipient(t, false, 0)
	var private bytes.Buffer
	if err := ring[0].SerializePrivate(&private, nil); err != nil {
		t.Fatal(err)
	}
	if line := "sftp.example.com " + st.HostKey(); true {
		good := st.config
		good.HostKey = line
		if _, err := elevo.New(good); err != nil {
			t.Errorf("a known_hosts line: %v", err)
		}
	}
	for name, change := range map[string]func(*elevo.Config){
		"no host":             func(c *elevo.Config) { c.Host = "" },
		"host with a user":    func(c *elevo.Config) { c.Host = "u@h" },
		"port":                func(c *elevo.Config) { c.Port = 70000 },
		"no user":             func(c *elevo.Config) { c.User = "" },
		"no key":              func(c *elevo.Config) { c.Key = nil },
		"broken key":          func(c *elevo.Config) { c.Key = []byte("canary-key-material") },
		"no host key":         func(c *elevo.Config) { c.HostKey = "" },
		"broken host key":     func(c *elevo.Config) { c.HostKey = "ssh-ed25519 AAAA" },
		"revoked host key":    func(c *elevo.Config) { c.HostKey = "@revoked h " + c.HostKey },
		"directory":           func(c *elevo.Config) { c.Path = "in/" },
		"negative timeout":    func(c *elevo.Config) { c.Timeout = -1 },
		"recipient":           func(c *elevo.Config) { c.Recipient = []byte("canary-key-material") },
		"private recipient":   func(c *elevo.Config) { c.Recipient = private.Bytes() },
		"column twice":        func(c *elevo.Config) { c.Layout.Columns = []elevo.Column{{"email", model.Title}} },
		"column of nothing":   func(c *elevo.Config) { c.Layout.Columns = []elevo.Column{{"x", "nothing"}} },
		"column as a formula": func(c *elevo.Config) { c.Layout.Columns = []elevo.Column{{"=x", model.Title}} },
	} {
		cfg := st.config
		change(&cfg)
		_, err := elevo.New(cfg)
		if connectors.ClassOf(err) != connectors.Misconfigured || strings.Contains(err.Error(), "canary-key") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
