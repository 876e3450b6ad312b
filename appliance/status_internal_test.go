package appliance

import (
	"testing"

	"rollcall/appliance/admin"
)

// TestHeadlineNamesWhatIsBroken fails when the one sentence blames what merely waits
// for a human, because that stands first.
func TestHeadlineNamesWhatIsBroken(t *testing.T) {
	s := admin.Status{Sources: []admin.Source{{Name: "hibob"}}, Needs: []admin.Need{
		{Kind: "hold", Text: "hibob: the source listed 30 people, and 60 the time before"},
		{Kind: "source", Text: "hibob: 3 reads in a row failed"},
		{Kind: "source", Text: "lucca: the last read failed"},
	}}
	new(App).judge(&s)
	if want := "Something is broken: hibob: 3 reads in a row failed."; s.Health != healthTrouble || s.Headline != want {
		t.Errorf("%s, %q; want %q", s.Health, s.Headline, want)
	}
}
