package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/alecthomas/kong"
	"golang.org/x/term"
)

// env is what every command is given: where to read and write, and when to stop.
type env struct {
	ctx            context.Context
	stdin          io.Reader
	stdout, stderr io.Writer
	threads        int
	color          bool
	app            *kong.Application
	given          []string // the flags on the command line
}

// onlyResume reports a flag on the command line that a run to continue has
// settled: all but --resume, these, and those of every command.
func (e *env) onlyResume(flags ...string) error {
	flags = append(flags, "resume", "threads", "no-color")
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

// printf writes to standard output.
func (e *env) printf(format string, args ...any) { fmt.Fprintf(e.stdout, format, args...) }

// note writes to standard error, for what is not the result.
func (e *env) note(format string, args ...any) { fmt.Fprintf(e.stderr, format, args...) }

// json writes v as indented JSON.
func (e *env) json(v any) error {
	enc := json.NewEncoder(e.stdout)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// table writes rows in columns. The first row is the header.
func (e *env) table(rows [][]string) error {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, r := range rows {
		fmt.Fprintln(w, strings.Join(r, "\t"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for line := range strings.Lines(b.String()) {
		e.printf("%s\n", strings.TrimRight(line, " \n"))
	}
	return nil
}

// terminal reports whether w is one, and its width.
func terminal(w io.Writer) (width int, ok bool) {
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
