package hibobsim

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"
)

// query is the body of a people search.
type query struct {
	Fields        []string        `json:"fields"`
	Filters       json.RawMessage `json:"filters"`
	ShowInactive  bool            `json:"showInactive"`
	HumanReadable string          `json:"humanReadable"`
}

type filter struct {
	FieldPath string   `json:"fieldPath"`
	Operator  string   `json:"operator"`
	Values    []string `json:"values"`
}

const (
	maxFields = 400
	badFilter = "Unsupported filter: only root.id and root.email with operator equals"
)

// readable is the request's wish reduced to what is answered.
type readable struct {
	fields []*field
	mode   string // "", "APPEND", "REPLACE"
	filter *filter
	all    bool // people who are not active, too
}

// parse checks a body; the second result says what is wrong with it.
func (s *Sim) parse(r *http.Request, granted map[string]bool) (readable, string) {
	var q query
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		return readable{}, "The body is not valid JSON"
	}
	out := readable{mode: strings.ToUpper(q.HumanReadable), all: q.ShowInactive}
	if out.mode != "" && out.mode != "APPEND" && out.mode != "REPLACE" {
		return readable{}, "Unsupported value of humanReadable"
	}
	if len(q.Fields) > maxFields {
		return readable{}, fmt.Sprintf("At most %d fields", maxFields)
	}
	if q.Filters != nil {
		var filters []filter
		if err := json.Unmarshal(q.Filters, &filters); err != nil || len(filters) != 1 {
			return readable{}, badFilter
		}
		f := filters[0]
		if f.Operator != "equals" || f.FieldPath != "root.id" && f.FieldPath != "root.email" {
			return readable{}, badFilter
		}
		out.filter = &f
	}
	wanted := q.Fields
	if len(wanted) == 0 {
		for _, f := range s.order {
			prefix, _, _ := strings.Cut(f.id, ".")
			standard := prefix == "root" || prefix == "about" || prefix == "work" || f.category == "employment"
			if standard && !strings.Contains(f.id, ".custom.") {
				wanted = append(wanted, f.id)
			}
		}
	}
	// Unknown ids, those without the prefix "root.", and those whose category is
	// not granted are left out without a word.
	for _, id := range wanted {
		if f := s.fields[id]; f != nil && granted[f.category] && !slices.Contains(out.fields, f) {
			out.fields = append(out.fields, f)
		}
	}
	return out, ""
}

// search answers POST /people/search.
func (s *Sim) search(w http.ResponseWriter, r *http.Request, now time.Time) {
	sn := s.snapshot(now)
	want, wrong := s.parse(r, sn.granted)
	if wrong != "" {
		writeJSON(w, http.StatusBadRequest, map[string]string{"key": "bob.validation.error", "error": wrong})
		return
	}
	rng := s.fork()
	found := sn.match(want)
	// The order is not documented, and not the same twice.
	rng.Shuffle(len(found), func(i, j int) { found[i], found[j] = found[j], found[i] })
	if fw, ok := w.(*faultyWriter); ok {
		found = fw.fault.thin(found)
	}
	w.Header().Set("Content-Type", "application/json")
	out := bufio.NewWriterSize(w, 64<<10)
	out.WriteString(`{"employees":[`)
	for n, i := range found {
		if n > 0 {
			out.WriteByte(',')
		}
		out.Write(sn.render(i, want, rng))
		if r.Context().Err() != nil {
			return
		}
	}
	out.WriteString("]}")
	out.Flush()
}

// person answers POST /people/{identifier}, by id or email.
func (s *Sim) person(w http.ResponseWriter, r *http.Request, now time.Time, identifier string) {
	sn := s.snapshot(now)
	want, wrong := s.parse(r, sn.granted)
	if wrong != "" {
		writeJSON(w, http.StatusBadRequest, map[string]string{"key": "bob.validation.error", "error": wrong})
		return
	}
	i := sn.find(identifier)
	if i < 0 {
		writeJSON(w, http.StatusNotFound, map[string]string{"error": "employee not found", "key": "not_found"})
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(sn.render(i, want, s.fork()))
}

// fork returns a generator of the answer's own, so that rendering needs no lock.
func (s *Sim) fork() *rand.Rand {
	s.mu.Lock()
	defer s.mu.Unlock()
	return rand.New(rand.NewPCG(s.rng.Uint64(), s.rng.Uint64()))
}

// match lists the employees that a search is about.
func (sn *snapshot) match(want readable) []int {
	var values map[string]bool
	if want.filter != nil {
		values = make(map[string]bool, len(want.filter.Values))
		for _, v := range want.filter.Values {
			values[strings.ToLower(v)] = true
		}
	}
	var found []int
	for i, f := range sn.facts {
		if !sn.visible(i) || !want.all && !sn.active(f) {
			continue
		}
		if values != nil {
			by := sn.ids[i]
			if want.filter.FieldPath == "root.email" {
				by = strings.ToLower(f.Email)
			}
			if !values[by] {
				continue
			}
		}
		found = append(found, i)
	}
	return found
}

// find returns the index of a visible employee by id or email, -1 for none.
func (sn *snapshot) find(identifier string) int {
	for i := range sn.facts {
		if sn.visible(i) && (sn.ids[i] == identifier || strings.EqualFold(sn.facts[i].Email, identifier)) {
			return i
		}
	}
	return -1
}
