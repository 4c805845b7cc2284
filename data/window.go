package data

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/mixnet-go/mixnet/internal/rng"
)

// ErrWindow says that an order needs more shards at once than there is room for.
var ErrWindow = errors.New("the shards do not fit")

// shardIndex says which shard each example of a set lies in; it is empty for a
// set that does not lie in shards.
type shardIndex struct {
	of     []int32 // by example, into refs
	refs   []shardRef
	remote bool // some are no files here
}

// newShardIndex looks where the examples of d lie, and whether the order of cfg
// can be followed.
func newShardIndex(d Dataset, cfg *Config) (shardIndex, error) {
	x := shardIndex{of: make([]int32, d.Len())}
	at := map[shardRef]int32{}
	for i := range x.of {
		ref, ok := shardOf(d, i)
		if !ok {
			x = shardIndex{}
			break
		}
		n, known := at[ref]
		if !known {
			n = int32(len(x.refs))
			at[ref] = n
			x.refs = append(x.refs, ref)
			_, local := ref.shards.(*localShards)
			x.remote = x.remote || !local
		}
		x.of[i] = n
	}
	if cfg.Window > 0 && x.refs == nil {
		return x, fmt.Errorf("%w a window: the examples do not all lie in tar shards", ErrWindow)
	}
	return x, x.fits(cfg)
}

// fits compares the shards that an order needs at once with the room for them.
func (x *shardIndex) fits(cfg *Config) error {
	if !cfg.Shuffle || !x.remote {
		return nil
	}
	need := len(x.refs)
	if cfg.Window > 0 {
		need = min(need, cfg.Window+1) // one comes while another goes
	}
	for _, r := range x.refs {
		if room := r.shards.Room(); need > room {
			return fmt.Errorf("%w: the examples of %d are to be mixed, and there is room for %d at once: mix them within a window of at most %d shards, or give more room",
				ErrWindow, need, room, max(room-1, 1))
		}
	}
	return nil
}

// windowOrder returns the order of an epoch in which the examples of so many
// shards are mixed at a time. The shards stand in a circle in random order, and
// an example's place is that of its shard and up to window shards further, at
// random: so at any time the examples of window shards come, evenly mixed from
// the first step to the last.
func windowOrder(shard []int32, shards, window int, seed uint64, epoch int) []int32 {
	r := rng.New(rng.Key(seed, streamShard, uint64(epoch)))
	turn := make([]int, shards)
	for i := range turn {
		turn[i] = i
	}
	shuffle(turn, r)
	type place struct {
		at      float64
		example int32
	}
	places := make([]place, len(shard))
	for i, s := range shard {
		at := float64(turn[s]) + float64(window)*r.Float64()
		if at >= float64(shards) {
			at -= float64(shards)
		}
		places[i] = place{at, int32(i)}
	}
	slices.SortFunc(places, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.example, b.example))
	})
	order := make([]int32, len(places))
	for i, p := range places {
		order[i] = p.example
	}
	return order
}

// ahead is what tells the shards of a set which of them come next.
type ahead struct {
	seen []int // by shard, the place it was last listed for
	next map[Shards][]int
}

// lookAhead tells the shards which of them the steps after this one read, about
// as far as two shards reach.
func (p *pipeline) lookAhead() {
	l := p.l
	if !l.shards.remote {
		return
	}
	a := &p.ahead
	if a.seen == nil {
		a.seen = make([]int, len(l.shards.refs))
		a.next = map[Shards][]int{}
	}
	for s := range a.next {
		a.next[s] = a.next[s][:0]
	}
	mark := p.place + 1 // never 0
	far := 2 * max(l.cfg.Batch, l.set.Len()/len(l.shards.refs))
	for i := range far {
		place := p.place + i/l.cfg.Batch
		if place >= p.n {
			break
		}
		example, ok := p.exampleAt(p.stepOf(place), i%l.cfg.Batch)
		if !ok {
			continue
		}
		s := l.shards.of[example]
		if a.seen[s] == mark {
			continue
		}
		a.seen[s] = mark
		ref := l.shards.refs[s]
		a.next[ref.shards] = append(a.next[ref.shards], ref.index)
	}
	for s, next := range a.next {
		s.Ahead(next)
	}
}

// exampleAt returns example i of a step's batch.
func (p *pipeline) exampleAt(step, i int) (int, bool) {
	steps := p.l.Steps()
	at := step%steps*p.l.cfg.Batch + i
	if at >= p.l.set.Len() {
		return 0, false
	}
	if order := p.order(step / steps); order != nil {
		at = int(order[at])
	}
	return at, true
}
