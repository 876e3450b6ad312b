package elevosim

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// serveConn does the SSH side of one connection until it ends.
func (s *Sim) serveConn(conn net.Conn) {
	faults := s.broken()
	cfg := &ssh.ServerConfig{
		PublicKeyCallback: func(meta ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if faults.CutAtLogin {
				conn.Close()
			}
			if faults.RefuseKey || meta.User() != s.opts.User || !bytes.Equal(key.Marshal(), s.opts.Key.Marshal()) {
				return nil, errors.New("not a key of this user")
			}
			return nil, nil
		},
	}
	cfg.AddHostKey(s.hostKeys[0])
	if faults.OtherHostKey {
		cfg = &ssh.ServerConfig{PublicKeyCallback: cfg.PublicKeyCallback}
		cfg.AddHostKey(s.hostKeys[1])
	}
	shell, channels, requests, err := ssh.NewServerConn(conn, cfg)
	if err != nil {
		return
	}
	defer shell.Close()
	s.mu.Lock()
	s.logins++
	s.mu.Unlock()
	go ssh.DiscardRequests(requests)
	for offered := range channels {
		if offered.ChannelType() != "session" {
			offered.Reject(ssh.UnknownChannelType, "sessions only")
			continue
		}
		channel, asked, err := offered.Accept()
		if err != nil {
			return
		}
		for r := range asked {
			ok := r.Type == "subsystem" && len(r.Payload) > 4 && string(r.Payload[4:]) == "sftp" && !faults.NoSFTP
			r.Reply(ok, nil)
			if ok {
				go ssh.DiscardRequests(asked)
				s.serveFiles(conn, channel)
				break
			}
		}
	}
}

func (s *Sim) serveFiles(conn net.Conn, channel io.ReadWriteCloser) {
	d := &directory{sim: s, conn: conn}
	server := sftp.NewRequestServer(channel, sftp.Handlers{FileGet: d, FilePut: d, FileCmd: d, FileList: d})
	server.Serve()
	server.Close()
}

func clean(name string) string { return strings.TrimPrefix(path.Clean("/"+name), "/") }

// directory is the one directory, as one connection sees it.
type directory struct {
	sim  *Sim
	conn net.Conn
}

// Fileread opens a file for reading.
func (d *directory) Fileread(r *sftp.Request) (io.ReaderAt, error) {
	content, ok := d.sim.File(r.Filepath)
	if !ok {
		return nil, sftp.ErrSSHFxNoSuchFile
	}
	return bytes.NewReader(content), nil
}

// Filewrite opens a file for writing.
func (d *directory) Filewrite(r *sftp.Request) (io.WriterAt, error) {
	s, name := d.sim, clean(r.Filepath)
	s.mu.Lock()
	defer s.mu.Unlock()
	_, exists := s.files[name]
	switch flags := r.Pflags(); {
	case s.faults.NoDirectory:
		return nil, sftp.ErrSSHFxNoSuchFile
	case s.faults.ReadOnly:
		return nil, sftp.ErrSSHFxPermissionDenied
	case exists && flags.Excl:
		return nil, sftp.ErrSSHFxFailure
	case !exists || flags.Trunc:
		s.files[name] = &file{modified: s.opts.Now()}
		s.saw(name)
	}
	s.uploads++
	return &upload{d, name}, nil
}

// upload is a file open for writing.
type upload struct {
	*directory
	name string
}

// WriteAt writes a piece, as far as the faults let it.
func (u *upload) WriteAt(p []byte, offset int64) (int, error) {
	s := u.sim
	s.mu.Lock()
	defer s.mu.Unlock()
	end := int(offset) + len(p)
	keep := end
	for _, limit := range []int{s.faults.DiskFullAfter, s.faults.CutAfter} {
		if limit > 0 {
			keep = min(keep, limit)
		}
	}
	if s.faults.LoseBytes {
		keep = min(keep, end-1)
	}
	f := s.files[u.name]
	if f == nil {
		return 0, sftp.ErrSSHFxNoSuchFile
	}
	content := slices.Clone(f.content)
	if grow := keep - len(content); grow > 0 {
		content = append(content, make([]byte, grow)...)
	}
	if keep > int(offset) {
		copy(content[offset:], p[:keep-int(offset)])
	}
	s.files[u.name] = &file{content, s.opts.Now()}
	s.saw(u.name)
	switch {
	case s.faults.CutAfter > 0 && end > s.faults.CutAfter:
		u.conn.Close()
		return 0, sftp.ErrSSHFxConnectionLost
	case s.faults.DiskFullAfter > 0 && end > s.faults.DiskFullAfter:
		return 0, sftp.ErrSSHFxFailure
	}
	return len(p), nil
}

// Filecmd removes and renames.
func (d *directory) Filecmd(r *sftp.Request) error {
	switch r.Method {
	case "Rename":
		return d.rename(r, d.sim.opts.RenameReplaces)
	case "Remove":
		return d.remove(clean(r.Filepath))
	case "Setstat":
		return nil
	}
	return sftp.ErrSSHFxOpUnsupported
}

// PosixRename renames as rename(2) does.
func (d *directory) PosixRename(r *sftp.Request) error {
	if d.sim.opts.NoAtomicRename {
		return sftp.ErrSSHFxOpUnsupported
	}
	return d.rename(r, true)
}

func (d *directory) rename(r *sftp.Request, replaces bool) error {
	s, from, to := d.sim, clean(r.Filepath), clean(r.Target)
	s.mu.Lock()
	defer s.mu.Unlock()
	f, ok := s.files[from]
	_, exists := s.files[to]
	refused := s.faults.RefuseNth == 1
	s.faults.RefuseNth = max(0, s.faults.RefuseNth-1)
	switch {
	case s.faults.CutOnRename:
		d.conn.Close()
		return sftp.ErrSSHFxConnectionLost
	case s.faults.RefuseRename || s.faults.ReadOnly || refused:
		return sftp.ErrSSHFxPermissionDenied
	case !ok:
		return sftp.ErrSSHFxNoSuchFile
	case exists && !replaces:
		return sftp.ErrSSHFxFailure
	}
	delete(s.files, from)
	s.files[to] = f
	s.saw(to)
	if s.faults.CutAfterNext {
		s.faults.CutAfterNext = false
		d.conn.Close()
		return sftp.ErrSSHFxConnectionLost
	}
	return nil
}

func (d *directory) remove(name string) error {
	s := d.sim
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.faults.ReadOnly {
		return sftp.ErrSSHFxPermissionDenied
	}
	if _, ok := s.files[name]; !ok {
		return sftp.ErrSSHFxNoSuchFile
	}
	delete(s.files, name)
	return nil
}

// Filelist lists the directory or tells about one file.
func (d *directory) Filelist(r *sftp.Request) (sftp.ListerAt, error) {
	s, name := d.sim, clean(r.Filepath)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch r.Method {
	case "List":
		var infos infoList
		for n, f := range s.files {
			if dir := path.Dir(n); dir == name || dir == "." && name == "" {
				infos = append(infos, f.info(path.Base(n)))
			}
		}
		slices.SortFunc(infos, func(a, b os.FileInfo) int { return strings.Compare(a.Name(), b.Name()) })
		return infos, nil
	case "Stat", "Lstat":
		if f, ok := s.files[name]; ok {
			return infoList{f.info(path.Base(name))}, nil
		}
		if name == "" {
			return infoList{fileInfo{name: "/", mode: os.ModeDir | 0o700, modified: s.opts.Now()}}, nil
		}
		return nil, sftp.ErrSSHFxNoSuchFile
	}
	return nil, sftp.ErrSSHFxOpUnsupported
}

type infoList []os.FileInfo

// ListAt gives the entries from offset on.
func (l infoList) ListAt(to []os.FileInfo, offset int64) (int, error) {
	if offset >= int64(len(l)) {
		return 0, io.EOF
	}
	n := copy(to, l[offset:])
	if n < len(to) {
		return n, io.EOF
	}
	return n, nil
}

type fileInfo struct {
	name     string
	size     int64
	mode     os.FileMode
	modified time.Time
}

func (i fileInfo) Name() string       { return i.name }
func (i fileInfo) Size() int64        { return i.size }
func (i fileInfo) Mode() os.FileMode  { return i.mode }
func (i fileInfo) ModTime() time.Time { return i.modified }
func (i fileInfo) IsDir() bool        { return i.mode.IsDir() }
func (i fileInfo) Sys() any           { return nil }
