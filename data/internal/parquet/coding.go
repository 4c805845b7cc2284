package parquet

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

var errRuns = fmt.Errorf("%w: run lengths", ErrCorrupt)

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
