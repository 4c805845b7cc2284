package recipe

import (
	"errors"
	"fmt"
)

// Sizes are the image sizes of a run that trains on more than one: it takes
// less time on small images, and the network learns to do with several. The
// result is measured at the network's own size.
type Sizes struct {
	// Pixels are the sides of the square images; none means the network's own
	// size throughout.
	Pixels []int `json:"sizes,omitempty" toml:"sizes,omitempty"`
	// Order is that of the sizes; [Progressive] if unset.
	Order SizeOrder `json:"size_order,omitempty" toml:"size_order,omitempty"`
	// Ramp is the part of the run after which a progressive one has come to
	// its last size. The sizes before it share that time equally. Zero gives
	// all sizes equal shares.
	Ramp float64 `json:"size_ramp,omitempty" toml:"size_ramp,omitzero"`
}

// SizeOrder is when a run has which of its image sizes.
type SizeOrder string

const (
	// Progressive takes one size after the other.
	Progressive SizeOrder = "progressive"
	// Random draws a size for every step.
	Random SizeOrder = "random"
)

func (s Sizes) withDefaults() Sizes {
	if len(s.Pixels) == 0 {
		return s
	}
	if s.Order == "" {
		s.Order = Progressive
	}
	if s.Order == Progressive && s.Ramp == 0 {
		s.Ramp = float64(len(s.Pixels)-1) / float64(len(s.Pixels))
	}
	return s
}

func (s Sizes) validate() error {
	if len(s.Pixels) == 0 {
		if s.Order != "" || s.Ramp != 0 {
			return errors.New("sizes: an order or a ramp, but no sizes")
		}
		return nil
	}
	if s.Order != Progressive && s.Order != Random {
		return fmt.Errorf("order of sizes %q: want %s", s.Order, choices(Progressive, Random))
	}
	if len(s.Pixels) > 64 {
		return fmt.Errorf("%d image sizes: want at most 64", len(s.Pixels))
	}
	for _, px := range s.Pixels {
		if px < 1 {
			return fmt.Errorf("image size of %d pixels", px)
		}
	}
	if !(s.Ramp >= 0 && s.Ramp <= 1) {
		return fmt.Errorf("ramp of sizes %g: want 0 to 1", s.Ramp)
	}
	return nil
}

// Shapes returns the heights and widths.
func (s Sizes) Shapes() [][2]int {
	var all [][2]int
	for _, px := range s.Pixels {
		all = append(all, [2]int{px, px})
	}
	return all
}

// At returns which size a step of all steps of a progressive run has.
func (s Sizes) At(step, all int) int {
	last := len(s.Pixels) - 1
	done := float64(step) / float64(all)
	if done >= s.Ramp {
		return last
	}
	return int(done / s.Ramp * float64(last))
}

// Growing reports whether an epoch of a progressive run, counted from 0, begins
// with a size other than the last.
func (s Sizes) Growing(epoch, epochs int) bool {
	return s.Order == Progressive && s.At(epoch, epochs) < len(s.Pixels)-1
}

// Work returns what the steps [from, to) of all steps cost, relative to a step
// of one pixel; without sizes, to any other.
func (s Sizes) Work(from, to, all int) float64 {
	if len(s.Pixels) == 0 {
		return float64(to - from)
	}
	a, b := float64(from)/float64(all), float64(to)/float64(all)
	sum, start := 0.0, 0.0
	for i, px := range s.Pixels {
		share := (b - a) / float64(len(s.Pixels))
		if s.Order == Progressive {
			end := 1.0
			if i < len(s.Pixels)-1 {
				end = s.Ramp * float64(i+1) / float64(len(s.Pixels)-1)
			}
			share = max(min(b, end)-max(a, start), 0)
			start = end
		}
		sum += share * float64(px) * float64(px)
	}
	return sum * float64(all)
}
