package command

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/mixnet-go/mixnet/train"
)

// execute runs one command line and returns the exit code.
func execute(ctx context.Context, in invocation) int {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stdout := &output{w: in.stdout, failed: func(err error) {
		if nobodyReads(err) {
			cancel(err)
		}
	}}
	stderr := &output{w: in.stderr}
	e := &env{of: in.of, ctx: ctx, stdin: in.stdin, stdout: stdout, stderr: stderr, program: in.program, args: in.args}
	code := e.run(in.args)
	err := stdout.close()
	switch {
	case err == nil:
		return code
	case nobodyReads(err):
		return exitPipe
	}
	e.failure(fmt.Errorf("standard output: %w", err))
	return max(code, exitFailure)
}

// run parses a command line and does what it says.
func (e *env) run(args []string) int {
	var c cli
	exit := -1
	parser, err := newParser(&c, e, func(code int) { exit = code })
	if err != nil {
		e.failure(err)
		return exitFailure
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	args, changed := carried(args)
	kctx, err := parser.Parse(args)
	if exit >= 0 {
		return exit
	}
	if changed {
		restore(reflect.ValueOf(&c))
	}
	if err != nil {
		e.failure(advised(err))
		e.note("Run \"%s --help\" for usage.\n", e.helpFor(kctx, err))
		return exitUsage
	}
	e.threads, e.store, e.noColor, e.app = c.Threads, c.storeFlags, c.NoColor, parser.Model
	for _, p := range kctx.Path {
		if p.Flag != nil {
			e.given = append(e.given, p.Flag.Name)
		}
	}
	err = e.await(func() error { return kctx.Run(e) })
	return e.leave(err, e.finish(err))
}

// advised adds to the error of an unknown flag how to change a setting of that
// name.
func advised(err error) error {
	_, flag, ok := strings.Cut(err.Error(), "unknown flag ")
	if flag, _, _ = strings.Cut(flag, ","); !ok || setInstead(flag) == "" {
		return err
	}
	return fmt.Errorf("%w; as a setting of the recipe: %s", err, setInstead(flag))
}

// helpFor returns the command whose help says more about a mistake.
func (e *env) helpFor(kctx *kong.Context, err error) string {
	var p *kong.ParseError
	if errors.As(err, &p) {
		kctx = p.Context
	}
	if kctx != nil && kctx.Selected() != nil {
		return e.program + " " + kctx.Selected().Path()
	}
	return e.program
}

// finish prints the outcome of a command and returns the exit code.
func (e *env) finish(err error) int {
	switch {
	case err == nil:
		return exitOK
	case nobodyReads(context.Cause(e.ctx)):
		return exitPipe
	case errors.Is(err, context.Canceled):
		e.note("mixnet: interrupted\n")
		return interruptCode(e.ctx)
	case train.Agreed(err) && !e.leads():
		return exitFailure // the first rank tells
	case !e.leads():
		time.Sleep(firstTells)
	}
	e.failure(err)
	if errors.As(err, new(usageError)) {
		return exitUsage
	}
	return exitFailure
}

func (e *env) failure(err error) {
	fmt.Fprintf(e.stderr, "%s %s%s\n", e.style(e.stderr, red, "mixnet:"), e.follower, printable(err.Error()))
	if more := roomAdvice(err); more != "" {
		e.note("  %s\n", more)
	}
}

// patience is how long a command that has been interrupted may take to end by
// itself, unless it holds on.
const patience = 2 * time.Second

// await runs a command, and after an interruption leaves one alone that does
// not end, such as one that reads a pipe.
func (e *env) await(command func() error) error {
	ended := make(chan error, 1)
	go func() { ended <- command() }()
	select {
	case err := <-ended:
		return err
	case <-e.ctx.Done():
	}
	for {
		select {
		case err := <-ended:
			return err
		case <-time.After(patience):
		}
		if e.busy.TryLock() {
			return e.ctx.Err()
		}
	}
}

// hold makes an interruption wait until release is called: for what is to be
// saved.
func (e *env) hold() (release func()) {
	e.busy.RLock()
	return e.busy.RUnlock
}

// usageError is a mistake on the command line that only the command can see.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }
