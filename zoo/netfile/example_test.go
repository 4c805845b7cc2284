package netfile_test

import (
	"fmt"
	"log"

	"github.com/mixnet-go/mixnet/tensor"
	"github.com/mixnet-go/mixnet/zoo"
	"github.com/mixnet-go/mixnet/zoo/netfile"
)

func ExampleParse() {
	network, err := netfile.Parse("mine.toml", []byte(`
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

	_, err = netfile.Parse("mine.toml", []byte("[stem]\nout = 16\nstrides = 2\n"))
	fmt.Println(err)
	// Output:
	// stem [32 32 16] 464 442368
	// blocks.0.0 [16 16 24] 6928 2842624
	// blocks.0.1 [16 16 24] 5958 1198944
	// blocks.0.2 [16 16 24] 5958 1198944
	// head [1 1 10] 4618 787712
	// mine.toml:3: stem: strides: unknown key; did you mean stride?
}
