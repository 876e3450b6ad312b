// Package hook receives the webhooks of HR services, for whom they are optional:
// each is a hint that a source should be read before its time.
//
// It stands on the listener of the SCIM service under a path of its own, answers
// at once, and believes nothing but the signature: what happened is found out by
// reading. A delivery that is repeated is answered like the first and causes
// nothing; how often hints may cause a read is the poller's affair. The package
// does not register endpoints with the services, and stores nothing.
package hook

import (
	"crypto/sha256"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"rollcall/connectors"
)

// Path is where the webhook of a source is served: Path + NAME.
const Path = "/hooks/"

const (
	// maxBody bounds a delivery. Lucca's hold one person, HiBob's some field names.
	maxBody = 256 << 10
	// remembered is how many deliveries of a source are known again.
	remembered = 1024
	// refusalsTold is how often refused deliveries are logged at most.
	refusalsTold = 5 * time.Minute
)

// Source is one source that takes webhooks.
type Source struct {
	Name    string
	Secret  string
	Webhook connectors.Webhook
	// Hint is called for each delivery that is genuine and new. It must not block.
	Hint func()

	mu      sync.Mutex // guards what follows
	seen    map[[32]byte]bool
	order   [][32]byte
	refused int
	told    time.Time
}

// Handler answers below [Path].
type Handler struct {
	sources map[string]*Source
	log     hclog.Logger
	now     func() time.Time
}

// New returns a handler for the sources. now is the clock.
func New(sources []*Source, log hclog.Logger, now func() time.Time) *Handler {
	h := &Handler{sources: map[string]*Source{}, log: log, now: now}
	for _, s := range sources {
		s.seen = map[[32]byte]bool{}
		h.sources[s.Name] = s
	}
	return h
}

// ServeHTTP answers one delivery. 200 means that the hint was taken (or repeats
// one); services switch an address off that answers anything else for long, so
// only what cannot be from them is refused.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	s := h.sources[strings.TrimPrefix(r.URL.Path, Path)]
	switch {
	case s == nil:
		say(w, http.StatusNotFound, "no source takes webhooks here")
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		s.challenge(w, r)
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", "POST")
		say(w, http.StatusMethodNotAllowed, "webhooks are sent with POST")
	default:
		h.receive(w, r, s)
	}
}

func (s *Source) challenge(w http.ResponseWriter, r *http.Request) {
	if s.Webhook.Challenge != nil {
		if answer, ok := s.Webhook.Challenge(r.URL.Query()); ok {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			_, _ = io.WriteString(w, answer)
			return
		}
	}
	w.Header().Set("Allow", "POST")
	say(w, http.StatusMethodNotAllowed, "webhooks are sent with POST")
}

func (h *Handler) receive(w http.ResponseWriter, r *http.Request, s *Source) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			say(w, http.StatusRequestEntityTooLarge, "the delivery is too large")
			return
		}
		say(w, http.StatusBadRequest, "the delivery was cut off")
		return
	}
	hint, err := s.Webhook.Read(s.Secret, h.now(), r.Header, body)
	switch {
	case errors.Is(err, connectors.ErrHookStale):
		h.refuse(s, err)
		say(w, http.StatusBadRequest, err.Error())
	case err != nil:
		h.refuse(s, err)
		say(w, http.StatusUnauthorized, connectors.ErrHookForged.Error())
	case hint.Test:
		h.log.Info("webhook tried", "source", s.Name)
		say(w, http.StatusOK, "received")
	default:
		if s.fresh(hint.Delivery) {
			h.log.Debug("webhook", "source", s.Name, "event", hint.Event)
			s.Hint()
		}
		say(w, http.StatusOK, "received")
	}
}

// fresh reports whether a delivery is new, and remembers it in place of the oldest.
func (s *Source) fresh(delivery string) bool {
	key := sha256.Sum256([]byte(delivery))
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen[key] {
		return false
	}
	if len(s.order) == remembered {
		delete(s.seen, s.order[0])
		s.order = s.order[1:]
	}
	s.seen[key], s.order = true, append(s.order, key)
	return true
}

// refuse logs refused deliveries now and then: anybody can send them.
func (h *Handler) refuse(s *Source, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused++
	if now := h.now(); now.Sub(s.told).Abs() >= refusalsTold {
		h.log.Warn("webhook refused", "source", s.Name, "error", err, "deliveries", s.refused)
		s.told, s.refused = now, 0
	}
}

func say(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text+"\n")
}
