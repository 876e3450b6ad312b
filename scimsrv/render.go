package scimsrv

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"rollcall/scimsrv/attr"
)

// entityTag is weak, because two encodings of one version may differ (RFC 7644
// §3.14). It is the same text in the header and in meta.version.
func entityTag(rev uint64) string { return `W/"` + strconv.FormatUint(rev, 10) + `"` }

func (s *Service) location(k *kind, id string) string {
	return s.base + k.rt.Endpoint + "/" + url.PathEscape(id)
}

// timestamp writes a time as RFC 7643 §2.3.5 wants it, in UTC.
func timestamp(t time.Time) string { return string(appendTimestamp(nil, t)) }

func appendTimestamp(b []byte, t time.Time) []byte {
	return t.UTC().AppendFormat(b, "2006-01-02T15:04:05.000Z")
}

func (s *Service) meta(k *kind, res Resource) *attr.Object {
	return attr.NewObject(
		attr.Member{Name: "resourceType", Value: k.rt.Name},
		attr.Member{Name: "created", Value: timestamp(res.Created)},
		attr.Member{Name: "lastModified", Value: timestamp(res.Modified)},
		attr.Member{Name: "location", Value: s.location(k, res.ID)},
		attr.Member{Name: "version", Value: entityTag(res.Rev)},
	)
}

// encodedMeta is meta as it is written, for answers that nothing is cut off.
func (s *Service) encodedMeta(k *kind, res Resource) *attr.Encoded {
	return attr.AsEncoded(s.appendMeta(make([]byte, 0, metaLength), k, res))
}

// metaLength is more than meta takes as a rule, in bytes.
const metaLength = 384

func (s *Service) appendMeta(b []byte, k *kind, res Resource) []byte {
	member := func(name, value string) {
		b = append(b, name...)
		b = attr.Append(b, value)
	}
	member(`{"resourceType":`, k.rt.Name)
	b = append(b, `,"created":"`...)
	b = appendTimestamp(b, res.Created)
	b = append(b, `","lastModified":"`...)
	b = appendTimestamp(b, res.Modified)
	member(`","location":`, s.location(k, res.ID))
	member(`,"version":`, entityTag(res.Rev))
	return append(b, '}')
}

// written is what render makes of a user that nothing is cut off, in writing: the
// same bytes, without a tree in between.
func (s *Service) written(k *kind, res Resource) *attr.Encoded {
	b := append(make([]byte, 0, 1024+metaLength), `{"schemas":`...)
	b = attr.Append(b, k.rt.SchemasOf(res.Body))
	b = attr.Append(append(b, `,"id":`...), res.ID)
	for name, v := range res.Body.Members() {
		b = attr.Append(append(b, ','), name)
		b = attr.Append(append(b, ':'), v)
	}
	if len(res.Groups) > 0 {
		b = attr.Append(append(b, `,"groups":`...), s.groupsOf(res))
	}
	b = s.appendMeta(append(b, `,"meta":`...), k, res)
	return attr.AsEncoded(append(b, '}'))
}

// groupsOf writes the groups of a user.
func (s *Service) groupsOf(res Resource) attr.Array {
	list := make(attr.Array, len(res.Groups))
	for i, g := range res.Groups {
		e := s.member(g, Group)
		e.Set("type", "direct")
		list[i] = e
	}
	return list
}

// tree returns a resource with everything but the members of a group. It shares
// values with res.Body, which may be an outline, and with meta.
func (s *Service) tree(k *kind, res Resource, meta attr.Value) *attr.Object {
	o := &attr.Object{}
	o.Grow(res.Body.Len() + 4) // two before, two behind
	o.Set("schemas", k.rt.SchemasOf(res.Body))
	o.Set("id", res.ID)
	for name, v := range res.Body.Members() {
		o.Set(name, v)
	}
	if len(res.Groups) > 0 {
		o.Set("groups", s.groupsOf(res))
	}
	o.Set("meta", meta)
	return o
}

// member writes an entry of members or groups. A type that nobody said is other.
func (s *Service) member(m Member, other Type) *attr.Object {
	k := s.users
	if m.Type == Group || m.Type == "" && other == Group {
		k = s.groups
	}
	o := attr.NewObject(
		attr.Member{Name: "value", Value: m.Value},
		attr.Member{Name: "$ref", Value: s.location(k, m.Value)},
	)
	if m.Display != "" {
		o.Set("display", m.Display)
	}
	o.Set("type", k.rt.Name)
	return o
}

// members reads the members of a group for an answer.
func (s *Service) members(ctx context.Context, c *call, id string) (attr.Array, error) {
	list := attr.Array{}
	for m, err := range s.dir.Members(ctx, c.caller, id) {
		if err != nil {
			return nil, err
		}
		list = append(list, s.member(m, User))
	}
	return list, nil
}

// render returns what an answer holds of a resource. The members of a group are
// read only if they are part of it.
func (s *Service) render(ctx context.Context, c *call, k *kind, res Resource, sel *selection) (*attr.Object, error) {
	var meta attr.Value
	if sel.everything(k) {
		meta = s.encodedMeta(k, res)
	} else {
		meta = s.meta(k, res)
	}
	o := s.tree(k, res, meta)
	if k.t == Group && sel.wants(k.rt, "members") {
		list, err := s.members(ctx, c, res.ID)
		if err != nil {
			return nil, err
		}
		o.Set("members", list) // empty too: Okta wants to see the key
		if meta, ok := o.Get("meta"); ok {
			o.Delete("meta") // stays last
			o.Set("meta", meta)
		}
	}
	return sel.apply(k, o), nil
}

// resource answers with one resource.
func (s *Service) resource(ctx context.Context, c *call, k *kind, status int, res Resource, p projection) (*answer, error) {
	body, err := s.render(ctx, c, k, res, p.resolve(k.rt))
	if err != nil {
		return nil, err
	}
	return &answer{status: status, body: body, location: s.location(k, res.ID), etag: entityTag(res.Rev)}, nil
}

// condition is what If-Match or If-None-Match demand, or a bulk operation's
// version (RFC 7644 §3.14).
type condition struct{ ifMatch, ifNoneMatch []string }

func conditionOf(h http.Header) condition {
	return condition{ifMatch: tags(h.Values("If-Match")), ifNoneMatch: tags(h.Values("If-None-Match"))}
}

func tags(values []string) []string {
	var list []string
	for _, v := range values {
		for tag := range strings.SplitSeq(v, ",") {
			list = append(list, strings.TrimSpace(tag))
		}
	}
	return list
}

// names reports whether a list of tags holds that of a revision. Comparison is
// weak: all tags of this server are.
func names(list []string, rev uint64) bool {
	own := strings.TrimPrefix(entityTag(rev), "W/")
	for _, tag := range list {
		if tag == "*" || strings.TrimPrefix(tag, "W/") == own {
			return true
		}
	}
	return false
}

// check is run on the stored version, inside the transaction that changes it.
func (cond condition) check(rev uint64) error {
	if cond.ifMatch != nil && !names(cond.ifMatch, rev) {
		return refuse(http.StatusPreconditionFailed, "", "the resource has changed since: its version is another one than If-Match names; read it again")
	}
	if cond.ifNoneMatch != nil && names(cond.ifNoneMatch, rev) {
		return refuse(http.StatusPreconditionFailed, "", "the resource has the version that If-None-Match names")
	}
	return nil
}
