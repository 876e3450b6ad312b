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
	r, w := io.Pipe()
	go func() {
		_, err := s.WriteTo(w)
		_ = w.CloseWithError(err)
	}()
	err := json.NewDecoder(r).Decode(v)
	// The writer ends with the reader, whatever is left.
	_, _ = io.Copy(io.Discard, r)
	if closeErr := s.Close(); err == nil {
		err = closeErr
	}
	return err
}
