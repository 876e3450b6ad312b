package scimsrv

import (
	"mime"
	"net/http"
	"slices"

	"rollcall/scimsrv/attr"
	"rollcall/scimsrv/schema"
)

// readBody decodes the body of a request. JSON under any of its names is taken,
// and so is a body without a type: Okta's own test sends application/json.
func (s *Service) readBody(c *call, limit int64) (*attr.Object, error) {
	if ct := c.r.Header.Get("Content-Type"); ct != "" {
		media, params, err := mime.ParseMediaType(ct)
		charset := params["charset"]
		if err != nil || media != "application/scim+json" && media != "application/json" ||
			charset != "" && !attr.EqualName(charset, "utf-8") && !attr.EqualName(charset, "utf8") {
			return nil, refuse(http.StatusUnsupportedMediaType, "", "the body must be application/scim+json or application/json, in UTF-8")
		}
	}
	if ce := c.r.Header.Get("Content-Encoding"); ce != "" && !attr.EqualName(ce, "identity") {
		return nil, refuse(http.StatusUnsupportedMediaType, "", "compressed bodies are not supported; leave Content-Encoding out")
	}
	// A group's members count by the ten thousands; the rest is bounded by bytes.
	lim := attr.Limits{Bytes: limit, Values: int(limit / 8)}
	if c.r.ContentLength > limit {
		return nil, tooLarge(limit)
	}
	o, err := attr.Read(c.r.Body, lim)
	if err != nil {
		if refused := s.refusalOf(c, err); refused.status == http.StatusRequestEntityTooLarge {
			return nil, tooLarge(limit)
		}
		return nil, err
	}
	return o, nil
}

// isMessage checks that "schemas" of a message names its kind. Only senders that
// keep to the letter are held to it.
func (c *call) isMessage(tree *attr.Object, urn string) error {
	if c.profile.Values(nil).AnySchemas {
		return nil
	}
	v, _ := tree.Get("schemas")
	list, _ := v.(attr.Array)
	if slices.ContainsFunc(list, func(v attr.Value) bool {
		s, ok := v.(string)
		return ok && attr.EqualName(s, urn)
	}) {
		return nil
	}
	return refuse(http.StatusBadRequest, schema.InvalidSyntax, "schemas: a list with "+urn+" is expected")
}
