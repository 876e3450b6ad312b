package appliance_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestASourceHasSeveralTokensAndEachCanBeRevokedAlone(t *testing.T) {
	ctx := context.Background()
	d := serveSources(t, "idp", "okta", "other", "okta")
	old, fresh, stranger := d.sender("idp"), d.sender("idp"), d.sender("other")
	path := "/Users/" + old.want(201, "POST", "/Users", user("ada@halcyon-atelier.example", "Ada", "Adeyemi")).id()
	fresh.want(200, "GET", path, "")
	stranger.want(404, "GET", path, "")

	tokens, err := d.app.Tokens(ctx)
	if err != nil || len(tokens) != 3 {
		t.Fatalf("tokens %+v, %v", tokens, err)
	}
	revoked := false
	for _, token := range tokens {
		if token.Source == "idp" && !revoked {
			revoked = true
			if err := d.app.RevokeToken(ctx, "test", token.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
	answers := map[int]int{old.ask("GET", path, "").status: 1}
	answers[fresh.ask("GET", path, "").status]++
	if answers[200] != 1 || answers[401] != 1 {
		t.Errorf("after one of two tokens was revoked: %v, want one 200 and one 401", answers)
	}

	// The time of the last use is written down, at the latest when the appliance stops.
	d.stop()
	d.start()
	if tokens, err = d.app.Tokens(ctx); err != nil {
		t.Fatal(err)
	}
	for _, token := range tokens {
		if token.LastUsed.IsZero() || time.Since(token.LastUsed) > time.Hour {
			t.Errorf("token %s was last used at %v", token.ID, token.LastUsed)
		}
	}
}

func TestATokenIsRefusedFromTheMomentOfItsRevocation(t *testing.T) {
	ctx := context.Background()
	d := serveSources(t, "idp", "okta")
	for range 20 {
		s := d.sender("idp")
		tokens, err := d.app.Tokens(ctx)
		if err != nil {
			t.Fatal(err)
		}
		id := ""
		for _, token := range tokens {
			if token.Revoked.IsZero() {
				id = token.ID
			}
		}
		// Others use the token all the time, so that whatever remembers it does.
		var revoked atomic.Bool
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for after := 0; after < 3; {
					was := revoked.Load()
					status := s.ask("GET", "/Users?count=0", "").status
					if was {
						after++
						if status != 401 {
							t.Errorf("a revoked token was answered %d", status)
						}
					} else if status != 200 && status != 401 {
						t.Errorf("status %d", status)
						return
					}
				}
			})
		}
		if err := d.app.RevokeToken(ctx, "test", id); err != nil {
			t.Fatal(err)
		}
		revoked.Store(true)
		wg.Wait()
	}
}

func TestATokenExpires(t *testing.T) {
	d := serveSources(t, "idp", "okta")
	token, err := d.app.CreateToken(context.Background(), "test", "idp", "", time.Nanosecond)
	if err != nil {
		t.Fatal(err)
	}
	s := d.sender("idp")
	s.token = token.Token
	r := s.want(401, "GET", "/Users", "")
	if r.header.Get("WWW-Authenticate") == "" {
		t.Error("there is no WWW-Authenticate")
	}
}
