// Command mixnet-x is mixnet with what takes more than one machine: under
// mpirun, train and finetune share their work among all processes.
package main

import (
	"github.com/mixnet-go/mixnet/internal/command"
	"github.com/mixnet-go/mixnet/internal/launch"

	"github.com/mixnet-go/mixnet/x/mpi"
)

func main() {
	command.Main(command.Program{Name: "mixnet-x", Module: "github.com/mixnet-go/mixnet/x", Join: join, MPI: look, Exit: mpi.Exit})
}

// join meets the other processes that mpirun has started.
func join() (command.Ranks, error) {
	lib, err := mpi.Find()
	if err != nil {
		return nil, err
	}
	w, err := lib.Join()
	if err != nil {
		return nil, err
	}
	return w, nil
}

// look says what join would find.
func look() command.MPI {
	l := launch.Detect()
	found := command.MPI{Launcher: string(l.By), Ranks: l.Size}
	lib, err := mpi.Find()
	if err != nil {
		found.Problem = err.Error()
		return found
	}
	found.Library, found.Version, found.ABI = lib.Path, lib.Version, lib.ABI
	if l.Size > 1 {
		w, err := lib.Join()
		if err != nil {
			found.Problem = err.Error()
			return found
		}
		found.Ranks = w.Size()
		_ = w.Close(0) // they have met
	}
	return found
}
