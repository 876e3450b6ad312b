package appliance_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"go.etcd.io/bbolt"

	"rollcall/appliance/admin"
	"rollcall/connectors/cast"
)

// Those whose records name the canary people as their manager: one who still has
// the canary person, one who has somebody else by now, and what Okta says.
const (
	chick = 32
	egg   = 33
)

// namedByOthers makes others name the canary people, whom no erasure is about.
func (f *flight) namedByOthers() {
	f.world.hibob.Update(chick, func(p *cast.Person) { p.Manager = f.i })
	f.world.hibob.Update(egg, func(p *cast.Person) { p.Manager = f.i })
}

// pushOthers is a sender that names the canary people in what it says of others.
func (f *flight) pushOthers() {
	other := f.people[chick]
	status, id := f.scim(f.s.token, "POST", "/Users", fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
"userName":%q,"active":true,"name":{"givenName":%q,"familyName":%q},"emails":[{"value":%q,"type":"work","primary":true}],
"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"manager":{"value":%q,"displayName":%q}}}`,
		other.Email, other.Given, other.Family, other.Email, bird.Email, bird.Given+" "+bird.Family))
	if status != http.StatusCreated {
		f.t.Errorf("POST: %d", status)
	}
	status, _ = f.scim(f.s.token, "GET", "/Users/"+id, "")
	if status != http.StatusOK {
		f.t.Errorf("GET: %d", status)
	}
	f.wait()
}

// forgotten erases the canary people and notes what is left of them in the file.
func (f *flight) forgotten() {
	f.text += "[privacy]\nforgotten = \"for_good\"\n" // they work here, and would come back
	f.start()
	f.world.hibob.Update(egg, func(p *cast.Person) { p.Manager = 1 })
	f.sync("hibob")
	f.listAgain()
	for _, who := range []cast.Person{bird, nest} {
		found, _, err := f.app.People(f.ctx(), who.Given, admin.Page{Limit: 10})
		if err != nil || len(found) == 0 {
			f.t.Fatalf("%s is not found: %v", who.Given, err)
		}
		for _, p := range found {
			done, err := f.app.Forget(f.ctx(), "uid:0(root)", admin.ForgetRequest{Who: p.ID, Reason: "request 4711", Force: true})
			if err != nil || done.Notice != "" {
				f.t.Fatalf("forget: %+v, %v", done, err)
			}
		}
	}
	f.stop()
	f.readFile("database after forget", f.app.Store().Path())
	for _, where := range f.leftIn(f.app.Store().Path()) {
		f.t.Errorf("after the erasure %s", where)
	}
}

// leftIn names the buckets in which the canary people stand.
func (f *flight) leftIn(path string) []string {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true})
	if err != nil {
		f.t.Fatal(err)
	}
	defer db.Close()
	var out []string
	err = db.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
			return b.ForEach(func(k, v []byte) error {
				lower := strings.ToLower(string(k) + "=" + string(v))
				for _, c := range f.all {
					for _, s := range c.spellings {
						if i := strings.Index(lower, s); i >= 0 {
							out = append(out, fmt.Sprintf("the %s stands in %s: …%q…", c.name, name, lower[max(0, i-200):min(len(lower), i+len(s)+60)]))
							return nil
						}
					}
				}
				return nil
			})
		})
	})
	if err != nil {
		f.t.Error(err)
	}
	return slices.Compact(out)
}
