package appliance_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"rollcall/appliance/admin"
	"rollcall/appliance/store"
	"rollcall/connectors/cast"
	"rollcall/connectors/javelo/javelosim"
)

// smallDisk mounts a filesystem of a few megabytes at path, for as long as the
// test takes.
func smallDisk(t *testing.T, path string, megabytes int) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("mounting a small filesystem takes root; the test runs where there is one, as in CI")
	}
	if err := os.MkdirAll(path, 0o750); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("rollcall-test", path, "tmpfs", 0, fmt.Sprintf("size=%dm,mode=0750", megabytes)); err != nil {
		t.Skipf("this kernel or container mounts nothing: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(path, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
}

// fill writes a file until the disk takes no more.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	block := make([]byte, 4096)
	for range 1 << 20 {
		if _, err := f.Write(block); err != nil {
			if !errors.Is(err, syscall.ENOSPC) {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatal("the disk does not fill")
}

// What was answered 2xx is kept, everything else is refused or waits, nothing is
// sent that could not be remembered, and when there is room again all goes on
// without a restart.
func TestAFullDiskLosesNothingAndSendsNothing(t *testing.T) {
	w := newWorld(t, 30, "[sources.okta]\nkind = \"okta\"\n[backup]\nevery = \"0s\"\n")
	smallDisk(t, filepath.Join(w.dir, "data"), 16)
	w.start()
	w.sync("hibob")
	w.activate("hibob")
	okta := w.sender("okta")
	person := func(i int) string {
		return fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"full%d@halcyon-atelier.example","name":{"givenName":"F","familyName":"D"},"title":%q}`, i, strings.Repeat("x", 2000))
	}
	filler := filepath.Join(w.dir, "data", "filler")
	fill(t, filler)

	kept := map[string]bool{}
	refused := 0
	for i := range 400 {
		r := okta.ask("POST", "/Users", person(i))
		switch r.status {
		case 201:
			id, _ := r.body["id"].(string)
			kept[id] = true
		case 503:
			refused++
			if r.header.Get("Retry-After") == "" || r.body["detail"] == nil {
				t.Errorf("a refusal for want of room without Retry-After or a reason: %v", r.body)
			}
		default:
			t.Fatalf("POST on a full disk: %d %v", r.status, r.body)
		}
		if refused == 5 {
			break
		}
	}
	if refused == 0 {
		t.Fatal("the disk was full and nothing was refused")
	}
	writes := w.javelo.Writes()
	w.hibob.Update(3, func(p *cast.Person) { p.Title = "Keeper of Full Disks " + strings.Repeat("y", 3000) })
	if err := w.app.Sync(w.ctx(), "test", []string{"hibob"}); err == nil {
		_ = w.app.Wait(w.ctx(), nil)
	}
	if now := w.javelo.Writes(); now != writes {
		t.Errorf("%d writes left while they could not be remembered", now-writes)
	}

	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	okta.want(201, "POST", "/Users", person(100_000))
	for id := range kept {
		okta.want(200, "GET", "/Users/"+id, "")
	}
	w.sync("hibob")
	titled := func(a javelosim.Account) bool { return strings.HasPrefix(a.Title, "Keeper of Full Disks") }
	if !slices.ContainsFunc(w.javelo.Accounts(), titled) {
		t.Error("the change that waited did not arrive after there was room again")
	}
	v, err := w.app.Verify(w.ctx())
	if err != nil || len(v.Problems) > 0 {
		t.Errorf("verify: %v %v", v.Problems, err)
	}
}

// TestAnActivationThatStoppedHalfwayIsToldOfAndFinished fails when a source whose
// activation could not be stored to its end waits for a restart, and nobody is told.
func TestAnActivationThatStoppedHalfwayIsToldOfAndFinished(t *testing.T) {
	w := newWorld(t, 30, "")
	w.start()
	w.sync("hibob")
	err := w.app.Store().Update(func(tx *store.Tx) error { // the first of its transactions
		s, _, err := store.Sources.Get(tx, "hibob")
		if err != nil {
			return err
		}
		s.State = store.Live
		return store.Sources.Put(tx, "hibob", s)
	})
	if err != nil {
		t.Fatal(err)
	}
	told := func() bool {
		s, err := w.app.Status(w.ctx())
		if err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(s.Needs, func(n admin.Need) bool { return strings.Contains(n.Text, "stopped halfway") })
	}
	if !told() {
		t.Error("status does not say that the activation stopped")
	}
	w.app.Housekeep()
	if told() {
		t.Error("status says that the activation stopped after it was finished")
	}
	s, err := w.app.Status(w.ctx())
	if err != nil || s.People.Active == 0 {
		t.Errorf("nobody is in the roster: %+v, %v", s.People, err)
	}
}
