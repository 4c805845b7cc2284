package weights

import (
	"archive/zip"
	"bytes"
	"slices"
	"testing"
)

// checkFile reads a file that a fuzz target opened. No tensor may take more
// memory than the file has bytes, and whatever can be read survives being
// written and read again.
func checkFile(t *testing.T, f *File, size int) {
	names := f.Names()
	tensors := make([]Tensor, 0, len(names))
	for _, name := range names[:min(len(names), 50)] {
		info, ok := f.Info(name)
		if !ok {
			t.Fatalf("tensor %q has no description", name)
		}
		if bytes := info.Len() * info.DType.Size(); bytes < 0 || bytes > size {
			t.Fatalf("tensor %q of %v %v in a file of %d bytes", name, info.DType, info.Shape, size)
		}
		values, err := f.ReadFloats(name)
		if err == nil && name != "__metadata__" {
			tensors = append(tensors, NewTensor(name, info.Shape, values))
		}
	}
	var b bytes.Buffer
	if err := Write(&b, tensors, nil); err != nil {
		return // a name that is not UTF-8
	}
	again, err := openBytes(b.Bytes())
	if err != nil {
		t.Fatalf("written again: %v", err)
	}
	for _, tensor := range tensors {
		got, err := again.ReadBytes(tensor.Name)
		if err != nil || !bytes.Equal(got, tensor.encode(nil, 0, tensor.len)) {
			t.Fatalf("tensor %q changed: %v", tensor.Name, err)
		}
		if info, _ := again.Info(tensor.Name); !slices.Equal(info.Shape, tensor.Shape) {
			t.Fatalf("tensor %q has become %v", tensor.Name, info.Shape)
		}
	}
}

func fuzzFiles(f *testing.F, suffixes ...string) {
	for _, suffix := range suffixes {
		for _, data := range goldenBytes(f, suffix) {
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if file, err := openBytes(data); err == nil {
			checkFile(t, file, len(data))
		}
	})
}

func FuzzSafetensors(f *testing.F) { fuzzFiles(f, ".safetensors") }

func FuzzTorch(f *testing.F) { fuzzFiles(f, ".pth") }

func FuzzNPY(f *testing.F) { fuzzFiles(f, ".npy", ".npz") }

// FuzzSafetensorsHeader keeps the length before the header right.
func FuzzSafetensorsHeader(f *testing.F) {
	f.Add(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, uint16(8))
	f.Add(`{"__metadata__":{"k":"v"},"a":{"dtype":"BF16","shape":[2,0],"data_offsets":[0,0]},"b":{"dtype":"I64","shape":[],"data_offsets":[0,8]}}  `, uint16(8))
	f.Fuzz(func(t *testing.T, header string, size uint16) {
		data := safetensors(header, int(size))
		if file, err := openBytes(data); err == nil {
			checkFile(t, file, len(data))
		}
	})
}

// FuzzPickle keeps the archive round the pickle right.
func FuzzPickle(f *testing.F) {
	for _, data := range goldenBytes(f, ".pth") {
		r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			continue // the old format
		}
		file := &File{src: bytes.NewReader(data)}
		a, err := file.openArchive(int64(len(data)))
		if err != nil {
			f.Fatal(err)
		}
		for _, e := range r.File {
			if pickle, err := a.read(e.Name, maxPickle); err == nil && bytes.HasSuffix([]byte(e.Name), []byte("data.pkl")) {
				f.Add(string(pickle), "0123456789abcdef")
			}
		}
	}
	f.Add(oneTensor(4, 0, pickleTuple(2, 2), pickleTuple(1, 2)), "0123456789abcdef")
	f.Fuzz(func(t *testing.T, pickle, storage string) {
		data := torchZip(t, zip.Store, pickle, map[string]string{"0": storage, "1": storage})
		if file, err := openBytes(data); err == nil {
			checkFile(t, file, len(data))
		}
	})
}
