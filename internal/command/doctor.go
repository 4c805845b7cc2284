package command

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/mixnet-go/mixnet/engine"
	"github.com/mixnet-go/mixnet/internal/cpu"
	"github.com/mixnet-go/mixnet/internal/launch"
	"github.com/mixnet-go/mixnet/weights/hub"
)

type doctorCmd struct {
	JSON bool `name:"json" help:"Print JSON."`
}

// doctorReport is what doctor finds out.
type doctorReport struct {
	Version      string   `json:"version"`
	Go           string   `json:"go"`
	Platform     string   `json:"platform"`
	Cores        int      `json:"cores"`
	Levels       []string `json:"cpu_levels"` // that this machine and build can run
	Kernels      string   `json:"kernels"`    // the one that runs
	Features     []string `json:"cpu_features"`
	BFloat16     string   `json:"bf16"` // what multiplies bfloat16; "" if float32 is quicker
	Problem      string   `json:"problem,omitempty"`
	Cache        string   `json:"cache"`
	CachedFiles  int      `json:"cached_files"`
	CachedBytes  int64    `json:"cached_bytes"`
	CacheProblem string   `json:"cache_problem,omitempty"`
	Damaged      []string `json:"damaged"` // files of the cache that are not what came
	MPI          *MPI     `json:"mpi,omitempty"`
}

func (c *doctorCmd) Run(e *env) error {
	r := doctorReport{
		Version: version(), Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
		Cores: runtime.GOMAXPROCS(0), Kernels: cpu.Current().String(), Features: cpu.Features().Names(),
		BFloat16: engine.BFloat16Instructions(),
	}
	for _, l := range cpu.Available() {
		r.Levels = append(r.Levels, l.String())
	}
	if err := cpu.Err(); err != nil {
		r.Problem = err.Error()
	}
	dir, err := new(hub.Client).CacheDir()
	if err != nil {
		r.CacheProblem = err.Error()
	}
	r.Cache = dir
	r.CachedFiles, r.CachedBytes = usage(dir)
	r.Damaged = damaged()
	if e.of.MPI != nil {
		found := e.of.MPI()
		r.MPI = &found
		if launch.Detect().Rank > 0 {
			return nil // the first rank tells
		}
	}
	if c.JSON {
		return e.json(r)
	}
	e.printf("mixnet    %s, %s, %s, %d cores\n", r.Version, r.Go, r.Platform, r.Cores)
	e.printf("kernels   %s (this machine can run %v; %s overrides)\n", r.Kernels, r.Levels, cpu.EnvVar)
	if len(r.Features) > 0 {
		e.printf("          besides: %s\n", strings.Join(r.Features, ", "))
	}
	if r.Problem != "" {
		e.printf("          %s\n", r.Problem)
	}
	if r.BFloat16 != "" {
		e.printf("bf16      by %s\n", r.BFloat16)
	} else {
		e.printf("bf16      works, but is slower than float32 here\n")
	}
	e.printf("cache     %s: %d files, %s\n", r.Cache, r.CachedFiles, formatBytes(r.CachedBytes))
	if r.CacheProblem != "" {
		e.printf("          %s\n", r.CacheProblem)
	}
	for _, problem := range r.Damaged {
		e.printf("          %s\n", problem)
	}
	if r.MPI != nil {
		e.tellMPI(r.MPI)
	}
	return nil
}

// tellMPI says what ranks talk through.
func (e *env) tellMPI(m *MPI) {
	if m.Library != "" {
		e.printf("mpi       %s, %s: %s\n", m.Version, m.ABI, m.Library)
	}
	if m.Launcher != "" {
		e.printf("          started as %s does: %s\n", m.Launcher, plural(m.Ranks, "rank"))
	}
	if m.Problem != "" {
		e.printf("mpi       %s\n", m.Problem)
	}
}

// damaged compares the weights in the cache with the checksums that came with
// them, and says which differ.
func damaged() []string {
	problems := []string{}
	entries, err := new(hub.Client).Cached()
	if err != nil {
		return append(problems, err.Error())
	}
	for _, entry := range entries {
		if err := entry.Verify(); err != nil {
			problems = append(problems, err.Error())
		}
	}
	return problems
}

// usage counts the files below a folder and their bytes.
func usage(dir string) (files int, size int64) {
	if dir == "" {
		return 0, 0
	}
	_ = filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil
		}
		if info, err := d.Info(); err == nil {
			files++
			size += info.Size()
		}
		return nil
	})
	return files, size
}
