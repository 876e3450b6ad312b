package store

import (
	"bytes"
	"encoding/json"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

type resourceRow struct {
	Source   string
	Type     string
	ID       string
	Seq      uint64
	Rev      uint64
	Body     json.RawMessage
	Keys     []ResourceIndex
	Members  int
	Created  time.Time
	Modified time.Time
}

func encodeResource(resource Resource) ([]byte, error) {
	r := resourceRow(resource)
	e := make(encoder, 0, 256+2*len(r.Body))
	e.text(1, r.Source)
	e.text(2, r.Type)
	e.text(3, r.ID)
	e.number(4, r.Seq)
	e.number(5, r.Rev)
	e.bytes(6, r.Body)
	for _, k := range r.Keys {
		e.message(7, func(e *encoder) {
			e.text(1, k.Attribute)
			e.text(2, k.Value)
			e.truth(3, k.Unique)
		})
	}
	e.number(8, uint64(r.Members))
	e.moment(9, r.Created)
	e.moment(10, r.Modified)
	return e, nil
}

// keysExpected is how many keys a user has as a rule: two names and an address.
const keysExpected = 3

func decodeResource(raw []byte, to *Resource) error {
	var r resourceRow
	d := newDecoder(raw)
	for n := d.next(); n != 0; n = d.next() {
		switch n {
		case 1:
			r.Source = d.text()
		case 2:
			r.Type = d.text()
		case 3:
			r.ID = d.text()
		case 4:
			r.Seq = d.number()
		case 5:
			r.Rev = d.number()
		case 6:
			from, to := d.span()
			r.Body = bytes.Clone(raw[from:to])
		case 7:
			var k ResourceIndex
			d.message(func(n protowire.Number) {
				switch n {
				case 1:
					k.Attribute = d.text()
				case 2:
					k.Value = d.text()
				case 3:
					k.Unique = d.truth()
				default:
					d.skip(n)
				}
			})
			if r.Keys == nil {
				r.Keys = make([]ResourceIndex, 0, keysExpected)
			}
			r.Keys = append(r.Keys, k)
		case 8:
			r.Members = int(d.number())
		case 9:
			r.Created = d.moment()
		case 10:
			r.Modified = d.moment()
		default:
			d.skip(n)
		}
	}
	*to = Resource(r)
	return d.err
}

type memberRow struct{ Source, Group, Value, Display, Type string }

func encodeMember(member Member) ([]byte, error) {
	r := memberRow(member)
	e := make(encoder, 0, 128)
	e.text(1, r.Source)
	e.text(2, r.Group)
	e.text(3, r.Value)
	e.text(4, r.Display)
	e.text(5, r.Type)
	return e, nil
}

func decodeMember(raw []byte, to *Member) error {
	var r memberRow
	d := newDecoder(raw)
	for n := d.next(); n != 0; n = d.next() {
		switch n {
		case 1:
			r.Source = d.text()
		case 2:
			r.Group = d.text()
		case 3:
			r.Value = d.text()
		case 4:
			r.Display = d.text()
		case 5:
			r.Type = d.text()
		default:
			d.skip(n)
		}
	}
	*to = Member(r)
	return d.err
}
