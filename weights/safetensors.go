package weights

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"
)

// maxHeader is the largest header the safetensors format allows.
const maxHeader = 100_000_000

// looksLikeSafetensors reports whether a file begins with a possible length
// and an opening brace.
func looksLikeSafetensors(head []byte, size int64) bool {
	if len(head) < 9 || head[8] != '{' {
		return false
	}
	length := binary.LittleEndian.Uint64(head)
	return length <= maxHeader && int64(length) <= size-8
}

// parseSafetensors reads the header of a safetensors file: eight bytes of
// length, little-endian, then JSON, then the tensors' bytes. As the format
// demands, they must fill the rest of the file without gaps or overlaps.
func (f *File) parseSafetensors(size int64) error {
	var prefix [8]byte
	if size < 8 {
		return formatError("%d bytes are too few for a safetensors file", size)
	}
	if err := readFull(f.src, prefix[:], 0); err != nil {
		return err
	}
	length := binary.LittleEndian.Uint64(prefix[:])
	if length > maxHeader || int64(length) > size-8 {
		return formatError("safetensors header of %d bytes in a file of %d", length, size)
	}
	header := make([]byte, length)
	if err := readFull(f.src, header, 8); err != nil {
		return err
	}
	p, err := parseHeader(header)
	if err != nil {
		return err
	}
	f.format, f.meta = Safetensors, p.meta

	slices.SortStableFunc(p.tensors, func(a, b headerTensor) int {
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end))
	})
	data := int64(8 + length)
	next := int64(0)
	for _, t := range p.tensors {
		if t.begin != next {
			return formatError("tensor %q begins at %d where the data before it ends at %d", t.Name, t.begin, next)
		}
		n, err := elements(t.shape)
		if err != nil {
			return err
		}
		if t.end < t.begin || t.end-t.begin != n*int64(t.DType.Size()) {
			return formatError("tensor %q: %v of %v at [%d, %d)", t.Name, t.DType, t.shape, t.begin, t.end)
		}
		if t.end > size-data {
			return formatError("tensor %q ends at %d, the file's data at %d: the file is cut short or damaged", t.Name, t.end, size-data)
		}
		t.Shape = toInts(t.shape)
		if err := f.add(&stored{Info: t.Info, offset: data + t.begin}); err != nil {
			return err
		}
		next = t.end
	}
	if next != size-data {
		return formatError("%d bytes after the last tensor", size-data-next)
	}
	return nil
}

// headerTensor is an entry of the header before its offsets are checked.
type headerTensor struct {
	Info
	shape      []int64
	begin, end int64
}

// headerParser reads the header token by token, so that duplicate and unknown
// keys are seen and nothing is nested deeper than the format is.
type headerParser struct {
	dec     *json.Decoder
	tensors []headerTensor
	meta    map[string]string
}

func parseHeader(header []byte) (*headerParser, error) {
	if len(header) == 0 || header[0] != '{' || !utf8.Valid(header) {
		return nil, formatError("safetensors header is not a JSON object")
	}
	p := &headerParser{dec: json.NewDecoder(bytes.NewReader(header)), meta: map[string]string{}}
	p.dec.UseNumber()
	seenMeta := false
	err := p.object(func(key string) error {
		if key != "__metadata__" {
			return p.tensor(key)
		}
		if seenMeta {
			return formatError("safetensors header has two of %q", key)
		}
		seenMeta = true
		return p.object(func(key string) error {
			value, err := p.str()
			if _, ok := p.meta[key]; ok {
				return formatError("metadata key %q appears twice", key)
			}
			p.meta[key] = value
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	if rest := bytes.Trim(header[p.dec.InputOffset():], " \t\r\n"); len(rest) > 0 {
		return nil, formatError("safetensors header has bytes after its end")
	}
	return p, nil
}

func (p *headerParser) token() (json.Token, error) {
	t, err := p.dec.Token()
	if err != nil {
		return nil, formatError("safetensors header: %v", err)
	}
	return t, nil
}

func (p *headerParser) delim(want json.Delim) error {
	t, err := p.token()
	if err == nil && t != want {
		err = formatError("safetensors header has %v where %v belongs", t, want)
	}
	return err
}

func (p *headerParser) str() (string, error) {
	t, err := p.token()
	if err != nil {
		return "", err
	}
	s, ok := t.(string)
	if !ok {
		return "", formatError("safetensors header has %v where a string belongs", t)
	}
	return s, nil
}

// object reads an object, calling value for each key to read its value.
func (p *headerParser) object(value func(key string) error) error {
	if err := p.delim('{'); err != nil {
		return err
	}
	for p.dec.More() {
		key, err := p.str()
		if err != nil {
			return err
		}
		if err := value(key); err != nil {
			return err
		}
	}
	return p.delim('}')
}

func (p *headerParser) tensor(name string) error {
	t := headerTensor{Info: Info{Name: name}}
	var dtype string
	var offsets []int64
	seen := map[string]bool{}
	err := p.object(func(key string) (err error) {
		if seen[key] {
			return formatError("tensor %q has two of %q", name, key)
		}
		seen[key] = true
		switch key {
		case "dtype":
			dtype, err = p.str()
		case "shape":
			t.shape, err = p.numbers()
		case "data_offsets":
			offsets, err = p.numbers()
		default:
			err = formatError("tensor %q has an unknown key %q", name, key)
		}
		return err
	})
	if err != nil {
		return err
	}
	if len(seen) != 3 || len(offsets) != 2 {
		return formatError("tensor %q lacks its dtype, shape or two data_offsets", name)
	}
	if t.DType, err = parseDType(dtype); err != nil {
		return formatError("tensor %q: %v", name, err)
	}
	t.begin, t.end = offsets[0], offsets[1]
	p.tensors = append(p.tensors, t)
	return nil
}

// numbers reads an array of whole numbers, at most maxDims of them.
func (p *headerParser) numbers() ([]int64, error) {
	if err := p.delim('['); err != nil {
		return nil, err
	}
	numbers := []int64{}
	for p.dec.More() {
		t, err := p.token()
		if err != nil {
			return nil, err
		}
		n, ok := t.(json.Number)
		if !ok {
			return nil, formatError("safetensors header has %v where a number belongs", t)
		}
		v, err := strconv.ParseUint(n.String(), 10, 64)
		if err != nil || v > math.MaxInt64 {
			return nil, formatError("safetensors header has the number %s where a size belongs", n)
		}
		if len(numbers) == maxDims {
			return nil, formatError("safetensors header has a shape of more than %d dimensions", maxDims)
		}
		numbers = append(numbers, int64(v))
	}
	return numbers, p.delim(']')
}
