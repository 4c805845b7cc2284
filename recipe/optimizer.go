package recipe

import (
	"errors"
	"fmt"
	"math"
)

// OptimizerKind is a rule by which gradients change parameters.
type OptimizerKind string

const (
	// RMSProp is TensorFlow's form, as the MixNet code uses it.
	RMSProp OptimizerKind = "rmsprop"
	// SGD is stochastic gradient descent with Nesterov's momentum.
	SGD OptimizerKind = "sgd"
	// AdamW is that of Loshchilov and Hutter (2019).
	AdamW OptimizerKind = "adamw"
	// Muon is orthogonalized momentum for the weights of convolutions that are
	// not depthwise, and AdamW at the same rate for everything else.
	Muon OptimizerKind = "muon"
)

// Optimizer says how gradients change the parameters. Zero fields mean the
// usual values of the kind.
type Optimizer struct {
	// Kind is the rule; [RMSProp] if unset.
	Kind OptimizerKind `json:"kind" toml:"kind"`
	// Momentum is that of rmsprop and sgd, 0.9, of muon, 0.95, and β1 of
	// adamw, 0.9, which it stays beside muon.
	Momentum float64 `json:"momentum,omitempty" toml:"momentum,omitzero"`
	// Decay is that of the mean square: 0.9 for rmsprop, and β2 of adamw
	// and beside muon, 0.999. There is none in sgd.
	Decay float64 `json:"decay,omitempty" toml:"decay,omitzero"`
	// Eps is added to the mean square of rmsprop, 0.001, and to its root in
	// adamw and beside muon, 1e-8. There is none in sgd.
	Eps float64 `json:"eps,omitempty" toml:"eps,omitzero"`
	// WeightDecay is the factor of ½‖w‖² in the loss for rmsprop and sgd, and
	// decoupled from the gradient for adamw and muon. It leaves batch norm alone.
	WeightDecay float64 `json:"weight_decay" toml:"weight_decay"`
	// Clip bounds the norm of all gradients together; 0 means no bound.
	Clip float64 `json:"clip,omitempty" toml:"clip,omitzero"`
	// LayerDecay multiplies the rate once for every block between a layer and
	// the network's end, so that early layers move less (Clark et al., ELECTRA,
	// 2020, appendix A); 0 and 1 mean the same rate everywhere.
	LayerDecay float64 `json:"layer_decay,omitempty" toml:"layer_decay,omitzero"`
}

// optimizers are the rules with their usual values. What a rule does stands in
// package train/optim, in the file of its name.
var optimizers = []struct {
	Optimizer
	// fromScratch is the peak rate for parameters that are new.
	fromScratch float64
}{
	{Optimizer{Kind: RMSProp, Momentum: 0.9, Decay: 0.9, Eps: 1e-3}, 0.002},
	{Optimizer{Kind: SGD, Momentum: 0.9}, 0.05},
	{Optimizer{Kind: AdamW, Momentum: 0.9, Decay: 0.999, Eps: 1e-8}, 0.002},
	{Optimizer{Kind: Muon, Momentum: 0.95, Decay: 0.999, Eps: 1e-8}, 0.005},
}

// OptimizerKinds returns the rules there are.
func OptimizerKinds() []OptimizerKind {
	var kinds []OptimizerKind
	for _, o := range optimizers {
		kinds = append(kinds, o.Kind)
	}
	return kinds
}

// usual returns the usual values of a kind; none if it is unknown.
func (k OptimizerKind) usual() (o Optimizer, fromScratch float64) {
	for _, o := range optimizers {
		if o.Kind == k {
			return o.Optimizer, o.fromScratch
		}
	}
	return Optimizer{Kind: k}, 0
}

// WithDefaults returns o with every unset field filled in.
func (o Optimizer) WithDefaults() Optimizer { return o.withDefaults() }

func (o Optimizer) withDefaults() Optimizer {
	if o.Kind == "" {
		o.Kind = RMSProp
	}
	usual, _ := o.Kind.usual()
	for _, v := range []struct{ set, to *float64 }{
		{&o.Momentum, &usual.Momentum}, {&o.Decay, &usual.Decay}, {&o.Eps, &usual.Eps},
	} {
		if *v.set == 0 {
			*v.set = *v.to
		}
	}
	return o
}

func (o Optimizer) validate() error {
	usual, rate := o.Kind.usual()
	if rate == 0 {
		return fmt.Errorf("optimizer %q: want %s", o.Kind, choices(OptimizerKinds()...))
	}
	if usual.Decay == 0 {
		if err := unused("optimizer", string(o.Kind), map[string]float64{"decay": o.Decay, "eps": o.Eps}); err != nil {
			return err
		}
	}
	unit := func(name string, v float64) error {
		if !(v >= 0 && v < 1) {
			return fmt.Errorf("optimizer: %s %g: want 0 to less than 1", name, v)
		}
		return nil
	}
	if err := errors.Join(unit("momentum", o.Momentum), unit("decay", o.Decay)); err != nil {
		return err
	}
	if !(o.Eps >= 0 && o.WeightDecay >= 0 && o.Clip >= 0) || math.IsInf(o.Eps+o.WeightDecay+o.Clip, 0) {
		return fmt.Errorf("optimizer: eps %g, weight decay %g and clip %g must be neither negative nor infinite", o.Eps, o.WeightDecay, o.Clip)
	}
	if !(o.LayerDecay >= 0 && o.LayerDecay <= 1) {
		return fmt.Errorf("optimizer: layer decay %g: want more than 0, at most 1", o.LayerDecay)
	}
	return nil
}
