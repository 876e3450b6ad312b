//go:build found

package reconcile

import (
	"testing"

	"rollcall/appliance/model"
)

func TestOrderOfArrivalOfALeaverAndANewcomerDoesNotMatter(t *testing.T) {
	leaver := ended(ada("hr", "1"))
	newcomer := says("hr", "2", "given_name", "Adam", "family_name", "Rossi", "email", mail("ada"))
	first, second := newWorld(), newWorld()
	first.put(leaver)
	first.put(newcomer)
	second.put(newcomer)
	second.put(leaver)
	sameKinds(t, first, model.EmailRecycled)
	sameKinds(t, second, model.EmailRecycled)
	if p := second.records["r-hr1"].Person; p != "" && p == second.records["r-hr2"].Person {
		t.Error("a leaver of another name became the newcomer's person without a question")
	}
}
