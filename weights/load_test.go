package weights_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/weights"
	"github.com/mixnet-go/mixnet/zoo"
)

func network(t testing.TB, name string, o zoo.Options) *graph.Graph {
	t.Helper()
	spec, err := zoo.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	g, err := spec.Build(o)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// small is a network with two parameters in front of a classifier.
func small(t testing.TB, classes int) *graph.Graph {
	t.Helper()
	b := graph.NewBuilder("small", 3)
	b.Norm = graph.Norm{Eps: 1e-5}
	x := b.Conv("conv_stem", b.Input(), graph.ConvSpec{Out: 4, Kernel: 3})
	x = b.BatchNorm("bn1", x)
	x = b.GlobalPool("pool", x)
	b.Output(graph.Logits, b.Linear("classifier", x, classes, true))
	g, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// numbered returns values that tell where they belong.
func numbered(g *graph.Graph) graph.Values[float32] {
	v := graph.NewValues[float32](g)
	for i := range v {
		for j := range v[i] {
			v[i][j] = float32(i) + float32(j)/(1<<12)
		}
	}
	return v
}

// write returns an open file of tensors.
func write(t testing.TB, tensors []weights.Tensor) *weights.File {
	t.Helper()
	var b bytes.Buffer
	if err := weights.Write(&b, tensors, nil); err != nil {
		t.Fatal(err)
	}
	f, err := weights.NewFile(bytes.NewReader(b.Bytes()), int64(b.Len()), "test.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func tensors(t testing.TB, prefix string, g *graph.Graph, v graph.Values[float32]) []weights.Tensor {
	t.Helper()
	list, err := weights.Tensors(prefix, g, v)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// foreign returns the names that other programs give a network's parameters.
func foreign(g *graph.Graph) (o weights.Options) {
	for _, n := range zoo.ForeignNames(g) {
		o.Names = append(o.Names, weights.NameMap{Source: n.Source, Names: n.Names, Add: n.Add, Err: n.Err})
	}
	return o
}

func sameValues(a, b graph.Values[float32]) bool {
	return slices.EqualFunc(a, b, func(x, y []float32) bool { return slices.Equal(x, y) })
}

// TestNameMaps gives the parameters of real networks the names that PyTorch
// code of other sources gives them.
func TestNameMaps(t *testing.T) {
	data, err := os.ReadFile("testdata/names.json")
	if err != nil {
		t.Fatal(err)
	}
	var sources map[string]struct {
		Network string
		Modules [][2]string
	}
	if err := json.Unmarshal(data, &sources); err != nil {
		t.Fatal(err)
	}
	eps := map[string]float64{"torchvision MobileNetV3": 1e-3 - 1e-5}
	for source, s := range sources {
		t.Run(source, func(t *testing.T) {
			g := network(t, s.Network, zoo.Options{})
			theirs := map[string]string{}
			for _, pair := range s.Modules {
				theirs[pair[1]] = pair[0]
			}
			v := numbered(g)
			list := tensors(t, "", g, v)
			for i, p := range g.Params {
				dot := strings.LastIndexByte(p.Name, '.')
				module, ok := theirs[p.Name[:dot]]
				if !ok {
					t.Fatalf("%s has no module %s", source, p.Name[:dot])
				}
				list[i].Name = module + p.Name[dot:]
			}
			got, r, err := weights.Load(g, write(t, list), foreign(g))
			if err != nil {
				t.Fatal(err)
			}
			name, _, _ := strings.Cut(source, " small")
			if name == "timm ResNet" {
				name = weights.OwnNames
			}
			if r.Names != name || r.Loaded != len(g.Params) {
				t.Errorf("loaded %d of %d parameters by the names of %q", r.Loaded, len(g.Params), r.Names)
			}
			for i, p := range g.Params {
				want := v[i][0]
				if p.Kind == graph.RunningVar {
					want += float32(eps[name])
				}
				if math.Abs(float64(got[i][0]-want)) > 1e-6*float64(want) {
					t.Fatalf("%s starts with %v, want %v", p.Name, got[i][0], want)
				}
			}
		})
	}
}

// TestPaddingOfSource gives TensorFlow's weights to a network that pads in
// PyTorch's way: names and shapes fit, the results would be wrong.
func TestPaddingOfSource(t *testing.T) {
	tf := network(t, "tf_efficientnet_lite0", zoo.Options{})
	list := tensors(t, "", tf, numbered(tf))
	data, err := os.ReadFile("testdata/names.json")
	if err != nil {
		t.Fatal(err)
	}
	var sources map[string]struct{ Modules [][2]string }
	if err := json.Unmarshal(data, &sources); err != nil {
		t.Fatal(err)
	}
	for i := range list {
		for _, pair := range sources["efficientnet_lite_pytorch"].Modules {
			if rest, ok := strings.CutPrefix(list[i].Name, pair[1]+"."); ok {
				list[i].Name = pair[0] + "." + rest
				break
			}
		}
	}
	f := write(t, list)
	if _, _, err := weights.Load(tf, f, foreign(tf)); err != nil {
		t.Error(err)
	}
	lite := network(t, "efficientnet_lite0", zoo.Options{})
	_, _, err = weights.Load(lite, f, foreign(lite))
	if !errors.Is(err, weights.ErrMismatch) || !strings.Contains(err.Error(), "pads") {
		t.Errorf("error %v", err)
	}
}

func TestLoadSections(t *testing.T) {
	g := small(t, 5)
	one, two := numbered(g), numbered(g)
	for i := range two {
		for j := range two[i] {
			two[i][j] += 100
		}
	}
	half := func(list []weights.Tensor) []weights.Tensor { return list[:len(list)/2] }
	counter := weights.NewTensor("bn1.num_batches_tracked", nil, []int64{9})
	step := weights.NewTensor("step", []int{1}, []int64{9})
	for name, c := range map[string]struct {
		tensors []weights.Tensor
		options weights.Options
		want    graph.Values[float32]
		section string
	}{
		"plain":            {tensors(t, "", g, one), weights.Options{}, one, ""},
		"module":           {tensors(t, "module.", g, one), weights.Options{}, one, "module."},
		"wrapped twice":    {tensors(t, "state_dict/module.", g, one), weights.Options{}, one, "state_dict/module."},
		"EMA":              {append(tensors(t, "state_dict/", g, one), tensors(t, "state_dict_ema/", g, two)...), weights.Options{}, two, "state_dict_ema/"},
		"only EMA":         {tensors(t, "ema/", g, two), weights.Options{}, two, "ema/"},
		"exact":            {append(tensors(t, "", g, one), tensors(t, "ema/", g, two)...), weights.Options{Exact: true}, one, ""},
		"incomplete EMA":   {append(tensors(t, "model/", g, one), half(tensors(t, "ema/", g, two))...), weights.Options{}, one, "model/"},
		"optimizer":        {append(tensors(t, "model/", g, one), tensors(t, "momentum/", g, two)...), weights.Options{}, one, "model/"},
		"optimizer beside": {append(tensors(t, "", g, one), append(tensors(t, "a/", g, two), tensors(t, "zz/", g, two)...)...), weights.Options{}, one, ""},
		"other name":       {tensors(t, "backbone.", g, two), weights.Options{}, two, "backbone."},
		"counters":         {append(tensors(t, "", g, one), counter), weights.Options{}, one, ""},
		"beside sections":  {append(tensors(t, "model/", g, one), step), weights.Options{}, one, "model/"},
	} {
		got, r, err := weights.Load(g, write(t, c.tensors), c.options)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if r.Section != c.section || !sameValues(got, c.want) || r.Loaded != len(g.Params) {
			t.Errorf("%s: loaded %d parameters from section %q, want %q", name, r.Loaded, r.Section, c.section)
		}
		if name == "counters" && !slices.Equal(r.Ignored, []string{counter.Name}) {
			t.Errorf("ignored %q", r.Ignored)
		}
	}
}

func TestLoadMismatch(t *testing.T) {
	g := small(t, 5)
	all := tensors(t, "", g, numbered(g))
	extra := weights.NewTensor("conv_extra.weight", []int{1}, []float32{1})
	for name, c := range map[string]struct {
		tensors []weights.Tensor
		options weights.Options
		says    []string
	}{
		"nothing known":  {[]weights.Tensor{extra}, weights.Options{}, []string{"7 of 7", "conv_stem.weight", "3 more", "1 tensors", "conv_extra.weight"}},
		"one missing":    {all[1:], weights.Options{}, []string{"1 of 7", "conv_stem.weight"}},
		"one unexpected": {append(slices.Clone(all), extra), weights.Options{}, []string{"1 tensors are not", "conv_extra.weight"}},
		"other shape": {
			append(slices.Clone(all[1:]), weights.NewTensor("conv_stem.weight", []int{4, 3, 3}, make([]float32, 36))),
			weights.Options{},
			[]string{"conv_stem.weight ([4 3 3] in the file, [4 3 3 3] in the network)"},
		},
		"other order": {
			append(slices.Clone(all[1:]), weights.NewTensor("conv_stem.weight", []int{3, 4, 3, 3}, make([]float32, 108))),
			weights.Options{},
			[]string{"conv_stem.weight ([3 4 3 3] in the file"},
		},
		"other classes":                 {tensors(t, "", small(t, 7), numbered(small(t, 7))), weights.Options{}, []string{"7 classes", "network for 5"}},
		"damaged EMA":                   {append(tensors(t, "model/", g, numbered(g)), tensors(t, "ema/", g, numbered(g))[1:]...), weights.Options{}, []string{"1 of 7", "conv_stem.weight"}},
		"not exact":                     {tensors(t, "module.", g, numbered(g)), weights.Options{Exact: true}, []string{"7 of 7"}},
		"other channels":                {append(slices.Clone(all[1:]), weights.NewTensor("conv_stem.weight", []int{4, 1, 3, 3}, make([]float32, 36))), weights.Options{}, []string{"images of 1 channels", "network for 3"}},
		"head does not excuse the rest": {all[1:], weights.Options{ReplaceHead: true}, []string{"conv_stem.weight"}},
	} {
		v, _, err := weights.Load(g, write(t, c.tensors), c.options)
		if !errors.Is(err, weights.ErrMismatch) || v != nil {
			t.Errorf("%s: error %v", name, err)
			continue
		}
		for _, s := range append(c.says, "test.safetensors", "small") {
			if !strings.Contains(err.Error(), s) {
				t.Errorf("%s: error %q does not say %q", name, err, s)
			}
		}
	}
}

func TestReplaceHead(t *testing.T) {
	seven, five := small(t, 7), small(t, 5)
	v := numbered(seven)
	for name, list := range map[string][]weights.Tensor{
		"other classes": tensors(t, "", seven, v),
		"no head":       tensors(t, "", seven, v)[:5],
		"other layers": append(tensors(t, "", seven, v)[:5],
			weights.NewTensor("classifier.1.weight", []int{2, 4}, make([]float32, 8)), weights.NewTensor("classifier.1.bias", []int{2}, make([]float32, 2))),
	} {
		o := weights.Options{ReplaceHead: true, Seed: 3}
		got, r, err := weights.Load(five, write(t, list), o)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if want := []string{"classifier.weight", "classifier.bias"}; !slices.Equal(r.Initial, want) || r.Loaded != 5 {
			t.Errorf("%s: left %q", name, r.Initial)
		}
		initial := graph.NewValues[float32](five)
		five.Initialize(initial, o.Seed)
		if !sameValues(got[:5], v[:5]) || !sameValues(got[5:], initial[5:]) {
			t.Errorf("%s: wrong values", name)
		}
	}
	// Without being asked to, neither is accepted.
	if _, _, err := weights.Load(five, write(t, tensors(t, "", seven, v)[:5]), weights.Options{}); !errors.Is(err, weights.ErrMismatch) {
		t.Errorf("no head: %v", err)
	}
	// Check says the same without reading.
	r, err := weights.Check(five, write(t, tensors(t, "", seven, v)), weights.Options{ReplaceHead: true})
	if err != nil || r.Classes != 7 || r.Loaded != 5 || len(r.Initial) != 2 {
		t.Errorf("checked: %+v, %v", r, err)
	}
	// A head that fits is kept.
	got, r, err := weights.Load(seven, write(t, tensors(t, "", seven, v)), weights.Options{ReplaceHead: true})
	if err != nil || len(r.Initial) > 0 || !sameValues(got, v) {
		t.Errorf("left %q, %v", r.Initial, err)
	}
}

// TestLinearAsConvolution loads a classifier that is stored as a 1×1
// convolution.
func TestLinearAsConvolution(t *testing.T) {
	g := small(t, 5)
	v := numbered(g)
	list := tensors(t, "", g, v)
	list[5].Shape = append(list[5].Shape, 1, 1)
	got, _, err := weights.Load(g, write(t, list), weights.Options{})
	if err != nil || !sameValues(got, v) {
		t.Error(err)
	}
}

// TestLoadTorchCheckpoint loads the checkpoint of a training script that
// PyTorch wrote: the moving average in it.
func TestLoadTorchCheckpoint(t *testing.T) {
	g := small(t, 5)
	for _, name := range []string{"checkpoint.pth", "checkpoint_legacy.pth"} {
		f, err := weights.Open(filepath.Join("testdata/more", name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		const want = "state_dict_ema/"
		v, r, err := weights.Load(g, f, weights.Options{})
		if err != nil || r.Section != want {
			t.Errorf("%s: %v, section %q", name, err, r.Section)
			continue
		}
		for i, p := range g.Params {
			direct, err := f.ReadFloats(want + p.Name)
			if err != nil || !slices.Equal(direct, v[i]) {
				t.Errorf("%s: %s differs, %v", name, p.Name, err)
			}
		}
	}
}

func TestSaveRoundTrip(t *testing.T) {
	g := network(t, "mixnet_s", zoo.Options{Classes: 10})
	v := numbered(g)
	want := map[string]string{"a": "\"quoted\" é", "b": "", "top1": "75.6"}
	path := filepath.Join(t.TempDir(), "w.safetensors")
	if err := weights.WriteFile(path, tensors(t, "", g, v), want); err != nil {
		t.Fatal(err)
	}
	f, err := weights.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	got, r, err := weights.Load(g, f, weights.Options{Exact: true})
	if err != nil || !sameValues(got, v) || r.Loaded != len(g.Params) {
		t.Fatalf("loaded %d parameters, %v", r.Loaded, err)
	}
	if meta := f.Metadata(); !maps.Equal(meta, want) {
		t.Errorf("metadata %v, want %v", meta, want)
	}
	if _, err := weights.Tensors("", small(t, 2), numbered(small(t, 3))); err == nil {
		t.Error("values of another network: no error")
	}
}

// Values that no training leaves behind are refused, with the tensor and the
// place named.
func TestBadValues(t *testing.T) {
	g := small(t, 2)
	index := g.ParamIndex()
	for _, c := range []struct {
		param string
		value float64
		says  string
	}{
		{"conv_stem.weight", math.NaN(), `tensor "conv_stem.weight": value 1, NaN, is not finite`},
		{"classifier.bias", math.Inf(-1), `tensor "classifier.bias": value 1, -Inf, is not finite`},
		{"bn1.weight", 3e38, `tensor "bn1.weight": value 1, 3e+38, is too large`},
		{"bn1.running_var", -1e-3, `tensor "bn1.running_var": value 1, -0.001, is a variance below zero`},
		{"bn1.running_var", 1e30, `tensor "bn1.running_var": value 1, 1e+30, is too large`},
		{"bn1.running_mean", -1e-3, ""},
		{"bn1.running_var", 0, ""},
	} {
		v := numbered(g)
		v[index[c.param]][1] = float32(c.value)
		_, _, err := weights.Load(g, write(t, tensors(t, "", g, v)), weights.Options{})
		if c.says == "" && err != nil {
			t.Errorf("%s of %g: %v", c.param, c.value, err)
		}
		if c.says != "" && (!errors.Is(err, weights.ErrValue) || !strings.Contains(err.Error(), "test.safetensors: "+c.says)) {
			t.Errorf("%v, want %s", err, c.says)
		}
	}
}

// Parameters of whole numbers are those of a quantized network, whose scales are
// elsewhere.
func TestQuantizedWeights(t *testing.T) {
	g := small(t, 2)
	for _, c := range []struct {
		name, as string
		bad      bool
	}{{"conv_stem.weight", "I8", true}, {"classifier.bias", "I32", true}, {"bn1.weight", "F64", false}} {
		list := tensors(t, "", g, numbered(g))
		for i, tensor := range list {
			if tensor.Name != c.name {
				continue
			}
			n := g.Params[g.ParamIndex()[c.name]].Len()
			switch c.as {
			case "I8":
				list[i] = weights.NewTensor(c.name, tensor.Shape, make([]int8, n))
			case "I32":
				list[i] = weights.NewTensor(c.name, tensor.Shape, make([]int32, n))
			case "F64":
				list[i] = weights.NewTensor(c.name, tensor.Shape, make([]float64, n))
			}
		}
		_, _, err := weights.Load(g, write(t, list), weights.Options{})
		if c.bad != errors.Is(err, weights.ErrFormat) || c.bad && !strings.Contains(err.Error(), c.name) {
			t.Errorf("%s as %s: error %v", c.name, c.as, err)
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	g := network(b, "mixnet_s", zoo.Options{})
	v := numbered(g)
	path := filepath.Join(b.TempDir(), "w.safetensors")
	if err := weights.WriteFile(path, tensors(b, "", g, v), nil); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(4 * g.ParamCount())
	for b.Loop() {
		f, err := weights.Open(path)
		if err != nil {
			b.Fatal(err)
		}
		if _, _, err := weights.Load(g, f, weights.Options{}); err != nil {
			b.Fatal(err)
		}
		if err := f.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSave(b *testing.B) {
	g := network(b, "mixnet_s", zoo.Options{})
	v := numbered(g)
	path := filepath.Join(b.TempDir(), "w.safetensors")
	b.SetBytes(4 * g.ParamCount())
	for b.Loop() {
		if err := weights.WriteFile(path, tensors(b, "", g, v), nil); err != nil {
			b.Fatal(err)
		}
	}
}
