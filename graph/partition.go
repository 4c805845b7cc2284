package graph

import (
	"fmt"

	"github.com/mixnet-go/mixnet/internal/enum"
)

// Partition says how the channels of a MixConv are shared out among its groups
// (MixConv paper, section 3.2).
type Partition uint8

const (
	// Equal gives every group ⌊C/g⌋ channels and the remainder to the first,
	// the one with the smallest kernel.
	Equal Partition = iota
	// Exponential gives group i about C/2^i channels: ⌊C/2^i⌋ for all but the
	// last, which takes the rest.
	Exponential
)

var partitionNames = [...]string{"equal", "exponential"}

// String returns the word used in files.
func (p Partition) String() string { return enum.String(partitionNames[:], p) }

// MarshalText returns the word used in files.
func (p Partition) MarshalText() ([]byte, error) { return enum.Marshal(partitionNames[:], p) }

// UnmarshalText reads a word; the error names the known ones.
func (p *Partition) UnmarshalText(word []byte) error {
	return enum.Unmarshal("partition", partitionNames[:], p, word)
}

// Split returns the channels of each of g groups of c channels. It fails when
// there are fewer channels than groups. Where halving would leave an
// exponential group empty it gets one channel, taken from the first group.
func (p Partition) Split(c, g int) ([]int, error) {
	if g < 1 || c < g {
		return nil, fmt.Errorf("cannot split %d channels into %d groups", c, g)
	}
	sizes := make([]int, g)
	rest := c
	for i := range g - 1 {
		switch p {
		case Exponential:
			sizes[i] = max(c>>(i+1), 1)
		default:
			sizes[i+1] = c / g
		}
	}
	for _, n := range sizes {
		rest -= n
	}
	if p != Exponential {
		sizes[0] = rest
		return sizes, nil
	}
	sizes[g-1] = rest
	for i := 0; sizes[g-1] < 1; i = (i + 1) % (g - 1) {
		if sizes[i] > 1 {
			sizes[i]--
			sizes[g-1]++
			i = -1
		}
	}
	return sizes, nil
}
