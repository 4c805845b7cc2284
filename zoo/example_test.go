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

func ExampleParseTOML() {
	network, err := zoo.ParseTOML("mine.toml", []byte(`
name = "mine"
input = {size = 32}

[stem]
out = 16
stride = 1

[[stage]]
kernels = [3, 5, 7]
stride = 2
expand = 6
out = 24

[[stage]]
block = "ir_r2_k3.5_s1_e3_c24_se0.25_nsw"

[head]
out = 128
`))
	if err != nil {
		log.Fatal(err)
	}
	g, err := network.Build(zoo.Options{Classes: 10})
	if err != nil {
		log.Fatal(err)
	}
	d, err := zoo.Describe(g, tensor.Shape{N: 1, H: 32, W: 32, C: 3})
	if err != nil {
		log.Fatal(err)
	}
	for _, row := range d.Blocks {
		fmt.Println(row.Name, row.Out[1:], row.Params, row.MACs)
	}

	_, err = zoo.ParseTOML("mine.toml", []byte("[stem]\nout = 16\nstrides = 2\n"))
	fmt.Println(err)
	// Output:
	// stem [32 32 16] 464 442368
	// blocks.0.0 [16 16 24] 6928 2842624
	// blocks.0.1 [16 16 24] 5958 1198944
	// blocks.0.2 [16 16 24] 5958 1198944
	// head [1 1 10] 4618 787712
	// mine.toml:3: stem: strides: unknown key; did you mean stride?
}
