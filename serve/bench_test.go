package serve_test

import (
	"cmp"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet"
)

// BenchmarkLibrary is what a server cannot surpass: 64 callers in the same
// program, with a JPEG file each. MIXNET_BENCH_MODEL and MIXNET_BENCH_PHOTO are
// files of others than fashion and a parrot.
func BenchmarkLibrary(b *testing.B) {
	c, err := mixnet.Open(b.Context(), cmp.Or(os.Getenv("MIXNET_BENCH_MODEL"), "fashion"), mixnet.OpenOptions{})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	photo, err := os.ReadFile(cmp.Or(os.Getenv("MIXNET_BENCH_PHOTO"), "../pretrained/photo/testdata/parrot.jpg"))
	if err != nil {
		b.Fatal(err)
	}
	before := cpuTime(b)
	b.SetParallelism(max(1, 64/runtime.GOMAXPROCS(0)))
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if _, err := c.ClassifyBytes(b.Context(), photo, 5); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
	b.ReportMetric(1000*(cpuTime(b)-before)/float64(b.N), "cpu-ms/request")
}

// cpuTime is what the process has had of all cores, in seconds.
func cpuTime(b *testing.B) float64 {
	stat, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		b.Skip(err)
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	ticks := 0.0
	for _, f := range fields[11:13] {
		n, err := strconv.ParseFloat(f, 64)
		if err != nil {
			b.Fatal(err)
		}
		ticks += n
	}
	return ticks / 100
}
