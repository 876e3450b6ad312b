package store

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/appliance/model"
)

var updateSchema = flag.Bool("update", false, "write testdata/schema-N.db.gz of the current version anew; only before its first release")

// schemaFile holds a database of one released schema. It is made once, by
//
//	go test ./appliance/store -run TestDatabaseOfEverySchemaOpens -update
//
// and must never be made again once the schema is released: what it stands for is
// the files that customers have.
func schemaFile(version int) string {
	return filepath.Join("testdata", fmt.Sprintf("schema-%d.db.gz", version))
}

func TestDatabaseOfEverySchemaOpens(t *testing.T) {
	if *updateSchema {
		writeSchema(t)
	}
	for version := 1; version <= Version; version++ {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), FileName)
			unzip(t, schemaFile(version), path)
			s := openAt(t, path)
			if got := s.Meta("version"); got != fmt.Sprint(Version) {
				t.Errorf("version %q after opening, want %d", got, Version)
			}
			view(t, s, func(tx *Tx) error {
				n, err := tx.VerifyJournal()
				want := 1 // and that it was upgraded
				if version < Version {
					want = 2
				}
				if n != want {
					t.Errorf("the journal has %d events, want %d", n, want)
				}
				return errors.Join(err, compareSample(t, tx))
			})
		})
	}
}

// sample is one row of every table, with every index filled.
type sample struct {
	record    model.Record
	origin    Origin
	person    model.Person
	decision  model.Decision
	conflict  model.Conflict
	job       model.Job
	delivered model.Delivered
	account   Account
	lane      model.Lane
	source    SourceState
	run       model.Run
	change    Change
	token     Token
	resource  Resource
	member    Member
}

func newSample() sample {
	at := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	identifier := model.Identifier{Kind: model.IdentifierEmail, Value: "ada.lovelace@acme.example"}
	attributes := model.Attributes{model.Email: model.Text("Ada.Lovelace@acme.example"), model.Title: model.Null(),
		model.Manager: {Text: "Grace", Refs: []model.Reference{{By: model.RefNative, Value: "2"}}}}
	desired := model.Desired{Person: "p_1", Active: true, Email: "Ada.Lovelace@acme.example", Attributes: map[model.Name]string{model.Title: ""}, Manager: &model.ManagerLink{Person: "p_2"}}
	return sample{
		record: model.Record{ID: "r_1", Source: "hibob", Kind: model.KindHiBob, Native: "1", Rev: 3, Ordinal: 1, Attributes: attributes,
			Kept: map[model.Name]uint64{model.Title: 4}, Identifiers: []model.Identifier{identifier},
			Names: []model.Reference{{By: model.RefUserName, Value: "ada"}}, Aliases: []string{"native:hibob:1"}, ManagerKeys: []string{"native:hibob:2"}, Status: model.Active,
			RawStatus: "employed", Digest: "d1", Person: "p_1", Spare: "p_9", Run: 5, Created: at, Changed: at},
		origin: Origin{Document: []byte(`{"id":"1"}`), Fields: map[model.Name]string{model.Email: "email"}},
		person: model.Person{ID: "p_1", Rev: 2, Status: model.Active, Attributes: attributes, EmailKey: identifier.Value, Provenance: map[model.Name]model.RecordID{model.Email: "r_1"},
			Manager: "p_2", Records: []model.RecordID{"r_1"}, Held: []model.ConflictID{"c_1"}, Access: model.AccessOn, Reason: "hibob says employed", Review: "2027-01-01", Created: at, Changed: at},
		decision: model.Decision{ID: "d_1", Verb: model.Merge, Conflict: "c_1", Kind: model.AmbiguousMatch, Records: []model.RecordID{"r_1", "r_2"}, At: at, Actor: "uid:1000(ops)"},
		conflict: model.Conflict{ID: "c_1", Kind: model.AmbiguousMatch, Records: []model.RecordID{"r_1"}, Persons: []model.PersonID{"p_1"}, Identifiers: []model.Identifier{identifier}, Rule: "two", Opened: at, Rev: 1},
		job: model.Job{Target: "javelo", Person: "p_1", State: model.JobHeld, Effect: model.EffectDeactivate, Changed: []model.Name{"active"}, Digest: "d2", Run: 5, Reason: "max_deactivations",
			Attempts: 2, Uncertain: true, NotBefore: at.Add(time.Minute), LastClass: "transient", LastError: "javelo: 503", Created: at},
		delivered: model.Delivered{Target: "javelo", Person: "p_1", RemoteID: "j1", Sent: desired, Adopted: true, Rev: 2, At: at},
		account:   Account{Target: "javelo", EmailKey: identifier.Value, Listing: 3, Account: model.Account{RemoteID: "j1", Login: "Ada.Lovelace@acme.example", ExternalID: "p_1", Active: true}},
		lane:      model.Lane{Target: "javelo", State: model.LaneBroken, Since: at, RetryAt: at.Add(time.Minute), Failures: 5, Reason: "503", Listed: at, Usage: map[int64]int{1795334400: 3}},
		source: SourceState{Name: "hibob", State: Live, Activated: at, ReadNo: 8, LastRun: 5, LastStart: at, LastGood: at, LastCount: 40, NextRead: at.Add(time.Hour),
			Coverage: map[model.Name]int{model.Email: 40}},
		run: model.Run{Seq: 5, Source: "hibob", Cause: model.CausePoll, Verdict: model.VerdictComplete, Started: at, Ended: at, Counts: model.RunCounts{Pages: 1, Seen: 40, Deactivate: 9},
			Holds: []model.Hold{{Guard: "max_deactivations", Target: "javelo", Reason: "9 of 40", Count: 9, Limit: 3, State: model.HoldWaiting}}, Notes: []string{"a note"}},
		change:   Change{Person: "p_1", Seq: 1, At: at, Mark: MarkJoined, Before: map[model.Name]model.Value{model.Title: model.Text("Analyst")}, After: map[model.Name]model.Value{model.Title: model.Null()}},
		token:    Token{ID: "t_1", Hash: "c0ffee", Source: "okta", Label: "prod", Created: at, By: "uid:0(root)", Expires: at.Add(time.Hour)},
		resource: Resource{Source: "okta", Type: "User", ID: "u_1", Seq: 1, Rev: 2, Body: json.RawMessage(`{"userName":"ada"}`), Keys: []ResourceIndex{{"username", "ada", true}, {"externalid", "x", false}}, Created: at, Modified: at},
		member:   Member{Source: "okta", Group: "g_1", Value: "u_1", Display: "Ada", Type: "User"},
	}
}

func (x sample) put(tx *Tx) error {
	_, event := tx.Append(model.Event{At: x.run.Started, Actor: "rollcall", Subject: "person:p_1", Verb: "changed", Fields: []string{"title"}, Run: 5})
	return errors.Join(event, Records.Put(tx, x.record.ID, x.record), Origins.Put(tx, x.record.ID, x.origin), Persons.Put(tx, x.person.ID, x.person), Decisions.Put(tx, x.decision.ID, x.decision),
		Conflicts.Put(tx, x.conflict.ID, x.conflict), Outbox.Put(tx, TargetPerson{"javelo", "p_1"}, x.job), Deliveries.Put(tx, TargetPerson{"javelo", "p_1"}, x.delivered),
		Accounts.Put(tx, TargetRemote{"javelo", "j1"}, x.account), Lanes.Put(tx, "javelo", x.lane), Sources.Put(tx, "hibob", x.source), Runs.Put(tx, 5, x.run),
		History.Put(tx, HistoryKey{"p_1", 1}, x.change), Tokens.Put(tx, "t_1", x.token), Resources.Put(tx, ResourceKey{"okta", "User", "u_1"}, x.resource),
		Members.Put(tx, MemberKey{"okta", "g_1", "u_1"}, x.member), tx.SetSetting("holds", []uint64{5}), tx.SetMissing("hibob", "7", 1), tx.AddCount("okta", "User", 1), tx.AddRequest("GET", 10))
}

// compareSample reads every row back, by key and by index.
func compareSample(t *testing.T, tx *Tx) error {
	x := newSample()
	var all []error
	same := func(table string, want, got any, found bool, err error) {
		all = append(all, err)
		if diff := cmp.Diff(want, got); !found || diff != "" {
			t.Errorf("%s: found %t: %s", table, found, diff)
		}
	}
	r, ok, err := RecordByNative.One(tx, Key("hibob", "1"))
	same("records", x.record, r, ok, err)
	o, ok, err := Origins.Get(tx, "r_1")
	same("records.origin", x.origin, o, ok, err)
	p, ok, err := Persons.Get(tx, "p_1")
	same("persons", x.person, p, ok, err)
	d, ok, err := Decisions.Get(tx, "d_1")
	same("decisions", x.decision, d, ok, err)
	c, ok, err := Conflicts.Get(tx, "c_1")
	same("conflicts", x.conflict, c, ok, err)
	j, ok, err := Outbox.Get(tx, TargetPerson{"javelo", "p_1"})
	same("outbox", x.job, j, ok, err)
	dl, ok, err := DeliveredByRemote.One(tx, Key("javelo", "j1"))
	same("delivered", x.delivered, dl, ok, err)
	a, ok, err := Accounts.Get(tx, TargetRemote{"javelo", "j1"})
	same("accounts", x.account, a, ok, err)
	l, ok, err := Lanes.Get(tx, "javelo")
	same("lanes", x.lane, l, ok, err)
	so, ok, err := Sources.Get(tx, "hibob")
	same("sources", x.source, so, ok, err)
	run, ok, err := Runs.Get(tx, 5)
	same("runs", x.run, run, ok, err)
	h, ok, err := History.Get(tx, HistoryKey{"p_1", 1})
	same("history", x.change, h, ok, err)
	tok, ok, err := TokenByHash.One(tx, Key("c0ffee"))
	same("tokens", x.token, tok, ok, err)
	re, ok, err := ResourceByUnique.One(tx, Key("okta", "User", "username", "ada"))
	same("resources", x.resource, re, ok, err)
	m, ok, err := Members.Get(tx, MemberKey{"okta", "g_1", "u_1"})
	same("members", x.member, m, ok, err)
	var held []uint64
	ok, err = tx.Setting("holds", &held)
	same("settings", []uint64{5}, held, ok, err)
	same("missing and counts", []int{1, 1}, []int{tx.Missing("hibob", "7"), tx.Count("okta", "User")}, true, nil)
	same("counted people", []int{1, 1, 0, 0}, []int{Persons.Counted(tx, "active"), Persons.Counted(tx, PersonHeld), Persons.Counted(tx, PersonWaiting), Persons.Counted(tx, "inactive")}, true, nil)
	return errors.Join(all...)
}

func writeSchema(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	s, err := Open(path, Options{NoSync: true, Now: func() time.Time { return time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC) }})
	if err != nil {
		t.Fatal(err)
	}
	update(t, s, newSample().put)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if _, err := z.Write(content(t, path)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(z.Close(), os.MkdirAll("testdata", 0o755), os.WriteFile(schemaFile(Version), b.Bytes(), 0o644)); err != nil {
		t.Fatal(err)
	}
}

func unzip(t *testing.T, from, to string) {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(content(t, from)))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, raw, 0o600); err != nil {
		t.Fatal(err)
	}
}

// write leaves a file with this content and returns its path.
func write(t *testing.T, raw []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file.db")
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// mkdirWithFile makes a directory that no file can be renamed onto.
func mkdirWithFile(path string) error {
	return errors.Join(os.Mkdir(path, 0o755), os.WriteFile(filepath.Join(path, "x"), nil, 0o600))
}
