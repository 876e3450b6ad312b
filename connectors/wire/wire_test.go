package wire_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/connectors"
	"rollcall/connectors/wire"
)

const secret = "canary-3f9a1c77"

// transport answers requests in memory, so that tests may run in a bubble of
// fake time.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answer(status int, contentType, body string) *http.Response {
	h := http.Header{}
	if contentType != "" {
		h.Set("Content-Type", contentType)
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}
}

func newClient(t *testing.T, rt transport) *wire.Client {
	t.Helper()
	base, err := url.Parse("https://api.example.test/v1")
	if err != nil {
		t.Fatal(err)
	}
	return &wire.Client{
		Name: "hr", Base: base, HTTP: &http.Client{Transport: rt},
		Authorize: func(_ context.Context, r *http.Request) error {
			r.Header.Set("Authorization", "Bearer "+secret)
			return nil
		},
	}
}

var get = wire.Request{Op: "list people", Method: http.MethodGet, Path: "people"}

func TestStatusDecidesTheClass(t *testing.T) {
	for status, want := range map[int]connectors.Class{
		202: connectors.Transient, // not among those asked for
		302: connectors.Misconfigured,
		400: connectors.Invalid,
		401: connectors.Denied,
		403: connectors.Denied,
		404: connectors.Gone,
		408: connectors.Transient,
		409: connectors.Taken,
		410: connectors.Gone,
		422: connectors.Invalid,
		425: connectors.Transient,
		429: connectors.Throttled,
		500: connectors.Transient,
		503: connectors.Transient,
		529: connectors.Transient,
	} {
		c := newClient(t, func(*http.Request) (*http.Response, error) {
			return answer(status, "application/json", `{}`), nil
		})
		r := get
		r.OK = []int{200}
		_, err := c.Do(t.Context(), r)
		var e *connectors.Error
		if !errors.As(err, &e) {
			t.Fatalf("status %d: error is %T, want *connectors.Error", status, err)
		}
		if e.Class != want || e.Status != status {
			t.Errorf("status %d: class %v, status %d; want class %v", status, e.Class, e.Status, want)
		}
		if !strings.HasPrefix(err.Error(), fmt.Sprintf("hr: list people: %d", status)) {
			t.Errorf("status %d: text %q does not say operation and status", status, err)
		}
	}
}

func TestAnswerThatIsNotJSONIsAnErrorWhateverItsStatus(t *testing.T) {
	for _, tc := range []struct {
		contentType string
		ok          bool
	}{
		{"application/json", true},
		{"application/json; charset=utf-8", true},
		{"application/scim+json", true},
		{"APPLICATION/JSON", true},
		{"text/html; charset=utf-8", false},
		{"text/plain", false},
		{"", false},
		{"application/jsonp", false},
		{";", false},
	} {
		c := newClient(t, func(*http.Request) (*http.Response, error) {
			return answer(200, tc.contentType, `{"people":[]}`), nil
		})
		resp, err := c.Do(t.Context(), get)
		if tc.ok {
			if err != nil {
				t.Errorf("content type %q: %v", tc.contentType, err)
				continue
			}
			resp.Body.Close()
			continue
		}
		if connectors.ClassOf(err) != connectors.Transient {
			t.Errorf("content type %q: class %v (%v), want transient", tc.contentType, connectors.ClassOf(err), err)
		}
	}
}

func TestBodylessStatusNeedsNoContentType(t *testing.T) {
	c := newClient(t, func(*http.Request) (*http.Response, error) { return answer(204, "", ""), nil })
	into := "kept"
	resp, err := c.JSON(t.Context(), get, &into)
	if err != nil {
		t.Fatal(err)
	}
	if resp.Status != 204 || into != "kept" {
		t.Errorf("got status %d and %q, want 204 and the value untouched", resp.Status, into)
	}
}

func TestRequestCarriesWhatWasAsked(t *testing.T) {
	var got []string
	c := newClient(t, func(r *http.Request) (*http.Response, error) {
		payload := ""
		if r.Body != nil {
			raw, _ := io.ReadAll(r.Body)
			payload = string(raw)
		}
		got = append(got, fmt.Sprintf("%s %s accept=%s type=%s tenant=%s agent=%s body=%s", r.Method, r.URL, r.Header.Get("Accept"),
			r.Header.Get("Content-Type"), r.Header.Get("X-Tenant"), r.Header.Get("User-Agent"), payload))
		return answer(200, "application/json", `{}`), nil
	})
	c.Header = http.Header{"x-tenant": {"7"}}
	for _, r := range []wire.Request{
		{Op: "a", Method: "GET", Path: "/people/" + url.PathEscape("a/b c"), Query: url.Values{"q": {"x y"}}},
		{Op: "b", Method: "GET", RawQuery: "paging=0,100&fields=a[b]", Header: http.Header{"X-Tenant": {"8"}}},
		{Op: "c", Method: "POST", Path: "people", Body: map[string]int{"n": 1}},
		{Op: "d", Method: "PATCH", Path: "people", Body: []int{}, ContentType: "application/scim+json"},
		{Op: "e", Method: "POST", Path: "token", Body: url.Values{"grant_type": {"client_credentials"}}},
	} {
		if _, err := c.JSON(t.Context(), r, &struct{}{}); err != nil && r.Op != "d" {
			t.Fatal(err)
		}
	}
	want := []string{
		"GET https://api.example.test/v1/people/a%2Fb%20c?q=x+y accept=application/json type= tenant=7 agent=rollcall body=",
		"GET https://api.example.test/v1?paging=0,100&fields=a[b] accept=application/json type= tenant=8 agent=rollcall body=",
		`POST https://api.example.test/v1/people accept=application/json type=application/json tenant=7 agent=rollcall body={"n":1}`,
		"PATCH https://api.example.test/v1/people accept=application/json type=application/scim+json tenant=7 agent=rollcall body=[]",
		"POST https://api.example.test/v1/token accept=application/json type=application/x-www-form-urlencoded tenant=7 agent=rollcall body=grant_type=client_credentials",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("requests (-want +got):\n%s", d)
	}
}

func TestJSONKeepsNumbersAndRefusesAnythingButOneValue(t *testing.T) {
	for _, tc := range []struct{ body, want, err string }{
		{`{"id":3512908837467217155}`, "3512908837467217155", ""},
		{" {\"id\":1}\n ", "1", ""},
		{`{"id":1}{"id":2}`, "", "not the documented JSON near byte"},
		{`{"id":1}]`, "", "not the documented JSON near byte"},
		{`{"id":1`, "", "cut off after byte"},
		{``, "", "cut off after byte"},
		{`<html>`, "", "not the documented JSON near byte"},
	} {
		c := newClient(t, func(*http.Request) (*http.Response, error) { return answer(200, "application/json", tc.body), nil })
		var got struct{ ID any }
		_, err := c.JSON(t.Context(), get, &got)
		if tc.err == "" {
			if n, ok := got.ID.(json.Number); err != nil || !ok || n.String() != tc.want {
				t.Errorf("%s: got %v (%T), %v; want %s exactly", tc.body, got.ID, got.ID, err, tc.want)
			}
			continue
		}
		if connectors.ClassOf(err) != connectors.Transient || !strings.Contains(err.Error(), tc.err) {
			t.Errorf("%q: got %v, want a transient error with %q", tc.body, err, tc.err)
		}
	}
}

func TestBodyOverTheCapIsAnErrorNotATruncation(t *testing.T) {
	const body = `{"a":"0123456789"}`
	for _, tc := range []struct {
		limit int64
		ok    bool
	}{{int64(len(body)), true}, {int64(len(body)) - 1, false}, {1, false}} {
		c := newClient(t, func(*http.Request) (*http.Response, error) { return answer(200, "application/json", body), nil })
		c.MaxBody = tc.limit
		resp, err := c.Do(t.Context(), get)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(resp.Body)
		if tc.ok && (err != nil || string(raw) != body) {
			t.Errorf("cap %d: got %q, %v; want the whole body", tc.limit, raw, err)
		}
		if !tc.ok && (connectors.ClassOf(err) != connectors.Transient || !strings.Contains(err.Error(), "larger than") || int64(len(raw)) != tc.limit) {
			t.Errorf("cap %d: got %d bytes and %v, want the cap and an error", tc.limit, len(raw), err)
		}
		if _, again := resp.Body.Read(make([]byte, 1)); !errors.Is(again, err) && again != io.EOF {
			t.Errorf("cap %d: the second Read says %v, the first said %v", tc.limit, again, err)
		}
		resp.Body.Close()
	}
}

// drip is a body that gives one byte per delay, then hangs until closed.
type drip struct {
	ctx   context.Context
	delay time.Duration
	left  int
}

func (d *drip) Read(p []byte) (int, error) {
	wait := d.delay
	if d.left == 0 {
		wait = 1000 * time.Hour
	}
	select {
	case <-d.ctx.Done():
		return 0, d.ctx.Err()
	case <-time.After(wait):
	}
	d.left--
	p[0] = ' '
	return 1, nil
}

func (d *drip) Close() error { return nil }

func TestLateAnswersEndInTransientErrors(t *testing.T) {
	hang := func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	dripping := func(delay time.Duration, left int) transport {
		return func(r *http.Request) (*http.Response, error) {
			resp := answer(200, "application/json", "")
			resp.Body = &drip{ctx: r.Context(), delay: delay, left: left}
			return resp, nil
		}
	}
	for _, tc := range []struct {
		name           string
		rt             transport
		timeout, stall time.Duration
		after          time.Duration
		says           string
	}{
		{"no header", hang, 0, 0, 60 * time.Second, "no complete answer within 1m0s"},
		{"no header, stall limit", hang, time.Hour, 2 * time.Minute, 2 * time.Minute, "nothing received for 2m0s"},
		{"slow body", dripping(time.Second, 1000), 10 * time.Second, 0, 10 * time.Second, "no complete answer within 10s"},
		{"body stalls", dripping(time.Second, 3), time.Hour, 5 * time.Second, 8 * time.Second, "nothing received for 5s"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newClient(t, tc.rt)
				c.Timeout, c.Stall = tc.timeout, tc.stall
				start := time.Now()
				_, err := c.JSON(t.Context(), get, new(any))
				if connectors.ClassOf(err) != connectors.Transient || !strings.Contains(err.Error(), tc.says) {
					t.Errorf("got %v, want a transient error saying %q", err, tc.says)
				}
				if errors.Is(err, context.Canceled) {
					t.Error("a timeout of ours looks like the caller's cancellation")
				}
				if got := time.Since(start); got != tc.after {
					t.Errorf("ended after %v, want %v", got, tc.after)
				}
			})
		})
	}
}

// whileAlive reads until its context ends, as a connection does.
type whileAlive struct {
	ctx  context.Context
	from io.Reader
}

func (w whileAlive) Read(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.from.Read(p)
}

func TestTimeTheCallerTakesDoesNotCountAsAStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, func(r *http.Request) (*http.Response, error) {
			resp := answer(200, "application/json", "")
			resp.Body = io.NopCloser(io.MultiReader(strings.NewReader("["), whileAlive{r.Context(), strings.NewReader("]")}))
			return resp, nil
		})
		c.Timeout, c.Stall = time.Hour, time.Second
		resp, err := c.Do(t.Context(), get)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		time.Sleep(10 * time.Second)
		if _, err := io.ReadFull(resp.Body, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		if raw, err := io.ReadAll(resp.Body); string(raw) != "]" || err != nil {
			t.Errorf("got %q, %v; want the rest of the body", raw, err)
		}
	})
}

func TestCallersCancellationIsReturnedWrapped(t *testing.T) {
	for _, where := range []string{"header", "body", "limiter"} {
		synctest.Test(t, func(t *testing.T) {
			c := newClient(t, func(r *http.Request) (*http.Response, error) {
				if where == "header" {
					<-r.Context().Done()
					return nil, r.Context().Err()
				}
				resp := answer(200, "application/json", "")
				resp.Body = &drip{ctx: r.Context()}
				return resp, nil
			})
			if where == "limiter" {
				c.Limiter = wire.NewLimiter(1, time.Hour)
				c.Limiter.TryTake(time.Now())
			}
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			start := time.Now()
			_, err := c.JSON(ctx, get, new(any))
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%s: got %v, want context.Canceled in the chain", where, err)
			}
			if took := time.Since(start); took != time.Second {
				t.Errorf("%s: returned after %v, want 1s", where, took)
			}
		})
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	var elsewhere, here int
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { elsewhere++ }))
	defer other.Close()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		here++
		http.Redirect(w, r, other.URL+"/login?token="+secret, http.StatusTemporaryRedirect)
	}))
	defer srv.Close()
	base, _ := url.Parse(srv.URL)
	c := &wire.Client{Name: "hr", Base: base, HTTP: srv.Client()}
	_, err := c.Do(t.Context(), wire.Request{Op: "search", Method: "POST", Body: 1})
	if connectors.ClassOf(err) != connectors.Misconfigured || elsewhere != 0 || here != 1 {
		t.Errorf("got %v, %d requests here, %d elsewhere; want misconfigured, 1, 0", err, here, elsewhere)
	}
	if strings.Contains(err.Error(), secret) {
		t.Errorf("the error shows the query of the redirect: %v", err)
	}
}

func TestBrokenConnectionIsTransient(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", "1000")
		io.WriteString(w, `{"people":[`)
		panic(http.ErrAbortHandler)
	}))
	defer srv.Close()
	base, _ := url.Parse(srv.URL)
	c := &wire.Client{Name: "hr", Base: base, HTTP: srv.Client()}
	_, err := c.JSON(t.Context(), get, new(any))
	if connectors.ClassOf(err) != connectors.Transient || errors.Is(err, io.EOF) {
		t.Errorf("got %v, want a transient error that is not the end of a file", err)
	}

	srv.Close()
	_, err = c.JSON(t.Context(), get, new(any))
	var e *connectors.Error
	if !errors.As(err, &e) || e.Class != connectors.Transient || e.Next == "" {
		t.Errorf("nobody listens: got %v, want a transient error with a next step", err)
	}
}

func TestErrorsHoldNoSecretAndNoAddress(t *testing.T) {
	leak := `{"error":"token ` + secret + ` of ada@example.test is bad\u001b[31m\u202e","q":"hunter22"}`
	describe := func(_ int, body []byte) string {
		var m struct{ Error string }
		_ = json.Unmarshal(body, &m)
		return m.Error
	}
	for name, rt := range map[string]transport{
		"refusal":   func(*http.Request) (*http.Response, error) { return answer(400, "application/json", leak), nil },
		"web page":  func(*http.Request) (*http.Response, error) { return answer(200, "text/html; x="+secret, leak), nil },
		"bad JSON":  func(*http.Request) (*http.Response, error) { return answer(200, "application/json", secret), nil },
		"transport": func(*http.Request) (*http.Response, error) { return nil, errors.New("dial " + secret) },
	} {
		c := newClient(t, rt)
		c.Describe = describe
		r := get
		r.Query = url.Values{"key": {secret}, "who": {"ada@example.test"}}
		_, err := c.JSON(t.Context(), r, new(map[string]any))
		if err == nil {
			t.Fatalf("%s: no error", name)
		}
		for _, bad := range []string{secret, "ada@", "hunter22", "\u001b", "\u202e"} {
			if strings.Contains(err.Error(), bad) {
				t.Errorf("%s: %q is in the error %q", name, bad, err)
			}
		}
	}
}

func TestDescribedSentenceIsShownAndCut(t *testing.T) {
	c := newClient(t, func(*http.Request) (*http.Response, error) { return answer(403, "application/json", `{}`), nil })
	c.Describe = func(int, []byte) string { return "no permissions to read\nlifecycle" }
	_, err := c.Do(t.Context(), get)
	if got, want := err.Error(), "hr: list people: 403 Forbidden: no permissions to read lifecycle"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	c.Describe = func(int, []byte) string { return strings.Repeat("é", 500) }
	_, err = c.Do(t.Context(), get)
	if n := strings.Count(err.Error(), "é"); n != 199 {
		t.Errorf("%d characters of the sentence are shown, want 199 and an ellipsis", n)
	}
}

func TestErrorOfAuthorizeKeepsItsClass(t *testing.T) {
	c := newClient(t, func(*http.Request) (*http.Response, error) {
		t.Error("the request was sent without credentials")
		return answer(200, "application/json", `{}`), nil
	})
	c.Authorize = func(context.Context, *http.Request) error {
		return &connectors.Error{Class: connectors.Denied, Op: "hr: get token"}
	}
	if _, err := c.Do(t.Context(), get); connectors.ClassOf(err) != connectors.Denied {
		t.Errorf("got %v, want the denied error of Authorize", err)
	}
	c.Authorize = func(context.Context, *http.Request) error { return errors.New(secret) }
	if _, err := c.Do(t.Context(), get); err == nil || strings.Contains(err.Error(), secret) {
		t.Errorf("got %v, want an error without the text of Authorize's own", err)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	header := func(kv ...string) http.Header {
		h := http.Header{}
		for i := 0; i < len(kv); i += 2 {
			h.Set(kv[i], kv[i+1])
		}
		return h
	}
	for _, tc := range []struct {
		name string
		h    http.Header
		want time.Time
	}{
		{"nothing", header(), time.Time{}},
		{"seconds", header("Retry-After", "120"), now.Add(2 * time.Minute)},
		{"zero seconds", header("Retry-After", "0"), now},
		{"date", header("Retry-After", "Sun, 22 Nov 2026 10:00:30 GMT"), now.Add(30 * time.Second)},
		{"past date", header("Retry-After", "Sun, 22 Nov 2026 09:00:30 GMT"), now},
		{"nonsense", header("Retry-After", "soon"), time.Time{}},
		{"negative", header("Retry-After", "-5"), time.Time{}},
		{"reset as Unix seconds", header("X-RateLimit-Reset", "1795341660"), time.Unix(1795341660, 0)},
		{"reset as a delay", header("X-RateLimit-Reset", "45"), now.Add(45 * time.Second)},
		{"Retry-After wins", header("Retry-After", "5", "X-RateLimit-Reset", "45"), now.Add(5 * time.Second)},
		{"unusable Retry-After, usable reset", header("Retry-After", "x", "X-RateLimit-Reset", "45"), now.Add(45 * time.Second)},
		{"absurd", header("Retry-After", "4000000000"), now.Add(24 * time.Hour)},
		{"too large for a number", header("Retry-After", "99999999999999999999999"), time.Time{}},
	} {
		if got := wire.RetryAfter(tc.h, now); !got.Equal(tc.want) {
			t.Errorf("%s: got %v, want %v", tc.name, got, tc.want)
		}
	}
}

func TestThrottledAnswerSaysWhen(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	c := newClient(t, func(*http.Request) (*http.Response, error) {
		resp := answer(429, "text/html", "slow down")
		resp.Header.Set("Retry-After", "30")
		return resp, nil
	})
	c.Now = func() time.Time { return now }
	_, err := c.Do(t.Context(), get)
	if got := connectors.RetryAt(err); !got.Equal(now.Add(30 * time.Second)) {
		t.Errorf("RetryAt is %v, want 30 s from now", got)
	}
}
