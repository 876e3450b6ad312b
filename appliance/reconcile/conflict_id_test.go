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
	if ConflictIDOf(about("okta/g_1")) == ConflictIDOf(about("okta/g_2")) {
		t.Error("two groups share one conflict")
	}
	if ConflictIDOf(about("okta/g_1")) != ConflictIDOf(about("okta/g_1")) {
		t.Error("the same group has two conflicts")
	}
}
