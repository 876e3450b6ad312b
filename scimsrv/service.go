package scimsrv

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/julienschmidt/httprouter"
	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"

	"rollcall/scimsrv/attr"
	"rollcall/scimsrv/filter"
	"rollcall/scimsrv/quirk"
	"rollcall/scimsrv/schema"
)

// BasePath is where the service answers, below PublicURL.
const BasePath = "/scim/v2"

// Limits bound what one request may ask for. A zero field takes the value of
// [DefaultLimits]; Rate and Burst stay zero.
type Limits struct {
	BodyBytes      int64 // of one request other than bulk
	BulkBytes      int64 // of one bulk request
	BulkOperations int   // of one bulk request
	PageSize       int   // resources on a page when the sender does not say
	MaxPageSize    int   // resources on a page, whatever the sender says
	// Sorted is how many resources are sorted for one request (sortBy). More are
	// refused with tooMany; a filter helps.
	Sorted int
	// Rate is how many requests per second one token may make, with bursts of
	// Burst; above it the answer is 429. Zero is no limit. Entra asks for 25 at
	// least.
	Rate  float64
	Burst int
}

// DefaultLimits let a group of 50,000 members be written in one request, which
// is what Okta's push of a whole group does.
var DefaultLimits = Limits{
	BodyBytes:      16 << 20,
	BulkBytes:      16 << 20,
	BulkOperations: 1000,
	PageSize:       100,
	MaxPageSize:    1000,
	Sorted:         100_000,
}

// Options are what a service is made of.
type Options struct {
	Directory     Directory     // required
	Authenticator Authenticator // required
	Recorder      Recorder      // nil: nothing is recorded
	// PublicURL is what senders put before BasePath, such as
	// "https://rollcall.example.com". It is what locations begin with.
	PublicURL string
	Catalog   *schema.Catalog // nil: the built-in schemas
	Limits    Limits
	Logger    hclog.Logger     // nil: nothing is logged
	Now       func() time.Time // nil: time.Now
}

// Service answers SCIM requests below [BasePath]. It is an [http.Handler], safe
// for concurrent use, and starts no goroutines.
type Service struct {
	dir      Directory
	auth     Authenticator
	recorder Recorder
	base     string // SCIM base URL, no slash at its end
	limits   Limits
	log      hclog.Logger
	now      func() time.Time

	users     *kind
	groups    *kind
	profiles  map[string]quirk.Profile
	router    *httprouter.Router
	discovery discovery
	budgets   budgets
	bodies    *semaphore.Weighted // bytes of large bodies held in memory at once
	marks     pageMarks
}

// kind is one resource type with everything that the routes need to know of it.
type kind struct {
	t  Type
	rt *schema.ResourceType
	// indexed are the attributes whose values find resources without a scan, the
	// most selective first.
	indexed []string
	// hidden is whether the schema has attributes that are not returned by default.
	hidden bool
}

// New returns a service. It fails when something required is missing or PublicURL
// is no absolute http or https URL.
func New(o Options) (*Service, error) {
	switch {
	case o.Directory == nil:
		return nil, errors.New("scim service: a directory is required")
	case o.Authenticator == nil:
		return nil, errors.New("scim service: an authenticator is required")
	}
	u, err := url.Parse(o.PublicURL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("scim service: the public URL must be like https://rollcall.example.com")
	}
	catalog := o.Catalog
	if catalog == nil {
		if catalog, err = schema.New(); err != nil {
			return nil, fmt.Errorf("scim service: %w", err)
		}
	}
	s := &Service{
		dir: o.Directory, auth: o.Authenticator, recorder: o.Recorder,
		base:     strings.TrimRight(o.PublicURL, "/") + BasePath,
		limits:   o.Limits.withDefaults(),
		log:      o.Logger,
		now:      o.Now,
		profiles: map[string]quirk.Profile{},
		users:    &kind{t: User, rt: catalog.User, indexed: []string{"id", "username", "externalid", "emails.value"}, hidden: hides(catalog.User)},
		groups:   &kind{t: Group, rt: catalog.Group, indexed: []string{"id", "displayname", "externalid", "members.value"}, hidden: hides(catalog.Group)},
	}
	if s.log == nil {
		s.log = hclog.NewNullLogger()
	}
	if s.now == nil {
		s.now = time.Now
	}
	for _, dialect := range quirk.Dialects() {
		if s.profiles[dialect], err = quirk.For(dialect); err != nil {
			return nil, fmt.Errorf("scim service: %w", err)
		}
	}
	s.budgets.limit, s.budgets.burst = rate.Limit(s.limits.Rate), s.limits.Burst
	s.bodies = newBodies(s.limits)
	s.discovery = describe(catalog, s.base, s.limits)
	s.router = s.routes()
	return s, nil
}

func (l Limits) withDefaults() Limits {
	d := DefaultLimits
	if l.BodyBytes <= 0 {
		l.BodyBytes = d.BodyBytes
	}
	if l.BulkBytes <= 0 {
		l.BulkBytes = d.BulkBytes
	}
	if l.BulkOperations <= 0 {
		l.BulkOperations = d.BulkOperations
	}
	if l.MaxPageSize <= 0 {
		l.MaxPageSize = d.MaxPageSize
	}
	if l.PageSize <= 0 {
		l.PageSize = d.PageSize
	}
	l.PageSize = min(l.PageSize, l.MaxPageSize)
	if l.Sorted <= 0 {
		l.Sorted = d.Sorted
	}
	if l.Rate > 0 && l.Burst <= 0 {
		l.Burst = max(1, int(l.Rate))
	}
	return l
}

// hides reports whether some attribute is not returned unless asked for.
func hides(rt *schema.ResourceType) bool {
	hidden := func(attributes []*schema.Attribute) bool {
		for _, a := range attributes {
			if a.Discarded {
				continue // never stored
			}
			if a.Returned == schema.ReturnedNever || a.Returned == schema.ReturnedRequest {
				return true
			}
			for _, sub := range a.Sub {
				if !sub.Discarded && (sub.Returned == schema.ReturnedNever || sub.Returned == schema.ReturnedRequest) {
					return true
				}
			}
		}
		return false
	}
	for _, e := range rt.Extensions {
		if hidden(e.Schema.Attributes) {
			return true
		}
	}
	return hidden(rt.Core.Attributes)
}

// call is one request on its way through the service. To the router it is the
// [http.ResponseWriter], so that handlers find it without a context; nothing is
// written through it, answers are returned.
type call struct {
	caller  Caller
	profile quirk.Profile
	applied quirk.Applied
	params  httprouter.Params
	r       *http.Request
	query   url.Values
	answer  *answer
	held    int64 // bytes of Service.bodies, given back when the call is answered
	allowed http.Header

	filter     filter.Expr // that of the search, for the record
	filterText string
}

// Header is where the router puts Allow.
func (c *call) Header() http.Header {
	if c.allowed == nil {
		c.allowed = http.Header{}
	}
	return c.allowed
}

// Write and WriteHeader do nothing: every route has an answer of its own.
func (c *call) Write(b []byte) (int, error) { return len(b), nil }
func (c *call) WriteHeader(int)             {}

// answer is what a request gets.
type answer struct {
	status   int
	body     *attr.Object // nil: no body
	location string
	etag     string
	header   http.Header // anything else, may be nil
	refused  *refusal    // why, for the record; nil for a success
}
