package command

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/mixnet-go/mixnet"
	"github.com/mixnet-go/mixnet/detect"
	"github.com/mixnet-go/mixnet/internal/atomicfile"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/onnx"
	"github.com/mixnet-go/mixnet/zoo"
)

type exportCmd struct {
	From    string   `arg:"" help:"Weights: a checkpoint, .safetensors, .pth, a run folder, or a name such as mixnet_s.ft_in1k."`
	To      string   `short:"o" required:"" placeholder:"FILE" help:"The file to write, .onnx."`
	Network string   `placeholder:"NAME" help:"The network, where the weights do not say."`
	Opset   int      `default:"17" placeholder:"N" help:"Version of ONNX's operators, 13 to 20."`
	Batch   int      `default:"0" placeholder:"N" help:"Images at a time; 0 leaves it to the caller."`
	Size    int      `placeholder:"N" help:"Height and width of the images, which are fixed; the network's own by default."`
	Outputs []string `placeholder:"NAME,…" help:"Results to compute, such as logits,features. Default: logits."`
	NMS     bool     `name:"nms" help:"Of a network that finds objects, make boxes of its results in the file: decoding, threshold and suppression, of one image at a time."`
	Score   float64  `default:"0.5" placeholder:"F" help:"With --nms, the least score of an object. Default: ${default}."`
	IoU     float64  `name:"iou" placeholder:"F" help:"With --nms, a box that overlaps a better one of its class by more than this part is left out. Default: the weights' own."`
	Max     int      `default:"100" placeholder:"N" help:"With --nms, most objects. Default: ${default}."`
	QDQ     string   `name:"qdq" default:"none" enum:"none,ort,openvino" help:"Of a quantized network: write its whole numbers in the form that ONNX Runtime computes with (ort), or OpenVINO (openvino); none writes floats."`
	Offline bool     `env:"MIXNET_OFFLINE" help:"Never use the internet."`
	JSON    bool     `name:"json" help:"Print JSON."`
}

// Help says what is in the file.
func (c *exportCmd) Help() string {
	return `Batch norm is folded into the convolutions, so the file is for running, not for training. Its input "image" takes normalized float32 images, N×C×H×W;
how pictures become those, the classes and the network stand in its metadata. A network that finds objects has the outputs boxes0, scores0, boxes1, … of
its maps, which mixnet reads again; with --nms it has boxes (left, top, right, bottom in parts of the image), scores and classes (from 0), which it does not.`
}

// exported is the JSON of export.
type exported struct {
	File    string   `json:"file"`
	Network string   `json:"network"`
	Params  int64    `json:"params"`
	Classes int      `json:"classes"`
	Opset   int      `json:"opset"`
	Batch   int      `json:"batch"`
	Size    [2]int   `json:"size"`
	Outputs []string `json:"outputs"`
	Bytes   int64    `json:"bytes"`
}

func (c *exportCmd) check() error {
	switch {
	case !strings.EqualFold(filepath.Ext(c.To), ".onnx"):
		return usagef("%s: the file to write must end in .onnx", c.To)
	case c.Opset < onnx.MinOpset || c.Opset > onnx.MaxOpset:
		return usagef("--opset %d: want %d to %d", c.Opset, onnx.MinOpset, onnx.MaxOpset)
	case c.Batch < 0:
		return usagef("--batch %d: want 0, which leaves it to the caller, or more", c.Batch)
	case c.Size < 0:
		return usagef("--size %d: want a number of pixels", c.Size)
	case !c.NMS && (c.Score != mixnet.DefaultScore || c.IoU != 0 || c.Max != 100):
		return usagef("--score, --iou and --max say how boxes are made: with --nms")
	case c.NMS && (c.Batch > 1 || len(c.Outputs) > 0):
		return usagef("--nms makes boxes of the results of one image: --batch and --outputs do not go with it")
	case !(c.Score >= 0 && c.Score < 1):
		return usagef("--score %v: want 0 to less than 1", c.Score)
	case !(c.IoU >= 0 && c.IoU <= 1):
		return usagef("--iou %v: want 0 to 1", c.IoU)
	case c.Max < 1:
		return usagef("--max %d: at least 1", c.Max)
	case sameFile(c.From, c.To):
		return usagef("%s would be overwritten by what is made of it", c.From)
	}
	return nil
}

func (c *exportCmd) Run(e *env) error {
	if err := c.check(); err != nil {
		return err
	}
	m, err := (&modelFlags{Model: c.From, Network: c.Network, Offline: c.Offline}).load(e)
	if err != nil {
		return err
	}
	if m, err = m.Merged(); err != nil {
		return err
	}
	o := onnx.Options{Opset: c.Opset, Batch: c.Batch, Height: c.Size, Width: c.Size, Outputs: c.Outputs, Producer: "mixnet", Version: version()}
	switch c.QDQ {
	case "ort":
		o.QDQ = onnx.ForRuntime
	case "openvino":
		o.QDQ = onnx.ForOpenVINO
	}
	if c.Size == 0 {
		o.Height, o.Width = m.Preprocess().Size[0], m.Preprocess().Size[1]
	}
	switch {
	case c.NMS:
		if o.Objects, err = c.objects(m); err != nil {
			return err
		}
		c.Batch = 1
	case len(o.Outputs) == 0:
		o.Outputs = m.Graph.Results()
	}
	size, err := writeONNX(c.To, m, o)
	if err != nil {
		return err
	}
	out := exported{c.To, m.Network, m.Graph.ParamCount(), m.Options.Classes, c.Opset, c.Batch, [2]int{o.Height, o.Width}, o.Outputs, size}
	if c.NMS {
		out.Outputs = []string{onnx.BoxesName, onnx.ScoresName, onnx.ClassesName}
	}
	if c.JSON {
		return e.json(out)
	}
	batch := "any number of images"
	if c.Batch > 0 {
		batch = plural(c.Batch, "image")
	}
	e.printf("%s: %s, %s parameters, %d classes, opset %d, %s of %d×%d, %.1f MB\n", c.To, m.Network, thousands(out.Params), m.Options.Classes, out.Opset, batch, o.Height, o.Width, float64(size)/1e6)
	return nil
}

// objects says how boxes are made of a model's results.
func (c *exportCmd) objects(m *model.Model) (*onnx.Objects, error) {
	spec, err := m.Spec()
	if err != nil {
		return nil, err
	}
	anchors, ok := zoo.Finds(spec)
	if !ok {
		return nil, fmt.Errorf("--nms: %s classifies and finds no objects", m.Network)
	}
	post := detect.Usual(anchors.Style)
	post.Score, post.Max, post.PerClass = c.Score, c.Max, max(post.PerClass, c.Max)
	if c.IoU > 0 {
		post.IoU = c.IoU
	}
	return &onnx.Objects{Post: post}, nil
}

// writeONNX writes a file whole or not at all, and returns its size.
func writeONNX(path string, m *model.Model, o onnx.Options) (int64, error) {
	count := &counter{}
	err := atomicfile.Write(path, func(w io.Writer) error {
		count.w = w
		return m.ExportONNX(count, o)
	})
	return count.n, err
}

// counter counts the bytes written.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// sameFile reports whether two names are of one file that is there.
func sameFile(a, b string) bool {
	x, err := os.Stat(runCheckpoint(a))
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}
