package lucca

import (
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strings"
)

// hosts are the endings of Lucca's own addresses: production, test, demo, and
// the sandboxes.
var hosts = []string{
	".ilucca.net", ".ilucca.ch", ".ilucca-test.net", ".ilucca-test.ch", ".ilucca-demo.net", ".ilucca-demo.ch",
	".sandbox.eu1.luccasoftware.com", ".sandbox.eu2.luccasoftware.com", ".sandbox.ch1.luccasoftware.com",
}

var accountName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// address returns where the tenant is, without a trailing slash. Administrators
// are known to paste the whole address where the account is asked for.
func address(explicit *url.URL, account string) (*url.URL, error) {
	account = strings.ToLower(strings.TrimSpace(account))
	switch {
	case explicit != nil && account != "":
		return nil, misconfigured("both account and base_url are set", "Keep one of them")
	case explicit != nil:
		if err := secure("base_url", explicit); err != nil {
			return nil, err
		}
		path := strings.TrimRight(explicit.Path, "/")
		for _, root := range []string{"/api/v3", "/lucca-api"} {
			path = strings.TrimSuffix(path, root)
		}
		return &url.URL{Scheme: explicit.Scheme, Host: explicit.Host, Path: path}, nil
	case account == "":
		return nil, misconfigured("neither account nor base_url is set", `Set account to the name in front of ".ilucca.net"`)
	case accountName.MatchString(account) && !loopback(account):
		return &url.URL{Scheme: "https", Host: account + ".ilucca.net"}, nil
	}
	if !strings.Contains(account, "://") {
		account = "https://" + account
	}
	u, err := url.Parse(account)
	if err != nil || u.Hostname() == "" {
		return nil, misconfigured("account is neither a name nor an address", `Set it to the name in front of ".ilucca.net"`)
	}
	if !luccaHost(u.Hostname()) && !loopback(u.Hostname()) {
		return nil, misconfigured(fmt.Sprintf("account names the host %q, which is not Lucca's", u.Hostname()), "Use base_url for an address of another kind")
	}
	if err := secure("account", u); err != nil {
		return nil, err
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host}, nil
}

// secure refuses an address over which a secret would travel in the clear.
func secure(key string, u *url.URL) error {
	switch {
	case u.Hostname() == "":
		return misconfigured(key+" has no host", "Write it whole, with https:// in front")
	case u.User != nil:
		return misconfigured(key+" carries a user name or password", "Credentials have keys of their own")
	case u.Scheme == "https", u.Scheme == "http" && loopback(u.Hostname()):
		return nil
	}
	return misconfigured(key+" is not an https address", "Use https; plain http is allowed on loopback only")
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func luccaHost(host string) bool {
	for _, end := range hosts {
		if name, ok := strings.CutSuffix(strings.ToLower(host), end); ok && name != "" {
			return true
		}
	}
	return false
}
