package admintest

import (
	"fmt"
	"time"

	"rollcall/appliance/admin"
	"rollcall/appliance/model"
	"rollcall/appliance/readiness"
)

// Now is the time at which the fictional company of [Acme] is seen.
var Now = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// Acme returns a fake appliance of a fictional company with some of everything:
// a source in preview, a hold, a conflict, a parked delivery, a hostile name.
func Acme() *Service {
	ago := func(d time.Duration) time.Time { return Now.Add(-d) }
	jane := admin.PersonRef{ID: "p_jane", Name: "Jane Doe", Email: "jane.doe@acme.example"}
	omar := admin.PersonRef{ID: "p_omar", Name: "Omar Farouk", Email: "omar@acme.example"}
	eve := admin.PersonRef{ID: "p_eve", Name: "Eve\x1b[2J\u202eslaH", Email: "eve@acme.example"}
	conflict := admin.Conflict{
		ID: "c_9f2c", Kind: string(model.DuplicateIdentifier), Rule: "two records of hibob carry the same email", Freezes: true,
		Identifiers: []string{"email:jane.doe@acme.example"}, Names: []string{"Jane Doe"}, Persons: []string{"p_jane"},
		Differs: []string{"title", "employee_number"}, Suggestion: "merge: same name and birth date, one of them ended",
		Suggested: &admin.Resolution{Verb: string(model.Merge), Rev: 4}, Answers: []string{"merge", "separate", "prefer", "exclude", "set", "later"},
		Shape: "duplicate_identifier; hibob current + hibob ended, new; email; names the same", Precedents: map[string]int{"merge": 3, "separate": 1},
		For: []string{"the names are the same"}, Against: []string{"the employee numbers differ"},
		Opened: ago(3 * time.Hour), Rev: 4,
		Records: []admin.Record{
			{ID: "r_1", Source: "hibob", Native: "3332883884017025", Person: "p_jane", Status: "active", RawStatus: "Active", Changed: ago(26 * time.Hour),
				Attributes: map[string]string{"email": "jane.doe@acme.example", "title": "Engineer", "employee_number": "1001", "given_name": "Jane"}},
			{ID: "r_2", Source: "hibob", Native: "3332883884017099", Status: "inactive", Changed: ago(400 * 24 * time.Hour),
				Attributes: map[string]string{"email": "jane.doe@acme.example", "title": "Intern", "given_name": "Jane"}},
		},
	}
	hold := model.Hold{Guard: "max_deactivations", Target: "javelo", Reason: "12 of 100 people would lose access", Count: 12, Limit: 5, State: model.HoldWaiting}
	change := []admin.PlanChange{
		{Target: "javelo", Person: omar, Effect: "update", Why: "hibob says so since run 12", Attributes: []admin.AttributeChange{
			{Attribute: "title", Old: "Analyst", New: "Senior Analyst", Source: "hibob"},
			{Attribute: "department", Old: "Sales", New: "", Source: "hibob"},
		}},
		{Target: "javelo", Person: eve, Effect: "deactivate", State: "held", Why: "left on 2026-11-20"},
		{Target: "javelo", Person: jane, Effect: "create", Why: "new in hibob", Attributes: []admin.AttributeChange{
			{Attribute: "title", New: "=cmd|' /C calc'!A0", Source: "hibob"},
		}},
	}
	causes := []admin.Cause{
		{ID: "6f0c1a2b", Target: "javelo", Effect: "deactivate", Reason: "left on 2026-11-20", Text: "left on 2026-11-20", People: 1},
		{ID: "77aa3f01", Target: "javelo", Effect: "create", Reason: "new in hibob", Text: "new in hibob", People: 1},
		{ID: "0b51d3e9", Target: "javelo", Effect: "update", Attribute: "department", Text: "department", People: 1},
		{ID: "c2d4e6f8", Target: "javelo", Effect: "update", Attribute: "title", Text: "title", People: 1},
	}
	change[0].Causes, change[1].Causes, change[2].Causes = []string{"0b51d3e9", "c2d4e6f8"}, []string{"6f0c1a2b"}, []string{"77aa3f01"}
	s := &Service{
		State: admin.Status{
			Version: Version, Now: Now, Started: ago(50 * time.Hour), Health: "attention", Headline: "two things need you",
			Needs: []admin.Need{
				{Kind: "hold", Subject: "run:12", Text: "run 12 of hibob would deactivate 12 people in javelo; 5 may pass", Command: "rollcall runs show 12"},
				{Kind: "conflict", Subject: "c_9f2c", Text: "two records of hibob share an email", Command: "rollcall conflicts show c_9f2c"},
			},
			People: admin.Counts{Total: 1204, Active: 1150, Pending: 12, Leave: 8, Inactive: 34, Held: 1},
			Sources: []admin.Source{
				{Name: "hibob", Kind: "hibob", State: "active", Health: "ok", Detail: "read whole in 14 s", Records: 1204, LastGood: ago(3 * time.Minute), NextRead: Now.Add(37 * time.Minute), LastRun: 12},
				{Name: "okta", Kind: "okta", State: "preview", Health: "attention", Detail: "waits for its first request", Endpoint: "https://rollcall.acme.example/scim/v2"},
			},
			Targets: []admin.Target{
				{Name: "javelo", Kind: "javelo", Lane: "broken", Reason: "502 Bad Gateway five times in a row", RetryAt: Now.Add(2 * time.Minute), Accounts: 1150, Ready: 3, Held: 12, Parked: 1,
					Oldest: ago(20 * time.Minute), Rate: "12 of 240 requests in 5m"},
			},
			Activity: []int{0, 3, 1},
		},
		Plans: map[string]admin.Plan{
			"": {Digest: "d41d8c", Summary: "3 accounts would change", Changes: change, Causes: causes, Instance: "i_1", Made: Now, Conflicts: []admin.Conflict{conflict}, Holds: []model.Hold{hold},
				Uncovered: []admin.Uncovered{{Target: "javelo", Login: "service@acme.example", Active: true}}, Counts: map[string]int{"create": 1, "update": 1, "deactivate": 1}},
			"okta":  {Source: "okta", Digest: "e3b0c4", Summary: "1 account would be created", Changes: change[2:], Causes: causes[1:2], Counts: map[string]int{"create": 1}},
			"hibob": {Source: "hibob", Digest: "000000", Changes: []admin.PlanChange{}, Counts: map[string]int{}},
		},
		RunList: []model.Run{
			{Seq: 12, Source: "hibob", Cause: model.CausePoll, Verdict: model.VerdictComplete, Started: ago(3 * time.Minute), Ended: ago(2 * time.Minute),
				Counts: model.RunCounts{Pages: 2, Seen: 1204, Unchanged: 1190, Changed: 2, Gone: 12, Deactivate: 12, Update: 2, Conflicts: 1}, Holds: []model.Hold{hold}},
			{Seq: 11, Source: "hibob", Cause: model.CausePoll, Verdict: model.VerdictFailed, Started: ago(43 * time.Minute), Ended: ago(43 * time.Minute),
				Error: "hibob: read page 1: 502 Bad Gateway: it is read again at the next interval"},
		},
		Pending: []admin.Delivery{
			{Target: "javelo", Person: eve, State: "held", Effect: "deactivate", Changed: []string{"active"}, Run: 12, Created: ago(3 * time.Minute)},
			{Target: "javelo", Person: omar, State: "parked", Effect: "update", Changed: []string{"title"}, Run: 10, Attempts: 1, LastError: "javelo refused it: title is too long", Created: ago(20 * time.Minute)},
		},
		Roster: []admin.Person{
			{ID: "p_jane", Name: "Jane Doe", Email: "jane.doe@acme.example", Status: "active", Access: "on", Reason: "hibob says active", Held: []string{"c_9f2c"},
				Manager: &omar, Sources: []string{"hibob", "okta"}, Changed: ago(26 * time.Hour), Reports: 2,
				Values: []admin.Value{
					{Attribute: "email", Value: "jane.doe@acme.example", Source: "hibob", Field: "email", Record: "r_1", Run: 3, At: ago(26 * time.Hour)},
					{Attribute: "title", Value: "Engineer", Source: "hibob", Field: "work.title", Record: "r_1", Run: 12, At: ago(3 * time.Minute), Rule: "built-in map of hibob; [policy] authority = hibob, okta",
						Lost: []admin.Lost{{Source: "okta", Value: "Software Engineer", Why: "hibob comes first in policy.authority"}, {Source: "lucca", Null: true, Why: "hibob comes first in policy.authority"}}},
					{Attribute: "mobile_phone", Null: true, Source: "hibob", Field: "home.mobilePhone", Record: "r_1", Run: 3, At: ago(26 * time.Hour)},
				},
				Records: []admin.Record{
					{ID: "r_1", Source: "hibob", Native: "3332883884017025", Status: "active", Changed: ago(26 * time.Hour)},
					{ID: "r_7", Source: "okta", Native: "00u1", Status: "active", Staged: true, Changed: ago(5 * time.Hour)},
				},
				Groups: []admin.Membership{{Source: "hibob", ID: "g_11", Name: "Engineering", Record: "r_1", Attribute: "department", Field: "work.department", Targets: []string{"javelo"}},
					{Source: "okta", ID: "g_12", Name: "Everyone", Record: "r_7"}},
				Accounts: []admin.Account{{Target: "javelo", RemoteID: "8812", Login: "jane.doe@acme.example", Active: true, Adopted: true, At: ago(5 * time.Hour)}},
				Events: []model.Event{
					{Seq: 2, At: ago(26 * time.Hour), Actor: "source:hibob", Subject: "person:p_jane", Verb: "changed", Fields: []string{"title"}, Run: 3},
				},
				WhyNot: map[string]string{"javelo": "conflict c_9f2c stops everything about Jane Doe until it is settled"}},
			{ID: "p_omar", Name: "Omar Farouk", Email: "omar@acme.example", Status: "pending", Access: "on", Reason: "starts on 2026-12-01", Waiting: "no work email yet", Sources: []string{"hibob"}, Changed: ago(time.Hour)},
			{ID: "p_eve", Name: eve.Name, Email: eve.Email, Status: "inactive", Access: "off", Reason: "left on 2026-11-20", Sources: []string{"hibob"}, Changed: ago(time.Hour)},
		},
		Open: []admin.Conflict{conflict},
		TokenList: []admin.Token{
			{ID: "t_1", Source: "okta", Label: "production", Created: ago(300 * 24 * time.Hour), By: Actor, Expires: Now.Add(5 * 24 * time.Hour), LastUsed: ago(40 * time.Second)},
			{ID: "t_0", Source: "okta", Created: ago(400 * 24 * time.Hour), By: Actor, Revoked: ago(300 * 24 * time.Hour)},
		},
		RequestLog: []admin.Request{
			{At: ago(50 * time.Second), Source: "okta", Token: "t_1", Method: "GET", Path: "/scim/v2/Users?filter=userName eq \"…\"", Status: 200, TookMS: 0.8, Dialect: "okta"},
			{At: ago(40 * time.Second), Source: "okta", Token: "t_1", Method: "PATCH", Path: "/scim/v2/Users/r_7", Status: 400, TookMS: 1.2, Dialect: "okta",
				Detail: "invalidPath: there is no attribute \"nickNam\"", Quirks: []string{"pathless replace"}},
		},
		Checks: []admin.CheckResult{
			{Name: "hibob", Kind: "hibob", OK: false, Summary: "answers, and one field is hidden", Missing: []admin.CheckMissing{
				{Permission: "People's data > Home > View", Field: "home.mobilePhone", Attribute: "mobile_phone", Effect: "phone numbers are left as they are"}},
				Sample: []admin.Value{{Attribute: "title", Value: "Engineer", Field: "work.title"}}, Notices: []string{"3 people have no email"}},
			{Name: "javelo", Kind: "javelo", OK: true, Summary: "answers in 80 ms, 1,150 accounts", Facts: []admin.Fact{
				{Name: "filter", Value: "unquoted: userName eq x", How: "seen"}, {Name: "paging", Value: "start_index and startIndex", How: "seen"}}},
		},
		Ready: readiness.Report{
			Made: Now, Previewed: []string{"hibob"}, Listed: map[string]time.Time{"javelo": ago(time.Hour)},
			Counts: map[readiness.Kind]int{readiness.Uncovered: 1, readiness.NearMatch: 1, readiness.New: 1, readiness.Matched: 1},
			Rows: []readiness.Row{
				{Kind: readiness.Uncovered, Target: "javelo", Name: "Old Timer", Account: "old@acme.com", Detail: "no source has this address: whoever uses the account could lose access", ToDo: "find the person in HR"},
				{Kind: readiness.NearMatch, Target: "javelo", Name: "Zoë Martin", Email: "zoe.martin@acme.com", Source: "hibob", Record: "77", Account: "zoe@acme.com", By: readiness.ByName, Detail: "looks like the account of Zoe Martin, which has another address", ToDo: "make the address the same", Person: "p_zoe"},
				{Kind: readiness.New, Target: "javelo", Name: "=New Hire", Email: "new@acme.com", Source: "hibob", Record: "78", Detail: "an account would be created", Person: "p_new"},
				{Kind: readiness.Matched, Target: "javelo", Name: "Jane Doe", Email: "jane@acme.com", Source: "hibob", Record: "1", Account: "jane@acme.com", By: readiness.ByEmail, Detail: "the account would be adopted", Person: "p_jane"},
			},
		},
		Config: "[appliance]\ntime_zone = \"Europe/Paris\"\n",
	}
	for i := range 25 {
		s.Events = append(s.Events, model.Event{Seq: uint64(i + 1), At: ago(time.Duration(25-i) * time.Hour), Actor: "source:hibob", Subject: fmt.Sprintf("person:p_%d", i), Verb: "changed", Fields: []string{"title"}, Run: 3})
	}
	s.Events[1].Subject = "person:p_jane"
	s.Events[24] = model.Event{Seq: 25, At: ago(time.Hour), Actor: Actor, Subject: "source:okta", Verb: "paused", Reason: "the sender was set up twice"}
	return s
}
