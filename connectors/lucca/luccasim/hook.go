package luccasim

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// Hook is a webhook endpoint of a tenant (new API).
type Hook struct {
	URL, Secret string
	Client      *http.Client     // nil: http.DefaultClient
	Now         func() time.Time // nil: time.Now
}

// Activate asks the address to repeat a value, as Lucca does before it sends
// anything there.
func (h Hook) Activate(ctx context.Context) error {
	const value = "4d2c8f0e-5b1a-4c0e-9c1f-6f7a2b3c4d5e"
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, h.URL+"?echo="+url.QueryEscape(value), nil)
	if err != nil {
		return err
	}
	resp, err := h.client().Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 1024))
	if err != nil || resp.StatusCode != http.StatusOK || string(raw) != value {
		return fmt.Errorf("the address answers %d and does not repeat the value", resp.StatusCode)
	}
	return nil
}

// Send tells of an event on a topic ("employee.updated") and returns the status of
// the answer; 404 and 410 would suspend the endpoint.
func (h Hook) Send(ctx context.Context, id, topic, employee string) (status int, err error) {
	raw, err := json.Marshal(map[string]any{
		"id": id, "type": "event", "apiVersion": "2024-11-01", "topic": topic, "occurredAt": h.now().UTC().Format(time.RFC3339),
		"source": map[string]any{"id": employee, "type": "employee"}, "data": map[string]any{"id": employee, "type": "employee"}, "previousAttributes": map[string]any{},
	})
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second) // Lucca waits no longer
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL, bytes.NewReader(raw))
	if err != nil {
		return 0, err
	}
	stamp := h.now().UTC().Format(time.RFC3339)
	mac := hmac.New(sha256.New, []byte(h.Secret))
	mac.Write([]byte(stamp + "."))
	mac.Write(raw)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Lucca-Timestamp", stamp)
	r.Header.Set("Lucca-Signature", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	resp, err := h.client().Do(r)
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}

func (h Hook) client() *http.Client {
	if h.Client == nil {
		return http.DefaultClient
	}
	return h.Client
}

func (h Hook) now() time.Time {
	if h.Now == nil {
		return time.Now()
	}
	return h.Now()
}
