package appliance_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"rollcall/connectors/lucca/luccasim"
)

func TestMovingLuccaToItsNewAPIReCreatesNobody(t *testing.T) {
	for what, newIDs := range map[string]bool{"with the ids of v3": false, "with other ids": true} {
		t.Run(what, func(t *testing.T) {
			w := newWorld(t, 30, "")
			tenant := luccasim.New(w.people, luccasim.Options{Rate: 100000, NewIDs: newIDs})
			lucca := httptest.NewServer(tenant)
			t.Cleanup(lucca.Close)
			before := w.text
			table := func(api string) string {
				keys := map[string]string{
					"v3":         fmt.Sprintf("api_key = %q", luccasim.DefaultKey),
					"2024-11-01": fmt.Sprintf("client_id = %q\nclient_secret = %q\ntoken_url = %q", luccasim.DefaultClientID, luccasim.DefaultClientSecret, lucca.URL+luccasim.TokenPath),
				}
				i, j := strings.Index(before, "[sources.hibob]"), strings.Index(before, "[targets.javelo]")
				return before[:i] + fmt.Sprintf("[sources.lucca]\nkind = \"lucca\"\nbase_url = %q\napi = %q\n%s\n", lucca.URL, api, keys[api]) + before[j:]
			}
			w.text = table("v3")
			w.start()
			w.sync("lucca")
			w.activate("lucca")
			accounts := len(w.javelo.Accounts())
			if accounts < 20 {
				t.Fatalf("%d accounts", accounts)
			}
			w.stop()

			w.text = table("2024-11-01")
			w.start()
			for range 3 {
				w.sync("lucca")
			}
			st, err := w.app.Status(w.ctx())
			if err != nil {
				t.Fatal(err)
			}
			for _, n := range st.Needs {
				// The new API tells less of some things, and guards ask about that.
				if n.Kind == "hold" && !strings.Contains(n.Text, "would change for") && !strings.Contains(n.Text, "lost permission") || n.Kind == "source" || n.Kind == "parked" || strings.Contains(n.Text, "freeze") {
					t.Errorf("needs: %+v", n)
				}
			}
			active := 0
			for _, a := range w.javelo.Accounts() {
				if a.Active {
					active++
				}
			}
			if n := len(w.javelo.Accounts()); n != accounts {
				t.Errorf("%d accounts, %d before the move", n, accounts)
			}
			if active < 20 {
				t.Errorf("%d active accounts after the move", active)
			}
			if st.People.Held > 0 {
				t.Errorf("%d people are frozen", st.People.Held)
			}
			for _, src := range st.Sources {
				if src.Name == "lucca" && src.Records != 30 {
					t.Errorf("%d records of 30 people", src.Records)
				}
			}
		})
	}
}
