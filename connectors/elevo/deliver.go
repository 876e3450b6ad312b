package elevo

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path"
	"strings"
	"time"

	"github.com/pkg/sftp"

	"rollcall/appliance/model"
	"rollcall/connectors"
)

const opDeliver = "put the file"

// Render implements connectors.FileTarget.
func (t *Target) Render(want []model.Desired) (connectors.File, error) {
	rows := make([]Row, len(want))
	for i, d := range want {
		rows[i] = RowOf(d)
	}
	f, err := t.layout.Render(rows)
	f.Digest = t.digest(f.Content)
	return f, err
}

// Put uploads the file under a name of its own, reads it back for its size, and
// then renames it, so that whoever fetches it sees the old file or the new. A file
// without people is refused: it could suspend everybody.
//
// A call that ends in an error may have put the file all the same. Whoever stores
// the digest of what is there forgets it before the call, or a process that dies in
// between could take an old file for the one that is there. Classes are those of a
// target: Denied and Misconfigured need an operator, Transient another attempt.
func (t *Target) Put(ctx context.Context, f connectors.File) (int, error) {
	if f.People == 0 {
		return 0, &connectors.Error{
			Class: connectors.Invalid, Op: "elevo: " + opDeliver, Detail: "nobody is in the file, and an empty one could suspend everybody",
			Next: "Check that people are active and in scope of this target",
		}
	}
	payload, err := t.encrypt(f.Content)
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, t.timeout)
	defer cancel()
	s, err := t.connect(ctx)
	if err != nil {
		return 0, err
	}
	defer s.close()
	if err := t.put(ctx, s.files, payload); err != nil {
		return 0, err
	}
	t.sweep(s.files)
	return len(payload), nil
}

// digest names a file by its content, its place, and who can read it. Encrypting
// the same content twice gives different bytes, so those are not what is compared.
func (t *Target) digest(content []byte) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s\x00%s\x00", t.address, t.path)
	if t.recipient != nil {
		h.Write(t.recipient.PrimaryKey.Fingerprint)
	}
	h.Write([]byte{0})
	h.Write(content)
	return hex.EncodeToString(h.Sum(nil))
}

// put uploads, verifies and renames.
func (t *Target) put(ctx context.Context, files *sftp.Client, payload []byte) error {
	temporary := t.temporary()
	err := upload(ctx, files, temporary, payload)
	if err == nil {
		err = rename(ctx, files, temporary, t.path)
	}
	if err != nil && ctx.Err() == nil {
		files.Remove(temporary) // as far as the connection still goes
	}
	return err
}

// A temporary name is hidden and ends in none of the endings that an import
// looks for.
const (
	temporarySuffix = ".part"
	temporaryRandom = 8 // bytes
)

func (t *Target) temporary() string {
	random := make([]byte, temporaryRandom)
	rand.Read(random) // never fails
	return path.Join(path.Dir(t.path), t.temporaryPrefix()+hex.EncodeToString(random)+temporarySuffix)
}

func (t *Target) temporaryPrefix() string { return "." + path.Base(t.path) + "." }

// upload writes a new file and reads back how large it became: a full disk does
// not stop every server from answering that all is well.
func upload(ctx context.Context, files *sftp.Client, name string, payload []byte) error {
	f, err := files.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return failure(ctx, opDeliver, err)
	}
	_, err = f.Write(payload)
	if _, ok := files.HasExtension("fsync@openssh.com"); ok && err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return failure(ctx, opDeliver, err)
	}
	info, err := files.Stat(name)
	if err != nil {
		return failure(ctx, "read back the size of the file", err)
	}
	if info.Size() != int64(len(payload)) {
		return transient(ctx, opDeliver, fmt.Sprintf("the server kept %d of %d bytes", info.Size(), len(payload)))
	}
	return nil
}

const opRename = "rename the file"

// rename puts the uploaded file in the place of the old one: in one step where
// the server can (OpenSSH's posix-rename), else by the protocol's own rename, which
// must not replace a file (draft-ietf-secsh-filexfer-02 §6.5) and on many servers
// does. Where it really does not, the old file is moved aside for the moment that
// takes, and back when the second step fails: nobody then sees half a file, but
// for that moment none.
func rename(ctx context.Context, files *sftp.Client, from, to string) error {
	if _, ok := files.HasExtension("posix-rename@openssh.com"); ok {
		err := files.PosixRename(from, to)
		if err == nil {
			return nil
		}
		if !unsupported(err) {
			return failure(ctx, opRename, err)
		}
	}
	first := files.Rename(from, to)
	if first == nil {
		return nil
	}
	if _, err := files.Stat(to); err != nil || ctx.Err() != nil {
		return failure(ctx, opRename, first) // nothing was in the way
	}
	aside := strings.TrimSuffix(from, temporarySuffix) + ".old" + temporarySuffix
	if err := files.Rename(to, aside); err != nil {
		return failure(ctx, opRename, first)
	}
	if err := files.Rename(from, to); err != nil {
		if back := files.Rename(aside, to); back != nil {
			return &connectors.Error{
				Class: connectors.Transient, Op: "elevo: " + opRename,
				Detail: "the new file did not get its name, and the old one not its name back; it is whole, in the same directory, under a name that ends in .old.part",
			}
		}
		return failure(ctx, opRename, err)
	}
	files.Remove(aside)
	return nil
}

func unsupported(err error) bool {
	status, ok := errors.AsType[*sftp.StatusError](err)
	return ok && status.FxCode() == sftp.ErrSSHFxOpUnsupported
}

// abandonedAfter is when an upload of ours that has no file yet never will.
const abandonedAfter = 24 * time.Hour

// sweep takes away uploads that were cut off long ago, as far as the server lets it.
func (t *Target) sweep(files *sftp.Client) {
	dir := path.Dir(t.path)
	entries, err := files.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		rest, ours := strings.CutPrefix(e.Name(), t.temporaryPrefix())
		random, ours2 := strings.CutSuffix(rest, temporarySuffix)
		raw, err := hex.DecodeString(random)
		if ours && ours2 && err == nil && len(raw) == temporaryRandom && e.Mode().IsRegular() && t.now().Sub(e.ModTime()) > abandonedAfter {
			files.Remove(path.Join(dir, e.Name()))
		}
	}
}
