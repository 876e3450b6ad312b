package config

import (
	"strings"
	"testing"
	"time"

	"filippo.io/age"
)

func TestBackupJournalAndPrivacyAreRead(t *testing.T) {
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	c, err := Parse("t.toml", []byte(`
[appliance]
data_dir = "/srv/rollcall"
[scim]
trusted_proxies = ["127.0.0.1", "10.0.4.9/24", "::1"]
[journal]
syslog = "udp://loghost.example.com"
keep   = "1825d"
[backup]
every = "6h"
keep  = 3
recipients = ["`+key.Recipient().String()+`", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJAhhT4JgbaU0bQkqNPsgQnpYZhhDoMWwxKSh0MtSHpE ops"]
[privacy]
keep_history = "30d"
forgotten    = "for_good"
`), noEnvironment())
	if err != nil {
		t.Fatal(err)
	}
	if c.Backup.Dir != "/srv/rollcall/backups" || c.Backup.Keep != 3 || time.Duration(c.Backup.Every) != 6*time.Hour || len(c.Backup.AgeRecipients()) != 2 {
		t.Errorf("got %+v", c.Backup)
	}
	if c.Journal.Syslog != (SyslogAddress{"udp", "loghost.example.com:514"}) || time.Duration(c.Journal.Keep) != 1825*24*time.Hour {
		t.Errorf("got %+v", c.Journal)
	}
	var proxies []string
	for _, p := range c.SCIM.TrustedProxies {
		proxies = append(proxies, p.String())
	}
	if got := strings.Join(proxies, " "); got != "127.0.0.1/32 10.0.4.0/24 ::1/128" {
		t.Errorf("the proxies are %s", got)
	}
	if c.Privacy != (Privacy{KeepHistory: Duration(30 * 24 * time.Hour), Forgotten: ForgottenForGood}) {
		t.Errorf("got %+v", c.Privacy)
	}
}

func TestWhatWouldNotProtectIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"[scim]\ntrusted_proxies = [\"0.0.0.0/0\"]":                               "anybody could say who they are",
		"[scim]\ntrusted_proxies = [\"proxy.example.com\"]":                       "neither an IP address",
		"[backup]\nrecipients = [\"AGE-SECRET-KEY-1QQQ\"]":                        "private key",
		"[backup]\nrecipients = [\"age1nonsense\"]":                               "not a public key",
		"[backup]\nrecipients = [\"-----BEGIN OPENSSH PRIVATE KEY-----\\nAAAA\"]": "private key",
		"[backup]\nkeep = 0":                          "no copy would be left",
		"[backup]\nevery = \"5s\"":                    "shorter than a minute",
		"[journal]\nsyslog = \"loghost\"":             "neither udp, tcp nor unix",
		"[journal]\nsyslog = \"unix://dev/log\"":      "absolute path",
		"[journal]\nsyslog = \"tcp://loghost:601/x\"": "behind it",
		"[privacy]\nforgotten = \"never\"":            "until_active",
	} {
		p := problemsOf(t, text)
		if len(p) != 1 || !strings.Contains(p[0].String(), want) {
			t.Errorf("%s: %v", text, p)
		}
		if strings.Contains(p.Error(), "AGE-SECRET-KEY-1QQQ") {
			t.Errorf("the private key is repeated: %v", p)
		}
	}
}
