package store

import (
	"fmt"
	"maps"
	"reflect"
	"testing"
	"time"

	"rollcall/appliance/model"
)

// TestIndexesFollowEveryField changes one field after the other of a record and of a
// person: an index that thinks it has nothing to do although it had is found by the
// check that recomputes all of them.
func TestIndexesFollowEveryField(t *testing.T) {
	s := open(t)
	record := model.Record{ID: "r1", Source: "hr", Native: "1", Attributes: model.Attributes{model.Email: model.Text("a@acme.example")}}
	person := model.Person{ID: "p1", Attributes: model.Attributes{model.Email: model.Text("a@acme.example")}}
	eachField(record, func(field string, v model.Record) {
		v.ID = record.ID
		update(t, s, func(tx *Tx) error { return Records.Put(tx, record.ID, v) })
		if err := s.CheckIndexes(); err != nil {
			t.Errorf("after %s of a record: %v", field, err)
		}
	})
	for _, n := range model.Names {
		eachField(person, func(field string, v model.Person) {
			if v.ID = person.ID; field == "Attributes" {
				v.Attributes = maps.Clone(person.Attributes)
				v.Attributes[n] = model.Text("Other " + string(n))
				person = v
			}
			update(t, s, func(tx *Tx) error { return Persons.Put(tx, person.ID, v) })
			if err := s.CheckIndexes(); err != nil {
				t.Errorf("after %s of a person, %s: %v", field, n, err)
			}
		})
	}
}

// eachField calls fn with v, with one field of it set, and with v again, for each of
// its fields.
func eachField[T any](v T, fn func(field string, v T)) {
	all := reflect.TypeFor[T]()
	for i := range all.NumField() {
		other := v
		f := reflect.ValueOf(&other).Elem().Field(i)
		switch f.Kind() {
		case reflect.String:
			f.SetString(fmt.Sprintf("%s %d", all.Field(i).Name, i))
		case reflect.Bool:
			f.SetBool(true)
		case reflect.Uint64:
			f.SetUint(7)
		case reflect.Slice:
			f.Set(reflect.MakeSlice(f.Type(), 1, 1))
			if e := f.Index(0); e.Kind() == reflect.String {
				e.SetString("one")
			} else {
				e.Field(0).SetString("kind")
				e.Field(1).SetString("value")
			}
		case reflect.Map:
			f.Set(reflect.MakeMap(f.Type()))
		case reflect.Struct:
			switch p := f.Addr().Interface().(type) {
			case *time.Time:
				*p = time.Unix(1, 0).UTC()
			case *model.Scope:
				*p = model.Scope{State: model.OutOfScope, Reason: "so"}
			}
		}
		fn(all.Field(i).Name, v)
		fn(all.Field(i).Name, other)
		fn(all.Field(i).Name, v)
	}
}
