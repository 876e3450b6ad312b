package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

const (
	connections = 64
	samples     = 300 // single requests that are timed
)

// sender is a SCIM client of the appliance.
type sender struct {
	base   string
	http   *http.Client
	tokens []string
}

func (s *sender) call(i int, method, path string, body []byte) (int, []byte, error) {
	req, err := http.NewRequest(method, s.base+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+s.tokens[i%len(s.tokens)])
	req.Header.Set("Content-Type", "application/scim+json")
	resp, err := s.http.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	return resp.StatusCode, raw, err
}

// want is call, and an error unless the status is the one wanted.
func (s *sender) want(status, i int, method, path string, body []byte) ([]byte, error) {
	got, raw, err := s.call(i, method, path, body)
	if err == nil && got != status {
		err = fmt.Errorf("%s %s: %d, not %d: %s", method, path, got, status, raw)
	}
	return raw, err
}

// senders loads as many users over SCIM as HiBob has people, each the same human
// as one of them, and times single requests then.
func (w *world) senders(ctx context.Context) error {
	if !w.o.SCIM {
		return nil
	}
	w.say("SCIM users")
	s := &sender{base: w.d.scim + "/scim/v2", http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections}}}
	w.sender = s
	for range connections {
		t, err := w.d.CreateToken(ctx, "okta", "bench", 0)
		if err != nil {
			return err
		}
		s.tokens = append(s.tokens, t.Token)
	}
	if _, err := w.d.Activate(ctx, "okta"); err != nil {
		return err
	}
	if w.o.NoHR && !w.o.Deliver {
		if err := w.d.SetLane(ctx, "javelo", "paused"); err != nil {
			return err
		}
	}
	logins, err := w.logins()
	if err != nil {
		return err
	}
	took, err := timed(func() error { return s.load(logins) })
	if err != nil {
		return err
	}
	w.r.Creates = float64(len(logins)) / took
	if err := w.d.Wait(ctx, nil); err != nil {
		return err
	}
	if w.r.SCIMRead, w.r.SCIMWrite, err = s.single(logins); err != nil {
		return err
	}
	if w.o.Deliver {
		if w.r.OktaJavelo, err = w.latency(s); err != nil {
			return err
		}
	}
	if w.r.MemoryAfter, err = w.d.memory(); err != nil || !w.o.NoHR {
		return err
	}
	w.r.MemoryService = w.r.MemoryAfter
	w.r.DatabaseBytes, err = w.databaseBytes()
	return err
}

// logins are the addresses of the people in HiBob's answer, or of as many others.
func (w *world) logins() ([]string, error) {
	out := make([]string, 0, w.r.People)
	if w.hibob == nil {
		for i := range w.r.People {
			out = append(out, fmt.Sprintf("person%07d@halcyon-atelier.example", i*7919%w.r.People)) // in no order
		}
		return out, nil
	}
	var buf []byte
	for i := range w.r.People {
		buf = append(buf[:0], make([]byte, w.hibob.starts[i+1]-w.hibob.starts[i])...)
		if _, err := w.hibob.file.ReadAt(buf, w.hibob.starts[i]); err != nil {
			return nil, err
		}
		var e struct{ Email string }
		if err := json.Unmarshal(buf, &e); err != nil {
			return nil, err
		}
		out = append(out, e.Email)
	}
	return out, nil
}

// user is a user as Okta posts it.
func user(login, given, family string) []byte {
	raw, err := json.Marshal(map[string]any{
		"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:User"}, "userName": login, "externalId": "00u" + login,
		"name": map[string]string{"givenName": given, "familyName": family}, "displayName": given + " " + family, "title": "Analyst",
		"emails": []map[string]any{{"primary": true, "value": login, "type": "work"}}, "locale": "en-US", "groups": []any{}, "active": true})
	if err != nil {
		panic("bench: a user that cannot be encoded: " + err.Error()) // only texts are in it
	}
	return raw
}

// load creates a user for each login, over as many connections as there are tokens.
func (s *sender) load(logins []string) error {
	var next atomic.Int64
	var wg sync.WaitGroup
	failed := make(chan error, connections)
	for range connections {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(logins); i = int(next.Add(1)) - 1 {
				if _, err := s.want(http.StatusCreated, i, http.MethodPost, "/Users", user(logins[i], "Given "+strconv.Itoa(i%911), "Family "+strconv.Itoa(i/911))); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	wg.Wait()
	close(failed)
	var errs []error
	for err := range failed {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// single times filtered reads and writes, one at a time, spread over everybody, and
// returns the medians in seconds.
func (s *sender) single(logins []string) (read, write float64, err error) {
	var reads, writes []time.Duration
	for i := range samples {
		login := logins[i*7919%len(logins)]
		path := "/Users?filter=" + url.QueryEscape("userName eq "+strconv.Quote(login)) + "&startIndex=1&count=100"
		begun := time.Now()
		raw, err := s.want(http.StatusOK, i, http.MethodGet, path, nil)
		if err != nil {
			return 0, 0, err
		}
		reads = append(reads, time.Since(begun))
		var list struct{ Resources []struct{ ID string } }
		if err := json.Unmarshal(raw, &list); err != nil || len(list.Resources) != 1 {
			return 0, 0, fmt.Errorf("the filter found %d users for %s (%v)", len(list.Resources), login, err)
		}
		patch := fmt.Appendf(nil, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","value":{"title":"Title %d"}}]}`, i)
		begun = time.Now()
		if _, err := s.want(http.StatusOK, i, http.MethodPatch, "/Users/"+list.Resources[0].ID, patch); err != nil {
			return 0, 0, err
		}
		writes = append(writes, time.Since(begun))
	}
	return median(reads), median(writes), nil
}

// latency is the time from a sender's POST to the one at the target, the appliance
// being idle otherwise: the median of twenty.
func (w *world) latency(s *sender) (float64, error) {
	var all []time.Duration
	for i := range 20 {
		login := fmt.Sprintf("newcomer%d@halcyon-atelier.example", i)
		w.target.wait(login)
		begun := time.Now()
		if _, err := s.want(http.StatusCreated, i, http.MethodPost, "/Users", user(login, "New"+string(rune('a'+i)), "Comer")); err != nil {
			return 0, err
		}
		select {
		case at := <-w.target.arrived:
			all = append(all, at.Sub(begun))
		case <-time.After(time.Minute):
			return 0, errors.New("a user who was created never reached the target")
		}
	}
	return median(all), nil
}

func median(d []time.Duration) float64 {
	slices.Sort(d)
	return d[len(d)/2].Seconds()
}
