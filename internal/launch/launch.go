// Package launch says whether this process is one of several that a launcher,
// such as mpirun, has started to work together.
package launch

import (
	"os"
	"strconv"
)

// Launch is what a launcher tells a process.
type Launch struct {
	// By is the kind of launcher.
	By By
	// Rank is the number of this process among Size.
	Rank, Size int
}

// By is a kind of launcher, by which MPI libraries know it.
type By string

const (
	// OpenMPI is Open MPI's mpirun.
	OpenMPI By = "Open MPI"
	// PMI is MPICH's mpirun and those of its relatives, and Slurm's srun with
	// --mpi=pmi2.
	PMI By = "MPICH"
	// PMIx is Slurm's srun with --mpi=pmix, and other launchers for any library.
	PMIx By = "PMIx"
)

// Detect reads the environment. Without a launcher it returns the zero Launch
// with a Size of 1.
func Detect() Launch { return detect(os.Getenv) }

func detect(getenv func(string) string) Launch {
	for _, l := range []struct {
		by         By
		rank, size string
	}{
		{OpenMPI, "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"},
		{PMI, "PMI_RANK", "PMI_SIZE"},
		{PMIx, "PMIX_RANK", "SLURM_NTASKS"},
	} {
		rank, err := strconv.Atoi(getenv(l.rank))
		if err != nil {
			continue
		}
		if size, err := strconv.Atoi(getenv(l.size)); err == nil && rank >= 0 && rank < size {
			return Launch{l.by, rank, size}
		}
	}
	return Launch{Size: 1}
}
