package admin_test

import (
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"rollcall/appliance/admin"
	"rollcall/appliance/admin/admintest"
)

func TestListenMakesDirectoryAndSocketForTheGroupOnly(t *testing.T) {
	path := filepath.Join(admintest.Directory(t), "run", "admin.sock")
	const before = 0o022
	defer syscall.Umask(syscall.Umask(before))
	l, err := admin.Listen(path, admin.SocketMode)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for p, want := range map[string]fs.FileMode{filepath.Dir(path): fs.ModeDir | 0o750, path: fs.ModeSocket | 0o660} {
		info, err := os.Lstat(p)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != want {
			t.Errorf("%s has mode %s, want %s", p, info.Mode(), want)
		}
	}
	if after := syscall.Umask(before); after != before {
		t.Errorf("the process's umask was left at %04o", after)
	}
}

func TestListenTakesThePlaceOfAStaleSocket(t *testing.T) {
	path := filepath.Join(admintest.Directory(t), "admin.sock")
	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	stale.SetUnlinkOnClose(false) // as after kill -9
	if err := stale.Close(); err != nil {
		t.Fatal(err)
	}
	l, err := admin.Listen(path, admin.SocketMode)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

func TestListenLeavesASocketThatAnswersAlone(t *testing.T) {
	path := filepath.Join(admintest.Directory(t), "admin.sock")
	first, err := admin.Listen(path, admin.SocketMode)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if l, err := admin.Listen(path, admin.SocketMode); err == nil {
		l.Close()
		t.Fatal("took the socket of a running appliance")
	} else if !strings.Contains(err.Error(), "another rollcall answers") {
		t.Error(err)
	}
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatalf("the first does not answer any more: %v", err)
	}
	c.Close()
}

func TestListenNeverRemovesWhatIsNotASocket(t *testing.T) {
	dir := admintest.Directory(t)
	file := filepath.Join(dir, "precious")
	if err := os.WriteFile(file, []byte("data"), 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, link, dir} {
		if l, err := admin.Listen(path, admin.SocketMode); err == nil {
			l.Close()
			t.Errorf("listens in place of %s", path)
		} else if !strings.Contains(err.Error(), "not removed") {
			t.Error(err)
		}
	}
	if data, err := os.ReadFile(file); err != nil || string(data) != "data" {
		t.Errorf("%q, %v", data, err)
	}
}

func TestListenErrorsSayWhatToDo(t *testing.T) {
	dir := admintest.Directory(t)
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(dir, strings.Repeat("x", 110)), filepath.Join(dir, "file", "admin.sock")} {
		if l, err := admin.Listen(path, admin.SocketMode); err == nil {
			l.Close()
			t.Errorf("listens at %s", path)
		} else if !strings.Contains(err.Error(), "[appliance]") {
			t.Errorf("no next step in: %v", err)
		}
	}
}
