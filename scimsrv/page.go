package scimsrv

import (
	"errors"
	"net/http"
	"sync"
)

// byIndex answers with a page that begins at startIndex (RFC 7644 §3.4.2.4).
func (s *Service) byIndex(c *call, scopes []scope, q search) (*answer, error) {
	total, page, err := s.windows(c, scopes, q)
	if err != nil {
		return nil, err
	}
	list, err := s.renderAll(c, page)
	if err != nil {
		return nil, err
	}
	return &answer{status: http.StatusOK, body: listResponse(total, q.start, list)}, nil
}

// windows returns the size of all scopes together and the page of them.
func (s *Service) windows(c *call, scopes []scope, q search) (total int, page []hit, err error) {
	for i := range scopes {
		n, hits, err := s.window(c, &scopes[i], q.start-total, q.count-len(page))
		if err != nil {
			return 0, nil, err
		}
		total += n
		page = append(page, hits...)
	}
	return total, page, nil
}

// window returns the size of a scope and at most count of its resources from
// position start on; positions below 1 are in an earlier scope.
func (s *Service) window(c *call, sc *scope, start, count int) (total int, page []hit, err error) {
	start = max(1, start)
	if sc.f != nil {
		for res, err := range s.matching(c.r.Context(), c, sc, "") {
			if err != nil {
				return 0, nil, err
			}
			if total++; total >= start && len(page) < count {
				page = append(page, hit{sc, res})
			}
		}
		return total, page, nil
	}
	if total, err = s.dir.Count(c.r.Context(), c.caller, sc.k.t); err != nil || start > total || count == 0 {
		return total, nil, err
	}
	gen := s.marks.generation(c.caller.Source, sc.k.t)
	after, marked := s.marks.find(mark{c.caller.Source, sc.k.t, gen, start})
	if marked {
		page, err = s.take(c, sc, after, 0, count)
	}
	if !marked || errors.Is(err, ErrNotFound) {
		page, err = s.take(c, sc, "", start-1, count)
	}
	if len(page) == count {
		s.marks.put(mark{c.caller.Source, sc.k.t, gen, start + count}, page[count-1].res.ID)
	}
	return total, page, err
}

// take skips resources and returns the next ones.
func (s *Service) take(c *call, sc *scope, after string, skip, count int) ([]hit, error) {
	var page []hit
	for res, err := range s.matching(c.r.Context(), c, sc, after) {
		if err != nil {
			return nil, err
		}
		if skip--; skip >= 0 {
			continue
		}
		if page = append(page, hit{sc, res}); len(page) == count {
			break
		}
	}
	return page, nil
}

// mark is where a page of all resources of a type begins.
type mark struct {
	source string
	t      Type
	gen    uint64
	start  int
}

// maxMarks bounds the remembered pages; a sender reads one list at a time.
const maxMarks = 1024

// pageMarks remembers the resource before each page that is likely to be asked
// for next, so that reading a list page by page costs as much as reading it once.
// A delete through the service forgets them all: positions have moved.
type pageMarks struct {
	mu          sync.Mutex
	generations map[mark]uint64
	after       map[mark]string
	oldest      []mark
}

func (m *pageMarks) generation(source string, t Type) uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.generations[mark{source: source, t: t}]
}

func (m *pageMarks) forget(source string, t Type) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.generations == nil {
		m.generations = map[mark]uint64{}
	}
	m.generations[mark{source: source, t: t}]++
}

func (m *pageMarks) find(at mark) (after string, ok bool) {
	if at.start == 1 {
		return "", true
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	after, ok = m.after[at]
	return after, ok
}

func (m *pageMarks) put(at mark, after string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.after == nil {
		m.after = map[mark]string{}
	}
	if _, known := m.after[at]; !known {
		m.oldest = append(m.oldest, at)
	}
	m.after[at] = after
	if len(m.oldest) > maxMarks {
		delete(m.after, m.oldest[0])
		m.oldest = m.oldest[1:]
	}
}
