package store

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/protobuf/encoding/protowire"

	"rollcall/appliance/model"
)

// fill sets every field that there is, each to another value.
func fill(v reflect.Value, n *int) {
	*n++
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(time.Date(2026, 11, 22, 8, 0, *n, 1234567, time.UTC)))
	case v.Kind() == reflect.String:
		v.SetString(fmt.Sprintf("é%d", *n))
	case v.Kind() == reflect.Bool:
		v.SetBool(true)
	case v.CanInt():
		v.SetInt(int64(*n))
	case v.CanUint():
		v.SetUint(uint64(1) << (*n % 64))
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), n)
		}
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8:
		v.SetBytes(fmt.Appendf(nil, `{"n":%d}`, *n))
	case v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 3, 3))
		for i := range 2 { // the third stays empty: lists may hold that
			fill(v.Index(i), n)
		}
	case v.Kind() == reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range 3 {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			fill(key, n)
			fill(value, n)
			v.SetMapIndex(key, value)
		}
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	default:
		panic("the test does not know " + v.Type().String())
	}
}

// trip fails unless a value with every field set, and one with none but what a
// row must have, come back as they were; and unless every cut is noticed or
// leaves whole fields.
func trip[V any](t *testing.T, c codec[V], least V) {
	t.Helper()
	var full V
	n := 0
	fill(reflect.ValueOf(&full).Elem(), &n)
	for _, v := range []V{full, least} {
		raw, err := c.encode(v)
		if err != nil {
			t.Fatal(err)
		}
		var got V
		if err := c.decode(raw, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(v, got); diff != "" {
			t.Errorf("%T came back with a difference: %s", v, diff)
		}
		for i := range raw {
			_ = c.decode(raw[:i], new(V)) // must not panic
		}
		later := protowire.AppendString(protowire.AppendTag(raw, 999, protowire.BytesType), "of a newer program")
		if err := c.decode(later, &got); err != nil {
			t.Errorf("%T with a field that is not known: %v", v, err)
		}
	}
}

func TestRowsComeBackWhole(t *testing.T) {
	trip(t, Records.codec, model.Record{ID: "r1"})
	trip(t, Persons.codec, model.Person{ID: "p1", Attributes: model.Attributes{}})
	trip(t, Origins.codec, Origin{})
	trip(t, Members.codec, Member{})
	trip(t, Resources.codec, Resource{ID: "u1", Body: []byte(`{"userName":"é"}`), Members: 50_000, Keys: []ResourceIndex{{Attribute: "username", Value: "é", Unique: true}, {}}})
}

func FuzzRows(f *testing.F) {
	x := newSample()
	record, _ := encodeRecord(x.record)
	person, _ := encodePerson(x.person)
	f.Add(record)
	f.Add(person)
	resource, _ := encodeResource(Resource{Source: "okta", Type: "User", ID: "u_1", Seq: 1, Rev: 2, Body: []byte(`{"userName":"x"}`),
		Keys: []ResourceIndex{{Attribute: "username", Value: "x", Unique: true}}, Members: 3, Created: time.Unix(1, 2), Modified: time.Unix(3, 4)})
	f.Add(resource)
	f.Fuzz(func(t *testing.T, raw []byte) {
		var r model.Record
		if decodeRecord(raw, &r) == nil {
			again, err := encodeRecord(r)
			var back model.Record
			if err != nil || decodeRecord(again, &back) != nil || !cmp.Equal(r, back) {
				t.Errorf("a record that was read is not written the same: %v", cmp.Diff(r, back))
			}
			if g, err := glance(raw); err != nil || g != (Glance{Source: r.Source, Person: r.Person, Staged: r.Staged}) {
				t.Errorf("a glance at a record that says %q, %q, %v: %+v, %v", r.Source, r.Person, r.Staged, g, err)
			}
		}
		var p model.Person
		if decodePerson(raw, &p) == nil {
			again, err := encodePerson(p)
			var back model.Person
			if err != nil || decodePerson(again, &back) != nil || !cmp.Equal(p, back) {
				t.Errorf("a person who was read is not written the same: %v", cmp.Diff(p, back))
			}
		}
		var u Resource
		if decodeResource(raw, &u) == nil && u.Members >= 0 {
			again, err := encodeResource(u)
			var back Resource
			if err != nil || decodeResource(again, &back) != nil || !cmp.Equal(u, back, cmpopts.EquateEmpty()) {
				t.Errorf("a resource that was read is not written the same: %v", cmp.Diff(u, back))
			}
		}
	})
}

func TestListsFromTheStoreAreNotSharedByAppend(t *testing.T) {
	s := open(t)
	update(t, s, func(tx *Tx) error {
		return Records.Put(tx, "r1", model.Record{ID: "r1", Source: "hr", Native: "1", Notices: []string{"a", "b", "c"}})
	})
	update(t, s, func(tx *Tx) error {
		one, _, err := Records.Get(tx, "r1")
		if err != nil {
			return err
		}
		two, _, err := Records.Get(tx, "r1")
		if err != nil {
			return err
		}
		first, second := append(one.Notices, "first"), append(two.Notices, "second")
		if first[3] != "first" || second[3] != "second" {
			t.Errorf("appending to one list wrote into the other: %v, %v", first, second)
		}
		return nil
	})
}

func TestTransactionSeesItsOwnWritesOfRememberedRows(t *testing.T) {
	s := open(t)
	update(t, s, func(tx *Tx) error {
		for i := range 3 {
			if err := Records.Put(tx, "r1", model.Record{ID: "r1", Source: "hr", Native: "1", Rev: uint64(i)}); err != nil {
				return err
			}
			for range 2 {
				if r, ok, err := Records.Get(tx, "r1"); err != nil || !ok || r.Rev != uint64(i) {
					t.Errorf("after write %d the record has revision %d (%t, %v)", i, r.Rev, ok, err)
				}
			}
		}
		if err := Records.Delete(tx, "r1"); err != nil {
			return err
		}
		if _, ok, err := Records.Get(tx, "r1"); ok || err != nil {
			t.Errorf("a deleted record is still there (%v)", err)
		}
		return nil
	})
}
