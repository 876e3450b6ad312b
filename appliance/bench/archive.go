package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"

	"rollcall/connectors/cast"
	"rollcall/connectors/hibob"
	"rollcall/connectors/hibob/hibobsim"
)

const (
	serviceUser  = "SERVICE-12345" // what the simulated HiBob takes
	serviceToken = "sim-token"
)

// archive is HiBob's answer to one people search, kept in a file: rendering a
// million people anew for each read would cost more than reading them. Each
// request gets everybody in another order, as HiBob's answers come in none.
type archive struct {
	file   *os.File
	starts []int64 // where each employee begins, and the end

	mu      sync.Mutex // guards what follows
	rng     *rand.Rand
	changed map[int][]byte
}

// newArchive renders a company of so many people as the connector asks for it.
func newArchive(dir string, people int, seed uint64) (*archive, error) {
	file, err := os.Create(filepath.Join(dir, "hibob.json"))
	if err != nil {
		return nil, err
	}
	a := &archive{file: file, rng: rand.New(rand.NewPCG(seed, 1)), changed: map[int][]byte{}}
	sim := hibobsim.New(cast.Company(people, seed), hibobsim.Options{Rate: -1, Staleness: -1, PermissionDelay: -1, Seed: seed})
	body, err := connectorRequest()
	if err != nil {
		return nil, err
	}
	if err := a.render(sim, body); err != nil {
		return nil, fmt.Errorf("render HiBob's answer: %w", err)
	}
	debug.FreeOSMemory() // the simulated company is not needed any more
	return a, nil
}

// connectorRequest is the body that the connector searches people with.
func connectorRequest() ([]byte, error) {
	var body []byte
	stop := errors.New("seen")
	base := &url.URL{Scheme: "http", Host: "127.0.0.1:1", Path: "/v1"}
	source, err := hibob.New(hibob.Config{BaseURL: base, ServiceUserID: serviceUser, Token: serviceToken,
		HTTP: &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
			body, _ = io.ReadAll(r.Body)
			return nil, stop
		})}})
	if err != nil {
		return nil, err
	}
	for range source.Read(context.Background(), "") {
		break
	}
	if body == nil {
		return nil, errors.New("the connector sent no search")
	}
	return body, nil
}

type transport func(*http.Request) (*http.Response, error)

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) { return t(r) }

// render writes everybody into the file, one after the other.
func (a *archive) render(sim http.Handler, search []byte) error {
	r, w := io.Pipe()
	go func() {
		req, err := http.NewRequest(http.MethodPost, "http://hibob.example/v1/people/search", bytes.NewReader(search))
		if err == nil {
			req.SetBasicAuth(serviceUser, serviceToken)
			sim.ServeHTTP(pipeAnswer{w, http.Header{}}, req)
		}
		_ = w.CloseWithError(err)
	}()
	defer func() { _ = r.Close() }()
	out := bufio.NewWriterSize(a.file, 1<<20)
	at := int64(0)
	err := employees(r, func(raw json.RawMessage) error {
		a.starts = append(a.starts, at)
		at += int64(len(raw))
		_, err := out.Write(raw)
		return err
	})
	a.starts = append(a.starts, at)
	return errors.Join(err, out.Flush())
}

// pipeAnswer is a response writer into a pipe.
type pipeAnswer struct {
	io.Writer
	header http.Header
}

func (p pipeAnswer) Header() http.Header { return p.header }
func (pipeAnswer) WriteHeader(int)       {}

// employees calls each with every employee of an answer, decoding it as a stream
// the plain way: this is also the floor that a read is compared with. The bytes are
// valid during the call only.
func employees(r io.Reader, each func(json.RawMessage) error) error {
	dec := json.NewDecoder(r)
	for range 3 { // {"employees":[
		if _, err := dec.Token(); err != nil {
			return err
		}
	}
	var raw json.RawMessage
	for dec.More() {
		if err := dec.Decode(&raw); err != nil {
			return err
		}
		if err := each(raw); err != nil {
			return err
		}
	}
	_, err := dec.Token()
	return err
}

func (a *archive) people() int { return len(a.starts) - 1 }

// bytes is how long one answer is.
func (a *archive) bytes() int64 { return a.starts[len(a.starts)-1] + int64(a.people()) + 15 }

// marry gives so many people another family name, all of whom work here.
func (a *archive) marry(n int) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	step := a.people() / n
	for who, next := 0, 0; who < a.people() && len(a.changed) < n; who++ {
		if who < next {
			continue
		}
		raw := make([]byte, a.starts[who+1]-a.starts[who])
		if _, err := a.file.ReadAt(raw, a.starts[who]); err != nil {
			return err
		}
		if !bytes.Contains(raw, []byte(`"lifecycleStatus":"employed"`)) {
			continue
		}
		next = len(a.changed)*step + step
		a.changed[who] = bytes.ReplaceAll(raw, []byte(`"surname":"`), []byte(`"surname":"Mc`))
	}
	return nil
}

// ServeHTTP answers a people search, whatever it asks for.
func (a *archive) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	a.mu.Lock()
	order := a.rng.Perm(a.people())
	a.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	out := bufio.NewWriterSize(w, 256<<10)
	_, _ = out.WriteString(`{"employees":[`)
	var buf []byte
	for n, who := range order {
		if n > 0 {
			_ = out.WriteByte(',')
		}
		a.mu.Lock()
		raw, other := a.changed[who]
		a.mu.Unlock()
		if !other {
			size := int(a.starts[who+1] - a.starts[who])
			buf = append(buf[:0], make([]byte, size)...)
			if _, err := a.file.ReadAt(buf, a.starts[who]); err != nil {
				panic(http.ErrAbortHandler)
			}
			raw = buf
		}
		if _, err := out.Write(raw); err != nil {
			return
		}
	}
	_, _ = out.WriteString(`]}`)
	_ = out.Flush()
}

func (a *archive) close() error { return a.file.Close() }
