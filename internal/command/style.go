package command

import (
	"io"
	"os"
)

// styled is text with the escape sequences of a terminal, which printf leaves
// as they are.
type styled string

// The styles, as SGR parameters.
const (
	bold   = "1"
	red    = "1;31"
	green  = "32"
	yellow = "33"
	faint  = "2"
)

// style returns text in a style, or as it is where w shows none.
func (e *env) style(w io.Writer, sgr, text string) styled {
	if sgr == "" || !e.colors(w) {
		return styled(printable(text))
	}
	return styled("\x1b[" + sgr + "m" + printable(text) + "\x1b[0m")
}

// colors reports whether w shows colours: a terminal, unless it is a dumb one
// or the user wants none.
func (e *env) colors(w io.Writer) bool {
	if e.noColor || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	_, ok := terminal(w)
	return ok
}
