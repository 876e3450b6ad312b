package terminal

import (
	"strconv"
	"strings"
	"sync"

	"github.com/charmbracelet/x/ansi"
)

// Look is how a cell is drawn.
type Look struct {
	Fore, Back int // index in the 256-colour palette, -1 for the terminal's own
	Bold       bool
}

var ordinary = Look{Fore: -1, Back: -1}

type cell struct {
	text string // a grapheme; empty behind a wide one
	look Look
}

// Screen is what a terminal of w columns and h lines shows. It is safe for
// concurrent use.
type Screen struct {
	mu      sync.Mutex // guards everything below
	w, h    int
	lines   [][]cell
	beside  [][]cell // the main screen while the alternate one is shown
	x, y    int
	look    Look
	alt     bool
	copied  string // by OSC 52, still encoded
	pending []byte // the beginning of a sequence or rune that is not complete yet
	answers []byte // to what the program asked
	changed chan struct{}
}

// NewScreen returns a blank screen.
func NewScreen(w, h int) *Screen {
	s := &Screen{look: ordinary, changed: make(chan struct{})}
	s.size(w, h)
	return s
}

func blank(w, h int) [][]cell {
	lines := make([][]cell, h)
	for i := range lines {
		lines[i] = blankLine(w)
	}
	return lines
}

func blankLine(w int) []cell {
	line := make([]cell, w)
	for i := range line {
		line[i] = cell{" ", ordinary}
	}
	return line
}

// size changes the size and clears: programs draw anew when it changes.
func (s *Screen) size(w, h int) {
	s.w, s.h, s.x, s.y = w, h, 0, 0
	s.lines = blank(w, h)
}

// Resize changes the size; what was shown is gone until it is drawn again.
func (s *Screen) Resize(w, h int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.size(w, h)
}

// Alternate reports whether the alternate screen is shown.
func (s *Screen) Alternate() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.alt
}

// Copied is what was put on the clipboard last (OSC 52), in base64.
func (s *Screen) Copied() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.copied
}

// Text is what is shown, line by line, without blanks at the ends.
func (s *Screen) Text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text()
}

func (s *Screen) text() string {
	var out strings.Builder
	for _, line := range s.lines {
		var text strings.Builder
		for _, c := range line {
			text.WriteString(c.text)
		}
		out.WriteString(strings.TrimRight(text.String(), " ") + "\n")
	}
	return out.String()
}

// Write takes what a program writes to its terminal. It never fails.
func (s *Screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	data := append(s.pending, b...)
	p := ansi.NewParser()
	for len(data) > 0 {
		seq, width, n, state := ansi.DecodeSequence(data, ansi.NormalState, p)
		if state != ansi.NormalState || cutRune(seq) {
			break // more is to come
		}
		s.take(string(seq), width, p)
		data = data[n:]
	}
	s.pending = append([]byte(nil), data...)
	close(s.changed)
	s.changed = make(chan struct{})
	return len(b), nil
}

// cutRune reports whether b is the beginning of a rune whose rest has not come.
func cutRune(b []byte) bool {
	if len(b) == 0 || b[0] < 0xc0 {
		return false
	}
	need := 2
	switch {
	case b[0] >= 0xf0:
		need = 4
	case b[0] >= 0xe0:
		need = 3
	}
	return len(b) < need
}

// reply takes the answers that wait for the program.
func (s *Screen) reply() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.answers
	s.answers = nil
	return out
}

func (s *Screen) take(seq string, width int, p *ansi.Parser) {
	switch {
	case width > 0:
		s.put(seq, width)
	case seq == "\r":
		s.x = 0
	case seq == "\n":
		s.down()
	case seq == "\b":
		s.x = max(s.x-1, 0)
	case seq == "\t":
		s.x = min((s.x/8+1)*8, s.w-1)
	case ansi.HasOscPrefix([]byte(seq)):
		s.command(string(p.Data()))
	case ansi.HasCsiPrefix([]byte(seq)):
		s.control(ansi.Cmd(p.Command()), p)
	case seq[0] >= 0xc0 && s.x > 0: // a mark that takes no column belongs to the letter before
		s.lines[s.y][s.x-1].text += seq
	}
}

func (s *Screen) put(text string, width int) {
	if s.x+width > s.w {
		s.x = 0
		s.down()
	}
	s.lines[s.y][s.x] = cell{text, s.look}
	for i := 1; i < width && s.x+i < s.w; i++ {
		s.lines[s.y][s.x+i] = cell{"", s.look}
	}
	s.x += width
}

func (s *Screen) down() {
	if s.y < s.h-1 {
		s.y++
		return
	}
	s.lines = append(s.lines[1:len(s.lines):len(s.lines)], blankLine(s.w))
}

// command handles an operating system command: the clipboard and the question
// for the background.
func (s *Screen) command(data string) {
	number, rest, _ := strings.Cut(data, ";")
	switch {
	case number == "52":
		_, s.copied, _ = strings.Cut(rest, ";")
	case number == "10" && rest == "?":
		s.answers = append(s.answers, "\x1b]10;rgb:dddd/dddd/dddd\x1b\\"...)
	case number == "11" && rest == "?":
		s.answers = append(s.answers, "\x1b]11;rgb:1111/1111/1111\x1b\\"...)
	}
}

func (s *Screen) control(cmd ansi.Cmd, p *ansi.Parser) {
	param := func(i, otherwise int) int {
		if v, ok := p.Param(i, otherwise); ok {
			return max(v, 0)
		}
		return otherwise
	}
	if cmd.Prefix() == '?' {
		if n := param(0, 0); n == 1049 && (cmd.Final() == 'h' || cmd.Final() == 'l') {
			s.switchTo(cmd.Final() == 'h')
		}
		return
	}
	if cmd.Prefix() != 0 || cmd.Intermediate() != 0 {
		return
	}
	switch cmd.Final() {
	case 'A':
		s.y = max(s.y-max(param(0, 1), 1), 0)
	case 'B':
		s.y = min(s.y+max(param(0, 1), 1), s.h-1)
	case 'C':
		s.x = min(s.x+max(param(0, 1), 1), s.w-1)
	case 'D':
		s.x = max(s.x-max(param(0, 1), 1), 0)
	case 'G':
		s.x = min(max(param(0, 1), 1), s.w) - 1
	case 'H', 'f':
		s.y, s.x = min(max(param(0, 1), 1), s.h)-1, min(max(param(1, 1), 1), s.w)-1
	case 'J':
		s.eraseScreen(param(0, 0))
	case 'K':
		s.eraseLine(param(0, 0))
	case 'm':
		s.style(p)
	case 'n':
		if param(0, 0) == 6 {
			s.answers = append(s.answers, "\x1b["+strconv.Itoa(s.y+1)+";"+strconv.Itoa(s.x+1)+"R"...)
		}
	}
}

func (s *Screen) switchTo(alternate bool) {
	switch {
	case alternate && !s.alt:
		s.beside, s.lines = s.lines, blank(s.w, s.h)
	case !alternate && s.alt:
		s.lines = s.beside
		if len(s.lines) != s.h || len(s.lines[0]) != s.w {
			s.lines = blank(s.w, s.h)
		}
	}
	s.alt = alternate
}

func (s *Screen) eraseScreen(how int) {
	s.eraseLine(how)
	for y := range s.lines {
		if how == 2 || how == 0 && y > s.y || how == 1 && y < s.y {
			s.lines[y] = blankLine(s.w)
		}
	}
}

func (s *Screen) eraseLine(how int) {
	line := s.lines[s.y]
	for x := range line {
		if how == 2 || how == 0 && x >= s.x || how == 1 && x <= s.x {
			line[x] = cell{" ", Look{Fore: -1, Back: s.look.Back}}
		}
	}
}

// style handles the colours and weights that the kit uses.
func (s *Screen) style(p *ansi.Parser) {
	var codes []int
	for _, v := range p.Params() {
		codes = append(codes, v.Param(0))
	}
	if len(codes) == 0 {
		codes = []int{0}
	}
	for i := 0; i < len(codes); i++ {
		switch c := codes[i]; {
		case c == 0:
			s.look = ordinary
		case c == 1:
			s.look.Bold = true
		case c == 22:
			s.look.Bold = false
		case c >= 30 && c <= 37:
			s.look.Fore = c - 30
		case c >= 90 && c <= 97:
			s.look.Fore = c - 90 + 8
		case c >= 40 && c <= 47:
			s.look.Back = c - 40
		case c == 39:
			s.look.Fore = -1
		case c == 49:
			s.look.Back = -1
		case (c == 38 || c == 48) && i+2 < len(codes) && codes[i+1] == 5:
			if c == 38 {
				s.look.Fore = codes[i+2]
			} else {
				s.look.Back = codes[i+2]
			}
			i += 2
		}
	}
}
