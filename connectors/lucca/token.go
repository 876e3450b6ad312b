package lucca

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
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

// tokens gets bearer tokens with the client credentials of RFC 6749 section 4.4
// and keeps the current one. It is safe for concurrent use.
type tokens struct {
	wire.Bearer
	client *wire.Client
	id     string
	secret string
	now    func() time.Time

	granted atomic.Int64 // index into scopeSets of what the client was granted
}

// bearer returns the current token, or a new one.
func (t *tokens) bearer(ctx context.Context) (string, error) {
	if value, ok := t.Current(t.now()); ok {
		return value, nil
	}
	for set := t.granted.Load(); set < int64(len(scopeSets)); set++ {
		value, life, code, err := t.request(ctx, scopeSets[set])
		if err != nil {
			return "", err
		}
		if code == "invalid_scope" {
			continue
		}
		t.granted.Store(set)
		t.Keep(value, t.now().Add(life))
		return value, nil
	}
	return "", &connectors.Error{
		Class: connectors.Denied, Op: "lucca: get a token", Detail: "the client was not granted the scope " + scopeEmployees,
		Next: "Grant it in Lucca, under identity/admin/integration-keys",
	}
}

// refusalCodes are those of RFC 6749 section 5.2: the only words of the answer
// that are shown.
var refusalCodes = []string{"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope"}

// request asks for a token. The code is "invalid_scope" when a client of that
// name exists and asks for too much. Lucca's status for a wrong secret is 400 or
// 401 (unverified which).
func (t *tokens) request(ctx context.Context, scopes []string) (value string, life time.Duration, code string, err error) {
	var a wire.BearerAnswer
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
	value, life, ok := a.Token()
	if !ok {
		return "", 0, "", &connectors.Error{Class: connectors.Transient, Op: "lucca: get a token", Status: resp.Status, Detail: "the answer holds no bearer token"}
	}
	return value, life, "", nil
}

// withheld returns the scopes that the client turned out not to have.
func (t *tokens) withheld() []string {
	granted := scopeSets[min(int(t.granted.Load()), len(scopeSets)-1)]
	var missing []string
	for _, scope := range scopeSets[0] {
		if !slices.Contains(granted, scope) {
			missing = append(missing, scope)
		}
	}
	return missing
}
