package weights

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"math/big"
	"slices"
	"strings"
)

const (
	// maxPickle bounds the bytes of one pickle, maxPickleOps its instructions:
	// some 25 describe a tensor. Every instruction creates a bounded number of
	// small values, so these bound the memory too.
	maxPickle    = 32 << 20
	maxPickleOps = 2 << 20
)

// The values of a pickle are nil, bool, int64, *big.Int, float64, string,
// []byte, and these.
type (
	pyTuple  []any
	pyList   struct{ items []any }
	pyDict   struct{ items []pyItem } // in the order of insertion
	pyItem   struct{ key, value any }
	pyOpaque struct {
		class   string // of an object that nothing is needed of
		foreign bool   // the class is not of the table: no tensor may go into it
	}
)

// pyGlobal is a class or function that a pickle names. Its meaning here is
// call, which makes the value that stands for the result; it is nil for
// globals that are values themselves.
type pyGlobal struct {
	name    string
	dtype   DType // of storage classes and torch.dtype values
	foreign bool  // it is not in the table: calls make a pyOpaque
	call    func(args pyTuple) (any, error)
}

// unpickler interprets Python's pickle format far enough for the files that
// torch.save writes. It creates the values above and nothing else, so nothing in
// a file can run: an object of a class outside the table is a pyOpaque, and an
// error if it holds tensors, which would then be missing from the result.
type unpickler struct {
	in         *pickleReader
	globals    map[string]*pyGlobal
	persistent func(id any) (any, error) // resolves the reference to a storage

	stack []any
	marks []int
	memo  map[uint32]any
	ops   int

	looked int // values that tensorIn has looked at
}

// load runs one pickle and returns its result.
func (u *unpickler) load() (any, error) {
	u.stack, u.marks, u.memo, u.ops = nil, nil, map[uint32]any{}, 0
	for {
		op, err := u.in.ReadByte()
		if err != nil {
			return nil, cutShort(err)
		}
		if u.ops++; u.ops > maxPickleOps {
			return nil, formatError("pickle has more than %d instructions", maxPickleOps)
		}
		if op == '.' {
			return u.pop()
		}
		if err := u.step(op); err != nil {
			return nil, err
		}
	}
}

func cutShort(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return formatError("pickle ends early: the file is cut short or damaged")
	}
	return err
}

// step executes one instruction. The letters are those of Python's
// pickletools.
func (u *unpickler) step(op byte) error {
	switch op {
	case 0x80: // PROTO
		version, err := u.in.uint(1)
		if err == nil && (version < 2 || version > 5) {
			err = formatError("pickle protocol %d is not supported", version)
		}
		return err
	case 0x95: // FRAME
		_, err := u.in.uint(8)
		return err
	case '(': // MARK
		u.marks = append(u.marks, len(u.stack))
		return nil
	case '0': // POP
		if len(u.marks) > 0 && u.marks[len(u.marks)-1] == len(u.stack) {
			u.marks = u.marks[:len(u.marks)-1]
			return nil
		}
		_, err := u.pop()
		return err
	case '1': // POP_MARK
		_, err := u.popMark()
		return err
	case '2': // DUP
		v, err := u.top()
		return u.push(v, err)
	case 'N':
		return u.push(nil, nil)
	case 0x88, 0x89: // NEWTRUE, NEWFALSE
		return u.push(op == 0x88, nil)
	case 'J', 'K', 'M', 0x8a, 0x8b, 'G':
		return u.push(u.number(op))
	case 'X', 0x8c, 0x8d: // BINUNICODE, SHORT_BINUNICODE, BINUNICODE8
		b, err := u.in.counted(map[byte]int{'X': 4, 0x8c: 1, 0x8d: 8}[op])
		return u.push(string(b), err)
	case 'U', 'T': // SHORT_BINSTRING, BINSTRING: str of Python 2
		b, err := u.in.counted(map[byte]int{'U': 1, 'T': 4}[op])
		return u.push(string(b), err)
	case 'C', 'B', 0x8e, 0x96: // SHORT_BINBYTES, BINBYTES, BINBYTES8, BYTEARRAY8
		b, err := u.in.counted(map[byte]int{'C': 1, 'B': 4, 0x8e: 8, 0x96: 8}[op])
		return u.push(b, err)
	case ']':
		return u.push(&pyList{}, nil)
	case '}':
		return u.push(&pyDict{}, nil)
	case ')':
		return u.push(pyTuple(nil), nil)
	case 0x8f: // EMPTY_SET
		return u.push(&pyOpaque{class: "set"}, nil)
	case 't', 'l', 'd', 0x91: // TUPLE, LIST, DICT, FROZENSET
		return u.collect(op)
	case 0x85, 0x86, 0x87: // TUPLE1, TUPLE2, TUPLE3
		items, err := u.popN(int(op) - 0x84)
		return u.push(pyTuple(items), err)
	case 'a', 'e', 's', 'u', 0x90: // APPEND, APPENDS, SETITEM, SETITEMS, ADDITEMS
		return u.extend(op)
	case 'h', 'j': // BINGET, LONG_BINGET
		key, err := u.in.uint(map[byte]int{'h': 1, 'j': 4}[op])
		v, ok := u.memo[uint32(key)]
		if err == nil && !ok {
			err = formatError("pickle refers to value %d, which it has not stored", key)
		}
		return u.push(v, err)
	case 'q', 'r', 0x94: // BINPUT, LONG_BINPUT, MEMOIZE
		return u.remember(op)
	case 'c', 0x93: // GLOBAL, STACK_GLOBAL
		return u.push(u.global(op))
	case 'R', 0x81, 0x92: // REDUCE, NEWOBJ, NEWOBJ_EX
		return u.push(u.call(op))
	case 'b': // BUILD sets attributes; none matters here
		state, err := u.popN(1)
		if err != nil {
			return err
		}
		object, err := u.top()
		if err != nil {
			return err
		}
		return u.into(object, state)
	case 'Q': // BINPERSID
		id, err := u.pop()
		if err != nil {
			return err
		}
		return u.push(u.persistent(id))
	}
	return formatError("pickle instruction %q is not supported", op)
}

func (u *unpickler) push(v any, err error) error {
	u.stack = append(u.stack, v)
	return err
}

func (u *unpickler) bottom() int {
	if len(u.marks) == 0 {
		return 0
	}
	return u.marks[len(u.marks)-1]
}

func (u *unpickler) top() (any, error) {
	if len(u.stack) <= u.bottom() {
		return nil, formatError("pickle takes a value from an empty stack")
	}
	return u.stack[len(u.stack)-1], nil
}

func (u *unpickler) pop() (any, error) {
	v, err := u.top()
	if err == nil {
		u.stack = u.stack[:len(u.stack)-1]
	}
	return v, err
}

// popN removes the topmost n values and returns a copy.
func (u *unpickler) popN(n int) ([]any, error) {
	at := len(u.stack) - n
	if at < u.bottom() {
		return nil, formatError("pickle takes %d values from a stack of %d", n, len(u.stack)-u.bottom())
	}
	items := slices.Clone(u.stack[at:])
	u.stack = u.stack[:at]
	return items, nil
}

// popMark removes the values above the last mark, and it.
func (u *unpickler) popMark() ([]any, error) {
	if len(u.marks) == 0 {
		return nil, formatError("pickle closes a group that it has not opened")
	}
	items, err := u.popN(len(u.stack) - u.bottom())
	u.marks = u.marks[:len(u.marks)-1]
	return items, err
}

func (u *unpickler) number(op byte) (any, error) {
	switch op {
	case 'J':
		v, err := u.in.uint(4)
		return int64(int32(v)), err
	case 'K':
		v, err := u.in.uint(1)
		return int64(v), err
	case 'M':
		v, err := u.in.uint(2)
		return int64(v), err
	case 'G':
		b, err := u.in.bytes(8)
		if err != nil {
			return nil, err
		}
		return math.Float64frombits(binary.BigEndian.Uint64(b)), nil
	}
	b, err := u.in.counted(map[byte]int{0x8a: 1, 0x8b: 4}[op]) // LONG1, LONG4
	if err != nil {
		return nil, err
	}
	if len(b) > 255 {
		return nil, formatError("pickle has a whole number of %d bytes", len(b))
	}
	slices.Reverse(b)
	v := new(big.Int).SetBytes(b)
	if len(b) > 0 && b[0] >= 0x80 {
		v.Sub(v, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	if v.IsInt64() {
		return v.Int64(), nil
	}
	return v, nil
}

// collect makes a collection of the values above the mark.
func (u *unpickler) collect(op byte) error {
	items, err := u.popMark()
	if err != nil {
		return err
	}
	switch op {
	case 't':
		return u.push(pyTuple(items), nil)
	case 'l':
		return u.push(&pyList{items}, nil)
	case 'd':
		d := &pyDict{}
		return u.push(d, d.set(items))
	}
	return u.push(&pyOpaque{class: "frozenset"}, nil)
}

// extend adds values to the collection below them.
func (u *unpickler) extend(op byte) error {
	var items []any
	var err error
	switch op {
	case 'a':
		items, err = u.popN(1)
	case 's':
		items, err = u.popN(2)
	default:
		items, err = u.popMark()
	}
	if err != nil {
		return err
	}
	target, err := u.top()
	if err != nil {
		return err
	}
	switch t := target.(type) {
	case *pyList:
		if op == 'a' || op == 'e' {
			t.items = append(t.items, items...)
			return nil
		}
	case *pyDict:
		if op == 's' || op == 'u' {
			return t.set(items)
		}
	case *pyOpaque:
		return u.into(t, items)
	}
	return formatError("pickle adds to a value that holds none")
}

// set adds keys and values, which alternate.
func (d *pyDict) set(items []any) error {
	if len(items)%2 != 0 {
		return formatError("pickle has a dict key without a value")
	}
	for ; len(items) > 0; items = items[2:] {
		d.items = append(d.items, pyItem{items[0], items[1]})
	}
	return nil
}

func (u *unpickler) remember(op byte) error {
	v, err := u.top()
	if err != nil {
		return err
	}
	key := uint64(len(u.memo))
	if op != 0x94 {
		if key, err = u.in.uint(map[byte]int{'q': 1, 'r': 4}[op]); err != nil {
			return err
		}
	}
	u.memo[uint32(key)] = v
	return nil
}

// global looks up the class or function that the pickle names.
func (u *unpickler) global(op byte) (any, error) {
	var module, name string
	if op == 'c' {
		var err error
		if module, err = u.in.line(); err != nil {
			return nil, err
		}
		if name, err = u.in.line(); err != nil {
			return nil, err
		}
	} else {
		items, err := u.popN(2)
		if err != nil {
			return nil, err
		}
		var ok, ok2 bool
		module, ok = items[0].(string)
		name, ok2 = items[1].(string)
		if !ok || !ok2 {
			return nil, formatError("pickle names a global by something other than two strings")
		}
	}
	full := module + "." + name
	if g, ok := u.globals[full]; ok {
		return g, nil
	}
	if root, _, _ := strings.Cut(module, "."); slices.Contains(dangerous, root) {
		return nil, formatError("pickle asks for %.200q, which in Python could run commands: it is not needed for weights and is never run here", full)
	}
	return &pyGlobal{name: full, foreign: true}, nil
}

// dangerous are modules of which no value of a checkpoint is. A pickle that asks
// for them was made to do harm when Python reads it.
var dangerous = []string{
	"builtins", "__builtin__", "os", "posix", "nt", "sys", "subprocess", "commands", "runpy", "code", "codeop", "pty", "shutil", "socket", "importlib",
	"imp", "ctypes", "marshal", "pickle", "_pickle", "webbrowser", "bdb", "pdb", "pip", "platform", "timeit", "multiprocessing", "signal",
}

// into refuses values that go into an object of a foreign class and hold
// tensors.
func (u *unpickler) into(object any, values []any) error {
	o, ok := object.(*pyOpaque)
	if !ok || !o.foreign {
		return nil
	}
	found, err := u.tensorIn(values)
	if err == nil && found {
		hint := "of which nothing is known"
		if strings.HasPrefix(o.class, "torch.nn.") || strings.HasPrefix(o.class, "timm.") || strings.HasPrefix(o.class, "__torch__") {
			hint = "so the file holds a whole module; save its state_dict() instead"
		}
		err = formatError("pickle has tensors in a %.200q, %s", o.class, hint)
	}
	return err
}

// tensorIn reports whether values are or hold a tensor or a storage. A pickle
// may be looked at as often as it has instructions, however its values share
// their parts.
func (u *unpickler) tensorIn(values []any) (bool, error) {
	for _, v := range values {
		if u.looked++; u.looked > maxPickleOps {
			return false, formatError("pickle has values within each other too often")
		}
		var inner []any
		switch v := v.(type) {
		case *torchTensor, storageView:
			return true, nil
		case pyTuple:
			inner = v
		case *pyList:
			inner = v.items
		case *pyDict:
			for _, item := range v.items {
				inner = append(inner, item.value)
			}
		}
		if found, err := u.tensorIn(inner); found || err != nil {
			return found, err
		}
	}
	return false, nil
}

// call applies a global to its arguments.
func (u *unpickler) call(op byte) (any, error) {
	n := 2
	if op == 0x92 {
		n = 3 // keyword arguments, which no class of the table takes
	}
	items, err := u.popN(n)
	if err != nil {
		return nil, err
	}
	args, ok := items[1].(pyTuple)
	var g *pyGlobal
	switch callee := items[0].(type) {
	case *pyGlobal:
		g = callee
	case *pyOpaque: // such as a part of a foreign class
		g = &pyGlobal{name: callee.class, foreign: true}
	}
	if ok && g != nil && g.foreign {
		o := &pyOpaque{g.name, true}
		return o, u.into(o, items[1:])
	}
	if !ok || g == nil || g.call == nil {
		return nil, formatError("pickle calls something that is not a function")
	}
	v, err := g.call(args)
	if err != nil {
		return nil, formatError("%s: %v", g.name, err)
	}
	return v, nil
}

// pickleReader reads the operands of a pickle, at most left bytes of them.
type pickleReader struct {
	r    *bufio.Reader
	left int64
	pos  int64 // bytes read
}

func newPickleReader(r io.ReaderAt, offset, size int64) *pickleReader {
	size = min(size, maxPickle)
	return &pickleReader{r: bufio.NewReader(io.NewSectionReader(r, offset, size)), left: size}
}

func pickleOf(data []byte) *pickleReader {
	return newPickleReader(bytes.NewReader(data), 0, int64(len(data)))
}

// ReadByte reads one byte.
func (p *pickleReader) ReadByte() (byte, error) {
	b, err := p.r.ReadByte()
	if err == nil {
		p.left--
		p.pos++
	}
	return b, err
}

// bytes reads n bytes.
func (p *pickleReader) bytes(n uint64) ([]byte, error) {
	if n > uint64(p.left) {
		return nil, formatError("pickle has a value of %d bytes with %d left: the file is cut short or damaged", n, p.left)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(p.r, b); err != nil {
		return nil, cutShort(err)
	}
	p.left -= int64(n)
	p.pos += int64(n)
	return b, nil
}

// uint reads a little-endian number of size bytes.
func (p *pickleReader) uint(size int) (uint64, error) {
	b, err := p.bytes(uint64(size))
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint64(append(b, make([]byte, 8-size)...)), nil
}

// counted reads as many bytes as a number of the given size says.
func (p *pickleReader) counted(size int) ([]byte, error) {
	n, err := p.uint(size)
	if err != nil {
		return nil, err
	}
	return p.bytes(n)
}

// line reads up to a newline, which it drops.
func (p *pickleReader) line() (string, error) {
	var b []byte
	for {
		c, err := p.ReadByte()
		if err != nil {
			return "", cutShort(err)
		}
		if c == '\n' {
			return string(b), nil
		}
		if b = append(b, c); len(b) > 1000 {
			return "", formatError("pickle has a name of more than 1000 bytes")
		}
	}
}
