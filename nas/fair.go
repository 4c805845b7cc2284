package nas

import "math/rand/v2"

// Fair deals the options of every decision like cards of a deck that is shuffled
// anew when it is used up, so that of as many architectures in a row as a
// decision has options, beginning at a multiple of that, each option is in one
// (strict fairness: Chu et al., FairNAS, 2021, section 3.1). What is dealt is a
// function of the seed and the number alone.
type Fair struct {
	Space Space
	Seed  uint64
}

// Paths returns the number of architectures that a step takes in which every
// option has a turn: the options of the decision that has the most.
func (f Fair) Paths() int {
	n := 1
	for _, d := range f.Space.Decisions() {
		n = max(n, len(d.Options))
	}
	return n
}

// Arch returns the architecture of a number, from 0. It is not canonical.
func (f Fair) Arch(number int) Arch {
	decisions := f.Space.Decisions()
	a := make(Arch, len(decisions))
	for i, d := range decisions {
		n := len(d.Options)
		deck := rand.New(rand.NewPCG(f.Seed, uint64(i)<<40|uint64(number/n))).Perm(n)
		a[i] = uint8(deck[number%n])
	}
	return a
}
