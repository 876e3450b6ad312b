package reconcile

import (
	"testing"

	"rollcall/appliance/model"
)

// Questions about two groups must not be one: answering the first would close the
// other, and a second one would take the place of the first.
func TestDuplicateGroupsAreQuestionsOfTheirOwn(t *testing.T) {
	about := func(group string) model.Conflict {
		return model.Conflict{Kind: model.DuplicateGroup, Target: "javelo", Identifiers: []model.Identifier{{Kind: "group", Value: group}}}
	}
	first, second, again := about("okta/g_1"), about("okta/g_2"), about("okta/g_1")
	if ConflictIDOf(first) == ConflictIDOf(second) {
		t.Error("two groups share one conflict")
	}
	if ConflictIDOf(first) != ConflictIDOf(again) {
		t.Error("the same group has two conflicts")
	}
}
