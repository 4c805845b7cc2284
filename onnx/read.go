package onnx

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mixnet-go/mixnet/graph"
)

// Network is what an ONNX file holds.
type Network struct {
	Graph  *graph.Graph
	Values graph.Values[float32]
	// Height and Width are those of the input images.
	Height, Width int
	// Quantization is what the file computes with whole numbers; nil for nothing.
	Quantization *graph.Quantization
	Opset        int
	Producer     string
	Metadata     map[string]string
	// Notes say in words what was left out because it changes no ranking, such
	// as a softmax at the end.
	Notes []string
}

// ReadOptions say what a file does not. The zero value is right for files that
// give the size of their images.
type ReadOptions struct {
	// Height and Width are those of the images of a network that leaves them
	// free.
	Height, Width int
	// Folder holds the files in which a model keeps its large tensors; nil
	// allows none. OpenFile uses the folder that the file is in.
	Folder *os.Root
}

// ErrUnsupported is wrapped by the error about a network of operators that are
// not supported, an *UnsupportedError.
var ErrUnsupported = errors.New("operators that are not supported")

// UnsupportedError names every operator that was refused.
type UnsupportedError struct{ Nodes []Refused }

// Refused is a node of a file and why it is not supported.
type Refused struct{ Op, Node, Why string }

// Unwrap returns ErrUnsupported.
func (e *UnsupportedError) Unwrap() error { return ErrUnsupported }

// Error names the first few.
func (e *UnsupportedError) Error() string {
	const most = 8
	var all []string
	for i, n := range e.Nodes {
		if i == most {
			all = append(all, fmt.Sprintf("and %d more", len(e.Nodes)-most))
			break
		}
		all = append(all, fmt.Sprintf("%.60s %.120q (%s)", n.Op, n.Node, n.Why))
	}
	return ErrUnsupported.Error() + ": " + strings.Join(all, "; ")
}

// maxFile is the largest protocol buffer.
const maxFile = 1<<31 - 1

// Looks reports whether a file that begins with head, 9 bytes or more, may be an
// ONNX file: its first field is the version of the format, and the next is one
// of a model's. It is no safetensors file whose header has just that length.
func Looks(head []byte) bool {
	if len(head) < 9 || head[0] != 0x08 || head[1] == 0 || head[1] >= 0x20 {
		return false
	}
	second := []byte{0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42}
	safetensors := head[8] == '{' && head[4]|head[5]|head[6]|head[7] == 0
	return slices.Contains(second, head[2]) && !safetensors
}

// OpenFile reads a network from a file and from those beside it that it names.
func OpenFile(path string, o ReadOptions) (*Network, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if o.Folder == nil {
		if o.Folder, err = os.OpenRoot(filepath.Dir(path)); err != nil {
			return nil, err
		}
		defer o.Folder.Close()
	}
	n, err := Read(f, info.Size(), o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return n, nil
}

// Read reads a network of size bytes. Batch norms stay; mixed depthwise
// convolutions that were split into branches become MixConv again, and pads
// become the rule that gives them at the size of the images. All that the graph
// cannot express is refused at once, by an *UnsupportedError.
func Read(r io.ReaderAt, size int64, o ReadOptions) (*Network, error) {
	if size > maxFile {
		return nil, formatError("%d bytes, a protocol buffer has no more than %d", size, maxFile)
	}
	b := make([]byte, size)
	if _, err := r.ReadAt(b, 0); err != nil && err != io.EOF {
		return nil, err
	}
	f, err := decodeModel(b)
	if err != nil {
		return nil, err
	}
	return convert(f, o)
}
