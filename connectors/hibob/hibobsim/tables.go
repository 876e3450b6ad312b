package hibobsim

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// table is one table of an employee: the category that lets it be read, and the
// rows.
type table struct {
	category string
	rows     func(sn *snapshot, i int) []map[string]any
}

// tables are the tables that are answered. They hold the rows that follow from
// what is true now: the simulator keeps no past.
var tables = map[string]*table{
	"work":       {"work", workRows},
	"lifecycle":  {"lifecycle", lifecycleRows},
	"employment": {"employment", employmentRows},
}

func rowID(i, n int) int { return 1_000_020_200_000 + i*10 + n }

func workRows(sn *snapshot, i int) []map[string]any {
	f, l := sn.facts[i], sn.sim.lists
	row := map[string]any{
		"id": rowID(i, 0), "effectiveDate": f.Start, "endEffectiveDate": nil, "activeEffectiveDate": f.Start,
		"isCurrent": true, "canBeDeleted": false, "title": l.id("title", f.Title), "department": l.id("department", f.Department),
		"site": f.Site, "reportsTo": nil, "workChangeType": nil, "change": map[string]any{"reason": nil}, "customColumns": map[string]any{},
		"creationDate": f.FirstHired, "modificationDate": f.FirstHired,
	}
	if n, err := strconv.Atoi(l.id("site", f.Site)); err == nil {
		row["siteId"] = n
	}
	if ref, ok := reportsTo(sn, i).(reference); ok {
		row["reportsTo"] = map[string]any{"id": ref.id, "email": ref.email, "firstName": ref.given, "surname": ref.family, "displayName": ref.display()}
	}
	return []map[string]any{row}
}

func lifecycleRows(sn *snapshot, i int) []map[string]any {
	f := sn.facts[i]
	now := sn.lifecycle(f)
	row := func(n int, date, status string) map[string]any {
		return map[string]any{"id": rowID(i, n), "effectiveDate": date, "status": status, "reason": nil, "reasonType": nil, "isCurrent": status == now}
	}
	rows := []map[string]any{row(1, f.Start, "employed")}
	if f.lastDay != "" {
		rows = append(rows, row(2, f.lastDay, "garden leave"))
	} else if now != "employed" && now != "hired" && now != "terminated" {
		rows = append(rows, row(2, f.Start, now))
	}
	if f.End != "" {
		rows = append(rows, row(3, f.End, "terminated"))
	}
	return rows
}

func employmentRows(sn *snapshot, i int) []map[string]any {
	f, l := sn.facts[i], sn.sim.lists
	return []map[string]any{{
		"id": rowID(i, 4), "effectiveDate": f.Start, "isCurrent": true, "contract": l.id("employmentstatus", f.Contract),
		"type": l.id("payrollEmploymentType", "Full time"), "fte": 100, "weeklyHours": 35, "calendarId": 1,
	}}
}

// table answers GET /people/{id}/{table}.
func (s *Sim) table(w http.ResponseWriter, r *http.Request, now time.Time, identifier, name string) {
	sn := s.snapshot(now)
	if !s.mayRead(w, r, sn, name) {
		return
	}
	i := sn.find(identifier)
	if i < 0 {
		writeJSON(w, http.StatusNotFound, map[string]string{"error": "employee not found", "key": "not_found"})
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"values": tables[name].rows(sn, i)})
}

// mayRead refuses a table without its category: most with 403, lifecycle with
// the 401 that some permission refusals come as.
func (s *Sim) mayRead(w http.ResponseWriter, r *http.Request, sn *snapshot, name string) bool {
	if sn.granted[tables[name].category] {
		return true
	}
	if name == "lifecycle" {
		s.forbid(w, r, http.StatusUnauthorized, sn.now, map[string]string{"errorMessage": "No permissions to view this table"})
		return false
	}
	s.forbid(w, r, http.StatusForbidden, sn.now, map[string]string{"key": "forbidden", "error": "No permissions to perform this action"})
	return false
}

// bulk answers GET /bulk/people/{table} page by page.
func (s *Sim) bulk(w http.ResponseWriter, r *http.Request, now time.Time, name string) {
	const most = 200
	sn := s.snapshot(now)
	if !s.mayRead(w, r, sn, name) {
		return
	}
	refuse := func(what string) {
		writeJSON(w, http.StatusBadRequest, map[string]string{"key": "bob.validation.error", "error": what})
	}
	limit, from := 50, 0
	if v := r.URL.Query().Get("limit"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > most {
			refuse("limit must be between 1 and 200")
			return
		}
		limit = n
	}
	if v := r.URL.Query().Get("cursor"); v != "" {
		raw, err := base64.StdEncoding.DecodeString(v)
		at, ok := strings.CutPrefix(string(raw), "f1:")
		n, numErr := strconv.Atoi(at)
		if err != nil || !ok || numErr != nil || n < 0 {
			refuse("unknown cursor")
			return
		}
		from = n
	}
	rows := []map[string]any{}
	for i := range sn.facts {
		if !sn.visible(i) {
			continue
		}
		for _, row := range tables[name].rows(sn, i) {
			row["employeeId"] = sn.ids[i]
			rows = append(rows, row)
		}
	}
	var next any
	end := min(from+limit, len(rows))
	if end < len(rows) {
		next = base64.StdEncoding.EncodeToString([]byte("f1:" + strconv.Itoa(end)))
	}
	writeJSON(w, http.StatusOK, map[string]any{"values": rows[min(from, end):end], "response_metadata": map[string]any{"next_cursor": next}})
}
