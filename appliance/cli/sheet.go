package cli

import (
	"encoding/csv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// sheet writes CSV for a spreadsheet. A cell that a spreadsheet would run as a
// formula begins with an apostrophe (OWASP, "CSV Injection"), and no cell holds
// control characters.
type sheet struct {
	p *printer
	b strings.Builder
	w *csv.Writer
}

func newSheet(p *printer) *sheet {
	s := &sheet{p: p}
	s.w = csv.NewWriter(&s.b)
	return s
}

// row writes one line. Its error, if any, is kept for end.
func (s *sheet) row(cells ...string) {
	safe := make([]string, len(cells))
	for i, c := range cells {
		safe[i] = harmless(c)
	}
	// A strings.Builder takes everything; what remains is kept by the writer.
	_ = s.w.Write(safe)
	if s.b.Len() > 64<<10 {
		s.flush()
	}
}

func (s *sheet) flush() {
	s.w.Flush()
	s.p.write(s.b.String())
	s.b.Reset()
}

func (s *sheet) end() error {
	s.flush()
	if err := s.w.Error(); err != nil {
		return err
	}
	return s.p.err
}

// harmless returns a cell that no spreadsheet takes for a formula: tabs and line
// ends, which may introduce one too, are gone by then.
func harmless(cell string) string {
	c := clean(cell)
	first, _ := utf8.DecodeRuneInString(strings.TrimLeftFunc(c, unicode.IsSpace))
	if strings.ContainsRune("=+-@＝＋－＠", first) {
		return "'" + c
	}
	return c
}
