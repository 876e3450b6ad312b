package connectortest

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"rollcall/connectors"
)

// under reads the company while the service makes trouble.
func under(t testing.TB, s SourceSuite, tr func(n int) trouble) (*stage, reading) {
	st := open(t, s, s.company())
	st.gate.set(tr)
	return st, read(t.Context(), st.source(t), "")
}

// refuses says how a read that met a fault fails to be an error.
func refuses(r reading, what string) error {
	switch {
	case r.complete():
		return violation("%s: the read claims to be complete, with %d people", what, len(r.people()))
	case r.err == nil:
		return violation("%s: the read ends after %d pages without an error", what, len(r.pages))
	case r.more:
		return violation("%s: something is yielded after the error", what)
	}
	return nil
}

// requestsOfARead counts the listing requests of an undisturbed read.
func requestsOfARead(t testing.TB, s SourceSuite) (int, error) {
	st, r := under(t, s, nil)
	if r.err != nil {
		return 0, violation("a read of a healthy service ends in: %v", r.err)
	}
	return st.gate.seen(), nil
}

// ends returns the first and the last of the listing requests of a read.
func ends(last int) []int {
	if last > 1 {
		return []int{1, last}
	}
	return []int{1}
}

func throttledSaysWhen(t testing.TB, s SourceSuite) error {
	now := time.Now()
	for _, tc := range []struct {
		what   string
		header []string
		want   time.Time
	}{
		{"429 with Retry-After in seconds", []string{"Retry-After", "90"}, now.Add(90 * time.Second)},
		{"429 with Retry-After as a date", []string{"Retry-After", now.Add(90 * time.Second).UTC().Format(http.TimeFormat)}, now.Add(90 * time.Second)},
		{"429 that does not say when", nil, time.Time{}},
	} {
		st, r := under(t, s, always(unseen(answering(http.StatusTooManyRequests, typeJSON, `{}`, tc.header...))))
		if err := refuses(r, tc.what); err != nil {
			return err
		}
		if c := connectors.ClassOf(r.err); c != connectors.Throttled {
			return violation("%s: class %v, want throttled: %v", tc.what, c, r.err)
		}
		at := connectors.RetryAt(r.err)
		if tc.want.IsZero() && !at.IsZero() {
			return violation("%s: RetryAt is %v, want zero: the caller decides", tc.what, at)
		}
		// A date has whole seconds, and the seconds count from when the answer came.
		if off := at.Sub(tc.want); !tc.want.IsZero() && (off < -2*time.Second || off > 30*time.Second) {
			return violation("%s: RetryAt is %v away from what was asked for", tc.what, off)
		}
		if n := st.gate.seen(); n != 1 {
			return violation("%s: %d requests, want 1: the caller waits, not the source", tc.what, n)
		}
	}
	return nil
}

func deniedIsNotRetried(t testing.TB, s SourceSuite) error {
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden} {
		for _, body := range []fault{answering(status, typeJSON, `{}`), answering(status, typeHTML, webPage), answering(status, "", "")} {
			what := strconv.Itoa(status)
			st, r := under(t, s, always(unseen(body)))
			if err := refuses(r, what); err != nil {
				return err
			}
			if c := connectors.ClassOf(r.err); c != connectors.Denied {
				return violation("%s: class %v, want denied: %v", what, c, r.err)
			}
			if n := st.gate.seen(); n != 1 {
				return violation("%s: %d requests, want exactly 1", what, n)
			}
		}
	}
	return nil
}

func webPageIsAnError(t testing.TB, s SourceSuite) error {
	last, err := requestsOfARead(t, s)
	if err != nil {
		return err
	}
	for _, k := range ends(last) {
		_, r := under(t, s, only(k, unseen(answering(http.StatusOK, typeHTML, webPage))))
		if err := refuses(r, "a web page as answer to listing request "+strconv.Itoa(k)); err != nil {
			return err
		}
	}
	// Some gateways label their page as JSON.
	_, r := under(t, s, always(unseen(answering(http.StatusOK, typeJSON, webPage))))
	return refuses(r, "a web page that is labelled as JSON")
}

func serverErrorsAreTransient(t testing.TB, s SourceSuite) error {
	for _, status := range []int{500, 502, 503, 504} {
		what := strconv.Itoa(status)
		st, r := under(t, s, always(unseen(answering(status, typeHTML, webPage))))
		if err := refuses(r, what); err != nil {
			return err
		}
		if c := connectors.ClassOf(r.err); c != connectors.Transient {
			return violation("%s: class %v, want transient: %v", what, c, r.err)
		}
		if n := st.gate.seen(); n != 1 {
			return violation("%s: %d requests, want 1: the caller retries, not the source", what, n)
		}
	}
	return nil
}

func otherJSONIsAnError(t testing.TB, s SourceSuite) error {
	last, err := requestsOfARead(t, s)
	if err != nil {
		return err
	}
	for _, body := range []string{`{}`, `null`, `"maintenance"`, `7`, `{"error":"maintenance"}`, `[[]]`, `[7]`, ``} {
		for _, k := range ends(last) {
			_, r := under(t, s, only(k, unseen(answering(http.StatusOK, typeJSON, body))))
			if err := refuses(r, "the answer to listing request "+strconv.Itoa(k)+" is "+strconv.Quote(body)); err != nil {
				return err
			}
		}
	}
	return nil
}

func cutOffBodyIsNeverComplete(t testing.TB, s SourceSuite) error {
	last, err := requestsOfARead(t, s)
	if err != nil {
		return err
	}
	for _, k := range ends(last) {
		where := " of the answer to listing request " + strconv.Itoa(k)
		for what, f := range map[string]fault{
			"half":              cutBody(false),
			"all but one byte":  cutBody(true),
			"a broken off half": cutConnection,
		} {
			st := open(t, s, s.company())
			empty := false
			st.gate.set(only(k, applied(func(w http.ResponseWriter, r *http.Request, own *recorder) {
				// A listing may end with an answer without a body: nothing to cut.
				if empty = own.Body.Len() == 0; empty {
					w.WriteHeader(own.Code)
					return
				}
				f(w, r, own)
			})))
			r := read(t.Context(), st.source(t), "")
			if empty {
				continue
			}
			if err := refuses(r, what+where); err != nil {
				return err
			}
		}
	}
	return nil
}

// floodLimit is how much of an endless answer the suite offers.
const floodLimit = 192 << 20

func endlessBodyIsCutOff(t testing.TB, s SourceSuite) error {
	for _, inString := range []bool{true, false} {
		var mu sync.Mutex
		var sent int64
		_, r := under(t, s, always(applied(flood(inString, floodLimit, &sent, &mu))))
		what := "an answer that does not end, in white space"
		if inString {
			what = "an answer that does not end, in a string"
		}
		if err := refuses(r, what); err != nil {
			return err
		}
		mu.Lock()
		n := sent
		mu.Unlock()
		if n >= floodLimit {
			return violation("%s: all of %d bytes were read", what, n)
		}
	}
	return nil
}

func repeatedPageIsAnError(t testing.TB, s SourceSuite) error {
	last, err := requestsOfARead(t, s)
	if err != nil {
		return err
	}
	for k := 1; k <= 2 && k < last; k++ {
		st := open(t, s, s.company())
		st.gate.set(st.gate.replay(k))
		r := read(t.Context(), st.source(t), "")
		if err := refuses(r, "every listing request from number "+strconv.Itoa(k)+" gets the same answer"); err != nil {
			return err
		}
		if n := st.gate.seen(); n > 3*last+3 {
			return violation("%d requests were sent before the repetition was noticed; an undisturbed read needs %d", n, last)
		}
	}
	return nil
}

// prompt is how long a cancelled read may take to return.
const prompt = 5 * time.Second

func cancellationIsPrompt(t testing.TB, s SourceSuite) error {
	for _, inBody := range []bool{false, true} {
		st := open(t, s, s.company())
		arrived := make(chan struct{}, 1)
		tr := unseen(st.gate.hang(arrived))
		if inBody {
			tr = applied(st.gate.hangInBody(arrived))
		}
		st.gate.set(always(tr))
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var cancelled time.Time
		var mu sync.Mutex
		go func() {
			select {
			case <-arrived:
			case <-ctx.Done():
			}
			mu.Lock()
			defer mu.Unlock()
			cancelled = time.Now()
			cancel()
		}()
		r := read(ctx, st.source(t), "")
		mu.Lock()
		took := time.Since(cancelled)
		mu.Unlock()
		if err := refuses(r, "a read that is cancelled while the service hangs"); err != nil {
			return err
		}
		if !errors.Is(r.err, context.Canceled) {
			return violation("a cancelled read ends in %v, which does not wrap context.Canceled", r.err)
		}
		if took > prompt {
			return violation("a cancelled read returned after %v", took)
		}
	}
	st := open(t, s, s.company())
	st.gate.set(nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := read(ctx, st.source(t), "")
	if !errors.Is(r.err, context.Canceled) {
		return violation("a read with a context that is cancelled already ends in %v", r.err)
	}
	return nil
}

func errorsAreSafe(t testing.TB, s SourceSuite) error {
	people := s.company()
	victim := people[len(people)/2]
	personal := []string{victim.Email, victim.Given + " " + victim.Family, victim.PersonalEmail}
	st := open(t, s, people)
	said := "cannot serve " + strings.Join(personal, " ") + " for " + strings.Join(st.service.Secrets, " ")
	quoted := strconv.Quote(said)
	bodies := []string{
		`{"error":` + quoted + `,"errorMessage":` + quoted + `,"message":` + quoted + `,"Message":` + quoted + `,"detail":` + quoted + `,"key":` + quoted + `,"code":` + quoted + `,"title":` + quoted + `}`,
		`{"error":{"message":` + quoted + `},"errors":{"field":{"error":` + quoted + `}},"Errors":[{"description":` + quoted + `}]}`,
		said,
		quoted,
	}
	for _, status := range []int{200, 302, 400, 401, 403, 404, 408, 409, 413, 429, 500, 503} {
		for _, body := range bodies {
			for _, contentType := range []string{typeJSON, "text/plain"} {
				st, r := under(t, s, always(unseen(answering(status, contentType, body, "Location", "https://sso.example.test/?"+strings.Join(st.service.Secrets, "")))))
				what := strconv.Itoa(status) + " with an echo in the body"
				if err := refuses(r, what); err != nil {
					return err
				}
				if err := holdsNothing(r.err, st.service.Secrets, personal); err != nil {
					return violation("%s: %v", what, err)
				}
			}
		}
	}
	return nil
}

// holdsNothing looks for secrets and personal data in every text of an error.
func holdsNothing(err error, secrets, personal []string) error {
	var e *connectors.Error
	if !errors.As(err, &e) {
		return violation("the error is a %T; connectors return *connectors.Error", err)
	}
	text := err.Error() + e.Detail + e.Next
	for _, s := range secrets {
		if s != "" && strings.Contains(text, s) {
			return violation("a credential is in the error text")
		}
	}
	for _, p := range personal {
		if strings.Contains(text, p) {
			return violation("a person's data is in the error text: %s", strings.ReplaceAll(text, p, "<HERE>"))
		}
	}
	return nil
}
