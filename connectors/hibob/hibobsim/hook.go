package hibobsim

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"time"
)

// Hook is where a tenant sends its webhooks, second version.
type Hook struct {
	URL, Secret string
	Client      *http.Client // nil: http.DefaultClient
}

// Send tells of an event ("employee.updated") that concerns the employee with the
// given index, and returns the status of the answer. Values are not part of it;
// the key that lists the updated fields is unverified.
func (s *Sim) Send(ctx context.Context, h Hook, event string, index int, fields ...string) (status int, err error) {
	type update struct {
		ID string `json:"id"`
	}
	updates := []update{}
	for _, f := range fields {
		updates = append(updates, update{f})
	}
	raw, err := json.Marshal(map[string]any{
		"companyId": CompanyID, "type": event, "triggeredBy": "system", "version": "v2",
		// Without a zone, as observed.
		"triggeredAt": s.opts.Now().UTC().Format("2006-01-02T15:04:05.000000"),
		"data":        map[string]any{"employeeId": s.ID(index), "fieldUpdates": updates},
	})
	if err != nil {
		return 0, err
	}
	return h.post(ctx, raw)
}

// Ping tries the address as HiBob's settings page does: with a plain string, and
// then with the same in an object. It returns the first status that is not 200.
func (h Hook) Ping(ctx context.Context) (status int, err error) {
	for _, body := range []string{`Ping test`, `{"text":"Ping test"}`} {
		if status, err = h.post(ctx, []byte(body)); err != nil || status != http.StatusOK {
			return status, err
		}
	}
	return status, nil
}

func (h Hook) post(ctx context.Context, raw []byte) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL, bytes.NewReader(raw))
	if err != nil {
		return 0, err
	}
	mac := hmac.New(sha512.New, []byte(h.Secret))
	mac.Write(raw)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Bob-Signature", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	client := h.Client
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(r)
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}
