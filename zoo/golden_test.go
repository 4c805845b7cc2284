package zoo

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
)

// goldenParams returns the parameter names and shapes of other libraries'
// networks, as testdata/params.py wrote them.
var goldenParams = sync.OnceValues(func() (map[string][]goldenParam, error) {
	f, err := os.Open("testdata/params.json.gz")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	var m map[string][]goldenParam
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

// otherNames maps names of ours that differ from the library's.
var otherNames = map[string]string{}

// Every parameter of timm's and torchvision's networks has its like here:
// same name, same shape, same order, none missing and none more.
func TestParametersEqualOtherLibraries(t *testing.T) {
	golden, err := goldenParams()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range golden {
		t.Run(name, func(t *testing.T) {
			s, err := Lookup(or(otherNames[name], name))
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
			for _, p := range want {
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
		})
	}
}
