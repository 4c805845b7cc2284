package netfile

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/zoo"
)

// assign stores a decoded value in a field.
func assign(dst, v any) error {
	switch dst := dst.(type) {
	case *string:
		s, ok := v.(string)
		if !ok {
			return want("a string", v)
		}
		*dst = s
	case *bool:
		b, ok := v.(bool)
		if !ok {
			return want("true or false", v)
		}
		*dst = b
	case *int:
		i, err := whole(v, 0)
		*dst = i
		return err
	case *uint8:
		i, err := whole(v, 0)
		if err == nil && i > math.MaxUint8 {
			return want("a level of 0 to 255", v)
		}
		*dst = uint8(i)
		return err
	case *positive:
		i, err := whole(v, 1)
		*dst = positive(i)
		return err
	case *float64:
		x, ok := number(v)
		if !ok {
			return want("a number", v)
		}
		*dst = x
	case *fraction:
		x, ok := number(v)
		if !ok || !(x > 0 && x <= 1) {
			return want("a number above 0, at most 1", v)
		}
		*dst = fraction(x)
	case *[]int:
		list, ok := v.([]any)
		if !ok {
			list = []any{v} // a single kernel size needs no list
		}
		if len(list) == 0 {
			return errors.New("want at least one whole number")
		}
		*dst = make([]int, len(list))
		for i, e := range list {
			var err error
			if (*dst)[i], err = whole(e, 1); err != nil {
				return fmt.Errorf("%w, as in [3, 5, 7]", err)
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
		if !ok || len(list) == 0 {
			return errors.New("want numbers, one a channel")
		}
	case *[2]int:
		var sides []int
		if err := assign(&sides, v); err != nil || len(sides) > 2 {
			return want("a side or [height, width] in pixels", v)
		}
		*dst = [2]int{sides[0], sides[len(sides)-1]}
	case word:
		s, ok := v.(string)
		if !ok {
			return want("a word in quotes", v)
		}
		if err := dst.UnmarshalText([]byte(s)); err != nil {
			return err
		}
		if act, ok := dst.(*graph.Activation); ok && *act == graph.Identity {
			return errors.New("identity is not a choice: left out, the activation is the network's")
		}
	}
	return nil
}

// whole returns a whole number of at least lo.
func whole(v any, lo int64) (int, error) {
	i, ok := v.(int64)
	if !ok || i < lo || i > math.MaxInt32 {
		return 0, want(fmt.Sprintf("a whole number, %d or more", lo), v)
	}
	return int(i), nil
}

// want says what a value should have been, and short ones what they are.
func want(what string, v any) error {
	switch v := v.(type) {
	case int64, float64, bool:
		return fmt.Errorf("%v: want %s", v, what)
	case string:
		return fmt.Errorf("%.40q: want %s", v, what)
	}
	return errors.New("want " + what)
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

// Encode writes a table as a network file that Parse reads back.
func Encode(n zoo.Network) []byte {
	var b bytes.Buffer
	b.WriteString(encode(networkFields(&n)))
	section := func(header string, fields []field) {
		if body := encode(fields); body != "" || header == "[[stage]]" {
			fmt.Fprintf(&b, "\n%s\n%s", header, body)
		}
	}
	section("[input]", inputFields(&n.Input))
	section("[norm]", normFields(&n.Norm))
	section("[squeeze_excite]", squeezeFields(&n.SE))
	section("[stem]", stemFields(&n.Stem))
	for i := range n.Stages {
		section("[[stage]]", stageFields(&n.Stages[i]))
	}
	section("[head]", headFields(&n.Head))
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
		case *uint8:
			text = strconv.Itoa(int(*v))
		case *positive:
			text = strconv.Itoa(int(*v))
		case *float64:
			text = strconv.FormatFloat(*v, 'g', -1, 64)
		case *fraction:
			text = strconv.FormatFloat(float64(*v), 'g', -1, 64)
		case *[]int:
			text = list(*v)
		case *[]float32:
			text = list(*v)
		case *[2]int:
			text = list(v[:])
		case word:
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
