package terminal

import (
	"strings"
	"testing"
)

func TestScreenShowsWhatWasWritten(t *testing.T) {
	for _, tt := range []struct{ name, written, want string }{
		{"lines", "one\r\ntwo", "one\ntwo\n\n"},
		{"carriage return", "abc\rX", "Xbc\n\n\n"},
		{"cursor and erasing", "abcdef\x1b[3D\x1b[K\x1b[2;3Hx", "abc\n  x\n\n"},
		{"whole line", "abc\x1b[2K\x1b[1Gz", "z\n\n\n"},
		{"scrolling", "1\r\n2\r\n3\r\n4", "2\n3\n4\n"},
		{"colours take no room", "\x1b[1;38;5;210mred\x1b[0m!", "red!\n\n\n"},
		{"wide and combining", "架e\u0301x", "架e\u0301x\n\n\n"},
		{"a wide one that does not fit", "123456789架", "123456789\n架\n\n"},
		{"alternate and back", "main\x1b[?1049h\x1b[Halt\x1b[?1049l", "main\n\n\n"},
		{"alternate", "main\x1b[?1049h\x1b[Halt", "alt\n\n\n"},
		{"titles and unknown sequences", "\x1b]0;title\aa\x1b[?2004hb\x1b[>4;1mc", "abc\n\n\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			whole, bits := NewScreen(10, 3), NewScreen(10, 3)
			_, _ = whole.Write([]byte(tt.written))
			for i := range len(tt.written) { // sequences and runes come in pieces too
				_, _ = bits.Write([]byte{tt.written[i]})
			}
			if got := whole.Text(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if got := bits.Text(); got != tt.want {
				t.Errorf("in pieces: got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestScreenAnswersWhatProgramsAsk(t *testing.T) {
	s := NewScreen(10, 3)
	_, _ = s.Write([]byte("ab\x1b]11;?\x1b\\\x1b[6n\x1b]52;c;cmM=\a"))
	if got := string(s.reply()); got != "\x1b]11;rgb:1111/1111/1111\x1b\\\x1b[1;3R" {
		t.Errorf("answers %q", got)
	}
	if s.Copied() != "cmM=" {
		t.Errorf("copied %q", s.Copied())
	}
}

func TestPictureHoldsTextColoursAndNothingUnsafe(t *testing.T) {
	s := NewScreen(20, 2)
	_, _ = s.Write([]byte("<b>&\x1b[1;38;5;210mred\x1b[0m \x1b[48;5;236mback\x1b[0m"))
	svg := s.SVG("a <title>")
	for _, want := range []string{"&lt;b&gt;&amp;", `class="b" style="fill:#ff8787">red<`, `fill="#303030"`, "a &lt;title&gt;"} {
		if !strings.Contains(svg, want) {
			t.Errorf("no %q in\n%s", want, svg)
		}
	}
}
