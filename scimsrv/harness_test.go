package scimsrv_test

import (
	"context"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"rollcall/scimsrv"
	"rollcall/scimsrv/attr"
)

const (
	userURN  = "urn:ietf:params:scim:schemas:core:2.0:User"
	groupURN = "urn:ietf:params:scim:schemas:core:2.0:Group"
	errorURN = "urn:ietf:params:scim:api:messages:2.0:Error"
	patchURN = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
	eURN     = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
)

// got is an answer with its decoded body.
type got struct {
	status int
	header http.Header
	raw    string
	body   *attr.Object // nil without a body
}

func (g got) id() string { return g.body.String("id") }

// path finds a value by names and is nil where nothing is.
func (g got) path(names ...string) attr.Value {
	var v attr.Value = g.body
	for _, n := range names {
		switch in := v.(type) {
		case *attr.Object:
			v, _ = in.Get(n)
		case attr.Array:
			var i int
			if _, err := fmt.Sscan(n, &i); err != nil || i >= len(in) {
				return nil
			}
			v = in[i]
		default:
			return nil
		}
	}
	return v
}

// list collects one attribute of all Resources.
func (g got) list(name string) []string {
	all := []string{}
	resources, _ := g.path("Resources").(attr.Array)
	for _, r := range resources {
		all = append(all, r.(*attr.Object).String(name))
	}
	return all
}

// send makes a request. headers come in pairs; an empty value removes a default.
func (tn tenant) send(t testing.TB, method, path, body string, headers ...string) got {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, tn.BaseURL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+tn.Token)
	if body != "" {
		req.Header.Set("Content-Type", "application/scim+json")
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Del(headers[i])
		if headers[i+1] != "" {
			req.Header.Set(headers[i], headers[i+1])
		}
	}
	resp, err := tn.HTTP.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	g := got{status: resp.StatusCode, header: resp.Header, raw: string(raw)}
	if len(raw) > 0 {
		if g.body, err = attr.Decode(raw, attr.Stored()); err != nil {
			t.Fatalf("%s %s: answer %d is no JSON object: %v", method, path, g.status, err)
		}
		if ct := resp.Header.Get("Content-Type"); ct != "application/scim+json; charset=utf-8" {
			t.Errorf("%s %s: content type %q", method, path, ct)
		}
	}
	return g
}

// want sends a request and insists on its status.
func (tn tenant) want(t testing.TB, status int, method, path, body string, headers ...string) got {
	t.Helper()
	g := tn.send(t, method, path, body, headers...)
	if g.status != status {
		t.Fatalf("%s %s: status %d, want %d: %s", method, path, g.status, status, g.raw)
	}
	if status >= 400 {
		if g.path("schemas", "0") != errorURN || g.path("status") != fmt.Sprint(status) || g.body.String("detail") == "" {
			t.Errorf("%s %s: not an error as RFC 7644 §3.12 has it: %s", method, path, g.raw)
		}
	}
	return g
}

// refused insists on a status and scimType.
func (tn tenant) refused(t testing.TB, status int, scimType, method, path, body string, headers ...string) got {
	t.Helper()
	g := tn.want(t, status, method, path, body, headers...)
	if g.body.String("scimType") != scimType {
		t.Errorf("%s %s: scimType %q, want %q: %s", method, path, g.body.String("scimType"), scimType, g.raw)
	}
	return g
}

func userBody(name string, more ...string) string {
	return fmt.Sprintf(`{"schemas":[%q],"userName":%q,"name":{"givenName":"Jane","familyName":"Doe"}%s}`,
		userURN, name, strings.Join(append([]string{""}, more...), ","))
}

func groupBody(name string, members ...string) string {
	list := make([]string, len(members))
	for i, m := range members {
		list[i] = fmt.Sprintf(`{"value":%q}`, m)
	}
	return fmt.Sprintf(`{"schemas":[%q],"displayName":%q,"members":[%s]}`, groupURN, name, strings.Join(list, ","))
}

func patchBody(ops ...string) string {
	return fmt.Sprintf(`{"schemas":[%q],"Operations":[%s]}`, patchURN, strings.Join(ops, ","))
}

func (tn tenant) user(t testing.TB, name string, more ...string) string {
	t.Helper()
	return tn.want(t, 201, "POST", "/Users", userBody(name, more...)).id()
}

// spy counts what a service asks of its directory.
type spy struct {
	scimsrv.Directory
	scans   atomic.Int64 // selects without keys
	yielded atomic.Int64 // resources of all selects
	members atomic.Int64 // member lists read
	changes sync.Map     // int → scimsrv.MemberChange, in order
	n       atomic.Int64
	asked   sync.Map // ids that were looked up
	fail    error
}

func (d *spy) Get(ctx context.Context, c scimsrv.Caller, t scimsrv.Type, id string) (scimsrv.Resource, error) {
	d.asked.Store(id, true)
	return d.Directory.Get(ctx, c, t, id)
}

func (d *spy) Select(ctx context.Context, c scimsrv.Caller, q scimsrv.Query, after string) iter.Seq2[scimsrv.Resource, error] {
	if len(q.Keys) == 0 {
		d.scans.Add(1)
	}
	return func(yield func(scimsrv.Resource, error) bool) {
		for res, err := range d.Directory.Select(ctx, c, q, after) {
			d.yielded.Add(1)
			if !yield(res, err) {
				return
			}
		}
	}
}

func (d *spy) Members(ctx context.Context, c scimsrv.Caller, group string) iter.Seq2[scimsrv.Member, error] {
	d.members.Add(1)
	return d.Directory.Members(ctx, c, group)
}

func (d *spy) Create(ctx context.Context, c scimsrv.Caller, t scimsrv.Type, draft scimsrv.Draft) (scimsrv.Resource, error) {
	if d.fail != nil {
		return scimsrv.Resource{}, d.fail
	}
	return d.Directory.Create(ctx, c, t, draft)
}

func (d *spy) Update(ctx context.Context, c scimsrv.Caller, t scimsrv.Type, id string, change func(scimsrv.View) (scimsrv.Draft, error)) (scimsrv.Resource, error) {
	var last scimsrv.Draft
	res, err := d.Directory.Update(ctx, c, t, id, func(v scimsrv.View) (scimsrv.Draft, error) {
		draft, err := change(v)
		last = draft
		return draft, err
	})
	d.changes.Store(d.n.Add(1), last.Members)
	return res, err
}

func (d *spy) lastChange() scimsrv.MemberChange {
	v, _ := d.changes.Load(d.n.Load())
	ch, _ := v.(scimsrv.MemberChange)
	return ch
}

func withSpy(d *spy) func(*scimsrv.Options) {
	return func(o *scimsrv.Options) {
		d.Directory = o.Directory
		o.Directory = d
	}
}
