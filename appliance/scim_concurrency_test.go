package appliance_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"rollcall/appliance/store"
)

func TestOneOfManySendersOfOneUserNameCreatesIt(t *testing.T) {
	for _, kind := range []string{"okta", "azure", "scim"} {
		t.Run(kind, func(t *testing.T) {
			s := serveSources(t, "idp", kind).sender("idp")
			const senders = 32
			answers := make([]reply, senders)
			var wg sync.WaitGroup
			for i := range senders {
				wg.Go(func() { answers[i] = s.ask("POST", "/Users", user("ada@halcyon-atelier.example", "Ada", "Adeyemi")) })
			}
			wg.Wait()
			statuses := map[int]int{}
			winner := ""
			for _, r := range answers {
				statuses[r.status]++
				if r.status == 201 {
					winner = r.id()
				} else if r.body["scimType"] != "uniqueness" {
					t.Errorf("refused without uniqueness: %s", r.raw)
				}
			}
			if want := map[int]int{201: 1, 409: senders - 1}; !maps.Equal(want, statuses) {
				t.Fatalf("answers %v, want %v", statuses, want)
			}
			list := s.want(200, "GET", "/Users", "")
			if ids := list.ids(); !slices.Equal(ids, []string{winner}) {
				t.Errorf("the directory holds %v, want %s", ids, winner)
			}
		})
	}
}

func TestConcurrentPatchesOfOneUserLoseNothing(t *testing.T) {
	const javelo = "urn:ietf:params:scim:schemas:extension:javelo:2.0:User"
	s := serveSources(t, "idp", "scim").sender("idp")
	path := "/Users/" + s.want(201, "POST", "/Users", user("ada@halcyon-atelier.example", "Ada", "Adeyemi")).id()
	const senders, each = 16, 8
	var wg sync.WaitGroup
	for i := range senders {
		wg.Go(func() {
			for j := range each {
				op := fmt.Sprintf(`{"op":"add","path":"roles","value":[{"value":"role-%d-%d"}]}`, i, j)
				key := fmt.Sprintf(`{"op":"replace","path":"%s:key%d","value":"%d"}`, javelo, i, j)
				if r := s.ask("PATCH", path, patchOps(op, key)); r.status != 200 {
					t.Errorf("patch %d of sender %d: %d %s", j, i, r.status, r.raw)
				}
			}
		})
	}
	wg.Wait()
	var got struct {
		Roles []struct{ Value string }
		Meta  struct{ Version string }
		Keys  map[string]string `json:"urn:ietf:params:scim:schemas:extension:javelo:2.0:User"`
	}
	if err := json.Unmarshal([]byte(s.want(200, "GET", path, "").raw), &got); err != nil {
		t.Fatal(err)
	}
	roles := map[string]bool{}
	for _, r := range got.Roles {
		roles[r.Value] = true
	}
	for i := range senders {
		for j := range each {
			if !roles[fmt.Sprintf("role-%d-%d", i, j)] {
				t.Errorf("role %d of sender %d is lost", j, i)
			}
		}
		if last := strconv.Itoa(each - 1); got.Keys[fmt.Sprintf("key%d", i)] != last {
			t.Errorf("sender %d wrote %s last, and %q is there", i, last, got.Keys[fmt.Sprintf("key%d", i)])
		}
	}
	if want := fmt.Sprintf(`W/"%d"`, 1+senders*each); got.Meta.Version != want {
		t.Errorf("version %s after %d patches, want %s", got.Meta.Version, senders*each, want)
	}
}

// seedUsers puts users into the store, as many as a sender would need hours for.
func seedUsers(tb testing.TB, d *daemon, source string, n int) []string {
	tb.Helper()
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("u_%026d", i) // ascending, so that seeding is quick
	}
	now := time.Now().UTC().Truncate(time.Millisecond)
	const batch = 10_000
	for from := 0; from < n; from += batch {
		err := d.app.Store().Update(func(tx *store.Tx) error {
			for i := from; i < min(from+batch, n); i++ {
				name := userNameOf(i)
				seq, err := tx.NextResource()
				if err != nil {
					return err
				}
				r := store.Resource{Source: source, Type: "User", ID: ids[i], Seq: seq, Rev: 1, Created: now, Modified: now,
					Body: json.RawMessage(fmt.Sprintf(`{"externalId":"e%d","userName":%q,"name":{"familyName":"Person","givenName":"Number %d"},`+
						`"active":true,"emails":[{"value":%q,"type":"work","primary":true}]}`, i, name, i, name)),
					Keys: []store.ResourceIndex{{Attribute: "username", Value: name, Unique: true}, {Attribute: "externalid", Value: fmt.Sprintf("e%d", i)}, {Attribute: "emails.value", Value: name}}}
				if err := store.Resources.Put(tx, store.ResourceKey{Source: source, Type: "User", ID: r.ID}, r); err != nil {
					return err
				}
			}
			return tx.AddCount(source, "User", min(batch, n-from))
		})
		if err != nil {
			tb.Fatal(err)
		}
	}
	return ids
}

func userNameOf(i int) string { return fmt.Sprintf("person-%06d@halcyon-atelier.example", i) }

// written is how many bytes this process has passed to write calls: to the
// database and to its loopback connections.
func written(t *testing.T) int64 {
	t.Helper()
	raw, err := os.ReadFile("/proc/self/io")
	if err != nil {
		t.Skipf("this system does not tell how much a process writes: %v", err)
	}
	for line := range strings.Lines(string(raw)) {
		if count, ok := strings.CutPrefix(line, "wchar: "); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(count), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Skip("this system does not tell how much a process writes")
	return 0
}

func TestALargeGroupTakesDeltasFromManySendersWithoutBeingRewritten(t *testing.T) {
	const (
		size    = 50_000
		senders = 8
		each    = 12 // deltas of one sender: so many members go and as many come
		few     = 96 // members of the small group that is measured beside it
	)
	d := serveSources(t, "idp", "okta")
	s := d.sender("idp")
	ids := seedUsers(t, d, "idp", size+2*senders*each)
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	begun := time.Now()
	large := "/Groups/" + s.want(201, "POST", "/Groups?excludedAttributes=members", group("Everybody", ids[:size]...)).id()
	t.Logf("%d members were written in %v", size, time.Since(begun))
	small := "/Groups/" + s.want(201, "POST", "/Groups?excludedAttributes=members", group("Few", ids[:few]...)).id()

	// Each sender removes members that only it knows and adds others, in both
	// forms that Okta and Entra have for it.
	deltas := func(path string, gone, come []string) (bytes int64) {
		before := written(t)
		var wg sync.WaitGroup
		for i := range senders {
			wg.Go(func() {
				for j := range each {
					out, in := gone[i*each+j], come[i*each+j]
					remove := fmt.Sprintf(`{"op":"remove","path":"members[value eq \"%s\"]"}`, out)
					if j%2 == 1 {
						remove = fmt.Sprintf(`{"op":"Remove","path":"members","value":[{"value":%q}]}`, out)
					}
					add := fmt.Sprintf(`{"op":"add","path":"members","value":[{"value":%q,"display":"someone"}]}`, in)
					if r := s.ask("PATCH", path+"?excludedAttributes=members", patchOps(remove, add)); r.status != 200 {
						t.Errorf("delta: %d %s", r.status, r.raw)
					}
				}
			})
		}
		wg.Wait()
		return (written(t) - before) / (senders * each)
	}
	ofSmall := deltas(small, ids[:few], ids[size:size+few])
	ofLarge := deltas(large, ids[1000:1000+senders*each], ids[size+senders*each:])
	t.Logf("bytes written per delta: %d of %d members, %d of %d", ofSmall, few, ofLarge, size)
	// The trees of the database are a little higher; the list itself is megabytes.
	if ofLarge > 2*ofSmall+64<<10 {
		t.Errorf("a delta of %d members writes %d bytes, one of %d members %d: the group is rewritten", size, ofLarge, few, ofSmall)
	}

	want := map[string]bool{}
	for _, id := range slices.Concat(ids[:1000], ids[1000+senders*each:size], ids[size+senders*each:]) {
		want[id] = true
	}
	var got struct{ Members []struct{ Value string } }
	if err := json.Unmarshal([]byte(s.want(200, "GET", large+"?attributes=members.value", "").raw), &got); err != nil {
		t.Fatal(err)
	}
	for _, m := range got.Members {
		if !want[m.Value] {
			t.Fatalf("%s is a member, although it was removed or never added, or stands there twice", m.Value)
		}
		delete(want, m.Value)
	}
	if len(want) > 0 {
		t.Errorf("%d members were lost", len(want))
	}
}
