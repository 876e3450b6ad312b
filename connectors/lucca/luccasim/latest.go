package luccasim

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// APIVersion is the version of the new API that is answered.
const APIVersion = "2024-11-01"

// grant is what a token allows.
type grant struct {
	scopes []string
	until  time.Time
}

// scopeOf names the scope that each collection of the new API asks for. Only
// those of employees and employee-attributes are documented, the others follow
// their pattern (unverified).
var scopeOf = map[string]string{
	"employees": "employees.readonly", "employments": "employments.readonly", "job-positions": "job-positions.readonly",
	"departments": "departments.readonly", "legal-entities": "legal-entities.readonly",
	"business-establishments":   "business-establishments.readonly",
	"employee-personal-records": "employee-personal-records.readonly",
	"employee-attributes":       "employee-attributes.readonly",
}

// token answers POST /connect/token (client credentials, RFC 6749 section 4.4).
func (s *Sim) token(x *exchange) {
	refuse := func(status int, code string) {
		writeJSON(x.w, status, "application/json", map[string]any{"error": code})
	}
	if x.r.Method != http.MethodPost {
		refuse(http.StatusMethodNotAllowed, "invalid_request")
		return
	}
	if err := x.r.ParseForm(); err != nil || !strings.HasPrefix(x.r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		refuse(http.StatusBadRequest, "invalid_request")
		return
	}
	form := x.r.PostForm
	if form.Get("grant_type") != "client_credentials" {
		refuse(http.StatusBadRequest, "unsupported_grant_type")
		return
	}
	if form.Get("client_id") != s.opts.ClientID || form.Get("client_secret") != s.opts.ClientSecret {
		refuse(http.StatusBadRequest, "invalid_client")
		return
	}
	scopes := strings.Fields(form.Get("scope"))
	for _, scope := range scopes {
		if !s.granted(scope) {
			refuse(http.StatusBadRequest, "invalid_scope")
			return
		}
	}
	s.issued++
	token := fmt.Sprintf("sim-token-%d", s.issued)
	s.tokens[token] = grant{scopes: scopes, until: s.opts.Now().Add(30 * time.Minute)}
	writeJSON(x.w, http.StatusOK, "application/json", map[string]any{
		"access_token": token, "expires_in": 1800, "token_type": "Bearer", "scope": strings.Join(scopes, " "),
	})
}

func (s *Sim) granted(scope string) bool {
	if s.opts.Scopes != nil {
		return slices.Contains(s.opts.Scopes, scope)
	}
	for _, known := range scopeOf {
		if known == scope {
			return true
		}
	}
	return false
}

// ExpireTokens makes every token that was handed out worthless, as a rotated
// secret does.
func (s *Sim) ExpireTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.tokens)
}

// latest answers the new API.
func (s *Sim) latest(x *exchange, path string) {
	bearer, ok := strings.CutPrefix(x.r.Header.Get("Authorization"), "Bearer ")
	g, known := s.tokens[bearer]
	if !ok || !known || !s.opts.Now().Before(g.until) {
		x.w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		problem(x.w, http.StatusUnauthorized, "Unauthorized", "", nil)
		return
	}
	x.w.Header().Set("Api-Version", APIVersion)
	if x.r.Header.Get("Api-Version") != APIVersion {
		invalid(x.w, "Api-Version", "The header Api-Version must name a supported version.")
		return
	}
	resource, id, single := strings.Cut(path, "/")
	scope, ok := scopeOf[resource]
	if !ok {
		problem(x.w, http.StatusNotFound, "Not Found", "", nil)
		return
	}
	if x.r.Method != http.MethodGet {
		problem(x.w, http.StatusMethodNotAllowed, "Method Not Allowed", "", nil)
		return
	}
	if !slices.Contains(g.scopes, scope) {
		problem(x.w, http.StatusForbidden, "Forbidden", "", nil)
		return
	}
	rows := s.collection(resource, base(x.r))
	if single {
		s.latestOne(x, rows, id)
		return
	}
	s.latestList(x, resource, rows)
}

func (s *Sim) latestOne(x *exchange, rows []map[string]any, id string) {
	for _, row := range rows {
		if row["id"] == id {
			tagged(x.w, x.r, row)
			return
		}
	}
	problem(x.w, http.StatusNotFound, "Not Found", "", nil)
}

// latestList answers a collection: filters, order, page token, and only the
// extras that "include" names. The token is the id of the last item, so a page
// never shifts when rows move.
func (s *Sim) latestList(x *exchange, resource string, rows []map[string]any) {
	q := x.r.URL.Query()
	most := 100
	if resource == "employee-attributes" {
		most = 1000
	}
	limit := 25
	if text := q.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > most {
			invalid(x.w, "limit", fmt.Sprintf("The field limit must be between 1 and %d.", most))
			return
		}
		limit = n
	}
	rows, bad := s.filterLatest(resource, rows, q)
	if bad != "" {
		invalid(x.w, bad, fmt.Sprintf("The field %s is not valid.", bad))
		return
	}
	if !orderLatest(rows, q.Get("sort")) {
		invalid(x.w, "sort", "The field sort is not valid.")
		return
	}
	total := len(rows)
	if x.fault == Empty {
		rows, total = nil, 0
	}
	if x.fault == Miscount {
		total++
	}
	if text := q.Get("page"); text != "" && x.fault != Repeat {
		last, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(text, "!"))
		at := slices.IndexFunc(rows, func(row map[string]any) bool { return row["id"] == string(last) })
		if err != nil || at < 0 {
			invalid(x.w, "page", "The page token is not valid.")
			return
		}
		rows = rows[at+1:]
	}
	page, more := rows, false
	if len(page) > limit {
		page, more = rows[:limit], true
	}
	x.wrote = more && resource == "employees"

	include := strings.Split(q.Get("include"), ",")
	list := map[string]any{"type": resource, "url": base(x.r) + x.r.URL.Path, "totalCount": nil}
	if slices.Contains(include, "totalCount") {
		list["totalCount"] = total
	}
	if slices.Contains(include, "links") {
		list["links"] = map[string]any{"prev": nil, "next": s.nextLink(x, page, more)}
	}
	if slices.Contains(include, "embedded") && resource == "employees" && !s.opts.NoEmbed {
		list["embedded"] = s.embedded(page, base(x.r))
	}
	if x.fault == Half {
		page = page[:len(page)/2]
	}
	list["items"] = append([]map[string]any{}, page...)
	tagged(x.w, x.r, list)
}

func (s *Sim) nextLink(x *exchange, page []map[string]any, more bool) any {
	if !more {
		return nil
	}
	q := x.r.URL.Query()
	q.Set("page", "!"+base64.RawURLEncoding.EncodeToString([]byte(page[len(page)-1]["id"].(string))))
	host := base(x.r)
	if x.fault == Foreign {
		host = "https://elsewhere.example"
	}
	return map[string]any{"href": host + x.r.URL.Path + "?" + q.Encode()}
}

// filterLatest applies the documented filters and returns the name of one that
// is not known.
func (s *Sim) filterLatest(resource string, rows []map[string]any, q map[string][]string) (kept []map[string]any, bad string) {
	for name, values := range q {
		want := strings.Split(values[0], ",")
		var at func(row map[string]any) string
		switch {
		case name == "limit" || name == "page" || name == "include" || name == "sort":
			continue
		case resource == "employees" && (name == "status" || name == "email"):
			at = func(row map[string]any) string { return textAt(row, name) }
		case resource == "employees" && name == "search":
			rows = slices.DeleteFunc(rows, func(row map[string]any) bool {
				return !strings.Contains(strings.ToLower(textAt(row, "givenName")+" "+textAt(row, "familyName")), strings.ToLower(values[0]))
			})
			continue
		case resource != "employees" && name == "employee.id":
			at = func(row map[string]any) string { return textAt(row, "employee", "id") }
		case resource == "employee-attributes" && name == "definition.id":
			at = func(row map[string]any) string { return textAt(row, "definition", "id") }
		case resource == "employee-attributes" && name == "applicability.asOf":
			continue // nothing that the simulator keeps as an attribute is dated
		default:
			return nil, name
		}
		rows = slices.DeleteFunc(rows, func(row map[string]any) bool {
			have := at(row)
			return !slices.Contains(want, have) && !(have == "" && slices.Contains(want, "null"))
		})
	}
	return rows, ""
}

func orderLatest(rows []map[string]any, sort string) bool {
	name, sign := "id", 1
	if sort != "" {
		name = sort
	}
	if rest, ok := strings.CutPrefix(name, "-"); ok {
		name, sign = rest, -1
	}
	if !slices.Contains([]string{"id", "familyName", "createdAt"}, name) {
		return false
	}
	slices.SortStableFunc(rows, func(a, b map[string]any) int { return sign * cmpText(textAt(a, name), textAt(b, name)) })
	return true
}

// textAt follows names into nested objects; "" when there is no text.
func textAt(row map[string]any, names ...string) string {
	for _, name := range names[:len(names)-1] {
		row, _ = row[name].(map[string]any)
	}
	text, _ := row[names[len(names)-1]].(string)
	return text
}

// tagged writes a body with its ETag, or 304 when the client has it already.
func tagged(w http.ResponseWriter, r *http.Request, body any) {
	raw, err := json.Marshal(body)
	if err != nil {
		problem(w, http.StatusInternalServerError, "Internal Server Error", "", nil)
		return
	}
	sum := sha256.Sum256(raw)
	tag := `"1:` + hex.EncodeToString(sum[:6]) + `"`
	w.Header().Set("ETag", tag)
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	writeJSON(w, http.StatusOK, "application/json", json.RawMessage(raw))
}

func invalid(w http.ResponseWriter, field, text string) {
	problem(w, http.StatusBadRequest, "One or more validation errors occurred.", "", map[string][]string{field: {text}})
}
