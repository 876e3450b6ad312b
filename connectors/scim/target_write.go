package scim

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"rollcall/appliance/model"
	"rollcall/connectors"
	"rollcall/connectors/wire"
)

const (
	opCreateAccount = "create account"
	opUpdateAccount = "update account"
)

// Create makes an account with userName and work email want.Email and, when
// want.Manager names one, with the link to the manager's account, in one request.
// Attributes with an empty text are left out: a new account has nothing to clear.
//
// An error of class Taken says that the login exists;
// [connectors.ErrManagerRefused] that the account would be accepted without the
// link, and was not made.
func (t *Target) Create(ctx context.Context, want model.Desired) (model.Account, error) {
	if want.Email == "" {
		return model.Account{}, &connectors.Error{
			Class: connectors.Invalid, Op: "scim: " + opCreateAccount, Detail: "no email to log in with",
		}
	}
	if err := nameable(opCreateAccount, want.Manager); err != nil {
		return model.Account{}, err
	}
	sent := t.changes(nil, want)
	w := accountWrite{want: want, request: wire.Request{
		Op: opCreateAccount, Method: http.MethodPost, Path: "Users", Body: t.newUser(want, sent), ContentType: MediaType,
	}}
	answer, _, err := t.write(ctx, w)
	if err != nil {
		return model.Account{}, refineCollection(err)
	}
	a, err := t.accounts.Account(answer)
	switch {
	case err != nil:
		return model.Account{}, unusableTarget(opCreateAccount, "the answer is not a user: %v", err)
	case !sameUserName(a.Login, want.Email):
		return model.Account{}, unusableTarget(opCreateAccount, "the answer is about another login")
	}
	t.readBack(sent, answer)
	return a, nil
}

// newUser is the body of a POST.
func (t *Target) newUser(want model.Desired, sent []targetChange) Resource {
	body := Resource{
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
	if leads(want.Manager) {
		t.accounts.ManagerID.Write(body, want.Manager.RemoteID)
	}
	nameSchemas(body)
	return body
}

// Update writes the difference between have and want: one PATCH, or where that is
// not offered one read and one PUT of what was read with the difference put in.
// It sends nothing when there is no difference, and no PUT when the account holds
// what is wanted already. With a nil have all of want is written, the login too.
//
// Where the service offers ETags, a write names the version it is meant for. Two
// refusals are answered within the call, once, by reading the account and writing
// again: another version (412, 428), and a path that leads to no element because
// there is none yet (400 noTarget, RFC 7644 §3.5.2.3), which nobody can know of an
// account that was not read.
//
// Class Gone says that no account has this id, Taken that want.Email is another
// account's login, and [connectors.ErrManagerRefused] that the rest would be
// accepted without the link.
func (t *Target) Update(ctx context.Context, remoteID string, have *model.Desired, want model.Desired) (model.Account, error) {
	if remoteID == "" {
		return model.Account{}, &connectors.Error{Class: connectors.Gone, Op: "scim: " + opUpdateAccount, Detail: "no account id"}
	}
	sent := t.changes(have, want)
	edits := t.edits(have, want, sent)
	if len(edits) == 0 {
		return holding(remoteID, want), nil
	}
	if err := nameable(opUpdateAccount, want.Manager); err != nil {
		return model.Account{}, err
	}
	offers, err := t.Discover(ctx)
	if err != nil {
		return model.Account{}, err
	}
	u := accountUpdate{target: t, id: remoteID, edits: edits, want: want, versioned: offers.ETag, renames: renames(have, want)}
	var answer Resource
	if offers.Patch {
		answer, err = u.patch(ctx)
		if status := statusOf(err); status == http.StatusMethodNotAllowed || status == http.StatusNotImplemented {
			t.learn(func(o *Offers) { o.Patch = false })
			offers.Patch = false
		}
	}
	if !offers.Patch {
		answer, err = u.replace(ctx)
	}
	if err != nil {
		return model.Account{}, refineTarget(err)
	}
	if answer == nil {
		return holding(remoteID, want), nil // 204, allowed by RFC 7644 §3.5
	}
	a, err := t.accounts.Account(answer)
	switch {
	case err != nil:
		return model.Account{}, unusableTarget(opUpdateAccount, "the answer is not a user: %v", err)
	case !strings.EqualFold(a.RemoteID, remoteID):
		return model.Account{}, unusableTarget(opUpdateAccount, "the answer is about another account")
	}
	t.readBack(sent, answer)
	for _, c := range sent {
		// What was cleared may be left out of the answer (RFC 7643 §2.5).
		if _, said := a.Attributes[c.name]; c.text == "" && !said {
			a.Attributes[c.name] = ""
		}
	}
	return a, nil
}

func renames(have *model.Desired, want model.Desired) bool {
	return want.Email != "" && (have == nil || have.Email != want.Email)
}

// targetChange is one attribute to write; an empty text clears.
type targetChange struct {
	name model.Name
	path Path
	text string
	held presence
}

// changes lists the attributes that have and want differ in, in display order.
// With a nil have it lists all. What want does not mention, or the service has no
// place for, is left out.
func (t *Target) changes(have *model.Desired, want model.Desired) []targetChange {
	names := slices.Collect(maps.Keys(want.Attributes))
	model.SortNames(names)
	var out []targetChange
	for _, n := range names {
		path, ok := t.accounts.Path(n)
		if !ok {
			continue
		}
		c := targetChange{name: n, path: path, text: want.Attributes[n]}
		if have != nil {
			old, known := have.Attributes[n]
			switch {
			case known && old == c.text:
				continue
			case known && old == "":
				c.held = absent
			case known:
				c.held = present
			}
		}
		out = append(out, c)
	}
	return out
}

// edits lists what an update writes.
func (t *Target) edits(have *model.Desired, want model.Desired, sent []targetChange) []edit {
	var out []edit
	if have == nil || have.Active != want.Active {
		out = append(out, edit{path: Path{Name: "active"}, active: &want.Active})
	}
	if renames(have, want) {
		e := edit{path: Path{Name: "emails", Type: "work", Sub: "value"}, text: want.Email}
		out = append(out, edit{path: Path{Name: "userName"}, text: want.Email}, e)
	}
	if want.Person != "" && (have == nil || have.Person != want.Person) {
		out = append(out, edit{path: Path{Name: "externalId"}, text: string(want.Person)})
	}
	for _, c := range sent {
		out = append(out, edit{path: c.path, text: c.text, held: c.held})
	}
	if m := want.Manager; m != nil && (have == nil || !sameManager(have.Manager, m)) {
		out = append(out, edit{path: t.accounts.ManagerID, text: m.RemoteID})
	}
	return out
}

// nameable refuses a link that a SCIM service cannot be told: the manager is
// named by the id of their account, nothing else (RFC 7643 §4.3).
func nameable(op string, link *model.ManagerLink) error {
	if !leads(link) || link.RemoteID != "" {
		return nil
	}
	return &connectors.Error{
		Class: connectors.Invalid, Op: "scim: " + op,
		Detail: "the manager has no account", Err: connectors.ErrManagerRefused,
	}
}

// leads reports whether a link leads to somebody.
func leads(l *model.ManagerLink) bool { return l != nil && *l != model.ManagerLink{} }

// sameManager compares by what both links know: what was delivered is stored with
// the person only, what was listed with the id only. nil is not known.
func sameManager(held, wanted *model.ManagerLink) bool {
	switch {
	case held == nil || wanted == nil:
		return held == wanted
	case held.Person != "" && wanted.Person != "":
		return held.Person == wanted.Person
	case held.RemoteID != "" && wanted.RemoteID != "":
		return held.RemoteID == wanted.RemoteID
	}
	return !leads(held) && !leads(wanted)
}

// holding is the account that a service holds once it holds want.
func holding(remoteID string, want model.Desired) model.Account {
	a := model.Account{
		RemoteID:   remoteID,
		Login:      want.Email,
		ExternalID: string(want.Person),
		Active:     want.Active,
		Attributes: maps.Clone(want.Attributes),
	}
	if want.Manager != nil {
		a.ManagerRemoteID = want.Manager.RemoteID
	}
	return a
}

// accountWrite is one request that writes, and what it is about.
type accountWrite struct {
	want    model.Desired
	request wire.Request
}

// write sends one write and returns the resource it is answered with, nil when
// the answer has no body, and what a refusal said.
func (t *Target) write(ctx context.Context, w accountWrite) (Resource, Refusal, error) {
	var said Refusal
	client := t.client
	client.Describe = func(_ int, body []byte) string {
		said = ReadRefusal(body, PrivateValues(w.want))
		return said.Sentence
	}
	var answer Resource
	resp, err := client.JSON(ctx, w.request, &answer)
	switch {
	case err != nil:
		return nil, said, said.Classify(err, leads(w.want.Manager))
	case resp.Status == http.StatusNoContent || resp.Status == http.StatusResetContent:
		return nil, said, nil
	case answer == nil:
		return nil, said, unusableTarget(w.request.Op, "the answer is not a user")
	}
	t.rememberAnswer(answer, resp.Header)
	return answer, said, nil
}

func userPath(id string) string { return "Users/" + url.PathEscape(id) }
