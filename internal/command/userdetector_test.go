package command

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/zoo"
	"github.com/mixnet-go/mixnet/zoo/netfile"
)

// A network of one's own finds objects, named with a size or by a table in its
// file; weights describe it, so that they need the file no more.
func TestOwnDetector(t *testing.T) {
	dir := t.TempDir()
	plain, tabled := filepath.Join(dir, "mine.toml"), filepath.Join(dir, "finds.toml")
	text := mustRun(t, "info", "mobilenetv2_035", "--toml")
	text = strings.Replace(text, `name = "mobilenetv2_035"`, `name = "mine"`, 1)
	whole := mustRun(t, "info", "mobilenetv2_035_ssdlite96@mix=2", "--toml")
	whole = strings.Replace(whole, `name = "mobilenetv2_035_ssdlite96@mix=2"`, `name = "finds"`, 1)
	for path, text := range map[string]string{plain: text, tabled: whole} {
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	picture := filepath.Join(dir, "a.png")
	noiseFile(t, picture, 60, 40)
	for network, name := range map[string]string{plain + "_ssdlite96@maps=4": "mine_ssdlite96@maps=4", tabled: "finds"} {
		if out := mustRun(t, "info", network, "--svg", filepath.Join(dir, "net.svg")); !strings.Contains(out, "finds objects") || !strings.Contains(out, name) {
			t.Errorf("info %s:\n%s", network, out)
		}
		mustRun(t, "bench", network, "--time", "1ms")
		mustRun(t, "compare", network, "mobilenetv2_035_ssdlite96", "--time", "0")
		spec, err := netfile.Lookup(network)
		if err != nil {
			t.Fatal(err)
		}
		m, err := model.New(spec, zoo.Options{}, []string{"cat", "dog"}, 1)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, name+".safetensors")
		if err := m.Save(file); err != nil {
			t.Fatal(err)
		}
		back, err := model.Open(file, model.Options{})
		if err != nil || back.Network != name || back.Table == nil || back.Graph.ParamCount() != m.Graph.ParamCount() {
			t.Fatalf("opens as %+v, %v", back, err)
		}
		mustRun(t, "detect", "--model", file, picture, "--score", "0", "--classes", "cat")
		mustRun(t, "export", file, "-o", filepath.Join(dir, "x.onnx"))
		mustRun(t, "detect", "--model", filepath.Join(dir, "x.onnx"), picture)
		mustRun(t, "convert", file, filepath.Join(dir, "half.safetensors"))
	}
}
