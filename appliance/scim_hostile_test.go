package appliance_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"sync"
	"testing"
	"time"
)

// allocated runs fn and returns the bytes it allocated, garbage included.
func allocated(fn func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	fn()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestRequestsThatMakeNoSenseAreRefusedClearlyAndCheaply(t *testing.T) {
	for _, kind := range []string{"okta", "azure", "scim"} {
		t.Run(kind, func(t *testing.T) {
			s := serveSources(t, "idp", kind).sender("idp")
			id := s.want(201, "POST", "/Users", user("ada@halcyon-atelier.example", "Ada", "Adeyemi")).id()
			query := func(filter string) string { return "/Users?filter=" + url.QueryEscape(filter) }
			search := func(filter string) string {
				return fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],"filter":%q}`, filter)
			}
			deep := strings.Repeat("(", 10_000) + "title pr" + strings.Repeat(")", 10_000)
			nots := strings.Repeat("not (", 10_000) + "title pr" + strings.Repeat(")", 10_000)
			ors := strings.TrimSuffix(strings.Repeat(`title eq "x" or `, 10_000), " or ")
			for _, tc := range []struct {
				what, method, path, body string
				status                   int
				scimType                 string
			}{
				{"10,000 parentheses", "GET", query(deep), "", 400, "invalidFilter"},
				{"10,000 parentheses in a body", "POST", "/Users/.search", search(deep), 400, "invalidFilter"},
				{"10,000 negations", "POST", "/.search", search(nots), 400, "invalidFilter"},
				{"10,000 alternatives", "POST", "/Users/.search", search(ors), 400, "invalidFilter"},
				{"10,000 parentheses in a path", "PATCH", "/Users/" + id, patchOps(`{"op":"remove","path":"emails[` + deep + `]"}`), 400, ""},
				{"invalid UTF-8 in a body", "POST", "/Users", strings.Replace(user("x", "Jane", "D"), "Jane", "J\xffne", 1), 400, "invalidSyntax"},
				{"half a surrogate pair", "POST", "/Users", strings.Replace(user("x", "Jane", "D"), "Jane", `J\ud800ne`, 1), 400, "invalidSyntax"},
				{"invalid UTF-8 in a filter", "GET", `/Users?filter=userName+eq+%22%ff%22`, "", 400, "invalidFilter"},
				{"invalid escapes in a query", "GET", `/Users?filter=%zz`, "", 400, "invalidValue"},
				{"a NUL in a userName", "POST", "/Users", strings.Replace(user("x", "Jane", "D"), `"userName":"x"`, `"userName":"x\u0000"`, 1), 400, "invalidValue"},
				{"100,000 levels of lists", "POST", "/Users", `{"emails":` + strings.Repeat("[", 100_000), 400, "invalidSyntax"},
				{"a number of a million digits", "POST", "/Users", `{"title":` + strings.Repeat("9", 1_000_000) + `}`, 400, ""},
				{"a million empty objects", "POST", "/Users", `{"emails":[` + strings.Repeat("{},", 1_000_000) + `{}]}`, 400, ""},
				{"an id that climbs", "GET", "/Users/..%2f..%2fetc%2fpasswd", "", 404, ""},
				{"an id that climbs, twice encoded", "GET", "/Users/%252e%252e%252fetc", "", 404, ""},
				{"an id of backslashes", "DELETE", `/Users/..%5c..%5cetc`, "", 404, ""},
				{"an id of a NUL", "GET", "/Users/%00", "", 404, ""},
				{"an id that is no UTF-8", "GET", "/Users/%ff%fe", "", 404, ""},
				{"an id of ten kilobytes", "GET", "/Users/" + strings.Repeat("x", 10_000), "", 404, ""},
				{"a member that climbs", "POST", "/Groups", group("Team", "../"+id), 400, "invalidValue"},
				{"a member of a megabyte", "POST", "/Groups", group("Team", strings.Repeat("x", 1_000_000)), 400, ""},
				{"startIndex beyond all numbers", "GET", "/Users?startIndex=" + strings.Repeat("9", 100) + "&count=1", "", 200, ""},
				{"no number", "GET", "/Users?startIndex=1e9", "", 400, "invalidValue"},
				{"1,000 attributes", "GET", "/Users?attributes=" + strings.Repeat("title,", 1000), "", 400, "invalidValue"},
				{"a cursor that is nonsense", "GET", "/Users?cursor=" + strings.Repeat("A", 10_000), "", 400, "invalidCursor"},
				{"10,000 operations", "PATCH", "/Users/" + id, patchOps(strings.TrimSuffix(strings.Repeat(`{"op":"add","path":"emails[`+`"x","value":1},`, 10_000), ",")), 400, ""},
				{"bulk without end", "POST", "/Bulk", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[` + strings.TrimSuffix(strings.Repeat(`{"method":"DELETE","path":"/Users/x"},`, 2000), ",") + `]}`, 413, ""},
				{"XML", "POST", "/Users", "<user/>", 400, "invalidSyntax"},
			} {
				var r reply
				begun := time.Now()
				const times = 3
				used := allocated(func() {
					for range times {
						r = s.want(tc.status, tc.method, tc.path, tc.body)
					}
				})
				if tc.scimType != "" && r.body["scimType"] != tc.scimType {
					t.Errorf("%s: %s, want %s", tc.what, r.raw, tc.scimType)
				}
				if len(r.raw) > 2000 {
					t.Errorf("%s: the answer has %d bytes", tc.what, len(r.raw))
				}
				// Client and server share this process: a body is there twice at
				// least, and a list of values some tens of bytes each.
				if bound := uint64(times * (2<<20 + 60*len(tc.path+tc.body))); used > bound {
					t.Errorf("%s: %d bytes were allocated, want at most %d", tc.what, used, bound)
				}
				if took := time.Since(begun); took > 20*time.Second {
					t.Errorf("%s: took %v", tc.what, took)
				}
			}
			s.want(200, "GET", "/Users/"+id, "")
		})
	}
}

// endless sends a body of size bytes without waiting, gives up when nobody reads
// it any more, and returns the answer with how much of the body went out.
func endless(base, token string, chunked bool, size int64) (status int, sent int64, err error) {
	u, err := url.Parse(base)
	if err != nil {
		return 0, 0, err
	}
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = conn.Close() }()
	length := fmt.Sprintf("Content-Length: %d", size)
	if chunked {
		length = "Transfer-Encoding: chunked"
	}
	if _, err := fmt.Fprintf(conn, "POST %s/Users HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n%s\r\n\r\n", u.Path, u.Host, token, length); err != nil {
		return 0, 0, err
	}
	done := make(chan int64)
	go func() {
		chunk := strings.Repeat(" ", 64<<10)
		if chunked {
			chunk = fmt.Sprintf("%x\r\n%s\r\n", len(chunk), chunk)
		}
		n := int64(0)
		for n < size {
			m, err := io.WriteString(conn, chunk)
			n += int64(m)
			if err != nil {
				break
			}
		}
		done <- n
	}()
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err == nil {
		status = resp.StatusCode
		_ = resp.Body.Close()
	}
	_ = conn.Close()
	return status, <-done, err
}

func TestBodiesOfAHundredMegabytesAreNeverHeld(t *testing.T) {
	const (
		size    = 100 << 20
		senders = 12
		limit   = 16 << 20 // what a request may have
	)
	s := serveSources(t, "idp", "okta").sender("idp")

	// Announced, it is refused before it is read.
	used := allocated(func() {
		status, sent, err := endless(s.base, s.token, false, size)
		if err != nil || status != http.StatusRequestEntityTooLarge || sent > limit {
			t.Errorf("announced: status %d after %d bytes, %v", status, sent, err)
		}
	})
	if used > 8<<20 {
		t.Errorf("%d bytes were allocated for a body that was refused by its length", used)
	}

	// Not announced, and from many at once, it is cut off, and what the service
	// holds of all of them together is bounded.
	defer debug.SetGCPercent(debug.SetGCPercent(20)) // so that garbage does not count
	runtime.GC()
	live := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(live)
	base, peak := live[0].Value.Uint64(), uint64(0)
	stop, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				metrics.Read(live)
				peak = max(peak, live[0].Value.Uint64())
			}
		}
	}()
	var wg sync.WaitGroup
	for range senders {
		wg.Go(func() {
			status, sent, err := endless(s.base, s.token, true, size)
			// 503 is told to those for which there was no room in time.
			if err != nil || status != http.StatusRequestEntityTooLarge && status != http.StatusServiceUnavailable || sent > size/2 {
				t.Errorf("not announced: status %d after %d bytes, %v", status, sent, err)
			}
		})
	}
	wg.Wait()
	close(stop)
	<-watched
	t.Logf("at most %d MB beside the %d MB before", (peak-min(peak, base))>>20, base>>20)
	if peak > base+256<<20 {
		t.Errorf("%d bodies held %d MB", senders, (peak-base)>>20)
	}
	s.want(201, "POST", "/Users", user("ada@halcyon-atelier.example", "Ada", "Adeyemi"))
}
