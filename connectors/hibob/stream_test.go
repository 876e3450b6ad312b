package hibob_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"rollcall/connectors/cast"
	"rollcall/connectors/hibob"
	"rollcall/connectors/hibob/hibobsim"
)

// company is the body of a search in a company of any size: one simulated
// employee over and over, with ids of their own. It is made while it is read.
type company struct {
	one  []string // an employee, cut where the id stands
	left int
	size int
	rest []byte
}

// newCompany makes an employee with every field of the built-in map, labels and
// flat keys included, some 2 kB.
func newCompany(t testing.TB, size int) *company {
	t.Helper()
	sim := newSim(cast.Company(2, 1), func(o *hibobsim.Options) { o.Staleness = -1 })
	var body string
	s := newSource(t, canned(func(r *http.Request) *http.Response {
		resp := simulated(sim)(r)
		raw, _ := io.ReadAll(resp.Body)
		body = string(raw)
		return response(200, "application/json", body)
	}), nil)
	mustRead(t, s)
	var doc struct{ Employees []json.RawMessage }
	if err := json.Unmarshal([]byte(body), &doc); err != nil {
		t.Fatal(err)
	}
	for _, e := range doc.Employees {
		if strings.Contains(string(e), `"id":"`+sim.ID(1)+`"`) {
			return &company{one: strings.Split(string(e), sim.ID(1)), left: size, size: size, rest: []byte(`{"employees":[`)}
		}
	}
	t.Fatal("the simulated employee is not in the body")
	return nil
}

func (c *company) Read(p []byte) (int, error) {
	if len(c.rest) == 0 {
		switch {
		case c.left > 0:
			id := strconv.Itoa(1_000_000_000 + c.left)
			if c.left < c.size {
				c.rest = append(c.rest, ',')
			}
			c.rest = append(c.rest, strings.Join(c.one, id)...)
		case c.left == 0:
			c.rest = append(c.rest, "]}"...)
		default:
			return 0, io.EOF
		}
		c.left--
	}
	n := copy(p, c.rest)
	c.rest = c.rest[:copy(c.rest, c.rest[n:])]
	return n, nil
}

func (c *company) answer() canned {
	return func(*http.Request) *http.Response {
		resp := response(200, "application/json", "")
		resp.Body = io.NopCloser(bufio.NewReaderSize(c, 64<<10))
		return resp
	}
}

// drain reads a company and keeps nothing.
func drain(t testing.TB, s *hibob.Source, each func(page int)) int {
	people, pages := 0, 0
	for page, err := range s.Read(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		people += len(page.People)
		pages++
		if each != nil {
			each(pages)
		}
	}
	return people
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func TestMemoryDoesNotGrowWithTheCompany(t *testing.T) {
	const size = 12_000 // some 27 MB of body
	before := heap()
	var most uint64
	people := drain(t, newSource(t, newCompany(t, size).answer(), nil), func(page int) {
		if page%8 == 0 {
			most = max(most, heap())
		}
	})
	if people != size {
		t.Fatalf("%d people, want %d", people, size)
	}
	// A page of 500 people and the numbers of those seen.
	if grown := int64(most) - int64(before); grown > 10<<20 {
		t.Errorf("the heap grew by %d MiB while %d people were read", grown>>20, size)
	}
}

const benchPeople = 20_000

func BenchmarkRead(b *testing.B) {
	size := bodySize(b)
	for b.Loop() {
		if n := drain(b, newSource(b, newCompany(b, benchPeople).answer(), nil), nil); n != benchPeople {
			b.Fatal(n)
		}
	}
	b.SetBytes(size)
}

// BenchmarkStreamDecodeFloor decodes the same body employee by employee with the
// standard decoder and throws it away.
func BenchmarkStreamDecodeFloor(b *testing.B) {
	for _, tc := range []struct {
		name string
		into func() any
	}{
		{"raw", func() any { return new(json.RawMessage) }},
		{"map", func() any { return new(map[string]any) }},
	} {
		b.Run(tc.name, func(b *testing.B) {
			size := bodySize(b)
			for b.Loop() {
				dec := json.NewDecoder(bufio.NewReaderSize(newCompany(b, benchPeople), 64<<10))
				for range 3 {
					if _, err := dec.Token(); err != nil {
						b.Fatal(err)
					}
				}
				for dec.More() {
					if err := dec.Decode(tc.into()); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.SetBytes(size)
		})
	}
}

func bodySize(b *testing.B) int64 {
	n, err := io.Copy(io.Discard, newCompany(b, benchPeople))
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// Whatever comes, a read ends, and never both with a last page and an error.
func FuzzRead(f *testing.F) {
	one := `{"id":"1",` + employed + `}`
	for _, body := range []string{`{"employees":[` + one + `]}`, `{"employees":[` + one + `,{"id":2,"work":{"reportsTo":{"id":"1"},"title":null}}],"x":{}}`, `{"employees":[]}`, `{"employees":`, `[]`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		s := newSource(t, people(string(body)), nil)
		last, failed, ids := false, false, map[string]bool{}
		for page, err := range s.Read(t.Context(), "") {
			if err != nil {
				failed = true
				continue
			}
			last = page.Last
			for _, o := range page.People {
				if o.Native == "" || ids[o.Native] || !json.Valid(o.Document) {
					t.Fatalf("body %q yields %+v", body, o)
				}
				ids[o.Native] = true
			}
		}
		if last == failed {
			t.Fatalf("body %q: last page %v, error %v", body, last, failed)
		}
		if last && !json.Valid(body) {
			t.Fatalf("body %q is not JSON and was read to a last page", body)
		}
	})
}
