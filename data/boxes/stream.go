package boxes

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// errShape says that a JSON file is not built as COCO's are.
var errShape = errors.New("not as COCO's files are")

// maxElement bounds an element of a JSON file's arrays, in bytes.
const maxElement = 64 << 20

// stream reads a JSON object element by element, in memory for one.
type stream struct {
	*json.Decoder
	in *lines
}

func newStream(r io.Reader) *stream {
	in := &lines{r: bufio.NewReaderSize(r, 64<<10)}
	return &stream{json.NewDecoder(in), in}
}

// line returns the line of what is to be read next, counted from 1.
func (s *stream) line() int {
	n := s.in.at(s.InputOffset())
	// between takes a byte before the next value, and reports whether it is one.
	between := func(c byte) bool {
		if c == '\n' {
			n++
		}
		return strings.IndexByte(" \t\r\n,:", c) >= 0
	}
	if ahead, ok := s.Buffered().(io.ByteReader); ok {
		c, err := ahead.ReadByte()
		for ; err == nil && between(c); c, err = ahead.ReadByte() {
		}
		if err == nil {
			return n
		}
	}
	for i := 1; ; i++ { // the decoder has not read the value yet
		b, err := s.in.r.Peek(i)
		if err != nil || !between(b[i-1]) {
			return n
		}
	}
}

// object calls f for every key of the object, which must read its value.
func (s *stream) object(f func(key string) error) error {
	if err := s.delim('{'); err != nil {
		return err
	}
	for s.More() {
		key, err := s.token()
		if err != nil {
			return err
		}
		name, ok := key.(string)
		if !ok {
			return fmt.Errorf("%v where a key should be", key)
		}
		if err := f(name); err != nil {
			return err
		}
	}
	_, err := s.token()
	return err
}

// array calls f for every element of an array, which must decode it. What is no
// array is an error.
func (s *stream) array(f func(*stream) error) error {
	if err := s.delim('['); err != nil {
		return err
	}
	for s.More() {
		if err := f(s); err != nil {
			return err
		}
	}
	_, err := s.token()
	return err
}

func (s *stream) delim(want json.Delim) error {
	t, err := s.token()
	if err != nil {
		return err
	}
	if t != want {
		return fmt.Errorf("%w: %v where %v should be", errShape, t, want)
	}
	return nil
}

// token is Token with an end of the file that is an error.
func (s *stream) token() (json.Token, error) {
	s.in.bound(s.InputOffset())
	t, err := s.Token()
	return t, cut(err)
}

func (s *stream) decode(v any) error {
	s.in.bound(s.InputOffset())
	return cut(s.Decode(v))
}

// skip passes over a value.
func (s *stream) skip() error {
	depth := 0
	for {
		t, err := s.token()
		if err != nil {
			return err
		}
		switch t {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return nil
		}
	}
}

// cut says in words that a file ends too soon.
func cut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the file is cut off here")
	}
	return err
}

// lines is a reader that knows where lines begin. It writes what Python makes of
// numbers that are none, NaN and Infinity, as strings.
type lines struct {
	r      *bufio.Reader
	total  int64   // read
	limit  int64   // of total
	breaks []int64 // offsets of the line breaks not passed
	passed int     // line breaks passed
	inText bool
	escape bool
}

// errElement says that an element is too large.
var errElement = fmt.Errorf("more than %d bytes in one element", maxElement)

// bound allows one element from an offset on.
func (l *lines) bound(from int64) { l.limit = from + maxElement }

// at returns the line of an offset; offsets come in order.
func (l *lines) at(offset int64) int {
	n, _ := slices.BinarySearch(l.breaks, offset)
	l.passed += n
	l.breaks = l.breaks[:copy(l.breaks, l.breaks[n:])]
	return l.passed + 1
}

// Read implements [io.Reader].
func (l *lines) Read(p []byte) (int, error) {
	if l.limit > 0 && l.total > l.limit {
		return 0, errElement
	}
	n, err := l.r.Read(p[:max(len(p)-16, min(len(p), 1))]) // the rest is for what a word lacks
	for i := 0; i < n; i++ {
		c := p[i]
		switch {
		case l.escape:
			l.escape = false
		case l.inText && c == '\\':
			l.escape = true
		case c == '"':
			l.inText = !l.inText
		case c == '\n':
			l.breaks = append(l.breaks, l.total+int64(i))
		case !l.inText && (c == 'N' || c == 'I'):
			i, n = l.noNumber(p, i, n)
		}
	}
	l.total += int64(n)
	return n, err
}

// noNumber writes a string of the same length over a NaN or Infinity that
// begins at p[i]; n bytes of p are read, and more are if it takes them. It
// returns the last byte looked at, and n.
func (l *lines) noNumber(p []byte, i, n int) (last, read int) {
	word := "NaN"
	if p[i] == 'I' {
		word = "Infinity"
	}
	for n < i+len(word) && n < len(p) {
		c, err := l.r.ReadByte()
		if err != nil {
			return i, n
		}
		p[n] = c
		n++
	}
	end := i + len(word)
	if n < end || string(p[i:end]) != word {
		return i, n
	}
	if i > 0 && p[i-1] == '-' {
		i--
	}
	for j := i; j < end; j++ {
		p[j] = 'n'
	}
	p[i], p[end-1] = '"', '"'
	return end - 1, n
}

// number is a number of a JSON file, NaN for a string or nothing, and 1 for true.
type number float64

// UnmarshalJSON implements [json.Unmarshaler].
func (n *number) UnmarshalJSON(b []byte) error {
	switch {
	case string(b) == "true":
		*n = 1
		return nil
	case string(b) == "false":
		*n = 0
		return nil
	case string(b) == "null", len(b) > 0 && b[0] == '"':
		*n = number(math.NaN())
		return nil
	}
	return json.Unmarshal(b, (*float64)(n))
}
