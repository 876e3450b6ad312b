package appliance_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"rollcall/appliance/store"
)

// Every filter that Okta and Entra send is answered from an index. The proof is a
// directory in which all other resources cannot be read: whoever looks at one of
// them gets an error instead of an answer.
func TestFiltersOfOktaAndEntraReadNothingButWhatTheyFind(t *testing.T) {
	d := serveSources(t, "okta", "okta", "entra", "azure")
	for _, source := range []string{"okta", "entra"} {
		s := d.sender(source)
		name := "jane@" + source + ".example"
		u := s.want(201, "POST", "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"`+name+`","externalId":"X-1","active":true,
			"displayName":"Jane Doe","name":{"givenName":"Jane","familyName":"Doe"},"title":"Analyst","emails":[{"value":"`+name+`","type":"work","primary":true}]}`).id()
		g := s.want(201, "POST", "/Groups", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Team","externalId":"G-1","members":[{"value":"`+u+`"}]}`).id()
		unreadable(t, d, source)
		if got := s.ask("GET", filtered("/Users", `title eq "Analyst"`), ""); got.status != 500 {
			t.Fatalf("%s: a filter without an index met nothing that cannot be read: %d %s", source, got.status, got.raw)
		}
		for _, q := range []struct{ at, filter, id string }{
			{"/Users", `userName eq "` + name + `"`, u},
			{"/Users", `userName eq "JANE@` + source + `.EXAMPLE"`, u},
			{"/Users", `userName eq "nobody@` + source + `.example"`, ""},
			{"/Users", `externalId eq "X-1"`, u},
			{"/Users", `externalId eq "nobody"`, ""},
			{"/Users", `id eq "` + u + `"`, u},
			{"/Users", `id eq "nobody"`, ""},
			{"/Users", `emails.value eq "` + name + `"`, u},
			{"/Users", `emails eq "` + name + `"`, u},
			{"/Users", `emails[type eq "work"].value eq "` + name + `"`, u},
			{"/Users", `emails[type eq "work" and value eq "` + name + `"]`, u},
			{"/Users", `emails[type eq "home"].value eq "` + name + `"`, ""},
			{"/Users", `userName eq "` + name + `" and active eq true`, u},
			{"/Users", `active eq true and userName eq "` + name + `"`, u},
			{"/Users", `active eq false and externalId eq "X-1"`, ""},
			{"/Users", `title eq "Analyst" and emails[type eq "work"].value eq "` + name + `"`, u},
			{"/Users", `externalId eq "X-1" and userName eq "` + name + `"`, u},
			{"/Users", `userName eq "` + name + `" or externalId eq "X-1"`, u},
			{"/Users", `id eq "` + u + `" and manager eq "nobody"`, ""},
			{"/Groups", `displayName eq "Team"`, g},
			{"/Groups", `displayName eq "TEAM"`, g},
			{"/Groups", `displayName eq "Other"`, ""},
			{"/Groups", `externalId eq "G-1"`, g},
			{"/Groups", `id eq "` + g + `" and members eq "` + u + `"`, g},
			{"/Groups", `members eq "` + u + `"`, g},
			{"/Groups", `members.value eq "` + u + `"`, g},
			{"/Groups", `members[value eq "` + u + `"]`, g},
			{"/Groups", `members eq "nobody"`, ""},
			{"/Groups", `displayName eq "Team" and members eq "` + u + `"`, g},
			{"/Groups", `externalId eq "G-1" and displayName eq "Team"`, g},
		} {
			for _, more := range []string{"", "&startIndex=1&count=100", "&attributes=id", "&excludedAttributes=members", "&cursor&count=10"} {
				got := s.ask("GET", filtered(q.at, q.filter)+more, "")
				if found := strings.Join(got.ids(), " "); got.status != 200 {
					t.Errorf("%s: %s%s: %d %s", source, q.filter, more, got.status, got.raw)
				} else if found != q.id {
					t.Errorf("%s: %s%s found %q, want %q", source, q.filter, more, found, q.id)
				}
			}
		}
	}
}

// unreadable puts users and groups into a source whose bodies are no JSON.
func unreadable(t *testing.T, d *daemon, source string) {
	t.Helper()
	now := time.Now().UTC()
	err := d.app.Store().Update(func(tx *store.Tx) error {
		for i := range 200 {
			for _, kind := range []string{"User", "Group"} {
				seq, err := tx.NextResource()
				if err != nil {
					return err
				}
				r := store.Resource{Source: source, Type: kind, ID: fmt.Sprintf("%s_unreadable_%03d", kind, i), Seq: seq, Rev: 1, Created: now, Modified: now, Body: json.RawMessage(`{"userName`),
					Keys: []store.ResourceIndex{{Attribute: "username", Value: fmt.Sprintf("%s-%d", kind, i), Unique: true}, {Attribute: "externalid", Value: fmt.Sprint("other", i)},
						{Attribute: "emails.value", Value: fmt.Sprint("other", i)}, {Attribute: "displayname", Value: fmt.Sprint("other", i)}}}
				if err := store.Resources.Put(tx, store.ResourceKey{Source: source, Type: kind, ID: r.ID}, r); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
