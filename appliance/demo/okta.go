package demo

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
)

// okta is Okta as the sender of a custom SCIM app ("App Integration Wizard"):
// it looks a user up by userName, creates or links, and writes every change,
// deactivation too, as a PUT of the whole resource that it has just read. It
// never sends PATCH or DELETE. The shapes are those of recorded requests of the
// "Okta SCIM Client 1.0.0".
type okta struct {
	client *scimClient

	mu  sync.Mutex        // guards ids
	ids map[string]string // login → id in the SCIM service
}

// newOkta returns an Okta that provisions to the SCIM service at base.
func newOkta(base, token string) *okta {
	return &okta{ids: map[string]string{}, client: newSCIMClient("okta", base, token, http.Header{
		"Accept":         {scimMedia},
		"Accept-Charset": {"utf-8"},
		"User-Agent":     {"Okta SCIM Client 1.0.0"},
	})}
}

// test does what the button "Test API Credentials" does.
func (o *okta) test(ctx context.Context) error {
	list, err := o.client.call(ctx, http.MethodGet, "/Users", "startIndex=1&count=2", nil)
	if err == nil && list["totalResults"] == nil {
		err = fmt.Errorf("okta: the answer to the credentials test is no list")
	}
	return err
}

// assign provisions a user: it links who is there already and creates who is not.
func (o *okta) assign(ctx context.Context, p profile) error {
	query := "filter=" + oktaEscape("userName eq "+filterValue(p.Login)) + "&startIndex=1&count=100"
	list, err := o.client.call(ctx, http.MethodGet, "/Users", query, nil)
	if err != nil {
		return err
	}
	there, err := found(list)
	if err != nil {
		return fmt.Errorf("okta: look up a user: %w", err)
	}
	if there != nil {
		o.remember(p.Login, there.text("id"))
		return o.put(ctx, p, true)
	}
	body := resource{"schemas": []any{coreUser}, "externalId": p.ExternalID, "groups": []any{}, "password": rand.Text(), "active": true}
	o.lay(body, p)
	made, err := o.client.call(ctx, http.MethodPost, "/Users", "", body)
	if err != nil {
		return err
	}
	if made.text("id") == "" {
		return fmt.Errorf("okta: create new user returned empty user")
	}
	o.remember(p.Login, made.text("id"))
	return nil
}

// update pushes a changed profile.
func (o *okta) update(ctx context.Context, p profile) error { return o.put(ctx, p, true) }

// deactivate is what unassigning or deactivating a user in Okta sends.
func (o *okta) deactivate(ctx context.Context, p profile) error { return o.put(ctx, p, false) }

// put reads the resource and sends it back whole, with Okta's profile over it.
func (o *okta) put(ctx context.Context, p profile, active bool) error {
	id, ok := o.id(p.Login)
	if !ok {
		return fmt.Errorf("okta: the user was never assigned")
	}
	path := "/Users/" + url.PathEscape(id)
	body, err := o.client.call(ctx, http.MethodGet, path, "", nil)
	if err != nil {
		return err
	}
	o.lay(body, p)
	body["externalId"], body["active"] = p.ExternalID, active
	_, err = o.client.call(ctx, http.MethodPut, path, "", body)
	return err
}

// lay puts the attributes that the app's profile maps over a resource.
func (o *okta) lay(body resource, p profile) {
	body["userName"] = p.Login
	body["name"] = map[string]any{"givenName": p.Given, "familyName": p.Family}
	body["emails"] = []any{map[string]any{"primary": true, "value": p.Login, "type": "work"}}
	body["displayName"], body["locale"], body["title"] = p.name(), p.Locale, p.Title
	extension := map[string]any{}
	for name, value := range map[string]string{"department": p.Department, "employeeNumber": p.Number} {
		if value != "" {
			extension[name] = value
		}
	}
	if len(extension) > 0 {
		body["schemas"] = []any{coreUser, enterpriseURN}
		body[enterpriseURN] = extension
	}
}

func (o *okta) remember(login, id string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ids[login] = id
}

func (o *okta) id(login string) (string, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	id, ok := o.ids[login]
	return id, ok
}

// oktaEscape writes spaces as %20, where a form would write "+".
func oktaEscape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
