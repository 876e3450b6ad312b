package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"rollcall/appliance/admin/admintest"
)

func TestJSONCarriesNoControlCharacters(t *testing.T) {
	raw, err := encodeJSON(map[string]string{"name": "a\u009b2Jb\u202ec\x7fd\x1b<e>"}, false)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"name":"a\u009b2Jb\u202ec\u007fd\u001b<e>"}` + "\n"; raw != want {
		t.Errorf("got %q, want %q", raw, want)
	}
}

func TestCellsThatSpreadsheetsWouldRunAreDisarmed(t *testing.T) {
	for in, want := range map[string]string{
		"=1+1": "'=1+1", "+33": "'+33", "-1": "'-1", "@SUM": "'@SUM", "\t=1": "' =1", "\r=1": "'=1", "\x00=1": "'=1", " =1": "' =1", "\u00a0=1": "'\u00a0=1", "＝1": "'＝1",
		"Jane": "Jane", "a=b": "a=b", "": "", "jane@acme.example": "jane@acme.example",
	} {
		if got := harmless(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

func TestTimesAreToldAsPeopleSayThem(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "just now", 9 * time.Second: "just now", 42 * time.Second: "42 s ago", 3 * time.Minute: "3 min ago", 47 * time.Hour: "47 h ago", 3 * 24 * time.Hour: "3 days ago",
		400 * 24 * time.Hour: "2025-10-18", -37 * time.Minute: "in 37 min", -5 * 24 * time.Hour: "in 5 days",
	} {
		if got := ago(admintest.Now, admintest.Now.Add(-d)); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
	if got := ago(admintest.Now, time.Time{}); got != "never" {
		t.Errorf("no time: %q", got)
	}
}

func TestTablesStayWithinTheTerminal(t *testing.T) {
	var b bytes.Buffer
	p := &printer{w: &b, width: 40}
	tab := &table{columns: []column{{title: "ID"}, {title: "NAME", flex: true}, {title: "DETAIL", flex: true}}}
	tab.add("1", "Zoë 李小龍 with a very long name indeed", "and a detail that is longer than all the rest together")
	p.table(tab)
	for l := range strings.Lines(b.String()) {
		if w := len([]rune(strings.TrimRight(l, "\n"))); w > 40 {
			t.Errorf("%d columns: %q", w, l)
		}
	}
	if !strings.Contains(b.String(), "…") {
		t.Errorf("nothing was cut: %q", b.String())
	}
}
