// Package command is the command line of mixnet: what the programs that have it
// read, print and write.
package command

import (
	_ "embed"
	"fmt"
	"os"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/mixnet-go/mixnet/recipe"
)

// Exit codes, as the help text documents them.
const (
	exitOK          = 0
	exitFailure     = 1   // the job failed: bad input, missing file, full disk
	exitUsage       = 2   // the command line is wrong
	exitInterrupted = 130 // Ctrl-C; what was done so far is saved
	exitPipe        = 141 // nobody reads the output any more
)

// cli is the whole command line.
type cli struct {
	Train      trainCmd      `cmd:"" group:"use" help:"Train a network. With no flags: a small MixNet on the built-in Fashion-MNIST subset."`
	Finetune   finetuneCmd   `cmd:"" group:"use" help:"Train the built-in network for photos, or other weights, further on other images, and compare."`
	Eval       evalCmd       `cmd:"" group:"use" help:"Measure a network on labelled images: top-1 and top-5, or COCO's numbers of one that finds objects."`
	Predict    predictCmd    `cmd:"" group:"use" help:"Name what is in images."`
	Serve      serveCmd      `cmd:"" group:"use" help:"Answer HTTP requests: pictures in, classes out, with a page to try it."`
	Detect     detectCmd     `cmd:"" group:"use" help:"Find people, or other objects, in images and draw boxes round them."`
	Search     searchCmd     `cmd:"" group:"use" help:"Search networks: choose from a space, train, keep the best."`
	Experiment experimentCmd `cmd:"" group:"use" help:"Repeat a figure of the MixConv paper, at its scale or in an hour."`
	Convert    convertCmd    `cmd:"" group:"use" help:"Convert weights (.safetensors, .pth, .onnx) to a self-describing file, or a data set to tar shards."`
	Merge      mergeCmd      `cmd:"" group:"use" help:"Join what --shard has written: predictions, detections, evaluations."`
	Export     exportCmd     `cmd:"" group:"use" help:"Write a network as an ONNX file, which other programs run."`
	Quantize   quantizeCmd   `cmd:"" group:"use" help:"Turn a network into one of whole numbers of 8 bits, smaller and faster."`
	Data       dataCmd       `cmd:"" group:"look" help:"Look at images before training: classes, sizes, broken and double ones."`
	Runs       runsCmd       `cmd:"" group:"look" help:"List and compare training runs."`
	Report     reportCmd     `cmd:"" group:"look" help:"Judge a run again and write its report and its model card."`
	Models     modelsCmd     `cmd:"" group:"look" help:"List the networks, with parameters, multiply-adds and published accuracy."`
	Info       infoCmd       `cmd:"" group:"look" help:"Show a network layer by layer."`
	Compare    compareCmd    `cmd:"" group:"look" help:"Set networks side by side: size, memory, measured speed."`
	Bench      benchCmd      `cmd:"" group:"look" help:"Measure the speed of a network on this machine."`
	Doctor     doctorCmd     `cmd:"" group:"look" help:"Show version, processor features, the kernels chosen and the cache."`
	Completion completionCmd `cmd:"" group:"look" help:"Print a completion script for a shell."`
	Help       helpCmd       `cmd:"" group:"look" help:"Show help for a command."`
	Version    versionCmd    `cmd:"" group:"look" help:"Print the version."`
	Complete   completeCmd   `cmd:"" hidden:"" name:"__complete" help:"Answer a completion request of the shell."`

	storeFlags

	Threads     int              `short:"T" default:"0" placeholder:"N" help:"Processor cores to use; 0 means all."`
	NoColor     bool             `help:"Plain text without colours, as with NO_COLOR in the environment."`
	ShowVersion kong.VersionFlag `name:"version" help:"Print the version and exit."`
}

const description = `Image networks built on mixed depthwise convolution (MixConv), on a CPU, without Python.

Start with "%[1]s predict PHOTO", which names what is in it; teach the same network your own classes with "%[1]s finetune --data DIR"; train one from nothing with "%[1]s train" (no flags needed).

Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted by Ctrl-C, 143 by SIGTERM, 129 by SIGHUP, 138 by SIGUSR1 (progress is saved), 141 when nobody reads the output.`

// Main does what the process's arguments say, and ends the process.
func Main(p Program) {
	code := execute(signalContext(), invocation{of: p, program: p.startedAs(os.Args[0]), args: os.Args[1:], stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr})
	if p.Exit != nil {
		p.Exit(code)
	}
	os.Exit(code)
}

func newParser(c *cli, e *env, exit func(int)) (*kong.Kong, error) {
	return kong.New(
		c,
		kong.Name(e.program),
		kong.Description(fmt.Sprintf(description, e.program)),
		kong.Writers(e.stdout, e.stderr),
		kong.Exit(exit),
		kong.Vars{"version": version(), "optimizers": words(recipe.OptimizerKinds())},
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, FlagsLast: true, NoExpandSubcommands: true, WrapUpperBound: 100}),
		kong.ValueFormatter(helpText),
		kong.ExplicitGroups([]kong.Group{
			{Key: "use", Title: "Work with networks:"},
			{Key: "look", Title: "Look things up:"},
			{Key: "recipe", Title: "Recipe, and changes to it (--print-config shows what it says):"},
		}),
	)
}

// helpText is the help of a flag or an argument, with its default where the
// text does not speak of it.
func helpText(v *kong.Value) string {
	text := kong.DefaultHelpValueFormatter(v)
	if !v.HasDefault || v.Default == "" || v.IsBool() || strings.Contains(text, "efault") || v.Flag != nil && strings.Contains(v.Flag.FormatPlaceHolder(), v.Default) {
		return text
	}
	return text + " Default: " + v.Default + "."
}

// jsonText describes what --json prints.
//
//go:embed JSON.md
var jsonText string

// helpCmd shows the help of a command.
type helpCmd struct {
	Command []string `arg:"" optional:"" help:"The command, such as train or bench infer; json for what --json prints."`
}

func (c *helpCmd) Run(e *env) error {
	if len(c.Command) == 1 && c.Command[0] == "json" {
		e.printf("%s", jsonText)
		return nil
	}
	if code := e.run(append(c.Command, "--help")); code != exitOK {
		return usagef("no help for %s", strings.Join(c.Command, " "))
	}
	return nil
}

// versionCmd prints the version.
type versionCmd struct{}

func (c *versionCmd) Run(e *env) error {
	e.printf("%s\n", version())
	return nil
}
