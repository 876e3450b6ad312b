package scim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"rollcall/appliance/model"
	"rollcall/connectors"
	"rollcall/connectors/wire"
)

// The messages of RFC 7644 §3.7.
const (
	bulkRequest = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
	opBulk      = "write accounts together"
)

// The most that is put into one request, whatever a service would take: an answer
// that never comes leaves so many people in doubt.
const (
	mostTogether  = 100
	mostBulkBytes = 1 << 20
	bulkTimeout   = 3 * time.Minute
	bulkPatience  = 3 // bulk requests in a row that failed, until writes go one by one
	bulkOverhead  = len(`{"schemas":[""],"Operations":[]}`) + len(bulkRequest)
	bulkReference = "bulkId:"
)

// bulkLimits are the limits of one request: the service's, and never more than ours.
func (o Offers) bulkLimits() (operations, payload int) {
	operations, payload = mostTogether, mostBulkBytes
	if o.BulkMaxOperations > 0 {
		operations = min(operations, o.BulkMaxOperations)
	}
	if o.BulkMaxPayloadSize > 0 {
		payload = min(payload, o.BulkMaxPayloadSize)
	}
	return operations, payload
}

var _ connectors.BulkTarget = (*Target)(nil)

// Batch implements connectors.BulkTarget: POST /Bulk (RFC 7644 §3.7), where the
// ServiceProviderConfig offers it and the service did not break it yet. A batch is one
// request; failOnErrors is left out, so that one refusal stops nobody else.
func (t *Target) Batch(ctx context.Context) (connectors.Batch, error) {
	o, err := t.Discover(ctx)
	if err != nil {
		return nil, err
	}
	if o.together() < 2 {
		return nil, nil
	}
	operations, payload := o.bulkLimits()
	return &batch{target: t, offers: o, operations: operations, payload: payload, size: bulkOverhead, makes: map[model.PersonID]string{}}, nil
}

// together is how many writes one request takes.
func (o Offers) together() int {
	operations, _ := o.bulkLimits()
	if !o.Bulk || o.NoBulk != "" {
		return 1
	}
	return operations
}

// Together implements connectors.BulkTarget. A limit in bytes may make it fewer.
func (t *Target) Together() int {
	if o := t.offers.Load(); o != nil {
		return o.together()
	}
	return 1
}

// batch is one bulk request being put together.
type batch struct {
	target              *Target
	offers              Offers
	operations, payload int // limits
	size                int // bytes so far
	ops                 []bulkOperation
	makes               map[model.PersonID]string // who is created in it, by bulkId
}

// bulkOperation is one operation, and the write that it is.
type bulkOperation struct {
	write connectors.Write
	raw   json.RawMessage
	// bulkID is of a create; id is the account's of an update.
	bulkID, id string
	sent       []targetChange
	ref        string // the bulkId of the manager
	edits      []edit
	shown      bool // the answer had the account in it
}

// operationBody is an operation as it is sent.
type operationBody struct {
	Method  string `json:"method"`
	Path    string `json:"path"`
	BulkID  string `json:"bulkId,omitempty"`
	Version string `json:"version,omitempty"`
	Data    any    `json:"data"`
}

// Add implements connectors.Batch.
func (b *batch) Add(w connectors.Write) connectors.Fit {
	op := bulkOperation{write: w, id: w.RemoteID}
	if m := w.Want.Manager; leads(m) && m.RemoteID == "" {
		switch ref, here := b.makes[m.Person]; {
		case !here:
			return connectors.Alone // which says what is wrong with it
		case b.offers.References == No:
			return connectors.Later
		default:
			op.ref = ref
			link := *m
			link.RemoteID = bulkReference + ref
			w.Want.Manager = &link
		}
	}
	body, ok := b.body(&op, w)
	if !ok {
		return connectors.Alone
	}
	raw, err := json.Marshal(body)
	switch size := b.size + len(raw) + 1; {
	case err != nil, bulkOverhead+len(raw) > b.payload:
		return connectors.Alone
	case len(b.ops) == b.operations, size > b.payload:
		return connectors.Full
	default:
		b.size = size
	}
	op.raw = raw
	if op.bulkID != "" {
		b.makes[w.Want.Person] = op.bulkID
	}
	b.ops = append(b.ops, op)
	return connectors.Fits
}

// body says a write as an operation; false when it cannot be one: a PUT needs to read
// first, and what changes nothing needs no request.
func (b *batch) body(op *bulkOperation, w connectors.Write) (operationBody, bool) {
	t := b.target
	if w.RemoteID == "" {
		if w.Want.Email == "" {
			return operationBody{}, false
		}
		op.sent = t.changes(nil, w.Want)
		op.bulkID = "w" + strconv.Itoa(len(b.ops))
		return operationBody{Method: http.MethodPost, Path: "/Users", BulkID: op.bulkID, Data: t.newUser(w.Want, op.sent)}, true
	}
	if !b.offers.Patch {
		return operationBody{}, false
	}
	op.sent = t.changes(w.Have, w.Want)
	op.edits = t.edits(w.Have, w.Want, op.sent)
	u := accountUpdate{edits: op.edits}
	patch := u.operations()
	if len(patch) == 0 {
		return operationBody{}, false
	}
	out := operationBody{Method: http.MethodPatch, Path: "/" + userPath(w.RemoteID), Data: patchBody{[]string{PatchMessage}, patch}}
	if b.offers.ETag {
		out.Version = t.version(w.RemoteID)
	}
	return out, true
}

// Send implements connectors.Batch.
func (b *batch) Send(ctx context.Context) []connectors.Written {
	out := make([]connectors.Written, len(b.ops))
	doc, err := b.post(ctx)
	if err != nil {
		if ctx.Err() == nil {
			err = b.refusedWhole(err)
		}
		for i := range out {
			out[i].Err = err
		}
		return out
	}
	answers, trouble := b.assign(doc)
	for i := range b.ops {
		if answers[i] == nil {
			out[i].Err = unusableTarget(opBulk, "the answer does not say what became of this one")
			continue
		}
		var broken string
		out[i], broken = b.outcome(&b.ops[i], *answers[i])
		if trouble == "" {
			trouble = broken
		}
	}
	b.target.bulkFailures.Store(0)
	if trouble != "" {
		b.target.giveUpBulk(trouble)
	}
	b.references(out)
	b.verify(ctx, out)
	return out
}

// post is POST /Bulk, and the answer as it came.
func (b *batch) post(ctx context.Context) (Resource, error) {
	client := b.target.client
	client.Timeout = bulkTimeout
	// What a service says of many at once may speak of any of them: the status is
	// all that is shown.
	client.Describe = nil
	ops := make([]json.RawMessage, len(b.ops))
	for i, op := range b.ops {
		ops[i] = op.raw
	}
	var doc Resource
	_, err := client.JSON(ctx, wire.Request{Op: opBulk, Method: http.MethodPost, Path: "Bulk", ContentType: MediaType, OK: []int{http.StatusOK},
		Body: struct {
			Schemas    []string          `json:"schemas"`
			Operations []json.RawMessage `json:"Operations"`
		}{[]string{bulkRequest}, ops}}, &doc)
	if err != nil {
		return nil, err
	}
	if _, ok := operationsIn(doc); !ok {
		return nil, unusableTarget(opBulk, "the answer is not one to a bulk request")
	}
	return doc, nil
}

func operationsIn(doc Resource) ([]any, bool) {
	v, said := member(doc, "Operations")
	list, ok := v.([]any)
	return list, said && ok
}

// refusedWhole learns from a bulk request that was not taken, and says what becomes of
// its writes. 413 is too much at once; 404, 405, 415 and 501 are a service without
// bulk. Of any other refusal nobody can tell how much of it was done before.
func (b *batch) refusedWhole(err error) error {
	t := b.target
	status := statusOf(err)
	switch status {
	case http.StatusRequestEntityTooLarge:
		half, bytes := len(b.ops)/2, b.size/2
		if half < 2 {
			t.giveUpBulk(fmt.Sprintf("%d writes in one request were too many for it", len(b.ops)))
		} else {
			t.learn(func(o *Offers) { o.BulkMaxOperations, o.BulkMaxPayloadSize = half, bytes })
		}
		return &connectors.Error{Class: connectors.Transient, Op: "scim: " + opBulk, Status: status, Detail: "too many at once", Err: connectors.ErrUnsent}
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusUnsupportedMediaType, http.StatusNotImplemented:
		t.giveUpBulk("it answered " + strconv.Itoa(status))
		return &connectors.Error{Class: connectors.Transient, Op: "scim: " + opBulk, Status: status, Detail: "the service takes no bulk requests", Err: connectors.ErrUnsent}
	}
	switch class := connectors.ClassOf(err); class {
	case connectors.Throttled, connectors.Denied:
		return refineTarget(err)
	case connectors.Invalid, connectors.Taken, connectors.Misconfigured:
		t.giveUpBulk("it refused a whole request with " + strconv.Itoa(status))
		return unusableTarget(opBulk, "the service refused them as a whole with %d, and may have done some", status)
	}
	if t.bulkFailures.Add(1) >= bulkPatience {
		t.giveUpBulk(fmt.Sprintf("%d bulk requests in a row failed", bulkPatience))
	}
	return err
}

// giveUpBulk has writes go one by one from now on, until the service is asked again.
func (t *Target) giveUpBulk(why string) {
	t.bulkFailures.Store(0)
	t.learn(func(o *Offers) { o.NoBulk = why })
}

// operationAnswer is what a service says of one operation.
type operationAnswer struct {
	status   int
	id       string // of the account, out of the location or the resource
	version  string
	response Resource
}

// assign finds out which answer is of which operation: by bulkId, else by the
// account's id. An answer that names neither is nobody's: taking it by its place could
// link a person to another's account. trouble says how the service departs from RFC
// 7644 §3.7.3, so that bulk cannot be used.
func (b *batch) assign(doc Resource) (answers []*operationAnswer, trouble string) {
	answers = make([]*operationAnswer, len(b.ops))
	list, _ := operationsIn(doc)
	for _, v := range list {
		o, _ := v.(map[string]any)
		a, ok := readOperation(o)
		if !ok {
			trouble = "an answer without a status"
			continue
		}
		bulkID, _ := member(o, "bulkId")
		ref, _ := text(bulkID)
		i := slices.IndexFunc(b.ops, func(op bulkOperation) bool {
			if op.bulkID != "" {
				return op.bulkID == ref
			}
			return ref == "" && op.id == a.id
		})
		switch {
		case i < 0:
			trouble = "an answer that does not say to which write"
		case answers[i] != nil:
			trouble, answers[i] = "two answers to one write", nil
		default:
			answers[i] = &a
		}
	}
	if trouble == "" && slices.Contains(answers, nil) {
		trouble = "writes without an answer"
	}
	return answers, trouble
}

func readOperation(o map[string]any) (a operationAnswer, ok bool) {
	status, _ := member(o, "status")
	if code, isObject := status.(map[string]any); isObject {
		status, _ = member(code, "code") // as drafts of RFC 7644 had it
	}
	said, _ := text(status)
	n, err := strconv.Atoi(strings.TrimSpace(said))
	if err != nil || n < 100 || n > 599 {
		return a, false
	}
	a.status = n
	response, _ := member(o, "response")
	a.response, _ = response.(map[string]any)
	version, _ := member(o, "version")
	a.version, _ = text(version)
	location, _ := member(o, "location")
	if at, _ := text(location); at != "" {
		if u, err := url.Parse(at); err == nil {
			path := strings.TrimRight(u.EscapedPath(), "/")
			if users := strings.LastIndex(path, "/Users/"); users >= 0 {
				a.id, _ = url.PathUnescape(path[users+len("/Users/"):])
			}
		}
	}
	if a.id == "" && n < 300 {
		a.id, _ = (Path{Name: "id"}).Read(a.response)
	}
	return a, true
}

// outcome turns an answer into what became of a write; broken says how it departs from
// what can be worked with.
func (b *batch) outcome(op *bulkOperation, a operationAnswer) (w connectors.Written, broken string) {
	t := b.target
	if a.status >= 300 {
		return connectors.Written{Err: b.refused(op, a)}, ""
	}
	want := op.write.Want
	if op.bulkID != "" && a.id == "" {
		return connectors.Written{Err: unusableTarget(opBulk, "it was made, and the answer does not say which account it is")}, "an account that was made, without its location"
	}
	id := op.id
	if id == "" {
		id = a.id
	}
	if a.id != "" && a.id != id {
		return connectors.Written{Err: unusableTarget(opBulk, "the answer is about another account")}, "an answer about another account"
	}
	if a.response == nil {
		t.remember(id, a.version)
		w.Account = holding(id, want)
		if op.ref != "" {
			w.Account.ManagerRemoteID = ""
		}
		return w, ""
	}
	account, err := t.accounts.Account(a.response)
	switch {
	case err != nil:
		return connectors.Written{Err: unusableTarget(opBulk, "the answer is not a user: %v", err)}, "an answer that is not a user"
	case account.RemoteID != id, op.bulkID != "" && !sameUserName(account.Login, want.Email):
		return connectors.Written{Err: unusableTarget(opBulk, "the answer is about another account")}, "an answer about another account"
	}
	if a.version == "" {
		a.version = versionIn(a.response)
	}
	t.remember(id, a.version)
	t.readBack(op.sent, a.response)
	w.Account, op.shown = account, true
	return w, ""
}

// refused says why one operation was refused, as Create and Update say it.
func (b *batch) refused(op *bulkOperation, a operationAnswer) error {
	want := op.write.Want
	body, err := json.Marshal(a.response)
	if err != nil {
		body = nil
	}
	said := ReadRefusal(body, PrivateValues(want))
	e := &connectors.Error{Class: wire.ClassOf(a.status), Op: "scim: " + opUpdateAccount, Status: a.status, Detail: wire.StatusLine(a.status)}
	if op.bulkID != "" {
		e.Op = "scim: " + opCreateAccount
	}
	if said.Sentence != "" {
		e.Detail += ": " + said.Sentence
	}
	alone := func() error {
		e.Err = connectors.ErrAlone
		return e
	}
	u := accountUpdate{edits: op.edits, renames: renames(op.write.Have, want)}
	switch {
	case a.status < 400:
		return unusableTarget(opBulk, "the answer is %s", wire.StatusLine(a.status))
	case op.ref != "" && e.Class == connectors.Invalid, op.ref != "" && a.status == http.StatusConflict && !said.Taken:
		return alone() // perhaps because of who it refers to
	case op.bulkID == "" && (u.stale(e, said, "any") || u.mistaken(e, said)), a.status == http.StatusMethodNotAllowed, a.status == http.StatusNotImplemented:
		return alone() // which reads the account, and writes again
	}
	err = said.Classify(e, leads(want.Manager))
	if op.bulkID != "" {
		return refineCollection(err)
	}
	return refineTarget(err)
}

// references learns whether the service understood that one account is the manager of
// another that was made in the same request: not when it refused that one and made the
// manager, and when an answer shows the account, by what it shows.
func (b *batch) references(out []connectors.Written) {
	made := b.made(out)
	for i, op := range b.ops {
		manager := made[op.ref]
		switch {
		case op.ref == "" || manager == "":
			continue
		case errors.Is(out[i].Err, connectors.ErrAlone):
			b.learnReferences(No)
			return
		case out[i].Err == nil && op.shown && out[i].Account.ManagerRemoteID == manager:
			b.learnReferences(Yes)
		case out[i].Err == nil && op.shown:
			b.learnReferences(No)
			return
		}
	}
}

func (b *batch) learnReferences(a Answer) {
	if b.target.offers.Load().References != a {
		b.target.learn(func(o *Offers) { o.References = a })
	}
}

// made are the accounts that were made, by bulkId.
func (b *batch) made(out []connectors.Written) map[string]string {
	ids := map[string]string{}
	for i, op := range b.ops {
		if op.bulkID != "" && out[i].Err == nil {
			ids[op.bulkID] = out[i].Account.RemoteID
		}
	}
	return ids
}

// verify reads one account back after the first batch that was answered without the
// accounts, and says of every link to somebody of the same batch whether it was done:
// what an answer does not show, it may not have done. One that has such a link is
// looked at first.
func (b *batch) verify(ctx context.Context, out []connectors.Written) {
	t := b.target
	if look, ok := b.worthALook(out); ok {
		op := b.ops[look]
		doc, _, err := t.read(ctx, out[look].Account.RemoteID)
		var a model.Account
		if err == nil {
			a, err = t.accounts.Account(doc)
		}
		switch {
		case err != nil:
			// Nothing is known by it; links are written again, to be sure.
		case !sameUserName(a.Login, op.write.Want.Email):
			t.giveUpBulk("an answer that named another account than the one that was made")
			for i := range out {
				if out[i].Err == nil && b.ops[i].bulkID != "" {
					out[i] = connectors.Written{Err: unusableTarget(opBulk, "the answers of this request name the wrong accounts")}
				}
			}
		default:
			t.verified.Store(true)
			t.readBack(op.sent, doc)
			if manager := b.made(out)[op.ref]; op.ref != "" && manager != "" {
				b.learnReferences(map[bool]Answer{true: Yes, false: No}[a.ManagerRemoteID == manager])
			}
		}
	}
	made, understood := b.made(out), t.offers.Load().References == Yes
	for i, op := range b.ops {
		if op.ref == "" || out[i].Err != nil {
			continue
		}
		if !op.shown && understood {
			out[i].Account.ManagerRemoteID = made[op.ref]
		}
		out[i].LinkLeft = made[op.ref] == "" || out[i].Account.ManagerRemoteID != made[op.ref]
	}
}

// worthALook finds an account that was made and not shown, when reading it would tell
// something.
func (b *batch) worthALook(out []connectors.Written) (at int, ok bool) {
	at = -1
	for i, op := range b.ops {
		if out[i].Err != nil || op.bulkID == "" || op.shown {
			continue
		}
		if op.ref != "" && b.target.offers.Load().References == Unseen {
			return i, true
		}
		if at < 0 {
			at = i
		}
	}
	return at, at >= 0 && !b.target.verified.Load()
}
