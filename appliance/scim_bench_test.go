package appliance_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"rollcall/scimsrv"
)

// wire is one connection of a client that costs next to nothing beside the
// server: requests are written as they are, and of answers only status and
// length are read.
type wire struct {
	conn net.Conn
	r    *bufio.Reader
}

func dial(base string, encrypted *tls.Config) (*wire, error) {
	u, err := url.Parse(base)
	if err != nil {
		return nil, err
	}
	var conn net.Conn
	if encrypted != nil {
		conn, err = tls.Dial("tcp", u.Host, encrypted)
	} else {
		conn, err = net.Dial("tcp", u.Host)
	}
	if err != nil {
		return nil, err
	}
	return &wire{conn: conn, r: bufio.NewReader(conn)}, nil
}

// ask sends a request and returns the status of the answer.
func (w *wire) ask(request []byte) (int, error) {
	if _, err := w.conn.Write(request); err != nil {
		return 0, err
	}
	status, length := 0, 0
	for {
		line, err := w.r.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		if status == 0 {
			if status, err = strconv.Atoi(string(line[9:12])); err != nil {
				return 0, err
			}
		}
		if value, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(value)); err != nil {
				return 0, err
			}
		}
	}
	_, err := w.r.Discard(length)
	return status, err
}

// flood sends n requests over so many connections at once, over TLS unless
// encrypted is nil, and returns how long it took. request is asked for the i-th of
// them.
func flood(b *testing.B, base string, encrypted *tls.Config, connections, n, status int, request func(i int) []byte) time.Duration {
	b.Helper()
	wires := make([]*wire, connections)
	for i := range wires {
		w, err := dial(base, encrypted)
		if err != nil {
			b.Fatal(err)
		}
		defer func() { _ = w.conn.Close() }()
		wires[i] = w
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	begun := time.Now() // all are connected
	for _, w := range wires {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if got, err := w.ask(request(i)); err != nil || got != status {
					b.Errorf("request %d: status %d, want %d: %v", i, got, status, err)
					return
				}
			}
		})
	}
	wg.Wait()
	return time.Since(begun)
}

// overTLS starts the appliance once more with a certificate and returns what a
// client needs to trust it, and the files.
func overTLS(tb testing.TB, d *daemon) (client *tls.Config, cert, key string) {
	tb.Helper()
	d.stop()
	cert, key, pool := selfSigned(tb, d.dir)
	d.text = strings.Replace(d.text, "[scim]\n", fmt.Sprintf("[scim]\ntls_cert = %q\ntls_key = %q\npublic_url = \"https://127.0.0.1\"\n", cert, key), 1)
	d.start()
	return &tls.Config{RootCAs: pool}, cert, key
}

// tokensOf makes so many tokens that none of them reaches its rate limit.
func tokensOf(d *daemon, source string) []string {
	tokens := make([]string, 64)
	for i := range tokens {
		tokens[i] = d.sender(source).token
	}
	return tokens
}

// cpu is the processor time that this process has used, client and server.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// turn is how many requests one side of a comparison makes before the other.
const turn = 2000

func perSecond(n int, took time.Duration) float64 { return float64(n) / took.Seconds() }

// BenchmarkSCIMGetByUserName is what every sender asks before it creates anybody, end
// to end: loopback, HTTP, token, filter, index, JSON. The floor, measured in the
// same run, is a handler that does nothing behind the same server.
func BenchmarkSCIMGetByUserName(b *testing.B) {
	for _, people := range []int{10_000, 100_000} {
		for _, encrypted := range []bool{false, true} {
			b.Run(fmt.Sprintf("people=%d/tls=%t", people, encrypted), func(b *testing.B) { getByUserName(b, people, encrypted) })
		}
	}
}

func getByUserName(b *testing.B, people int, encrypted bool) {
	d := serveSources(b, "idp", "okta")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	floor := scimsrv.Server(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer func() { _ = floor.Close() }()
	var client *tls.Config
	if encrypted {
		var cert, key string
		client, cert, key = overTLS(b, d)
		go func() { _ = floor.ServeTLS(l, cert, key) }()
	} else {
		go func() { _ = floor.Serve(l) }()
	}
	base := d.sender("idp").base
	tokens := tokensOf(d, "idp")
	seedUsers(b, d, "idp", people)
	get := func(i int) []byte {
		name := url.QueryEscape(userNameOf(i * 7919 % people))
		return []byte("GET /scim/v2/Users?filter=userName%20eq%20%22" + name + "%22&startIndex=1&count=100 HTTP/1.1\r\nHost: x\r\n" +
			"Accept: application/scim+json\r\nAuthorization: Bearer " + tokens[i%len(tokens)] + "\r\n\r\n")
	}
	const connections = 16
	flood(b, base, client, connections, 500, 200, get) // warm
	b.ResetTimer()
	// In turns, so that whatever else the machine does meets both.
	var empty, full, emptyCPU, fullCPU time.Duration
	for from := 0; from < b.N; from += turn {
		n := min(turn, b.N-from)
		part := func(i int) []byte { return get(from + i) }
		began := cpu(b)
		empty += flood(b, "http://"+l.Addr().String(), client, connections, n, 200, part)
		between := cpu(b)
		full += flood(b, base, client, connections, n, 200, part)
		emptyCPU += between - began
		fullCPU += cpu(b) - between
	}
	b.ReportMetric(float64(full.Nanoseconds())/float64(b.N), "ns/op")
	b.ReportMetric(perSecond(b.N, full), "req/s")
	b.ReportMetric(perSecond(b.N, empty), "floor-req/s")
	b.ReportMetric(empty.Seconds()/full.Seconds(), "ratio")
	b.ReportMetric(float64(emptyCPU.Microseconds())/float64(b.N), "floor-cpu-µs/op")
	b.ReportMetric(float64(fullCPU.Microseconds())/float64(b.N), "cpu-µs/op")
	b.ReportMetric(emptyCPU.Seconds()/fullCPU.Seconds(), "cpu-ratio") // what the ratio is when nobody else wants the processors
}

// BenchmarkSCIMDurableCreate has 64 senders create users at once; each answer means
// that the user, its record, its person and the journal are on disk. The floor,
// measured in the same run, is 64 writers who put the bytes of the same bodies
// into a bare database with bbolt's own batching, and wait for the disk too. That
// batching waits up to ten milliseconds for company; the eager floor is one that
// knows how many writers there are and never waits, which nobody can who serves
// senders that come and go.
func BenchmarkSCIMDurableCreate(b *testing.B) {
	for _, encrypted := range []bool{false, true} {
		b.Run(fmt.Sprintf("tls=%t", encrypted), func(b *testing.B) { durableCreate(b, encrypted) })
	}
}

func durableCreate(b *testing.B, encrypted bool) {
	const senders = 64
	d := serveSources(b, "idp", "okta")
	var client *tls.Config
	if encrypted {
		client, _, _ = overTLS(b, d)
	}
	base := d.sender("idp").base
	tokens := tokensOf(d, "idp")
	first := func(i int) string {
		return user(fmt.Sprintf("person-%d-%d@halcyon-atelier.example", b.N, i), "Number "+strconv.Itoa(i), "Person")
	}
	post := func(text string, i int) []byte {
		return []byte("POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nContent-Type: application/scim+json\r\nContent-Length: " + strconv.Itoa(len(text)) +
			"\r\nAuthorization: Bearer " + tokens[i%len(tokens)] + "\r\n\r\n" + text)
	}
	flood(b, base, client, 1, 1, 201, func(int) []byte { return post(user("first@halcyon-atelier.example", "First", "Person"), 0) })
	if _, err := d.app.Activate(context.Background(), "test", "idp"); err != nil {
		b.Fatal(err)
	}
	bodies := bareBodies(b, d)
	eager := bareBodies(b, d)
	eager.db.MaxBatchSize = senders
	b.ResetTimer()
	var waiting, never, full, waitingCPU, fullCPU time.Duration
	var onDisk int64
	for from := 0; from < b.N; from += turn {
		n := min(turn, b.N-from)
		body := func(i int) string { return first(from + i) }
		began := cpu(b)
		waiting += bodies.fill(b, senders, from, n, body)
		between := cpu(b)
		before := diskBytes(b)
		full += flood(b, base, client, senders, n, 201, func(i int) []byte { return post(body(i), from+i) })
		onDisk += diskBytes(b) - before
		waitingCPU += between - began
		fullCPU += cpu(b) - between
		never += eager.fill(b, senders, from, n, body)
	}
	b.ReportMetric(float64(full.Nanoseconds())/float64(b.N), "ns/op")
	b.ReportMetric(perSecond(b.N, full), "creates/s")
	b.ReportMetric(perSecond(b.N, waiting), "floor-creates/s")
	b.ReportMetric(waiting.Seconds()/full.Seconds(), "ratio")
	b.ReportMetric(perSecond(b.N, never), "eager-floor-creates/s")
	b.ReportMetric(float64(onDisk>>10)/float64(b.N), "KiB-on-disk/op")
	b.ReportMetric(float64(waitingCPU.Microseconds())/float64(b.N), "floor-cpu-µs/op")
	b.ReportMetric(float64(fullCPU.Microseconds())/float64(b.N), "cpu-µs/op")
}

// diskBytes is how many bytes this process has caused to be written to disk: whole
// pages, of which many creates that commit together share most.
func diskBytes(b *testing.B) int64 {
	b.Helper()
	raw, err := os.ReadFile("/proc/self/io")
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(raw), "\nwrite_bytes: ")
	line, _, _ := strings.Cut(rest, "\n")
	n, err := strconv.ParseInt(line, 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// bare is a database with nothing but bodies.
type bare struct{ db *bbolt.DB }

var bodiesBucket = []byte("bodies")

func bareBodies(b *testing.B, d *daemon) bare {
	b.Helper()
	file, err := os.CreateTemp(d.dir, "floor-*.db")
	if err != nil {
		b.Fatal(err)
	}
	if err := file.Close(); err != nil {
		b.Fatal(err)
	}
	db, err := bbolt.Open(file.Name(), 0o600, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	if err := db.Update(func(tx *bbolt.Tx) error { _, err := tx.CreateBucket(bodiesBucket); return err }); err != nil {
		b.Fatal(err)
	}
	return bare{db}
}

// fill has so many writers put n bodies into the database, and returns how long
// it took.
func (f bare) fill(b *testing.B, writers, from, n int, body func(i int) string) time.Duration {
	var next atomic.Int64
	var wg sync.WaitGroup
	begun := time.Now()
	for range writers {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				key, text := binary.BigEndian.AppendUint64(nil, uint64(from+i)), []byte(body(i))
				if err := f.db.Batch(func(tx *bbolt.Tx) error { return tx.Bucket(bodiesBucket).Put(key, text) }); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	return time.Since(begun)
}

// BenchmarkSCIMCreateAlone is a sender without company, who must not wait for any:
// the floor is one bbolt transaction with the bytes of the same body.
func BenchmarkSCIMCreateAlone(b *testing.B) {
	d := serveSources(b, "idp", "okta")
	s := d.sender("idp")
	tokens := tokensOf(d, "idp")
	s.want(201, "POST", "/Users", user("first@halcyon-atelier.example", "First", "Person"))
	if _, err := d.app.Activate(context.Background(), "test", "idp"); err != nil {
		b.Fatal(err)
	}
	floor := bareBodies(b, d)
	var empty, full time.Duration
	const turn = 50
	b.ResetTimer()
	for from := 0; from < b.N; from += turn {
		n := min(turn, b.N-from)
		body := func(i int) string {
			return user(fmt.Sprintf("person-%d-%d@halcyon-atelier.example", b.N, from+i), "Number "+strconv.Itoa(from+i), "Person")
		}
		begun := time.Now()
		for i := range n {
			err := floor.db.Update(func(tx *bbolt.Tx) error {
				return tx.Bucket(bodiesBucket).Put(binary.BigEndian.AppendUint64(nil, uint64(from+i)), []byte(body(i)))
			})
			if err != nil {
				b.Fatal(err)
			}
		}
		empty += time.Since(begun)
		full += flood(b, s.base, nil, 1, n, 201, func(i int) []byte {
			text := body(i)
			return []byte("POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nContent-Type: application/scim+json\r\nContent-Length: " + strconv.Itoa(len(text)) +
				"\r\nAuthorization: Bearer " + tokens[i%len(tokens)] + "\r\n\r\n" + text)
		})
	}
	b.ReportMetric(float64(full.Nanoseconds())/float64(b.N), "ns/op")
	b.ReportMetric(float64(empty.Nanoseconds())/float64(b.N), "floor-ns/op")
}

// BenchmarkSCIMGroupDelta has sixteen senders add and remove members of one group,
// a small one and one of fifty thousand: the size must not show.
func BenchmarkSCIMGroupDelta(b *testing.B) {
	for _, size := range []int{100, 50_000} {
		b.Run(fmt.Sprintf("members=%d", size), func(b *testing.B) {
			const senders = 16
			d := serveSources(b, "idp", "okta")
			s := d.sender("idp")
			tokens := tokensOf(d, "idp")
			ids := seedUsers(b, d, "idp", size+senders)
			path := "/Groups/" + s.want(201, "POST", "/Groups?excludedAttributes=members", group("Everybody", ids[:size]...)).id()
			b.ResetTimer()
			took := flood(b, s.base, nil, senders, b.N, 200, func(i int) []byte {
				op := `{"op":"add","path":"members","value":[{"value":"` + ids[size+i/2%senders] + `"}]}`
				if i%2 == 1 {
					op = `{"op":"remove","path":"members[value eq \"` + ids[i*7919%size] + `\"]"}`
				}
				text := patchOps(op)
				return []byte("PATCH /scim/v2" + path + "?excludedAttributes=members HTTP/1.1\r\nHost: x\r\nContent-Type: application/scim+json\r\nContent-Length: " +
					strconv.Itoa(len(text)) + "\r\nAuthorization: Bearer " + tokens[i%len(tokens)] + "\r\n\r\n" + text)
			})
			b.ReportMetric(float64(took.Nanoseconds())/float64(b.N), "ns/op")
			b.ReportMetric(perSecond(b.N, took), "deltas/s")
		})
	}
}
