package train

import (
	"fmt"

	"github.com/mixnet-go/mixnet/recipe"
)

// Extension is what a run that had ended went on with.
type Extension struct {
	// From is the number of epochs that it had, and Epochs how many more there
	// are.
	From   int `json:"from"`
	Epochs int `json:"epochs"`
	// Schedule is their learning rate, counted from their beginning.
	Schedule recipe.Schedule `json:"schedule"`
}

// length is how long a run is and by which rates it goes.
type length struct {
	recipe *recipe.Recipe
	more   []Extension
}

// epochs returns the number of epochs.
func (l length) epochs() int {
	if n := len(l.more); n > 0 {
		return l.more[n-1].From + l.more[n-1].Epochs
	}
	return l.recipe.Epochs
}

// rate returns the learning rate of a step, counted from 0.
func (l length) rate(step, perEpoch int) float64 {
	for i := len(l.more) - 1; i >= 0; i-- {
		if m := l.more[i]; step >= m.From*perEpoch {
			return m.Schedule.Rate(step-m.From*perEpoch, perEpoch, m.Epochs)
		}
	}
	return l.recipe.Schedule.Rate(step, perEpoch, l.recipe.Epochs)
}

// work returns what the steps [from, to) cost, in units of their own.
func (l length) work(from, to, perEpoch int) float64 {
	if len(l.more) > 0 {
		return float64(to - from)
	}
	return l.recipe.Sizes.Work(from, to, l.recipe.Epochs*perEpoch)
}

// finished reports whether a run with these epochs behind it has ended.
// Patience begins with the first epoch of a progressive run's last size, and
// anew with every extension.
func (l length) finished(history []Epoch) bool {
	if len(history) >= l.epochs() {
		return true
	}
	start := 0
	if n := len(l.more); n > 0 {
		start = l.more[n-1].From
	}
	since := 0
	for i := start; i < len(history); i++ {
		since++
		if history[i].Best || start == 0 && l.recipe.Sizes.Growing(i, l.recipe.Epochs) {
			since = 0
		}
	}
	return l.recipe.Patience > 0 && since >= l.recipe.Patience
}

// extend returns l with more epochs after those done.
func (l length) extend(done, epochs int, s recipe.Schedule) ([]Extension, error) {
	if epochs < 1 {
		return nil, fmt.Errorf("%w: %d more epochs", recipe.ErrRecipe, epochs)
	}
	if s == (recipe.Schedule{}) {
		s = l.recipe.Schedule
		s.LR, s.Warmup = s.LR/10, 0
	}
	r := *l.recipe
	r.Schedule, r.Epochs = s, epochs
	r, err := r.Complete(0)
	if err != nil {
		return nil, err
	}
	return append(l.more[:len(l.more):len(l.more)], Extension{done, epochs, r.Schedule}), nil
}
