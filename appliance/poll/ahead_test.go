package poll

import (
	"context"
	"errors"
	"iter"
	"runtime"
	"testing"

	"rollcall/connectors"
)

// pages is a source that counts how far it was read and whether it has ended.
type pages struct {
	total int
	fail  error
	begun chan int
	ended bool
}

func (p *pages) Read(ctx context.Context, _ connectors.Cursor) iter.Seq2[connectors.Page, error] {
	return func(yield func(connectors.Page, error) bool) {
		defer func() { p.ended = true }()
		for i := range p.total {
			p.begun <- i
			if !yield(connectors.Page{Total: i, Last: i == p.total-1}, nil) {
				return
			}
		}
		if p.fail != nil {
			yield(connectors.Page{}, p.fail)
		}
	}
}

func TestNextPageIsFetchedWhileOneIsStored(t *testing.T) {
	broken := errors.New("broken")
	src := &pages{total: 4, fail: broken, begun: make(chan int, 10)}
	next, failed := 0, error(nil)
	groups := 0
	for pages, err := range ahead(t.Context(), src, "") {
		if err != nil {
			failed = err
			continue
		}
		groups++
		for _, page := range pages {
			if page.Total != next {
				t.Fatalf("page %d came where %d should", page.Total, next)
			}
			next++
		}
		for groups == 1 && len(src.begun) < src.total {
			runtime.Gosched() // all others are fetched although this loop has not gone on
		}
	}
	if groups > 3 {
		t.Errorf("what came while the first was stored came in %d groups", groups-1)
	}
	if next != 4 || !errors.Is(failed, broken) || !src.ended {
		t.Errorf("%d pages, error %v, ended %t", next, failed, src.ended)
	}
}

func TestLeavingTheLoopEndsTheReadFirst(t *testing.T) {
	src := &pages{total: 100, begun: make(chan int, 100)}
	for range ahead(t.Context(), src, "") {
		break
	}
	if !src.ended || len(src.begun) > 2*aheadPages {
		t.Errorf("ended %t after %d pages", src.ended, len(src.begun))
	}
}
