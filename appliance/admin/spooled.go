package admin

import (
	"bytes"
	"encoding/json"
	"io"
)

// Spooled is an answer that may be larger than memory: JSON that was written
// somewhere whole before the first byte is sent, so that nothing the appliance needs
// waits for whoever takes it. It is read once and then closed.
type Spooled interface {
	io.WriterTo
	io.Closer
}

// InMemory is a [Spooled] of a value that is not large.
func InMemory(v any) (Spooled, error) {
	raw, err := json.Marshal(v)
	return inMemory{bytes.NewReader(raw)}, err
}

type inMemory struct{ *bytes.Reader }

func (inMemory) Close() error { return nil }

// Unspool decodes an answer into v and closes it.
func Unspool(s Spooled, v any) error {
	return unspool(s, func(d *json.Decoder) error { return d.Decode(v) })
}

// UnspoolEach decodes an answer that is an object, and closes it: the items of the list
// named list go to each, one by one, and everything before it into head, which is there
// when the first item comes.
func UnspoolEach[T any](s Spooled, head any, list string, each func(T) error) error {
	return unspool(s, func(d *json.Decoder) error {
		if _, err := d.Token(); err != nil {
			return err
		}
		before := map[string]json.RawMessage{}
		for d.More() {
			name, err := d.Token()
			if err != nil {
				return err
			}
			if name != list {
				var raw json.RawMessage
				if err := d.Decode(&raw); err != nil {
					return err
				}
				before[name.(string)] = raw
				continue
			}
			raw, err := json.Marshal(before)
			if err == nil {
				err = json.Unmarshal(raw, head)
			}
			if err == nil {
				_, err = d.Token()
			}
			for err == nil && d.More() {
				var item T
				if err = d.Decode(&item); err == nil {
					err = each(item)
				}
			}
			return err
		}
		return nil
	})
}

func unspool(s Spooled, decode func(*json.Decoder) error) error {
	r, w := io.Pipe()
	go func() {
		_, err := s.WriteTo(w)
		_ = w.CloseWithError(err)
	}()
	err := decode(json.NewDecoder(r))
	// The writer ends with the reader, whatever is left.
	_, _ = io.Copy(io.Discard, r)
	if closeErr := s.Close(); err == nil {
		err = closeErr
	}
	return err
}
