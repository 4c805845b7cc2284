package zoo_test

import (
	"fmt"
	"log"

	"github.com/mixnet-go/mixnet/tensor"
	"github.com/mixnet-go/mixnet/zoo"
)

func ExampleLookup() {
	for _, name := range []string{"mixnet_s", "mobilenetv2_100@mix=4,partition=exponential", "mixnet_m@width=1.3"} {
		spec, err := zoo.Lookup(name)
		if err != nil {
			log.Fatal(err)
		}
		g, err := spec.Build(zoo.Options{Classes: 10})
		if err != nil {
			log.Fatal(err)
		}
		macs, err := g.MACs(tensor.Shape{N: 1, H: 224, W: 224, C: 3})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s: %d parameters, %.1f M multiply-adds\n", spec.About().Name, g.ParamCount(), float64(macs)/1e6)
	}
	// Output:
	// mixnet_s: 2612976 parameters, 237.7 M multiply-adds
	// mobilenetv2_100@mix=4,partition=exponential: 2365130 parameters, 340.9 M multiply-adds
	// mixnet_m@width=1.3: 5807622 parameters, 553.7 M multiply-adds
}
