package wire_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"testing"
	"time"

	"rollcall/connectors/wire"
)

// TestRehearsedRequestIsShownAndNotSent fails when a rehearsal reaches the service,
// asks for credentials, or spends the budget of requests.
func TestRehearsedRequestIsShownAndNotSent(t *testing.T) {
	base, _ := url.Parse("https://api.example.test/scim/v2")
	c := wire.Client{Name: "test", Base: base, Limiter: wire.NewLimiter(1, time.Hour),
		HTTP:      &http.Client{Transport: refusing{t}},
		Authorize: func(context.Context, *http.Request) error { t.Error("credentials were asked for"); return nil }}
	var shown []wire.Shown
	ctx := wire.Rehearse(t.Context(), func(s wire.Shown) { shown = append(shown, s) })
	for range 3 {
		var answer any
		_, err := c.JSON(ctx, wire.Request{Op: "write", Method: http.MethodPost, Path: "Users", Query: url.Values{"a": {"b"}}, Body: map[string]string{"userName": "jane"}}, &answer)
		if !errors.Is(err, wire.ErrRehearsed) {
			t.Fatalf("error %v", err)
		}
	}
	if len(shown) != 3 || shown[2].Method != "POST" || shown[2].Path != "/scim/v2/Users?a=b" || string(shown[2].Body) != `{"userName":"jane"}` {
		t.Errorf("shown %+v", shown)
	}
}

type refusing struct{ t *testing.T }

func (r refusing) RoundTrip(*http.Request) (*http.Response, error) {
	r.t.Error("the request left")
	return nil, errors.New("not here")
}
