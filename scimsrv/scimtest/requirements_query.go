package scimtest

import (
	"fmt"
	"slices"
	"strings"
)

func queryRequirements() []Requirement {
	return []Requirement{
		{"list.form", "RFC 7644 §3.4.2", Must, "a list has its schema, totalResults, startIndex and itemsPerPage as numbers, and Resources", func(s *session) {
			r := s.want(is(200), "GET", find("/Users", "filter", `userName eq "`+s.name()+`"`), nil)
			if !s.schemas(r, messages+"ListResponse") {
				s.t.Errorf("no list: %s", r.raw)
			}
			s.expect(r, "$.totalResults", 0)
			s.expect(r, "$.startIndex", 1)
			s.expect(r, "$.itemsPerPage", 0)
		}},
		{"list.paging", "RFC 7644 §3.4.2.4", Must, "startIndex and count cut pages; out of range they are corrected", func(s *session) {
			var names []string
			for range 5 {
				_, r := s.user(nil)
				names = append(names, s.text(r, "$.userName"))
			}
			slices.Sort(names)
			page := func(start, count string) []string {
				r := s.want(is(200), "GET", find("/Users", "filter", `userName sw "check-`+s.run+`"`, "startIndex", start, "count", count), nil)
				got := s.texts(r, "userName")
				s.expect(r, "$.totalResults", 5)
				s.expect(r, "$.itemsPerPage", len(got))
				return got
			}
			// The order is the service's own, but it has one.
			all := slices.Concat(page("1", "2"), page("3", "2"), page("5", "2"))
			if sorted := slices.Sorted(slices.Values(all)); !slices.Equal(sorted, names) {
				s.t.Errorf("three pages show %v, want each of %v once", all, names)
			}
			for _, tc := range []struct {
				start, count string
				want         []string
			}{
				{"6", "2", nil}, {"0", "1", all[:1]}, {"-3", "1", all[:1]}, {"1", "0", nil}, {"1", "-1", nil}, {"2", "3", all[1:4]},
			} {
				if got := page(tc.start, tc.count); !slices.Equal(got, tc.want) {
					s.t.Errorf("startIndex %s, count %s: %v, want %v", tc.start, tc.count, got, tc.want)
				}
			}
		}},
		{"filter.operators", "RFC 7644 §3.4.2.2", Must, "every operator, in any letter case, with precedence and grouping", func(s *session) {
			_, r := s.user(object{"title": "Head of Sales", "active": true, "externalId": "Ab",
				"emails": []object{{"value": "w@" + s.run + ".example", "type": "work"}, {"value": "h@" + s.run + ".example", "type": "home"}}})
			name := s.text(r, "$.userName")
			created := s.text(r, "$.meta.created")
			for filter, want := range map[string]int{
				`title eq "head of sales"`:                    1,
				`title ne "head of sales"`:                    0,
				`title co "OF"`:                               1,
				`title sw "head"`:                             1,
				`title ew "sales"`:                            1,
				`TITLE PR`:                                    1,
				`nickName pr`:                                 0,
				`title gt "h"`:                                1,
				`title le "h"`:                                0,
				`meta.created ge "` + created + `"`:           1,
				`meta.created lt "` + created + `"`:           0,
				`active eq true`:                              1,
				`active eq false or title pr and nickName pr`: 0,
				`(active eq false or title pr) and not (nickName pr)`: 1,
				`title pr or active eq false and nickName pr`:         1,
				`externalId eq "ab"`:                                  0,
				`emails.type eq "home" and emails.value sw "w@"`:      1,
				`emails[type eq "home" and value sw "w@"]`:            0,
				`emails[type eq "work" and value sw "w@"]`:            1,
				`emails co "@` + s.run + `"`:                          1,
				coreUser + `:name.familyName eq "doe"`:                1,
				enterprise + `:department pr`:                         0,
				`title eq "Head \u006ff Sales"`:                       1,
			} {
				r := s.want(is(200), "GET", find("/Users", "filter", `userName eq "`+name+`" and (`+filter+`)`), nil)
				if got := len(s.texts(r, "id")); got != want {
					s.t.Errorf("%s selects %d, want %d", filter, got, want)
				}
			}
		}},
		{"filter.invalid", "RFC 7644 §3.12", Must, "a filter that cannot be read or compared is 400 invalidFilter", func(s *session) {
			for _, filter := range []string{`userName eq`, `userName is "x"`, `(title pr`, `active gt true`, `title pr and`, `userName eq 'x'`, strings.Repeat("(", 1000)} {
				s.refused(400, "invalidFilter", "GET", find("/Users", "filter", filter), nil)
			}
		}},
		{"filter.unknown", "draft-zollner-scim-interop-profile", Should, "an unknown attribute in a filter is 400 invalidFilter", func(s *session) {
			s.refused(400, "invalidFilter", "GET", find("/Users", "filter", `shoeSize eq "43"`), nil)
		}},
		{"filter.sensitive", "RFC 7644 §7.5.2", Must, "passwords cannot be searched for", func(s *session) {
			s.want(is(400, 403), "GET", find("/Users", "filter", `password sw "a"`), nil)
		}},
		{"sort.order", "RFC 7644 §3.4.2.3", Should, "sortBy orders without regard to letter case where the attribute has none", func(s *session) {
			for _, display := range []string{"bob", "Anna", "carl"} {
				s.user(object{"displayName": display})
			}
			filter := `userName sw "check-` + s.run + `"`
			up := s.texts(s.want(is(200), "GET", find("/Users", "filter", filter, "sortBy", "displayName"), nil), "displayName")
			down := s.texts(s.want(is(200), "GET", find("/Users", "filter", filter, "sortBy", "displayName", "sortOrder", "descending"), nil), "displayName")
			slices.Reverse(down)
			if want := []string{"Anna", "bob", "carl"}; !slices.Equal(up, want) || !slices.Equal(down, want) {
				s.t.Errorf("ascending %v, descending reversed %v, want %v", up, down, want)
			}
		}},
		{"projection.attributes", "RFC 7644 §3.9", Must, "attributes and excludedAttributes select; id always comes", func(s *session) {
			path, _ := s.user(object{"title": "T"})
			r := s.want(is(200), "GET", path+"?attributes=TITLE,name.givenName", nil)
			s.text(r, "$.id")
			s.expect(r, "$.title", "T")
			s.expect(r, "$.name.givenName", "Jane")
			s.expect(r, "$.name.familyName", nil)
			s.expect(r, "$.userName", nil)
			r = s.want(is(200), "GET", path+"?excludedAttributes=title,id,name.givenName", nil)
			s.text(r, "$.id")
			s.expect(r, "$.title", nil)
			s.expect(r, "$.name.givenName", nil)
			s.expect(r, "$.name.familyName", "Doe")
		}},
		{"projection.members", "RFC 7644 §3.9", Must, "members can be left out of groups", func(s *session) {
			_, u := s.user(nil)
			path, g := s.group(s.text(u, "$.id"))
			s.expect(s.want(is(200), "GET", path+"?excludedAttributes=members", nil), "$.members", nil)
			r := s.want(is(200), "GET", find("/Groups", "excludedAttributes", "members", "filter", `displayName eq "`+s.text(g, "$.displayName")+`"`), nil)
			s.expect(r, "$.Resources[0].id", s.text(g, "$.id"))
			s.expect(r, "$.Resources[0].members", nil)
		}},
		{"search.post", "RFC 7644 §3.4.3", Must, "POST to .search answers like GET, for a type and for all", func(s *session) {
			_, r := s.user(nil)
			body := object{"schemas": []string{messages + "SearchRequest"}, "filter": `userName eq "` + s.text(r, "$.userName") + `"`, "attributes": []string{"userName"}, "startIndex": 1, "count": 10}
			for _, path := range []string{"/Users/.search", "/.search"} {
				found := s.want(is(200), "POST", path, body)
				s.expect(found, "$.totalResults", 1)
				s.expect(found, "$.Resources[0].id", s.text(r, "$.id"))
				s.expect(found, "$.Resources[0].name", nil)
			}
		}},
		{"cursor.walk", "RFC 9865 §2", Must, "cursors lead through every resource once and end without nextCursor", func(s *session) {
			var want []string
			for range 5 {
				_, r := s.user(nil)
				want = append(want, s.text(r, "$.id"))
			}
			params := []string{"filter", `userName sw "check-` + s.run + `"`, "count", "2", "cursor", ""}
			var got []string
			for range 10 {
				r := s.want(is(200), "GET", find("/Users", params...), nil)
				got = append(got, s.texts(r, "id")...)
				next, there, _ := lookUp(r.body, "$.nextCursor")
				if !there {
					break
				}
				params[5] = fmt.Sprint(next)
			}
			slices.Sort(got)
			if slices.Sort(want); !slices.Equal(got, want) {
				s.t.Errorf("walked %v, want %v", got, want)
			}
		}},
		{"cursor.invalid", "RFC 9865 §2", Must, "a cursor that was not given is 400 invalidCursor", func(s *session) {
			s.refused(400, "invalidCursor", "GET", find("/Users", "cursor", "nonsense"), nil)
		}},
		{"cursor.count", "RFC 9865 §2", Must, "with a cursor, too, a count below 1 gives the number of results and none of them", func(s *session) {
			s.user(nil)
			for _, count := range []string{"0", "-1"} {
				r := s.want(is(200), "GET", find("/Users", "cursor", "", "count", count, "filter", `userName sw "check-`+s.run+`"`), nil)
				total, there, _ := lookUp(r.body, "$.totalResults")
				if !there || fmt.Sprint(total) == "0" || len(s.texts(r, "id")) > 0 {
					s.t.Errorf("count %s: %s", count, r.raw)
				}
			}
		}},
		{"cursor.default", "RFC 9865 §2", Must, "without cursor or startIndex the default is by index", func(s *session) {
			s.expect(s.want(is(200), "GET", "/Users?count=1", nil), "$.startIndex", 1)
		}},
		{"bulk.references", "RFC 7644 §3.7.2", Must, "bulkId references are resolved, forward ones too", func(s *session) {
			r := s.want(is(200), "POST", "/Bulk", object{"schemas": []string{messages + "BulkRequest"}, "Operations": []object{
				{"method": "POST", "path": "/Groups", "bulkId": "g", "data": object{"schemas": []string{coreGroup}, "displayName": s.name(), "members": []object{{"value": "bulkId:u"}}}},
				{"method": "POST", "path": "/Users", "bulkId": "u", "data": userOf(s.name(), nil)},
			}})
			if !s.schemas(r, messages+"BulkResponse") {
				s.t.Errorf("no bulk response: %s", r.raw)
			}
			s.expect(r, "$.Operations[0].status", "201")
			s.expect(r, "$.Operations[1].status", "201")
			group := s.want(is(200), "GET", strings.TrimPrefix(s.text(r, "$.Operations[0].location"), s.c.BaseURL), nil)
			if !strings.HasSuffix(s.text(r, "$.Operations[1].location"), s.text(group, "$.members[0].value")) {
				s.t.Errorf("the group holds somebody else: %s", group.raw)
			}
		}},
		{"bulk.fail", "RFC 7644 §3.7.3", Must, "failOnErrors ends a bulk request early, with the error in its place", func(s *session) {
			r := s.want(is(200), "POST", "/Bulk", object{"schemas": []string{messages + "BulkRequest"}, "failOnErrors": 1, "Operations": []object{
				{"method": "DELETE", "path": "/Users/nobody"},
				{"method": "POST", "path": "/Users", "bulkId": "u", "data": userOf(s.name(), nil)},
			}})
			s.expect(r, "$.Operations[0].status", "404")
			s.expect(r, "$.Operations[0].response.status", "404")
			s.expect(r, "$.Operations[1]", nil)
		}},
	}
}

func discoveryRequirements() []Requirement {
	return []Requirement{
		{"discovery.config", "RFC 7643 §5", Must, "ServiceProviderConfig says what is supported, every number included", func(s *session) {
			r := s.want(is(200), "GET", "/ServiceProviderConfig", nil)
			for at, want := range map[string]string{
				"$.patch.supported": "boolean", "$.bulk.supported": "boolean", "$.bulk.maxOperations": "integer", "$.bulk.maxPayloadSize": "integer",
				"$.filter.supported": "boolean", "$.filter.maxResults": "integer", "$.changePassword.supported": "boolean", "$.sort.supported": "boolean",
				"$.etag.supported": "boolean", "$.authenticationSchemes": "array", "$.pagination.cursor": "boolean", "$.pagination.index": "boolean",
			} {
				if v, _, _ := lookUp(r.body, at); typeOf(v) != want {
					s.t.Errorf("%s is %s, want %s", at, typeOf(v), want)
				}
			}
		}},
		{"discovery.documents", "RFC 7644 §4", Must, "schemas and resource types are listed, and found by id", func(s *session) {
			for _, path := range []string{"/Schemas", "/ResourceTypes"} {
				list := s.want(is(200), "GET", path, nil)
				for i, id := range s.texts(list, "id") {
					r := s.want(is(200), "GET", path+"/"+id, nil)
					s.expect(r, "$.id", id)
					s.expect(list, fmt.Sprintf("$.Resources[%d].meta.location", i), s.text(r, "$.meta.location"))
				}
				s.refused(404, "", "GET", path+"/urn:example:none", nil)
			}
		}},
		{"discovery.filter", "RFC 7644 §4", Should, "a filter on a discovery endpoint is 403", func(s *session) {
			for _, path := range []string{"/Schemas", "/ResourceTypes", "/ServiceProviderConfig"} {
				s.refused(403, "", "GET", find(path, "filter", `id pr`), nil)
			}
		}},
	}
}
