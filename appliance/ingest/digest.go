package ingest

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"

	"rollcall/appliance/model"
)

// digester computes digests of observations, reusing its memory. It is not safe
// for concurrent use.
type digester struct {
	buf    []byte
	custom []model.Name
}

// digest covers everything that an observation says, but not which fields it was
// said in. Every part is preceded by its length, so that no two different
// observations have the same bytes; the order of attributes does not matter.
func (d *digester) digest(o *model.Observation) [16]byte {
	d.buf = d.buf[:0]
	d.text(o.Native)
	d.number(len(o.Document))
	d.buf = append(d.buf, o.Document...)
	d.text(string(o.Status))
	d.text(o.RawStatus)
	d.text(string(o.Scope.State))
	d.text(o.Scope.Reason)
	d.number(len(o.Attributes))
	fixed := 0
	for _, n := range model.Names {
		if v, ok := o.Attributes[n]; ok {
			d.attribute(n, v)
			fixed++
		}
	}
	if fixed < len(o.Attributes) {
		d.custom = d.custom[:0]
		for n := range o.Attributes {
			if !slices.Contains(model.Names, n) {
				d.custom = append(d.custom, n)
			}
		}
		slices.Sort(d.custom)
		for _, n := range d.custom {
			d.attribute(n, o.Attributes[n])
		}
	}
	d.references(o.Names)
	d.number(len(o.Notices))
	for _, n := range o.Notices {
		d.text(n)
	}
	sum := sha256.Sum256(d.buf)
	return [16]byte(sum[:16])
}

func (d *digester) attribute(n model.Name, v model.Value) {
	d.text(string(n))
	null := 0
	if v.Null {
		null = 1
	}
	d.number(null)
	d.text(v.Text)
	d.references(v.Refs)
}

func (d *digester) references(list []model.Reference) {
	d.number(len(list))
	for _, r := range list {
		d.text(string(r.By))
		d.text(r.Value)
	}
}

func (d *digester) text(s string) {
	d.number(len(s))
	d.buf = append(d.buf, s...)
}

func (d *digester) number(n int) { d.buf = binary.AppendUvarint(d.buf, uint64(n)) }

// digestText is the form in which a record keeps a digest.
func digestText(d [16]byte) string { return hex.EncodeToString(d[:]) }

// ordinals is a set of the ordinals of records: a bit for each record there ever
// was, so that a million people cost an eighth of a megabyte.
type ordinals []uint64

func (s ordinals) has(n uint64) bool {
	return n/64 < uint64(len(s)) && s[n/64]&(1<<(n%64)) != 0
}

func (s *ordinals) add(n uint64) {
	for n/64 >= uint64(len(*s)) {
		*s = append(*s, 0)
	}
	(*s)[n/64] |= 1 << (n % 64)
}
