package identity

import "strings"

// consumer lists mail providers whose addresses belong to private persons, by
// the name before the public suffix where a provider uses many suffixes.
var consumer = map[string]bool{
	"gmail.com": true, "googlemail.com": true, "icloud.com": true, "me.com": true, "mac.com": true, "aol.com": true,
	"proton.me": true, "protonmail.com": true, "pm.me": true, "zoho.com": true, "mail.com": true, "fastmail.com": true,
	"tutanota.com": true, "hey.com": true, "msn.com": true, "qq.com": true, "163.com": true, "126.com": true,
	"mail.ru": true, "yandex.ru": true, "yandex.com": true, "web.de": true, "t-online.de": true, "freenet.de": true,
	"orange.fr": true, "wanadoo.fr": true, "free.fr": true, "laposte.net": true, "sfr.fr": true, "neuf.fr": true,
	"bbox.fr": true, "numericable.fr": true, "libero.it": true, "virgilio.it": true, "btinternet.com": true,
	"comcast.net": true, "verizon.net": true, "bluewin.ch": true, "skynet.be": true, "telenet.be": true,
}

var consumerBrands = map[string]bool{"outlook": true, "hotmail": true, "live": true, "yahoo": true, "ymail": true, "gmx": true, "rocketmail": true}

// ConsumerDomain reports whether addresses of this domain belong to private
// persons as a rule. The list is a guard against the common accident, not a
// complete one; [policy] email_domains is the exact rule.
func ConsumerDomain(domain string) bool {
	if consumer[domain] {
		return true
	}
	brand, suffix, found := strings.Cut(domain, ".")
	return found && consumerBrands[brand] && len(suffix) <= 6 && strings.Count(suffix, ".") <= 1
}
