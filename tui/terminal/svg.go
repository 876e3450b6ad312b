package terminal

import (
	"fmt"
	"html"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// The size of a cell and the colours of the window, in SVG.
const (
	cellW, cellH = 8.4, 18
	margin       = 12
	paper, ink   = "#16181d", "#d6d9e0"
)

// SVG draws the screen as a picture in which the text is text.
func (s *Screen) SVG(title string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	width, height := float64(s.w)*cellW+2*margin, float64(s.h*cellH+2*margin)
	var out strings.Builder
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%.0f" viewBox="0 0 %.0f %.0f" role="img" xml:space="preserve">`+"\n", width, height, width, height)
	fmt.Fprintf(&out, "<title>%s</title>\n<style>text{font:14px ui-monospace,Menlo,Consolas,\"DejaVu Sans Mono\",monospace;white-space:pre;fill:%s}.b{font-weight:bold}</style>\n", html.EscapeString(title), ink)
	fmt.Fprintf(&out, `<rect width="100%%" height="100%%" rx="8" fill="%s"/>`+"\n", paper)
	for y, line := range s.lines {
		for _, r := range runs(line) {
			s.svgRun(&out, r, y)
		}
	}
	out.WriteString("</svg>\n")
	return out.String()
}

// run is neighbouring cells of one look.
type run struct {
	x, w int
	text string
	look Look
}

func runs(line []cell) []run {
	var out []run
	for x, c := range line {
		if n := len(out); n > 0 && out[n-1].look == c.look {
			out[n-1].text += c.text
			out[n-1].w++
			continue
		}
		out = append(out, run{x, 1, c.text, c.look})
	}
	return out
}

func (s *Screen) svgRun(out *strings.Builder, r run, y int) {
	x, top := margin+float64(r.x)*cellW, margin+y*cellH
	if r.look.Back >= 0 {
		fmt.Fprintf(out, `<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s"/>`+"\n", x, top, float64(r.w)*cellW, cellH, Colour(r.look.Back))
	}
	text := strings.TrimRight(r.text, " ")
	if strings.TrimSpace(text) == "" {
		return
	}
	lead := len(text) - len(strings.TrimLeft(text, " "))
	text = text[lead:]
	attributes := ""
	if r.look.Bold {
		attributes += ` class="b"`
	}
	if r.look.Fore >= 0 {
		attributes += ` style="fill:` + Colour(r.look.Fore) + `"`
	}
	columns := ansi.StringWidth(text)
	fmt.Fprintf(out, `<text x="%.1f" y="%d" textLength="%.1f"%s>%s</text>`+"\n",
		x+float64(lead)*cellW, top+13, float64(columns)*cellW, attributes, html.EscapeString(text))
}

// Colour is a colour of the 256-colour palette, as xterm has it.
func Colour(n int) string {
	basic := []string{"#000000", "#cd3131", "#0dbc79", "#e5e510", "#2472c8", "#bc3fbc", "#11a8cd", "#e5e5e5",
		"#666666", "#f14c4c", "#23d18b", "#f5f543", "#3b8eea", "#d670d6", "#29b8db", "#ffffff"}
	switch {
	case n < 0:
		return ink
	case n < 16:
		return basic[n]
	case n < 232:
		n -= 16
		level := func(v int) int {
			if v == 0 {
				return 0
			}
			return 55 + 40*v
		}
		return fmt.Sprintf("#%02x%02x%02x", level(n/36), level(n/6%6), level(n%6))
	}
	grey := 8 + 10*(min(n, 255)-232)
	return fmt.Sprintf("#%02x%02x%02x", grey, grey, grey)
}
