package engine

import (
	"context"
	"sync"
)

// callPool hands out a bounded number of calls.
type callPool struct {
	tickets chan struct{}
	mu      sync.Mutex
	free    []*call
}

func (p *callPool) init(n int) {
	if n <= 0 {
		n = defaultConcurrent()
	}
	p.tickets = make(chan struct{}, n)
}

// acquire waits for a call to be free.
func (p *callPool) acquire(ctx context.Context) (*call, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case p.tickets <- struct{}{}:
	default:
		select {
		case p.tickets <- struct{}{}:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.free); n > 0 {
		c := p.free[n-1]
		p.free = p.free[:n-1]
		return c, nil
	}
	return newCall(), nil
}

// release takes back a call. One that holds more memory than keep bytes is
// left to the garbage collector.
func (p *callPool) release(c *call, keep int) {
	p.mu.Lock()
	if floatBytes*len(c.floats) > keep {
		c.floats = nil
	}
	if c.size() <= keep {
		p.free = append(p.free, c)
	}
	p.mu.Unlock()
	<-p.tickets
}
