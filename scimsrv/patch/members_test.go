package patch_test

import (
	"errors"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"rollcall/scimsrv/patch"
	"rollcall/scimsrv/schema"
)

func roster(list ...patch.Member) iter.Seq[patch.Member] { return slices.Values(list) }

func TestSplitMembers(t *testing.T) {
	m := func(ids ...string) []patch.Member {
		var list []patch.Member
		for _, id := range ids {
			list = append(list, patch.Member{Value: id})
		}
		return list
	}
	stored := roster(patch.Member{Value: "a", Display: "Ann"}, patch.Member{Value: "b", Display: "Bob", Type: "User"}, patch.Member{Value: "g", Type: "Group"})
	tests := []struct {
		name, ops string
		want      patch.MemberChange
		rest      string // what is left for the body
	}{
		{"add", `[{"op":"Add","path":"members","value":[{"$ref":null,"value":"1"},{"value":"2","display":"Two","type":"User"}]}]`,
			patch.MemberChange{Add: []patch.Member{{Value: "1"}, {Value: "2", Display: "Two", Type: "User"}}}, ``},
		{"add in separate operations", `[{"op":"add","path":"members","value":[{"value":"1"}]},{"op":"add","path":"MEMBERS","value":[{"value":"2"}]},{"op":"add","path":"members","value":[{"value":"1","display":"One"}]}]`,
			patch.MemberChange{Add: []patch.Member{{Value: "1", Display: "One"}, {Value: "2"}}}, ``},
		{"add under the group's URN", `[{"op":"add","path":"urn:ietf:params:scim:schemas:core:2.0:Group:members","value":[{"value":"1"}]}]`,
			patch.MemberChange{Add: m("1")}, ``},
		{"replace", `[{"op":"replace","path":"members","value":[{"value":"1"},{"value":"1"}]}]`,
			patch.MemberChange{Clear: true, Add: m("1")}, ``},
		{"replace with nobody", `[{"op":"replace","path":"members","value":[]}]`, patch.MemberChange{Clear: true}, ``},
		{"replace with null", `[{"op":"replace","path":"members","value":null}]`, patch.MemberChange{Clear: true}, ``},
		{"add nobody", `[{"op":"add","path":"members","value":[]},{"op":"add","path":"members","value":null}]`, patch.MemberChange{}, ``},
		{"remove by a list of objects", `[{"op":"Remove","path":"members","value":[{"$ref":null,"value":"1"},{"value":"2"}]}]`, patch.MemberChange{Remove: []string{"1", "2"}}, ``},
		{"remove by a list of ids", `[{"op":"remove","path":"members","value":["1","2"]}]`, patch.MemberChange{Remove: []string{"1", "2"}}, ``},
		{"remove by one object", `[{"op":"remove","path":"members","value":{"value":"1"}}]`, patch.MemberChange{Remove: []string{"1"}}, ``},
		{"remove by filter", `[{"op":"remove","path":"members[VALUE EQ \"1\"]"}]`, patch.MemberChange{Remove: []string{"1"}}, ``},
		{"remove by filter with or", `[{"op":"remove","path":"members[value eq \"1\" or value eq \"2\"]"}]`, patch.MemberChange{Remove: []string{"1", "2"}}, ``},
		{"remove by filter and value", `[{"op":"remove","path":"members[value eq \"1\"]","value":[{"value":"2"}]}]`, patch.MemberChange{}, ``},
		{"remove by an empty list", `[{"op":"remove","path":"members","value":[]}]`, patch.MemberChange{}, ``},
		{"remove everybody", `[{"op":"remove","path":"members"}]`, patch.MemberChange{Clear: true}, ``},
		{"remove by what only the list knows", `[{"op":"remove","path":"members[type eq \"Group\" or display sw \"B\"]"}]`, patch.MemberChange{Remove: []string{"b", "g"}}, ``},
		{"a filter sees what was added before", `[{"op":"add","path":"members","value":[{"value":"1","type":"Group"},{"value":"g","type":"User"}]},{"op":"remove","path":"members[type eq \"Group\"]"},{"op":"add","path":"members","value":[{"value":"2","type":"Group"}]}]`,
			patch.MemberChange{Add: []patch.Member{{Value: "g", Type: "User"}, {Value: "2", Type: "Group"}}, Remove: []string{"1"}}, ``},
		{"a filter after a replace sees no stored members", `[{"op":"replace","path":"members","value":[{"value":"1"}]},{"op":"remove","path":"members[not (value eq \"1\")]"}]`, patch.MemberChange{Clear: true, Add: m("1")}, ``},
		{"added, then removed", `[{"op":"add","path":"members","value":[{"value":"1"}]},{"op":"remove","path":"members[value eq \"1\"]"}]`, patch.MemberChange{Remove: []string{"1"}}, ``},
		{"removed, then added", `[{"op":"remove","path":"members[value eq \"1\"]"},{"op":"add","path":"members","value":[{"value":"1"}]}]`, patch.MemberChange{Add: m("1")}, ``},
		{"added, then everybody removed, then another added", `[{"op":"add","path":"members","value":[{"value":"1"}]},{"op":"remove","path":"members"},{"op":"remove","path":"members[value eq \"3\"]"},{"op":"add","path":"members","value":[{"value":"2"}]}]`, patch.MemberChange{Clear: true, Add: m("2")}, ``},
		{"several operations", `[{"op":"Add","path":"members","value":[{"value":"1"}]},{"op":"Remove","path":"members","value":[{"value":"3"}]},{"op":"Add","path":"members","value":[{"value":"2"}]}]`, patch.MemberChange{Remove: []string{"3"}, Add: m("1", "2")}, ``},
		{"a member's display", `[{"op":"replace","path":"members[value eq \"1\"].display","value":"One"}]`, patch.MemberChange{Add: []patch.Member{{Value: "1", Display: "One"}}}, ``},
		{"a member replaced by another", `[{"op":"replace","path":"members[value eq \"1\"]","value":{"value":"2"}}]`, patch.MemberChange{Remove: []string{"1"}, Add: m("2")}, ``},
		{"a member described again", `[{"op":"add","path":"members[value eq \"1\"]","value":{"display":"One"}}]`, patch.MemberChange{Add: []patch.Member{{Value: "1", Display: "One"}}}, ``},

		{"no path, members only", `[{"op":"replace","value":{"Members":[{"value":"1"}]}}]`, patch.MemberChange{Clear: true, Add: m("1")}, ``},
		{"no path, with a rename", `[{"op":"replace","value":{"members":[],"id":"id-1","displayName":"New"}}]`, patch.MemberChange{Clear: true}, `{"id":"id-1","displayName":"New"}`},
		{"a replace that does not name members", `[{"op":"replace","value":{"externalId":"E"}}]`, patch.MemberChange{}, `{"externalId":"E"}`},
		{"a rename with a membership", `[{"op":"replace","value":{"displayName":"New"}},{"op":"replace","path":"members","value":[{"value":"1","display":"One"}]}]`, patch.MemberChange{Clear: true, Add: []patch.Member{{Value: "1", Display: "One"}}}, `{"displayName":"New"}`},
	}
	rt := catalog(t).Group
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			list := ops(t, tt.ops, strict())
			before := text(list[0].Value)
			got, rest, err := patch.SplitMembers(rt, list, strict())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got.Change(stored), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("members (-want +got):\n%s", diff)
			}
			left := ""
			for _, op := range rest {
				left += text(op.Value)
			}
			if diff := cmp.Diff(tt.rest, left); diff != "" {
				t.Errorf("rest (-want +got):\n%s", diff)
			}
			if text(list[0].Value) != before {
				t.Error("the operations given were changed")
			}
		})
	}
}

func TestOnlyFiltersBeyondValueNeedTheList(t *testing.T) {
	rt := catalog(t).Group
	for list, want := range map[string]bool{
		`[{"op":"remove","path":"members[value eq \"1\" or value eq \"2\"]"},{"op":"add","path":"members","value":[{"value":"1"}]}]`: false,
		`[{"op":"remove","path":"members[value ne \"1\"]"}]`:                                                                         true,
		`[{"op":"remove","path":"members[value eq \"1\" and type eq \"User\"]"}]`:                                                    true,
		`[{"op":"replace","path":"displayName","value":"x"}]`:                                                                        false,
	} {
		m, _, err := patch.SplitMembers(rt, ops(t, list, strict()), strict())
		if err != nil || m.NeedsList() != want {
			t.Errorf("%s: needs the list: %v, error %v", list, m.NeedsList(), err)
		}
	}
}

func TestSplitMembersRefuses(t *testing.T) {
	rt := catalog(t).Group
	tests := []struct{ ops, scimType, want string }{
		{`[{"op":"add","path":"members","value":[{"display":"x"}]}]`, schema.InvalidValue, "each member needs a value"},
		{`[{"op":"add","path":"members","value":"1"}]`, schema.InvalidValue, "a list is expected"},
		{`[{"op":"replace","path":"members[value eq \"1\"].value","value":"2"}]`, schema.MutabilityErr, "members.value is immutable"},
		{`[{"op":"remove","path":"members.type"}]`, schema.MutabilityErr, "members.type is immutable"},
		{`[{"op":"replace","path":"members.display","value":"x"}]`, schema.InvalidPath, "by a filter in brackets"},
		{`[{"op":"add","path":"members[type eq \"User\"]","value":{"display":"x"}}]`, schema.InvalidPath, "written one by one"},
		{`[{"op":"add","path":"members[value eq \"1\"]","value":{"value":"2"}}]`, schema.MutabilityErr, "immutable"},
		{`[{"op":"remove","path":"members[type eq \"User\"]","value":[{"value":"2"}]}]`, schema.InvalidPath, "not both"},
		{`[{"op":"remove","path":"members[value eq"}]`, schema.InvalidPath, "path: at byte"},
		{`[{"op":"remove","path":"members[colour eq \"x\"]"}]`, schema.InvalidFilter, "path: at byte"},
		{`[` + strings.Repeat(`{"op":"remove","path":"members[type eq \"x\"]"},`, 20) + `{"op":"remove","path":"members[type eq \"x\"]"}]`, schema.InvalidFilter, "at most 20 filters"},
	}
	for _, tt := range tests {
		_, _, err := patch.SplitMembers(rt, ops(t, tt.ops, strict()), strict())
		var e *patch.Error
		if !errors.As(err, &e) || e.ScimType != tt.scimType || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%.80s: got %v, want %s with %q", tt.ops, err, tt.scimType, tt.want)
		}
	}
	m, _, err := patch.SplitMembers(rt, ops(t, `[{"op":"add","path":"members","value":["1",{"value":"2"},{"value":""}]}]`, tolerant()), tolerant())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(patch.MemberChange{Add: []patch.Member{{Value: "1"}, {Value: "2"}}}, m.Change(nil)); diff != "" {
		t.Errorf("bare ids (-want +got):\n%s", diff)
	}
}

// A model of a member list, changed one operation at a time, must agree with
// what the folded change does to it.
func TestChangeAgreesWithApplyingOneByOne(t *testing.T) {
	rt := catalog(t).Group
	single := []string{
		`{"op":"add","path":"members","value":[{"value":"1"},{"value":"2","type":"Group"}]}`,
		`{"op":"remove","path":"members[value eq \"1\"]"}`,
		`{"op":"remove","path":"members","value":[{"value":"2"},{"value":"a"}]}`,
		`{"op":"replace","path":"members","value":[{"value":"a","display":"Ann"},{"value":"3"}]}`,
		`{"op":"remove","path":"members"}`,
		`{"op":"remove","path":"members[type eq \"Group\"]"}`,
		`{"op":"add","path":"members","value":[{"value":"g","type":"Group"}]}`,
	}
	start := []patch.Member{{Value: "a"}, {Value: "b"}, {Value: "g", Type: "Group"}}
	apply := func(list []patch.Member, text string) []patch.Member {
		m, _, err := patch.SplitMembers(rt, ops(t, text, strict()), strict())
		if err != nil {
			t.Fatal(err)
		}
		c := m.Change(slices.Values(list))
		list = slices.DeleteFunc(slices.Clone(list), func(m patch.Member) bool { return c.Clear || slices.Contains(c.Remove, m.Value) })
		for _, add := range c.Add {
			i := slices.IndexFunc(list, func(m patch.Member) bool { return m.Value == add.Value })
			if i < 0 {
				list = append(list, add)
			} else {
				list[i] = add
			}
		}
		slices.SortFunc(list, func(a, b patch.Member) int { return strings.Compare(a.Value, b.Value) })
		return list
	}
	for _, a := range single {
		for _, b := range single {
			for _, c := range single {
				want := apply(apply(apply(start, "["+a+"]"), "["+b+"]"), "["+c+"]")
				got := apply(start, "["+a+","+b+","+c+"]")
				if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
					t.Fatalf("%s\n%s\n%s\n(-one by one +at once):\n%s", a, b, c, diff)
				}
			}
		}
	}
}

func BenchmarkSplitMembers(b *testing.B) {
	rt := catalog(b).Group
	var list strings.Builder
	list.WriteString(`[{"op":"Add","path":"members","value":[{"value":"0"}`)
	for i := range 1000 {
		list.WriteString(`,{"$ref":null,"value":"` + strings.Repeat("x", 30) + string(rune('a'+i%26)) + strings.Repeat("y", i%17) + `"}`)
	}
	list.WriteString(`]}]`)
	parsed := ops(b, list.String(), tolerant())
	b.ReportAllocs()
	for b.Loop() {
		m, _, err := patch.SplitMembers(rt, parsed, tolerant())
		if err != nil {
			b.Fatal(err)
		}
		m.Change(nil)
	}
}
