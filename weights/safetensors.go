package weights

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
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
			return formatError("tensor %.100q begins at %d where the data before it ends at %d", t.Name, t.begin, next)
		}
		n, err := elements(t.shape)
		if err != nil {
			return err
		}
		if t.end < t.begin || t.DType != Other && t.end-t.begin != n*int64(t.DType.Size()) {
			return formatError("tensor %.100q: %v of %v at [%d, %d)", t.Name, t.DType, t.shape, t.begin, t.end)
		}
		if t.end > size-data {
			return formatError("tensor %.100q ends at %d, the file's data at %d: the file is cut short or damaged", t.Name, t.end, size-data)
		}
		t.Shape = toInts(t.shape)
		if err := f.add(&stored{Info: t.Info, offset: data + t.begin, unknown: t.unknown}); err != nil {
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
	unknown    string // dtype, if it is not known
	shape      []int64
	begin, end int64
}

// headerParser reads the JSON of a header by hand, so that duplicate and
// unknown keys are seen, nothing can be nested deeper than the format is, and
// a hostile header costs no more than time in proportion to its size.
type headerParser struct {
	rest    []byte
	tensors []headerTensor
	meta    map[string]string
}

func parseHeader(header []byte) (*headerParser, error) {
	if len(header) == 0 || header[0] != '{' || !utf8.Valid(header) {
		return nil, formatError("safetensors header is not a JSON object")
	}
	p := &headerParser{rest: header, meta: map[string]string{}}
	seenMeta := false
	err := p.object(func(key string) error {
		if key != "__metadata__" {
			return p.tensor(key)
		}
		if seenMeta {
			return formatError("safetensors header has two of %.100q", key)
		}
		seenMeta = true
		return p.object(func(key string) error {
			value, err := p.str()
			if _, ok := p.meta[key]; ok {
				return formatError("metadata key %.100q appears twice", key)
			}
			p.meta[key] = value
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	if p.peek() != 0 {
		return nil, p.unexpected("the end")
	}
	return p, nil
}

func (p *headerParser) tensor(name string) error {
	t := headerTensor{Info: Info{Name: name}}
	var dtype string
	var offsets []int64
	var seen [3]bool
	err := p.object(func(key string) (err error) {
		field := slices.Index([]string{"dtype", "shape", "data_offsets"}, key)
		if field < 0 || seen[field] {
			return formatError("tensor %.100q has an unknown key, or two of %.100q", name, key)
		}
		seen[field] = true
		switch field {
		case 0:
			dtype, err = p.str()
		case 1:
			t.shape, err = p.numbers()
		default:
			offsets, err = p.numbers()
		}
		return err
	})
	if err != nil {
		return err
	}
	if seen != [3]bool{true, true, true} || len(offsets) != 2 {
		return formatError("tensor %.100q lacks its dtype, shape or two data_offsets", name)
	}
	if t.DType = parseDType(dtype); t.DType == Other {
		t.unknown = dtype
	}
	t.begin, t.end = offsets[0], offsets[1]
	p.tensors = append(p.tensors, t)
	return nil
}

// peek returns the next byte after spaces, or 0 at the end.
func (p *headerParser) peek() byte {
	p.rest = bytes.TrimLeft(p.rest, " \t\r\n")
	if len(p.rest) == 0 {
		return 0
	}
	return p.rest[0]
}

// accept skips c if it comes next.
func (p *headerParser) accept(c byte) bool {
	if p.peek() != c {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

func (p *headerParser) unexpected(want string) error {
	return formatError("safetensors header has %.20q where %s belongs", p.rest, want)
}

// list reads what stands between open and end, calling item to read each of
// the parts between commas.
func (p *headerParser) list(open, end byte, item func() error) error {
	if !p.accept(open) {
		return p.unexpected(string(open))
	}
	if p.accept(end) {
		return nil
	}
	for {
		if err := item(); err != nil {
			return err
		}
		if p.accept(end) {
			return nil
		}
		if !p.accept(',') {
			return p.unexpected("a comma or " + string(end))
		}
	}
}

// object reads an object, calling value for each key to read its value.
func (p *headerParser) object(value func(key string) error) error {
	return p.list('{', '}', func() error {
		key, err := p.str()
		if err != nil {
			return err
		}
		if !p.accept(':') {
			return p.unexpected("a colon")
		}
		return value(key)
	})
}

func (p *headerParser) str() (string, error) {
	if p.peek() != '"' {
		return "", p.unexpected("a string")
	}
	plain := true
	for i, c := range p.rest[1:] {
		switch {
		case c == '\\' || c < ' ':
			plain = false
		case c == '"' && (plain || !escaped(p.rest[1:i+1])):
			quoted := p.rest[:i+2]
			p.rest = p.rest[i+2:]
			if plain {
				return string(quoted[1 : i+1]), nil
			}
			var s string
			if err := json.Unmarshal(quoted, &s); err != nil {
				return "", formatError("safetensors header: %v", err)
			}
			return s, nil
		}
	}
	return "", p.unexpected("a string that ends")
}

// escaped reports whether the byte after b is escaped: whether b ends in an
// odd number of backslashes.
func escaped(b []byte) bool {
	return (len(b)-len(bytes.TrimRight(b, `\`)))%2 == 1
}

// numbers reads an array of whole numbers, at most maxDims of them.
func (p *headerParser) numbers() ([]int64, error) {
	numbers := []int64{}
	err := p.list('[', ']', func() error {
		p.peek()
		n := 0
		for n < len(p.rest) && p.rest[n] >= '0' && p.rest[n] <= '9' {
			n++
		}
		v, err := strconv.ParseInt(string(p.rest[:n]), 10, 64)
		if err != nil || n > 1 && p.rest[0] == '0' {
			return p.unexpected("a size")
		}
		if len(numbers) == maxDims {
			return formatError("safetensors header has a shape of more than %d dimensions", maxDims)
		}
		p.rest = p.rest[n:]
		numbers = append(numbers, v)
		return nil
	})
	return numbers, err
}
