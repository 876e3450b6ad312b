package lucca

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// announcements remembers what the service announced during one read, so that
// each is told once.
type announcements map[string]bool

// in returns what an answer announces for the first time: that the version in
// use is deprecated (RFC 9745) and when it ends (Sunset, RFC 8594).
func (a announcements) in(h http.Header) []string {
	var notices []string
	tell := func(text string) {
		if !a[text] {
			a[text] = true
			notices = append(notices, text)
		}
	}
	if v := h.Get("Deprecation"); v != "" && !strings.EqualFold(v, "false") {
		tell("Lucca announces that this version of its API is deprecated" + since(v))
	}
	if t, err := http.ParseTime(h.Get("Sunset")); err == nil {
		tell("Lucca announces that this version of its API ends on " + t.UTC().Format(time.DateOnly))
	}
	return notices
}

// since reads the date of a Deprecation header: "@" and Unix seconds, or an HTTP
// date as drafts of the RFC had it. Others only said "true".
func since(v string) string {
	if seconds, ok := strings.CutPrefix(v, "@"); ok {
		if n, err := strconv.ParseInt(seconds, 10, 40); err == nil {
			return " since " + time.Unix(n, 0).UTC().Format(time.DateOnly)
		}
	}
	if t, err := http.ParseTime(v); err == nil {
		return " since " + t.UTC().Format(time.DateOnly)
	}
	return ""
}
