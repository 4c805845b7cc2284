// Package codec holds what the decoders of picture files share: their errors,
// their limits, and where they put pixels.
package codec

import (
	"errors"
	"fmt"
)

// Errors that every error of a decoder wraps, unless decoding was stopped from
// outside.
var (
	ErrFormat    = errors.New("unsupported image format")
	ErrTruncated = errors.New("image is cut short")
	ErrCorrupt   = errors.New("image is corrupt")
	ErrTooLarge  = errors.New("image is too large")
)

// Corrupt returns an error that wraps [ErrCorrupt].
func Corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrCorrupt, fmt.Sprintf(format, args...))
}

// Unsupported returns an error that wraps [ErrFormat], about a file that is
// sound as far as one can tell, but of a kind that is not read.
func Unsupported(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrFormat, fmt.Sprintf(format, args...))
}

// Limits bounds what decoding one picture may cost.
type Limits struct {
	// Bytes is the most memory that it takes.
	Bytes int64
	// Stop is asked now and then; decoding ends with the error it returns. Nil
	// means never.
	Stop func() error
}

// Memory reports an error if decoding takes more than the bytes allowed.
func (l Limits) Memory(bytes int64) error {
	if bytes <= l.Bytes {
		return nil
	}
	return fmt.Errorf("%w: decoding takes %d MB of memory, the limit is %d MB", ErrTooLarge, bytes/1e6, l.Bytes/1e6)
}

// Stopped returns Stop's error.
func (l Limits) Stopped() error {
	if l.Stop == nil {
		return nil
	}
	return l.Stop()
}
