package data

import (
	"bufio"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// maxArray bounds the declared size of an array that is read into memory.
const maxArray = 8 << 30

// idxArray is the content of an IDX file of unsigned bytes.
type idxArray struct {
	dims []int
	data []uint8
}

// readIDX reads an IDX file, gzipped or not. Memory grows with what is there,
// not with what the header says.
func readIDX(r io.Reader) (*idxArray, error) {
	r, err := maybeGzip(r)
	if err != nil {
		return nil, err
	}
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, cutShort(err)
	}
	const unsignedByte = 0x08
	if head[0] != 0 || head[1] != 0 || head[2] != unsignedByte || head[3] < 1 || head[3] > 4 {
		return nil, fmt.Errorf("%w: begins with % x, an IDX file of bytes begins with 00 00 08 and 1 to 4 dimensions", ErrCorrupt, head)
	}
	a := &idxArray{dims: make([]int, head[3])}
	total := int64(1)
	for i := range a.dims {
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return nil, cutShort(err)
		}
		d := int64(binary.BigEndian.Uint32(head[:]))
		if d > 0 && total > maxArray/d {
			return nil, fmt.Errorf("%w: dimension %d of %d makes it more than %d bytes", ErrCorrupt, i, d, int64(maxArray))
		}
		a.dims[i] = int(d)
		total *= d
	}
	if a.data, err = io.ReadAll(io.LimitReader(r, total+1)); err != nil {
		return nil, cutShort(err)
	}
	if int64(len(a.data)) != total {
		return nil, fmt.Errorf("%w: dimensions %v need %d bytes, the file has %s", ErrCorrupt, a.dims, total,
			atMost(int64(len(a.data)), total))
	}
	return a, nil
}

// atMost says a length that was read up to one more than limit.
func atMost(n, limit int64) string {
	if n > limit {
		return "more"
	}
	return strconv.FormatInt(n, 10)
}

// maybeGzip unpacks r if it is gzipped.
func maybeGzip(r io.Reader) (io.Reader, error) {
	b := bufio.NewReader(r)
	if magic, _ := b.Peek(2); len(magic) < 2 || magic[0] != 0x1f || magic[1] != 0x8b {
		return b, nil
	}
	z, err := gzip.NewReader(b)
	if err != nil {
		return nil, cutShort(err)
	}
	return z, nil
}

// cutShort makes the end of a stream and a bad checksum wrap ErrCorrupt.
func cutShort(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: it is cut short", ErrCorrupt)
	}
	return fmt.Errorf("%w: %w", ErrCorrupt, err)
}

// openFS is [openRegular] in a file system.
func openFS(fsys fs.FS, file string) (fs.File, error) {
	info, err := fs.Stat(fsys, file)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a regular file", file)
	}
	return fsys.Open(file)
}

// readPair reads one pair of files; the class names are left open.
func readPair(fsys fs.FS, name string, p idxPair) (*Memory, error) {
	read := func(file string) (*idxArray, error) {
		f, err := openFS(fsys, file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path.Join(name, file), err)
		}
		defer f.Close()
		a, err := readIDX(f)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path.Join(name, file), err)
		}
		return a, nil
	}
	images, err := read(p.images)
	if err != nil {
		return nil, err
	}
	labels, err := read(p.labels)
	if err != nil {
		return nil, err
	}
	d := images.dims
	if len(d) != 3 && len(d) != 4 {
		return nil, fmt.Errorf("%s: %w: %d dimensions, want count × height × width", path.Join(name, p.images), ErrCorrupt, len(d))
	}
	if len(labels.dims) != 1 || labels.dims[0] != d[0] {
		return nil, fmt.Errorf("%s: %w: %v labels for %d pictures", path.Join(name, p.labels), ErrCorrupt, labels.dims, d[0])
	}
	if d[0] == 0 {
		return nil, fmt.Errorf("%s: %w: no pictures", path.Join(name, p.images), ErrCorrupt)
	}
	m := &Memory{Source: path.Join(name, p.images), H: d[1], W: d[2], C: 1, Pixels: images.data, Labels: make([]int, d[0])}
	if len(d) == 4 {
		m.C = d[3]
	}
	for i, l := range labels.data {
		m.Labels[i] = int(l)
	}
	return m, nil
}

// fashionClasses are Fashion-MNIST's.
var fashionClasses = [...]string{
	"T-shirt/top", "trouser", "pullover", "dress", "coat",
	"sandal", "shirt", "sneaker", "bag", "ankle boot",
}

func idxClasses(name string, n int) []string {
	if strings.Contains(strings.ToLower(name), "fashion") && n <= len(fashionClasses) {
		return fashionClasses[:]
	}
	names := make([]string, n)
	for i := range names {
		names[i] = strconv.Itoa(i)
	}
	return names
}
