package adpsim

import (
	"net/http"
	"time"
)

const eventsPath = "/core/v1/event-notification-messages"

// message is one event notification. The name of the header that carries its id
// is not documented in one spelling (unverified).
type message struct {
	id   string
	body map[string]any
}

const messageHeader = "ADP-MSG-MSGID"

// Post puts an event into the queue: "worker.hire", "worker.terminate" and so on,
// about the worker of a cast index.
func (s *Sim) Post(name string, index int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.posted++
	worker := map[string]any{"associateOID": s.oidOf(index)}
	at := s.opts.Now().UTC()
	s.queue = append(s.queue, message{
		id: "6dd3f0a2_sim_" + number(s.posted, 1),
		body: map[string]any{"events": []any{map[string]any{
			"eventID":             "b1f1d7c2-0000-4000-8000-" + number(s.posted, 12),
			"serviceCategoryCode": code("hr", ""), "eventNameCode": code(name, ""), "eventStatusCode": code("Complete", ""),
			"creationDateTime": at.Format(time.RFC3339), "effectiveDateTime": at.Format(time.DateOnly) + "T00:00:00Z",
			"data": map[string]any{"eventContext": map[string]any{"worker": worker}, "output": map[string]any{"worker": worker}},
		}}},
	})
}

// events answers the queue. Only its head is visible: a message that is never
// deleted blocks those behind it.
func (s *Sim) events(w http.ResponseWriter, r *http.Request, id string) {
	switch {
	case r.Method == http.MethodGet && id == "" && len(s.queue) == 0:
		w.Header().Set("Content-Length", "0")
		w.WriteHeader(http.StatusNoContent)
	case r.Method == http.MethodGet && id == "":
		w.Header().Set(messageHeader, s.queue[0].id)
		writeJSON(w, http.StatusOK, s.queue[0].body)
	case r.Method == http.MethodDelete && len(s.queue) > 0 && id == s.queue[0].id:
		s.queue = s.queue[1:]
		w.WriteHeader(http.StatusOK)
	default:
		refuse(w, r, http.StatusNotFound, "Not found")
	}
}
