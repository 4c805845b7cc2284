// Command gen turns a finished training run into the embedded model and its
// card.
package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/BurntSushi/toml"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/data/fashion"
	"github.com/mixnet-go/mixnet/internal/atomicfile"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/pretrained"
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/transfer"
)

//go:embed card.md.tmpl
var cardTemplate string

func main() {
	run := flag.String("run", "", "folder of the run")
	full := flag.String("data", "/usr/share/datasets/fashion-mnist", "folder of the whole of Fashion-MNIST")
	to := flag.String("to", ".", "folder to write to")
	took := flag.String("time", "", "how long the training took")
	machine := flag.String("machine", "", "what it ran on")
	flag.Parse()
	log.SetFlags(0)
	if err := write(*run, *full, *to, *took, *machine); err != nil {
		log.Fatal(err)
	}
}

func write(run, full, to, took, machine string) error {
	m, err := model.Open(filepath.Join(run, "model.safetensors"), model.Options{})
	if err != nil {
		return err
	}
	recipe, err := recipeOf(run)
	if err != nil {
		return err
	}
	whole, err := data.Open(full)
	if err != nil {
		return err
	}
	subset, err := data.OpenIDX(fashion.FS(), "fashion-mnist")
	if err != nil {
		return err
	}
	top1, perClass, err := measure(m, whole.Test)
	if err != nil {
		return err
	}
	top1Subset, _, err := measure(m, subset.Test)
	if err != nil {
		return err
	}
	m.Notes = map[string]string{
		pretrained.NoteData:       fmt.Sprintf("Fashion-MNIST, %d training pictures", whole.Train.Len()),
		pretrained.NoteRecipe:     recipe,
		pretrained.NoteCommand:    fmt.Sprintf("mixnet train --threads 2 --data fashion-mnist --model %s --recipe pretrained/fashion.toml --output runs/fashion", m.Network),
		pretrained.NoteTime:       took,
		pretrained.NoteMachine:    machine,
		pretrained.NoteTop1:       percent(top1),
		pretrained.NoteTop1Subset: percent(top1Subset),
	}
	if err := os.WriteFile(filepath.Join(to, "fashion.toml"), []byte(recipe), 0o644); err != nil {
		return err
	}
	path := filepath.Join(to, "fashion.safetensors")
	if err := m.Save(path); err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(to, "CARD.md"), func(w io.Writer) error {
		return template.Must(template.New("card").Parse(cardTemplate)).Execute(w, map[string]any{
			"Network": m.Network, "Parameters": m.Graph.ParamCount(), "Bytes": info.Size(), "Notes": m.Notes,
			"TestImages": whole.Test.Len(), "SubsetImages": subset.Test.Len(), "PerClass": perClass,
		})
	})
}

// recipeOf returns the recipe of a run as TOML.
func recipeOf(run string) (string, error) {
	text, err := os.ReadFile(filepath.Join(run, "config.json"))
	if err != nil {
		return "", err
	}
	var config struct {
		Recipe recipe.Recipe `json:"recipe"`
	}
	if err := json.Unmarshal(text, &config); err != nil {
		return "", fmt.Errorf("%s: config.json: %w", run, err)
	}
	var out bytes.Buffer
	err = toml.NewEncoder(&out).Encode(config.Recipe)
	return out.String(), err
}

// measure returns the share of a set's pictures that the model names right,
// and a table of it by class.
func measure(m *model.Model, d data.Dataset) (top1 float64, perClass string, err error) {
	o, err := transfer.Evaluate(context.Background(), m, d, transfer.Inference{})
	if err != nil {
		return 0, "", err
	}
	right, all := make([]int, o.Classes), make([]int, o.Classes)
	sum := 0
	for i, label := range o.Labels {
		all[label]++
		if o.Ranks[i] == 0 {
			right[label]++
			sum++
		}
	}
	var table strings.Builder
	for i, name := range d.Classes() {
		fmt.Fprintf(&table, "| %s | %s |\n", name, percent(float64(right[i])/float64(all[i])))
	}
	return float64(sum) / float64(len(o.Labels)), table.String(), nil
}

func percent(share float64) string { return fmt.Sprintf("%.2f", 100*share) }
