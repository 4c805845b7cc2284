package command

import (
	"errors"
	"io"
	"sync"
	"syscall"
)

// output is standard output or standard error. It remembers the first error,
// after which nothing more is written, and can be closed while a goroutine
// still writes.
type output struct {
	w      io.Writer
	failed func(error) // called with the first error

	mu     sync.Mutex
	err    error
	closed bool
}

// Write reports no error: it is told once, at the end.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil || o.closed {
		return len(p), nil
	}
	if _, o.err = o.w.Write(p); o.err != nil && o.failed != nil {
		o.failed(o.err)
	}
	return len(p), nil
}

// close makes further writes go nowhere, and returns the first error.
func (o *output) close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	return o.err
}

// nobodyReads reports whether an error of writing says that the reader of a
// pipe is gone, as after "| head".
func nobodyReads(err error) bool { return errors.Is(err, syscall.EPIPE) }
