package data

import (
	"fmt"
	"math"
	"slices"

	"github.com/mixnet-go/mixnet/internal/rng"
)

// Split parts d in two, the second holding the given fraction of every class
// (rounded; at least one of each class that has two). The same seed gives the
// same parts; each keeps d's order.
func Split(d Dataset, fraction float64, seed uint64) (train, held Dataset, err error) {
	if !(fraction > 0 && fraction < 1) {
		return nil, nil, fmt.Errorf("split: fraction %v: want between 0 and 1", fraction)
	}
	byClass := make([][]int, len(d.Classes()))
	for i := range d.Len() {
		l := d.Label(i)
		if l < 0 || l >= len(byClass) {
			return nil, nil, fmt.Errorf("split: %w: %s has label %d, there are %d classes", ErrLabel, d.Name(i), l, len(byClass))
		}
		byClass[l] = append(byClass[l], i)
	}
	var a, b []int
	for class, members := range byClass {
		n := int(math.Round(fraction * float64(len(members))))
		if len(members) >= 2 {
			n = min(max(n, 1), len(members)-1)
		}
		shuffle(members, rng.New(rng.Key(seed, streamSplit, uint64(class))))
		b = append(b, members[:n]...)
		a = append(a, members[n:]...)
	}
	slices.Sort(a)
	slices.Sort(b)
	if train, err = Subset(d, a); err != nil {
		return nil, nil, err
	}
	if held, err = Subset(d, b); err != nil {
		return nil, nil, err
	}
	return train, held, nil
}
