package weights

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"os"
	"slices"
)

// ErrFormat is wrapped by every error about a file whose content is damaged,
// not of a known format, or not allowed.
var ErrFormat = errors.New("bad weight file")

// Format is a file format.
type Format uint8

// The file formats.
const (
	Safetensors Format = iota
	Torch              // torch.save's zip archive
	TorchLegacy        // torch.save before PyTorch 1.6
	NumPy              // .npy, one array
	NumPyZip           // .npz, several arrays
	TensorFlow         // .pb, a frozen graph; its constants are the tensors
)

var formatNames = [...]string{"safetensors", "PyTorch", "PyTorch (legacy)", "NumPy .npy", "NumPy .npz", "TensorFlow graph"}

// String returns a name for messages.
func (f Format) String() string { return formatNames[f] }

// Info describes one tensor of a file.
type Info struct {
	Name  string
	DType DType
	Shape []int // empty for a scalar
}

// Len returns the number of elements.
func (i Info) Len() int {
	n := 1
	for _, d := range i.Shape {
		n *= d
	}
	return n
}

// File is an open weight file. Opening reads the table of tensors alone; their
// values are read and converted when asked for. A File is safe for concurrent
// use until it is closed.
type File struct {
	format  Format
	names   []string
	tensors map[string]*stored
	meta    map[string]string
	path    string
	src     io.ReaderAt
	close   func() error
	resized [2]int // of a TensorFlow graph: what it scales pictures to
}

// Resized returns the height and width that a TensorFlow graph scales pictures
// to; 0 where the file does not say.
func (f *File) Resized() (h, w int) { return f.resized[0], f.resized[1] }

// Open opens a weight file, telling its format from its content. Close it
// after use.
func Open(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s: %w: not a regular file", path, ErrFormat)
	}
	var file *File
	if err == nil {
		file, err = NewFile(f, info.Size(), path)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	file.close = f.Close
	return file, nil
}

// NewFile reads the table of tensors of a file of size bytes. The name is used
// in error messages. Values are read from r later, so r must stay open.
func NewFile(r io.ReaderAt, size int64, name string) (*File, error) {
	f := &File{path: name, src: r, tensors: map[string]*stored{}, meta: map[string]string{}}
	if err := f.parse(size); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return f, nil
}

// parse tells the format from the first bytes.
func (f *File) parse(size int64) error {
	head := make([]byte, min(size, 16))
	if err := readFull(f.src, head, 0); err != nil {
		return err
	}
	switch {
	case size == 0:
		return formatError("the file is empty")
	case looksLikeSafetensors(head, size):
		return f.parseSafetensors(size)
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return f.parseArchive(size)
	case bytes.HasPrefix(head, []byte(npyMagic)):
		f.format = NumPy
		return f.parseArray("", 0, size)
	case head[0] == 0x80 && size > 2 && head[1] <= 5: // a pickle and its protocol
		return f.parseLegacy(size)
	case looksLikeGraph(head):
		return f.parseGraph(size)
	case bytes.HasPrefix(head, []byte("version https://")):
		return formatError("a Git LFS pointer, not the file it stands for: run git lfs pull")
	case head[0] == '<':
		return formatError("an HTML or XML page, not weights: the download went wrong")
	case len(head) > 8 && head[8] == '{':
		return f.parseSafetensors(size) // to say what is wrong with it
	}
	return formatError("neither safetensors, nor PyTorch's, nor NumPy's format, nor a frozen TensorFlow graph")
}

// add enters a tensor into the table.
func (f *File) add(t *stored) error {
	if _, ok := f.tensors[t.Name]; ok {
		return formatError("tensor %.100q appears twice", t.Name)
	}
	f.tensors[t.Name] = t
	f.names = append(f.names, t.Name)
	return nil
}

// Close closes the file.
func (f *File) Close() error {
	if f.close == nil {
		return nil
	}
	return f.close()
}

// Format returns the file's format.
func (f *File) Format() Format { return f.format }

// Path returns the name the file was opened by.
func (f *File) Path() string { return f.path }

// Names returns the names of all tensors in the order of the file.
func (f *File) Names() []string { return slices.Clone(f.names) }

// Info describes the tensor of that name and reports whether there is one.
func (f *File) Info(name string) (Info, bool) {
	t, ok := f.tensors[name]
	if !ok {
		return Info{}, false
	}
	info := t.Info
	info.Shape = slices.Clone(info.Shape)
	return info, true
}

// Metadata returns the strings stored beside the tensors.
func (f *File) Metadata() map[string]string { return maps.Clone(f.meta) }

// Read fills dst, whose length must be the tensor's, with the values in
// row-major order, converted to float32. Numbers too large for float32 become
// infinite; integers beyond 2^24 are rounded.
func (f *File) Read(name string, dst []float32) error {
	t, err := f.lookup(name)
	if err != nil {
		return err
	}
	if len(dst) != t.Len() {
		return fmt.Errorf("%s: %s has %d elements, the destination %d", f.path, name, t.Len(), len(dst))
	}
	if err := t.read(f.src, dst); err != nil {
		return fmt.Errorf("%s: %s: %w", f.path, name, err)
	}
	return nil
}

// ReadFloats returns the values of a tensor, converted as by Read.
func (f *File) ReadFloats(name string) ([]float32, error) {
	t, err := f.lookup(name)
	if err != nil {
		return nil, err
	}
	dst := make([]float32, t.Len())
	if err := f.Read(name, dst); err != nil {
		return nil, err
	}
	return dst, nil
}

// ReadBytes returns the elements of a tensor unconverted, in row-major order
// and little-endian.
func (f *File) ReadBytes(name string) ([]byte, error) {
	t, err := f.lookup(name)
	if err != nil {
		return nil, err
	}
	data := make([]byte, 0, t.Len()*t.DType.Size())
	err = t.stream(f.src, func(chunk []byte) { data = append(data, chunk...) })
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", f.path, name, err)
	}
	return data, nil
}

func (f *File) lookup(name string) (*stored, error) {
	t, ok := f.tensors[name]
	if !ok {
		return nil, fmt.Errorf("%s: no tensor is named %q", f.path, name)
	}
	if t.DType == Other {
		return nil, fmt.Errorf("%s: tensor %.200q: %w", f.path, name, formatError("element type %.100q is not supported", t.unknown))
	}
	return t, nil
}

// stored says where the elements of a tensor lie in the file.
type stored struct {
	Info
	offset    int64
	strides   []int // in elements; nil for row-major order
	bigEndian bool
	crc       uint32 // of the row-major bytes; 0 if unknown
	unknown   string // what the file calls its type, of DType Other
}

// read fills dst with all elements.
func (t *stored) read(src io.ReaderAt, dst []float32) error {
	if b := bytesOf(dst); b != nil && t.DType == F32 && t.strides == nil && !t.bigEndian {
		return t.readBytes(src, b)
	}
	done := 0
	size := t.DType.Size()
	return t.stream(src, func(chunk []byte) {
		n := len(chunk) / size
		t.DType.decode(dst[done:done+n], chunk)
		done += n
	})
}

// readBytes fills dst with the stored bytes.
func (t *stored) readBytes(src io.ReaderAt, dst []byte) error {
	if err := readFull(src, dst, t.offset); err != nil {
		return err
	}
	if t.crc == 0 {
		return nil
	}
	return t.checkSum(crc32.ChecksumIEEE(dst))
}

func (t *stored) checkSum(sum uint32) error {
	if sum != t.crc {
		return formatError("checksum %08x of the data is not the stored %08x: the file is damaged", sum, t.crc)
	}
	return nil
}

// chunkSize is how many bytes are read and converted at a time.
const chunkSize = 64 << 10

// stream passes all elements in row-major order, little-endian, to yield, in
// chunks of whole elements.
func (t *stored) stream(src io.ReaderAt, yield func([]byte)) error {
	if t.strides != nil {
		return t.streamStrided(src, yield)
	}
	size := t.DType.Size()
	left := int64(t.Len()) * int64(size)
	buf := make([]byte, min(left, chunkSize))
	sum := uint32(0)
	for offset := t.offset; left > 0; {
		chunk := buf[:min(left, chunkSize)]
		if err := readFull(src, chunk, offset); err != nil {
			return err
		}
		if t.crc != 0 {
			sum = crc32.Update(sum, crc32.IEEETable, chunk)
		}
		if t.bigEndian {
			reverseElements(chunk, size)
		}
		yield(chunk)
		offset += int64(len(chunk))
		left -= int64(len(chunk))
	}
	return t.checkSum(sum)
}

// streamStrided reads the part of the storage that the tensor spans, which is
// at most the file's size, and gathers the elements from it.
func (t *stored) streamStrided(src io.ReaderAt, yield func([]byte)) error {
	size := t.DType.Size()
	n := t.Len()
	if n == 0 {
		return nil
	}
	last := 0
	for i, d := range t.Shape {
		last += (d - 1) * t.strides[i]
	}
	span := make([]byte, (last+1)*size)
	if err := readFull(src, span, t.offset); err != nil {
		return err
	}
	if t.bigEndian {
		reverseElements(span, size)
	}
	index := make([]int, len(t.Shape))
	buf := make([]byte, 0, chunkSize)
	for at := 0; ; {
		buf = append(buf, span[at*size:(at+1)*size]...)
		n--
		if n == 0 || len(buf)+size > chunkSize {
			yield(buf)
			buf = buf[:0]
		}
		if n == 0 {
			return nil
		}
		for i := len(index) - 1; ; i-- {
			index[i]++
			at += t.strides[i]
			if index[i] < t.Shape[i] {
				break
			}
			at -= index[i] * t.strides[i]
			index[i] = 0
		}
	}
}

func readFull(src io.ReaderAt, p []byte, offset int64) error {
	n, err := src.ReadAt(p, offset)
	if n == len(p) {
		return nil
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("read %d bytes at offset %d: %w", len(p), offset, err)
}

func formatError(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrFormat}, args...)...)
}
