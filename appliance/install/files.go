package install

import (
	_ "embed"
	"fmt"
	"strings"
)

// Where things go. They are the defaults of the configuration.
const (
	binaryPath    = "/usr/local/bin/rollcall"
	configDir     = "/etc/rollcall"
	configPath    = configDir + "/config.toml"
	secretsDir    = configDir + "/secrets"
	tlsDir        = configDir + "/tls"
	dataDir       = "/var/lib/rollcall"
	databasePath  = dataDir + "/rollcall.db"
	unitPath      = "/etc/systemd/system/rollcall.service"
	tmpfilesPath  = "/etc/tmpfiles.d/rollcall.conf"
	sshdPath      = "/etc/ssh/sshd_config.d/60-rollcall.conf"
	shareDir      = "/usr/local/share/rollcall"
	alertsPath    = shareDir + "/alerts.yml"
	dashboardPath = shareDir + "/dashboard.json"
	viewDir       = "/run/rollcall-view"
	viewSocket    = viewDir + "/view.sock"
)

// The user the daemon runs as, and the groups of those who may ask it.
const (
	Owner = "rollcall"
	// AdminGroup may do everything (admin.sock).
	AdminGroup = "rollcall"
	// ViewGroup may look (view.sock).
	ViewGroup = "rollcall-view"
	// TerminalGroup gets the terminal UI and nothing else over SSH; its members
	// must be in AdminGroup too.
	TerminalGroup = "rollcall-tui"
)

// Unit is the hardened systemd unit.
//
//go:embed rollcall.service
var Unit string

// SSHD is the block for sshd that gives two groups the terminal UI and nothing
// else.
//
//go:embed sshd.conf
var SSHD string

const tmpfiles = "# The directory of rollcall's read-only socket. The set-group-ID bit gives the\n" +
	"# socket to the group that may look.\n" +
	"d " + viewDir + " 2750 " + Owner + " " + ViewGroup + "\n"

// Starter turns the complete example into a configuration to begin with: the
// tables that name systems of other people's are commented out, and so are the
// keys that refer to them. What is left is what the defaults say, and the place
// of the read-only socket.
func Starter(example string) string {
	var b strings.Builder
	b.WriteString("# rollcall: your configuration. Take the \"# \" away from the tables you need, put\n" +
		"# in your own values, and run \"rollcall config check\"; then \"systemctl restart rollcall\".\n#\n")
	table := ""
	for line := range strings.Lines(example) {
		text := strings.TrimSpace(line)
		if strings.HasPrefix(text, "[") {
			table = strings.Trim(text[:strings.LastIndexByte(cutComment(text), ']')+1], "[]")
		}
		switch {
		case text == "" || strings.HasPrefix(text, "#"):
			b.WriteString(line)
		case optional(table, text):
			b.WriteString("# " + line)
		case strings.HasPrefix(text, "view_socket"):
			fmt.Fprintf(&b, "view_socket  = %q # [restart] read-only, for the group %s\n", viewSocket, ViewGroup)
		default:
			b.WriteString(line)
		}
	}
	return b.String()
}

// cutComment returns a table header without the comment behind it.
func cutComment(header string) string {
	if i := strings.Index(header, "] "); i >= 0 {
		return header[:i+1]
	}
	return header
}

// optional reports whether a line of the example speaks of systems that a fresh
// installation does not have.
func optional(table, line string) bool {
	for _, prefix := range []string{"sources.", "targets.", "notify", "scim.extensions", "policy.attributes", "test", "backup", "syslog"} {
		if strings.HasPrefix(table, prefix) {
			return true
		}
	}
	key, _, _ := strings.Cut(line, "=")
	key = strings.TrimSpace(key)
	return table == "policy" && (key == "authority" || key == "creates")
}
