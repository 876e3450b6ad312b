package lucca

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"rollcall/appliance/model"
	"rollcall/connectors"
)

// fixtures hands out recorded bodies and remembers which were read.
type fixtures struct {
	t    testing.TB
	dir  string
	mu   sync.Mutex // guards used
	used map[string]bool
}

func newFixtures(t testing.TB, dir string) *fixtures {
	return &fixtures{t: t, dir: filepath.Join("testdata", dir), used: map[string]bool{}}
}

func (f *fixtures) body(name string) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.used[name] = true
	raw, err := os.ReadFile(filepath.Join(f.dir, name))
	if err != nil {
		f.t.Error(err)
	}
	return raw
}

// objects decodes the items of a recorded v3 list.
func (f *fixtures) objects(name string) []object {
	var list userList
	dec := json.NewDecoder(bytes.NewReader(f.body(name)))
	dec.UseNumber()
	if err := dec.Decode(&list); err != nil || list.Data.Items == nil {
		f.t.Fatalf("%s: %v", name, err)
	}
	return *list.Data.Items
}

func (f *fixtures) users(name string) map[string]user {
	users := map[string]user{}
	for _, o := range f.objects(name) {
		u, bad := decodeUser(o, DefaultSkipField)
		if bad != nil {
			f.t.Fatalf("%s: %s", name, bad.Detail)
		}
		users[u.Native] = u
	}
	return users
}

// answer writes a recorded answer; its status is in the file's name, its content
// type and the Retry-After of the recording where that matters.
func (f *fixtures) answer(w http.ResponseWriter, name string) {
	contentType := "application/json"
	status := http.StatusOK
	if parts := strings.Split(name, "."); len(parts) == 3 {
		status, _ = strconv.Atoi(parts[1])
	}
	if status >= 400 && strings.HasSuffix(name, ".json") && status != 500 {
		contentType = "application/problem+json"
	}
	if status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "23")
	}
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	w.Write(f.body(name))
}

// serve returns a source of the given generation that is answered by name.
func (f *fixtures) serve(api string, name func(r *http.Request) string, pageSize int) connectors.Source {
	f.t.Helper()
	src, err := New(Config{
		Account: "halcyon-fixture.ilucca-demo.net", API: api, APIKey: "7f3b1a52-0000-4000-8000-4f1d2c9b0e11",
		ClientID: "fixture-client", ClientSecret: "fixture-secret", PageSize: pageSize,
		Now: func() time.Time { return time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC) },
		HTTP: &http.Client{Transport: roundTrip(func(r *http.Request) *http.Response {
			w := httptest.NewRecorder()
			f.answer(w, name(r))
			return w.Result()
		})},
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return src
}

type roundTrip func(r *http.Request) *http.Response

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r), nil }

func collect(t testing.TB, src connectors.Source) ([]model.Observation, error) {
	t.Helper()
	var people []model.Observation
	for page, err := range src.Read(t.Context(), "") {
		if err != nil {
			return people, err
		}
		people = append(people, page.People...)
	}
	return people, nil
}

// everyFileIsRead fails for a recording that no test looked at.
func (f *fixtures) everyFileIsRead() {
	files, err := os.ReadDir(f.dir)
	if err != nil || len(files) == 0 {
		f.t.Fatal(err)
	}
	for _, file := range files {
		if !f.used[file.Name()] {
			f.t.Errorf("%s is read by no test", file.Name())
		}
	}
}

// paged serves rows by offset, five to a page, with a count unless it is -1.
func paged(t testing.TB, rows []object, count int) connectors.Source {
	t.Helper()
	src, err := New(Config{Account: "halcyon-fixture", APIKey: "some-key", PageSize: 5, HTTP: &http.Client{Transport: roundTrip(func(r *http.Request) *http.Response {
		from, size, _ := strings.Cut(r.URL.Query().Get("paging"), ",")
		offset, _ := strconv.Atoi(from)
		limit, _ := strconv.Atoi(size)
		data := map[string]any{"items": append([]object{}, rows[min(offset, len(rows)):min(offset+limit, len(rows))]...)}
		if count >= 0 {
			data["count"] = count
		}
		w := httptest.NewRecorder()
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(map[string]any{"data": data})
		return w.Result()
	})}})
	if err != nil {
		t.Fatal(err)
	}
	return src
}
