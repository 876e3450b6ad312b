package store

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"
	"pgregory.net/rapid"

	"rollcall/appliance/model"
)

// dump is everything in the database, for comparing before and after.
func dump(tx *Tx) map[string]string {
	all := map[string]string{}
	_ = tx.tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
		return b.ForEach(func(k, v []byte) error {
			all[string(name)+": "+printable(k)] = string(v)
			return nil
		})
	})
	return all
}

// collect drains an iterator that must not fail.
func collect[V any](t interface{ Fatal(...any) }, seq iter.Seq2[V, error]) []V {
	var out []V
	for v, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, v)
	}
	return out
}

func nativesOf(list []model.Record) []string {
	out := []string{}
	for _, r := range list {
		out = append(out, r.Native)
	}
	return out
}

func email(v string) model.Identifier {
	return model.Identifier{Kind: model.IdentifierEmail, Value: v}
}

func TestIndexFollowsTheValue(t *testing.T) {
	s := open(t)
	first := model.Record{ID: "r1", Source: "hr", Native: "1", Person: "p1", Identifiers: []model.Identifier{email("a@x.example"), email("b@x.example")}}
	second := model.Record{ID: "r2", Source: "hr", Native: "2", Person: "p1", Identifiers: []model.Identifier{email("b@x.example")}}
	update(t, s, func(tx *Tx) error {
		return errors.Join(Records.Put(tx, first.ID, first), Records.Put(tx, second.ID, second))
	})
	look := func(want map[string][]string) {
		t.Helper()
		view(t, s, func(tx *Tx) error {
			for value, natives := range want {
				got := nativesOf(collect(t, RecordByIdentifier.Find(tx, IdentifierKey(email(value)))))
				if diff := gocmp.Diff(natives, got); diff != "" {
					t.Errorf("carriers of %s: %s", value, diff)
				}
			}
			return nil
		})
	}
	look(map[string][]string{"a@x.example": {"1"}, "b@x.example": {"1", "2"}, "c@x.example": {}})

	first.Identifiers = []model.Identifier{email("c@x.example")}
	update(t, s, func(tx *Tx) error { return Records.Put(tx, first.ID, first) })
	look(map[string][]string{"a@x.example": {}, "b@x.example": {"2"}, "c@x.example": {"1"}})

	second.Person = ""
	update(t, s, func(tx *Tx) error { return Records.Put(tx, second.ID, second) })
	view(t, s, func(tx *Tx) error {
		if got := nativesOf(collect(t, RecordByPerson.Find(tx, Key("p1")))); !slices.Equal(got, []string{"1"}) {
			t.Errorf("records of the person: %v, want the first only", got)
		}
		return nil
	})

	update(t, s, func(tx *Tx) error { return errors.Join(Records.Delete(tx, "r1"), Records.Delete(tx, "unknown")) })
	look(map[string][]string{"c@x.example": {}, "b@x.example": {"2"}})
}

func TestTakenUniqueKeyLeavesNothingBehind(t *testing.T) {
	s := open(t)
	holder := model.Record{ID: "r1", Source: "hr", Native: "1"}
	other := model.Record{ID: "r2", Source: "hr", Native: "2", Identifiers: []model.Identifier{email("a@x.example")}}
	update(t, s, func(tx *Tx) error {
		return errors.Join(Records.Put(tx, holder.ID, holder), Records.Put(tx, other.ID, other))
	})
	update(t, s, func(tx *Tx) error {
		before := dump(tx)
		clash := other
		clash.Native, clash.Identifiers = "1", []model.Identifier{email("b@x.example")}
		for name, id := range map[string]model.RecordID{"a changed value": "r2", "a new value": "r3"} {
			clash.ID = id
			var taken *DuplicateError
			if err := Records.Put(tx, id, clash); !errors.As(err, &taken) || taken.Holder != "r1" || taken.Index != "records.native" {
				t.Errorf("%s: error %#v, want a DuplicateError that names the index and its holder", name, err)
			}
			if diff := gocmp.Diff(before, dump(tx)); diff != "" {
				t.Errorf("%s: the refused write left something behind: %s", name, diff)
			}
		}
		// A key is free as soon as its holder let go of it, in the same transaction.
		holder.Native = "3"
		other.Native = "1"
		return errors.Join(Records.Put(tx, holder.ID, holder), Records.Put(tx, other.ID, other))
	})
}

func TestUniqueKeysOfOneValueAreAllHeldAndAllFreed(t *testing.T) {
	s := open(t)
	put := func(tx *Tx, id string, seq uint64, keys ...ResourceIndex) error {
		return Resources.Put(tx, ResourceKey{"okta", "User", id}, Resource{Source: "okta", Type: "User", ID: id, Seq: seq, Keys: keys})
	}
	name := func(v string) ResourceIndex { return ResourceIndex{Attribute: "username", Value: v, Unique: true} }
	update(t, s, func(tx *Tx) error {
		if err := put(tx, "u1", 1, name("ada"), ResourceIndex{Attribute: "externalid", Value: "x"}); err != nil {
			return err
		}
		if err := put(tx, "u2", 2, name("bob"), ResourceIndex{Attribute: "externalid", Value: "x"}); err != nil {
			t.Errorf("a key that is not unique was refused: %v", err)
		}
		var taken *DuplicateError
		if err := put(tx, "u3", 3, name("cy"), name("ada")); !errors.As(err, &taken) {
			t.Errorf("error %v, want a DuplicateError", err)
		}
		if err := put(tx, "u3", 1, name("cy")); !errors.As(err, &taken) {
			t.Errorf("order number taken: error %v, want a DuplicateError", err)
		}
		if err := Resources.Delete(tx, ResourceKey{"okta", "User", "u1"}); err != nil {
			return err
		}
		return put(tx, "u3", 1, name("cy"), name("ada"))
	})
}

// TestIndexesMatchTheirTableAfterAnyHistory puts and deletes at random and
// compares every lookup with a plain map.
func TestIndexesMatchTheirTableAfterAnyHistory(t *testing.T) {
	s := open(t)
	rapid.Check(t, func(t *rapid.T) {
		err := s.Try(func(tx *Tx) error {
			rows := map[model.RecordID]model.Record{}
			for range rapid.IntRange(1, 30).Draw(t, "steps") {
				id := model.RecordID(rapid.SampledFrom([]string{"r", "r1", "r11", "r2"}).Draw(t, "id"))
				if rapid.IntRange(0, 3).Draw(t, "what") == 0 {
					if err := Records.Delete(tx, id); err != nil {
						t.Fatal(err)
					}
					delete(rows, id)
					continue
				}
				r := drawRecord(t, id)
				holder := slices.ContainsFunc(slices.Collect(maps.Values(rows)), func(o model.Record) bool {
					return o.ID != id && o.Source == r.Source && o.Native == r.Native
				})
				var taken *DuplicateError
				switch err := Records.Put(tx, id, r); {
				case holder != errors.As(err, &taken), !holder && err != nil:
					t.Fatalf("put %s: %v, and the native id is taken: %t", id, err, holder)
				case err == nil:
					rows[id] = r
				}
			}
			compareWithRows(t, tx, rows)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func drawRecord(t *rapid.T, id model.RecordID) model.Record {
	r := model.Record{ID: id, Source: rapid.SampledFrom([]string{"hr", "h"}).Draw(t, "source"), Native: rapid.SampledFrom([]string{"1", "11", "r1"}).Draw(t, "native"),
		Person: model.PersonID(rapid.SampledFrom([]string{"", "p", "p1"}).Draw(t, "person"))}
	for range rapid.IntRange(0, 3).Draw(t, "identifiers") {
		r.Identifiers = append(r.Identifiers, email(rapid.SampledFrom([]string{"a", "ab", "a\x01"}).Draw(t, "email"))) // twice the same is allowed
	}
	return r
}

func compareWithRows(t *rapid.T, tx *Tx, rows map[model.RecordID]model.Record) {
	want := func(keep func(model.Record) bool) []model.RecordID {
		out := []model.RecordID{}
		for id, r := range rows {
			if keep(r) {
				out = append(out, id)
			}
		}
		slices.Sort(out)
		return out
	}
	same := func(what string, want []model.RecordID, seq iter.Seq2[model.Record, error]) {
		got := []model.RecordID{}
		for _, r := range collect(t, seq) {
			got = append(got, r.ID)
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Fatalf("%s: %s", what, diff)
		}
	}
	same("all", want(func(model.Record) bool { return true }), Records.Each(tx, nil))
	for _, v := range []string{"a", "ab", "a\x01", "b"} {
		same("carriers of "+v, want(func(r model.Record) bool { return slices.Contains(r.Identifiers, email(v)) }), RecordByIdentifier.Find(tx, IdentifierKey(email(v))))
	}
	for _, source := range []string{"h", "hr"} {
		same("records of "+source, want(func(r model.Record) bool { return r.Source == source }), RecordBySource.Find(tx, Key(source)))
		for _, native := range []string{"1", "11", "r1", "2"} {
			same("native "+native, want(func(r model.Record) bool { return r.Source == source && r.Native == native }), RecordByNative.Find(tx, Key(source, native)))
		}
	}
	for _, person := range []model.PersonID{"p", "p1"} {
		same("records of a person", want(func(r model.Record) bool { return r.Person == person }), RecordByPerson.Find(tx, Key(string(person))))
	}
}

func TestValuesOutliveTheirTransaction(t *testing.T) {
	s := open(t)
	put := func(tx *Tx, title, document string) error {
		return errors.Join(
			Records.Put(tx, "r1", model.Record{ID: "r1", Source: "hr", Native: "1", Attributes: model.Attributes{model.Title: model.Text(title)}}),
			Origins.Put(tx, "r1", Origin{Document: []byte(document)}))
	}
	update(t, s, func(tx *Tx) error { return put(tx, "kept", `{"a":"kept"}`) })
	var kept model.Record
	var origin Origin
	view(t, s, func(tx *Tx) (err error) {
		if kept, _, err = Records.Get(tx, "r1"); err == nil {
			origin, _, err = Origins.Get(tx, "r1")
		}
		return err
	})
	for i := range 200 { // enough to reuse the pages the value was read from
		update(t, s, func(tx *Tx) error { return put(tx, fmt.Sprintf("%0400d", i), fmt.Sprintf(`{"b":"%0400d"}`, i)) })
	}
	if string(origin.Document) != `{"a":"kept"}` || kept.Attributes.Text(model.Title) != "kept" {
		t.Errorf("a value that was read earlier became %q, %q", kept.Attributes.Text(model.Title), origin.Document)
	}
}

func TestUnreadableEntryIsAnErrorThatNamesTable(t *testing.T) {
	s := open(t)
	err := s.Try(func(tx *Tx) error {
		if err := Records.Put(tx, "r1", model.Record{ID: "r1", Source: "hr", Native: "1"}); err != nil {
			return err
		}
		if err := tx.writable(Records.name).Put([]byte("r1"), []byte("{")); err != nil {
			return err
		}
		clear(tx.memo) // what was written is remembered; the damage is for later transactions
		_, _, get := Records.Get(tx, "r1")
		_, _, one := RecordByNative.One(tx, Key("hr", "1"))
		_, _, last := Records.Last(tx)
		put := Records.Put(tx, "r1", model.Record{ID: "r1", Source: "hr", Native: "1"})
		var each, back error
		for _, err := range Records.Each(tx, nil) {
			each = err
		}
		for _, err := range Records.Backward(tx, nil) {
			back = err
		}
		for what, err := range map[string]error{"get": get, "one": one, "last": last, "put": put, "each": each, "backward": back, "check": Records.checkIndexes(tx)} {
			if err == nil || !bytes.Contains([]byte(err.Error()), []byte("records")) {
				t.Errorf("%s: error %v, want one that names the table", what, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestCheckIndexesFindsEveryKindOfDamage(t *testing.T) {
	record := model.Record{ID: "r1", Source: "hr", Native: "1", Person: "p1"}
	for name, damage := range map[string]func(*Tx) error{
		"nothing":                 nil,
		"an entry is missing":     func(tx *Tx) error { return tx.writable("records.person").Delete(Key("p1", "r1")) },
		"an entry is superfluous": func(tx *Tx) error { return tx.writable("records.person").Put(Key("p2", "r1"), []byte{0, 2}) },
		"an entry points elsewhere": func(tx *Tx) error {
			return tx.writable("records.native").Put(Key("hr", "1"), append(make([]byte, recordNoteWidth), "r2"...))
		},
		"a note is wrong": func(tx *Tx) error {
			return tx.writable("records.native").Put(Key("hr", "1"), append(RecordNote{Ordinal: 9}.append(nil), "r1"...))
		},
		"an entry is cut off":      func(tx *Tx) error { return tx.writable("records.native").Put(Key("hr", "1"), []byte("r1")) },
		"an origin has no record":  func(tx *Tx) error { return tx.writable("records.origin").Put([]byte("r2"), []byte{10, 1, 120}) },
		"a value lost its entries": func(tx *Tx) error { return tx.writable("records").Delete([]byte("r1")) },
		"a value cannot be read":   func(tx *Tx) error { return tx.writable("records").Put([]byte("r1"), []byte("[]")) },
	} {
		s, err := Open(t.TempDir()+"/"+FileName, Options{NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		update(t, s, func(tx *Tx) error { return Records.Put(tx, "r1", record) })
		if damage != nil {
			update(t, s, damage)
		}
		if err := s.CheckIndexes(); (err != nil) != (damage != nil) {
			t.Errorf("%s: CheckIndexes says %v", name, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestKeysThatAreNotUTF8KeepTheirIndexes(t *testing.T) {
	s := open(t) // CheckIndexes runs at the end
	update(t, s, func(tx *Tx) error {
		return Records.Put(tx, "r1", model.Record{ID: "r1", Source: "sheet", Native: "Zo\xe9"})
	})
	update(t, s, func(tx *Tx) error { return Records.Delete(tx, "r1") })
}

func TestPeopleAreCountedAsTheyChange(t *testing.T) {
	s := open(t)
	counted := func() (out []int) {
		view(t, s, func(tx *Tx) error {
			for _, kind := range []string{"active", "inactive", "unknown", PersonHeld, PersonWaiting} {
				out = append(out, Persons.Counted(tx, kind))
			}
			return nil
		})
		return out
	}
	put := func(p model.Person) {
		t.Helper()
		p.Attributes = model.Attributes{} // as it is read back, which the race detector's build compares now and then
		update(t, s, func(tx *Tx) error { return Persons.Put(tx, p.ID, p) })
	}
	steps := []struct {
		do   func()
		want []int
	}{
		{func() { put(model.Person{ID: "p_1", Status: model.Active}) }, []int{1, 0, 0, 0, 0}},
		{func() { put(model.Person{ID: "p_1", Status: model.Active, Rev: 2}) }, []int{1, 0, 0, 0, 0}},
		{func() { put(model.Person{ID: "p_2"}) }, []int{1, 0, 1, 0, 0}},
		{func() {
			put(model.Person{ID: "p_1", Status: model.Active, Held: []model.ConflictID{"c_1"}, Waiting: "no email"})
		}, []int{1, 0, 1, 1, 1}},
		{func() { put(model.Person{ID: "p_1", Status: model.Inactive}) }, []int{0, 1, 1, 0, 0}},
		{func() { update(t, s, func(tx *Tx) error { return Persons.Delete(tx, "p_1") }) }, []int{0, 0, 1, 0, 0}},
		{func() { update(t, s, func(tx *Tx) error { return Persons.Delete(tx, "p_1") }) }, []int{0, 0, 1, 0, 0}},
	}
	for i, step := range steps {
		step.do()
		if got := counted(); !slices.Equal(got, step.want) {
			t.Errorf("step %d counts %v, want %v", i+1, got, step.want)
		}
	}
	if err := s.CheckIndexes(); err != nil {
		t.Error(err)
	}
	update(t, s, func(tx *Tx) error { return tx.AddCount(".persons", "unknown", 1) })
	if err := s.CheckIndexes(); err == nil || !strings.Contains(err.Error(), "persons counts 2 as unknown where 1 are") {
		t.Errorf("a wrong count is found as %v", err)
	}
	update(t, s, func(tx *Tx) error { return tx.AddCount(".persons", "unknown", -1) }) // the clean-up checks too
}
