package appliance_test

import (
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"rollcall/appliance/store"
	"rollcall/connectors/cast"
)

func TestTheApplianceMakesCheckedBackupsByItselfAndRotatesThem(t *testing.T) {
	w := newWorld(t, 5, "[backup]\nevery = \"1m\"\nkeep = 2\n")
	w.start()
	w.sync("hibob")
	dir := filepath.Join(w.dir, "data", "backups")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	// Older ones, of which only the names count, and a file that is none of ours.
	for _, name := range []string{"rollcall-20260101T000000Z.db", "rollcall-20260102T000000Z.db.age", "rollcall-holiday.db", "notes.txt"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w.app.Housekeep()
	w.app.Housekeep() // nothing is due any more
	var names []string
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if len(names) != 4 || names[0] != "notes.txt" || names[1] != "rollcall-20260102T000000Z.db.age" || names[3] != "rollcall-holiday.db" {
		t.Fatalf("the directory holds %v", names)
	}
	c, err := store.Inspect(filepath.Join(dir, names[2]))
	if err != nil || !c.Sealed || c.Records != 5 {
		t.Errorf("the backup holds %+v: %v", c, err)
	}
	if info, err := os.Stat(filepath.Join(dir, names[2])); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others may read the backup: %v", info.Mode())
	}
	if st, err := w.app.Status(w.ctx()); err != nil || hasNeed(st, "backup") {
		t.Errorf("something is said to be wrong with the backups: %+v, %v", st.Needs, err)
	}
}

func TestABackupThatFailsIsTold(t *testing.T) {
	w := newWorld(t, 2, "[backup]\nevery = \"1m\"\n")
	w.start()
	blocked := filepath.Join(w.dir, "data", "backups")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil { // where the directory should be
		t.Fatal(err)
	}
	w.app.Housekeep()
	st, err := w.app.Status(w.ctx())
	if err != nil || !hasNeed(st, "backup") || st.Health == "ok" {
		t.Errorf("nobody is told: %+v, %v", st.Needs, err)
	}
}

func TestHistoryAndJournalAreKeptAsLongAsConfiguredAndStayWhole(t *testing.T) {
	w := newWorld(t, 20, "[privacy]\nkeep_history = \"1m\"\n[journal]\nkeep = \"1m\"\n")
	w.start()
	w.sync("hibob")
	w.activate("hibob")
	w.hibob.Update(3, func(p *cast.Person) { p.Title = "Keeper of Maps" })
	w.sync("hibob")
	count := func() (history, events int) {
		err := w.app.Store().View(func(tx *store.Tx) error {
			history, events = store.History.Count(tx, nil), store.Journal.Count(tx, nil)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return history, events
	}
	w.app.Housekeep()
	history, events := count()
	if history == 0 || events < 20 {
		t.Fatalf("what is young went: %d values and %d events are left", history, events)
	}
	w.stop()

	w.shift = 2 * time.Hour // of the appliance's clock
	w.start()
	w.app.Housekeep()
	history, events = count()
	if history != 0 || events == 0 || events > 10 {
		t.Errorf("%d values and %d events are left", history, events)
	}
	v, err := w.app.VerifyJournal(w.ctx(), "")
	if err != nil || v.Events != events {
		t.Errorf("verified %d events: %v", v.Events, err)
	}
}

// TestTheJournalReachesASyslogCollector runs a collector that begins to listen
// late, and expects every event from then on exactly once and in order.
func TestTheJournalReachesASyslogCollector(t *testing.T) {
	l, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	w := newWorld(t, 6, "[journal]\nsyslog = \"udp://"+l.LocalAddr().String()+"\"\n")
	w.start()
	eventually(t, "the exporter knows where to begin", func() bool {
		_ = w.app.SetLane(w.ctx(), "uid:1000(jane)", "javelo", "paused")
		_ = w.app.SetLane(w.ctx(), "uid:1000(jane)", "javelo", "open")
		_ = l.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		_, _, err := l.ReadFrom(make([]byte, 4096))
		return err == nil
	})
	w.sync("hibob")
	w.activate("hibob")
	head, err := w.app.VerifyJournal(w.ctx(), "")
	if err != nil {
		t.Fatal(err)
	}
	last, _, _ := strings.Cut(head.Head, ":")
	pattern := regexp.MustCompile(`^<109>1 .* \[rollcall@32473 seq="(\d+)" actor="[^"]+" subject="[^"]+".* prev="([0-9a-f]*)" hash="([0-9a-f]{64})"\]`)
	previous := ""
	for {
		buffer := make([]byte, 4096)
		_ = l.SetReadDeadline(time.Now().Add(10 * time.Second))
		n, _, err := l.ReadFrom(buffer)
		if err != nil {
			t.Fatalf("the last event, %s, did not arrive: %v", last, err)
		}
		m := pattern.FindStringSubmatch(string(buffer[:n]))
		if m == nil {
			t.Fatalf("%q", buffer[:n])
		}
		if previous != "" && m[2] != previous {
			t.Errorf("event %s does not follow from the one before it: the chain cannot be checked at the collector", m[1])
		}
		previous = m[3]
		for _, p := range w.people {
			if strings.Contains(string(buffer[:n]), p.Email) || strings.Contains(string(buffer[:n]), p.Family) {
				t.Errorf("a person stands in %q", buffer[:n])
			}
		}
		if m[1] == last {
			break
		}
	}
	if !strings.HasSuffix(head.Head, previous) {
		t.Errorf("the collector ends with hash %s, the journal with %s", previous, head.Head)
	}
}
