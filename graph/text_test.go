package graph

import (
	"encoding"
	"strings"
	"testing"
)

// The words of files: a network that was stored must stay what it is.
func TestWords(t *testing.T) {
	check := func(what string, values []encoding.TextMarshaler, read encoding.TextUnmarshaler, words string) {
		for i, word := range strings.Fields(words) {
			text, err := values[i].MarshalText()
			if err != nil || string(text) != word {
				t.Errorf("%s %d is %q, %v; want %q", what, i, text, err, word)
			}
			if err := read.UnmarshalText([]byte(word)); err != nil {
				t.Error(err)
			}
		}
		if err := read.UnmarshalText([]byte("Swish?")); err == nil || !strings.Contains(err.Error(), `unknown `+what+` "Swish?"; known: `) {
			t.Errorf("an unknown word: %v", err)
		}
	}
	check("activation", []encoding.TextMarshaler{Identity, ReLU, ReLU6, Swish, HardSwish, Sigmoid, HardSigmoid}, new(Activation), "identity relu relu6 swish hard_swish sigmoid hard_sigmoid")
	check("padding", []encoding.TextMarshaler{Symmetric, Same, Valid}, new(Padding), "symmetric same valid")
	check("partition", []encoding.TextMarshaler{Equal, Exponential}, new(Partition), "equal exponential")
	var a Activation
	if err := a.UnmarshalText([]byte("hard_swish")); err != nil || a != HardSwish {
		t.Errorf("hard_swish is %v, %v", a, err)
	}
	if _, err := Activation(200).MarshalText(); err == nil {
		t.Error("a number without a word: no error")
	}
}

// Renamed leaves the network that it was called on alone.
func TestRenamed(t *testing.T) {
	b := NewBuilder("n", 3)
	b.Output(Logits, b.Linear("fc", b.GlobalPool("pool", b.Input()), 2, true))
	g, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	other, err := g.Renamed(func(_ ParamID, p Param) (string, []int) { return "head." + p.Name, append(p.Shape, 1) })
	if err != nil {
		t.Fatal(err)
	}
	if got := other.Params[0]; got.Name != "head.fc.weight" || len(got.Shape) != 3 || g.Params[0].Name != "fc.weight" || len(g.Params[0].Shape) != 2 {
		t.Errorf("%+v, was %+v", got, g.Params[0])
	}
	if other.Named("m").Name != "m" || other.Name != "n" {
		t.Error("Named changes the network")
	}
	for _, to := range []func(ParamID, Param) (string, []int){
		func(_ ParamID, p Param) (string, []int) { return "same", p.Shape },
		func(_ ParamID, p Param) (string, []int) { return "", p.Shape },
		func(_ ParamID, p Param) (string, []int) { return p.Name, []int{1} },
	} {
		if _, err := g.Renamed(to); err == nil {
			t.Error("no error")
		}
	}
}
