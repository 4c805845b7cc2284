package command

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/internal/atomicfile"
	"github.com/mixnet-go/mixnet/internal/cpu"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/quantize"
)

type quantizeCmd struct {
	From      string   `arg:"" name:"weights" help:"Weights: a checkpoint, a run folder, .safetensors, .pth, .onnx, or a name such as mixnet_s.ft_in1k; photo, person and fashion are built in."`
	To        string   `short:"o" required:"" placeholder:"FILE" help:"The file to write, .safetensors."`
	Data      string   `short:"d" required:"" placeholder:"DIR" help:"Images like those that the network will see: a data set, or a folder with pictures in it. Labels are not needed; where they are the network's, the accuracy is measured."`
	Images    int      `default:"300" placeholder:"N" help:"How many images to find ranges by."`
	Judge     int      `default:"1000" placeholder:"N" help:"How many others to compare the result on; 0 takes all."`
	Agreement float64  `default:"0.95" placeholder:"F" help:"The least part of these that must get the same class as before: the layers that lose most stay in floats until it is reached. 0 keeps none."`
	Float     []string `placeholder:"LAYER,…" help:"Layers that stay in floats in any case, such as conv_stem or blocks.0."`
	ForONNX   bool     `name:"for-onnx" help:"Round as the operators of ONNX do, a little more coarsely, so that a file from \"export --qdq ort\" computes the same."`
	Seed      uint64   `default:"1" placeholder:"N" help:"Chooses the images."`
	Layers    bool     `help:"List the layers, with the signal to noise ratio of each."`
	Report    string   `placeholder:"FILE" help:"Write a page about the result, .html."`
	Network   string   `placeholder:"NAME" help:"The network, where the weights do not say."`
	Offline   bool     `env:"MIXNET_OFFLINE" help:"Never use the internet."`
	JSON      bool     `name:"json" help:"Print JSON."`
}

// Help says what becomes of the network.
func (c *quantizeCmd) Help() string {
	return "Weights become whole numbers of 8 bits, with a scale for each channel, and so do the results of layers. The file is a quarter as long and is used like any other: " +
		"predict, eval, serve, bench, detect. Its results have the same bits on every processor, unless layers stay in floats. Nothing is trained."
}

func (c *quantizeCmd) check() error {
	switch {
	case !strings.EqualFold(filepath.Ext(c.To), ".safetensors"):
		return usagef("%s: the file to write must end in .safetensors", c.To)
	case c.Report != "" && !hasExtension(c.Report, ".html"):
		return usagef("--report %s: want .html", c.Report)
	case c.Images < 1:
		return usagef("--images %d: at least 1", c.Images)
	case c.Judge < 0:
		return usagef("--judge %d: at least 0", c.Judge)
	case !(c.Agreement >= 0 && c.Agreement <= 1):
		return usagef("--agreement %v: from 0 to 1", c.Agreement)
	case sameFile(c.From, c.To):
		return usagef("%s would be overwritten by what is made of it", c.From)
	}
	return nil
}

func (c *quantizeCmd) Run(e *env) error {
	if err := c.check(); err != nil {
		return err
	}
	m, err := (&modelFlags{Model: c.From, Network: c.Network, Offline: c.Offline}).load(e)
	if err != nil {
		return err
	}
	sets, err := c.sets(e, m)
	if err != nil {
		return err
	}
	loader, err := c.loader(e, m, sets.ranges, 1) // all results of a batch are in memory
	if err != nil {
		return err
	}
	judge, err := c.loader(e, m, sets.judge, 8)
	if err != nil {
		return err
	}
	view := &stageView{e: e}
	o := quantize.Options{Threads: e.cores(), Exact: c.ForONNX, Agreement: c.Agreement, Float: c.Float, Progress: view.tell}
	if c.Agreement == 0 {
		o.Agreement = -1
	}
	r, err := quantize.Run(e.ctx, m, loader, judge, sets.labelled, o)
	view.close()
	if err != nil {
		return err
	}
	for _, b := range loader.Bad() {
		e.note("skipped %v\n", b)
	}
	if !cpu.Has(cpu.AVX512VNNI) && !cpu.Has(cpu.AVXVNNI) {
		e.note("this processor does not multiply bytes (VNNI): here the result is smaller, but about as fast as floats\n")
	}
	if err := r.Model.Save(c.To); err != nil {
		return err
	}
	out, err := c.outcome(r, sets)
	if err != nil {
		return err
	}
	if c.Report != "" {
		if err := atomicfile.Write(c.Report, out.page(e).WriteHTML); err != nil {
			return err
		}
	}
	if c.JSON {
		return e.json(out)
	}
	return out.print(e, c.Layers)
}

// quantizeSets are the images that a network is quantized by.
type quantizeSets struct {
	ranges, judge data.Dataset
	labelled      bool   // the classes of judge are the network's
	source        string // of the images
	same          bool   // there are too few for others to judge by
}

// sets chooses the images.
func (c *quantizeCmd) sets(e *env, m *model.Model) (*quantizeSets, error) {
	out := &quantizeSets{source: c.Data}
	fit, judge, err := c.open(e)
	if err != nil {
		return nil, err
	}
	if out.ranges, out.judge, err = c.divide(fit, judge); err != nil {
		return nil, err
	}
	if out.same = out.judge == nil; out.same {
		out.judge = out.ranges
		e.note("the result is compared on the images that ranges were found by: there are no others\n")
	}
	if _, flat := fit.(data.Pictures); flat || m.Graph.Classes() == 0 {
		return out, nil
	}
	matched, note, err := data.Match(out.judge, m.Classes, m.Graph.Classes())
	if err != nil {
		e.note("accuracy is not measured, only agreement: %v\n", err)
		return out, nil
	}
	if note != "" {
		e.note("%s\n", note)
	}
	out.judge, out.labelled = matched, true
	return out, nil
}

// open opens the data: the images for ranges, and those to judge by if they are
// apart.
func (c *quantizeCmd) open(e *env) (fit, judge data.Dataset, err error) {
	splits, err := e.openData(c.Data)
	if err == nil {
		e.tell(splits)
		_, judge = splits.Evaluation()
		if fit = splits.Train; fit == nil || judge == fit {
			return judge, nil, nil
		}
		return fit, judge, nil
	}
	info, statErr := os.Stat(c.Data)
	if statErr != nil || !info.IsDir() || !errors.Is(err, data.ErrLayout) || errors.Is(err, data.ErrAmbiguous) {
		return nil, nil, err
	}
	files, err := imageFiles([]string{c.Data})
	if err != nil {
		return nil, nil, err
	}
	return data.Pictures(files), nil, nil
}

// divide draws the images for ranges, and others to judge by; nil if there are
// none.
func (c *quantizeCmd) divide(fit, judge data.Dataset) (ranges, judged data.Dataset, err error) {
	rng := rand.New(rand.NewPCG(c.Seed, 0))
	order := rng.Perm(fit.Len())
	if len(order) == 0 {
		return nil, nil, fmt.Errorf("%s: no images", c.Data)
	}
	n := min(c.Images, len(order))
	if judge == nil {
		n = min(n, (3*len(order)+3)/4)
	}
	if ranges, err = data.Subset(fit, order[:n]); err != nil {
		return nil, nil, err
	}
	rest := order[n:]
	if judge == nil {
		judge = fit
	} else {
		rest = rng.Perm(judge.Len())
	}
	if c.Judge > 0 {
		rest = rest[:min(c.Judge, len(rest))]
	}
	if len(rest) == 0 {
		return ranges, nil, nil
	}
	judged, err = data.Subset(judge, rest)
	return ranges, judged, err
}

// quantizeCache bounds the decoded images that are kept from one pass to the next.
const quantizeCache = 256 << 20

func (c *quantizeCmd) loader(e *env, m *model.Model, d data.Dataset, batch int) (*data.Loader, error) {
	return data.NewLoader(data.Cache(d, quantizeCache), data.Config{Preprocess: m.Preprocess(), Batch: batch, Workers: e.cores()})
}

// stageView shows how far stages are.
type stageView struct {
	e    *env
	name string
	bar  *progress
}

func (v *stageView) tell(s quantize.Stage) {
	if s.Name != v.name || v.bar == nil {
		v.close()
		unit := "images"
		if s.Name == quantize.StageBiases {
			unit = "layers"
		}
		v.name, v.bar = s.Name, v.e.newProgress(s.Name, unit, int64(s.Total))
	}
	v.bar.update(int64(s.Done), "")
}

func (v *stageView) close() {
	if v.bar != nil {
		v.bar.done()
	}
}
