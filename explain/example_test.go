package explain_test

import (
	"context"
	"fmt"
	"math"

	"github.com/mixnet-go/mixnet/explain"
	"github.com/mixnet-go/mixnet/pretrained"
	"github.com/mixnet-go/mixnet/tensor"
)

// A map divides the logit of a class among the positions of the image.
func Example() {
	m, err := pretrained.Fashion()
	if err != nil {
		fmt.Println(err)
		return
	}
	e, err := explain.New(m, 0)
	if err != nil {
		fmt.Println(err) // wraps explain.ErrNotLinear for networks without such maps
		return
	}
	defer e.Close()
	x := tensor.New[float32](tensor.Shape{N: 1, H: 28, W: 28, C: 1}) // as the network's preprocessing makes it
	r, err := e.Run(context.Background(), x)
	if err != nil {
		fmt.Println(err)
		return
	}
	class := 8
	found, err := r.Map(class)
	if err != nil {
		fmt.Println(err)
		return
	}
	mean := 0.0
	for _, v := range found.Values {
		mean += float64(v) / float64(len(found.Values))
	}
	rest := mean + float64(found.Bias) - float64(r.Logits[class])
	fmt.Printf("%s: a map of %d×%d, exact: %v\n", m.Label(class), found.H, found.W, math.Abs(rest) < 1e-3)
	// Output: bag: a map of 7×7, exact: true
}
