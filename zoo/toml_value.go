package zoo

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
)

// assign stores a decoded value in a field.
func assign(dst, v any) error {
	switch dst := dst.(type) {
	case *string:
		s, ok := v.(string)
		if !ok {
			return errors.New("want a string")
		}
		*dst = s
	case *bool:
		b, ok := v.(bool)
		if !ok {
			return errors.New("want true or false")
		}
		*dst = b
	case *int:
		i, ok := v.(int64)
		if !ok || i < 0 || i > math.MaxInt32 {
			return errors.New("want a whole number")
		}
		*dst = int(i)
	case *float64:
		x, ok := number(v)
		if !ok {
			return errors.New("want a number")
		}
		*dst = x
	case *[]int:
		list, ok := v.([]any)
		if !ok {
			list = []any{v} // a single kernel size needs no list
		}
		*dst = make([]int, len(list))
		for i, e := range list {
			if assign(&(*dst)[i], e) != nil {
				return errors.New("want whole numbers, such as [3, 5, 7]")
			}
		}
	case *[]float32:
		list, ok := v.([]any)
		*dst = make([]float32, len(list))
		for i, e := range list {
			x, isNumber := number(e)
			ok = ok && isNumber
			(*dst)[i] = float32(x)
		}
		if !ok {
			return errors.New("want numbers, one a channel")
		}
	case *[2]int:
		var sides []int
		if err := assign(&sides, v); err != nil || len(sides) < 1 || len(sides) > 2 {
			return errors.New("want a side or [height, width] in pixels")
		}
		*dst = [2]int{sides[0], sides[len(sides)-1]}
	case enumeration:
		s, ok := v.(string)
		if !ok {
			return errors.New("want a word in quotes")
		}
		return dst.parse(s)
	}
	return nil
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

func stringLists(v any) ([][]string, bool) {
	list, ok := v.([]any)
	var out [][]string
	for _, e := range list {
		inner, isList := e.([]any)
		ok = ok && isList
		var words []string
		for _, w := range inner {
			s, isString := w.(string)
			ok = ok && isString
			words = append(words, s)
		}
		out = append(out, words)
	}
	return out, ok
}

// TOML writes the table as a network file that ParseTOML reads back.
func (n Network) TOML() []byte {
	var b bytes.Buffer
	b.WriteString(encode(n.fields()))
	section := func(header string, fields []field) {
		if body := encode(fields); body != "" || header == "[[stage]]" {
			fmt.Fprintf(&b, "\n%s\n%s", header, body)
		}
	}
	section("[input]", inputFields(&n.Input))
	section("[norm]", normFields(&n.Norm))
	section("[squeeze_excite]", n.SE.fields())
	section("[stem]", n.Stem.fields())
	for i := range n.Stages {
		section("[[stage]]", n.Stages[i].fields())
	}
	section("[head]", n.Head.fields())
	return b.Bytes()
}

// encode writes the fields that are set.
func encode(fields []field) string {
	var b strings.Builder
	for _, f := range fields {
		if reflect.ValueOf(f.value).Elem().IsZero() {
			continue
		}
		text := ""
		switch v := f.value.(type) {
		case *string:
			text = quote(*v)
		case *bool:
			text = strconv.FormatBool(*v)
		case *int:
			text = strconv.Itoa(*v)
		case *float64:
			text = strconv.FormatFloat(*v, 'g', -1, 64)
		case *[]int:
			text = list(*v)
		case *[]float32:
			text = list(*v)
		case *[2]int:
			text = list(v[:])
		case enumeration:
			text = quote(v.String())
		}
		fmt.Fprintf(&b, "%s = %s\n", f.key, text)
	}
	return b.String()
}

func list[T any](v []T) string {
	words := make([]string, len(v))
	for i, x := range v {
		words[i] = fmt.Sprint(x)
	}
	return "[" + strings.Join(words, ", ") + "]"
}

// quote writes a basic string of TOML.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
