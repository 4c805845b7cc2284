package command

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"

	"github.com/alecthomas/kong"
	"golang.org/x/term"
)

// invocation is how the program was started.
type invocation struct {
	of             Program
	program        string // how the user starts it, for commands to paste
	args           []string
	stdin          io.Reader
	stdout, stderr io.Writer
}

// env is what every command is given: where to read and write, and when to stop.
type env struct {
	ctx            context.Context
	stdin          io.Reader
	stdout, stderr io.Writer
	threads        int
	store          storeFlags
	noColor        bool
	program        string // how the user starts it
	args           []string
	app            *kong.Application
	given          []string // the flags on the command line
	of             Program
	ranks          Ranks  // nil for a process by itself
	follower       string // how a rank other than the first names itself

	busy sync.RWMutex // see hold
}

// onlyResume reports a flag on the command line that a run to continue has
// settled: all but --resume, these, and those of every command.
func (e *env) onlyResume(flags ...string) error {
	flags = append(flags, "resume", "threads", "no-color", "data-cache", "data-cache-size")
	for _, f := range e.given {
		if !slices.Contains(flags, f) {
			return usagef("--resume continues a run as it began: leave out --%s", f)
		}
	}
	return nil
}

// cores returns the number of threads to use.
func (e *env) cores() int {
	if e.threads > 0 {
		return e.threads
	}
	return runtime.GOMAXPROCS(0)
}

// printf writes to standard output. What the arguments hold of control
// characters is escaped, except in styled text.
func (e *env) printf(format string, args ...any) { fmt.Fprintf(e.stdout, format, harmless(args)...) }

// note writes to standard error, for what is not the result.
func (e *env) note(format string, args ...any) {
	if e.leads() {
		fmt.Fprintf(e.stderr, format, harmless(args)...)
	}
}

// warn writes a line to standard error that should not be overlooked.
func (e *env) warn(format string, args ...any) {
	fmt.Fprintf(e.stderr, "%s %s%s\n", e.style(e.stderr, yellow, "warning:"), e.follower, printable(fmt.Sprintf(format, args...)))
}

// harmless returns arguments of printf that make a terminal do nothing.
func harmless(args []any) []any {
	for i, a := range args {
		switch a := a.(type) {
		case string:
			args[i] = printable(a)
		case error:
			args[i] = printable(a.Error())
		}
	}
	return args
}

// command writes a command line of this program that can be pasted.
func (e *env) command(args ...string) string {
	line := e.program
	for _, a := range args {
		line += " " + shellQuote(a)
	}
	return line
}

// json writes v as indented JSON.
func (e *env) json(v any) error {
	enc := json.NewEncoder(e.stdout)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// jsonLine writes v as JSON in one line.
func (e *env) jsonLine(v any) error {
	enc := json.NewEncoder(e.stdout)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// terminal reports whether w is one, and its width.
func terminal(w io.Writer) (width int, ok bool) {
	if o, wrapped := w.(*output); wrapped {
		w = o.w
	}
	f, isFile := w.(*os.File)
	if !isFile || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width < 20 {
		width = 80
	}
	return width, true
}

// version returns the module's version, or the commit it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return "devel " + s.Value[:min(12, len(s.Value))]
		}
	}
	return "devel"
}
