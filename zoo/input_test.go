package zoo

import (
	"reflect"
	"testing"

	"github.com/mixnet-go/mixnet/input"
	"github.com/mixnet-go/mixnet/internal/testkit"
)

// Pictures for published weights are prepared as timm prepares them, and for a
// network's plain name as for the first of its published weights.
func TestInputEqualsTimm(t *testing.T) {
	var timm map[string]input.Preprocess
	if err := testkit.ReadJSON("testdata/timm_input.json", &timm); err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, s := range List() {
		for i, w := range s.About().Weights {
			name := s.About().Name + "." + w.Tag
			want, ok := timm[name]
			if !ok {
				t.Errorf("%s: not in the table of timm's", name)
				continue
			}
			found++
			tagged, err := Lookup(name)
			if err != nil {
				t.Fatal(err)
			}
			if got := tagged.About().Input.WithDefaults(); !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %+v, want %+v", name, got, want)
			}
			if got := s.About().Input.WithDefaults(); i == 0 && !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %+v, its first published weights %+v", s.About().Name, got, want)
			}
		}
	}
	if found != len(timm) {
		t.Errorf("%d published weights, timm has %d", found, len(timm))
	}
}

// The words of files: a network that was stored must stay what it is.
func TestWords(t *testing.T) {
	for i, word := range []string{"inverted", "plain", "linear"} {
		var k Kind
		if err := k.UnmarshalText([]byte(word)); err != nil || k != []Kind{Inverted, Plain, Linear}[i] || k.String() != word {
			t.Errorf("%s is %v, %v", word, k, err)
		}
	}
	for i, word := range []string{"auto", "new", "same"} {
		var p Part
		if err := p.UnmarshalText([]byte(word)); err != nil || p != []Part{AutoPart, NewPart, SamePart}[i] || p.String() != word {
			t.Errorf("%s is %v, %v", word, p, err)
		}
	}
	if err := new(Kind).UnmarshalText([]byte("pmain")); err == nil {
		t.Error("an unknown word: no error")
	}
}
