// Package par runs the parts of one operator on a fixed number of goroutines.
//
// Work is cut into numbered parts by the caller, never by the scheduler, so
// that a sum over parts does not depend on which goroutine ran which.
package par

import "runtime"

// Pool runs tasks on up to Threads goroutines. The zero value and a nil pool
// run everything on the calling goroutine.
type Pool struct{ threads int }

// New returns a pool of the given number of threads; 0 means GOMAXPROCS.
func New(threads int) *Pool {
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	return &Pool{threads: threads}
}

// Threads returns how many parts run at once.
func (p *Pool) Threads() int {
	if p == nil || p.threads < 1 {
		return 1
	}
	return p.threads
}

// Run calls f(part) for every part in [0, parts) and returns when all are done.
func (p *Pool) Run(parts int, f func(part int)) {
	n := min(p.Threads(), parts)
	if n <= 1 {
		for i := range parts {
			f(i)
		}
		return
	}
	done := make(chan struct{}, n)
	for w := 1; w < n; w++ {
		go func() {
			for i := w; i < parts; i += n {
				f(i)
			}
			done <- struct{}{}
		}()
	}
	for i := 0; i < parts; i += n {
		f(i)
	}
	for range n - 1 {
		<-done
	}
}

// Split returns the half-open range of part i when n items are cut into parts
// nearly equal pieces, the larger ones first.
func Split(n, parts, i int) (from, to int) {
	q, r := n/parts, n%parts
	from = i*q + min(i, r)
	to = from + q
	if i < r {
		to++
	}
	return from, to
}
