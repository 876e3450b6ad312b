package lucca

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"rollcall/connectors"
	"rollcall/connectors/wire"
)

// The scopes of the new API. Those of employees and employee-attributes are
// documented, the others follow their pattern (unverified).
const (
	scopeEmployees      = "employees.readonly"
	scopeEmployments    = "employments.readonly"
	scopeJobPositions   = "job-positions.readonly"
	scopeDepartments    = "departments.readonly"
	scopeLegalEntities  = "legal-entities.readonly"
	scopeEstablishments = "business-establishments.readonly"
	scopePersonal       = "employee-personal-records.readonly"
	scopeAttributes     = "employee-attributes.readonly"
)

// scopeSets are what to ask for, from all to the least. A client that was
// granted less is refused as a whole, with invalid_scope.
var scopeSets = [][]string{
	{scopeEmployees, scopeEmployments, scopeJobPositions, scopeDepartments, scopeLegalEntities, scopeEstablishments, scopePersonal, scopeAttributes},
	{scopeEmployees, scopeEmployments, scopeJobPositions, scopeDepartments, scopeLegalEntities, scopeEstablishments, scopeAttributes},
	{scopeEmployees, scopeEmployments, scopeJobPositions, scopeDepartments, scopeAttributes},
	{scopeEmployees},
}

// earlyRenewal is how long before its end a token is not used any more, so that
// it does not end on the way.
const earlyRenewal = time.Minute

// tokens gets bearer tokens with the client credentials of RFC 6749 section 4.4
// and keeps the current one. It is safe for concurrent use.
type tokens struct {
	client *wire.Client
	id     string
	secret string
	now    func() time.Time

	mu       sync.Mutex // guards what follows; not held while a request is sent
	value    string
	until    time.Time
	accepted bool // the service took the current token at least once
	set      int  // index into scopeSets of what the client was granted
}

// bearer returns the current token, or a new one.
func (t *tokens) bearer(ctx context.Context) (string, error) {
	t.mu.Lock()
	value, until, set := t.value, t.until, t.set
	t.mu.Unlock()
	if value != "" && t.now().Before(until) {
		return value, nil
	}
	for ; set < len(scopeSets); set++ {
		value, life, code, err := t.request(ctx, scopeSets[set])
		if err != nil {
			return "", err
		}
		if code == "invalid_scope" {
			continue
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		t.value, t.until, t.set, t.accepted = value, t.now().Add(life), set, false
		return value, nil
	}
	return "", &connectors.Error{
		Class: connectors.Denied, Op: "lucca: get a token", Detail: "the client was not granted the scope " + scopeEmployees,
		Next: "Grant it in Lucca, under identity/admin/integration-keys",
	}
}

// tokenAnswer is a token, or why there is none.
type tokenAnswer struct {
	AccessToken string      `json:"access_token"`
	TokenType   string      `json:"token_type"`
	ExpiresIn   json.Number `json:"expires_in"`
	Error       string      `json:"error"`
}

// refusalCodes are those of RFC 6749 section 5.2: the only words of the answer
// that are shown.
var refusalCodes = []string{"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope"}

// request asks for a token. The code is "invalid_scope" when a client of that
// name exists and asks for too much. Lucca's status for a wrong secret is 400 or
// 401 (unverified which).
func (t *tokens) request(ctx context.Context, scopes []string) (value string, life time.Duration, code string, err error) {
	var a tokenAnswer
	resp, err := t.client.JSON(ctx, wire.Request{
		Op: "get a token", Method: http.MethodPost,
		Body: url.Values{
			"grant_type": {"client_credentials"}, "client_id": {t.id}, "client_secret": {t.secret},
			"scope": {strings.Join(scopes, " ")},
		},
		OK: []int{http.StatusOK, http.StatusBadRequest, http.StatusUnauthorized},
	}, &a)
	if err != nil {
		return "", 0, "", err
	}
	if resp.Status != http.StatusOK {
		if a.Error == "invalid_scope" {
			return "", 0, a.Error, nil
		}
		detail := "the credentials are refused"
		if slices.Contains(refusalCodes, a.Error) {
			detail += ": " + a.Error
		}
		return "", 0, "", &connectors.Error{
			Class: connectors.Denied, Op: "lucca: get a token", Status: resp.Status, Detail: detail,
			Next: "Check client_id and client_secret",
		}
	}
	seconds, _ := a.ExpiresIn.Int64()
	if a.AccessToken == "" || a.TokenType != "" && !strings.EqualFold(a.TokenType, "Bearer") || strings.ContainsFunc(a.AccessToken, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", 0, "", &connectors.Error{Class: connectors.Transient, Op: "lucca: get a token", Status: resp.Status, Detail: "the answer holds no bearer token"}
	}
	// At most a day, and for at least a moment, whatever the answer says.
	life = time.Duration(min(max(seconds, 10), 86400)) * time.Second
	return a.AccessToken, max(life-earlyRenewal, life/2), "", nil
}

// accept notes that the service took the current token.
func (t *tokens) accept() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.accepted = true
}

// renewable gives the current token up after a 401, and reports whether a new
// one can help: a token that was never taken was not refused for its age.
func (t *tokens) renewable() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	was := t.accepted
	t.value, t.accepted = "", false
	return was
}

// withheld returns the scopes that the client turned out not to have.
func (t *tokens) withheld() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var missing []string
	for _, scope := range scopeSets[0] {
		if !slices.Contains(scopeSets[min(t.set, len(scopeSets)-1)], scope) {
			missing = append(missing, scope)
		}
	}
	return missing
}
