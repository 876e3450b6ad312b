package notify

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func message() Message {
	e := Event{ID: "e1", Event: Opened, Since: time.Unix(1000, 0).UTC(), Matter: Matter{Key: "hold/1", Kind: "hold", Subject: "run 1", Text: "25 of 108 accounts would be deactivated", Command: "rollcall runs show 1"}}
	return Message{Appliance: "https://rollcall.example.com", At: time.Unix(1060, 0).UTC(), Text: Sentences("https://rollcall.example.com", []Event{e}), Events: []Event{e}}
}

func TestAWebhookIsSignedOverWhatIsSent(t *testing.T) {
	var body []byte
	var header http.Header
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ = io.ReadAll(r.Body)
		header = r.Header
	}))
	defer srv.Close()
	if err := NewWebhook(srv.URL, "s3cret").Send(t.Context(), message()); err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, []byte("s3cret"))
	fmt.Fprintf(mac, "1060.%s", body)
	if got, want := header.Get(SignatureHeader), "t=1060,v1="+hex.EncodeToString(mac.Sum(nil)); got != want {
		t.Errorf("%s: %s, want %s", SignatureHeader, got, want)
	}
	var m Message
	if err := json.Unmarshal(body, &m); err != nil || m.Events[0].Key != "hold/1" || !strings.Contains(m.Text, "25 of 108") {
		t.Errorf("body %s: %v", body, err)
	}
}

func TestAWebhookThatRefusesOrMovesIsAnErrorWithoutItsAddress(t *testing.T) {
	for status, want := range map[int]string{500: "answered 500", 404: "answered 404", 302: "redirect"} {
		moved := 0
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/elsewhere" {
				moved++
			}
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(status)
		}))
		err := NewWebhook(srv.URL+"/hidden-token", "").Send(t.Context(), message())
		srv.Close()
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hidden-token") {
			t.Errorf("%d: %v", status, err)
		}
		if moved > 0 {
			t.Error("a redirect was followed")
		}
	}
	srv := httptest.NewServer(http.NotFoundHandler())
	srv.Close()
	err := NewWebhook(srv.URL+"/hidden-token", "").Send(t.Context(), message())
	if err == nil || strings.Contains(err.Error(), "hidden-token") {
		t.Errorf("nobody there: %v", err)
	}
}

func TestACommandGetsTheMessageAndNoEnvironment(t *testing.T) {
	t.Setenv("ROLLCALL_SECRET_OF_TEST", "hunter2")
	out := filepath.Join(t.TempDir(), "out")
	if err := NewCommand([]string{"/bin/sh", "-c", `cat > "$1"; env >> "$1"`, "sh", out}).Send(t.Context(), message()); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(got), `"key":"hold/1"`) || strings.Contains(string(got), "hunter2") {
		t.Errorf("the command saw:\n%s", got)
	}
}

func TestACommandThatFailsOrHangsIsAnError(t *testing.T) {
	if err := NewCommand([]string{"/bin/sh", "-c", "exit 7"}).Send(t.Context(), message()); err == nil || !strings.Contains(err.Error(), "exit status 7") {
		t.Errorf("exit 7: %v", err)
	}
	if err := NewCommand([]string{"/no/such/program"}).Send(t.Context(), message()); err == nil || !strings.Contains(err.Error(), "could not be started") {
		t.Errorf("no such program: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := NewCommand([]string{"/bin/sh", "-c", "sleep 60 & sleep 60"}).Send(ctx, message()); err == nil || !strings.Contains(err.Error(), "in time") {
		t.Errorf("hanging: %v", err)
	}
}

// mailServer speaks enough SMTP (RFC 5321) to take one mail.
func mailServer(t *testing.T, extensions ...string) (address string, mail func() string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	got := make(chan string, 1)
	go func() {
		defer close(got)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		r := bufio.NewReader(conn)
		say := func(s string) { fmt.Fprintf(conn, "%s\r\n", s) }
		var all strings.Builder
		say("220 test")
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				got <- all.String()
				return
			}
			all.WriteString(line)
			switch word, _, _ := strings.Cut(strings.TrimSpace(line), " "); word {
			case "EHLO":
				for _, e := range extensions {
					say("250-" + e)
				}
				say("250 SIZE 1000000")
			case "DATA":
				say("354 go on")
				for {
					line, err := r.ReadString('\n')
					if err != nil || line == ".\r\n" {
						break
					}
					all.WriteString(line)
				}
				say("250 taken")
			case "QUIT":
				say("221 bye")
				got <- all.String()
				return
			default:
				say("250 ok")
			}
		}
	}()
	return l.Addr().String(), func() string { return <-got }
}

func TestAMailSaysWhatItIsAbout(t *testing.T) {
	address, mail := mailServer(t)
	e := NewEmail(MailConfig{Address: address, Security: NoTLS, From: "rollcall@example.com", To: []string{"it@example.com", "hr@example.com"}})
	if err := e.Send(t.Context(), message()); err != nil {
		t.Fatal(err)
	}
	got := mail()
	for _, want := range []string{"MAIL FROM:<rollcall@example.com>", "RCPT TO:<it@example.com>", "RCPT TO:<hr@example.com>",
		"Subject: [rollcall] 25 of 108 accounts would be deactivated", "Message-ID: <e1@example.com>", "Auto-Submitted: auto-generated", "(rollcall runs show"} {
		if !strings.Contains(got, want) {
			t.Errorf("the mail lacks %q:\n%s", want, got)
		}
	}
}

func TestAMailServerWithoutSTARTTLSIsRefused(t *testing.T) {
	address, mail := mailServer(t)
	err := NewEmail(MailConfig{Address: address, Security: StartTLS, User: "u", Password: "hunter2", From: "a@example.com", To: []string{"b@example.com"}}).Send(t.Context(), message())
	if err == nil || !strings.Contains(err.Error(), "STARTTLS") {
		t.Errorf("error %v", err)
	}
	if got := mail(); strings.Contains(got, "AUTH") || strings.Contains(got, "MAIL") {
		t.Errorf("something was said in the clear:\n%s", got)
	}
}

func TestATextCannotAddHeaders(t *testing.T) {
	m := message()
	m.Events[0].Text = "x\r\nBcc: everybody@example.com"
	text := string(NewEmail(MailConfig{From: "a@example.com", To: []string{"b@example.com"}}).text(m))
	if strings.Contains(text, "\r\nBcc:") {
		t.Errorf("a header was injected:\n%s", text)
	}
}
