package appliance_test

import (
	"encoding/base64"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"rollcall/connectors/cast"
)

// The canaries: values that exist nowhere else, so that wherever one of them is
// found, it came from here.

// bird is the person whose every value can be searched for, nest their manager.
var (
	bird = cast.Person{Given: "Zeferinax", Family: "Quorvendel", Email: "zeferinax.quorvendel@halcyon-atelier.example", PersonalEmail: "nightheron77@quillmail.example",
		EmployeeNumber: "883007799143", Title: "Kestrelkeeper", Department: "Ops", Status: "employed", Start: "2024-01-08", BirthDate: "1931-02-27",
		WorkPhone: "+33 6 99 71 70 73", MobilePhone: "+33 6 99 71 70 74"}
	nest = cast.Person{Given: "Oswaldine", Family: "Mandragorfeld", Email: "oswaldine.mandragorfeld@halcyon-atelier.example", EmployeeNumber: "883007799144",
		Title: "Falconer", Department: "Ops", Status: "employed", Start: "2020-01-06", Manager: 0}
)

// class says what a canary is.
type class int

const (
	secret  class = iota // a credential: nowhere
	person               // who somebody is: name, address, number, title, manager
	private              // what only the roster needs: birth date, phones, private address
)

// canary is one value and the spellings it may turn up in, in lower case.
type canary struct {
	name      string
	class     class
	spellings []string
}

// secretCanaries are the configured ones; the token of the sender is made at run time.
var secretCanaries = map[string]string{
	"HiBob token": "canary-hibob-5a1f", "Javelo token": "canary-javelo-77c2", "HiBob webhook secret": "canary-hook-90be", "address of the notify webhook": "canary-chat-31d8",
	"signing secret of notify": "canary-sign-e4a7", "SMTP password": "canary-smtp-6b90", "SCIM password attribute": "canary-password-c8d3",
	"wrong bearer token": "canary-bearer-12ef", "token in a query": "canary-query-f00d",
}

const birdsMailUser = "postman"

// canaries lists all of them; pairs are texts that services get in base64.
func canaries(token string) []canary {
	var all []canary
	add := func(name string, c class, values ...string) {
		for i, v := range values {
			values[i] = strings.ToLower(v)
		}
		all = append(all, canary{name, c, values})
	}
	for name, value := range secretCanaries {
		add(name, secret, value, base64.StdEncoding.EncodeToString([]byte(value)))
	}
	// As Basic authentication and AUTH PLAIN send them: what stands before the
	// secret shifts its base64.
	add("HiBob token, as sent", secret, base64.StdEncoding.EncodeToString([]byte("SERVICE-12345:" + secretCanaries["HiBob token"]))[12:])
	add("SMTP password, as sent", secret, base64.StdEncoding.EncodeToString([]byte("\x00" + birdsMailUser + "\x00" + secretCanaries["SMTP password"]))[12:])
	add("SCIM token", secret, token, strings.TrimPrefix(token, "rct_"))
	add("given name", person, bird.Given)
	add("family name", person, bird.Family)
	add("employee number", person, bird.EmployeeNumber)
	add("title", person, bird.Title)
	add("manager's name", person, nest.Family, nest.Given)
	add("private address", private, "nightheron77")
	add("birth date", private, bird.BirthDate, "27/02/1931")
	add("phone", private, bird.WorkPhone, bird.MobilePhone, "0699717073", "33699717073", "33699717074", "99 71 70")
	slices.SortFunc(all, func(a, b canary) int { return strings.Compare(a.name, b.name) })
	return all
}

// outlet is a way out of the appliance: a place where somebody reads what it says.
type outlet struct {
	name  string
	may   []class // what may be there; none: no canary at all
	holds string  // a text that must be there, or the search would be of nothing
}

// outlets is the table of all ways out. A way that only echoes what its own
// request said is given without it; see watch.answer.
var outlets = []outlet{
	{name: "log, text, trace level, before the filter", holds: "read failed"},
	{name: "log, JSON, trace level, before the filter", holds: `"@level":"trace"`},
	{name: "journal", holds: `"parked"`},
	{name: "journal export", holds: `"prev"`},
	{name: "syslog", holds: "rollcall@32473"},
	{name: "metrics", holds: "rollcall_"},
	{name: "healthz", holds: "ok"},
	{name: "readyz", holds: "ok"},
	{name: "pprof", holds: "goroutine"},
	{name: "notify webhook", holds: "nothing is wrong"},
	{name: "notify email", holds: "nothing is wrong"},
	{name: "notify command", holds: "nothing is wrong"},
	{name: "notify: what is told", holds: "conflict"},
	{name: "notify: answers to a test", holds: "email"},
	{name: "requests of senders", holds: "/scim/v2/Users"},
	{name: "status", holds: "hibob"},
	{name: "runs", holds: "verdict"},
	{name: "check", holds: "hibob"},
	{name: "tokens", holds: "okta"},
	{name: "verify", holds: "{"},
	{name: "config show", holds: "[targets.javelo]"},
	{name: "reload and its errors", holds: "test.toml"},
	{name: "errors of the admin API", holds: "error"},
	{name: "errors to SCIM senders", holds: "urn:ietf:params:scim:api:messages:2.0:Error"},
	{name: "answers to webhooks", holds: "401"},
	{name: "errors on the wire", holds: "400 Bad Request"},

	{name: "readiness", may: []class{person}, holds: "hibob"},
	{name: "deliveries", may: []class{person}, holds: "last_error"},
	{name: "drift", may: []class{person}, holds: "edited"},
	{name: "groups", may: []class{person}, holds: "Kites"},
	{name: "people", may: []class{person, private}, holds: "Zeferinax"},
	{name: "history", may: []class{person, private}, holds: "Zeferinax"},
	{name: "plan", may: []class{person, private}, holds: "Zeferinax"},
	{name: "conflicts", may: []class{person, private}, holds: "Zeferinax"},
	{name: "answers to SCIM senders", may: []class{person, private}, holds: "Zeferinax"},
	{name: "database", may: []class{person, private}, holds: "Zeferinax"},
	{name: "database after forget", holds: "halcyon-atelier"},
	{name: "backup", may: []class{person, private}, holds: "Zeferinax"},
}

// watch collects what left by each way out.
type watch struct {
	test *testing.T
	mu   sync.Mutex
	seen map[string]*strings.Builder
	all  []canary
}

// saw notes a text that left by a way out.
func (c *watch) saw(name, text string) {
	c.test.Helper()
	if !slices.ContainsFunc(outlets, func(o outlet) bool { return o.name == name }) {
		c.test.Errorf("no such way out: %q", name)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen[name] == nil {
		c.seen[name] = &strings.Builder{}
	}
	c.seen[name].WriteString(text + "\n")
}

// answer notes a refusal. It may repeat of a person what the request said, since
// whoever sent it knows; it may never repeat a secret, because answers end in the
// logs of others.
func (c *watch) answer(name, request, text string) {
	c.test.Helper()
	if plain, err := url.QueryUnescape(request); err == nil {
		request += plain
	}
	request, text = strings.ToLower(request), strings.ToLower(text)
	for _, k := range c.all {
		for _, s := range k.spellings {
			if k.class != secret && strings.Contains(request, s) {
				text = strings.ReplaceAll(text, s, "…")
			}
		}
	}
	c.saw(name, text)
}

// TestACanarySecretAndACanaryPersonAppearNowhereTheyMustNot puts both through every
// path there is, and then looks for them at every way out.
func TestACanarySecretAndACanaryPersonAppearNowhereTheyMustNot(t *testing.T) {
	c := flyThrough(t)
	for _, o := range outlets {
		text := ""
		if b := c.seen[o.name]; b != nil {
			text = b.String()
		}
		if !strings.Contains(strings.ToLower(text), strings.ToLower(o.holds)) {
			t.Errorf("%s: %q is not there, so that the search finds nothing in %d bytes: %.300q", o.name, o.holds, len(text), text)
		}
		lower, found := strings.ToLower(text), 0
		for _, k := range c.all {
			for _, s := range k.spellings {
				i := strings.Index(lower, s)
				if i < 0 {
					continue
				}
				found++
				if !slices.Contains(o.may, k.class) {
					t.Errorf("%s: the %s is there: …%q…", o.name, k.name, lower[max(0, i-160):min(len(lower), i+len(s)+60)])
				}
			}
		}
		allowed := "nothing"
		if len(o.may) > 0 {
			allowed = []string{"", "who it is", "the person, whole"}[len(o.may)]
		}
		t.Logf("%-44s may hold %-18s %8d bytes, %2d canaries", o.name, allowed, len(text), found)
	}
}

// readFile notes a file.
func (c *watch) readFile(name, path string) {
	c.test.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		c.test.Error(err)
	}
	c.saw(name, string(raw))
}
