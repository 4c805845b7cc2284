// Command mixnet trains, evaluates and runs image networks built on mixed
// depthwise convolution.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// Exit codes, as the help text documents them.
const (
	exitOK          = 0
	exitFailure     = 1   // the job failed: bad input, missing file, full disk
	exitUsage       = 2   // the command line is wrong
	exitInterrupted = 130 // Ctrl-C; what was done so far is saved
)

// cli is the whole command line.
type cli struct {
	Train      trainCmd      `cmd:"" group:"use" help:"Train a network. With no flags: a small MixNet on the built-in Fashion-MNIST subset."`
	Finetune   finetuneCmd   `cmd:"" group:"use" help:"Train published or own weights further on other images, and compare."`
	Eval       evalCmd       `cmd:"" group:"use" help:"Measure top-1 and top-5 accuracy on a folder of images."`
	Predict    predictCmd    `cmd:"" group:"use" help:"Name what is in images."`
	Runs       runsCmd       `cmd:"" group:"look" help:"List and compare training runs."`
	Models     modelsCmd     `cmd:"" group:"look" help:"List the networks, with parameters, multiply-adds and published accuracy."`
	Info       infoCmd       `cmd:"" group:"look" help:"Show a network layer by layer."`
	Compare    compareCmd    `cmd:"" group:"look" help:"Set networks side by side: size, memory, measured speed."`
	Bench      benchCmd      `cmd:"" group:"look" help:"Measure the speed of a network on this machine."`
	Doctor     doctorCmd     `cmd:"" group:"look" help:"Show version, processor features, the kernels chosen and the cache."`
	Convert    convertCmd    `cmd:"" group:"use" help:"Convert weights (.safetensors, .pth) to a self-describing file."`
	Completion completionCmd `cmd:"" group:"look" help:"Print a completion script for a shell."`
	Complete   completeCmd   `cmd:"" hidden:"" name:"__complete" help:"Answer a completion request of the shell."`

	Threads int              `short:"T" default:"0" placeholder:"N" help:"Processor cores to use; 0 means all."`
	NoColor bool             `env:"NO_COLOR" help:"Plain text without colours."`
	Version kong.VersionFlag `help:"Print the version and exit."`
}

const description = `Image networks built on mixed depthwise convolution (MixConv), on a CPU, without Python.

Start with "mixnet train" (no flags needed), then "mixnet predict IMAGE".
Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted (progress is saved).`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(execute(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// execute runs one command line and returns the exit code.
func execute(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	var c cli
	exit := -1
	parser, err := newParser(&c, stdout, stderr, func(code int) { exit = code })
	if err != nil {
		fmt.Fprintln(stderr, "mixnet:", err)
		return exitFailure
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	kctx, err := parser.Parse(args)
	if exit >= 0 {
		return exit
	}
	if err != nil {
		fmt.Fprintf(stderr, "mixnet: %v\nRun \"mixnet --help\" for usage.\n", err)
		return exitUsage
	}
	e := &env{ctx: ctx, stdin: stdin, stdout: stdout, stderr: stderr, threads: c.Threads, color: !c.NoColor, app: parser.Model}
	for _, p := range kctx.Path {
		if p.Flag != nil {
			e.given = append(e.given, p.Flag.Name)
		}
	}
	err = kctx.Run(e)
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(stderr, "mixnet: interrupted")
		return exitInterrupted
	case errors.As(err, new(usageError)):
		fmt.Fprintln(stderr, "mixnet:", err)
		return exitUsage
	default:
		fmt.Fprintln(stderr, "mixnet:", err)
		return exitFailure
	}
}

func newParser(c *cli, stdout, stderr io.Writer, exit func(int)) (*kong.Kong, error) {
	return kong.New(
		c,
		kong.Name("mixnet"),
		kong.Description(description),
		kong.UsageOnError(),
		kong.Writers(stdout, stderr),
		kong.Exit(exit),
		kong.Vars{"version": version()},
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, FlagsLast: true, WrapUpperBound: 100}),
		kong.ExplicitGroups([]kong.Group{
			{Key: "use", Title: "Work with networks:"},
			{Key: "look", Title: "Look things up:"},
			{Key: "recipe", Title: "Recipe, and changes to it:"},
		}),
	)
}

// usageError is a mistake on the command line that only the command can see.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }
