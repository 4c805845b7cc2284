package experiment

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/mixnet-go/mixnet/tensor"
	"github.com/mixnet-go/mixnet/zoo"
	"github.com/mixnet-go/mixnet/zoo/netfile"
)

// searched are the networks whose use of kernels is compared, those that figure
// 8 draws first: results of searches that are chains of blocks.
var searched = []struct {
	panel string
	names []string
}{
	{mixnetPanel, []string{"mixnet_s", "mixnet_m"}},
	{"AtomNAS", []string{"atomnas_a", "atomnas_b", "atomnas_c"}},
	{"ProxylessNAS", []string{"proxylessnas_mobile", "proxylessnas_gpu", "proxylessnas_cpu"}},
	{"MnasNet", []string{"semnasnet_100", "mnasnet_100"}},
	{"FBNet", []string{"fbnet_a", "fbnet_b", "fbnet_c"}},
	{"MobileNetV3", []string{"mobilenetv3_large_100"}},
}

const mixnetPanel = "MixNet"

// drawing is Figure 8: nothing is trained.
var drawing = kind{
	plan: planArchitectures, page: architecturesPage, conclusions: architecturesConclusions, figures: architecturesFigures, csv: writeLayers,
	presets: []Preset{
		{Name: "paper", About: noTraining, Recipe: "mixnet", Paper: true},
		{Name: "quick", About: noTraining, Recipe: "mixnet", Paper: true},
		{Name: "smoke", About: noTraining, Recipe: "mixnet", Paper: true},
	},
}

const noTraining = "nothing is trained; all presets are the same"

// planArchitectures lists the networks, and those of whoever asks.
func planArchitectures(p *Plan, _ Experiment, _ Preset, o Options) error {
	add := func(panel string, n zoo.Network) error {
		a := Planned{Arm: Arm{Panel: panel, Series: n.Name, Label: n.Title, Listed: true}}
		if n.Title == "" {
			a.Label = n.Name
		}
		if n.Paper != nil {
			a.Top1, a.FLOPS = n.Paper.Top1/100, n.Paper.FLOPS
		}
		if err := a.take(n, zoo.Options{}); err != nil {
			return fmt.Errorf("%s: %w", n.Name, err)
		}
		a.PaperParams, a.PaperMACs = a.Params, a.MACs
		p.Arms = append(p.Arms, a)
		return nil
	}
	for _, s := range searched {
		for _, name := range s.names {
			spec, err := zoo.Lookup(name)
			if err != nil {
				return err
			}
			if err := add(s.panel, spec.(zoo.Network)); err != nil {
				return err
			}
		}
	}
	for _, n := range o.Own {
		if err := add(ownSeries, n); err != nil {
			return err
		}
	}
	return nil
}

// archBlock is a block of a network, or its stem or head.
type archBlock struct {
	zoo.Row
	kernels, channels []int // of the depthwise convolution; nil where there is none
	stride            int
	expand            float64 // channels of that over the block's
	se                bool
	act               string
}

// blocksOf describes an arm's network block by block.
func blocksOf(a *Planned) ([]archBlock, error) {
	spec, err := netfile.Parse(a.Series+".toml", []byte(a.Network))
	if err != nil {
		return nil, err
	}
	g, err := spec.Build(zoo.Options{})
	if err != nil {
		return nil, err
	}
	in := spec.About().Input
	d, err := zoo.Describe(g, tensor.Shape{N: 1, H: in.Size[0], W: in.Size[1], C: in.Channels})
	if err != nil {
		return nil, err
	}
	var all []archBlock
	for _, r := range d.Blocks {
		b := archBlock{Row: r, stride: 1}
		for _, l := range d.Layers {
			if l.Block != r.Name || l.Aux {
				continue
			}
			b.stride *= max(l.Stride, 1)
			b.se = b.se || l.Op == "scale"
			if l.Act != "" && l.Act != "sigmoid" && l.Act != "hard_sigmoid" {
				b.act = l.Act
			}
			if l.Op == "depthwise" || l.Op == "mixconv" {
				b.expand = float64(l.In[3]) / float64(r.In[3])
				for _, k := range l.Groups {
					b.kernels, b.channels = append(b.kernels, k.Kernel), append(b.channels, k.Out)
				}
			}
		}
		all = append(all, b)
	}
	return all, nil
}

// meanKernel is that of the channels of a block.
func (b *archBlock) meanKernel() float64 {
	sum, n := 0, 0
	for i, k := range b.kernels {
		sum, n = sum+k*b.channels[i], n+b.channels[i]
	}
	return float64(sum) / float64(max(n, 1))
}

// share is the part of the channels of a block whose kernel is so large.
func (b *archBlock) share(kernel int) float64 {
	large, n := 0, 0
	for i, k := range b.kernels {
		if n += b.channels[i]; k >= kernel {
			large += b.channels[i]
		}
	}
	return float64(large) / float64(max(n, 1))
}

// kernelUse is how a network uses kernels in the first and in the last half of
// its depthwise layers; of an odd number the middle one is in neither.
type kernelUse struct {
	layers      int
	early, late struct{ mean, five, seven float64 } // kernel; shares of channels of at least 5 and 7
	means       []float64                           // kernel by layer
}

func useOf(blocks []archBlock) kernelUse {
	var u kernelUse
	var layers []archBlock
	for _, b := range blocks {
		if b.kernels != nil {
			layers, u.means = append(layers, b), append(u.means, b.meanKernel())
		}
	}
	u.layers = len(layers)
	half := len(layers) / 2
	for i := range half {
		for _, part := range []struct {
			to *struct{ mean, five, seven float64 }
			b  *archBlock
		}{{&u.early, &layers[i]}, {&u.late, &layers[len(layers)-half+i]}} {
			part.to.mean += part.b.meanKernel() / float64(half)
			part.to.five += part.b.share(5) / float64(half)
			part.to.seven += part.b.share(7) / float64(half)
		}
	}
	return u
}

// writeLayers writes a row for every block of every network.
func writeLayers(w io.Writer, p *Plan) error {
	rows := [][]string{{"network", "block", "kernels", "channels", "stride", "expansion", "se", "activation", "height", "width", "in", "out", "params", "macs"}}
	for i := range p.Arms {
		blocks, err := blocksOf(&p.Arms[i])
		if err != nil {
			return err
		}
		for _, b := range blocks {
			rows = append(rows, []string{
				p.Arms[i].Series, b.Name, joined(b.kernels, "+"), joined(b.channels, "+"), strconv.Itoa(b.stride), decimal(b.expand), strconv.FormatBool(b.se), b.act,
				strconv.Itoa(b.Out[1]), strconv.Itoa(b.Out[2]), strconv.Itoa(b.In[3]), strconv.Itoa(b.Out[3]), strconv.FormatInt(b.Params, 10), strconv.FormatInt(b.MACs, 10),
			})
		}
	}
	if err := csv.NewWriter(w).WriteAll(rows); err != nil {
		return fmt.Errorf("experiment %s: %w", p.Experiment, err)
	}
	return nil
}

func joined(v []int, by string) string {
	var words []string
	for _, n := range v {
		words = append(words, strconv.Itoa(n))
	}
	return strings.Join(words, by)
}
