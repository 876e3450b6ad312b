package admintest

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"

	"rollcall/appliance/admin"
)

// Version is what a served fake says of itself.
var Version = admin.Version{Version: "1.2.3", Commit: "abc1234", Go: "go1.26"}

// Actor is who a served fake takes everyone for.
const Actor = "uid:1000(jane)"

// Sockets are the two sockets of a served fake.
type Sockets struct{ Admin, View string }

// Serve answers for s on two unix sockets until the test ends.
func Serve(t testing.TB, s admin.Service) Sockets {
	t.Helper()
	dir := Directory(t)
	sockets := Sockets{Admin: filepath.Join(dir, "admin.sock"), View: filepath.Join(dir, "view.sock")}
	a, err := admin.Listen(sockets.Admin, admin.SocketMode)
	if err != nil {
		t.Fatal(err)
	}
	v, err := admin.Listen(sockets.View, admin.SocketMode)
	if err != nil {
		t.Fatal(err)
	}
	server := admin.NewServer(s, Version, admin.Options{Peer: func(net.Conn) string { return Actor }})
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx, a, v) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return sockets
}

// Directory returns an empty directory with a path short enough for sockets,
// which [testing.T.TempDir] does not promise. It is removed when the test ends.
func Directory(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "rc")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}
