package client_test

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"

	"rollcall/appliance/admin"
	"rollcall/appliance/admin/admintest"
	"rollcall/appliance/admin/client"
)

// TestClientOffersWhatTheServiceDoes holds the two method sets together: the
// client's methods are the service's without the actor. What the service hands out as
// JSON, because it may be large, the client decodes.
func TestClientOffersWhatTheServiceDoes(t *testing.T) {
	service := reflect.TypeFor[admin.Service]()
	own := reflect.TypeFor[*client.Client]()
	withActor := []string{"Activate", "ActivateInWaves", "Pause", "Sync", "Approve", "ApproveOnly", "UndoRun", "Apply", "Reject", "Resolve", "UndoDecision", "RetryDelivery", "RetryGroup", "DropDelivery", "SetLane", "CreateToken", "RevokeToken", "Backup", "Reload", "Forget", "Import"}
	for i := range service.NumMethod() {
		m := service.Method(i)
		name, spooled := strings.CutSuffix(m.Name, "JSON")
		c, ok := own.MethodByName(name)
		if !ok {
			t.Errorf("the client has no method %s", name)
			continue
		}
		var in, out []reflect.Type
		for j := range m.Type.NumIn() {
			if j == 1 && slices.Contains(withActor, m.Name) {
				continue
			}
			in = append(in, m.Type.In(j))
		}
		for j := range m.Type.NumOut() {
			out = append(out, m.Type.Out(j))
		}
		if spooled {
			if out[0] != reflect.TypeFor[admin.Spooled]() || !ok || c.Type.NumOut() != 2 {
				t.Errorf("%s hands out %s", m.Name, out[0])
				continue
			}
			out[0] = c.Type.Out(0)
		}
		want := reflect.FuncOf(append([]reflect.Type{own}, in...), out, false)
		if c.Type != want {
			t.Errorf("%s is %s, want %s", m.Name, c.Type, want)
		}
	}
}

func TestUnreachableSaysWhatToDo(t *testing.T) {
	dir := admintest.Directory(t)
	stale := filepath.Join(dir, "stale.sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: stale, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(dir, "none.sock"), stale, file} {
		_, err := client.New(path).Status(t.Context())
		if err == nil {
			t.Fatalf("%s answers", path)
		}
		for _, part := range []string{"is the appliance running?", path, "rollcall run"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: no %q in: %v", filepath.Base(path), part, err)
			}
		}
	}
	_, err = client.New("/" + strings.Repeat("x", 200)).Status(t.Context())
	if err == nil || !strings.Contains(err.Error(), "--socket") {
		t.Errorf("too long a path: %v", err)
	}
}

func TestPermissionDeniedNamesTheGroup(t *testing.T) {
	path := filepath.Join(admintest.Directory(t), "admin.sock")
	l, err := admin.Listen(path, admin.SocketMode)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	// The superuser, who runs tests in containers, is refused nothing.
	c := client.NewOver(path, func(context.Context) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "unix", Err: os.NewSyscallError("connect", syscall.EACCES)}
	})
	_, err = c.Status(t.Context())
	if err == nil || !strings.Contains(err.Error(), "permission denied on "+path) || !strings.Contains(err.Error(), "usermod -aG ") {
		t.Errorf("%v", err)
	}
}

func TestMismatchIsToldOnceSomethingAnswered(t *testing.T) {
	c := client.New(admintest.Serve(t, admintest.Acme()).Admin)
	defer c.Close()
	if got := c.Mismatch("9.9.9"); got != "" {
		t.Errorf("before any answer: %q", got)
	}
	if _, err := c.Run(t.Context(), 999); !client.IsCode(err, admin.CodeNotFound) { // a refusal carries the version too
		t.Fatal(err)
	}
	if got := c.Mismatch(admintest.Version.Version); got != "" {
		t.Errorf("same version: %q", got)
	}
	if got := c.Mismatch("9.9.9"); !strings.Contains(got, "9.9.9") || !strings.Contains(got, "1.2.3") {
		t.Errorf("other version: %q", got)
	}
}

func TestNamesReachTheServiceAsTheyAre(t *testing.T) {
	fake := admintest.Acme()
	c := client.New(admintest.Serve(t, fake).Admin)
	defer c.Close()
	names := []string{"..", ".", "a/b", "%2e%2e", "a b?c#d", "é", "../activate"}
	var want []string
	for _, n := range names {
		if err := c.UndoDecision(t.Context(), n); err != nil {
			t.Errorf("%q: %v", n, err)
		}
		want = append(want, admintest.Actor+" undo "+n)
	}
	if got := fake.Asked(); !slices.Equal(got, want) {
		t.Errorf("asked %q, want %q", got, want)
	}
	if err := c.UndoDecision(t.Context(), ""); !client.IsCode(err, admin.CodeInvalid) {
		t.Errorf("an empty name: %v", err)
	}
}

func TestWhatIsNotRollcallIsNotBelieved(t *testing.T) {
	path := filepath.Join(admintest.Directory(t), "other.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	other := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(`{}`)) })}
	done := make(chan error, 1)
	go func() { done <- other.Serve(l) }()
	c := client.New(path)
	if _, err := c.Status(t.Context()); err == nil || !strings.Contains(err.Error(), "not rollcall") {
		t.Errorf("%v", err)
	}
	c.Close()
	if err := other.Close(); err != nil {
		t.Error(err)
	}
	<-done
}

func TestManyNamesAreAskedForAtOnce(t *testing.T) {
	c := client.New(admintest.Serve(t, admintest.Acme()).Admin)
	defer c.Close()
	people, _, err := c.People(t.Context(), "", admin.Page{})
	if err != nil || len(people) < 2 {
		t.Fatal(len(people), err)
	}
	names, err := c.Names(t.Context(), []string{"person:" + people[0].ID, "person:" + people[1].ID, "person:nobody"})
	if err != nil || len(names) != 2 || names["person:"+people[1].ID] != people[1].Name {
		t.Errorf("%v, %v", names, err)
	}
}
