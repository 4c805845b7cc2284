// Package enum reads and writes enumerations as words.
package enum

import (
	"fmt"
	"slices"
	"strings"
)

// String returns the word of e, or its number where it has none.
func String[E ~uint8](words []string, e E) string {
	if int(e) < len(words) {
		return words[e]
	}
	return fmt.Sprintf("%T(%d)", e, uint8(e))
}

// Marshal returns the word of e.
func Marshal[E ~uint8](words []string, e E) ([]byte, error) {
	if int(e) >= len(words) {
		return nil, fmt.Errorf("%T(%d) has no word", e, uint8(e))
	}
	return []byte(words[e]), nil
}

// Unmarshal sets e to the value of a word. what names the enumeration in
// errors.
func Unmarshal[E ~uint8](what string, words []string, e *E, word []byte) error {
	i := slices.Index(words, string(word))
	if i < 0 {
		return fmt.Errorf("unknown %s %.100q; known: %s", what, word, strings.Join(words, ", "))
	}
	*e = E(i)
	return nil
}
