package connectortest

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"rollcall/appliance/model"
	"rollcall/connectors"
)

// call is one of the four things a caller asks of a target.
type call struct {
	name string
	do   func(ctx context.Context, st *targetStage) error
}

// crowded opens a service with three accounts, and returns the four calls: the
// create is for somebody new, the update for one of the three.
func crowded(t testing.TB, s TargetSuite) (*targetStage, []call, model.Desired) {
	st := openTarget(t, s)
	people := s.people(4)
	made := st.create(t, people[:3]...)
	newcomer := people[3]
	return st, []call{
		{"List", func(ctx context.Context, st *targetStage) error { return st.list(ctx).err }},
		{"Find", func(ctx context.Context, st *targetStage) error {
			_, _, err := st.Find(ctx, newcomer.Email)
			return err
		}},
		{"Create", func(ctx context.Context, st *targetStage) error {
			_, err := st.Create(ctx, newcomer)
			return err
		}},
		{"Update", func(ctx context.Context, st *targetStage) error {
			want := with(newcomer, model.Title, "Cartographer")
			want.Person, want.Email = people[2].Person, people[2].Email
			_, err := st.Update(ctx, made[2].RemoteID, nil, want)
			return err
		}},
	}, newcomer
}

// everyCall makes each of the calls meet a trouble, and judges its error.
func everyCall(t testing.TB, s TargetSuite, what string, tr trouble, judge func(c call, err error, requests int) error) error {
	st, calls, _ := crowded(t, s)
	for _, c := range calls {
		st.gate.set(tr)
		err := c.do(t.Context(), st)
		n, _ := st.gate.seen()
		if err == nil {
			return violation("%s: %s reports success", what, c.name)
		}
		if err := judge(c, err, n); err != nil {
			return violation("%s: %s: %v", what, c.name, err)
		}
	}
	return nil
}

// once wants one request and a class.
func once(class connectors.Class) func(call, error, int) error {
	return func(_ call, err error, n int) error {
		if c := connectors.ClassOf(err); c != class {
			return violation("class %v, want %v: %v", c, class, err)
		}
		if n != 1 {
			return violation("%d requests, want exactly 1", n)
		}
		return nil
	}
}

func anyError(call, error, int) error { return nil }

func lostAnswer(t testing.TB, s TargetSuite) error {
	st := openTarget(t, s)
	want := s.people(1)[0]
	st.gate.set(applied(dropAnswer))
	_, err := st.Create(t.Context(), want)
	if err == nil {
		return violation("Create without an answer reports success")
	}
	if c := connectors.ClassOf(err); c != connectors.Transient && c != connectors.Unclassified {
		return violation("Create without an answer: class %v, want transient: %v", c, err)
	}
	if n, _ := st.gate.seen(); n != 1 {
		return violation("Create without an answer sent %d requests, want 1: the caller looks up before it creates again", n)
	}
	st.gate.set(nil)
	found, ok, err := st.Find(t.Context(), want.Email)
	if err != nil || !ok {
		return violation("Find after a create whose answer was lost: found %v, error %v", ok, err)
	}
	if err := differs(found, want); err != nil {
		return violation("Find after a create whose answer was lost: %v", err)
	}
	if err := st.holdsExactly(t, found.RemoteID); err != nil {
		return err
	}

	next := with(want, model.Title, "Cartographer")
	st.gate.set(applied(dropAnswer))
	if _, err := st.Update(t.Context(), found.RemoteID, &want, next); err == nil {
		return violation("Update without an answer reports success")
	}
	st.gate.set(nil)
	a, err := st.Update(t.Context(), found.RemoteID, &want, next)
	if err != nil {
		return violation("Update again after its answer was lost: %v", err)
	}
	return differs(a, next)
}

func targetThrottled(t testing.TB, s TargetSuite) error {
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
		err := everyCall(t, s, tc.what, unseen(answering(http.StatusTooManyRequests, typeJSON, `{}`, tc.header...)), func(c call, err error, n int) error {
			at := connectors.RetryAt(err)
			if tc.want.IsZero() && !at.IsZero() {
				return violation("RetryAt is %v, want zero: the caller decides", at)
			}
			if off := at.Sub(tc.want); !tc.want.IsZero() && (off < -2*time.Second || off > 30*time.Second) {
				return violation("RetryAt is %v away from what was asked for", off)
			}
			return once(connectors.Throttled)(c, err, n)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func targetDenied(t testing.TB, s TargetSuite) error {
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden} {
		for _, body := range []fault{answering(status, typeJSON, `{}`), answering(status, typeHTML, webPage)} {
			err := everyCall(t, s, strconv.Itoa(status), unseen(body), func(c call, err error, n int) error {
				var e *connectors.Error
				if !errors.As(err, &e) || e.Next == "" {
					return violation("the error does not say what to do next: %v", err)
				}
				return once(connectors.Denied)(c, err, n)
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func targetWebPage(t testing.TB, s TargetSuite) error {
	if err := everyCall(t, s, "200 with a web page", unseen(answering(http.StatusOK, typeHTML, webPage)), once(connectors.Transient)); err != nil {
		return err
	}
	return everyCall(t, s, "200 with a web page labelled as JSON", unseen(answering(http.StatusOK, typeJSON, webPage)), anyError)
}

func targetServerErrors(t testing.TB, s TargetSuite) error {
	for _, status := range []int{500, 502, 503, 504} {
		if err := everyCall(t, s, strconv.Itoa(status), unseen(answering(status, typeHTML, webPage)), once(connectors.Transient)); err != nil {
			return err
		}
	}
	return nil
}

func targetOtherJSON(t testing.TB, s TargetSuite) error {
	for _, body := range []string{`{}`, `null`, `"maintenance"`, `7`, `{"error":"maintenance"}`, `[]`, `[[]]`, ``} {
		if err := everyCall(t, s, "200 with the JSON "+strconv.Quote(body), unseen(answering(http.StatusOK, typeJSON, body)), anyError); err != nil {
			return err
		}
	}
	return nil
}

func targetCutOff(t testing.TB, s TargetSuite) error {
	for what, f := range map[string]fault{"half an answer": cutBody(false), "an answer without its last byte": cutBody(true), "a connection that breaks in the answer": cutConnection} {
		if err := everyCall(t, s, what, applied(f), anyError); err != nil {
			return err
		}
	}
	return nil
}

func targetRepeatedPage(t testing.TB, s TargetSuite) error {
	st := openTarget(t, s)
	st.create(t, s.people(7)...)
	st.gate.set(repeat())
	if l := st.list(t.Context()); l.err == nil {
		return violation("a listing whose pages are all the same ends without an error, with %d accounts", len(l.accounts))
	}
	if n, _ := st.gate.seen(); n > 5 {
		return violation("%d requests were sent before the repetition was noticed", n)
	}
	return nil
}

func targetIgnoredPaging(t testing.TB, s TargetSuite) error {
	if len(s.Start) == 0 {
		return nil
	}
	st := openTarget(t, s)
	st.create(t, s.people(7)...)
	st.gate.mu.Lock()
	st.gate.strip = s.Start
	st.gate.mu.Unlock()
	if l := st.list(t.Context()); l.err == nil {
		return violation("a listing by a service that ignores paging ends without an error, with %d accounts", len(l.accounts))
	}
	return nil
}

func targetCancel(t testing.TB, s TargetSuite) error {
	st, calls, _ := crowded(t, s)
	for _, c := range calls {
		arrived := make(chan struct{}, 1)
		st.gate.set(st.gate.hang(arrived))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- c.do(ctx, st) }()
		select {
		case <-arrived:
		case err := <-done:
			cancel()
			return violation("%s returned before its request was answered: %v", c.name, err)
		}
		cancel()
		select {
		case err := <-done:
			if !errors.Is(err, context.Canceled) {
				return violation("a cancelled %s ends in %v, which does not wrap context.Canceled", c.name, err)
			}
		case <-time.After(prompt):
			return violation("a cancelled %s did not return within %v", c.name, prompt)
		}
		st.gate.set(nil)
		if err := c.do(ctx, st); !errors.Is(err, context.Canceled) {
			return violation("%s with a context that is cancelled already ends in %v", c.name, err)
		}
	}
	return nil
}

func targetErrorsAreSafe(t testing.TB, s TargetSuite) error {
	st, _, newcomer := crowded(t, s)
	secrets := st.service.Secrets
	personal := []string{newcomer.Email}
	for n, v := range newcomer.Attributes {
		switch n {
		case model.GivenName, model.FamilyName, model.DisplayName, model.EmployeeNumber, model.WorkPhone, model.MobilePhone, model.BirthDate:
			personal = append(personal, v)
		}
	}
	said := "cannot take " + strings.Join(personal, " nor ") + " for " + strings.Join(secrets, " ")
	quoted := strconv.Quote(said)
	bodies := []string{
		`{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"400","scimType":` + quoted + `,"detail":` + quoted + `}`,
		`{"error":` + quoted + `,"message":` + quoted + `}`,
		`{"errors":{` + quoted + `:[` + quoted + `]}}`,
		`[` + quoted + `]`,
		quoted,
		said,
	}
	for _, status := range []int{200, 302, 400, 401, 403, 404, 408, 409, 422, 429, 500, 503} {
		for _, body := range bodies {
			for _, contentType := range []string{typeJSON, "text/plain"} {
				echo := unseen(answering(status, contentType, body, "Location", "https://sso.example.test/?"+strings.Join(secrets, "")))
				what := strconv.Itoa(status) + " with an echo in the body"
				calls := writesAndFind(newcomer, s.UnknownID)
				for _, c := range calls {
					st.gate.set(echo)
					err := c.do(t.Context(), st)
					if err == nil {
						return violation("%s: %s reports success", what, c.name)
					}
					if err := holdsNothing(err, secrets, personal); err != nil {
						return violation("%s: %s: %v", what, c.name, err)
					}
				}
			}
		}
	}
	return nil
}

// writesAndFind are the calls that know something about a person.
func writesAndFind(d model.Desired, id string) []call {
	return []call{
		{"Find", func(ctx context.Context, st *targetStage) error {
			_, _, err := st.Find(ctx, d.Email)
			return err
		}},
		{"Create", func(ctx context.Context, st *targetStage) error {
			_, err := st.Create(ctx, d)
			return err
		}},
		{"Update", func(ctx context.Context, st *targetStage) error {
			_, err := st.Update(ctx, id, nil, d)
			return err
		}},
	}
}
