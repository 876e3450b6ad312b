package relay_test

import (
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"time"

	"rollcall/connectors/javelo/javelosim"
	"rollcall/connectors/scim/scimtargetsim"
)

// held is an account as a simulated service holds it.
type held struct {
	id, given, title, department, manager string
	active                                bool
}

// service is a simulated service that random histories can disturb and compare.
type service interface {
	http.Handler
	Heal()
	Total() int
	Writes() int
	Busiest() int
	// account returns what is held under a login.
	account(login string) (held, bool)
	// seed makes an account by hand.
	seed(login string, active bool)
	// fault arms a failure of single requests, outage one that lasts until Heal.
	fault(r *rand.Rand)
	outage(r *rand.Rand)
	// doubled counts the creates of somebody who was made over SCIM before.
	doubled() int
}

// javeloService is Javelo.
type javeloService struct {
	*javelosim.Sim
	twice func() int
}

func (s javeloService) account(login string) (held, bool) {
	a, ok := s.Account(login)
	return held{a.ID, a.GivenName, a.Title, a.Enterprise["department"], a.ManagerID, a.Active}, ok
}

func (s javeloService) seed(login string, active bool) {
	s.Seed([]javelosim.Account{{UserName: login, GivenName: "By", FamilyName: "Hand", Active: active}})
}

func (s javeloService) fault(r *rand.Rand) {
	kinds := []javelosim.FaultKind{javelosim.Unavailable, javelosim.HTML, javelosim.Slow, javelosim.Reset, javelosim.ResetAfterWrite, javelosim.ResetAfterWrite, javelosim.Truncate, javelosim.Throttle}
	f := javelosim.Fault{Kind: kinds[r.IntN(len(kinds))], Times: 1 + r.IntN(3), Skip: r.IntN(4)}
	f.Method = []string{"", "POST", "PATCH", "GET"}[r.IntN(4)]
	f.Delay = time.Duration(1+r.IntN(120)) * time.Second
	f.Status = []int{500, 502, 503, 504}[r.IntN(4)]
	f.RetryAfter = []string{"", "7", "400"}[r.IntN(3)]
	s.Fault(f)
}

func (s javeloService) outage(r *rand.Rand) {
	s.Fault(javelosim.Fault{Kind: []javelosim.FaultKind{javelosim.Unavailable, javelosim.HTML, javelosim.Reset, javelosim.ResetAfterWrite, javelosim.Throttle}[r.IntN(5)], Times: -1})
}

func (s javeloService) doubled() int { return s.twice() }

// scimService is any SCIM service.
type scimService struct{ *scimtargetsim.Sim }

func (s scimService) account(login string) (held, bool) {
	u, ok := s.User(login)
	var doc struct {
		Title      string
		Name       struct{ GivenName string }
		Enterprise struct{ Department string } `json:"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"`
	}
	if ok && json.Unmarshal(u.Document, &doc) != nil {
		return held{}, false
	}
	return held{u.ID, doc.Name.GivenName, doc.Title, doc.Enterprise.Department, u.Manager, u.Active}, ok
}

func (s scimService) seed(login string, active bool) { s.Seed(login, active) }

func (s scimService) fault(r *rand.Rand) {
	kinds := []scimtargetsim.FaultKind{scimtargetsim.Unavailable, scimtargetsim.Page, scimtargetsim.Reset, scimtargetsim.ResetAfterWrite, scimtargetsim.ResetAfterWrite,
		scimtargetsim.Partial, scimtargetsim.Partial, scimtargetsim.Truncate, scimtargetsim.Throttle}
	f := scimtargetsim.Fault{Kind: kinds[r.IntN(len(kinds))], Times: 1 + r.IntN(3), Skip: r.IntN(4)}
	f.Path = []string{"", "/Bulk", "/Bulk", "/Users"}[r.IntN(4)]
	f.Status = []int{500, 502, 503, 504}[r.IntN(4)]
	if f.Path == "/Bulk" && r.IntN(3) == 0 {
		f.Status = []int{413, 404, 501, 400}[r.IntN(4)]
	}
	f.RetryAfter = []string{"", "7", "400"}[r.IntN(3)]
	s.Fault(f)
}

func (s scimService) outage(r *rand.Rand) {
	s.Fault(scimtargetsim.Fault{Kind: []scimtargetsim.FaultKind{scimtargetsim.Unavailable, scimtargetsim.Page, scimtargetsim.Reset, scimtargetsim.ResetAfterWrite, scimtargetsim.Partial, scimtargetsim.Throttle}[r.IntN(6)], Times: -1})
}

func (s scimService) doubled() int { return s.Doubled() }

// someBulk is a way to do bulk requests, to the letter or not.
func someBulk(r *rand.Rand) scimtargetsim.Bulk {
	b := scimtargetsim.Bulk{Bodies: r.IntN(3) == 0, Status: scimtargetsim.StatusForm(r.IntN(3)), References: scimtargetsim.References(r.IntN(3)),
		Reverse: r.IntN(3) == 0, MaxOperations: []int{0, 2, 3, 7}[r.IntN(4)], MaxPayload: []int{0, 900, 2000}[r.IntN(3)]}
	switch r.IntN(8) {
	case 0:
		b.NoLocation = true
	case 1:
		b.NoBulkID = true
	case 2:
		b.Lost = 1 + r.IntN(2)
	case 3:
		b.StopAfter = 1
	case 4:
		b.Missing = true
	case 5:
		b.Whole = true
	case 6:
		b.Announced.MaxOperations, b.Announced.MaxPayload = 100, 1<<20
	}
	return b
}
