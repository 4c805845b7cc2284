package serve

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// readSmall reads a body of JSON that only says what to do. An empty one says
// nothing.
func readSmall[T any](h *Handler, w http.ResponseWriter, r *http.Request) (T, error) {
	var v T
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<10))
	if err != nil {
		return v, reading(err, h.options.BodyTimeout)
	}
	received(w)
	if len(bytes.TrimSpace(body)) == 0 {
		return v, nil
	}
	if err := json.Unmarshal(body, &v); err != nil {
		return v, failf(http.StatusBadRequest, "the request is not the JSON that it should be: %w", err)
	}
	return v, nil
}

// scanner walks through JSON without decoding it, so that a tensor of 150,000
// numbers is read once, straight into the floats it holds.
type scanner struct {
	text []byte
	at   int
}

var errJSON = errors.New("not JSON")

func (s *scanner) fail(want string) error {
	return fmt.Errorf("%w: want %s at byte %d", errJSON, want, s.at)
}

func (s *scanner) space() {
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case ' ', '\t', '\n', '\r':
			s.at++
		default:
			return
		}
	}
}

// take passes over a sign, after white space, if it comes next.
func (s *scanner) take(sign byte) bool {
	s.space()
	if s.at < len(s.text) && s.text[s.at] == sign {
		s.at++
		return true
	}
	return false
}

// object calls f with each name of an object; f must pass over the value.
func (s *scanner) object(f func(name string) error) error {
	if !s.take('{') {
		return s.fail("an object")
	}
	if s.take('}') {
		return nil
	}
	for {
		s.space()
		key, err := s.value()
		if err != nil {
			return err
		}
		var name string
		if err := json.Unmarshal(key, &name); err != nil {
			return s.fail("a name before it")
		}
		if !s.take(':') {
			return s.fail("a colon")
		}
		if err := f(name); err != nil {
			return err
		}
		if s.take('}') {
			return nil
		}
		if !s.take(',') {
			return s.fail("a comma or the end of the object")
		}
	}
}

// array calls f at each element of an array; f must pass over it.
func (s *scanner) array(f func() error) error {
	if !s.take('[') {
		return s.fail("an array")
	}
	if s.take(']') {
		return nil
	}
	for {
		if err := f(); err != nil {
			return err
		}
		if s.take(']') {
			return nil
		}
		if !s.take(',') {
			return s.fail("a comma or the end of the array")
		}
	}
}

// value passes over a value of any kind and returns its text, of which only the
// brackets and strings are checked.
func (s *scanner) value() ([]byte, error) {
	s.space()
	start, depth := s.at, 0
	for s.at < len(s.text) {
		switch c := s.text[s.at]; c {
		case '"':
			if err := s.skipString(); err != nil {
				return nil, err
			}
		case '{', '[':
			depth++
			s.at++
		case '}', ']':
			if depth == 0 {
				return s.text[start:s.at], s.checkSome(start)
			}
			depth--
			s.at++
		case ',', ':':
			if depth == 0 {
				return s.text[start:s.at], s.checkSome(start)
			}
			s.at++
		default:
			s.at++
			continue
		}
		if depth == 0 {
			return s.text[start:s.at], nil
		}
	}
	if depth > 0 {
		return nil, s.fail("the end of what was begun")
	}
	return s.text[start:s.at], s.checkSome(start)
}

func (s *scanner) checkSome(start int) error {
	if start == s.at {
		return s.fail("a value")
	}
	return nil
}

func (s *scanner) skipString() error {
	for s.at++; s.at < len(s.text); s.at++ {
		switch s.text[s.at] {
		case '\\':
			s.at++
		case '"':
			s.at++
			return nil
		}
	}
	return s.fail("the end of a string")
}

// end reports what comes after the value.
func (s *scanner) end() error {
	if s.space(); s.at < len(s.text) {
		return s.fail("nothing more")
	}
	return nil
}

// floats reads an array of n numbers, which may be nested.
func floats(text []byte, n int) ([]float32, error) {
	if n > len(text)/2 {
		return nil, fmt.Errorf("data has fewer numbers than the shape says, which is %d", n)
	}
	s := scanner{text: text}
	values := make([]float32, 0, n)
	var element func(depth int) error
	element = func(depth int) error {
		s.space()
		if s.at < len(s.text) && s.text[s.at] == '[' {
			if depth == 8 {
				return s.fail("fewer brackets")
			}
			return s.array(func() error { return element(depth + 1) })
		}
		v, err := s.number()
		if err != nil {
			return err
		}
		if len(values) == n {
			return fmt.Errorf("data has more numbers than the shape says, which is %d", n)
		}
		values = append(values, v)
		return nil
	}
	if err := s.array(func() error { return element(1) }); err != nil {
		return nil, err
	}
	if len(values) < n {
		return nil, fmt.Errorf("data has %d numbers, the shape says %d", len(values), n)
	}
	return values, s.end()
}

func (s *scanner) number() (float32, error) {
	start := s.at
	for s.at < len(s.text) {
		switch c := s.text[s.at]; {
		case c >= '0' && c <= '9', c == '-', c == '+', c == '.', c == 'e', c == 'E':
			s.at++
			continue
		}
		break
	}
	v, err := strconv.ParseFloat(string(s.text[start:s.at]), 32)
	if err != nil {
		s.at = start
		return 0, s.fail("a number that float32 can hold")
	}
	return float32(v), nil
}
