package appliance_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
)

func filtered(path, filter string) string { return path + "?filter=" + url.QueryEscape(filter) }

func TestASourceNeverSeesGuessesOrMeetsAnothersResources(t *testing.T) {
	for _, kinds := range [][2]string{{"okta", "azure"}, {"scim", "okta"}, {"azure", "scim"}} {
		t.Run(kinds[0]+" and "+kinds[1], func(t *testing.T) {
			d := serveSources(t, "left", kinds[0], "right", kinds[1])
			left, right := d.sender("left"), d.sender("right")
			const name = "ada@halcyon-atelier.example"
			withID := strings.Replace(user(name, "Ada", "Adeyemi"), `"active"`, `"externalId":"e-left","active"`, 1)
			ada := left.want(201, "POST", "/Users", withID).id()
			team := left.want(201, "POST", "/Groups", group("Team", ada)).id()
			before := left.want(200, "GET", "/Users/"+ada, "").raw

			// The same names are free on the other side, and other ids.
			own := right.want(201, "POST", "/Users", user(name, "Ada", "Adeyemi")).id()
			ownTeam := right.want(201, "POST", "/Groups", group("Team", own)).id()
			if own == ada || ownTeam == team {
				t.Fatal("two sources share an id")
			}

			for _, at := range []struct{ path, put string }{{"/Users/" + ada, user("taken", "A", "B")}, {"/Groups/" + team, group("Taken")}} {
				right.want(404, "GET", at.path, "")
				right.want(404, "HEAD", at.path, "")
				right.want(404, "PUT", at.path, at.put)
				right.want(404, "PATCH", at.path, patchOps(`{"op":"replace","path":"externalId","value":"x"}`))
				right.want(404, "DELETE", at.path, "")
			}

			for _, filter := range []string{
				`id eq "` + ada + `"`, `externalId eq "e-left"`, `id eq "` + ada + `" or externalId eq "e-left"`, `id sw "` + ada[:8] + `" and id ne "` + own + `"`,
				`meta.location ew "` + ada + `"`, `groups.value eq "` + team + `"`, `not (id eq "` + own + `")`,
			} {
				if r := right.want(200, "GET", filtered("/Users", filter), ""); len(r.ids()) != 0 || r.body["totalResults"] != 0.0 {
					t.Errorf("%s finds %s", filter, r.raw)
				}
			}
			for _, filter := range []string{`members.value eq "` + ada + `"`, `members eq "` + ada + `"`, `id eq "` + team + `"`, `displayName eq "team" and id ne "` + ownTeam + `"`} {
				if r := right.want(200, "GET", filtered("/Groups", filter), ""); len(r.ids()) != 0 {
					t.Errorf("%s finds %s", filter, r.raw)
				}
			}
			for _, list := range []struct {
				path string
				want string
			}{
				{"/Users", own}, {"/Users?sortBy=userName", own}, {"/Users?cursor=", own}, {filtered("/Users", `userName eq "`+name+`"`), own},
				{filtered("/Users", "id pr"), own}, {"/Groups", ownTeam}, {filtered("/Groups", `displayName eq "Team"`), ownTeam},
			} {
				if ids := right.want(200, "GET", list.path, "").ids(); !slices.Equal(ids, []string{list.want}) {
					t.Errorf("%s shows %v, want %s", list.path, ids, list.want)
				}
			}
			search := right.want(200, "POST", "/.search", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],"filter":"id pr"}`)
			if ids := search.ids(); !slices.Equal(ids, []string{own, ownTeam}) {
				t.Errorf("a search over everything shows %v", ids)
			}

			// Nobody becomes a member, a target of bulk, or a page of the other side.
			right.want(400, "POST", "/Groups", group("Mine", ada))
			right.want(400, "PUT", "/Groups/"+ownTeam, group("Team", own, ada))
			right.want(400, "PATCH", "/Groups/"+ownTeam, patchOps(fmt.Sprintf(`{"op":"add","path":"members","value":[{"value":%q}]}`, ada)))
			bulk := right.want(200, "POST", "/Bulk", fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[
				{"method":"DELETE","path":"/Users/%s"},{"method":"PATCH","path":"/Groups/%s","data":%s}]}`, ada, team, patchOps(`{"op":"remove","path":"members"}`)))
			if strings.Count(bulk.raw, `"status":"404"`) < 2 {
				t.Errorf("bulk on another's resources: %s", bulk.raw)
			}
			left.want(201, "POST", "/Users", user("bob@halcyon-atelier.example", "Bob", "Brandt"))
			cursor, _ := left.want(200, "GET", "/Users?cursor=&count=1", "").body["nextCursor"].(string)
			if r := right.want(400, "GET", "/Users?count=1&cursor="+cursor, ""); cursor == "" || r.body["scimType"] != "invalidCursor" {
				t.Errorf("a cursor of the other side: %s", r.raw)
			}
			if r := right.want(409, "POST", "/Users", user(name, "Ada", "Adeyemi")); strings.Contains(r.raw, ada) || !strings.Contains(r.raw, own) {
				t.Errorf("a conflict names somebody else's resource: %s", r.raw)
			}

			if after := left.want(200, "GET", "/Users/"+ada, "").raw; after != before {
				t.Errorf("the user was touched:\n%s\n%s", before, after)
			}
			right.want(204, "DELETE", "/Users/"+own, "")
			right.want(204, "DELETE", "/Groups/"+ownTeam, "")
			left.want(200, "GET", "/Users/"+ada, "")
			if r := left.want(200, "GET", "/Groups/"+team, ""); !strings.Contains(r.raw, ada) {
				t.Errorf("the group lost its member to a delete on the other side: %s", r.raw)
			}
		})
	}
}
