package graph

import "github.com/mixnet-go/mixnet/internal/enum"

// Activation is an element-wise function.
type Activation uint8

// The activations of the MixNet, MobileNet and related families.
const (
	Identity    Activation = iota
	ReLU                   // max(x, 0)
	ReLU6                  // min(max(x, 0), 6)
	Swish                  // x·σ(x), also called SiLU
	HardSwish              // x·ReLU6(x+3)/6
	Sigmoid                // σ(x) = 1/(1+e^-x)
	HardSigmoid            // ReLU6(x+3)/6
)

var activationNames = [...]string{"identity", "relu", "relu6", "swish", "hard_swish", "sigmoid", "hard_sigmoid"}

// String returns the word used in files.
func (a Activation) String() string { return enum.String(activationNames[:], a) }

// MarshalText returns the word used in files.
func (a Activation) MarshalText() ([]byte, error) { return enum.Marshal(activationNames[:], a) }

// UnmarshalText reads a word; the error names the known ones.
func (a *Activation) UnmarshalText(word []byte) error {
	return enum.Unmarshal("activation", activationNames[:], a, word)
}
