//go:build !unix

// Package guard gives tests memory behind which nothing can be read or written.
package guard

import "testing"

// Memory returns size bytes.
func Memory(_ testing.TB, size int) []byte { return make([]byte, size) }
