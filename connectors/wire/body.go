package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"rollcall/connectors"
)

var (
	errTimeout = errors.New("timeout")
	errStall   = errors.New("stall")
)

// watcher ends a request that takes too long, and remembers why it ended.
type watcher struct {
	parent  context.Context
	ctx     context.Context
	cancel  context.CancelCauseFunc
	timeout time.Duration
	stall   time.Duration
	total   *time.Timer
	wait    *time.Timer // nil without a stall limit
}

func watch(parent context.Context, timeout, stall time.Duration) *watcher {
	w := &watcher{parent: parent, timeout: timeout, stall: stall}
	w.ctx, w.cancel = context.WithCancelCause(parent)
	w.total = time.AfterFunc(timeout, func() { w.cancel(errTimeout) })
	if stall > 0 {
		w.wait = time.AfterFunc(stall, func() { w.cancel(errStall) })
	}
	return w
}

// arm starts the clock of one wait for the service, disarm stops it.
func (w *watcher) arm() {
	if w.wait != nil {
		w.wait.Reset(w.stall)
	}
}

func (w *watcher) disarm() {
	if w.wait != nil {
		w.wait.Stop()
	}
}

func (w *watcher) stop() {
	w.disarm()
	w.total.Stop()
	w.cancel(context.Canceled)
}

// explain makes the error for a request or a body that ended with err.
func (w *watcher) explain(op string, err error) error {
	e := &connectors.Error{Class: connectors.Transient, Op: op}
	switch cause := context.Cause(w.ctx); {
	case w.parent.Err() != nil:
		e.Err = w.parent.Err()
	case errors.Is(cause, errTimeout):
		e.Detail = fmt.Sprintf("no complete answer within %v", w.timeout)
	case errors.Is(cause, errStall):
		e.Detail = fmt.Sprintf("nothing received for %v", w.stall)
	default:
		e.Detail, e.Next = networkDetail(err)
	}
	return e
}

// body is a response body that cannot be mistaken for a complete one when it is
// not. It is used by one goroutine at a time.
type body struct {
	op    string
	from  io.ReadCloser
	watch *watcher
	left  int64
	limit int64
	err   error // what every further Read returns
}

// Read reads at most the capped number of bytes; one byte more is an error.
func (b *body) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	if len(p) == 0 {
		return 0, nil
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	b.watch.arm()
	n, err := b.from.Read(p)
	b.watch.disarm()
	if int64(n) > b.left {
		n = int(b.left)
		err = &connectors.Error{Class: connectors.Transient, Op: b.op, Detail: fmt.Sprintf("the answer is larger than the %d bytes allowed", b.limit)}
		b.err, b.left = err, 0
		return n, err
	}
	b.left -= int64(n)
	switch {
	case err == nil:
		return n, nil
	case err == io.EOF:
		b.err = io.EOF
	default:
		b.err = b.watch.explain(b.op, err)
	}
	return n, b.err
}

// Close gives up what was not read and stops the clocks.
func (b *body) Close() error {
	if b.err == nil {
		b.err = errors.New("read after close")
	}
	b.watch.stop()
	return b.from.Close()
}
