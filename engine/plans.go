package engine

import (
	"sync"

	"github.com/mixnet-go/mixnet/tensor"
)

// maxPlans is how many plans a Program keeps: a few input sizes, with two or
// three plans each for full and partial batches.
const maxPlans = 12

// planKey tells plans of a network apart.
type planKey struct {
	in      tensor.Shape
	threads int
}

// planCache holds the plans used last.
type planCache struct {
	mu    sync.Mutex
	plans []cached // least recently used first
}

type cached struct {
	key  planKey
	plan *plan
}

// get returns the plan for a shape and a number of threads, and makes it if need be.
func (c *planCache) get(p *Program, key planKey) (*plan, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	last := len(c.plans) - 1
	for i := last; i >= 0; i-- {
		if c.plans[i].key == key {
			hit := c.plans[i]
			copy(c.plans[i:], c.plans[i+1:])
			c.plans[last] = hit
			return hit.plan, nil
		}
	}
	made, err := p.net.plan(p.g, key.in, key.threads)
	if err != nil {
		return nil, err
	}
	if len(c.plans) == maxPlans {
		copy(c.plans, c.plans[1:])
		c.plans = c.plans[:maxPlans-1]
	}
	c.plans = append(c.plans, cached{key, made})
	return made, nil
}

// most returns how much memory a call on a number of threads may keep, in
// bytes: twice what any of the cached plans needs, lest it be given back and
// asked for again all the time where sizes vary.
func (c *planCache) most(threads int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	arena, scratch := 0, 0
	for _, x := range c.plans {
		arena, scratch = max(arena, x.plan.arena), max(scratch, x.plan.scratch)
	}
	return 2 * threads * (arena + floatBytes*scratch)
}

// batching is how a batch is cut into units that a plan runs at once.
type batching struct {
	full     *plan // of every unit but the last
	rest     *plan // of the last unit
	units    int
	parallel bool // every thread runs a unit of its own
}

const (
	// maxUnit is how many images make a unit: enough for the weights of late
	// layers to be read seldom, few enough for early layers' results to stay in
	// the last cache.
	maxUnit = 4
	// maxUnitSize bounds the input positions of a unit of several images.
	maxUnitSize = maxUnit * 256 * 256
)

// batching chooses the units for a batch.
func (c *planCache) batching(p *Program, in tensor.Shape) (batching, error) {
	threads := p.pool.Threads()
	b := batching{parallel: threads > 1 && in.N >= threads}
	n := max(1, min(in.N, maxUnit, maxUnitSize/max(1, in.H*in.W)))
	if b.parallel {
		n, b.parallel = share(in.N, threads, n)
	}
	b.units = (in.N + n - 1) / n
	key := planKey{in, threads}
	if b.parallel {
		key.threads = 1
	}
	var err error
	key.in.N = n
	if b.full, err = c.get(p, key); err != nil {
		return b, err
	}
	b.rest = b.full
	if key.in.N = in.N - (b.units-1)*n; key.in.N != n {
		b.rest, err = c.get(p, key)
	}
	return b, err
}

// share returns the number of images of a unit, at most n, such that units run
// by one thread each keep all threads busy most of the time, or false.
func share(images, threads, n int) (unit int, ok bool) {
	for unit = n; unit > 0; unit-- {
		units := (images + unit - 1) / unit
		rounds := (units + threads - 1) / threads
		if 8*images >= 7*rounds*threads*unit {
			return unit, true
		}
	}
	return n, false
}
