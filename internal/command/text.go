package command

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// printable writes what a terminal would take for a command, such as escape
// sequences in a file's name, as Go escapes. Line breaks and tabs stay.
func printable(s string) string {
	if strings.IndexFunc(s, unprintable) < 0 && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case unprintable(r):
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		default:
			b.WriteString(s[i : i+n])
		}
		i += n
	}
	return b.String()
}

// unprintable reports control characters, and the marks that turn the
// direction of what follows.
func unprintable(r rune) bool {
	return r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r))
}

// field writes a name for a line of tab-separated fields: as it is, or, with a
// control character in it or a quote at its front, as a Go string.
func field(s string) string {
	if strings.HasPrefix(s, `"`) || strings.IndexFunc(s, unicode.IsControl) >= 0 {
		return strconv.Quote(s)
	}
	return s
}

// oneLine is a name as a part of a line.
func oneLine(s string) string {
	return printable(strings.NewReplacer("\n", `\n`, "\t", `\t`).Replace(s))
}

// displayWidth returns the columns that a terminal uses for s.
func displayWidth(s string) int {
	n := 0
	for _, r := range s {
		n += runeWidth(r)
	}
	return n
}

func runeWidth(r rune) int {
	if r < 0x300 {
		return 1
	}
	if unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// cut shortens s to a number of columns, with an ellipsis where some is lost.
func cut(s string, columns int) string {
	if displayWidth(s) <= columns {
		return s
	}
	used := 0
	for i, r := range s {
		if used += runeWidth(r); used > columns-1 {
			return s[:i] + "…"
		}
	}
	return s
}

// shellQuote writes an argument as a POSIX shell reads it back.
func shellQuote(s string) string {
	plain := func(r rune) bool {
		return r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("_-./:=@%+,", r)) || r >= utf8.RuneSelf && unicode.IsLetter(r)
	}
	switch {
	case s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0:
		return s
	case utf8.ValidString(s) && strings.IndexFunc(s, unicode.IsControl) < 0:
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	var b strings.Builder
	b.WriteString("$'")
	for i := range len(s) {
		switch c := s[i]; {
		case c == '\'' || c == '\\':
			b.WriteString(`\` + string(rune(c)))
		case c < ' ' || c >= utf8.RuneSelf || c == 0x7f:
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String() + "'"
}

// startedAs returns how the user starts this program: as the first argument
// says, or by "go run" where that built it.
func (p Program) startedAs(arg0 string) string {
	dir := filepath.ToSlash(filepath.Dir(arg0))
	if strings.HasSuffix(dir, "/exe") && strings.Contains(dir, "/go-build") {
		if exists(filepath.Join("cmd", p.Name, "main.go")) {
			return "go run ./cmd/" + p.Name
		}
		return "go run " + p.Module + "/cmd/" + p.Name + "@latest"
	}
	return shellQuote(arg0)
}
