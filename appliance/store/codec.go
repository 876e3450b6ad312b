package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"rollcall/appliance/model"
)

// codec turns the values of a table into bytes and back. Decoding makes fresh
// memory: nothing of the bytes is kept.
type codec[V any] struct {
	encode func(V) ([]byte, error)
	decode func([]byte, *V) error
}

func jsonCodec[V any]() codec[V] {
	return codec[V]{
		encode: func(v V) ([]byte, error) {
			if w, ok := any(&v).(interface{ AppendJSON([]byte) []byte }); ok {
				return encodedBy(func(e *encoder) { *e = w.AppendJSON(*e) }), nil
			}
			return json.Marshal(v)
		},
		decode: func(raw []byte, v *V) error { return json.Unmarshal(raw, v) },
	}
}

// The values of the large tables are in the protobuf wire format, because reading
// and writing them as JSON was most of what a first read cost: two thirds of the
// bytes, a tenth of the time. A field that is empty is not written, one that is
// not known is skipped, and numbers are never given to another field. "protoc
// --decode_raw" shows a value.
//
// The row types below repeat the model's fields, so that a field added there does
// not compile until it has a number here.

var errCut = errors.New("it is cut off")

// encoder appends fields.
type encoder []byte

func (e *encoder) text(n protowire.Number, s string) {
	if s != "" {
		*e = protowire.AppendString(protowire.AppendTag(*e, n, protowire.BytesType), s)
	}
}

// item appends one text of a list, which may be empty.
func (e *encoder) item(n protowire.Number, s string) {
	*e = protowire.AppendString(protowire.AppendTag(*e, n, protowire.BytesType), s)
}

func (e *encoder) bytes(n protowire.Number, b []byte) {
	if len(b) > 0 {
		*e = protowire.AppendBytes(protowire.AppendTag(*e, n, protowire.BytesType), b)
	}
}

func (e *encoder) number(n protowire.Number, v uint64) {
	if v != 0 {
		*e = protowire.AppendVarint(protowire.AppendTag(*e, n, protowire.VarintType), v)
	}
}

func (e *encoder) truth(n protowire.Number, v bool) { e.number(n, protowire.EncodeBool(v)) }

// moment keeps seconds and nanoseconds apart, so that every time.Time fits.
func (e *encoder) moment(n protowire.Number, t time.Time) {
	if t.IsZero() {
		return
	}
	e.message(n, func(e *encoder) {
		e.number(1, protowire.EncodeZigZag(t.Unix()))
		e.number(2, uint64(t.Nanosecond()))
	})
}

// message appends a nested one. One byte is held free for its length; the few that
// are longer are moved.
func (e *encoder) message(n protowire.Number, fill func(*encoder)) {
	*e = protowire.AppendTag(*e, n, protowire.BytesType)
	start := len(*e)
	*e = append(*e, 0)
	fill(e)
	size := len(*e) - start - 1
	if extra := protowire.SizeVarint(uint64(size)) - 1; extra > 0 {
		*e = append(*e, make([]byte, extra)...)
		copy((*e)[start+1+extra:], (*e)[start+1:start+1+size])
	}
	protowire.AppendVarint((*e)[:start], uint64(size))
}

// encoders are used again: what they hold is copied when it is whole, as large as it is.
var encoders = sync.Pool{New: func() any { return new(encoder) }}

// encodedBy returns what fill appends.
func encodedBy(fill func(*encoder)) []byte {
	e := encoders.Get().(*encoder)
	defer encoders.Put(e)
	*e = (*e)[:0]
	fill(e)
	return slices.Clone(*e)
}

// decoder reads fields. All texts of a value share one copy of its bytes.
type decoder struct {
	raw  []byte
	all  string
	at   int
	end  int
	err  error
	kind protowire.Type
}

func newDecoder(raw []byte) *decoder { return &decoder{raw: raw, all: string(raw), end: len(raw)} }

// next moves to the next field and returns its number, 0 at the end.
func (d *decoder) next() protowire.Number {
	if d.err != nil || d.at >= d.end {
		return 0
	}
	n, kind, size := protowire.ConsumeTag(d.raw[d.at:d.end])
	if size < 0 {
		d.err = errCut
		return 0
	}
	d.at, d.kind = d.at+size, kind
	return n
}

func (d *decoder) skip(n protowire.Number) {
	size := protowire.ConsumeFieldValue(n, d.kind, d.raw[d.at:d.end])
	if size < 0 {
		d.err = errCut
		return
	}
	d.at += size
}

func (d *decoder) is(kind protowire.Type) bool {
	if d.kind != kind && d.err == nil {
		d.err = fmt.Errorf("a field has wire type %d where %d belongs", d.kind, kind)
	}
	return d.err == nil
}

func (d *decoder) number() uint64 {
	if !d.is(protowire.VarintType) {
		return 0
	}
	v, size := protowire.ConsumeVarint(d.raw[d.at:d.end])
	if size < 0 {
		d.err = errCut
		return 0
	}
	d.at += size
	return v
}

func (d *decoder) truth() bool { return d.number() != 0 }

func (d *decoder) text() string {
	from, to := d.span()
	return d.all[from:to]
}

// span returns where the bytes of a field are and moves behind them.
func (d *decoder) span() (from, to int) {
	if !d.is(protowire.BytesType) {
		return 0, 0
	}
	v, size := protowire.ConsumeBytes(d.raw[d.at:d.end])
	if size < 0 {
		d.err = errCut
		return 0, 0
	}
	d.at += size
	return d.at - len(v), d.at
}

func (d *decoder) message(read func(n protowire.Number)) {
	from, to := d.span()
	if d.err != nil {
		return
	}
	back, end := d.at, d.end
	d.at, d.end = from, to
	for n := d.next(); n != 0; n = d.next() {
		read(n)
	}
	d.at, d.end = back, end
}

func (d *decoder) moment() time.Time {
	var sec, nano uint64
	d.message(func(n protowire.Number) {
		switch n {
		case 1:
			sec = d.number()
		case 2:
			nano = d.number()
		default:
			d.skip(n)
		}
	})
	return time.Unix(protowire.DecodeZigZag(sec), int64(nano)).UTC()
}

func (d *decoder) name() model.Name { return model.Name(d.text()) }

// pair appends a message of two texts.
func (e *encoder) pair(n protowire.Number, first, second string) {
	e.message(n, func(e *encoder) { e.text(1, first); e.text(2, second) })
}

func (d *decoder) pair() (first, second string) {
	d.message(func(n protowire.Number) {
		switch n {
		case 1:
			first = d.text()
		case 2:
			second = d.text()
		default:
			d.skip(n)
		}
	})
	return first, second
}

func (d *decoder) reference() model.Reference {
	by, value := d.pair()
	return model.Reference{By: model.RefKind(by), Value: value}
}

func (d *decoder) identifier() model.Identifier {
	kind, value := d.pair()
	return model.Identifier{Kind: model.IdentifierKind(kind), Value: value}
}

func (e *encoder) attribute(n protowire.Number, name model.Name, v model.Value) {
	e.message(n, func(e *encoder) {
		e.text(1, string(name))
		e.truth(2, v.Null)
		e.text(3, v.Text)
		for _, r := range v.Refs {
			e.pair(4, string(r.By), r.Value)
		}
	})
}

func (d *decoder) attribute(into model.Attributes) {
	var name model.Name
	var v model.Value
	d.message(func(n protowire.Number) {
		switch n {
		case 1:
			name = d.name()
		case 2:
			v.Null = d.truth()
		case 3:
			v.Text = d.text()
		case 4:
			v.Refs = append(v.Refs, d.reference())
		default:
			d.skip(n)
		}
	})
	into[name] = v
}

// count returns how many fields of this number the value has, so that a map of them is
// made as large as it gets: one that is too large costs more than to look.
func (d *decoder) count(field protowire.Number) (n int) {
	for at := 0; at < d.end; {
		number, kind, size := protowire.ConsumeTag(d.raw[at:d.end])
		if size < 0 {
			return n // whoever reads it says so
		}
		at += size
		if size = protowire.ConsumeFieldValue(number, kind, d.raw[at:d.end]); size < 0 {
			return n
		}
		at += size
		if number == field {
			n++
		}
	}
	return n
}

type recordRow struct {
	ID          model.RecordID
	Source      string
	Kind        model.Kind
	Native      string
	Rev         uint64
	Ordinal     uint64
	Attributes  model.Attributes
	Kept        map[model.Name]uint64
	Identifiers []model.Identifier
	Former      []model.Identifier
	Names       []model.Reference
	Aliases     []string
	ManagerKeys []string
	Status      model.Status
	RawStatus   string
	Scope       model.Scope
	Notices     []string
	Staged      bool
	Gone        bool
	Digest      string
	Person      model.PersonID
	Spare       model.PersonID
	Run         uint64
	Created     time.Time
	Changed     time.Time
}

func encodeRecord(record model.Record) ([]byte, error) {
	return encodedBy(func(e *encoder) { e.record((*recordRow)(&record)) }), nil
}

func (e *encoder) record(r *recordRow) {
	e.text(1, string(r.ID))
	e.text(recordSource, r.Source)
	e.text(3, string(r.Kind))
	e.text(4, r.Native)
	e.number(5, r.Rev)
	e.number(6, r.Ordinal)
	for n, v := range r.Attributes {
		e.attribute(7, n, v)
	}
	for n, run := range r.Kept {
		e.message(8, func(e *encoder) { e.text(1, string(n)); e.number(2, run) })
	}
	for _, id := range r.Identifiers {
		e.pair(9, string(id.Kind), id.Value)
	}
	for _, id := range r.Former {
		e.pair(26, string(id.Kind), id.Value)
	}
	for _, ref := range r.Names {
		e.pair(10, string(ref.By), ref.Value)
	}
	for _, s := range r.Aliases {
		e.item(11, s)
	}
	for _, s := range r.ManagerKeys {
		e.item(12, s)
	}
	e.text(13, string(r.Status))
	e.text(14, r.RawStatus)
	e.text(15, string(r.Scope.State))
	e.text(16, r.Scope.Reason)
	for _, s := range r.Notices {
		e.item(17, s)
	}
	e.truth(recordStaged, r.Staged)
	e.truth(19, r.Gone)
	e.text(20, r.Digest)
	e.text(recordPerson, string(r.Person))
	e.text(22, string(r.Spare))
	e.number(23, r.Run)
	e.moment(24, r.Created)
	e.moment(25, r.Changed)
}

func decodeRecord(raw []byte, to *model.Record) error {
	var r recordRow
	d := newDecoder(raw)
	for n := d.next(); n != 0; n = d.next() {
		switch n {
		case 1:
			r.ID = model.RecordID(strings.Clone(d.text())) // outlives the rest
		case recordSource:
			r.Source = d.text()
		case 3:
			r.Kind = model.Kind(d.text())
		case 4:
			r.Native = d.text()
		case 5:
			r.Rev = d.number()
		case 6:
			r.Ordinal = d.number()
		case 7:
			if r.Attributes == nil {
				r.Attributes = make(model.Attributes, d.count(7))
			}
			d.attribute(r.Attributes)
		case 8:
			if r.Kept == nil {
				r.Kept = map[model.Name]uint64{}
			}
			var name model.Name
			var run uint64
			d.message(func(n protowire.Number) {
				switch n {
				case 1:
					name = d.name()
				case 2:
					run = d.number()
				default:
					d.skip(n)
				}
			})
			r.Kept[name] = run
		case 9:
			r.Identifiers = append(r.Identifiers, d.identifier())
		case 26:
			r.Former = append(r.Former, d.identifier())
		case 10:
			r.Names = append(r.Names, d.reference())
		case 11:
			r.Aliases = append(r.Aliases, d.text())
		case 12:
			r.ManagerKeys = append(r.ManagerKeys, d.text())
		case 13:
			r.Status = model.Status(d.text())
		case 14:
			r.RawStatus = d.text()
		case 15:
			r.Scope.State = model.ScopeState(d.text())
		case 16:
			r.Scope.Reason = d.text()
		case 17:
			r.Notices = append(r.Notices, d.text())
		case recordStaged:
			r.Staged = d.truth()
		case 19:
			r.Gone = d.truth()
		case 20:
			r.Digest = d.text()
		case recordPerson:
			r.Person = model.PersonID(d.text())
		case 22:
			r.Spare = model.PersonID(d.text())
		case 23:
			r.Run = d.number()
		case 24:
			r.Created = d.moment()
		case 25:
			r.Changed = d.moment()
		default:
			d.skip(n)
		}
	}
	*to = model.Record(r)
	clipRecord(to)
	return whole(d, string(r.ID))
}

func clipRecord(r *model.Record) {
	r.Identifiers, r.Names, r.Aliases = slices.Clip(r.Identifiers), slices.Clip(r.Names), slices.Clip(r.Aliases)
	r.Former, r.ManagerKeys, r.Notices = slices.Clip(r.Former), slices.Clip(r.ManagerKeys), slices.Clip(r.Notices)
}

func clipPerson(p *model.Person) {
	p.Records, p.Held = slices.Clip(p.Records), slices.Clip(p.Held)
}

type personRow struct {
	ID         model.PersonID
	Rev        uint64
	Status     model.Status
	Attributes model.Attributes
	EmailKey   string
	Provenance map[model.Name]model.RecordID
	Manager    model.PersonID
	Records    []model.RecordID
	Held       []model.ConflictID
	Access     model.Access
	Waiting    string
	Reason     string
	Frozen     map[model.Name]model.Date
	Review     model.Date
	Created    time.Time
	Changed    time.Time
}

func encodePerson(person model.Person) ([]byte, error) {
	return encodedBy(func(e *encoder) { e.person((*personRow)(&person)) }), nil
}

func (e *encoder) person(p *personRow) {
	e.text(1, string(p.ID))
	e.number(2, p.Rev)
	e.text(3, string(p.Status))
	for n, v := range p.Attributes {
		e.attribute(4, n, v)
	}
	e.text(5, p.EmailKey)
	e.text(7, string(p.Manager))
	for _, id := range p.Records {
		e.item(8, string(id))
	}
	// After the records: provenance names them by their place among them.
	for n, id := range p.Provenance {
		e.message(6, func(e *encoder) {
			e.text(1, string(n))
			for i, r := range p.Records {
				if r == id {
					e.number(2, uint64(i)+1)
					return
				}
			}
			e.text(3, string(id))
		})
	}
	for _, id := range p.Held {
		e.item(9, string(id))
	}
	e.text(10, string(p.Access))
	e.text(11, p.Waiting)
	e.text(12, p.Reason)
	e.text(13, string(p.Review))
	e.moment(14, p.Created)
	e.moment(15, p.Changed)
	for n, until := range p.Frozen {
		e.pair(16, string(n), string(until))
	}
}

func decodePerson(raw []byte, to *model.Person) error {
	d := newDecoder(raw)
	p := personRow{Attributes: make(model.Attributes, d.count(4))}
	for n := d.next(); n != 0; n = d.next() {
		switch n {
		case 1:
			p.ID = model.PersonID(strings.Clone(d.text())) // outlives the rest
		case 2:
			p.Rev = d.number()
		case 3:
			p.Status = model.Status(d.text())
		case 4:
			d.attribute(p.Attributes)
		case 5:
			p.EmailKey = d.text()
		case 6:
			if p.Provenance == nil {
				p.Provenance = make(map[model.Name]model.RecordID, d.count(6))
			}
			name, id := d.origin(p.Records)
			p.Provenance[name] = id
		case 7:
			p.Manager = model.PersonID(d.text())
		case 8:
			p.Records = append(p.Records, model.RecordID(d.text()))
		case 9:
			p.Held = append(p.Held, model.ConflictID(d.text()))
		case 10:
			p.Access = model.Access(d.text())
		case 11:
			p.Waiting = d.text()
		case 12:
			p.Reason = d.text()
		case 13:
			p.Review = model.Date(d.text())
		case 14:
			p.Created = d.moment()
		case 15:
			p.Changed = d.moment()
		case 16:
			if p.Frozen == nil {
				p.Frozen = map[model.Name]model.Date{}
			}
			name, until := d.pair()
			p.Frozen[model.Name(name)] = model.Date(until)
		default:
			d.skip(n)
		}
	}
	*to = model.Person(p)
	clipPerson(to)
	return whole(d, string(p.ID))
}

func (d *decoder) origin(records []model.RecordID) (name model.Name, id model.RecordID) {
	d.message(func(n protowire.Number) {
		switch n {
		case 1:
			name = d.name()
		case 2:
			i := d.number()
			if i == 0 || i > uint64(len(records)) {
				d.err = errors.New("a value comes from a record that is not named")
				return
			}
			id = records[i-1]
		case 3:
			id = model.RecordID(d.text())
		default:
			d.skip(n)
		}
	})
	return name, id
}

func encodeOrigin(o Origin) ([]byte, error) {
	if len(o.Document) > 0 && !json.Valid(o.Document) {
		return nil, errors.New("the document is no JSON")
	}
	e := make(encoder, 0, len(o.Document)+1024)
	e.bytes(1, o.Document)
	for n, field := range o.Fields {
		e.pair(2, string(n), field)
	}
	return e, nil
}

func decodeOrigin(raw []byte, o *Origin) error {
	d := newDecoder(raw)
	for n := d.next(); n != 0; n = d.next() {
		switch n {
		case 1:
			from, to := d.span()
			o.Document = json.RawMessage(d.all[from:to])
		case 2:
			if o.Fields == nil {
				o.Fields = make(map[model.Name]string, d.count(2))
			}
			name, field := d.pair()
			o.Fields[model.Name(name)] = field
		default:
			d.skip(n)
		}
	}
	return d.err
}

// whole refuses a value without an id, which no row has.
func whole(d *decoder, id string) error {
	if d.err == nil && id == "" {
		return errors.New("it has no id")
	}
	return d.err
}
