// Package mpi lets the processes that mpirun has started work together through
// the MPI library of the machine: it is loaded when the program runs, so the
// program is built without a C compiler and for every library.
//
// A library is known by its binary interface: the standard one of MPI 5.0, that
// of Open MPI, or that of MPICH, which Intel MPI, MVAPICH and Cray's share.
package mpi

import (
	"errors"
	"fmt"
	"runtime"
	"time"
	"unsafe"

	"github.com/mixnet-go/mixnet/internal/launch"
)

// World is all processes of an MPI job. A program has one. Its methods are for
// one goroutine.
type World struct {
	lib        *Library
	rank, size int
	comm       uintptr // for the work
	end        uintptr // for Close
	calls      chan func()
}

// Join starts the library and meets the processes that the launcher has started
// with this one.
func (l *Library) Join() (*World, error) {
	w := &World{lib: l, comm: l.abi.world, calls: make(chan func())}
	// MPI wants the thread that it was started in.
	go func() {
		runtime.LockOSThread()
		for call := range w.calls {
			call()
		}
	}()
	if err := w.do(w.start); err != nil {
		return nil, err
	}
	if by := launch.Detect(); by.Size != w.size {
		return nil, fmt.Errorf("mpi: the launcher started %d processes as %s does, but %s in %s knows of %d: launcher and library must be of one MPI: use that library's own mpirun, or name another with %s",
			by.Size, by.By, l.Version, l.Path, w.size, Variable)
	}
	return w, nil
}

func (w *World) start() error {
	f := &w.lib.calls
	var provided int32
	restore := keepSignals()
	code := f.initThread(nil, nil, int32(w.lib.abi.funneled), &provided)
	restore()
	if code != 0 {
		return codeError("MPI_Init_thread", code)
	}
	if int(provided) < w.lib.abi.funneled {
		return fmt.Errorf("mpi: %s does not work in programs with threads", w.lib.Version)
	}
	var rank, size int32
	if code := f.commRank(w.comm, &rank); code != 0 {
		return codeError("MPI_Comm_rank", code)
	}
	if code := f.commSize(w.comm, &size); code != 0 {
		return codeError("MPI_Comm_size", code)
	}
	w.rank, w.size = int(rank), int(size)
	if code := f.commDup(w.comm, &w.end); code != 0 {
		return codeError("MPI_Comm_dup", code)
	}
	return nil
}

// do runs f in the thread of MPI.
func (w *World) do(f func() error) error {
	done := make(chan error, 1)
	w.calls <- func() { done <- f() }
	return <-done
}

// Rank returns the number of this process, from 0 to Size-1.
func (w *World) Rank() int { return w.rank }

// Size returns how many processes there are.
func (w *World) Size() int { return w.size }

// Gather fills all with what every rank gives, in the order of the ranks. While
// it waits for the others it leaves the processor to them.
func (w *World) Gather(all, mine []byte) error {
	return w.do(func() error {
		if err := w.await(w.comm, 0); err != nil {
			return err
		}
		return w.gather(all, mine)
	})
}

// GatherFloats is Gather for numbers. It does not wait as patiently: the ranks
// have met before.
func (w *World) GatherFloats(all, mine []float32) error {
	return w.do(func() error { return w.gather(bytesOf(all), bytesOf(mine)) })
}

// gather sends pieces that are short enough for a count of 32 bits.
func (w *World) gather(all, mine []byte) error {
	if len(all) != len(mine)*w.size {
		return fmt.Errorf("mpi: %d bytes of each of %d ranks do not make %d", len(mine), w.size, len(all))
	}
	if len(mine) > most {
		return fmt.Errorf("mpi: %d bytes are too many", len(mine))
	}
	a := &w.lib.abi
	n := int32(len(mine))
	code := w.lib.calls.allgather(pointer(mine), n, a.byte, pointer(all), n, a.byte, w.comm)
	return codeError("MPI_Allgather", code)
}

// most is the longest message, in bytes.
const most = 1<<31 - 1

// Exchange cuts send and recv into Size equal pieces. Piece i of send goes to
// rank i, piece i of recv comes from there.
func (w *World) Exchange(recv, send []float32) error {
	if len(recv) != len(send) || len(send)%w.size != 0 {
		return fmt.Errorf("mpi: %d numbers for %d cannot be exchanged by %d ranks", len(send), len(recv), w.size)
	}
	to, from := bytesOf(recv), bytesOf(send)
	if len(from)/w.size > most {
		return fmt.Errorf("mpi: %d bytes are too many", len(from))
	}
	a := &w.lib.abi
	n := int32(len(from) / w.size)
	return w.do(func() error {
		return codeError("MPI_Alltoall", w.lib.calls.alltoall(pointer(from), n, a.byte, pointer(to), n, a.byte, w.comm))
	})
}

// errLate is returned by await when not all ranks have come.
var errLate = errors.New("mpi: not all ranks have come to the end")

// await sleeps until all ranks have called it, or for as long as patience; 0 is
// for ever.
func (w *World) await(comm uintptr, patience time.Duration) error {
	f, a := &w.lib.calls, &w.lib.abi
	var request uintptr
	var done int32
	if code := f.ibarrier(comm, &request); code != 0 {
		return codeError("MPI_Ibarrier", code)
	}
	started, pause := time.Now(), time.Microsecond
	for {
		if code := f.test(&request, &done, a.ignore); code != 0 {
			return codeError("MPI_Test", code)
		}
		if done != 0 {
			return nil
		}
		if patience > 0 && time.Since(started) > patience {
			return errLate
		}
		time.Sleep(pause)
		pause = min(2*pause, longestPause)
	}
}

// longestPause is how long a rank that waits sleeps at once.
const longestPause = time.Millisecond

// Close waits until all ranks have called it, and ends the library. It returns
// an error if they have not after some time; 0 waits for ever.
func (w *World) Close(patience time.Duration) error {
	late := time.After(patience)
	if patience == 0 {
		late = nil
	}
	done := make(chan error, 1)
	select {
	case w.calls <- func() { done <- w.finish(patience) }:
		return <-done
	case <-late: // another call waits for ranks that do not come
		return errLate
	}
}

func (w *World) finish(patience time.Duration) error {
	if err := w.await(w.end, patience); err != nil {
		return err
	}
	return codeError("MPI_Finalize", w.lib.calls.finalize())
}

// Abort ends all processes of the job with an exit code, if the launcher can. It
// returns where it cannot, or when another call is in progress.
func (w *World) Abort(code int) {
	select {
	case w.calls <- func() { w.lib.calls.abort(w.comm, int32(code)) }:
		time.Sleep(time.Second)
	case <-time.After(100 * time.Millisecond):
	}
}

func codeError(call string, code int32) error {
	if code == 0 {
		return nil
	}
	return fmt.Errorf("mpi: %s failed with code %d", call, code)
}

func pointer(b []byte) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(b)) }

func bytesOf(f []float32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(f))), 4*len(f))
}
