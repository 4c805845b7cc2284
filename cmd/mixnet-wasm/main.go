//go:build !js

// Command mixnet-wasm writes what "mixnet serve --browser DIR" gives to
// browsers, so that they run networks themselves:
//
//	go run github.com/mixnet-go/mixnet/cmd/mixnet-wasm DIR
//
// That is this command compiled to WebAssembly, compressed, and the file of the
// Go distribution that such programs need, of the same version. It needs the go
// command, and mixnet's source, which go run has.
package main

import (
	"compress/gzip"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const pkg = "github.com/mixnet-go/mixnet/cmd/mixnet-wasm"

func main() {
	log.SetFlags(0)
	log.SetPrefix("mixnet-wasm: ")
	flag.Usage = func() { fmt.Fprintln(flag.CommandLine.Output(), "usage: mixnet-wasm DIR") }
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	if err := write(flag.Arg(0)); err != nil {
		log.Fatal(err)
	}
}

// write makes the files in a folder.
func write(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	root, err := output("go", "env", "GOROOT")
	if err != nil {
		return err
	}
	support, err := os.ReadFile(filepath.Join(strings.TrimSpace(root), "lib", "wasm", "wasm_exec.js"))
	if err != nil {
		return err
	}
	program := filepath.Join(dir, "mixnet.wasm")
	if _, err := output("go", "build", "-trimpath", "-ldflags=-s -w", "-o", program, pkg); err != nil {
		return err
	}
	if err := compress(program); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "wasm_exec.js"), support, 0o644)
}

// output runs a command for the browser's platform.
func output(name string, args ...string) (string, error) {
	c := exec.Command(name, args...)
	c.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm", "CGO_ENABLED=0")
	c.Stderr = os.Stderr
	out, err := c.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w", c, err)
	}
	return string(out), nil
}

// compress puts a compressed file in the place of one.
func compress(path string) (err error) {
	from, err := os.Open(path)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.Create(path + ".gz")
	if err != nil {
		return err
	}
	z, err := gzip.NewWriterLevel(to, gzip.BestCompression)
	if err == nil {
		_, err = io.Copy(z, from)
	}
	if err == nil {
		err = z.Close()
	}
	if err := errors.Join(err, to.Close()); err != nil {
		return err
	}
	return os.Remove(path)
}
