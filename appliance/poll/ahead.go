package poll

import (
	"context"
	"iter"

	"rollcall/connectors"
)

// What a source yields faster than it can be stored waits together and is stored
// together, at most so much of it.
const (
	aheadPeople = 2000
	aheadPages  = 40
)

// ahead yields the pages of a read while the next ones are fetched and decoded:
// storing pages and decoding the next go on at the same time. Pages that came while
// others were stored are yielded together, because one transaction for several costs
// less; a source that is slower than storing has each of its pages stored as it comes.
// The reading has ended when the loop over it has.
func ahead(ctx context.Context, source connectors.Source, from connectors.Cursor) iter.Seq2[[]connectors.Page, error] {
	type item struct {
		pages []connectors.Page
		err   error
	}
	return func(yield func([]connectors.Page, error) bool) {
		ctx, stop := context.WithCancel(ctx)
		items := make(chan item)
		go func() {
			defer close(items)
			var waiting []connectors.Page
			people := 0
			// hand gives what waits to whoever stores it, and waits for them when it is to;
			// false: nobody wants it any more.
			hand := func(wait bool) bool {
				if len(waiting) == 0 {
					return true
				}
				if !wait {
					select {
					case items <- item{pages: waiting}:
					default:
						return true
					}
				} else {
					select {
					case items <- item{pages: waiting}:
					case <-ctx.Done():
						return false
					}
				}
				waiting, people = nil, 0
				return true
			}
			for page, err := range source.Read(ctx, from) {
				if err != nil {
					if !hand(true) {
						return
					}
					select {
					case items <- item{err: err}:
					case <-ctx.Done():
						return
					}
					continue
				}
				waiting = append(waiting, page)
				people += len(page.People)
				if !hand(people >= aheadPeople || len(waiting) >= aheadPages) {
					return
				}
			}
			hand(true)
		}()
		defer func() {
			stop()
			for range items { // until the reader is gone
			}
		}()
		for i := range items {
			if !yield(i.pages, i.err) {
				return
			}
		}
	}
}
