package scimtest

import (
	"iter"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/scimsrv"
	"rollcall/scimsrv/attr"
	"rollcall/scimsrv/schema"
)

// stuck is how long a write beside a Select may take before the directory is
// said to hold a transaction open. It is only waited for when that is so.
const stuck = 20 * time.Second

// RunDirectory holds a directory to the promises of [scimsrv.Directory]. factory
// returns an empty directory for one test; what must be closed it registers with
// t.Cleanup. Run it with -race.
func RunDirectory(t *testing.T, factory func(t *testing.T) scimsrv.Directory) {
	for _, promise := range []struct {
		name string
		test func(*testing.T, dir)
	}{
		{"CreatedResourceIsReadBackWhole", createdIsReadBack},
		{"UnknownIdIsErrNotFoundEverywhere", unknownIsNotFound},
		{"SourcesNeverSeeEachOther", sourcesAreIsolated},
		{"UniqueKeyHasOneHolder", uniqueKeyHasOneHolder},
		{"UniqueKeyIsFreedByRenameAndDelete", uniqueKeyIsFreed},
		{"OneOfManyConcurrentCreatesWins", oneCreateWins},
		{"UpdateWritesANewVersion", updateWritesVersion},
		{"UpdateThatFailsWritesNothing", failedUpdateWritesNothing},
		{"UpdateWithoutChangeWritesNoVersion", unchangedWritesNoVersion},
		{"ConcurrentUpdatesLoseNothing", concurrentUpdates},
		{"DeleteRunsTheCheckFirst", deleteRunsCheck},
		{"DeletedUserIsMemberOfNothing", deletedUserLeavesGroups},
		{"SelectYieldsInOrderOfCreationAndResumes", selectResumes},
		{"SelectFindsByAnyOfTheKeys", selectByKeys},
		{"SelectMatchesAndFillsGroups", selectMatches},
		{"SelectOutlinesWhatItWouldDecode", selectOutlines},
		{"SelectHoldsNoTransactionAndSkipsNothing", selectDuringWrites},
		{"SelectStopsWithItsContext", selectStops},
		{"MemberChangesApplyInOrder", memberChangesApply},
		{"MembersOfConcurrentWritersAreAllKept", concurrentMembers},
		{"ViewShowsMembersBeforeTheChange", viewShowsMembers},
		{"MembersAreResourcesOfTheSource", membersExist},
		{"DeletedUsersAreAddedToNothing", membersAreDeleted},
	} {
		t.Run(promise.name, func(t *testing.T) { promise.test(t, dir{factory(t)}) })
	}
}

var (
	okta  = scimsrv.Caller{Source: "okta", Kind: "okta", Dialect: "okta", TokenID: "t1", Label: "test"}
	azure = scimsrv.Caller{Source: "azure", Kind: "azure", Dialect: "azure", TokenID: "t2", Label: "test"}
)

// dir is the directory under test with the calls that cannot fail in a test.
type dir struct{ scimsrv.Directory }

func user(name string) scimsrv.Draft {
	return scimsrv.Draft{
		Body: attr.NewObject(attr.Member{Name: "userName", Value: name}, attr.Member{Name: "active", Value: true}),
		Keys: []scimsrv.Key{{Attribute: "username", Value: schema.Fold(name), Unique: true}},
	}
}

func group(name string, members ...scimsrv.Member) scimsrv.Draft {
	return scimsrv.Draft{
		Body:    attr.NewObject(attr.Member{Name: "displayName", Value: name}),
		Keys:    []scimsrv.Key{{Attribute: "displayname", Value: schema.Fold(name)}},
		Members: scimsrv.MemberChange{Add: members},
	}
}

func member(id string) scimsrv.Member { return scimsrv.Member{Value: id, Type: scimsrv.User} }

func (d dir) create(t *testing.T, c scimsrv.Caller, k scimsrv.Type, draft scimsrv.Draft) scimsrv.Resource {
	t.Helper()
	res, err := d.Create(t.Context(), c, k, draft)
	if err != nil {
		t.Fatalf("create %s: %v", k, err)
	}
	return res
}

func (d dir) get(t *testing.T, c scimsrv.Caller, k scimsrv.Type, id string) scimsrv.Resource {
	t.Helper()
	res, err := d.Get(t.Context(), c, k, id)
	if err != nil {
		t.Fatalf("get %s: %v", k, err)
	}
	return res
}

func (d dir) update(t *testing.T, c scimsrv.Caller, k scimsrv.Type, id string, change func(scimsrv.View) (scimsrv.Draft, error)) scimsrv.Resource {
	t.Helper()
	res, err := d.Update(t.Context(), c, k, id, change)
	if err != nil {
		t.Fatalf("update %s: %v", k, err)
	}
	return res
}

func (d dir) members(t *testing.T, c scimsrv.Caller, id string) []string {
	t.Helper()
	ids := []string{}
	for m, err := range d.Members(t.Context(), c, id) {
		if err != nil {
			t.Fatalf("members: %v", err)
		}
		ids = append(ids, m.Value)
	}
	return ids
}

func (d dir) selected(t *testing.T, c scimsrv.Caller, q scimsrv.Query, after string) []string {
	t.Helper()
	return names(t, d.Select(t.Context(), c, q, after))
}

// names collects the userName or displayName of each resource.
func names(t *testing.T, seq iter.Seq2[scimsrv.Resource, error]) []string {
	t.Helper()
	got := []string{}
	for res, err := range seq {
		if err != nil {
			t.Fatalf("select: %v", err)
		}
		got = append(got, nameOf(res))
	}
	return got
}

func nameOf(res scimsrv.Resource) string {
	return res.Body.String("userName") + res.Body.String("displayName")
}

// replace returns a change function that leaves a copy of the draft behind.
func replace(draft scimsrv.Draft) func(scimsrv.View) (scimsrv.Draft, error) {
	return func(scimsrv.View) (scimsrv.Draft, error) { return draft, nil }
}

func same(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}
