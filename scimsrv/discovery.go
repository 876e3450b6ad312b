package scimsrv

import (
	"net/http"
	"net/url"

	"rollcall/scimsrv/attr"
	"rollcall/scimsrv/schema"
)

// discovery is the documents of RFC 7644 §4, made once.
type discovery struct {
	config        *attr.Object
	resourceTypes []*attr.Object
	schemas       []*attr.Object
}

func describe(catalog *schema.Catalog, base string, l Limits) discovery {
	return discovery{
		config: schema.ServiceProviderConfig(base, schema.Features{
			FilterMaxResults: l.MaxPageSize,
			BulkOperations:   l.BulkOperations,
			BulkPayload:      int(l.BulkBytes),
			Sort:             true,
			ETag:             true,
			Cursors:          true,
			PageSize:         l.PageSize,
			MaxPageSize:      l.MaxPageSize,
		}),
		resourceTypes: catalog.ResourceTypes(base),
		schemas:       catalog.Schemas(base),
	}
}

// unfiltered refuses filters: RFC 7644 §4 wants 403, so that nobody takes an
// ignored filter for an answer. Other parameters are ignored, as it says.
func (c *call) unfiltered() error {
	if c.query.Has("filter") {
		return refuse(http.StatusForbidden, "", "discovery endpoints cannot be filtered; leave filter out")
	}
	return nil
}

func (s *Service) getServiceProviderConfig(c *call) (*answer, error) {
	if err := c.unfiltered(); err != nil {
		return nil, err
	}
	return &answer{status: http.StatusOK, body: s.discovery.config}, nil
}

func (s *Service) getResourceTypes(c *call) (*answer, error) {
	return documents(c, s.discovery.resourceTypes)
}

func (s *Service) getSchemas(c *call) (*answer, error) { return documents(c, s.discovery.schemas) }

func (s *Service) getResourceType(c *call) (*answer, error) {
	return document(c, s.discovery.resourceTypes)
}

func (s *Service) getSchema(c *call) (*answer, error) { return document(c, s.discovery.schemas) }

func documents(c *call, docs []*attr.Object) (*answer, error) {
	if err := c.unfiltered(); err != nil {
		return nil, err
	}
	list := make(attr.Array, len(docs))
	for i, d := range docs {
		list[i] = d
	}
	return &answer{status: http.StatusOK, body: listResponse(len(list), 1, list)}, nil
}

// document finds one by id, in any letter case, as URNs are compared (RFC 8141).
func document(c *call, docs []*attr.Object) (*answer, error) {
	if err := c.unfiltered(); err != nil {
		return nil, err
	}
	id, err := url.PathUnescape(c.params.ByName("id"))
	if err != nil {
		return nil, notFound()
	}
	for _, d := range docs {
		if attr.EqualName(d.String("id"), id) {
			return &answer{status: http.StatusOK, body: d}, nil
		}
	}
	return nil, refuse(http.StatusNotFound, "", "there is no such document; the list without an id shows all")
}
