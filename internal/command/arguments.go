package command

import (
	"reflect"
	"strings"
	"unicode/utf8"
)

// Names of files are bytes, which need not be UTF-8, and the parser of the
// command line replaces what is not. So such bytes pass it as characters of
// Plane 16's private use area, and become bytes again in what it has filled in.
const rawBytes = 0x10ff00

// carried returns the arguments for the parser, and whether restore is needed.
func carried(args []string) (out []string, changed bool) {
	for _, arg := range args {
		if utf8.ValidString(arg) {
			out = append(out, arg)
			continue
		}
		changed = true
		var b strings.Builder
		for len(arg) > 0 {
			r, n := utf8.DecodeRuneInString(arg)
			if r == utf8.RuneError && n == 1 {
				r = rawBytes + rune(arg[0])
			}
			b.WriteRune(r)
			arg = arg[n:]
		}
		out = append(out, b.String())
	}
	return out, changed
}

// restored is the argument that was carried as s.
func restored(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r >= rawBytes && r <= rawBytes+0xff {
			b.WriteByte(byte(r - rawBytes))
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// restore restores every string of a command line that was filled in.
func restore(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			restore(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			restore(v.Field(i))
		}
	case reflect.Slice:
		for i := range v.Len() {
			restore(v.Index(i))
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			if v.MapIndex(k).Kind() == reflect.String {
				v.SetMapIndex(k, reflect.ValueOf(restored(v.MapIndex(k).String())))
			}
		}
	case reflect.String:
		if v.CanSet() && !utf8ASCII(v.String()) {
			v.SetString(restored(v.String()))
		}
	}
}

func utf8ASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r >= rawBytes }) < 0
}
