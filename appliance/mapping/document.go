package mapping

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"strconv"
)

// document is what expressions read: a record, or a person's attributes.
type document struct {
	// raw is as decoded: JSON null is nil, numbers are json.Number.
	raw map[string]any
	// soft is what the language computes with, made when first needed.
	soft map[string]any
}

// null is JSON null inside the language. A nil *null is nil for ?? and ==, and
// still not the untyped nil of a member that is absent.
type null struct{}

func decode(data []byte) (*document, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	doc := &document{}
	if err := d.Decode(&doc.raw); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one JSON value")
	}
	if doc.raw == nil {
		return nil, errors.New("not an object")
	}
	return doc, nil
}

// soften returns the document as the language computes with it. A document is
// used by one evaluation at a time.
func (d *document) soften() map[string]any {
	if d.soft == nil {
		d.soft = make(map[string]any, len(d.raw))
		for k, v := range d.raw {
			d.soft[k] = soften(v)
		}
	}
	return d.soft
}

func soften(v any) any {
	switch v := v.(type) {
	case nil:
		return (*null)(nil)
	case json.Number:
		return number(v)
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = soften(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = soften(e)
		}
		return out
	}
	return v
}

// number returns n as an int or a float64 where that is exact, else as text.
func number(n json.Number) any {
	const exact = 1 << 53
	if i, err := strconv.ParseInt(string(n), 10, 64); err == nil {
		if i > -exact && i < exact && strconv.FormatInt(i, 10) == string(n) {
			return int(i)
		}
		return string(n)
	}
	f, err := strconv.ParseFloat(string(n), 64)
	if err != nil || math.Abs(f) >= exact || len(n) > 17 {
		return string(n) // 17 characters hold what a float64 keeps
	}
	return f
}
