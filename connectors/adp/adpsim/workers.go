package adpsim

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// most is the largest page.
const most = 100

// predicate is the one filter that is safe. Single quotes are doubled inside.
var predicate = regexp.MustCompile(`^workers/workAssignments/assignmentStatus/statusCode/codeValue eq '((?:[^']|'')*)'$`)

// list answers GET /hr/v2/workers. Demographics leave out what is sensitive.
func (s *Sim) list(w http.ResponseWriter, r *http.Request, demographics bool) {
	q := r.URL.Query()
	top, ok := count(q.Get("$top"), s.opts.DefaultTop)
	skip, fine := count(q.Get("$skip"), 0)
	if !ok || !fine || top == 0 {
		refuse(w, r, http.StatusBadRequest, "The query is not valid")
		return
	}
	top = min(top, most)
	rows := s.workers
	if filter := q.Get("$filter"); filter != "" {
		found := predicate.FindStringSubmatch(filter)
		if found == nil {
			refuse(w, r, http.StatusInternalServerError, "Internal server error")
			return
		}
		want := strings.ReplaceAll(found[1], "''", "'")
		rows = nil
		for _, rec := range s.workers {
			if _, assignment := statuses(rec.person); assignment == want {
				rows = append(rows, rec)
			}
		}
	}
	if s.noSkip {
		skip = 0
	}
	rows = rows[min(skip, len(rows)):]
	rows = rows[:min(top, len(rows))]
	if len(rows) == 0 && !s.opts.EmptyEnd {
		w.Header().Set("Content-Length", "0")
		w.WriteHeader(http.StatusNoContent)
		return
	}
	workers := make([]any, len(rows))
	for i, rec := range rows {
		workers[i] = s.shown(rec, r, demographics)
	}
	writeJSON(w, http.StatusOK, map[string]any{"workers": workers, "meta": nil, "confirmMessage": nil})
}

// one answers GET /hr/v2/workers/{associateOID}, still an array.
func (s *Sim) one(w http.ResponseWriter, r *http.Request, id string) {
	for _, rec := range s.workers {
		if rec.oid == id {
			writeJSON(w, http.StatusOK, map[string]any{"workers": []any{s.shown(rec, r, false)}, "meta": nil, "confirmMessage": nil})
			return
		}
	}
	refuse(w, r, http.StatusForbidden, "Forbidden")
}

func (s *Sim) shown(rec *record, r *http.Request, demographics bool) map[string]any {
	masked := s.opts.MaskAlways || !strings.Contains(strings.ReplaceAll(r.Header.Get("Accept"), " ", ""), "masked=false")
	worker := s.render(rec, masked)
	if demographics {
		person, _ := worker["person"].(map[string]any)
		for _, name := range []string{"birthDate", "genderCode", "governmentIDs"} {
			delete(person, name)
		}
	}
	return worker
}

func count(text string, fallback int) (n int, ok bool) {
	if text == "" {
		return fallback, true
	}
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= 0
}
