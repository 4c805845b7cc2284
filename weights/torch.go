package weights

import (
	"fmt"
	"strconv"
)

// storage is a run of elements that tensors are views of.
type storage struct {
	dtype  DType
	untyp  bool // len counts bytes and the tensor names the type
	key    string
	len    int64  // elements
	offset int64  // in the file; set late in the legacy format
	crc    uint32 // of the whole storage; 0 if unknown
}

// storageView is what a persistent id stands for: a storage, or in the legacy
// format a part of one.
type storageView struct {
	*storage
	first int64 // element
}

// torchTensor is a tensor of a pickle.
type torchTensor struct {
	storageView
	dtype          DType
	unknown        string // what the file calls the type, of dtype Other
	offset         int64  // elements from the view's first
	shape, strides []int64
}

// torchGlobals are all names that a checkpoint may mention, and what they
// stand for.
var torchGlobals = makeTorchGlobals()

func makeTorchGlobals() map[string]*pyGlobal {
	table := map[string]*pyGlobal{}
	add := func(call func(pyTuple) (any, error), names ...string) {
		for _, n := range names {
			table[n] = &pyGlobal{name: n, call: call}
		}
	}
	add(orderedDict, "collections.OrderedDict", "builtins.dict", "__builtin__.dict")
	add(func(pyTuple) (any, error) { return &pyDict{}, nil }, "collections.defaultdict")
	add(rebuildTensor, "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2")
	add(rebuildTensorV3, "torch._utils._rebuild_tensor_v3")
	add(rebuildParameter, "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state")
	add(firstArgument, "torch.Size")
	// Values that accompany tensors in training checkpoints and do not matter.
	for _, n := range []string{
		"argparse.Namespace", "torch.device", "_codecs.encode", "collections.Counter",
		"builtins.int", "__builtin__.int", "__builtin__.long", "builtins.float", "__builtin__.float", "builtins.str", "__builtin__.str",
		"builtins.list", "__builtin__.list", "builtins.tuple", "__builtin__.tuple", "builtins.object", "__builtin__.object",
		"builtins.bool", "__builtin__.bool", "builtins.bytes", "builtins.range",
		"builtins.set", "__builtin__.set", "builtins.frozenset", "__builtin__.frozenset", "builtins.bytearray", "__builtin__.bytearray",
		"builtins.complex", "__builtin__.complex", "builtins.slice", "__builtin__.slice",
		"numpy.dtype", "numpy.ndarray",
		"numpy.core.multiarray.scalar", "numpy.core.multiarray._reconstruct",
		"numpy._core.multiarray.scalar", "numpy._core.multiarray._reconstruct",
	} {
		add(func(pyTuple) (any, error) { return &pyOpaque{class: n}, nil }, n)
	}
	for _, t := range []struct {
		storage, dtype string
		d              DType
	}{
		{"Float", "float32", F32},
		{"Double", "float64", F64},
		{"Half", "float16", F16},
		{"BFloat16", "bfloat16", BF16},
		{"Long", "int64", I64},
		{"Int", "int32", I32},
		{"Short", "int16", I16},
		{"Char", "int8", I8},
		{"Byte", "uint8", U8},
		{"Bool", "bool", Bool},
		{"", "uint64", U64},
		{"", "uint32", U32},
		{"", "uint16", U16},
	} {
		if t.storage != "" {
			for _, module := range []string{"torch.", "torch.cuda."} {
				name := module + t.storage + "Storage"
				table[name] = &pyGlobal{name: name, dtype: t.d}
			}
		}
		table["torch."+t.dtype] = &pyGlobal{name: "torch." + t.dtype, dtype: t.d}
	}
	table["torch.storage.UntypedStorage"] = untypedStorage
	table["torch.UntypedStorage"] = untypedStorage
	return table
}

var untypedStorage = &pyGlobal{name: "torch.storage.UntypedStorage", dtype: U8}

// orderedDict makes a dict, of the list of pairs that Python 2 passed or empty.
func orderedDict(args pyTuple) (any, error) {
	d := &pyDict{}
	if len(args) == 0 {
		return d, nil
	}
	list, ok := args[0].(*pyList)
	if !ok {
		return nil, fmt.Errorf("expected a list of pairs")
	}
	for _, item := range list.items {
		pair, ok := item.(*pyList)
		if tuple, isTuple := item.(pyTuple); isTuple {
			pair, ok = &pyList{tuple}, true
		}
		if !ok || len(pair.items) != 2 {
			return nil, fmt.Errorf("expected a list of pairs")
		}
		d.items = append(d.items, pyItem{pair.items[0], pair.items[1]})
	}
	list.items = nil // the list was made for this call: nothing can use it twice
	return d, nil
}

func firstArgument(args pyTuple) (any, error) {
	if len(args) == 0 {
		return nil, fmt.Errorf("expected an argument")
	}
	return args[0], nil
}

// rebuildTensor has the arguments storage, offset, size, stride, and others
// that say nothing about the values.
func rebuildTensor(args pyTuple) (any, error) {
	if len(args) < 4 {
		return nil, fmt.Errorf("%d arguments", len(args))
	}
	view, ok := args[0].(storageView)
	offset, ok2 := args[1].(int64)
	if !ok || !ok2 {
		return nil, fmt.Errorf("expected a storage and an offset")
	}
	t := &torchTensor{storageView: view, dtype: view.dtype, offset: offset}
	var err error
	if t.shape, err = integers(args[2]); err != nil {
		return nil, err
	}
	t.strides, err = integers(args[3])
	return t, err
}

// rebuildTensorV3 has the element type as its seventh argument.
func rebuildTensorV3(args pyTuple) (any, error) {
	v, err := rebuildTensor(args)
	if err != nil {
		return nil, err
	}
	if len(args) < 7 {
		return nil, fmt.Errorf("%d arguments", len(args))
	}
	g, ok := args[6].(*pyGlobal)
	if !ok {
		return nil, fmt.Errorf("expected an element type")
	}
	t := v.(*torchTensor)
	if t.dtype = g.dtype; g.foreign {
		t.dtype, t.unknown = Other, g.name
	}
	return t, nil
}

func rebuildParameter(args pyTuple) (any, error) {
	if len(args) > 0 {
		if t, ok := args[0].(*torchTensor); ok {
			return t, nil
		}
	}
	return nil, fmt.Errorf("expected a tensor")
}

func integers(v any) ([]int64, error) {
	tuple, ok := v.(pyTuple)
	if !ok {
		return nil, fmt.Errorf("expected a tuple of sizes")
	}
	if len(tuple) > maxDims {
		return nil, fmt.Errorf("%d dimensions", len(tuple))
	}
	out := make([]int64, len(tuple))
	for i, item := range tuple {
		if out[i], ok = item.(int64); !ok {
			return nil, fmt.Errorf("expected whole numbers as sizes")
		}
	}
	return out, nil
}

// torchStorages hands out the storages that a pickle refers to.
type torchStorages struct {
	byKey map[string]*storage
	find  func(s *storage) error // fills in where the storage lies
}

// persistent resolves ("storage", class, key, location, length, view), where
// view is absent, None or (key, first, length).
func (s *torchStorages) persistent(id any) (any, error) {
	t, ok := id.(pyTuple)
	if !ok || len(t) < 5 || t[0] != "storage" {
		return nil, formatError("pickle refers to something other than a storage")
	}
	class, ok := t[1].(*pyGlobal)
	key, ok2 := t[2].(string)
	n, ok3 := t[4].(int64)
	if !ok || !ok2 || !ok3 || class.call != nil || class.foreign || n < 0 || n > maxElements {
		return nil, formatError("pickle describes a storage in an unknown way")
	}
	old, ok := s.byKey[key]
	if !ok {
		old = &storage{dtype: class.dtype, untyp: class == untypedStorage, key: key, len: n}
		if err := s.find(old); err != nil {
			return nil, err
		}
		s.byKey[key] = old
	}
	if old.dtype != class.dtype || old.len != n {
		return nil, formatError("storage %s is described in two ways", key)
	}
	view := storageView{storage: old}
	if len(t) > 5 && t[5] != nil {
		v, _ := t[5].(pyTuple)
		if len(v) != 3 {
			return nil, formatError("pickle describes a part of a storage in an unknown way")
		}
		if view.first, ok = v[1].(int64); !ok || view.first < 0 || view.first > n {
			return nil, formatError("a part of storage %s lies outside it", key)
		}
	}
	return view, nil
}

const (
	maxNesting = 16       // dicts inside dicts
	maxName    = 1024     // bytes of a tensor's name
	maxNames   = 16 << 20 // bytes of all tensors' names
)

// torchTable enters all tensors of a pickle's result into the table. Tensors
// of nested dicts are named by their path, as in "state_dict/conv.weight".
type torchTable struct {
	f         *File
	size      int64
	bigEndian bool
	budget    int // values left to look at, so that shared dicts cannot multiply
	names     int // bytes of all names
}

// addAll enters the tensors of result, the work of ops instructions.
func (t *torchTable) addAll(result any, ops int) error {
	t.budget = 2*ops + 1
	if err := t.add("", result, 0); err != nil {
		return err
	}
	if len(t.f.names) == 0 {
		return formatError("the checkpoint holds no tensors")
	}
	return nil
}

func (t *torchTable) add(name string, v any, depth int) error {
	if t.budget--; t.budget < 0 {
		return formatError("the checkpoint's dicts contain each other too often")
	}
	if len(name) > maxName {
		return formatError("a name is longer than %d bytes", maxName)
	}
	switch v := v.(type) {
	case *torchTensor:
		s, err := t.place(v)
		if err != nil {
			return fmt.Errorf("tensor %q: %w", name, err)
		}
		if t.names += len(name); t.names > maxNames {
			return formatError("the tensors' names take more than %d bytes", maxNames)
		}
		s.Name = name
		return t.f.add(s)
	case *pyDict:
		if depth == maxNesting {
			return formatError("the checkpoint's dicts are nested more than %d deep", maxNesting)
		}
		if depth > 0 {
			name += "/"
		}
		for _, item := range v.items {
			key, ok := item.key.(string)
			if n, isInt := item.key.(int64); isInt {
				key, ok = strconv.FormatInt(n, 10), true
			}
			if !ok {
				continue
			}
			if len(key) > maxName {
				return formatError("a name is longer than %d bytes", maxName)
			}
			if err := t.add(name+key, item.value, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	if depth == 1 {
		t.note(name, v)
	}
	return nil
}

// note keeps the plain values beside the tensors, such as an epoch.
func (t *torchTable) note(name string, v any) {
	switch v := v.(type) {
	case string:
		t.f.meta[name] = v
	case int64:
		t.f.meta[name] = strconv.FormatInt(v, 10)
	case float64:
		t.f.meta[name] = strconv.FormatFloat(v, 'g', -1, 64)
	case bool:
		t.f.meta[name] = map[bool]string{true: "True", false: "False"}[v]
	}
}

// place finds the bytes of a tensor and checks that they exist.
func (t *torchTable) place(v *torchTensor) (*stored, error) {
	n, err := elements(v.shape)
	if err != nil {
		return nil, err
	}
	if len(v.strides) != len(v.shape) {
		return nil, formatError("%d strides for %d dimensions", len(v.strides), len(v.shape))
	}
	if v.dtype == Other {
		return &stored{Info: Info{DType: Other, Shape: toInts(v.shape)}, unknown: v.unknown}, nil
	}
	size := int64(v.dtype.Size())
	length := v.len
	switch {
	case v.untyp:
		length /= size
	case v.dtype != v.storage.dtype:
		return nil, formatError("%v elements in a storage of %v", v.dtype, v.storage.dtype)
	}
	s := &stored{Info: Info{DType: v.dtype, Shape: toInts(v.shape)}, bigEndian: t.bigEndian}
	if n == 0 {
		return s, nil
	}
	if n*size > t.size {
		return nil, formatError("shape %v takes more bytes than the file has", v.shape)
	}
	first := v.first + v.offset
	if v.offset < 0 || first < 0 || first >= length {
		return nil, formatError("it begins outside its storage")
	}
	room := length - 1 - first // elements after the first
	contiguous := true
	for i, next := len(v.shape)-1, int64(1); i >= 0; i-- {
		d, stride := v.shape[i], v.strides[i]
		if d == 1 {
			v.strides[i] = 0
			continue
		}
		if stride < 0 || stride > 0 && d-1 > room/stride {
			return nil, formatError("it ends outside its storage")
		}
		room -= (d - 1) * stride
		contiguous = contiguous && stride == next
		next *= d
	}
	s.offset = v.storage.offset + first*size
	if !contiguous {
		s.strides = toInts(v.strides)
	} else if n*size == v.len*int64(v.storage.dtype.Size()) {
		s.crc = v.crc // the tensor is the whole storage
	}
	return s, nil
}
