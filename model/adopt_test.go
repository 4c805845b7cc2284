package model

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/zoo"
)

func adoptModel(t *testing.T, name string, classes []string, seed uint64) *Model {
	t.Helper()
	spec, err := zoo.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	m, err := New(spec, zoo.Options{}, classes, seed)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// value returns a parameter by name.
func (m *Model) value(name string) []float32 {
	for i, p := range m.Graph.Params {
		if p.Name == name {
			return m.Values[i]
		}
	}
	return nil
}

// A detector takes the backbone of a classifier, and all but the class scores of
// a detector of other classes; of the same classes all.
func TestAdopt(t *testing.T) {
	const detector = "mobilenetv2_035_ssdlite96"
	two, other := []string{"cat", "dog"}, []string{"cow", "hen"}
	backbone := adoptModel(t, "mobilenetv2_035", []string{"a", "b", "c"}, 1)
	m := adoptModel(t, detector, two, 2)
	a, err := m.Adopt(backbone)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range a.Fresh {
		if !strings.HasPrefix(name, "extra.") && !strings.HasPrefix(name, "head.") {
			t.Errorf("%s starts anew", name)
		}
	}
	if !slices.ContainsFunc(a.Unused, func(s string) bool { return strings.HasPrefix(s, "classifier.") }) || len(a.Unused) != 2 {
		t.Errorf("not used: %q", a.Unused)
	}
	for _, name := range a.Taken {
		if !slices.Equal(m.value(name), backbone.value(name)) {
			t.Errorf("%s is not the classifier's", name)
		}
	}
	if in := backbone.Preprocess(); !slices.Equal(m.Input.Mean, in.Mean) || !slices.Equal(m.Input.Std, in.Std) {
		t.Errorf("the input is %+v", m.Input)
	}
	for _, c := range []struct {
		classes []string
		fresh   int
	}{{two, 0}, {other, 12}} { // weights and bias of six maps
		to := adoptModel(t, detector, c.classes, 3)
		before := slices.Clone(to.value("head.classification_head.module_list.0.1.weight"))
		a, err := to.Adopt(m)
		if err != nil || len(a.Fresh) != c.fresh || len(a.Taken)+c.fresh != len(to.Graph.Params) {
			t.Errorf("%v: %d taken, %q fresh, %v", c.classes, len(a.Taken), a.Fresh, err)
		}
		if same := slices.Equal(before, to.value("head.classification_head.module_list.0.1.weight")); same != (c.fresh > 0) {
			t.Errorf("%v: the scores' weights are their own: %t", c.classes, same)
		}
	}
	if _, err := m.Adopt(adoptModel(t, "resnet18", two, 1)); !errors.Is(err, ErrForeign) {
		t.Errorf("of a ResNet: %v", err)
	}
}
