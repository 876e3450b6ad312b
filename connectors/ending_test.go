package connectors_test

import (
	"encoding/base64"
	"testing"
	"time"

	"rollcall/connectors"
)

func TestTokenThatTellsItsEndIsRead(t *testing.T) {
	jwt := func(claims string) string {
		return "eyJhbGciOiJSUzI1NiJ9." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2lnbmF0dXJl"
	}
	end := time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC)
	for token, want := range map[string]time.Time{
		jwt(`{"sub":"x","exp":1798859045}`):   end,
		jwt(`{"sub":"x","exp":1798859045.5}`): end,
		jwt(`{"sub":"x"}`):                    {},
		jwt(`{"exp":"soon"}`):                 {},
		jwt(`{"exp":1e300}`):                  {},
		jwt(`[]`):                             {},
		"jav_sk_0123456789":                   {},
		"a.b.c":                               {},
		"":                                    {},
	} {
		got := connectors.BearerEnding(token)
		if want.IsZero() != (len(got) == 0) || len(got) == 1 && !got[0].At.Equal(want) {
			t.Errorf("%q: %+v, want %v", token, got, want)
		}
	}
}
