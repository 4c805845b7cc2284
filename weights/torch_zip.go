package weights

import (
	"archive/zip"
	"hash/crc32"
	"strings"
)

// archive is a zip file whose entries are not compressed, as PyTorch and NumPy
// write it, so that they can be read in place.
type archive struct {
	f       *File
	size    int64
	names   []string
	entries map[string]*zip.File
}

func (f *File) openArchive(size int64) (*archive, error) {
	r, err := zip.NewReader(f.src, size)
	if err != nil {
		return nil, formatError("zip archive: %v: the file is cut short or damaged", err)
	}
	a := &archive{f: f, size: size, entries: make(map[string]*zip.File, len(r.File))}
	for _, e := range r.File {
		if a.entries[e.Name] != nil {
			return nil, formatError("the archive has two of %.200q", e.Name)
		}
		a.entries[e.Name] = e
		a.names = append(a.names, e.Name)
	}
	return a, nil
}

// locate returns where an entry's bytes lie.
func (a *archive) locate(name string) (offset, size int64, crc uint32, err error) {
	e := a.entries[name]
	if e == nil {
		return 0, 0, 0, formatError("the archive lacks %.200q", name)
	}
	if e.Method != zip.Store || e.CompressedSize64 != e.UncompressedSize64 || e.Flags&1 != 0 {
		return 0, 0, 0, formatError("%.200q in the archive is compressed or encrypted: only plain entries can be read", name)
	}
	if offset, err = e.DataOffset(); err != nil {
		return 0, 0, 0, formatError("%.200q in the archive: %v", name, err)
	}
	if offset > a.size || e.UncompressedSize64 > uint64(a.size-offset) {
		return 0, 0, 0, formatError("%.200q in the archive ends after the file", name)
	}
	return offset, int64(e.UncompressedSize64), e.CRC32, nil
}

// read returns the bytes of a small entry, after comparing their checksum
// unless the writer left it out.
func (a *archive) read(name string, limit int64) ([]byte, error) {
	offset, size, crc, err := a.locate(name)
	if err != nil {
		return nil, err
	}
	if size > limit {
		return nil, formatError("%.200q in the archive has %d bytes, more than %d", name, size, limit)
	}
	b := make([]byte, size)
	if err := readFull(a.f.src, b, offset); err != nil {
		return nil, err
	}
	if sum := crc32.ChecksumIEEE(b); crc != 0 && sum != crc {
		return nil, formatError("checksum of %.200q in the archive is wrong: the file is damaged", name)
	}
	return b, nil
}

// parseArchive reads a zip file: PyTorch's or NumPy's.
func (f *File) parseArchive(size int64) error {
	a, err := f.openArchive(size)
	if err != nil {
		return err
	}
	arrays := false
	for _, name := range a.names {
		if root, ok := strings.CutSuffix(name, "data.pkl"); ok && (root == "" || strings.Count(root, "/") == 1 && strings.HasSuffix(root, "/")) {
			return a.parseTorch(root)
		}
		arrays = arrays || strings.HasSuffix(name, ".npy")
	}
	if arrays {
		return a.parseArrays()
	}
	return formatError("a zip archive with neither data.pkl (PyTorch) nor .npy files (NumPy)")
}

// parseTorch reads the archive that torch.save writes: ROOT/data.pkl describes
// the tensors, ROOT/data/KEY are the storages.
func (a *archive) parseTorch(root string) error {
	f := a.f
	f.format = Torch
	if a.entries[root+"constants.pkl"] != nil {
		return formatError("a TorchScript module: save its state_dict() with torch.save instead")
	}
	data, err := a.read(root+"data.pkl", maxPickle)
	if err != nil {
		return err
	}
	table := &torchTable{f: f, size: a.size}
	if a.entries[root+"byteorder"] != nil {
		order, err := a.read(root+"byteorder", 16)
		if err != nil {
			return err
		}
		table.bigEndian = string(order) == "big"
	}
	storages := &torchStorages{byKey: map[string]*storage{}, find: func(s *storage) error {
		offset, size, crc, err := a.locate(root + "data/" + s.key)
		if err != nil {
			return err
		}
		need := s.len * int64(s.dtype.Size())
		if size < need {
			return formatError("storage %s has %d bytes instead of %d", s.key, size, need)
		}
		s.offset = offset
		if size == need {
			s.crc = crc
		}
		return nil
	}}
	u := &unpickler{in: pickleOf(data), globals: torchGlobals, persistent: storages.persistent}
	result, err := u.load()
	if err != nil {
		return err
	}
	return table.addAll(result, u.ops)
}
