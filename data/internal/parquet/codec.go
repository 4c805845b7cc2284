package parquet

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"github.com/mixnet-go/mixnet/internal/reuse"
)

// The ways to compress a page.
const (
	codecNone   = 0
	codecSnappy = 1
	codecGzip   = 2
	codecLZ4    = 5 // blocks in Hadoop's frames, or one without
	codecZstd   = 6
	codecLZ4Raw = 7
)

// A page that is larger than smallPage is not more than mostRatio times the
// bytes it is packed in, so that few bytes cannot ask for much memory.
const (
	smallPage = 8 << 20
	mostRatio = 1000
)

// unpacker decompresses pages.
type unpacker struct{ zstd *zstd.Decoder }

// decompress unpacks src to length bytes, in dst's memory if it is large enough.
func (u *unpacker) decompress(dst, src []byte, codec int64, length int) ([]byte, error) {
	if length > smallPage && length/mostRatio > len(src) {
		return nil, fmt.Errorf("%w: a page of %d bytes in %d", ErrCorrupt, length, len(src))
	}
	var n int
	var err error
	switch codec {
	case codecNone:
		dst, n = append(dst[:0], src...), len(src)
	case codecSnappy:
		if n, err = snappy.DecodedLen(src); err == nil && n == length {
			dst, err = snappy.Decode(reuse.Slice(dst, length), src)
			n = len(dst)
		}
	case codecGzip:
		dst, err = unzip(src, length)
		n = len(dst)
	case codecZstd:
		dst, err = u.unzstd(reuse.Slice(dst, length), src)
		n = len(dst)
	case codecLZ4:
		dst = reuse.Slice(dst, length)
		if n, err = unhadoop(dst, src); err != nil {
			n, err = lz4.UncompressBlock(src, dst)
		}
	case codecLZ4Raw:
		dst = reuse.Slice(dst, length)
		n, err = lz4.UncompressBlock(src, dst)
	default:
		names := map[int64]string{3: "LZO", 4: "Brotli"}
		return nil, fmt.Errorf("%w: compression %s (number %d): write the file with Zstandard, Snappy, LZ4 or gzip", ErrUnsupported, names[codec], codec)
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: page: %w", ErrCorrupt, err)
	case n != length:
		return nil, fmt.Errorf("%w: page of %d bytes, want %d", ErrCorrupt, n, length)
	}
	return dst, nil
}

// unzip unpacks gzip up to one byte more than length.
func unzip(src []byte, length int) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(src))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(z, int64(length)+1))
}

// unzstd unpacks Zstandard into dst, and no more than that.
func (u *unpacker) unzstd(dst, src []byte) ([]byte, error) {
	if u.zstd == nil {
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecodeAllCapLimit(true), zstd.WithDecoderMaxMemory(maxPage))
		if err != nil {
			return nil, err
		}
		u.zstd = d
	}
	return u.zstd.DecodeAll(src, dst[:0:len(dst)])
}

// unhadoop unpacks the blocks of LZ4 that Hadoop puts the lengths of before
// each, and returns how many bytes they make.
func unhadoop(dst, src []byte) (n int, err error) {
	for len(src) > 0 {
		if len(src) < 8 {
			return 0, errFrame
		}
		size, packed := binary.BigEndian.Uint32(src), binary.BigEndian.Uint32(src[4:])
		src = src[8:]
		if uint64(packed) > uint64(len(src)) || uint64(size) > uint64(len(dst)-n) {
			return 0, errFrame
		}
		k, err := lz4.UncompressBlock(src[:packed], dst[n:n+int(size)])
		if err != nil || k != int(size) {
			return 0, errFrame
		}
		n, src = n+k, src[packed:]
	}
	return n, nil
}

var errFrame = fmt.Errorf("%w: frame of LZ4 blocks", ErrCorrupt)
