package adpsim

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"rollcall/connectors/simdial"
)

// FaultKind is what goes wrong instead of an ordinary answer.
type FaultKind int

const (
	NoFault   FaultKind = iota
	Status              // the status in Fault.Status, wrapped as ADP wraps errors
	HTML                // 200 with a web page, as from a gateway
	Hang                // no answer until the client gives up or Heal is called
	Truncated           // a body that ends in the middle
)

// Fault is one trouble to come.
type Fault = simdial.Fault[FaultKind]

// strike gives the whole answer of a fault that replaces the ordinary one.
func strike(f Fault, w http.ResponseWriter, r *http.Request, healed <-chan struct{}) {
	switch f.Kind {
	case Status:
		refuse(w, r, f.Status, http.StatusText(f.Status))
	case HTML:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Write([]byte("<!doctype html><title>Sign in</title><p>Your session has expired."))
	case Hang:
		select {
		case <-r.Context().Done():
		case <-healed:
		}
		panic(http.ErrAbortHandler)
	case Truncated:
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", "4096")
		w.Write([]byte(`{"workers":[{"associateOID":"G3SIM0000`))
		panic(http.ErrAbortHandler)
	}
}

// refuse writes an error in the wrapper of ADP's API.
func refuse(w http.ResponseWriter, r *http.Request, status int, text string) {
	id := strings.TrimPrefix(r.URL.Path, "/")
	coded := strconv.Itoa(status)
	writeJSON(w, status, map[string]any{"confirmMessage": map[string]any{
		"confirmMessageID":   map[string]any{"idValue": "45221C70-0000-4000-8000-8C45A744E12A", "schemeName": "confirmMessageID", "schemeAgencyName": "WFN"},
		"protocolStatusCode": map[string]any{"codeValue": coded, "shortName": coded},
		"requestStatusCode":  map[string]any{"codeValue": "failed"},
		"requestMethodCode":  map[string]any{"codeValue": r.Method},
		"requestLink":        map[string]any{"href": r.URL.Path, "rel": "related", "method": r.Method},
		"processMessages":    []any{},
		"resourceMessages": []any{map[string]any{
			"resourceMessageID": map[string]any{"idValue": id, "schemeName": "resourceMessageID", "schemeAgencyName": "WFN"},
			"processMessages": []any{map[string]any{
				"resourceStatusCode": map[string]any{"codeValue": "error"}, "userMessage": map[string]any{"messageTxt": text},
			}},
		}},
	}})
}

// noCertificate is the answer of ADP's gateway, in its own wrapper. Others see the
// handshake fail instead.
func noCertificate(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, http.StatusUnauthorized, map[string]any{"response": map[string]any{
		"responseCode": 401, "methodCode": r.Method, "resourceUri": map[string]any{"href": r.URL.Path}, "serverRequestDateTime": "",
		"applicationCode": map[string]any{"code": 401, "typeCode": "error", "message": "Request did not authenticate because a proper client SSL certificate was not presented"},
	}})
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	raw, err := json.Marshal(body)
	if err != nil {
		status, raw = http.StatusInternalServerError, []byte(`{}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(raw)))
	w.WriteHeader(status)
	w.Write(raw)
}
