package demo

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/charmbracelet/x/term"
)

// width is the longest line that is printed, in columns.
const width = 100

// narrator prints the story. It is safe for concurrent use. What cannot be
// written is remembered and told by err.
type narrator struct {
	color bool

	mu      sync.Mutex // guards what follows
	out     io.Writer
	problem error
}

// newNarrator returns a narrator; nil out tells nothing.
func newNarrator(out io.Writer) *narrator {
	n := &narrator{out: out}
	if out == nil {
		n.out = io.Discard
	}
	if f, ok := out.(*os.File); ok && term.IsTerminal(f.Fd()) {
		_, off := os.LookupEnv("NO_COLOR")
		n.color = !off && os.Getenv("TERM") != "dumb"
	}
	return n
}

func (n *narrator) err() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.problem
}

func (n *narrator) line(text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, err := io.WriteString(n.out, strings.TrimRight(text, " ")+"\n"); err != nil && n.problem == nil {
		n.problem = fmt.Errorf("demo: write: %w", err)
	}
}

// act begins a part of the story.
func (n *narrator) act(number int, title string) {
	n.line("")
	text := fmt.Sprintf("%d  %s", number, title)
	if n.color {
		text = "\x1b[1m" + text + "\x1b[0m"
	}
	n.line(text)
}

// say prints a paragraph.
func (n *narrator) say(format string, args ...any) {
	n.hang("   ", "   ", fmt.Sprintf(format, args...))
}

// item prints one fact of a list.
func (n *narrator) item(format string, args ...any) {
	n.hang("   - ", "     ", fmt.Sprintf(format, args...))
}

// command prints what a human would type.
func (n *narrator) command(text string) {
	text = "     $ " + text
	if n.color {
		text = "\x1b[36m" + text + "\x1b[0m"
	}
	n.line(text)
}

func (n *narrator) hang(first, rest, text string) {
	line, room := first, false
	for word := range strings.FieldsSeq(text) {
		switch {
		case !room:
			line += word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width:
			n.line(line)
			line = rest + word
		default:
			line += " " + word
		}
		room = true
	}
	n.line(line)
}

// table prints rows in columns; cells that are numbers stand to the right. The
// last column is wrapped.
func (n *narrator) table(rows [][]string) {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range rows {
		line := "   "
		for i, cell := range row {
			if i == len(row)-1 {
				indent := strings.Repeat(" ", utf8.RuneCountInString(line))
				n.hang(line, indent, cell)
				break
			}
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if number(cell) {
				line += pad + cell + "  "
			} else {
				line += cell + pad + "  "
			}
		}
	}
}

func number(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// count spells a number of things.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func people(n int) string { return count(n, "person", "people") }
