package input

import (
	"fmt"
	"math"
)

// Mix blends the pictures of a training batch with each other: picture i with
// picture n-1-i, all by the same share.
type Mix struct {
	// Mixup is the parameter of the Beta distribution of a pixelwise blend's
	// share (Zhang et al., mixup, 2018); 0 means no mixup.
	Mixup float64 `json:"mixup" toml:"mixup"`
	// CutMix is the same for a rectangle pasted in (Yun et al., CutMix, 2019).
	CutMix float64 `json:"cutmix" toml:"cutmix"`
	// Probability that a batch is mixed; 1 if it is zero.
	Probability float64 `json:"probability,omitempty" toml:"probability,omitzero"`
	// Switch is the probability of CutMix where both are set; 0.5 if it is
	// zero.
	Switch float64 `json:"switch,omitempty" toml:"switch,omitzero"`
}

// Enabled says whether any batch is mixed.
func (m Mix) Enabled() bool { return m.Mixup > 0 || m.CutMix > 0 }

// WithDefaults returns m with every unset field filled in.
func (m Mix) WithDefaults() Mix {
	if m.Probability == 0 {
		m.Probability = 1
	}
	if m.Switch == 0 {
		m.Switch = 0.5
	}
	return m
}

// Validate reports what keeps m, after its defaults, from being applied.
func (m Mix) Validate() error {
	m = m.WithDefaults()
	if !(m.Mixup >= 0 && m.CutMix >= 0) || math.IsInf(m.Mixup+m.CutMix, 0) {
		return fmt.Errorf("mix: mixup %v, cutmix %v: want 0 or more", m.Mixup, m.CutMix)
	}
	if !(m.Probability > 0 && m.Probability <= 1 && m.Switch > 0 && m.Switch <= 1) {
		return fmt.Errorf("mix: probability %v, switch %v: want more than 0, at most 1", m.Probability, m.Switch)
	}
	return nil
}
