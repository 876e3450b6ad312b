package scimsrv

import (
	"fmt"
	"net/http"
	"net/url"
	"path"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/julienschmidt/httprouter"
)

// handler answers one request, or says why not.
type handler func(s *Service, c *call) (*answer, error)

func (s *Service) routes() *httprouter.Router {
	r := httprouter.New()
	r.RedirectTrailingSlash = false // a 301 makes clients drop the body; tidy does it
	r.RedirectFixedPath = false
	r.HandleOPTIONS = false
	r.HandleMethodNotAllowed = true
	r.NotFound = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.(*call).answer = refused(refuse(http.StatusNotFound, "", "there is no such endpoint; resources are at "+BasePath+"/Users and "+BasePath+"/Groups"))
	})
	r.MethodNotAllowed = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { methodNotAllowed(w.(*call)) })

	handle := func(method, path string, h handler) {
		r.Handle(method, path, func(w http.ResponseWriter, _ *http.Request, ps httprouter.Params) {
			c := w.(*call)
			c.params = ps
			a, err := h(s, c)
			if err != nil {
				a = refused(s.refusalOf(c, err))
			}
			c.answer = a
		})
	}
	for _, k := range []*kind{s.users, s.groups} {
		at := k.rt.Endpoint
		handle("GET", at, bind(k, (*Service).getList))
		handle("POST", at, bind(k, (*Service).post))
		handle("POST", at+"/.search", bind(k, (*Service).postSearch))
		handle("GET", at+"/:id", bind(k, (*Service).getOne))
		handle("PUT", at+"/:id", bind(k, (*Service).put))
		handle("PATCH", at+"/:id", bind(k, (*Service).patch))
		handle("DELETE", at+"/:id", bind(k, (*Service).deleteOne))
	}
	handle("POST", "/.search", (*Service).postRootSearch)
	handle("POST", "/Bulk", (*Service).postBulk)
	for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
		handle(method, "/Me", (*Service).me)
	}
	handle("GET", "/ServiceProviderConfig", (*Service).getServiceProviderConfig)
	handle("GET", "/ServiceProviderConfigs", (*Service).getServiceProviderConfig) // its name in SCIM 1.1, erratum 4978
	handle("GET", "/ResourceTypes", (*Service).getResourceTypes)
	handle("GET", "/ResourceTypes/:id", (*Service).getResourceType)
	handle("GET", "/Schemas", (*Service).getSchemas)
	handle("GET", "/Schemas/:id", (*Service).getSchema)
	return r
}

// bind makes a handler of one for a kind of resource.
func bind(k *kind, h func(*Service, *call, *kind) (*answer, error)) handler {
	return func(s *Service, c *call) (*answer, error) { return h(s, c, k) }
}

func refused(r *refusal) *answer {
	return &answer{status: r.status, body: r.body(), header: r.header, refused: r}
}

// methodNotAllowed is called with the Allow header already set.
func methodNotAllowed(c *call) {
	methods := strings.Split(c.allowed.Get("Allow"), ", ")
	methods = slices.DeleteFunc(methods, func(m string) bool { return m == "OPTIONS" || m == "" })
	if slices.Contains(methods, "GET") {
		methods = append(methods, "HEAD")
	}
	slices.Sort(methods)
	allow := strings.Join(methods, ", ")
	c.answer = refused(refuse(http.StatusMethodNotAllowed, "", "this endpoint answers to "+allow).with("Allow", allow))
}

// panicked turns a panic into a 500, so that the sender gets an answer it can
// read and the others are not disturbed.
func (s *Service) panicked(c *call, v any) *answer {
	if v == http.ErrAbortHandler {
		panic(v)
	}
	s.log.Error("scim: panic", "source", c.caller.Source, "method", c.r.Method, "panic", panicText(v), "stack", string(debug.Stack()))
	return refused(refuse(http.StatusInternalServerError, "", "internal error; the appliance's log has the cause"))
}

// panicText says what happened without a value that somebody may have put into it.
func panicText(v any) string {
	if err, ok := v.(runtime.Error); ok {
		return err.Error()
	}
	return fmt.Sprintf("a %T", v)
}

// ServeHTTP answers every request with SCIM, refusals included.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := s.now()
	c := &call{r: r}
	defer func() { s.bodies.Release(c.held) }()
	c.answer = s.dispatch(c)
	sent := write(w, r, c.answer)
	s.record(c, start, sent)
}

func (s *Service) dispatch(c *call) (a *answer) {
	defer func() {
		if v := recover(); v != nil {
			a = s.panicked(c, v)
		}
	}()
	route, err := s.admit(c)
	if err != nil {
		return refused(s.refusalOf(c, err))
	}
	method := c.r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if h, ps, _ := s.router.Lookup(method, route); h != nil {
		h(c, c.r, ps)
	} else { // the router knows what to say
		s.router.ServeHTTP(c, &http.Request{Method: method, URL: &url.URL{Path: route}})
	}
	return c.answer
}

// admit lets a request in that has a readable URL, a known token and budget left,
// and returns its route.
func (s *Service) admit(c *call) (route string, err error) {
	if c.query, err = parseQuery(c.r.URL.RawQuery); err != nil {
		return "", err
	}
	if err := s.identify(c.r, c); err != nil {
		return "", err
	}
	if err := s.within(c); err != nil {
		return "", err
	}
	return tidy(c.r.URL.EscapedPath())
}

// endpoints are the first segments of the routes; senders get away with any
// letter case.
var endpoints = []string{"Users", "Groups", "Bulk", "Me", "ServiceProviderConfig", "ServiceProviderConfigs", "ResourceTypes", "Schemas"}

// tidy turns the escaped path of a request into that of a route: without the
// base path and a slash at its end. Escapes stay, so that an id with %2F in it
// remains one segment.
func tidy(escaped string) (string, error) {
	rest, ok := strings.CutPrefix(escaped, BasePath)
	if !ok || rest != "" && rest[0] != '/' {
		if version, isSCIM := strings.CutPrefix(escaped, path.Dir(BasePath)+"/"); isSCIM && otherVersion(version) {
			return "", refuse(http.StatusBadRequest, invalidVers, "this server speaks SCIM 2 only; the base URL ends in "+BasePath)
		}
		return "", refuse(http.StatusNotFound, "", "SCIM is served below "+BasePath+"; check the base URL")
	}
	rest = strings.TrimRight(rest, "/")
	if rest == "" {
		return "/", nil
	}
	first, more, _ := strings.Cut(rest[1:], "/")
	for _, e := range endpoints {
		if strings.EqualFold(first, e) {
			first = e
		}
	}
	if more != "" {
		more = "/" + more
	}
	return "/" + first + more, nil
}

// otherVersion reports whether a path begins with a version such as v1 or v2.1.
func otherVersion(p string) bool {
	version, _, _ := strings.Cut(p, "/")
	return len(version) > 1 && (version[0] == 'v' || version[0] == 'V') && '0' <= version[1] && version[1] <= '9'
}

// id returns the id in the path. Ids are opaque and compared as they are; those
// that could mean something to a file system are nobody's.
func (c *call) id() (string, error) {
	id, err := url.PathUnescape(c.params.ByName("id"))
	if err != nil || id == "" || len(id) > 255 || id == "." || id == ".." || !utf8.ValidString(id) ||
		strings.ContainsFunc(id, func(r rune) bool { return r == '/' || r == '\\' || r < ' ' || r == 0x7f }) {
		return "", notFound()
	}
	return id, nil
}

// me: a token belongs to a source, not to a person (RFC 7644 §3.11).
func (s *Service) me(*call) (*answer, error) {
	return nil, refuse(http.StatusNotImplemented, "", BasePath+"/Me is not supported: a token stands for a source, not for a user")
}
