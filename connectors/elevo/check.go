package elevo

import (
	"context"
	"time"

	"rollcall/connectors"
)

// expiresSoon is how long before its end an encryption key is spoken of.
const expiresSoon = 30 * 24 * time.Hour

// Check connects, proves the host key, and does with a file of a few bytes what a
// delivery does with the real one, under a name that no import looks for, but the
// last step: it is renamed, and then removed. The roster's own file is not touched.
func (t *Target) Check(ctx context.Context) (connectors.Report, error) {
	ctx, cancel := context.WithTimeout(ctx, t.timeout)
	defer cancel()
	s, err := t.connect(ctx)
	if err != nil {
		return connectors.Report{}, err
	}
	defer s.close()

	probe, renamed := t.temporary(), t.temporary()
	if err := upload(ctx, s.files, probe, []byte("rollcall\n")); err != nil {
		s.files.Remove(probe)
		return connectors.Report{}, err
	}
	if err := s.files.Rename(probe, renamed); err != nil {
		s.files.Remove(probe)
		return connectors.Report{}, failure(ctx, opRename, err)
	}
	report := connectors.Report{Reached: "SFTP at " + t.address + ", user " + t.ssh.User}
	if err := s.files.Remove(renamed); err != nil {
		report.Notices = append(report.Notices, "The server lets files be written and renamed, but not removed: what this check wrote is still there, under a name that begins with a dot")
	}
	if _, ok := s.files.HasExtension("posix-rename@openssh.com"); !ok {
		report.Notices = append(report.Notices, "The server has no atomic rename: for a moment during a delivery there may be no file")
	}
	switch now := t.now(); {
	case !t.sealableAt(now):
		report.Notices = append(report.Notices, "The key in gpg_recipient expired: files can no longer be encrypted to it")
	case !t.sealableAt(now.Add(expiresSoon)):
		report.Notices = append(report.Notices, "The key in gpg_recipient expires within thirty days; ask Elevo for its next one")
	}
	return report, nil
}
