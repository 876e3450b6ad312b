package config

import (
	"encoding"
	"math"
	"testing"
	"time"
)

func TestTextValuesReadAndWriteTheSameSpelling(t *testing.T) {
	for _, tt := range []struct {
		into      interface{ encoding.TextUnmarshaler }
		text      string
		canonical string // empty: refused
	}{
		{new(Duration), "7d", "7d"},
		{new(Duration), "40m", "40m"},
		{new(Duration), "90m", "1h30m"},
		{new(Duration), "1d12h", "1d12h"},
		{new(Duration), "24h", "1d"},
		{new(Duration), "1h0m30s", "1h0m30s"},
		{new(Duration), "0d", "0s"},
		{new(Duration), "-5m", ""},
		{new(Duration), "1d-5m", ""},
		{new(Duration), "d", ""},
		{new(Duration), "7 d", ""},
		{new(Duration), "999999d", ""},
		{new(Duration), "", ""},
		{new(Days), "0d", "0d"},
		{new(Days), "7d", "7d"},
		{new(Days), "7", ""},
		{new(Days), "1.5d", ""},
		{new(Days), "4000d", ""},
		{new(Rate), "300/5m", "300/5m"},
		{new(Rate), "10/60s", "10/1m"},
		{new(Rate), "0/5m", ""},
		{new(Rate), "-1/5m", ""},
		{new(Rate), "5/0s", ""},
		{new(Rate), "5/2d", ""},
		{new(URL), "https://a.example/scim/v2/", "https://a.example/scim/v2"},
		{new(URL), "http://127.0.0.1:8080", "http://127.0.0.1:8080"},
		{new(URL), "http://[::1]:8080/x", "http://[::1]:8080/x"},
		{new(URL), "http://localhost", "http://localhost"},
		{new(URL), "http://localhost.example.com", ""},
		{new(URL), "https://a.example?x=1", ""},
		{new(URL), "https://a.example?", ""},
		{new(URL), "https://:443", ""},
		{new(URL), "a.example", ""},
		{new(URL), "ftp://a.example", ""},
		{new(Address), "127.0.0.1:9464", "127.0.0.1:9464"},
		{new(Address), "[::1]:1", "[::1]:1"},
		{new(Address), ":8443", ":8443"},
		{new(Address), "127.0.0.1:70000", ""},
		{new(Address), "example.com:80", ""},
		{new(Location), "UTC", "UTC"},
		{new(Location), "Local", ""},
		{new(Location), "../../etc/passwd", ""},
	} {
		t.Run(tt.text, func(t *testing.T) {
			err := tt.into.UnmarshalText([]byte(tt.text))
			if tt.canonical == "" {
				if err == nil {
					t.Fatalf("%T accepted %q", tt.into, tt.text)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got, err := tt.into.(encoding.TextMarshaler).MarshalText()
			if err != nil || string(got) != tt.canonical {
				t.Errorf("got %q, %v, want %q", got, err, tt.canonical)
			}
		})
	}
}

func TestDomainIsFoldedAsIdentifiersAre(t *testing.T) {
	for text, want := range map[string]Domain{
		"Acme.EXAMPLE": "acme.example", "bücher.example": "xn--bcher-kva.example", "a.b.example": "a.b.example",
	} {
		var d Domain
		if err := d.UnmarshalText([]byte(text)); err != nil || d != want {
			t.Errorf("%q: got %q, %v", text, d, err)
		}
	}
	for _, text := range []string{"", "acme", "@acme.example", "a@b.example", "10.0.0.1", "acme.example.", "*.acme.example", "a b.example"} {
		if err := new(Domain).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q was accepted", text)
		}
	}
}

func TestLimitAllowsTheSmallerOfBothAndAPercentageNeverFewerThanTheLeast(t *testing.T) {
	for _, tt := range []struct {
		toml         any
		total, least int
		want         int
	}{
		{"5%", 1000, 3, 50},
		{"5%", 39, 3, 3},
		{"5%", 0, 3, 3},
		{"5%", 99, 0, 4},
		{"2.5%", 1000, 0, 25},
		{"0%", 1000, 3, 0},
		{"100%", 7, 0, 7},
		{int64(20), 1000, 3, 20},
		{int64(1), 1000, 3, 1},
		{int64(0), 1000, 3, 0},
		{[]any{"5%", int64(20)}, 1000, 3, 20},
		{[]any{int64(20), "5%"}, 100, 3, 5},
		{[]any{"5%", int64(2)}, 10, 3, 2},
		{[]any{"0%", int64(20)}, 1000, 3, 0},
	} {
		var l Limit
		if err := l.UnmarshalTOML(tt.toml); err != nil {
			t.Fatalf("%v: %v", tt.toml, err)
		}
		if got := l.Of(tt.total, tt.least); got != tt.want {
			t.Errorf("%v of %d, least %d: got %d, want %d", tt.toml, tt.total, tt.least, got, tt.want)
		}
	}
	if got := (Limit{}).Of(1000, 3); got != 0 {
		t.Errorf("the zero limit allows %d", got)
	}
	if got := percent(100).Of(math.MaxInt32, 0); got != math.MaxInt32 {
		t.Errorf("100%% of %d is %d", math.MaxInt32, got)
	}
	for _, v := range []any{"5", "5 percent", "-1%", "101%", "5.123%", "5.%", ".5%", "%", int64(-1), 1.5, true, []any{}, []any{"5%", "6%"}, []any{int64(1), int64(2)}, []any{"5%", int64(1), int64(2)}, map[string]any{}} {
		l := Limit{Share: 1, Count: 2}
		if err := l.UnmarshalTOML(v); err == nil || l != (Limit{Share: 1, Count: 2}) {
			t.Errorf("%v: error %v, limit %+v", v, err, l)
		}
	}
}

func TestDefaultsAreSpelledAsTheDocumentsSpellThem(t *testing.T) {
	if got := Duration(40 * time.Minute).String(); got != "40m" {
		t.Error(got)
	}
	if got := (Limit{Share: 250, Count: 20}).String(); got != "2.5% or 20" {
		t.Error(got)
	}
}
