package command

import (
	"bufio"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// processStart is when the program began, as nearly as it can tell.
var processStart = time.Now()

// peakRSS returns the most memory the process has held, in MB of 2^20 bytes:
// what the kernel counted on Linux, what the Go runtime asked for elsewhere.
func peakRSS() float64 {
	if mb, ok := processStatus("VmHWM:"); ok {
		return mb
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.Sys) / (1 << 20)
}

// residentMemory returns the memory that the process holds now, in MB: what
// the kernel counts on Linux, what the Go runtime has not given back elsewhere.
func residentMemory() float64 {
	if mb, ok := processStatus("VmRSS:"); ok {
		return mb
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.Sys-m.HeapReleased) / (1 << 20)
}

// processStatus returns a size that Linux states of the process, in MB.
func processStatus(key string) (mb float64, ok bool) {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return 0, false
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) >= 2 && fields[0] == key {
			kb, err := strconv.ParseFloat(fields[1], 64)
			return kb / 1024, err == nil
		}
	}
	return 0, false
}
