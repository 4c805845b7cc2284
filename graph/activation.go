package graph

import (
	"fmt"
	"strings"
)

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

// String returns the name used in network files.
func (a Activation) String() string { return name(activationNames[:], a) }

// ParseActivation is the inverse of String.
func ParseActivation(s string) (Activation, error) {
	return parse[Activation]("activation", activationNames[:], s)
}

func name[E ~uint8](names []string, e E) string {
	if int(e) < len(names) {
		return names[e]
	}
	return fmt.Sprintf("%T(%d)", e, uint8(e))
}

func parse[E ~uint8](what string, names []string, s string) (E, error) {
	for i, n := range names {
		if n == s {
			return E(i), nil
		}
	}
	return 0, fmt.Errorf("unknown %s %q; known: %s", what, s, strings.Join(names, ", "))
}
