package appliance_test

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/appliance/admin"
	"rollcall/appliance/notify"
)

// needs lists the needs of a kind.
func needs(w *world, kind string) []admin.Need {
	w.t.Helper()
	st, err := w.app.Status(w.ctx())
	if err != nil {
		w.t.Fatal(err)
	}
	return slices.DeleteFunc(st.Needs, func(n admin.Need) bool { return n.Kind != kind })
}

// still opens an appliance that does not serve, with a clock that stands at at.
func still(w *world, at *time.Time) {
	w.t.Helper()
	app, err := w.open()
	if err != nil {
		w.t.Fatal(err)
	}
	w.app = app
	w.t.Cleanup(func() { app.Close() })
	app.SetClock(func() time.Time { return *at })
}

func TestSenderThatFallsSilentIsMissedOnceItsRhythmIsKnown(t *testing.T) {
	w := newWorld(t, 1, "[sources.entra]\nkind = \"azure\"\n[sources.okta]\nkind = \"okta\"\n")
	now := time.Date(2026, 11, 16, 8, 0, 0, 0, time.UTC)
	still(w, &now)
	for _, source := range []string{"entra", "okta"} {
		if _, err := w.app.CreateToken(w.ctx(), "test", source, "", 0); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 40 {
		at := now.Add(time.Duration(i) * 40 * time.Minute)
		if err := w.app.Heard("entra", at); err != nil {
			t.Fatal(err)
		}
		if err := w.app.Heard("okta", now.Add(time.Duration(i*i)*7*time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	last := now.Add(39 * 40 * time.Minute)
	for _, tc := range []struct {
		after time.Duration
		told  int
	}{{90 * time.Minute, 0}, {3 * time.Hour, 1}} {
		now = last.Add(tc.after)
		list := needs(w, "silence")
		if len(list) != tc.told {
			t.Errorf("%v after the last visit: %+v", tc.after, list)
		}
		if tc.told == 1 && (list[0].Subject != "entra" || !strings.Contains(list[0].Text, "every 40 minutes") || list[0].Command == "") {
			t.Errorf("told: %+v", list[0])
		}
	}
	// The sentence stays the same, or it would be told anew each time.
	before := needs(w, "silence")[0].Text
	now = now.Add(50 * time.Minute)
	if after := needs(w, "silence")[0].Text; after != before {
		t.Errorf("%q became %q by itself", before, after)
	}
	if err := w.app.Heard("entra", now); err != nil {
		t.Fatal(err)
	}
	if list := needs(w, "silence"); len(list) != 0 {
		t.Errorf("heard again, and still: %+v", list)
	}
}

func TestEndsOfTokensAreAnnouncedAMonthAhead(t *testing.T) {
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	claims := fmt.Sprintf(`{"exp":%d}`, now.Add(20*24*time.Hour).Unix())
	jwt := "eyJhbGciOiJSUzI1NiJ9." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2lnbmF0dXJl"
	w := newWorld(t, 1, "[sources.okta]\nkind = \"okta\"\n[sources.old]\nkind = \"scim-pull\"\nbase_url = \"http://127.0.0.1:1/scim\"\ntoken = \""+jwt+"\"\n")
	still(w, &now)
	if _, err := w.app.CreateToken(w.ctx(), "test", "okta", "", 40*24*time.Hour); err != nil {
		t.Fatal(err)
	}
	list := needs(w, "certificate")
	if len(list) != 1 || list[0].Subject != "[sources.old] token" || !strings.Contains(list[0].Text, "2026-12-12") || strings.Contains(list[0].Text, jwt[:10]) {
		t.Errorf("%+v", list)
	}
	now = now.Add(15 * 24 * time.Hour)
	list = needs(w, "certificate")
	if len(list) != 2 || !slices.ContainsFunc(list, func(n admin.Need) bool {
		return n.Subject == "token okta" && strings.Contains(n.Command, "token create okta")
	}) {
		t.Errorf("%+v", list)
	}
	if _, err := w.app.CreateToken(w.ctx(), "test", "okta", "", 0); err != nil {
		t.Fatal(err)
	}
	now = now.Add(10 * 24 * time.Hour)
	list = needs(w, "certificate")
	if len(list) != 1 || !strings.Contains(list[0].Text, "ended on") {
		t.Errorf("with a newer token: %+v", list)
	}
}

func TestATokenThatEndedIsAMatterUntilThereIsAnotherThatIsUsed(t *testing.T) {
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	w := newWorld(t, 1, "[sources.okta]\nkind = \"okta\"\n")
	still(w, &now)
	told := func(words string) {
		t.Helper()
		list := needs(w, "certificate")
		switch {
		case words == "" && len(list) > 0, words != "" && (len(list) != 1 || !strings.Contains(list[0].Text, words) || list[0].Subject != "token okta"):
			t.Errorf("told %+v, want %q", list, words)
		}
		matters, err := w.app.Matters(w.ctx())
		if err != nil || slices.ContainsFunc(matters, func(m notify.Matter) bool { return m.Key == "certificate/token okta" }) != (words != "") {
			t.Errorf("what humans are told of it: %+v, %v", matters, err)
		}
	}
	use := func(token string) {
		t.Helper()
		if !w.app.Authenticate(token) {
			t.Error("the token is refused")
		}
	}
	old, err := w.app.CreateToken(w.ctx(), "test", "okta", "", 40*24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	use(old.Token)
	told("")
	now = now.Add(20 * 24 * time.Hour)
	use(old.Token)
	told("the last token of okta ends on 2027-01-01")
	fresh, err := w.app.CreateToken(w.ctx(), "test", "okta", "", 365*24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	told("still uses a token that ends on 2027-01-01")
	use(fresh.Token)
	told("")
	if err := w.app.RevokeToken(w.ctx(), "test", fresh.ID); err != nil {
		t.Fatal(err)
	}
	told("the last token of okta ends on")
	now = now.Add(30 * 24 * time.Hour)
	told("ended on 2027-01-01: it is refused") // and stays so, until somebody does something
	if err := w.app.RevokeToken(w.ctx(), "test", old.ID); err != nil {
		t.Fatal(err)
	}
	told("")
}
