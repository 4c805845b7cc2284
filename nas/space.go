// Package nas searches network architectures.
//
// A [Space] is a list of decisions and says which network a set of choices is.
// A [Strategy] proposes what to try next from what is known; whoever evaluates
// the proposals, a training run here, a table or another program, tells the
// outcome. All strategies are functions of the search's seed, the number of the
// trial and the trials before it, so that a search that was interrupted goes on
// as if it had not been.
package nas

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/mixnet-go/mixnet/zoo"
)

// Decision is a choice between options.
type Decision struct {
	Name    string   // such as "stage 3 block 1 kernels"
	Options []string // such as "3", "3,5", "3,5,7"
}

// Arch is an architecture: the index of an option for every decision of a
// space.
type Arch []uint8

// Space is a set of architectures. Its methods may be called from several
// goroutines.
type Space interface {
	// Name is a word that files and commands know the space by.
	Name() string
	// Decisions lists what there is to decide. An architecture has one choice
	// for each.
	Decisions() []Decision
	// Canonical returns the one form of all architectures that are the same
	// network, such as those that differ in a block that a smaller depth leaves
	// out. It does not change its argument.
	Canonical(Arch) Arch
	// Network returns the network's table.
	Network(Arch) (zoo.Network, error)
}

// ErrArch is wrapped by errors about architectures that a space does not have.
var ErrArch = errors.New("no such architecture")

// Check reports whether a is an architecture of s.
func Check(s Space, a Arch) error {
	decisions := s.Decisions()
	if len(a) != len(decisions) {
		return fmt.Errorf("%w: %d choices, the space %s has %d decisions", ErrArch, len(a), s.Name(), len(decisions))
	}
	for i, d := range decisions {
		if int(a[i]) >= len(d.Options) {
			return fmt.Errorf("%w: %s: choice %d of %d options", ErrArch, d.Name, a[i], len(d.Options))
		}
	}
	return nil
}

// Key returns the canonical form of a as text: a digit or letter a decision.
func Key(s Space, a Arch) string { return s.Canonical(a).String() }

// String writes every choice as a digit, or above 9 a letter.
func (a Arch) String() string {
	b := make([]byte, len(a))
	for i, c := range a {
		b[i] = "0123456789abcdefghijklmnopqrstuvwxyz"[min(int(c), 35)]
	}
	return string(b)
}

// ParseArch is the inverse of String.
func ParseArch(s Space, text string) (Arch, error) {
	a, err := ReadArch(text)
	if err != nil {
		return nil, err
	}
	return a, Check(s, a)
}

// ReadArch is ParseArch where the space is not at hand.
func ReadArch(text string) (Arch, error) {
	a := make(Arch, len(text))
	for i, c := range []byte(text) {
		v, err := strconv.ParseUint(string(rune(c)), 36, 8)
		if err != nil {
			return nil, fmt.Errorf("%w: %.100q: %q is no digit or letter", ErrArch, text, c)
		}
		a[i] = uint8(v)
	}
	return a, nil
}

// Hash is a short name of a network within a space: equal for equal canonical
// forms.
func Hash(s Space, a Arch) string { return HashText(s.Name(), s.Canonical(a)) }

// HashText is Hash by the name of the space, of an architecture in canonical
// form.
func HashText(space string, a Arch) string {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s %s", space, a)
	return fmt.Sprintf("%016x", h.Sum64())
}

// Random draws an architecture, every option of a decision being as likely.
func Random(s Space, rng *rand.Rand) Arch {
	decisions := s.Decisions()
	a := make(Arch, len(decisions))
	for i, d := range decisions {
		a[i] = uint8(rng.IntN(len(d.Options)))
	}
	return s.Canonical(a)
}

// Neighbors returns the canonical forms that differ from a, canonical itself, in
// one decision, without repetitions, in the order of decisions and options.
func Neighbors(s Space, a Arch) []Arch {
	var all []Arch
	seen := map[string]bool{a.String(): true}
	for i, d := range s.Decisions() {
		for o := range d.Options {
			if o == int(a[i]) {
				continue
			}
			b := slices.Clone(a)
			b[i] = uint8(o)
			b = s.Canonical(b)
			if key := b.String(); !seen[key] {
				seen[key] = true
				all = append(all, b)
			}
		}
	}
	return all
}

// Mutate returns a with one decision changed to another option.
func Mutate(s Space, a Arch, rng *rand.Rand) Arch {
	decisions := s.Decisions()
	for range 1000 {
		b := slices.Clone(a)
		i := rng.IntN(len(decisions))
		n := len(decisions[i].Options)
		if n < 2 {
			continue
		}
		b[i] = uint8((int(b[i]) + 1 + rng.IntN(n-1)) % n)
		if b = s.Canonical(b); !slices.Equal(a, b) {
			return b
		}
	}
	return slices.Clone(a)
}
