package scimsrv_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/scimsrv"
	"rollcall/scimsrv/attr"
	"rollcall/scimsrv/quirk"
	"rollcall/scimsrv/scimtest"
	"rollcall/scimsrv/scimtest/memory"
)

// pipes is a listener whose connections are in memory and obey the clock of the
// bubble they are made in.
type pipes struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), done: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.done) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

func (p *pipes) dial() net.Conn {
	client, server := net.Pipe()
	p.conns <- server
	return client
}

// listen serves a tenant with the server that the appliance uses, in memory.
func listen(t *testing.T) *pipes {
	t.Helper()
	l := newPipes()
	srv := scimsrv.Server(unserved(t, scimsrv.Limits{}))
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	t.Cleanup(func() {
		_ = srv.Close()
		if err := <-done; err != http.ErrServerClosed {
			t.Errorf("Serve: %v", err)
		}
	})
	return l
}

// unserved is a service without a server.
func unserved(t *testing.T, limits scimsrv.Limits) *scimsrv.Service {
	t.Helper()
	s, err := scimsrv.New(scimsrv.Options{Directory: memory.New(nil), PublicURL: "http://x.example.com", Limits: limits,
		Authenticator: scimtest.Tokens{token: {Source: "acme", Dialect: quirk.RFC, TokenID: "t"}}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// post sends a body of unknown length to a service without a server.
func post(t *testing.T, s *scimsrv.Service, body io.Reader) got {
	t.Helper()
	r := httptest.NewRequest("POST", "/scim/v2/Users", struct{ io.Reader }{body})
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	g := got{status: w.Code, header: w.Header(), raw: w.Body.String()}
	var err error
	if g.body, err = attr.Decode(w.Body.Bytes(), attr.Stored()); err != nil {
		t.Errorf("no JSON object: %v: %s", err, g.raw)
	}
	return g
}

// dribble writes a byte every second until the other side has had enough.
func dribble(c net.Conn, text string) {
	for i := range len(text) {
		if _, err := c.Write([]byte{text[i]}); err != nil {
			return
		}
		time.Sleep(time.Second)
	}
}

func TestSendersThatDribbleAreCutOff(t *testing.T) {
	const announced = 5000
	head := fmt.Sprintf("POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n", token, announced)
	for name, tc := range map[string]struct {
		at, slow string
		within   time.Duration
		status   int // 0: the connection is closed without an answer
	}{
		"in the header":            {"GET /scim/v2/Users HTTP/1.1\r\n", "X-Slow: " + strings.Repeat("x", 1000), 11 * time.Second, 0},
		"in the body":              {head, `{"userName":"` + strings.Repeat("x", 1000), 61 * time.Second, 408},
		"after a body of nothing":  {head, "", 61 * time.Second, 408},
		"before the first request": {"", "", 11 * time.Second, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := listen(t).dial()
				var sender sync.WaitGroup
				defer sender.Wait()
				defer func() { _ = c.Close() }()
				begun := time.Now()
				sender.Go(func() {
					_, _ = io.WriteString(c, tc.at)
					dribble(c, tc.slow)
				})
				resp, err := http.ReadResponse(bufio.NewReader(c), nil)
				if took := time.Since(begun); took > tc.within {
					t.Errorf("the connection was held for %v", took)
				}
				switch {
				case tc.status == 0 && err == nil:
					t.Errorf("answered %s", resp.Status)
				case tc.status != 0 && err != nil:
					t.Errorf("closed without an answer: %v", err)
				case tc.status != 0:
					body, _ := io.ReadAll(resp.Body)
					if resp.StatusCode != tc.status || !resp.Close || !strings.Contains(string(body), errorURN) {
						t.Errorf("answered %s, close %t: %s", resp.Status, resp.Close, body)
					}
				}
			})
		})
	}
}

func TestReadersThatStopReadingAreCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := listen(t).dial()
		defer func() { _ = c.Close() }()
		begun := time.Now()
		if _, err := fmt.Fprintf(c, "GET /scim/v2/Schemas HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n", token); err != nil {
			t.Fatal(err)
		}
		// A pipe holds nothing: the server cannot write a byte that is not read.
		time.Sleep(10 * time.Minute)
		if n, err := io.Copy(io.Discard, c); err != nil || n > 0 {
			t.Errorf("%v after the request %d bytes could still be read: %v", time.Since(begun), n, err)
		}
	})
}

func TestIdleConnectionsAreClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := listen(t).dial()
		defer func() { _ = c.Close() }()
		if _, err := fmt.Fprintf(c, "GET /scim/v2/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n", token); err != nil {
			t.Fatal(err)
		}
		r := bufio.NewReader(c)
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != 200 {
			t.Fatalf("%s, %v", resp.Status, err)
		}
		idle := time.Now()
		if _, err := r.ReadByte(); err != io.EOF || time.Since(idle) > 3*time.Minute {
			t.Errorf("open for %v: %v", time.Since(idle), err)
		}
	})
}

func TestABodyThatEndsEarlyIsRefusedAsSuch(t *testing.T) {
	g := post(t, unserved(t, scimsrv.Limits{}), io.MultiReader(strings.NewReader(`{"userName":`), brokenReader{}))
	if g.status != 400 || g.body.String("scimType") != "invalidSyntax" {
		t.Errorf("%d %s", g.status, g.raw)
	}
}

// brokenReader ends as a connection does that is cut.
type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestLargeBodiesShareABoundedMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit = 1 << 20
		s := unserved(t, scimsrv.Limits{BodyBytes: limit, BulkBytes: limit})
		blank := func(n int) io.Reader { return strings.NewReader(strings.Repeat(" ", n)) }

		// Two senders whose large bodies do not end hold all there is.
		var wg sync.WaitGroup
		release := make(waiting)
		for range 2 {
			wg.Go(func() { post(t, s, io.MultiReader(blank(100<<10), release)) })
		}
		synctest.Wait()
		begun := time.Now()
		if g := post(t, s, blank(200<<10)); g.status != 503 || g.header.Get("Retry-After") == "" {
			t.Errorf("a third large body: %d %s", g.status, g.raw)
		}
		if waited := time.Since(begun); waited > 10*time.Second {
			t.Errorf("it waited for %v", waited)
		}
		if g := post(t, s, strings.NewReader(userBody("small"))); g.status != 201 {
			t.Errorf("a small body beside them: %d %s", g.status, g.raw)
		}
		close(release)
		wg.Wait()
		for range 3 {
			if g := post(t, s, io.MultiReader(blank(200<<10), strings.NewReader(userBody("small")))); g.status != 409 {
				t.Errorf("a large body after them: %d %s", g.status, g.raw)
			}
			if g := post(t, s, blank(2*limit)); g.status != 413 {
				t.Errorf("a body beyond the limit: %d %s", g.status, g.raw)
			}
		}
	})
}

// waiting reads nothing until it is closed, and then the end.
type waiting chan struct{}

func (w waiting) Read([]byte) (int, error) { <-w; return 0, io.EOF }
