package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/pprof"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

// maxBody is the size of the largest request body, in bytes. None of the
// requests carries more than a few names and a sentence.
const maxBody = 64 << 10

// maxPlan is the size of the largest plan to apply, in bytes: a few hundred
// thousand people.
const maxPlan = 128 << 20

// Options are what a [Server] can do without.
type Options struct {
	// Log is told of refused and failed requests; nil: nobody is.
	Log hclog.Logger
	// Peer tells who is at the other end of a connection; nil: [PeerActor].
	Peer func(net.Conn) string
}

// Server answers the admin API for a [Service]. It is safe for concurrent use.
type Server struct {
	service Service
	version Version
	log     hclog.Logger
	peer    func(net.Conn) string
	admin   http.Handler
	view    http.Handler

	// deciding makes the look at a run and the decision on it one step, so that
	// of two operators with the same screen only the first decides.
	deciding sync.Mutex
}

// NewServer returns a server for service that says of itself that it is version.
func NewServer(service Service, version Version, o Options) *Server {
	s := &Server{service: service, version: version, log: o.Log, peer: o.Peer}
	if s.log == nil {
		s.log = hclog.NewNullLogger()
	}
	if s.peer == nil {
		s.peer = PeerActor
	}
	admin, view := http.NewServeMux(), http.NewServeMux()
	for _, r := range s.routes() {
		admin.Handle(r.pattern(), s.answer(r))
		if r.method == http.MethodGet {
			view.Handle(r.pattern(), s.answer(r))
		}
	}
	unknown := s.answer(route{do: s.noSuchRoute})
	admin.Handle("/", unknown)
	view.Handle("/", unknown)
	admin.HandleFunc("/debug/pprof/", pprof.Index)
	admin.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	admin.HandleFunc("/debug/pprof/profile", pprof.Profile)
	admin.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	admin.HandleFunc("/debug/pprof/trace", pprof.Trace)
	s.admin = s.versioned(admin)
	s.view = s.versioned(s.readOnly(view))
	return s
}

// Handler answers everything; it belongs on the admin socket.
func (s *Server) Handler() http.Handler { return s.admin }

// ViewHandler answers GET requests only; it belongs on the view socket.
func (s *Server) ViewHandler() http.Handler { return s.view }

// ConnContext names the peer of a connection for [Actor]; it is what an
// [http.Server] that uses the handlers outside of [Server.Serve] needs.
func (s *Server) ConnContext(ctx context.Context, c net.Conn) context.Context {
	return WithActor(ctx, s.peer(c))
}

// Serve answers on both listeners until ctx ends, and closes them. View may be
// nil. Requests that wait for news end with ctx; others have a second more.
// It returns nil after ctx ended, and otherwise why it could not go on.
func (s *Server) Serve(ctx context.Context, admin, view net.Listener) error {
	serving, stop := context.WithCancel(ctx)
	defer stop()
	type end struct {
		name string
		err  error
	}
	var servers []*http.Server
	ends := make(chan end, 2)
	start := func(name string, l net.Listener, h http.Handler) {
		srv := &http.Server{
			Handler:           h,
			ConnContext:       s.ConnContext,
			BaseContext:       func(net.Listener) context.Context { return serving },
			ReadHeaderTimeout: 10 * time.Second,
			ReadTimeout:       20 * time.Second, // of a request; what it waits for does not count
			IdleTimeout:       2 * time.Minute,
			MaxHeaderBytes:    64 << 10,
			ErrorLog:          s.log.StandardLogger(&hclog.StandardLoggerOptions{ForceLevel: hclog.Warn}),
		}
		servers = append(servers, srv)
		go func() { ends <- end{name, srv.Serve(l)} }()
	}
	start("admin", admin, s.admin)
	if view != nil {
		start("view", view, s.view)
	}
	var failed error
	running := len(servers)
	select {
	case <-ctx.Done():
	case e := <-ends:
		running--
		failed = fmt.Errorf("%s socket: %w", e.name, e.err)
	}
	stop()
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	for _, srv := range servers {
		if err := srv.Shutdown(grace); err != nil {
			// Whoever still has not got an answer will not get one.
			s.log.Warn("requests cut off", "error", errors.Join(err, srv.Close()))
		}
	}
	for range running {
		<-ends
	}
	return failed
}

// versioned names the version in every reply, refusals included.
func (s *Server) versioned(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(VersionHeader, s.version.Version)
		next.ServeHTTP(w, r)
	})
}

// readOnly refuses whatever is not a question.
func (s *Server) readOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			s.refuse(w, r, &Error{Code: CodeReadOnly, Text: "this socket only answers questions: use the admin socket, or ask a member of its group"})
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) noSuchRoute(*request) (any, error) {
	return nil, &Error{Code: CodeNotFound, Text: fmt.Sprintf("this appliance (version %s) has no such request: use the rollcall command of the same version", s.version.Version)}
}

// answer turns a route into a handler: what do returns is the body, nothing is
// 204, and an error is a refusal.
func (s *Server) answer(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		limit := int64(maxBody)
		if rt.path == "/v1/apply" || rt.path == "/v1/people/import" {
			limit = maxPlan
		}
		r.Body = http.MaxBytesReader(w, r.Body, limit)
		body, err := rt.do(&request{Request: r})
		if err != nil {
			s.refuse(w, r, err)
			return
		}
		if body == nil {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		if large, ok := body.(Spooled); ok {
			s.send(w, r, large)
			return
		}
		raw, err := json.Marshal(body)
		if err != nil {
			s.refuse(w, r, fmt.Errorf("answer: %w", err))
			return
		}
		w.Header().Set("Content-Type", "application/json")
		s.write(w, r, raw)
	})
}

// statuses are the HTTP statuses of the codes of an [Error].
var statuses = map[string]int{
	CodeNotFound: http.StatusNotFound,
	CodeInvalid:  http.StatusBadRequest,
	CodeStale:    http.StatusPreconditionFailed,
	CodeBusy:     http.StatusConflict,
	CodeReadOnly: http.StatusForbidden,
	CodeInternal: http.StatusInternalServerError,
}

// refuse answers with an error. Unlike a SCIM sender, the operator at the other
// end is shown what went wrong inside: errors hold neither secrets nor people.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var e *Error
	switch {
	case errors.As(err, &e):
	case r.Context().Err() != nil:
		// Nobody listens any more, or the appliance stops.
		e = &Error{Code: CodeBusy, Text: "the appliance is stopping: ask again when it runs"}
	case errors.Is(err, context.DeadlineExceeded):
		e = &Error{Code: CodeBusy, Text: "it took too long: ask again, and look at \"rollcall status\""}
	default:
		e = &Error{Code: CodeInternal, Text: err.Error()}
	}
	status, ok := statuses[e.Code]
	if !ok {
		status = http.StatusInternalServerError
	}
	if status == http.StatusInternalServerError {
		s.log.Error("admin request failed", "method", r.Method, "route", r.Pattern, "actor", Actor(r.Context()), "error", err)
	}
	raw, err := json.Marshal(e)
	if err != nil {
		raw = []byte(`{"code":"internal","error":"an error that cannot be told: look at the appliance's log"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	s.write(w, r, raw)
}

// send sends an answer that may be larger than memory.
func (s *Server) send(w http.ResponseWriter, r *http.Request, body Spooled) {
	w.Header().Set("Content-Type", "application/json")
	_, err := body.WriteTo(w)
	if err == nil {
		_, err = w.Write([]byte("\n"))
	}
	if err = errors.Join(err, body.Close()); err != nil {
		s.log.Debug("answer not taken", "route", r.Pattern, "error", err)
	}
}

func (s *Server) write(w io.Writer, r *http.Request, raw []byte) {
	if _, err := w.Write(append(raw, '\n')); err != nil {
		s.log.Debug("answer not taken", "route", r.Pattern, "error", err)
	}
}
