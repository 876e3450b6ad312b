// Package elevosim is the SFTP server that Elevo gives its customers, with the
// import behind it: a real SSH and SFTP server in process, over files in memory.
//
// It knows one user with one key, one directory, and the file names in it; it
// keeps nothing on disk. What a server does with a file that is in the way of a
// rename, and what Elevo does with people who are missing from a file, are
// options, because neither is documented (unverified).
package elevosim

import (
	"bytes"
	"cmp"
	"crypto/ed25519"
	"errors"
	"maps"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// DefaultUser is the user of a Sim whose Options name none.
const DefaultUser = "halcyon"

// Options choose how the server behaves. Only Key is required.
type Options struct {
	User string // empty: DefaultUser
	// Key is the public key that may log in.
	Key ssh.PublicKey
	Now func() time.Time // nil: time.Now

	// NoAtomicRename refuses OpenSSH's posix-rename.
	NoAtomicRename bool
	// RenameReplaces lets the plain rename replace a file, against the draft.
	RenameReplaces bool
}

// Faults are what goes wrong from now on. The zero value is a healthy server.
type Faults struct {
	OtherHostKey  bool // proves itself with another host key
	RefuseKey     bool // the user's key is not accepted any more
	CutAtLogin    bool // the connection breaks when the user's key arrives
	NoSFTP        bool // the user may log in, and use nothing
	ReadOnly      bool // nothing may be written
	NoDirectory   bool // the directory is not there
	RefuseRename  bool // files may be written and not renamed
	RefuseNth     int  // the n-th rename from now on is refused, once; 0: none
	LoseBytes     bool // a full disk that nobody is told of: files end early, all is answered well
	DiskFullAfter int  // bytes of a file after which writing fails, 0: never
	CutAfter      int  // bytes of a file after which the connection breaks, 0: never
	CutOnRename   bool // the connection breaks when a rename arrives, before it is done
	CutAfterNext  bool // … after it is done, without an answer; once
}

// Sim is the simulated server. It is safe for concurrent use.
type Sim struct {
	opts     Options
	hostKeys [2]ssh.Signer // its own, and another one

	mu          sync.Mutex // guards what follows
	faults      Faults
	files       map[string]*file
	everShown   map[string][][]byte // per name, the contents it had
	uploads     int
	logins      int
	connections map[net.Conn]bool
	closed      bool
	listeners   map[net.Listener]bool
	served      sync.WaitGroup
}

type file struct {
	content  []byte
	modified time.Time
}

// New returns a server without files. It listens once Serve is called.
func New(opts Options) (*Sim, error) {
	if opts.Key == nil {
		return nil, errors.New("elevosim: no public key")
	}
	opts.User = cmp.Or(opts.User, DefaultUser)
	if opts.Now == nil {
		opts.Now = time.Now
	}
	s := &Sim{opts: opts, files: map[string]*file{}, everShown: map[string][][]byte{}, connections: map[net.Conn]bool{}, listeners: map[net.Listener]bool{}}
	for i := range s.hostKeys {
		seed := bytes.Repeat([]byte{byte(i + 1)}, ed25519.SeedSize) // the same in every Sim
		signer, err := ssh.NewSignerFromKey(ed25519.NewKeyFromSeed(seed))
		if err != nil {
			return nil, err
		}
		s.hostKeys[i] = signer
	}
	return s, nil
}

// HostKey is the server's public key as a line for a configuration.
func (s *Sim) HostKey() string {
	return string(bytes.TrimSpace(ssh.MarshalAuthorizedKey(s.hostKeys[0].PublicKey())))
}

// Break puts the faults in the place of earlier ones.
func (s *Sim) Break(f Faults) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = f
}

func (s *Sim) broken() Faults {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.faults
}

// File returns what a file holds, and whether it is there.
func (s *Sim) File(name string) ([]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, ok := s.files[clean(name)]
	if !ok {
		return nil, false
	}
	return slices.Clone(f.content), true
}

// Names returns the names of all files, sorted.
func (s *Sim) Names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.files))
}

// Shown returns the contents that a name had one after the other, the last hundred
// of them, as somebody who never looks away would have seen it.
func (s *Sim) Shown(name string) [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.everShown[clean(name)])
}

// Put places a file as if it had been there for that long.
func (s *Sim) Put(name string, content []byte, age time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[clean(name)] = &file{slices.Clone(content), s.opts.Now().Add(-age)}
	s.saw(clean(name))
}

// keptContents bounds, per name, the memory of a Sim that runs for long.
const keptContents = 100

// saw notes what a name holds now. The caller holds s.mu.
func (s *Sim) saw(name string) {
	if f, ok := s.files[name]; ok {
		seen := append(s.everShown[name], slices.Clone(f.content))
		s.everShown[name] = seen[max(0, len(seen)-keptContents):]
	}
}

// Uploads is how many files were opened for writing.
func (s *Sim) Uploads() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.uploads
}

// Logins is how often the user logged in.
func (s *Sim) Logins() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.logins
}

// Serve answers connections until the listener or the Sim is closed; it then
// returns net.ErrClosed.
func (s *Sim) Serve(l net.Listener) error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return net.ErrClosed
	}
	s.listeners[l] = true
	s.mu.Unlock()
	for {
		conn, err := l.Accept()
		if err != nil {
			return err
		}
		if !s.hold(conn) {
			conn.Close()
			continue
		}
		go func() {
			defer s.release(conn)
			s.serveConn(conn)
		}()
	}
}

func (s *Sim) hold(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.connections[conn] = true
	s.served.Add(1)
	return true
}

func (s *Sim) release(conn net.Conn) {
	conn.Close()
	s.mu.Lock()
	delete(s.connections, conn)
	s.mu.Unlock()
	s.served.Done()
}

// Close stops listening, breaks all connections, and waits until nobody serves
// them any more.
func (s *Sim) Close() error {
	s.mu.Lock()
	s.closed = true
	for l := range s.listeners {
		l.Close()
	}
	for conn := range s.connections {
		conn.Close()
	}
	s.mu.Unlock()
	s.served.Wait()
	return nil
}

func (f *file) info(name string) os.FileInfo {
	return fileInfo{name: name, size: int64(len(f.content)), mode: 0o600, modified: f.modified}
}
