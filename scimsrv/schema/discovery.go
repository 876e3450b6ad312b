package schema

import (
	"strconv"

	"rollcall/scimsrv/attr"
)

// Message and discovery schema URNs (RFC 7643 §5 to §7, RFC 7644 §8.2).
const (
	SchemaURN                = "urn:ietf:params:scim:schemas:core:2.0:Schema"
	ResourceTypeURN          = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
	ServiceProviderConfigURN = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
)

// The discovery documents hold the keys of RFC 7643 §5 to §7 and no others, and
// no null: an additional key broke a client (SCIM for Keycloak, issue 84), nulls
// break Entra. base is the SCIM base URL without a slash at its end.

func object(members ...any) *attr.Object {
	o := &attr.Object{}
	for i := 0; i+1 < len(members); i += 2 {
		o.Set(members[i].(string), members[i+1])
	}
	return o
}

func meta(resourceType, location string) *attr.Object {
	return object("resourceType", resourceType, "location", location)
}

// Schemas returns the documents of /Schemas, in the order of the resource types,
// each schema once.
func (c *Catalog) Schemas(base string) []*attr.Object {
	var docs []*attr.Object
	for _, rt := range c.Types() {
		docs = append(docs, rt.Core.document(base))
		for _, e := range rt.Extensions {
			docs = append(docs, e.Schema.document(base))
		}
	}
	return docs
}

func (s *Schema) document(base string) *attr.Object {
	return object(
		"schemas", attr.Strings(SchemaURN),
		"id", s.URN,
		"name", s.Name,
		"description", s.Description,
		"attributes", published(s.Attributes),
		"meta", meta("Schema", base+"/Schemas/"+s.URN),
	)
}

func published(defs []*Attribute) attr.Array {
	list := attr.Array{}
	for _, a := range defs {
		if !a.Unpublished {
			list = append(list, a.document())
		}
	}
	return list
}

func (a *Attribute) document() *attr.Object {
	o := object("name", a.Name, "type", string(a.Type))
	if len(a.Sub) > 0 {
		o.Set("subAttributes", published(a.Sub))
	}
	o.Set("multiValued", a.MultiValued)
	o.Set("description", a.Description)
	o.Set("required", a.Required)
	if len(a.CanonicalValues) > 0 {
		// Also what should make Microsoft's validator address elements by type
		// instead of by primary (an inference, unverified).
		o.Set("canonicalValues", attr.Strings(a.CanonicalValues...))
	}
	if a.Type != Boolean && a.Type != Complex {
		o.Set("caseExact", a.CaseExact)
	}
	o.Set("mutability", string(a.Mutability))
	o.Set("returned", string(a.Returned))
	o.Set("uniqueness", string(a.Uniqueness))
	if a.Type == Reference {
		o.Set("referenceTypes", attr.Strings(a.ReferenceTypes...))
	}
	return o
}

// ResourceTypes returns the documents of /ResourceTypes.
func (c *Catalog) ResourceTypes(base string) []*attr.Object {
	var docs []*attr.Object
	for _, rt := range c.Types() {
		o := object(
			"schemas", attr.Strings(ResourceTypeURN),
			"id", rt.Name,
			"name", rt.Name,
			"endpoint", rt.Endpoint,
			"description", rt.Description,
			"schema", rt.Core.URN,
		)
		if len(rt.Extensions) > 0 {
			list := attr.Array{}
			for _, e := range rt.Extensions {
				list = append(list, object("schema", e.Schema.URN, "required", e.Required))
			}
			o.Set("schemaExtensions", list)
		}
		o.Set("meta", meta("ResourceType", base+"/ResourceTypes/"+rt.Name))
		docs = append(docs, o)
	}
	return docs
}

// Features is what /ServiceProviderConfig announces.
type Features struct {
	DocumentationURI string // left out when empty
	FilterMaxResults int
	BulkOperations   int // most operations of a bulk request; 0: no bulk
	BulkPayload      int // most bytes of a bulk request
	Sort             bool
	ETag             bool
	Cursors          bool // RFC 9865, beside the paging by index that stays the default
	PageSize         int  // default page size
	MaxPageSize      int
	CursorTimeout    int // seconds that a cursor lives; 0: for ever
}

// ServiceProviderConfig returns the document of /ServiceProviderConfig. Every
// number is always there: authentik takes a configuration without
// bulk.maxOperations for one without PATCH and filters (authentik, issue 25056).
func ServiceProviderConfig(base string, f Features) *attr.Object {
	number := func(n int) attr.Number { return attr.Number(strconv.Itoa(max(n, 0))) }
	supported := func(b bool) *attr.Object { return object("supported", b) }
	o := object("schemas", attr.Strings(ServiceProviderConfigURN))
	if f.DocumentationURI != "" {
		o.Set("documentationUri", f.DocumentationURI)
	}
	o.Set("patch", supported(true))
	o.Set("bulk", object(
		"supported", f.BulkOperations > 0,
		"maxOperations", number(f.BulkOperations),
		"maxPayloadSize", number(f.BulkPayload),
	))
	o.Set("filter", object("supported", true, "maxResults", number(f.FilterMaxResults)))
	o.Set("changePassword", supported(false))
	o.Set("sort", supported(f.Sort))
	o.Set("etag", supported(f.ETag))
	paging := object(
		"cursor", f.Cursors,
		"index", true,
		"defaultPaginationMethod", "index",
		"defaultPageSize", number(f.PageSize),
		"maxPageSize", number(f.MaxPageSize),
	)
	if f.Cursors && f.CursorTimeout > 0 {
		paging.Set("cursorTimeout", number(f.CursorTimeout))
	}
	o.Set("pagination", paging)
	o.Set("authenticationSchemes", attr.Array{object(
		"type", "oauthbearertoken",
		"name", "Bearer token",
		"description", "A token of the source, in the Authorization header.",
		"specUri", "https://www.rfc-editor.org/info/rfc6750",
		"primary", true,
	)})
	o.Set("meta", meta("ServiceProviderConfig", base+"/ServiceProviderConfig"))
	return o
}
