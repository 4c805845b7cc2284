package main

import (
	"os"
	"testing"

	"github.com/mixnet-go/mixnet"
)

// What browsers run says what the library does. The worker itself is tested in
// a browser, by package browsertest.
func TestLook(t *testing.T) {
	picture, err := os.ReadFile("../../pretrained/photo/testdata/parrot.jpg")
	if err != nil {
		t.Fatal(err)
	}
	weights, err := os.ReadFile("../../pretrained/fashion.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	l, err := open(weights)
	if err != nil {
		t.Fatal(err)
	}
	a, err := l.look(picture, 0)
	if err != nil {
		t.Fatal(err)
	}
	want, err := l.network.(*mixnet.Classifier).ClassifyBytes(t.Context(), picture, 5)
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Predictions) != 5 || a.Map == "" || a.Input == "" || len(a.Logits) != 10 {
		t.Fatalf("%+v", a)
	}
	for i, p := range a.Predictions {
		if p.Class != want[i].Class || p.Label != want[i].Label || p.Probability-want[i].Probability > 1e-5 {
			t.Errorf("%+v, want %+v", p, want[i])
		}
	}
	if _, err := l.look([]byte("no picture"), 0); err == nil {
		t.Error("no error for no picture")
	}
	if _, err := open([]byte("no weights")); err == nil {
		t.Error("no error for no weights")
	}
	if _, err := (*looker)(nil).look(picture, 0); err == nil {
		t.Error("no error without a model")
	}
}
