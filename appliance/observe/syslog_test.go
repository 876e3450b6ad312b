package observe

import (
	"bufio"
	"io"
	"net"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"rollcall/appliance/model"
)

func event(reason string) model.Event {
	return model.Event{Seq: 12, At: time.Date(2026, 11, 30, 9, 1, 2, 3000, time.FixedZone("", 3600)), Actor: "uid:1000(jane)", Subject: "person:p_1",
		Verb: "changed", Reason: reason, Fields: []string{"title", "site"}, Run: 7, Prev: "abc"}
}

// rfc5424 is the grammar of RFC 5424 §6 as far as we use it.
var rfc5424 = regexp.MustCompile(`^<109>1 2026-11-30T08:01:02\.000003Z \S{1,255} rollcall \d+ changed \[rollcall@32473( [a-z]+="([^"\\\]]|\\["\\\]])*")+\] \x{FEFF}[^\x00-\x1f]*$`)

func TestSyslogMessagesAreRFC5424(t *testing.T) {
	s := NewSyslog("udp", "127.0.0.1:1")
	for _, reason := range []string{"", "a reason", `quote " slash \ bracket ]`, "line\nbreak \x1b[31m<109>1 forged", strings.Repeat("é", 3000), "\xff\xfe"} {
		got := string(s.format(event(reason), "def"))
		if !rfc5424.MatchString(got) {
			t.Errorf("%q", got)
		}
		if len(got) > syslogMessage {
			t.Errorf("%d bytes", len(got))
		}
	}
	odd := event("x")
	odd.Actor = `uid:1(a"b]c\d)`
	if got := string(s.format(odd, "def")); !strings.Contains(got, `actor="uid:1(a\"b\]c\\d)"`) || !rfc5424.MatchString(got) {
		t.Errorf("%q", got)
	}
	for _, want := range []string{`seq="12"`, `subject="person:p_1"`, `fields="title,site"`, `run="7"`, `prev="abc"`, `hash="def"`} {
		if got := string(s.format(event("x"), "def")); !strings.Contains(got, want) {
			t.Errorf("%s is not in %q", want, got)
		}
	}
}

func TestSyslogOverEveryTransport(t *testing.T) {
	t.Run("udp", func(t *testing.T) {
		l, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		sendTwo(t, "udp", l.LocalAddr().String())
		buffer := make([]byte, 4096)
		for range 2 {
			n, _, err := l.ReadFrom(buffer)
			if err != nil || !rfc5424.Match(buffer[:n]) {
				t.Errorf("%q, %v", buffer[:n], err)
			}
		}
	})
	t.Run("unixgram", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "log")
		l, err := net.ListenPacket("unixgram", path)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		sendTwo(t, "unixgram", path)
		buffer := make([]byte, 4096)
		n, _, err := l.ReadFrom(buffer)
		if err != nil || !rfc5424.Match(buffer[:n]) {
			t.Errorf("%q, %v", buffer[:n], err)
		}
	})
	t.Run("tcp", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		got := make(chan string, 2)
		go func() {
			defer close(got)
			c, err := l.Accept()
			if err != nil {
				return
			}
			defer c.Close()
			r := bufio.NewReader(c)
			for range 2 { // octet counting: the length, a space, the message
				length, err := r.ReadString(' ')
				if err != nil {
					return
				}
				n, err := strconv.Atoi(strings.TrimSpace(length))
				if err != nil {
					return
				}
				message := make([]byte, n)
				if _, err := io.ReadFull(r, message); err != nil {
					return
				}
				got <- string(message)
			}
		}()
		sendTwo(t, "tcp", l.Addr().String())
		n := 0
		for m := range got {
			n++
			if !rfc5424.MatchString(m) {
				t.Errorf("%q", m)
			}
		}
		if n != 2 {
			t.Errorf("%d messages arrived", n)
		}
	})
}

func sendTwo(t *testing.T, network, address string) {
	t.Helper()
	s := NewSyslog(network, address)
	for range 2 {
		if err := s.Send(event("a reason"), "def"); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestSyslogConnectsAnewAfterAFailure(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	s := NewSyslog("tcp", address)
	if s.Send(event("x"), "") == nil {
		t.Fatal("an event was sent to nobody")
	}
	if l, err = net.Listen("tcp", address); err != nil {
		t.Skip("the port was taken meanwhile")
	}
	defer l.Close()
	if err := s.Send(event("x"), ""); err != nil {
		t.Error(err)
	}
	s.Close()
}
