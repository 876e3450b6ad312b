package luccasim

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
)

func TestFaultsHitTheRequestsTheyAreFor(t *testing.T) {
	s := tenant(10, Options{})
	server := httptest.NewServer(s)
	defer server.Close()
	get := func(path string) (int, string, error) {
		req, err := http.NewRequestWithContext(t.Context(), "GET", server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "lucca application="+DefaultKey)
		resp, err := server.Client().Do(req)
		if err != nil {
			return 0, "", err
		}
		defer resp.Body.Close()
		raw, err := io.ReadAll(resp.Body)
		return resp.StatusCode, string(raw), err
	}
	const users = "/api/v3/users?fields=id,collection.count&orderBy=id,asc&formerEmployees=true&paging=4,4"
	s.Inject(Fault{Kind: Status, Status: 503, Path: "/api/v3/users", Skip: 1, Times: 2})
	for i, want := range []int{200, 503, 503, 200} {
		if code, _, err := get(users); code != want || err != nil {
			t.Errorf("request %d: %d, %v", i, code, err)
		}
	}
	if code, _, _ := get("/api/v3/departments"); code != 200 {
		t.Errorf("another resource: %d", code)
	}
	s.Heal()
	for kind, want := range map[FaultKind]string{
		HTML: "<!doctype html>", Empty: `{"count":0,"items":[]}`, Half: `"items":[{"id":440},{"id":447}]`,
		Repeat: `"items":[{"id":412}`, Miscount: `"count":11`,
	} {
		s.Inject(Fault{Kind: kind})
		if code, body, err := get(users); code != 200 || err != nil || !strings.Contains(body, want) {
			t.Errorf("fault %d: %d %s %v", kind, code, body, err)
		}
		s.Heal()
	}
	for _, kind := range []FaultKind{Reset, Truncated} {
		s.Inject(Fault{Kind: kind})
		if _, _, err := get(users); err == nil {
			t.Errorf("fault %d is no error", kind)
		}
		s.Heal()
	}
}

func TestWhatHangsIsLetGoByHealOrByTheClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := tenant(3, Options{})
		for _, release := range []func(cancel func()){func(func()) { s.Heal() }, func(cancel func()) { cancel() }} {
			s.Inject(Fault{Kind: Hang})
			ctx, cancel := context.WithCancel(t.Context())
			var aborted any
			done := false
			go func() {
				defer func() { aborted, done = recover(), true }()
				s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/api/v3/users", nil).WithContext(ctx))
			}()
			synctest.Wait()
			if done {
				t.Error("the answer does not hang")
			}
			release(cancel)
			synctest.Wait()
			if !done || aborted != http.ErrAbortHandler {
				t.Errorf("released: done %v, %v", done, aborted)
			}
			cancel()
		}
	})
}
