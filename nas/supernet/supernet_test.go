package supernet

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/data/fashion"
	"github.com/mixnet-go/mixnet/nas"
	"github.com/mixnet-go/mixnet/nas/spacefile"
	"github.com/mixnet-go/mixnet/recipe"
)

// tiny has all that options can differ in.
const tiny = `name = "tiny"
input = {size = 8, channels = 1}
classes = 10

[stem]
out = [8, 16]
stride = 1

[[stage]]
stride = 2
out = [8, 16]
depth = [1, 2]
kernels = [3, [3, 5], [3, 5, 7]]
expand = [1, 3]
se = [0, 0.25]
act = ["relu", "swish"]
expand_groups = [1, 2]
project_groups = [1, 2]

[head]
out = 16
`

func parse(t testing.TB, text string) *nas.TableSpace {
	t.Helper()
	s, err := spacefile.Parse("tiny.toml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func supernet(t testing.TB, s *nas.TableSpace, sharing Sharing) *Net {
	t.Helper()
	n, err := New(s, sharing, 1)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Every run of a region is where it says.
func TestRegion(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		var r region
		for i := range r.whole {
			r.whole[i] = 1 + rng.IntN(4)
			r.of[i] = 1 + rng.IntN(r.whole[i])
			r.from[i] = rng.IntN(r.whole[i] - r.of[i] + 1)
		}
		var want, got []int
		for a := range r.of[0] {
			for b := range r.of[1] {
				for c := range r.of[2] {
					for d := range r.of[3] {
						at := 0
						for i, v := range [4]int{a, b, c, d} {
							at = at*r.whole[i] + r.from[i] + v
						}
						want = append(want, at)
					}
				}
			}
		}
		r.each(func(own, shared, n int) {
			if own != len(got) {
				t.Fatalf("%+v: a run begins at %d after %d values", r, own, len(got))
			}
			for i := range n {
				got = append(got, shared+i)
			}
		})
		if !slices.Equal(got, want) {
			t.Fatalf("%+v: %v, want %v", r, got, want)
		}
		if at, ok := r.contiguous(); ok && (at != want[0] || want[len(want)-1]-want[0] != len(want)-1) {
			t.Fatalf("%+v is not contiguous", r)
		}
	}
}

// All architectures of the spaces that come with the package are paths.
func TestPaths(t *testing.T) {
	for _, name := range nas.Spaces() {
		s, err := nas.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, sharing := range []Sharing{{}, {Crops: true, Rows: true}} {
			if sharing == (Sharing{}) != (len(s.Stages) < 5) {
				continue // the large ones once
			}
			n := supernet(t, s, sharing)
			rng := rand.New(rand.NewPCG(3, 4))
			for range 20 {
				a := nas.Random(s, rng)
				if _, err := s.Network(a); err != nil {
					continue
				}
				if _, err := n.Path(a); err != nil {
					t.Errorf("%s: %v: %v", name, a, err)
				}
			}
		}
	}
}

// MixConv's kernels of a size are the channels of the tensor of that size which
// the group has, and a smaller expansion the first channels of a larger one.
func TestShared(t *testing.T) {
	s := parse(t, tiny)
	n := supernet(t, s, Sharing{})
	values := func(kernels, expand string) (map[string][]float32, *Path) {
		a := make(nas.Arch, len(s.Decisions()))
		for i, d := range s.Decisions() {
			for o, option := range d.Options {
				if strings.HasSuffix(d.Name, "kernels") && option == kernels || strings.HasSuffix(d.Name, "expansion") && option == expand ||
					strings.HasSuffix(d.Name, "width") && option == "16" {
					a[i] = uint8(o)
				}
			}
		}
		p, err := n.Path(a)
		if err != nil {
			t.Fatal(err)
		}
		v := bind(p, n.Values)
		byName := map[string][]float32{}
		for i, param := range p.Graph.Params {
			byName[param.Name] = v[i]
		}
		return byName, p
	}
	same := func(what string, a, b []float32) {
		t.Helper()
		if len(a) == 0 || len(a) != len(b) || &a[0] != &b[0] {
			t.Errorf("%s do not lie in the same memory", what)
		}
	}
	mixed, _ := values("3,5,7", "3")
	single, _ := values("3", "3")
	two, _ := values("3,5", "3")
	narrow, _ := values("3", "1")
	const dw = "blocks.0.0.conv_dw"
	first := len(mixed[dw+".0.weight"])
	same("the first kernels", mixed[dw+".0.weight"], single[dw+".weight"][:first])
	// Of 48 channels, 3,5 has 5×5 kernels on those from 24 on and 3,5,7 on 16 to 32.
	same("the kernels of 5", mixed[dw+".1.weight"][8*25:], two[dw+".1.weight"][:8*25])
	same("the expansion", narrow["blocks.0.0.conv_pw.weight"], single["blocks.0.0.conv_pw.weight"][:len(narrow["blocks.0.0.conv_pw.weight"])])
	if &narrow["blocks.0.0.bn1.weight"][0] == &single["blocks.0.0.bn1.weight"][0] {
		t.Error("two expansions have one batch norm")
	}
	if &two["blocks.0.0.bn2.weight"][0] == &single["blocks.0.0.bn2.weight"][0] {
		t.Error("two mixes of kernels have one batch norm")
	}
}

// A supernet that no memory holds is an error.
func TestTooLarge(t *testing.T) {
	s := parse(t, strings.Replace(tiny, "out = [8, 16]\ndepth", "out = [8, 20000]\ndepth", 1))
	if _, err := New(s, Sharing{}, 1); err == nil || !strings.Contains(err.Error(), "parameters") {
		t.Error(err)
	}
}

// roles are few images of the built-in set.
func roles(t testing.TB, images int) data.Roles {
	t.Helper()
	splits, err := data.OpenIDX(fashion.FS(), "fashion-mnist")
	if err != nil {
		t.Fatal(err)
	}
	r, err := splits.Plan(data.Policy{Val: 0.1})
	if err != nil {
		t.Fatal(err)
	}
	if _, r.Fit, err = data.Split(r.Fit, float64(images)/float64(r.Fit.Len()), 1); err != nil {
		t.Fatal(err)
	}
	return r
}

func small(t testing.TB) recipe.Recipe {
	t.Helper()
	rec, err := recipe.Preset("small")
	if err != nil {
		t.Fatal(err)
	}
	rec.Epochs, rec.Batch = 2, 16
	return rec
}
