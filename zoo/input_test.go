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
