package appliance

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"filippo.io/age"
	"filippo.io/age/agessh"

	"rollcall/appliance/admin"
	"rollcall/appliance/config"
	"rollcall/appliance/ingest"
	"rollcall/appliance/store"
)

// Restore is rollcall restore: it checks a backup whole and, unless only that
// was asked, puts it in the place of the database while no appliance runs. The
// replaced database is kept beside it. Path names the configuration (empty: where
// config.Load looks), of which only data_dir matters; identities are files with
// age or SSH private keys for encrypted backups. Go decides, seeing what the
// backup holds, whether to go on; nil goes on.
func Restore(ctx context.Context, path, file string, identities []string, checkOnly bool, goOn func(admin.BackupContents) (bool, error)) (admin.Restored, error) {
	out := admin.Restored{File: file}
	cfg, err := config.Load(path)
	if err != nil {
		return out, err
	}
	keys, err := readIdentities(identities)
	if err != nil {
		return out, err
	}
	if file, err = filepath.Abs(file); err != nil {
		return out, err
	}
	out.File, out.Database = file, filepath.Join(string(cfg.Appliance.DataDir), store.FileName)
	if checkOnly {
		// Beside nothing: a check must not wait for the running appliance.
		dir, err := os.MkdirTemp(string(cfg.Appliance.DataDir), ".rollcall-check-*")
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
			dir, err = os.MkdirTemp("", "rollcall-check-*")
		}
		if err != nil {
			return out, err
		}
		defer os.RemoveAll(dir)
		staged, err := store.Stage(file, filepath.Join(dir, store.FileName), keys, store.Options{})
		if err != nil {
			return out, err
		}
		out.Contents = contentsView(staged.Contents)
		return out, staged.Discard()
	}
	staged, err := store.Stage(file, out.Database, keys, store.Options{})
	if err != nil {
		return out, err
	}
	done := false
	defer func() {
		if !done {
			_ = staged.Discard()
		}
	}()
	out.Contents = contentsView(staged.Contents)
	if goOn != nil {
		if yes, err := goOn(out.Contents); err != nil || !yes {
			return out, err
		}
	}
	if err := ctx.Err(); err != nil {
		return out, err
	}
	sum, err := store.Fingerprint(file)
	if err != nil {
		return out, err
	}
	now := time.Now().UTC()
	reason := fmt.Sprintf("the backup that ends at event %s, file sha256 %s", staged.Contents.Head, sum)
	r, err := ingest.Restore(staged.Store, staged.Carry, admin.SelfActor(), reason, now)
	if err != nil {
		return out, fmt.Errorf("prepare the restored database: %w; nothing was replaced", err)
	}
	out.Epoch, out.HeldTargets, out.TokensRevoked, out.TokensLost, out.Erasures = r.Epoch, r.Targets, r.Revoked, r.Lost, r.Erased
	if r.Unread != nil {
		out.NotCarried = r.Unread.Error()
	}
	if out.Kept, err = staged.Install(now); err != nil {
		return out, fmt.Errorf("put the database in its place: %w", err)
	}
	done, out.Done = true, true
	return out, nil
}

func contentsView(c store.Contents) admin.BackupContents {
	upgraded := 0
	if c.Version < store.Version {
		upgraded = store.Version
	}
	return admin.BackupContents{Upgraded: upgraded, Schema: c.Version, Instance: c.Instance, Epoch: c.Epoch, Sealed: c.Sealed, Bytes: c.Size,
		People: c.People, Records: c.Records, Events: c.Events, Head: c.Head.String(), Newest: c.Newest}
}

// readIdentities reads age identity files and unencrypted SSH private keys.
func readIdentities(files []string) ([]age.Identity, error) {
	var keys []age.Identity
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("identity: %w", err)
		}
		if key, err := agessh.ParseIdentity(raw); err == nil {
			keys = append(keys, key)
			continue
		}
		f, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("identity: %w", err)
		}
		some, err := age.ParseIdentities(f)
		f.Close()
		if err != nil {
			// The error of the library may repeat a line of the file.
			return nil, fmt.Errorf("identity: %s holds no age identity (AGE-SECRET-KEY-1…) and no SSH private key without a passphrase", name)
		}
		keys = append(keys, some...)
	}
	return keys, nil
}
