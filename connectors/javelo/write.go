package javelo

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"rollcall/appliance/model"
	"rollcall/connectors"
	"rollcall/connectors/scim"
	"rollcall/connectors/wire"
)

const (
	opCreate = "create account"
	opUpdate = "update account"
)

// Create makes an account with userName and work email want.Email and, when
// want.Manager names one, with the link to the manager, in one request.
// Attributes with an empty text are left out: a new account has nothing to clear.
//
// An error of class Taken says that the login exists;
// [connectors.ErrManagerRefused] that the account would be accepted without the
// link, and was not made.
func (t *Target) Create(ctx context.Context, want model.Desired) (model.Account, error) {
	link, err := wantedLink(opCreate, want)
	if err != nil {
		return model.Account{}, err
	}
	if want.Email == "" {
		return model.Account{}, &connectors.Error{
			Class: connectors.Invalid, Op: "javelo: " + opCreate, Detail: "no email, and Javelo requires a user name",
		}
	}
	sent := t.changes(nil, want)
	r := wire.Request{Op: opCreate, Method: http.MethodPost, Path: "Users", Body: newUser(want, link, sent), ContentType: scim.MediaType}
	answer, err := t.write(ctx, r, want, link)
	if err != nil {
		return model.Account{}, refineLost(err)
	}
	a, err := t.accounts.Account(answer)
	switch {
	case err != nil:
		return model.Account{}, unusable(opCreate, "%v: %v", errNotAUser, err)
	case !sameLogin(a.Login, want.Email):
		return model.Account{}, unusable(opCreate, "the answer is about another login")
	}
	t.readBack(sent, answer)
	return a, nil
}

// newUser is the body of a POST, as a recorded create has it.
func newUser(want model.Desired, link *model.ManagerLink, sent []change) scim.Resource {
	body := scim.Resource{
		"schemas":  []string{scim.CoreUser, scim.EnterpriseUser, extension},
		"userName": want.Email,
		"active":   want.Active,
		"emails":   []any{map[string]any{"type": "work", "value": want.Email, "primary": true}},
	}
	if want.Person != "" {
		body["externalId"] = string(want.Person)
	}
	for _, c := range sent {
		if c.text != "" {
			c.path.Write(body, c.text)
		}
	}
	switch {
	case !named(link):
	case link.Email != "":
		managerLogin.Write(body, link.Email)
	default:
		managerID.Write(body, link.RemoteID)
	}
	return body
}

// operation is one element of a PatchOp. Javelo's production clients write
// "Replace", one operation per attribute; a null value clears.
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"`
}

func replace(path string, value any) operation { return operation{"Replace", path, value} }

func replaceText(path scim.Path, text string) operation {
	if text == "" {
		return replace(path.String(), nil)
	}
	return replace(path.String(), text)
}

// patch is the body of a PATCH.
type patch struct {
	Schemas    []string    `json:"schemas"`
	Operations []operation `json:"Operations"`
}

// Update sends the difference between have and want in one PATCH, or nothing
// when there is none; the account returned is then made of want. With a nil have
// all of want is sent, the user name too: to adopt an account and leave its user
// name alone, pass what is known of it as have.
//
// Deactivating clears the manager in the same request, before active, because a
// disabled account with a manager is refused. Class Gone says that no account has
// this id, Taken that want.Email is another account's user name, and
// [connectors.ErrManagerRefused] that the rest would be accepted without the link.
func (t *Target) Update(ctx context.Context, remoteID string, have *model.Desired, want model.Desired) (model.Account, error) {
	if remoteID == "" {
		return model.Account{}, &connectors.Error{Class: connectors.Gone, Op: "javelo: " + opUpdate, Detail: "no account id"}
	}
	link, err := wantedLink(opUpdate, want)
	if err != nil {
		return model.Account{}, err
	}
	sent := t.changes(have, want)
	ops := operations(have, want, link, sent)
	if len(ops) == 0 {
		return made(remoteID, want, link), nil
	}
	r := wire.Request{
		Op: opUpdate, Method: http.MethodPatch, Path: "Users/" + url.PathEscape(remoteID),
		Body: patch{[]string{scim.PatchMessage}, ops}, ContentType: scim.MediaType,
	}
	answer, err := t.write(ctx, r, want, link)
	if err != nil {
		return model.Account{}, refine(err)
	}
	if answer == nil {
		return made(remoteID, want, link), nil // 204, allowed by RFC 7644 §3.5.2
	}
	a, err := t.accounts.Account(answer)
	switch {
	case err != nil:
		return model.Account{}, unusable(opUpdate, "%v: %v", errNotAUser, err)
	case !strings.EqualFold(a.RemoteID, remoteID):
		return model.Account{}, unusable(opUpdate, "the answer is about another account")
	}
	t.readBack(sent, answer)
	return a, nil
}

// operations lists what to write, in the order Javelo needs: a manager is
// cleared before the account is disabled, and set after it is enabled.
func operations(have *model.Desired, want model.Desired, link *model.ManagerLink, sent []change) []operation {
	linked := link != nil && (have == nil || !sameLink(heldLink(*have, want), link))
	var ops []operation
	if linked && !named(link) {
		ops = append(ops, replace(managerLogin.String(), nil))
	}
	if have == nil || have.Active != want.Active {
		ops = append(ops, replace("active", want.Active))
	}
	if want.Email != "" && (have == nil || have.Email != want.Email) {
		ops = append(ops, replace("userName", want.Email), replace(workEmail.String(), want.Email))
	}
	if want.Person != "" && (have == nil || have.Person != want.Person) {
		ops = append(ops, replace("externalId", string(want.Person)))
	}
	for _, c := range sent {
		ops = append(ops, replaceText(c.path, c.text))
	}
	switch {
	case !linked || !named(link):
	case link.Email != "":
		ops = append(ops, replace(managerLogin.String(), link.Email))
	default:
		ops = append(ops, replace(managerID.String(), link.RemoteID))
	}
	return ops
}

// wantedLink is the link to write: nil leaves it alone, and a disabled account
// has none. A link must say how Javelo knows the manager.
func wantedLink(op string, want model.Desired) (*model.ManagerLink, error) {
	if !want.Active {
		return &model.ManagerLink{}, nil
	}
	if l := want.Manager; l != nil && l.Person != "" && l.Email == "" && l.RemoteID == "" {
		return nil, &connectors.Error{
			Class: connectors.Invalid, Op: "javelo: " + op,
			Detail: "the manager has neither an email nor an account", Err: connectors.ErrManagerRefused,
		}
	}
	return want.Manager, nil
}

// heldLink is the link an account has when it holds have; nil means not known. A
// disabled account has none, and whoever enables one whose link is not known says so.
func heldLink(have, want model.Desired) *model.ManagerLink {
	if !have.Active && (have.Manager != nil || !want.Active) {
		return &model.ManagerLink{}
	}
	return have.Manager
}

// named reports whether a link leads to somebody.
func named(l *model.ManagerLink) bool { return l != nil && *l != model.ManagerLink{} }

// sameLink compares by what both links know. What was delivered is stored with
// the person only, what was listed with id and login only.
func sameLink(a, b *model.ManagerLink) bool {
	switch {
	case a == nil || b == nil:
		return a == b
	case a.Person != "" && b.Person != "":
		return a.Person == b.Person
	case a.RemoteID != "" && b.RemoteID != "":
		return a.RemoteID == b.RemoteID
	case a.Email != "" && b.Email != "":
		return sameLogin(a.Email, b.Email)
	}
	return !named(a) && !named(b)
}

// write sends one write and returns the resource it is answered with, nil when
// the answer has no body.
func (t *Target) write(ctx context.Context, r wire.Request, want model.Desired, link *model.ManagerLink) (scim.Resource, error) {
	var said scim.Refusal
	client := t.client
	client.Describe = func(_ int, body []byte) string {
		said = readRefusal(body, &want)
		return said.Sentence
	}
	var answer scim.Resource
	resp, err := client.JSON(ctx, r, &answer)
	if err != nil {
		err = said.Classify(err, named(link))
		t.learnWrite(r, 0, err)
		return nil, err
	}
	t.learnWrite(r, resp.Status, nil)
	switch {
	case resp.Status == http.StatusNoContent || resp.Status == http.StatusResetContent:
		return nil, nil
	case answer == nil:
		return nil, unusable(r.Op, "%v", errNotAUser)
	}
	return answer, nil
}

// made is the account that Javelo holds once it holds want.
func made(remoteID string, want model.Desired, link *model.ManagerLink) model.Account {
	a := model.Account{
		RemoteID:   remoteID,
		Login:      want.Email,
		ExternalID: string(want.Person),
		Active:     want.Active,
		Attributes: maps.Clone(want.Attributes),
	}
	if link != nil {
		a.ManagerRemoteID, a.ManagerLogin = link.RemoteID, link.Email
	}
	return a
}
