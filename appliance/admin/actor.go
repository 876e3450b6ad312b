package admin

import (
	"context"
	"net"
	"os"
	"os/user"
	"strconv"
	"strings"
	"unicode"
)

// UnknownActor is who acts when the peer of a connection cannot be told.
const UnknownActor = "unknown"

type actorKey struct{}

// WithActor returns a context in which [Actor] is actor.
func WithActor(ctx context.Context, actor string) context.Context {
	return context.WithValue(ctx, actorKey{}, actor)
}

// Actor returns who asks, as the journal names them: "uid:1000(jane)".
func Actor(ctx context.Context) string {
	if actor, ok := ctx.Value(actorKey{}).(string); ok && actor != "" {
		return actor
	}
	return UnknownActor
}

// PeerActor returns the OS user at the other end of a unix socket, as the
// kernel vouches for it (SO_PEERCRED), and [UnknownActor] for other connections.
func PeerActor(c net.Conn) string {
	uc, ok := c.(*net.UnixConn)
	if !ok {
		return UnknownActor
	}
	uid, ok := peerUID(uc)
	if !ok {
		return UnknownActor
	}
	return userActor(uint64(uid))
}

// SelfActor returns the OS user of this process, for the few commands that act
// without a running appliance.
func SelfActor() string {
	uid := os.Getuid()
	if uid < 0 {
		return UnknownActor // a system without user numbers
	}
	return userActor(uint64(uid))
}

func userActor(uid uint64) string {
	id := strconv.FormatUint(uid, 10)
	u, err := user.LookupId(id)
	if err != nil {
		return "uid:" + id
	}
	return "uid:" + id + "(" + plain(u.Username) + ")"
}

// plain leaves out of a user name what would let it pass for another actor:
// directory services allow nearly anything.
func plain(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("._-@\\$+", r) {
			return r
		}
		return -1
	}, name)
}
