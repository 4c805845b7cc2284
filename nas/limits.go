package nas

import (
	"sync"

	"github.com/mixnet-go/mixnet/zoo"
)

// Limits are what a network may take; 0 means any amount.
type Limits struct {
	MACs        int64   `json:"max_macs,omitempty"`
	Params      int64   `json:"max_params,omitempty"`
	Activations int64   `json:"max_activations,omitempty"` // bytes
	Latency     float64 `json:"max_latency_seconds,omitempty"`
	// MinMACs is the least that a network is to take, for searches within a
	// band of costs.
	MinMACs int64 `json:"min_macs,omitempty"`
}

// Allow reports whether a cost is within the limits.
func (l Limits) Allow(c Cost) bool {
	within := func(v, limit int64) bool { return limit == 0 || v <= limit }
	return within(c.MACs, l.MACs) && within(c.Params, l.Params) && within(c.Activations, l.Activations) &&
		c.MACs >= l.MinMACs && (l.Latency == 0 || c.Latency <= l.Latency)
}

// Costs are what the networks of a space take. They are counted once each. It is
// safe for concurrent use.
type Costs struct {
	// Latency predicts a network's seconds; nil leaves latencies 0. It is set
	// before the first use.
	Latency func(zoo.Network) (float64, error)

	space Space

	mu    sync.Mutex
	known map[string]counted
}

// counted is the outcome of CostOf.
type counted struct {
	cost Cost
	err  error
}

// knownCosts bounds the memory of Costs.
const knownCosts = 1 << 17

// NewCosts returns the costs of a space.
func NewCosts(s Space) *Costs { return &Costs{space: s, known: map[string]counted{}} }

// Of returns what an architecture takes. The error is that of a network that
// cannot be built, such as one with groups that do not divide its channels.
func (c *Costs) Of(a Arch) (Cost, error) {
	if err := Check(c.space, a); err != nil {
		return Cost{}, err
	}
	key := Key(c.space, a)
	c.mu.Lock()
	found, ok := c.known[key]
	c.mu.Unlock()
	if ok {
		return found.cost, found.err
	}
	n, err := c.space.Network(a)
	if err == nil {
		found.cost, err = CostOf(n)
	}
	if err == nil && c.Latency != nil {
		found.cost.Latency, err = c.Latency(n)
	}
	found.err = err
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.known) >= knownCosts {
		clear(c.known)
	}
	c.known[key] = found
	return found.cost, found.err
}

// Within returns what is feasible, for [Problem]: architectures whose networks
// can be built and keep to the limits.
func (c *Costs) Within(l Limits) func(Arch) bool {
	return func(a Arch) bool {
		cost, err := c.Of(a)
		return err == nil && l.Allow(cost)
	}
}
