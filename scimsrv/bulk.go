package scimsrv

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"rollcall/scimsrv/attr"
	"rollcall/scimsrv/schema"
)

// Message schemas of RFC 7644 §3.7.
const (
	bulkRequestURN  = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
	bulkResponseURN = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"
)

// bulkPrefix marks a reference to a resource that the same request creates.
const bulkPrefix = "bulkId:"

// bulkOperation is one operation of a bulk request and what came of it.
type bulkOperation struct {
	method  string
	bulkID  string
	path    string
	version string
	data    *attr.Object
	refs    []string // bulkIds that path and data refer to

	done    bool
	answer  *answer
	id      string // of what it created
	cut     bool   // created without its references, because they go in a circle
	failure bool
}

// bulk runs one bulk request.
type bulk struct {
	s   *Service
	c   *call
	ops []*bulkOperation
	by  map[string]*bulkOperation
	// failures left until the rest is not processed any more; 0 is no limit.
	failOnErrors int
	failures     int
}

func (s *Service) postBulk(c *call) (*answer, error) {
	tree, err := s.readBody(c, s.limits.BulkBytes)
	if err != nil {
		if s.refusalOf(c, err).status == http.StatusRequestEntityTooLarge {
			return nil, refuse(http.StatusRequestEntityTooLarge, "",
				"the bulk request is larger than maxPayloadSize, "+strconv.FormatInt(s.limits.BulkBytes, 10)+" bytes; divide it")
		}
		return nil, err
	}
	if err := c.isMessage(tree, bulkRequestURN); err != nil {
		return nil, err
	}
	b, err := s.newBulk(c, tree)
	if err != nil {
		return nil, err
	}
	b.run()
	list := attr.Array{}
	for _, op := range b.ops {
		if op.done {
			list = append(list, op.result())
		}
	}
	return &answer{status: http.StatusOK, body: attr.NewObject(
		attr.Member{Name: "schemas", Value: attr.Strings(bulkResponseURN)},
		attr.Member{Name: "Operations", Value: list},
	)}, nil
}

func (s *Service) newBulk(c *call, tree *attr.Object) (*bulk, error) {
	v, _ := tree.Get("Operations")
	list, ok := v.(attr.Array)
	if !ok {
		return nil, refuse(http.StatusBadRequest, schema.InvalidSyntax, "Operations: a list of operations is expected")
	}
	if len(list) > s.limits.BulkOperations {
		return nil, refuse(http.StatusRequestEntityTooLarge, "",
			"more than maxOperations, "+strconv.Itoa(s.limits.BulkOperations)+", operations in one bulk request; divide it")
	}
	b := &bulk{s: s, c: c, by: map[string]*bulkOperation{}}
	if v, _ := tree.Get("failOnErrors"); v != nil {
		n, isNumber := v.(attr.Number)
		limit, whole := n.Int64()
		if !isNumber || !whole || limit < 0 {
			return nil, refuse(http.StatusBadRequest, schema.InvalidSyntax, "failOnErrors: a whole number is expected")
		}
		b.failOnErrors = int(min(limit, int64(len(list)+1)))
	}
	for i, v := range list {
		op, err := newBulkOperation(v)
		if err != nil {
			return nil, refuse(http.StatusBadRequest, schema.InvalidSyntax, fmt.Sprintf("Operations[%d]: %v", i, err))
		}
		if op.bulkID != "" && op.method == http.MethodPost {
			if b.by[op.bulkID] != nil {
				return nil, refuse(http.StatusBadRequest, schema.InvalidValue, fmt.Sprintf("Operations[%d]: its bulkId is used twice", i))
			}
			b.by[op.bulkID] = op
		}
		b.ops = append(b.ops, op)
	}
	return b, nil
}

func newBulkOperation(v attr.Value) (*bulkOperation, error) {
	o, ok := v.(*attr.Object)
	if !ok {
		return nil, errors.New("an object is expected, not " + attr.Kind(v))
	}
	op := &bulkOperation{method: strings.ToUpper(o.String("method")), bulkID: o.String("bulkId"), path: o.String("path"), version: o.String("version")}
	data, _ := o.Get("data")
	op.data, _ = data.(*attr.Object)
	switch op.method {
	case http.MethodPost:
		if op.bulkID == "" {
			return nil, errors.New("a POST needs a bulkId (RFC 7644 §3.7)")
		}
	case http.MethodPut, http.MethodPatch, http.MethodDelete:
	default:
		return nil, errors.New("method: POST, PUT, PATCH or DELETE is expected")
	}
	if op.path == "" {
		return nil, errors.New("path is missing")
	}
	if op.data == nil && op.method != http.MethodDelete {
		return nil, errors.New("data: an object is expected")
	}
	if _, id, ok := strings.Cut(op.path, "/"+bulkPrefix); ok {
		op.refs = append(op.refs, id)
	}
	if op.data != nil {
		op.refs = referencesIn("", op.data, op.refs)
	}
	return op, nil
}

// run processes the operations in order. One that refers to a later operation
// waits for it; when only operations are left that wait for each other, the first
// of them is created without its references and completed at the end.
func (b *bulk) run() {
	for !b.stopped() {
		if b.pass() {
			continue
		}
		i := slices.IndexFunc(b.ops, func(op *bulkOperation) bool { return !op.done && op.method == http.MethodPost })
		if i < 0 {
			break
		}
		op := b.ops[i]
		op.cut = true
		data, _ := without(op.data, b.unresolved(op), true)
		b.do(op, data.(*attr.Object))
	}
	b.complete()
}

// pass processes what is ready, in order, and reports whether that was anything.
func (b *bulk) pass() (progress bool) {
	for _, op := range b.ops {
		if !op.done && !b.stopped() && b.ready(op) {
			b.do(op, op.data)
			progress = true
		}
	}
	return progress
}

func (b *bulk) stopped() bool {
	return b.failOnErrors > 0 && b.failures >= b.failOnErrors || b.c.r.Context().Err() != nil
}

// ready reports whether nothing has to be waited for. What can never be resolved
// is ready too: it fails.
func (b *bulk) ready(op *bulkOperation) bool {
	return !slices.ContainsFunc(op.refs, func(ref string) bool {
		target := b.by[ref]
		return target != nil && !target.done
	})
}

func (b *bulk) unresolved(op *bulkOperation) []string {
	var open []string
	for _, ref := range op.refs {
		if target := b.by[ref]; target != nil && target.id == "" {
			open = append(open, ref)
		}
	}
	return open
}

// do performs one operation with the data given.
func (b *bulk) do(op *bulkOperation, data *attr.Object) {
	a, err := b.perform(op, data)
	if err != nil {
		a = refused(b.s.refusalOf(b.c, err))
		op.failure = true
		b.failures++
	}
	op.answer, op.done = a, true
}

// idOnly keeps answers small; a bulk response holds no resources.
var idOnly = projection{only: true, names: []string{"id"}, request: true}

func (b *bulk) perform(op *bulkOperation, data *attr.Object) (*answer, error) {
	for _, ref := range op.refs {
		switch target := b.by[ref]; {
		case target == nil:
			return nil, refuse(http.StatusBadRequest, schema.InvalidValue, "no POST of this request has the bulkId that is referred to")
		case target.done && target.id == "":
			return nil, refuse(http.StatusConflict, "", "the operation that bulkId refers to failed")
		}
	}
	k, id, err := b.target(op)
	if err != nil {
		return nil, err
	}
	if data != nil {
		data = b.resolved("", data).(*attr.Object)
	}
	var cond condition
	if op.version != "" {
		cond.ifMatch = []string{op.version}
	}
	switch {
	case op.method == http.MethodPost && id == "":
		a, err := b.s.create(b.c, k, data, idOnly)
		if err == nil {
			op.id = a.body.String("id")
		}
		return a, err
	case op.method == http.MethodPost || id == "":
		return nil, refuse(http.StatusBadRequest, schema.InvalidPath, "path: POST goes to /Users or /Groups, everything else to a resource")
	case op.method == http.MethodPut:
		return b.s.replace(b.c, k, id, data, cond, idOnly)
	case op.method == http.MethodPatch:
		return b.s.modify(b.c, k, id, data, cond, idOnly)
	default:
		a, err := b.s.remove(b.c, k, id, cond)
		if a != nil {
			a.location = b.s.location(k, id)
		}
		return a, err
	}
}

// target resolves the path of an operation.
func (b *bulk) target(op *bulkOperation) (*kind, string, error) {
	p := strings.TrimPrefix(strings.TrimPrefix(op.path, b.s.base), BasePath)
	endpoint, id, _ := strings.Cut(strings.Trim(p, "/"), "/")
	if id, ok := strings.CutPrefix(id, bulkPrefix); ok {
		if target := b.by[id]; target != nil && target.id != "" {
			return b.kind(endpoint, url.PathEscape(target.id))
		}
	}
	return b.kind(endpoint, id)
}

func (b *bulk) kind(endpoint, escaped string) (*kind, string, error) {
	id, err := url.PathUnescape(escaped)
	for _, k := range []*kind{b.s.users, b.s.groups} {
		if err == nil && strings.EqualFold("/"+endpoint, k.rt.Endpoint) {
			return k, id, nil
		}
	}
	return nil, "", refuse(http.StatusBadRequest, schema.InvalidPath, "path: /Users, /Groups or a resource of theirs is expected")
}

// complete writes the references of what was created without them, also when the
// rest was not processed: what exists is to be as whole as it can be.
func (b *bulk) complete() {
	for _, op := range b.ops {
		if !op.cut || op.failure {
			continue
		}
		a, err := b.completed(op)
		if err != nil {
			a = refused(b.s.refusalOf(b.c, err))
			a.location = op.answer.location
			op.failure = true
			b.failures++
		}
		op.answer = a
	}
}

func (b *bulk) completed(op *bulkOperation) (*answer, error) {
	if len(b.unresolved(op)) > 0 {
		return nil, refuse(http.StatusConflict, "", "created without what it refers to, because the operation that bulkId refers to failed")
	}
	k, _, err := b.target(op)
	if err != nil {
		return nil, err
	}
	a, err := b.s.replace(b.c, k, op.id, b.resolved("", op.data).(*attr.Object), condition{}, idOnly)
	if err != nil {
		return nil, err
	}
	a.status = http.StatusCreated
	return a, nil
}

// result is the operation's part of the response.
func (op *bulkOperation) result() *attr.Object {
	o := attr.NewObject(attr.Member{Name: "method", Value: op.method})
	if op.bulkID != "" {
		o.Set("bulkId", op.bulkID)
	}
	if op.answer.location != "" {
		o.Set("location", op.answer.location)
	}
	if op.answer.etag != "" {
		o.Set("version", op.answer.etag)
	}
	o.Set("status", strconv.Itoa(op.answer.status))
	if op.failure {
		o.Set("response", op.answer.body)
	}
	return o
}
