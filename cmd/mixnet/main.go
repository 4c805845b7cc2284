// Command mixnet trains, evaluates and runs image networks built on mixed
// depthwise convolution. What it does is in package internal/command.
package main

import "github.com/mixnet-go/mixnet/internal/command"

func main() {
	command.Main(command.Program{Name: "mixnet", Module: "github.com/mixnet-go/mixnet"})
}
