package data

import "fmt"

// Pictures is a set of picture files of which no classes are known: all are of
// one, without a name.
type Pictures []string

// Len implements [Dataset].
func (p Pictures) Len() int { return len(p) }

// Classes implements [Dataset].
func (p Pictures) Classes() []string { return []string{""} }

// Label implements [Dataset].
func (p Pictures) Label(int) int { return 0 }

// Name implements [Dataset].
func (p Pictures) Name(i int) string { return p[i] }

// Read implements [Dataset].
func (p Pictures) Read(i int, s *Sample) error {
	if i < 0 || i >= len(p) {
		return fmt.Errorf("example %d of %d pictures", i, len(p))
	}
	return s.ReadFile(p[i])
}
