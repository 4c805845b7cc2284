package nas_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/mixnet-go/mixnet/nas"
	"github.com/mixnet-go/mixnet/zoo/netfile"
)

// The networks that bench/macro.sh trains are those of their keys.
func TestMacroFiles(t *testing.T) {
	s, err := nas.Lookup("nas-bench-macro")
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"10110100", "11110200", "21220200"} {
		a, err := nas.ParseArch(s, key)
		if err != nil {
			t.Fatal(err)
		}
		want, err := s.Network(a)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join("..", "bench", "networks", "macro_"+key+".toml"))
		if err != nil {
			t.Fatal(err)
		}
		want.Name, want.Title = "macro_"+key, "NAS-Bench-Macro "+key
		if string(got) != string(netfile.Encode(want)) {
			t.Errorf("%s: the file is another network's", key)
		}
	}
}
