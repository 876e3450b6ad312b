package luccasim

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// maxPaging is the largest page of API v3; a larger one is refused.
const maxPaging = 1000

// defaultPaging is the page size when the client does not ask for one. It is
// the default of the framework beneath (unverified for Lucca itself).
const defaultPaging = 10

// legacy answers API v3.
func (s *Sim) legacy(x *exchange, path string) {
	if !s.keyAccepted(x.r.Header.Get("Authorization")) {
		problem(x.w, http.StatusUnauthorized, "Unauthorized", "Invalid API key", nil)
		return
	}
	if x.r.Method != http.MethodGet {
		plain(x.w, http.StatusMethodNotAllowed, "Method not allowed")
		return
	}
	resource, id, single := strings.Cut(path, "/")
	switch strings.ToLower(resource) {
	case "users":
		if single {
			s.legacyUser(x, id)
			return
		}
		s.legacyUsers(x)
	case "departments":
		s.legacyNames(x, "departments", s.departments, departmentID)
	case "legalentities":
		s.legacyNames(x, "legalEntities", s.entities, entityID)
	case "userproperties":
		s.legacyProperties(x)
	case "roles":
		plain(x.w, http.StatusForbidden, "You do not have access to this resource")
	default:
		plain(x.w, http.StatusNotFound, "Unknown resource")
	}
}

// keyAccepted checks "lucca application=KEY", the scheme in any case.
func (s *Sim) keyAccepted(header string) bool {
	scheme, rest, _ := strings.Cut(header, " ")
	name, key, _ := strings.Cut(rest, "=")
	return strings.EqualFold(scheme, "lucca") && strings.EqualFold(name, "application") && key == s.opts.Key
}

// legacyUsers answers GET /api/v3/users.
func (s *Sim) legacyUsers(x *exchange) {
	q := x.r.URL.Query()
	sel, err := parseFields(cmp.Or(q.Get("fields"), "id,name,url"))
	if err != nil {
		plain(x.w, http.StatusBadRequest, "The fields parameter is malformed")
		return
	}
	counted := sel["collection"]["count"] != nil
	delete(sel, "collection")
	if name := unknownAttribute(sel); name != "" {
		plain(x.w, http.StatusBadRequest, fmt.Sprintf("Unknown property %q on type User", name))
		return
	}
	offset, limit, ok := parsePaging(q.Get("paging"))
	if !ok {
		plain(x.w, http.StatusBadRequest, "Paging limit cannot exceed 1000")
		return
	}

	rows := s.visible(strings.EqualFold(q.Get("formerEmployees"), "true") || q.Get("dtContractEnd") != "", base(x.r))
	rows, err = filterRows(rows, q)
	if err != nil {
		plain(x.w, http.StatusBadRequest, err.Error())
		return
	}
	if err := sortRows(rows, q["orderBy"]); err != nil {
		plain(x.w, http.StatusBadRequest, err.Error())
		return
	}

	total := len(rows)
	switch x.fault {
	case Empty:
		rows, total = nil, 0
	case Repeat:
		offset = 0
	case Miscount:
		total++
	}
	page := rows[min(offset, len(rows)):min(offset+limit, len(rows))]
	if len(page)*sel.count() > s.opts.Work {
		problem(x.w, http.StatusRequestTimeout, "Request Timeout", "The request took longer than 5 seconds", nil)
		return
	}
	x.wrote = offset+limit < len(rows)
	if x.fault == Half {
		page = page[:len(page)/2]
	}
	items := make([]any, 0, len(page))
	for _, row := range page {
		items = append(items, s.cased(pick(row, sel)))
	}
	data := map[string]any{"items": items}
	if counted && !s.opts.NoCount {
		data["count"] = total
	}
	s.envelope(x.w, data)
}

// legacyUser answers GET /api/v3/users/{id}: the entity directly in data, with
// everything in it when no fields are named.
func (s *Sim) legacyUser(x *exchange, id string) {
	u := s.find(id)
	if u == nil || s.former(u) && s.hidden[SectionFormer] {
		plain(x.w, http.StatusNotFound, fmt.Sprintf("User with id %s not found", id))
		return
	}
	row := s.row(u, base(x.r))
	if fields := x.r.URL.Query().Get("fields"); fields != "" {
		sel, err := parseFields(fields)
		if err != nil {
			plain(x.w, http.StatusBadRequest, "The fields parameter is malformed")
			return
		}
		row = pick(row, sel)
	}
	s.envelope(x.w, s.cased(row))
}

// legacyNames answers a list of things that have a name.
func (s *Sim) legacyNames(x *exchange, resource string, names []string, id func(int) int) {
	offset, limit, ok := parsePaging(x.r.URL.Query().Get("paging"))
	if !ok {
		plain(x.w, http.StatusBadRequest, "Paging limit cannot exceed 1000")
		return
	}
	items := []any{}
	for i := min(offset, len(names)); i < min(offset+limit, len(names)); i++ {
		items = append(items, map[string]any{
			"id": id(i), "name": names[i], "url": fmt.Sprintf("%s/api/v3/%s/%d", base(x.r), resource, id(i)),
		})
	}
	s.envelope(x.w, map[string]any{"items": items, "count": len(names)})
}

// legacyProperties answers GET /api/v3/userProperties. Types: 0 boolean, 1
// integer or list, 2 number, 3 date, 4 text, 5 object; category 3 is extension.
// A role that cannot view the section does not see its properties (unverified).
func (s *Sim) legacyProperties(x *exchange) {
	items := []any{}
	if !s.hidden[SectionExtension] {
		for _, p := range s.definitions() {
			items = append(items, map[string]any{"id": p.code, "name": p.name, "type": p.kind, "category": 3, "format": nil})
		}
	}
	s.envelope(x.w, map[string]any{"items": items})
}

// definition is one extension field of the tenant.
type definition struct {
	code, name string
	kind       int
}

func (s *Sim) definitions() []definition {
	return []definition{
		{s.opts.SkipField, "Do not synchronize with Elevo", 0},
		{"e_badge", "Badge", 4}, {"e_language", "Language", 1}, {"e_medical_visit", "Medical visit", 3},
		{"e_certificate", "Certificates", 4}, {"e_car", "Car", 5}, {"e_bloodType", "Blood type", 4},
	}
}

func departmentID(i int) int { return 20 + i }
func entityID(i int) int     { return 3 + i }
func siteID(i int) int       { return 13 + i }

// parsePaging reads "offset,limit".
func parsePaging(text string) (offset, limit int, ok bool) {
	if text == "" {
		return 0, defaultPaging, true
	}
	from, size, _ := strings.Cut(text, ",")
	offset, err := strconv.Atoi(from)
	if err != nil || offset < 0 {
		return 0, 0, false
	}
	limit, err = strconv.Atoi(size)
	return offset, limit, err == nil && limit >= 1 && limit <= maxPaging
}

// filterRows applies every parameter that names an attribute: "a,b" for any of
// these, "notequal,v", "like,v", "since,v", "until,v", "between,a,b",
// "greaterthan,v", "greaterthanorequal,v", and the literal null.
func filterRows(rows []map[string]any, q url.Values) ([]map[string]any, error) {
	for name, values := range q {
		switch strings.ToLower(name) {
		case "fields", "paging", "orderby", "formeremployees":
			continue
		}
		if unknownAttribute(selection{strings.ToLower(name): {}}) != "" {
			return nil, fmt.Errorf("unknown property %q on type User", name)
		}
		test := strings.Split(values[0], ",")
		rows = slices.DeleteFunc(rows, func(row map[string]any) bool { return !matches(sortable(row, name), test) })
	}
	return rows, nil
}

func matches(value string, test []string) bool {
	want := ""
	if len(test) > 1 && test[1] != "null" {
		want = strings.ToLower(test[1])
	}
	value = strings.ToLower(value)
	switch strings.ToLower(test[0]) {
	case "notequal":
		return value != want
	case "like":
		return strings.Contains(value, want)
	case "since", "greaterthanorequal":
		return value != "" && cmpText(value, want) >= 0
	case "greaterthan":
		return value != "" && cmpText(value, want) > 0
	case "until":
		return value != "" && cmpText(value, want) <= 0
	case "between":
		return len(test) == 3 && value != "" && cmpText(value, want) >= 0 && cmpText(value, strings.ToLower(test[2])) <= 0
	}
	return slices.ContainsFunc(test, func(t string) bool { return strings.ToLower(t) == value || t == "null" && value == "" })
}

// sortRows orders by "attribute,asc" and "attribute,desc"; without any, by name,
// so that a client who forgot to ask is not helped by luck.
func sortRows(rows []map[string]any, orders []string) error {
	if len(orders) == 0 {
		orders = []string{"name,asc"}
	}
	for _, order := range slices.Backward(orders) {
		name, direction, _ := strings.Cut(order, ",")
		if unknownAttribute(selection{strings.ToLower(name): {}}) != "" {
			return fmt.Errorf("unknown property %q on type User", name)
		}
		sign := 1
		if strings.EqualFold(direction, "desc") {
			sign = -1
		}
		slices.SortStableFunc(rows, func(a, b map[string]any) int { return sign * cmpText(sortable(a, name), sortable(b, name)) })
	}
	return nil
}

// cmpText compares numbers as numbers and everything else as text.
func cmpText(a, b string) int {
	na, errA := strconv.Atoi(a)
	nb, errB := strconv.Atoi(b)
	if errA == nil && errB == nil {
		return cmp.Compare(na, nb)
	}
	return strings.Compare(a, b)
}

// sortable returns one scalar of a row as text, "" for null and absent.
func sortable(row map[string]any, name string) string {
	for k, v := range row {
		if strings.EqualFold(k, name) {
			if v == nil {
				return ""
			}
			return fmt.Sprint(v)
		}
	}
	return ""
}

// envelope writes the success envelope.
func (s *Sim) envelope(w http.ResponseWriter, data any) {
	body := map[string]any{"data": data}
	if !s.opts.NoHeader {
		body["header"] = map[string]any{"generated": s.opts.Now().UTC().Format("2006-01-02T15:04:05.0000000Z"), "principal": "rollcall"}
	}
	writeJSON(w, http.StatusOK, "application/json", body)
}

// base is the address that the client used, for the links in answers.
func base(r *http.Request) string {
	if r.TLS != nil || r.URL.Scheme == "https" {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

func writeJSON(w http.ResponseWriter, status int, contentType string, body any) {
	raw, err := json.Marshal(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(raw)))
	w.WriteHeader(status)
	w.Write(raw)
}

// problem writes an error as the gateway and the new API do (RFC 7807).
func problem(w http.ResponseWriter, status int, title, detail string, fields map[string][]string) {
	body := map[string]any{"type": "about:blank", "title": title, "status": status}
	if detail != "" {
		body["detail"] = detail
	}
	if fields != nil {
		body["errors"] = fields
	}
	writeJSON(w, status, "application/problem+json", body)
}

// plain writes an error as the current framework of v3 does: text that says it
// is JSON.
func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write([]byte(text))
}
