package weights

import (
	"encoding/binary"
	"math/big"
)

// torchMagic begins files of torch.save before PyTorch 1.6, as a pickle.
var torchMagic, _ = new(big.Int).SetString("1950a86a20f9469cfc6c", 16)

// parseLegacy reads what torch.save wrote before PyTorch 1.6: pickles of the
// magic number, the version, the system, the object, and the list of storage
// keys; then each storage as its length in elements and its elements, always
// little-endian.
func (f *File) parseLegacy(size int64) error {
	f.format = TorchLegacy
	in := newPickleReader(f.src, 0, size)
	storages := &torchStorages{byKey: map[string]*storage{}, find: func(*storage) error { return nil }}
	u := &unpickler{in: in, globals: torchGlobals, persistent: storages.persistent}
	magic, err := u.load()
	if err != nil {
		return err
	}
	if m, ok := magic.(*big.Int); !ok || m.Cmp(torchMagic) != 0 {
		return formatError("a pickle that torch.save did not write")
	}
	version, err := u.load()
	if err != nil {
		return err
	}
	if version != int64(1001) {
		return formatError("version %v of PyTorch's old format is not supported", version)
	}
	if _, err := u.load(); err != nil {
		return err
	}
	result, err := u.load()
	if err != nil {
		return err
	}
	ops := u.ops
	keys, err := u.load()
	if err != nil {
		return err
	}
	if err := placeStorages(f, keys, storages.byKey, in.pos, size); err != nil {
		return err
	}
	table := &torchTable{f: f, size: size}
	return table.addAll(result, ops)
}

// placeStorages walks over the storages that follow the pickles, from offset
// to the end of the file.
func placeStorages(f *File, keys any, byKey map[string]*storage, offset, size int64) error {
	list, ok := keys.(*pyList)
	if !ok {
		return formatError("the list of storages is missing")
	}
	placed := make(map[string]bool, len(byKey))
	for _, k := range list.items {
		key, _ := k.(string)
		s := byKey[key]
		if s == nil || placed[key] {
			return formatError("storage %q is listed twice or belongs to no tensor", key)
		}
		placed[key] = true
		var length [8]byte
		if size-offset < 8 {
			return formatError("storage %s is missing: the file is cut short", key)
		}
		if err := readFull(f.src, length[:], offset); err != nil {
			return err
		}
		n := binary.LittleEndian.Uint64(length[:])
		if n != uint64(s.len) {
			return formatError("storage %s has %d elements, its tensors expect %d", key, n, s.len)
		}
		offset += 8
		bytes := s.len * int64(s.dtype.Size())
		if bytes > size-offset {
			return formatError("storage %s has %d bytes with %d left: the file is cut short", key, bytes, size-offset)
		}
		s.offset = offset
		offset += bytes
	}
	if len(placed) != len(byKey) {
		return formatError("%d of %d storages are missing", len(byKey)-len(placed), len(byKey))
	}
	if offset != size {
		return formatError("%d bytes after the last storage", size-offset)
	}
	return nil
}
