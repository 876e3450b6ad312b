package scim

import (
	"context"
	"net/http"
	"reflect"
	"slices"

	"rollcall/appliance/model"
	"rollcall/connectors"
	"rollcall/connectors/wire"
)

// presence is what is known of the element that an edit is about.
type presence uint8

const (
	unknown presence = iota
	present
	absent
)

// edit is one place in a user resource and what it should hold.
type edit struct {
	path   Path
	text   string // empty clears
	active *bool  // set instead of text for the one boolean
	// held matters for elements of multi-valued attributes only: RFC 7644 has
	// "replace" for those that exist and "add" for those that do not.
	held presence
}

// operation is one element of a PatchOp (RFC 7644 §3.5.2).
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value,omitempty"`
}

type patchBody struct {
	Schemas    []string    `json:"schemas"`
	Operations []operation `json:"Operations"`
}

// operation says an edit in the words of PATCH; ok is false when there is nothing
// to do. A manager is written as a whole, so that the display name and reference
// of the old one go too.
func (e edit) operation() (op operation, ok bool) {
	whole := Path{Schema: e.path.Schema, Name: e.path.Name}
	switch {
	case e.active != nil:
		return operation{"replace", e.path.String(), *e.active}, true
	case e.path.Type != "":
		return e.elementOperation(whole)
	case e.path.Sub == "value" && e.text == "":
		return operation{Op: "remove", Path: whole.String()}, true
	case e.path.Sub == "value":
		return operation{"replace", whole.String(), map[string]any{"value": e.text}}, true
	case e.text == "":
		return operation{Op: "remove", Path: e.path.String()}, true
	}
	return operation{"replace", e.path.String(), e.text}, true
}

func (e edit) elementOperation(list Path) (op operation, ok bool) {
	switch {
	case e.text == "" && e.held == absent:
		return operation{}, false
	case e.text == "" && e.path.Sub == "value":
		element := e.path
		element.Sub = ""
		return operation{Op: "remove", Path: element.String()}, true
	case e.text == "":
		return operation{Op: "remove", Path: e.path.String()}, true
	case e.held == absent:
		return operation{"add", list.String(), []any{map[string]any{"type": e.path.Type, e.path.Sub: e.text}}}, true
	}
	return operation{"replace", e.path.String(), e.text}, true
}

// seen looks an edit's element up in the account as it is now. PATCH finds it by
// its type alone, so an element that has none does not count.
func (e edit) seen(r Resource) edit {
	if e.path.Type == "" {
		return e
	}
	e.held = absent
	if v, ok := e.path.root(r); ok && elementOf(v, e.path.Type, false) != nil {
		e.held = present
	}
	return e
}

// accountUpdate is one update of one account.
type accountUpdate struct {
	target    *Target
	id        string
	edits     []edit
	want      model.Desired
	versioned bool // the service offers ETags
	renames   bool // the login is among the edits
}

// patch sends the edits as one PATCH, and once more when the account turns out to
// be another one than was thought.
func (u *accountUpdate) patch(ctx context.Context) (Resource, error) {
	ops := u.operations()
	if len(ops) == 0 {
		return nil, nil
	}
	version := ""
	if u.versioned {
		version = u.target.version(u.id)
	}
	answer, said, err := u.sendPatch(ctx, ops, version)
	stale := u.stale(err, said, version)
	if !stale && !u.mistaken(err, said) {
		return answer, err
	}
	now, version, readErr := u.target.read(ctx, u.id)
	switch {
	case readErr != nil && stale:
		return nil, readErr
	case readErr != nil:
		return nil, err
	}
	for i, e := range u.edits {
		u.edits[i] = e.seen(now)
	}
	exact := u.operations()
	if !stale && reflect.DeepEqual(ops, exact) {
		return nil, err // the account has all that was named: it is something else
	}
	if len(exact) == 0 {
		return now, nil
	}
	answer, said, err = u.sendPatch(ctx, exact, version)
	return answer, u.settled(err, said, version)
}

func (u *accountUpdate) operations() []operation {
	var ops []operation
	for _, e := range u.edits {
		if op, ok := e.operation(); ok {
			ops = append(ops, op)
		}
	}
	return ops
}

func (u *accountUpdate) sendPatch(ctx context.Context, ops []operation, version string) (Resource, Refusal, error) {
	return u.send(ctx, http.MethodPatch, patchBody{[]string{PatchMessage}, ops}, version)
}

func (u *accountUpdate) send(ctx context.Context, method string, body any, version string) (Resource, Refusal, error) {
	r := wire.Request{Op: opUpdateAccount, Method: method, Path: userPath(u.id), Body: body, ContentType: MediaType}
	if version != "" {
		r.Header = http.Header{"If-Match": {version}}
	}
	return u.target.write(ctx, accountWrite{want: u.want, request: r})
}

// stale reports whether a write was refused because of the version it named, or
// because it named none. RFC 7644 §3.12 has 412; its table mentions 409 as well,
// which is a taken login when that is what was written.
func (u *accountUpdate) stale(err error, said Refusal, version string) bool {
	switch statusOf(err) {
	case http.StatusPreconditionFailed, http.StatusPreconditionRequired:
		return true
	case http.StatusConflict:
		return version != "" && !u.renames && !said.Taken
	}
	return false
}

// mistaken reports whether a PATCH may have been refused because it named an
// element that is not there.
func (u *accountUpdate) mistaken(err error, said Refusal) bool {
	if statusOf(err) != http.StatusBadRequest || said.Type != "" && said.Type != "noTarget" && said.Type != "invalidPath" {
		return false
	}
	return slices.ContainsFunc(u.edits, func(e edit) bool { return e.path.Type != "" })
}

// settled turns a second refusal because of the version into what the caller can
// do: somebody else keeps writing, so later is better.
func (u *accountUpdate) settled(err error, said Refusal, version string) error {
	if !u.stale(err, said, version) {
		return err
	}
	return &connectors.Error{
		Class: connectors.Transient, Op: "scim: " + opUpdateAccount, Status: statusOf(err),
		Detail: "the account changed twice while it was being written",
	}
}

// replace reads the account, puts the edits into it and writes it back whole, and
// once more when somebody else was quicker.
func (u *accountUpdate) replace(ctx context.Context) (Resource, error) {
	for first := true; ; first = false {
		now, version, err := u.target.read(ctx, u.id)
		if err != nil {
			return nil, err
		}
		body := replaceable(now)
		changed := false
		for _, e := range u.edits {
			changed = e.apply(body) || changed
		}
		if !changed {
			return now, nil
		}
		nameSchemas(body)
		if !u.versioned {
			version = ""
		}
		answer, said, err := u.send(ctx, http.MethodPut, body, version)
		if first && u.stale(err, said, version) {
			continue
		}
		if s := statusOf(err); s == http.StatusMethodNotAllowed || s == http.StatusNotImplemented {
			return nil, &connectors.Error{
				Class: connectors.Misconfigured, Op: "scim: " + opUpdateAccount, Status: s,
				Detail: "the service takes neither PATCH nor PUT", Next: "Check base_url, and with the service's support what its SCIM offers",
			}
		}
		return answer, u.settled(err, said, version)
	}
}

// read is GET /Users/{id}: the account and its version, "" when it has none.
func (t *Target) read(ctx context.Context, id string) (Resource, string, error) {
	const op = "read account"
	var doc Resource
	resp, err := t.client.JSON(ctx, wire.Request{Op: op, Method: http.MethodGet, Path: userPath(id), OK: []int{http.StatusOK}}, &doc)
	if err != nil {
		return nil, "", err
	}
	a, err := t.accounts.Account(doc)
	switch {
	case err != nil:
		return nil, "", unusableTarget(op, "the answer is not a user: %v", err)
	case a.RemoteID != id:
		return nil, "", unusableTarget(op, "the answer is about another account")
	}
	version := t.rememberAnswer(doc, resp.Header)
	return doc, version, nil
}

// maxVersions bounds the memory of versions, about a hundred bytes each. Accounts
// beyond it are patched without naming one.
const maxVersions = 50_000

// rememberAnswer keeps the version of the account in an answer and returns it.
func (t *Target) rememberAnswer(r Resource, h http.Header) string {
	version := h.Get("ETag")
	if version == "" {
		version = versionIn(r)
	}
	id, _ := (Path{Name: "id"}).Read(r)
	t.remember(id, version)
	return version
}

// versionIn is meta.version, which is the ETag (RFC 7644 §3.14).
func versionIn(r Resource) string {
	v, _ := (Path{Name: "meta", Sub: "version"}).Read(r)
	return v
}

func (t *Target) remember(id, version string) {
	offers := t.offers.Load()
	if id == "" || version == "" || offers == nil || !offers.ETag {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, known := t.versions[id]; known || len(t.versions) < maxVersions {
		t.versions[id] = version
	}
}

func (t *Target) version(id string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.versions[id]
}
