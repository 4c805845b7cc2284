package pages

import (
	"errors"
	"fmt"
)

// ErrMemory is wrapped by the error of Check.
var ErrMemory = errors.New("not enough memory")

// unknownMemory is the limit where the system does not say what it has.
const unknownMemory = 1 << 40

// Check reports whether the machine lacks the memory, in bytes, for something:
// allocating it would end the program.
func Check(bytes float64) error {
	has := float64(physical())
	if has == 0 {
		has = unknownMemory
	}
	if bytes > has {
		return fmt.Errorf("%w: %.4g GB wanted, the machine has %.4g GB", ErrMemory, bytes/1e9, has/1e9)
	}
	return nil
}
