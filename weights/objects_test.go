package weights

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func open(t *testing.T, name string) *File {
	t.Helper()
	f, err := Open(filepath.Join("testdata/objects", name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// Checkpoints hold paths, times and objects of classes that nothing is known of.
// The tensors beside them are read.
func TestObjectsBeside(t *testing.T) {
	for _, name := range []string{"objects_2.pth", "objects_4.pth"} {
		f := open(t, name)
		if want := []string{"model/conv.weight", "model/conv.bias"}; !slices.Equal(f.Names(), want) {
			t.Errorf("%s: tensors %q, want %q", name, f.Names(), want)
		}
		v, err := f.ReadFloats("model/conv.bias")
		if err != nil || !slices.Equal(v, []float32{1.5, -2.5}) {
			t.Errorf("%s: read %v, %v", name, v, err)
		}
		if got := f.Metadata()["epoch"]; got != "3" {
			t.Errorf("%s: epoch %q", name, got)
		}
	}
	_, err := Open("testdata/objects/tensors_in_object.pth")
	if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), `tensors in a "trainer.State"`) {
		t.Errorf("tensors in an unknown object: %v", err)
	}
}

// Tensors within the arguments, the state and the items of an unknown object
// are found however they are wrapped, and in bounded time.
func TestTensorsInObjects(t *testing.T) {
	tensor := pickleTensor("FloatStorage", "0", 4, 0, pickleTuple(1), pickleTuple(1))
	pairs := strings.Repeat("h\x00h\x00\x86q\x000", 50) + "h\x00" // of the value before with itself
	for name, pickle := range map[string]string{
		"argument":           "cx\ny\n" + tensor + "\x85R",
		"argument of NEWOBJ": "cx\ny\n" + tensor + "\x85\x81",
		"keyword argument":   "cx\ny\n)}" + pickleString("a") + tensor + "s\x92",
		"nested":             "cx\ny\n]}" + pickleString("a") + tensor + "\x85sa\x85R",
		"state":              "cx\ny\n)R}" + pickleString("a") + tensor + "sb",
		"item":               "cx\ny\n)R" + pickleString("a") + tensor + "s",
		"appended":           "cx\ny\n)R" + tensor + "a",
		"part of a class":    "cx\ny\n)R" + tensor + "\x85R",
		"doubled":            "cx\ny\n" + tensor + "q\x000" + pairs + "\x85R",
		"doubled, no tensor": "cx\ny\nK\x01q\x000" + pairs + "\x85R",
	} {
		data := torchZip(t, 0, pickleStart+pickleString("o")+pickle+"s"+pickleString("a")+tensor+pickleEnd, map[string]string{"0": strings.Repeat("\x00", 16)})
		var err error
		used := allocated(func() { _, err = openBytes(data) })
		if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "within each other") && !strings.Contains(err.Error(), `tensors in a "x.y"`) {
			t.Errorf("%s: %v", name, err)
		}
		if used > 64<<20 {
			t.Errorf("%s: allocated %d bytes", name, used)
		}
	}
}

// A tensor of a type that cannot be read is in the way only where it is read.
func TestUnknownTypes(t *testing.T) {
	for name, what := range map[string]string{"float8.pth": "torch.float8_e4m3fn", "float8.safetensors": "F8_E4M3"} {
		f := open(t, name)
		if v, err := f.ReadFloats("conv.weight"); err != nil || v[7] != 7 {
			t.Errorf("%s: read %v, %v", name, v, err)
		}
		if info, ok := f.Info("conv.scale"); !ok || info.DType != Other || !slices.Equal(info.Shape, []int{3}) {
			t.Errorf("%s: %+v, %v", name, info, ok)
		}
		for _, err := range []error{f.Read("conv.scale", make([]float32, 3)), second(f.ReadFloats("conv.scale")), second(f.ReadBytes("conv.scale"))} {
			if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), what) || !strings.Contains(err.Error(), "conv.scale") {
				t.Errorf("%s: error %v does not name %s", name, err, what)
			}
		}
	}
}

func second[T any](_ T, err error) error { return err }
