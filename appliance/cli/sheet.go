package cli

import (
	"encoding/csv"
	"strings"
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

// harmless returns a cell that no spreadsheet takes for a formula. What decides
// is the first character as it was sent, control characters included, and the
// first that is left.
func harmless(cell string) string {
	c := clean(cell)
	if starts(cell) || starts(c) || starts(strings.TrimLeft(c, " ")) {
		return "'" + c
	}
	return c
}

func starts(cell string) bool {
	return cell != "" && strings.ContainsRune("=+-@\t\r\n", rune(cell[0]))
}
