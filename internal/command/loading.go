package command

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/mixnet-go/mixnet"
	"github.com/mixnet-go/mixnet/engine"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/train"
	"github.com/mixnet-go/mixnet/weights/hub"
	"github.com/mixnet-go/mixnet/zoo"
)

// modelFlags say which network and weights to use.
type modelFlags struct {
	Model   string `short:"m" placeholder:"FILE|NAME" help:"Weights: a checkpoint, timm's .safetensors or .pth, an ONNX file, or a name such as mixnet_s.ft_in1k, which is fetched once; photo, fashion and person are built in. Default: the newest run in ./runs, else photo."`
	Network string `placeholder:"NAME" help:"The network of a weight file that does not say."`
	Offline bool   `env:"MIXNET_OFFLINE" help:"Never use the internet: weights must be in the cache."`

	// alone makes a run of the model use one thread, for who runs it on several
	// images at once.
	alone bool
	// precision is what the model is computed in.
	precision engine.Precision
	// newHead is for models whose classifier is about to be replaced.
	newHead bool
	// fallback is the built-in model to use where there is no other.
	fallback builtInModel
	// task is what the newest run must be for to be used, taskClassify or
	// taskDetect; any will do where it is empty.
	task string
}

// runsDir is where training puts its runs, below the working directory.
const runsDir = "runs"

// modelFile is the file of a run folder that holds its result.
const modelFile = "model.safetensors"

// where says where to find the model, with a progress line for downloads.
func (f *modelFlags) where(e *env) mixnet.LoadOptions {
	var bar *progress
	return mixnet.LoadOptions{
		Network: f.Network, NewHead: f.newHead,
		Hub: hub.Client{
			Offline: f.Offline,
			Waiting: func(err error, wait time.Duration) { e.note("%v; trying again in %v\n", err, wait) },
			Progress: func(done, total int64) {
				if bar == nil {
					bar = e.newProgress("fetching weights", "B", total)
				}
				bar.update(done, "")
				if done == total {
					bar.done()
				}
			},
		},
	}
}

// name returns the model to use: the flag, the newest run's, or the built-in
// one.
func (f *modelFlags) name(e *env) (string, error) {
	if f.Model != "" {
		return runCheckpoint(f.Model), nil
	}
	path, err := newestRun(runsDir, func(path string) bool { return f.task == "" || taskOf(path) == f.task })
	if err != nil {
		return "", err
	}
	if path == "" {
		e.note("using the built-in model %s, which knows %s; --model names others\n", f.fallback.name(), f.fallback.knows())
		return f.fallback.name(), nil
	}
	if about := introduceRun(path); about != "" {
		e.note("using the newest run, %s: %s; --model names others\n", path, about)
	} else {
		e.note("using the newest run, %s; --model names others\n", path)
	}
	return path, nil
}

// unknownModel adds the built-in models to what may be meant by a name that is
// none, and how to say what is in a file that does not say it.
func unknownModel(name string, err error) error {
	if errors.Is(err, model.ErrNetwork) {
		return fmt.Errorf("%w; --network says which", err)
	}
	if !errors.Is(err, zoo.ErrUnknown) {
		return err
	}
	for _, near := range zoo.Suggest(name, builtInNames()...) {
		if slices.Contains(builtInNames(), near) {
			return fmt.Errorf("%w %q; did you mean %s, which is built in?", zoo.ErrUnknown, name, near)
		}
	}
	return err
}

// assumed tells what a file did not say of its model.
func (e *env) assumed(name string, h model.Header) {
	if text := h.Notes[model.NoteAssumed]; text != "" && namesONNX(name) {
		e.note("%s: %s\n", name, text)
	}
	if strings.EqualFold(filepath.Ext(name), ".pb") {
		e.note("%s: taken for %s, %d×%d pixels; --network names another\n", name, h.Network, h.Input.Size[0], h.Input.Size[1])
	}
}

// namesModel reports whether a name is that of a file which holds a network with
// its weights.
func namesModel(name string) bool {
	return namesONNX(name) || hasExtension(name, ".safetensors") && exists(name)
}

// namesONNX reports whether a name is that of an ONNX file.
func namesONNX(name string) bool { return strings.EqualFold(filepath.Ext(name), ".onnx") }

// precisionFlag says what a network is computed in.
type precisionFlag struct {
	Precision engine.Precision `default:"auto" enum:"auto,float32,bf16" placeholder:"P" help:"What results and weights of layers are stored as: float32, or bf16, which is quicker with AVX512_BF16 or AMX (doctor says whether there is one). Default: float32, and whole numbers of quantized weights."`
}

// running says how a classifier runs.
func (e *env) running() mixnet.Options { return mixnet.Options{Threads: e.cores()} }

// running says how the model runs.
func (f *modelFlags) running(e *env) mixnet.Options {
	o := e.running()
	o.Precision = f.precision
	if f.alone {
		o.Threads = 1
	}
	return o
}

// load reads the model.
func (f *modelFlags) load(e *env) (*model.Model, error) {
	name, err := f.name(e)
	if err != nil {
		return nil, err
	}
	if m, err := linked(name); m != nil || err != nil {
		return m, err
	}
	m, err := mixnet.Load(e.ctx, name, f.where(e))
	if err != nil {
		return nil, unknownModel(name, err)
	}
	e.assumed(name, m.Header)
	return m, nil
}

// open makes the model ready to run.
func (f *modelFlags) open(e *env) (*mixnet.Classifier, error) {
	name, err := f.name(e)
	if err != nil {
		return nil, err
	}
	if m, err := linked(name); err != nil {
		return nil, err
	} else if m != nil {
		return mixnet.New(m, f.running(e))
	}
	c, err := mixnet.Open(e.ctx, name, mixnet.OpenOptions{LoadOptions: f.where(e), Options: f.running(e)})
	if err != nil {
		return nil, unknownModel(name, err)
	}
	e.assumed(name, c.Header())
	return c, nil
}

// runCheckpoint turns the name of a run folder into that of the weights it
// ended with, or if it has not ended, of the best or the last ones.
func runCheckpoint(name string) string {
	info, err := os.Stat(name)
	if err != nil || !info.IsDir() {
		return name
	}
	for _, file := range []string{modelFile, train.BestFile, train.LastFile} {
		if path := filepath.Join(name, file); exists(path) {
			return path
		}
	}
	return name
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// newestRun returns the best checkpoint of the run that changed last, of those
// whose checkpoint fits; "" if there is none.
func newestRun(dir string, fits func(path string) bool) (string, error) {
	paths, err := fs.Glob(os.DirFS(dir), "*/*.safetensors")
	if err != nil {
		return "", err
	}
	type candidate struct {
		path string
		time int64
	}
	var found []candidate
	for _, p := range paths {
		full := filepath.Join(dir, p)
		if info, err := os.Stat(full); err == nil {
			found = append(found, candidate{full, info.ModTime().UnixNano()})
		}
	}
	slices.SortStableFunc(found, func(a, b candidate) int { return cmp.Compare(b.time, a.time) })
	for _, c := range found {
		if path := runCheckpoint(filepath.Dir(c.path)); fits(path) {
			return path, nil
		}
	}
	return "", nil
}

// taskOf returns the task of a weight file's network; "" if that cannot be read.
func taskOf(path string) string {
	s, err := model.OpenStored(path, model.Options{})
	if err != nil {
		return ""
	}
	defer s.Close()
	if s.Graph.Levels() > 0 {
		return taskDetect
	}
	return taskClassify
}

// runName makes a network's name fit for a folder.
func runName(network string) string {
	name := strings.TrimSuffix(filepath.Base(network), ".toml")
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(`@=,+:*?"<>|\\ `, r) {
			return '-'
		}
		return r
	}, name)
}
