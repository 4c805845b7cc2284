package parquet

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"
)

const (
	codecNone   = 0
	codecSnappy = 1
	codecGzip   = 2
)

var (
	errSnappy = fmt.Errorf("%w: Snappy block", ErrCorrupt)
	errRuns   = fmt.Errorf("%w: run lengths", ErrCorrupt)
)

// decompress unpacks src to length bytes, in dst's memory if it is large enough.
func decompress(dst, src []byte, codec int64, length int) ([]byte, error) {
	switch codec {
	case codecNone:
		if len(src) != length {
			return nil, fmt.Errorf("%w: page of %d bytes, want %d", ErrCorrupt, len(src), length)
		}
		return append(dst[:0], src...), nil
	case codecSnappy:
		return unsnap(dst, src, length)
	case codecGzip:
		z, err := gzip.NewReader(bytes.NewReader(src))
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
		}
		out, err := io.ReadAll(io.LimitReader(z, int64(length)+1))
		if err != nil || len(out) != length {
			return nil, fmt.Errorf("%w: gzip page of %d bytes, want %d: %v", ErrCorrupt, len(out), length, err)
		}
		return out, nil
	}
	names := map[int64]string{3: "LZO", 4: "Brotli", 5: "LZ4", 6: "Zstandard", 7: "LZ4 raw"}
	return nil, fmt.Errorf("%w: compression %s (number %d): write the file with Snappy, gzip or none", ErrUnsupported, names[codec], codec)
}

// unsnap unpacks a Snappy block.
func unsnap(dst, src []byte, length int) ([]byte, error) {
	n, head := binary.Uvarint(src)
	// A copy of 3 bytes makes at most 64.
	if head <= 0 || n != uint64(length) || n > 64*uint64(len(src)) {
		return nil, errSnappy
	}
	src = src[head:]
	dst = resized(dst, length)
	at := 0
	for len(src) > 0 {
		size, offset, used := snappyTag(src)
		if used == 0 || size > length-at {
			return nil, errSnappy
		}
		src = src[used:]
		if offset == 0 {
			if size > len(src) {
				return nil, errSnappy
			}
			copy(dst[at:], src[:size])
			at, src = at+size, src[size:]
			continue
		}
		if offset > at {
			return nil, errSnappy
		}
		for end := at + size; at < end; at++ {
			dst[at] = dst[at-offset]
		}
	}
	if at != length {
		return nil, errSnappy
	}
	return dst, nil
}

// snappyTag reads a tag: how many bytes come, from how far back (0: from the
// tag's own literal), and the tag's length, 0 for a bad one.
func snappyTag(b []byte) (size, offset, used int) {
	tag := int(b[0])
	switch tag & 3 {
	case 0:
		size, used = tag>>2+1, 1
		if extra := size - 60; extra > 0 {
			if len(b) < 1+extra {
				return 0, 0, 0
			}
			size, used = 1, 1+extra
			for i := range extra {
				size += int(b[1+i]) << (8 * i)
			}
		}
		return size, 0, used
	case 1:
		if len(b) < 2 {
			return 0, 0, 0
		}
		size, offset, used = tag>>2&7+4, tag>>5<<8|int(b[1]), 2
	case 2:
		if len(b) < 3 {
			return 0, 0, 0
		}
		size, offset, used = tag>>2+1, int(binary.LittleEndian.Uint16(b[1:])), 3
	case 3:
		if len(b) < 5 {
			return 0, 0, 0
		}
		size, offset, used = tag>>2+1, int(binary.LittleEndian.Uint32(b[1:])), 5
	}
	if offset == 0 {
		return 0, 0, 0
	}
	return size, offset, used
}

// bitWidth is how many bits the numbers up to n take.
func bitWidth(n int) int { return bits.Len(uint(n)) }

// runLengths decodes n numbers of width bits in Parquet's mix of runs and
// packed groups.
func runLengths(dst []int32, b []byte, width, n int) ([]int32, error) {
	bytes := (width + 7) / 8
	for len(dst) < n {
		head, used := binary.Uvarint(b)
		if used <= 0 {
			return nil, errRuns
		}
		b = b[used:]
		if head&1 == 0 {
			if len(b) < bytes {
				return nil, errRuns
			}
			v := int32(littleEndian(b[:bytes]))
			b = b[bytes:]
			if v < 0 || head == 0 {
				return nil, errRuns
			}
			for range min(head>>1, uint64(n-len(dst))) {
				dst = append(dst, v)
			}
			continue
		}
		groups := head >> 1
		if groups == 0 || groups > uint64(len(b)) && width > 0 {
			return nil, errRuns
		}
		values := min(groups*8, uint64(n-len(dst)))
		if need := (values*uint64(width) + 7) / 8; need > uint64(len(b)) {
			return nil, errRuns
		}
		for i := range int(values) {
			dst = append(dst, bitsAt(b, i*width, width))
		}
		b = b[min(groups*uint64(width), uint64(len(b))):]
	}
	return dst, nil
}

// bitsAt returns width ≤ 31 bits from bit at on, the lowest first.
func bitsAt(b []byte, at, width int) int32 {
	v := uint64(0)
	first, last := at/8, (at+width+7)/8
	for i := first; i < last; i++ {
		v |= uint64(b[i]) << (8 * (i - first))
	}
	return int32(v >> (at % 8) & (1<<width - 1))
}

// littleEndian is a number of up to eight bytes; eight or four are signed.
func littleEndian(b []byte) int64 {
	v := uint64(0)
	for i, x := range b {
		v |= uint64(x) << (8 * i)
	}
	if len(b) == 4 {
		return int64(int32(v))
	}
	return int64(v)
}

// uint32At takes a number off b.
func uint32At(b []byte) (v uint32, rest []byte, err error) {
	if len(b) < 4 {
		return 0, nil, fmt.Errorf("%w: page is cut short", ErrCorrupt)
	}
	return binary.LittleEndian.Uint32(b), b[4:], nil
}

// prefixed takes a block with its length before it off b.
func prefixed(b []byte) (block, rest []byte, err error) {
	n, rest, err := uint32At(b)
	if err != nil || int64(n) > int64(len(rest)) {
		return nil, nil, fmt.Errorf("%w: levels of %d bytes", ErrCorrupt, n)
	}
	return rest[:n], rest[n:], nil
}

// resized returns a slice of n elements, in s's memory where it is large
// enough.
func resized[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
