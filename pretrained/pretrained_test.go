package pretrained

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/data/fashion"
	"github.com/mixnet-go/mixnet/transfer"
)

// TestAccuracy checks that the model does on the built-in test pictures what
// its header says, to the picture.
func TestAccuracy(t *testing.T) {
	m, err := Fashion()
	if err != nil {
		t.Fatal(err)
	}
	splits, err := data.OpenIDX(fashion.FS(), "fashion-mnist")
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(m.Classes) != fmt.Sprint(splits.Test.Classes()) {
		t.Fatalf("classes %q, the data set's are %q", m.Classes, splits.Test.Classes())
	}
	o, err := transfer.Evaluate(t.Context(), m, splits.Test, transfer.Inference{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	right := 0
	for _, rank := range o.Ranks {
		if rank == 0 {
			right++
		}
	}
	got := fmt.Sprintf("%.2f", 100*float64(right)/float64(len(o.Ranks)))
	if want := m.Notes[NoteTop1Subset]; got != want {
		t.Errorf("%s %% of %d pictures, the header says %q", got, len(o.Ranks), want)
	}
}

// TestCard checks that the card and the recipe beside it are the model's.
func TestCard(t *testing.T) {
	m, err := Fashion()
	if err != nil {
		t.Fatal(err)
	}
	card, err := os.ReadFile("CARD.md")
	if err != nil {
		t.Fatal(err)
	}
	facts := map[string]string{
		"network": fmt.Sprintf("`%s`, %d parameters, %d bytes", m.Network, m.Graph.ParamCount(), len(file)),
	}
	for _, key := range []string{NoteData, NoteRecipe, NoteCommand, NoteTime, NoteMachine, NoteTop1, NoteTop1Subset} {
		facts[key] = m.Notes[key]
	}
	for key, fact := range facts {
		if fact == "" || !strings.Contains(string(card), fact) {
			t.Errorf("%s: the header says %q, the card does not", key, fact)
		}
	}
	recipe, err := os.ReadFile("fashion.toml")
	if err != nil {
		t.Fatal(err)
	}
	if string(recipe) != m.Notes[NoteRecipe] {
		t.Errorf("fashion.toml is not the recipe in the header")
	}
	if most := 2_000_000; len(file) > most {
		t.Errorf("%d bytes: want at most %d", len(file), most)
	}
}
