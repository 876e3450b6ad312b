package poll

import (
	"context"
	"iter"

	"rollcall/connectors"
)

// ahead yields the pages of a read while the next one is fetched and decoded:
// storing a page and decoding the next go on at the same time. At most one page
// waits. The reading has ended when the loop over it has.
func ahead(ctx context.Context, source connectors.Source, from connectors.Cursor) iter.Seq2[connectors.Page, error] {
	type item struct {
		page connectors.Page
		err  error
	}
	return func(yield func(connectors.Page, error) bool) {
		ctx, stop := context.WithCancel(ctx)
		pages := make(chan item)
		go func() {
			defer close(pages)
			for page, err := range source.Read(ctx, from) {
				select {
				case pages <- item{page, err}:
				case <-ctx.Done():
					return
				}
			}
		}()
		defer func() {
			stop()
			for range pages { // until the reader is gone
			}
		}()
		for p := range pages {
			if !yield(p.page, p.err) {
				return
			}
		}
	}
}
