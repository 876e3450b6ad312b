package kit

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestCleanTakesAwayWhatCouldMoveTheTerminal(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"plain text stays", "Ada Sample", "Ada Sample"},
		{"accents stay", "Édith Fictif", "Édith Fictif"},
		{"a decomposed accent stays", "E\u0301dith", "E\u0301dith"},
		{"wide characters stay", "山田 太郎", "山田 太郎"},
		{"right-to-left letters stay", "נועה", "נועה"},
		{"an escape sequence loses its escape", "Ada\x1b[2J", "Ada[2J"},
		{"an eight-bit escape goes", "Ada\u009b2J", "Ada2J"},
		{"line breaks and tabs become blanks", "Ada\r\nSample\t1\u2028x", "Ada  Sample 1 x"},
		{"a bell and a backspace go", "A\ad\ba", "Ada"},
		{"direction controls go", "Ada\u202eelpmaS\u202c\u2066x\u2069\u200f", "AdaelpmaSx"},
		{"invisible characters go", "A\u200bd\ufeffa\u00ad", "Ada"},
		{"the joiners of Persian stay", "می\u200cخواهم", "می\u200cخواهم"},
		{"bytes that are not text are marked", "A\xffda", "A\ufffdda"},
		{"a pile of marks is cut", "A" + strings.Repeat("\u0301", 50), "A" + strings.Repeat("\u0301", maxMarks)},
		{"private characters go", "A\ue000", "A"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := Clean(tt.in); got != tt.want {
				t.Errorf("Clean(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

func FuzzCleanTextIsOneSafeLine(f *testing.F) {
	for _, s := range []string{"Ada", "\x1b]0;x\a", "\u202e", "山\u0301", "\xff\xfe", "a\u200d\u200d"} {
		f.Add(s, 7)
	}
	f.Fuzz(func(t *testing.T, s string, w int) {
		clean := Clean(s)
		if !utf8.ValidString(clean) {
			t.Fatalf("Clean(%q) is not UTF-8", s)
		}
		for _, r := range clean {
			if unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp) {
				t.Fatalf("Clean(%q) leaves %U", s, r)
			}
		}
		if again := Clean(clean); again != clean {
			t.Fatalf("Clean(%q) = %q, cleaned again %q", s, clean, again)
		}
		w = min(max(w, 0), 200)
		if got := Width(Truncate(clean, w, "…")); got > w {
			t.Fatalf("Truncate(%q, %d) takes %d columns", clean, w, got)
		}
	})
}

func TestTruncateNeverCutsAWideCharacterInHalf(t *testing.T) {
	for _, tt := range []struct {
		in   string
		w    int
		want string
	}{
		{"Ada Sample", 10, "Ada Sample"}, {"Ada Sample", 6, "Ada S…"}, {"山田太郎", 8, "山田太郎"},
		{"山田太郎", 5, "山田…"}, {"山田太郎", 4, "山…"}, {"Ada", 0, ""}, {"Ada", 1, "…"},
	} {
		if got := Truncate(tt.in, tt.w, "…"); got != tt.want {
			t.Errorf("Truncate(%q, %d) = %q, want %q", tt.in, tt.w, got, tt.want)
		}
	}
}

func TestCountPutsACommaBetweenThousands(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1204: "1,204", 1000007: "1,000,007", -1204: "-1,204"} {
		if got := Count(n); got != want {
			t.Errorf("Count(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestWrapBreaksNoOptionAndNoAddressAtItsHyphen(t *testing.T) {
	for _, line := range Wrap("name its socket with --socket or ask desire@halcyon-atelier.example about it", 30) {
		if strings.HasSuffix(line, "-") || Width(line) > 30 {
			t.Errorf("%q", line)
		}
	}
	if got := strings.Join(Wrap("a-very-long-word-that-does-not-fit-anywhere", 10), ""); got != "a-very-long-word-that-does-not-fit-anywhere" {
		t.Errorf("got %q", got)
	}
}
