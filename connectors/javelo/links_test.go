package javelo

import (
	"testing"

	"rollcall/appliance/model"
)

func TestLinksAreComparedByWhatBothKnow(t *testing.T) {
	type link = model.ManagerLink
	for _, tc := range []struct {
		name string
		a, b *link
		want bool
	}{
		{"not known and a person", nil, &link{Person: "p"}, false},
		{"not known and none", nil, &link{}, false},
		{"none and none", &link{}, &link{}, true},
		{"none and a person", &link{}, &link{Person: "p", Email: "e"}, false},
		{"same person, other email", &link{Person: "p", Email: "old"}, &link{Person: "p", Email: "new"}, true},
		{"other person, same email", &link{Person: "p", Email: "e"}, &link{Person: "q", Email: "e"}, false},
		{"listed id and computed link", &link{RemoteID: "1"}, &link{Person: "p", RemoteID: "1", Email: "e"}, true},
		{"listed login and computed link", &link{Email: "E@x"}, &link{Person: "p", Email: "e@x"}, true},
		{"listed other id", &link{RemoteID: "2", Email: "e"}, &link{Person: "p", RemoteID: "1", Email: "e"}, false},
		{"nothing in common", &link{RemoteID: "2"}, &link{Person: "p", Email: "e"}, false},
	} {
		if got := sameLink(tc.a, tc.b); got != tc.want {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
		}
		if got := sameLink(tc.b, tc.a); got != tc.want {
			t.Errorf("%s, the other way round: %v, want %v", tc.name, got, tc.want)
		}
	}
}
