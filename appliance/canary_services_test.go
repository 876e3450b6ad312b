package appliance_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// echo is a service that on demand answers in one of the ways, either
// everything or only what is about somebody. It remembers what it heard.
type echo struct {
	next  http.Handler
	mode  atomic.Int32
	about string // only bodies with this are answered so; empty: everything
	mu    sync.Mutex
	heard strings.Builder // when it answered so
}

func (e *echo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer := ways[e.mode.Load()]
	body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if answer == nil || !bytes.Contains(body, []byte(e.about)) {
		r.Body = io.NopCloser(bytes.NewReader(body))
		e.next.ServeHTTP(w, r)
		return
	}
	heard := fmt.Sprintf("%s %s %v %s", r.Method, r.URL, r.Header, body)
	e.mu.Lock()
	e.heard.WriteString(heard)
	e.mu.Unlock()
	answer(w, heard)
}

func (e *echo) hasHeard(words ...string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return !slices.ContainsFunc(words, func(s string) bool { return !strings.Contains(e.heard.String(), s) })
}

// ways are those of the parrots, a page that shows the request, and refusals that
// say in words of their own who and what they are about.
var ways = append(slices.Clone(parrots),
	func(w http.ResponseWriter, heard string) {
		say(w, 500, "text/html", "<html><body><h1>Whoops</h1><pre>"+heard+"</pre></body></html>")
	},
	func(w http.ResponseWriter, _ string) {
		say(w, 400, "application/scim+json", quoted(strings.ToUpper(bird.Family)+" "+bird.Given+", phone "+bird.WorkPhone+", reports to "+nest.Given+" "+nest.Family))
	},
	func(w http.ResponseWriter, _ string) {
		say(w, 400, "application/scim+json", quoted("no title '"+bird.Title+"' for #"+bird.EmployeeNumber+", born "+bird.BirthDate+": "+bird.Email))
	},
	func(w http.ResponseWriter, _ string) {
		say(w, 400, "application/scim+json", quoted(strings.ToLower("the account of "+bird.Given+" "+bird.Family+" is no "+bird.Title)))
	},
)

// Some of the ways.
const (
	asItDoes    = 0
	problemJSON = 3
	refusedSCIM = 6
	pageWith500 = 9
	wordsOnName = 10
	wordsOnMore = 11
	wordsInLow  = 12
)

// postOffice is a mail server. It refuses the first sender at AUTH and the second
// at MAIL, both times saying all it heard; later ones it takes.
type postOffice struct {
	mu    sync.Mutex
	calls int
	heard strings.Builder
	mails strings.Builder
}

func (p *postOffice) serve(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		p.take(conn)
	}
}

func (p *postOffice) take(conn net.Conn) {
	defer conn.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls++
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	in, said := bufio.NewScanner(conn), ""
	answer := func(s string) { fmt.Fprint(conn, s+"\r\n") }
	answer("220 ready")
	for in.Scan() {
		line := in.Text()
		said += line + " "
		if encoded, ok := strings.CutPrefix(line, "AUTH PLAIN "); ok {
			plain, _ := base64.StdEncoding.DecodeString(encoded)
			said += strings.ReplaceAll(string(plain), "\x00", " ") + " "
			p.heard.WriteString(said)
		}
		verb, _, _ := strings.Cut(line, " ")
		switch {
		case verb == "EHLO":
			answer("250-here\r\n250 AUTH PLAIN")
		case verb == "AUTH" && p.calls == 1:
			answer("535 no: " + said)
		case verb == "AUTH":
			answer("235 yes")
		case verb == "MAIL" && p.calls == 2:
			answer("550 no: " + said)
		case verb == "DATA":
			answer("354 go on")
			for in.Scan() && in.Text() != "." {
				p.mails.WriteString(in.Text() + "\n")
			}
			answer("250 taken")
		case verb == "QUIT":
			answer("221 bye")
			return
		default:
			answer("250 fine")
		}
	}
}
