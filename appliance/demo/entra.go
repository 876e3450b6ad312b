package demo

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"sync"
)

// entra is Microsoft Entra ID (Azure AD) as a sender, in the dialect without the
// feature flag: it matches by userName with "+" for spaces, creates, and changes
// by PATCH with capitalised operations, one per attribute, and booleans as
// texts. References come last: managers are a second round of PATCH, when both
// ends exist. It sends no User-Agent ("recorded request").
type entra struct {
	client *scimClient

	mu  sync.Mutex        // guards ids
	ids map[string]string // userPrincipalName → id in the SCIM service
}

// newEntra returns an Entra that provisions to the SCIM service at base.
func newEntra(base, token string) *entra {
	// An empty User-Agent makes net/http send none.
	return &entra{ids: map[string]string{}, client: newSCIMClient("azure", base, token, http.Header{"User-Agent": {""}})}
}

// nobody is the user name that "Test connection" asks for.
const nobody = "3e59e27b-5f0a-4a7e-8f0e-111111111111"

// test does what the button "Test connection" does: it asks for somebody who
// does not exist and wants an empty list.
func (e *entra) test(ctx context.Context) error {
	there, err := e.match(ctx, nobody)
	if err == nil && there != nil {
		err = fmt.Errorf("azure: the connection test found somebody who does not exist")
	}
	return err
}

func (e *entra) match(ctx context.Context, login string) (resource, error) {
	list, err := e.client.call(ctx, http.MethodGet, "/Users", "filter="+url.QueryEscape("userName eq "+filterValue(login)), nil)
	if err != nil {
		return nil, err
	}
	there, err := found(list)
	if err != nil {
		return nil, fmt.Errorf("azure: match a user: %w", err)
	}
	return there, nil
}

// provision creates a user who is in scope, or brings the one that matches in
// line. The manager is left for [entra.link].
func (e *entra) provision(ctx context.Context, p profile) error {
	there, err := e.match(ctx, p.Login)
	if err != nil {
		return err
	}
	if there != nil {
		e.remember(p.Login, there.text("id"))
		return e.patch(ctx, p.Login, replaced("active", "True"), replaced("displayName", p.name()), replaced("title", p.Title))
	}
	made, err := e.client.call(ctx, http.MethodPost, "/Users", "", resource{
		"schemas":    []any{coreUser, enterpriseURN},
		"externalId": p.ExternalID, "userName": p.Login, "active": true, "displayName": p.name(), "title": p.Title,
		"emails":      []any{map[string]any{"primary": true, "type": "work", "value": p.Login}},
		"meta":        map[string]any{"resourceType": "User"},
		"name":        map[string]any{"formatted": p.name(), "familyName": p.Family, "givenName": p.Given},
		"roles":       []any{},
		enterpriseURN: map[string]any{"department": p.Department, "employeeNumber": p.Number},
	})
	if err != nil {
		return err
	}
	if made.text("id") == "" {
		return fmt.Errorf("azure: the created user has no id")
	}
	e.remember(p.Login, made.text("id"))
	return nil
}

// link sends the manager of a user, if both were provisioned before; it reports
// whether it did.
func (e *entra) link(ctx context.Context, p profile) (bool, error) {
	manager, ok := e.id(p.Manager)
	if !ok {
		return false, nil
	}
	return true, e.patch(ctx, p.Login, operation{"Add", enterpriseURN + ":manager", manager})
}

// setCostCenter sends one changed attribute of the enterprise extension.
func (e *entra) setCostCenter(ctx context.Context, p profile) error {
	return e.patch(ctx, p.Login, operation{"Add", enterpriseURN + ":costCenter", p.CostCenter})
}

// disable is what unassigning, blocking or deleting a user in Entra sends first.
func (e *entra) disable(ctx context.Context, p profile) error {
	return e.patch(ctx, p.Login, replaced("active", "False"))
}

// operation is one operation of a PatchOp.
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"`
}

func replaced(path string, value any) operation { return operation{"Replace", path, value} }

func (e *entra) patch(ctx context.Context, login string, ops ...operation) error {
	id, ok := e.id(login)
	if !ok {
		return fmt.Errorf("azure: the user was never provisioned")
	}
	_, err := e.client.call(ctx, http.MethodPatch, "/Users/"+url.PathEscape(id), "",
		resource{"schemas": []any{patchMessage}, "Operations": ops})
	return err
}

func (e *entra) remember(login, id string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ids[login] = id
}

func (e *entra) id(login string) (string, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	id, ok := e.ids[login]
	return id, ok
}
