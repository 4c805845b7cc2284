package mpi

import (
	"fmt"
	"strings"
	"unsafe"

	"github.com/ebitengine/purego"
)

// abi is what libraries of one binary interface have in common: the values of
// the names in mpi.h. A handle is a number or a pointer.
type abi struct {
	name     string
	world    uintptr // MPI_COMM_WORLD
	byte     uintptr // MPI_BYTE
	ignore   uintptr // MPI_STATUS_IGNORE
	funneled int     // MPI_THREAD_FUNNELED
}

// The tables of the standard ABI (MPI 5.0, chapter 20) and of MPICH's.
var (
	standardABI = abi{name: "standard ABI", world: 0x101, byte: 0x247, ignore: 0, funneled: 1024}
	mpichABI    = abi{name: "MPICH ABI", world: 0x44000000, byte: 0x4c00010d, ignore: 1, funneled: 1}
	openABI     = abi{name: "Open MPI ABI", ignore: 0, funneled: 1} // its handles are addresses
)

// calls are the functions of a library.
type calls struct {
	initThread func(argc, argv unsafe.Pointer, required int32, provided *int32) int32
	commRank   func(comm uintptr, rank *int32) int32
	commSize   func(comm uintptr, size *int32) int32
	commDup    func(comm uintptr, dup *uintptr) int32
	allgather  func(send unsafe.Pointer, n int32, kind uintptr, recv unsafe.Pointer, m int32, as uintptr, comm uintptr) int32
	alltoall   func(send unsafe.Pointer, n int32, kind uintptr, recv unsafe.Pointer, m int32, as uintptr, comm uintptr) int32
	ibarrier   func(comm uintptr, request *uintptr) int32
	test       func(request *uintptr, done *int32, status uintptr) int32
	abort      func(comm uintptr, code int32) int32
	finalize   func() int32
}

// bind finds the functions of a library.
func (l *Library) bind() error {
	c := &l.calls
	for name, f := range map[string]any{
		"MPI_Init_thread": &c.initThread, "MPI_Comm_rank": &c.commRank, "MPI_Comm_size": &c.commSize, "MPI_Comm_dup": &c.commDup,
		"MPI_Allgather": &c.allgather, "MPI_Alltoall": &c.alltoall, "MPI_Ibarrier": &c.ibarrier, "MPI_Test": &c.test,
		"MPI_Abort": &c.abort, "MPI_Finalize": &c.finalize,
	} {
		at, err := symbol(l.handle, name)
		if err != nil {
			return fmt.Errorf("it has no %s", name)
		}
		purego.RegisterFunc(f, at)
	}
	return nil
}

// identify finds out which library it is.
func (l *Library) identify() error {
	at, err := symbol(l.handle, "MPI_Get_library_version")
	if err != nil {
		return fmt.Errorf("it is no library of MPI 3 or later")
	}
	var version func(text unsafe.Pointer, n *int32) int32
	purego.RegisterFunc(&version, at)
	text, n := make([]byte, 1<<13), int32(0) // 8192 is the longest of any library
	if code := version(unsafe.Pointer(&text[0]), &n); code != 0 || n < 0 || int(n) > len(text) {
		return fmt.Errorf("it does not say what it is")
	}
	l.Version = firstWords(string(text[:n]))
	l.abi, err = l.tableOf(string(text[:n]))
	if err != nil {
		return err
	}
	l.ABI = l.abi.name
	return nil
}

// tableOf returns the table of the library's interface.
func (l *Library) tableOf(version string) (abi, error) {
	if at, err := symbol(l.handle, "MPI_Abi_get_version"); err == nil {
		var get func(major, minor *int32) int32
		purego.RegisterFunc(&get, at)
		var major, minor int32
		if get(&major, &minor) == 0 && major > 0 {
			a := standardABI
			a.name = fmt.Sprintf("%s %d.%d", a.name, major, minor)
			return a, nil
		}
	}
	if world, err := symbol(l.handle, "ompi_mpi_comm_world"); err == nil {
		a := openABI
		a.world = world
		a.byte, err = symbol(l.handle, "ompi_mpi_byte")
		return a, err
	}
	for _, name := range []string{"MPICH", "Intel(R) MPI", "MVAPICH", "CRAY"} {
		if strings.Contains(version, name) {
			return mpichABI, nil
		}
	}
	return abi{}, fmt.Errorf("its interface is not known: %s", firstWords(version))
}

// firstWords is what a library says of itself, in short: "Open MPI v5.0.11",
// "MPICH 5.0.2".
func firstWords(version string) string {
	words := strings.Fields(strings.NewReplacer("Version:", " ", "\x00", " ", ",", " ").Replace(version))
	for i, w := range words {
		if strings.ContainsAny(w, "0123456789") {
			words = words[:i+1]
			break
		}
	}
	return strings.Join(words, " ")
}
