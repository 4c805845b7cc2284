package zoo

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"

	"github.com/mixnet-go/mixnet/tensor"
)

// goldenSize is what testdata/params.py wrote of another library's network:
// its multiply-adds at 224×224 and its parameters in order.
type goldenSize struct {
	MACs   int64
	Params []goldenParam
}

var goldenSizes = sync.OnceValues(func() (map[string]goldenSize, error) {
	f, err := os.Open("testdata/params.json.gz")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	var m map[string]goldenSize
	return m, json.NewDecoder(z).Decode(&m)
})

// goldenParam is a JSON array of a name and a shape.
type goldenParam struct {
	name  string
	shape []int
}

func (p *goldenParam) UnmarshalJSON(data []byte) error {
	return json.Unmarshal(data, &[]any{&p.name, &p.shape})
}

// Every parameter of timm's and torchvision's networks, and of those written
// from the papers, has its like here: same name, same shape, same order, none
// missing and none more. Multiply-adds are equal to the last one.
func TestSizesEqualOtherLibraries(t *testing.T) {
	golden, err := goldenSizes()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range golden {
		t.Run(name, func(t *testing.T) {
			s, err := Lookup(name)
			if err != nil {
				t.Fatal(err)
			}
			g, err := s.Build(Options{})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range g.Params {
				got = append(got, fmt.Sprint(p.Name, p.Shape))
			}
			var wanted []string
			for _, p := range want.Params {
				wanted = append(wanted, fmt.Sprint(p.name, p.shape))
			}
			for i := range min(len(got), len(wanted)) {
				if got[i] != wanted[i] {
					t.Fatalf("parameter %d is %s, want %s", i, got[i], wanted[i])
				}
			}
			if !slices.Equal(got, wanted) {
				t.Errorf("%d parameters, want %d", len(got), len(wanted))
			}
			if macs, err := g.MACs(tensor.Shape{N: 1, H: 224, W: 224, C: 3}); err != nil || macs != want.MACs {
				t.Errorf("%d multiply-adds, want %d; %v", macs, want.MACs, err)
			}
		})
	}
}
