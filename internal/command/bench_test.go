package command

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mixnet-go/mixnet/engine"
)

// TestBenchCallers measures several callers of one network.
func TestBenchCallers(t *testing.T) {
	var r callersResult
	text := mustRun(t, "bench", "callers", "mixnet_tiny", "--callers", "5", "--time", "20ms", "--json")
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatal(err)
	}
	if r.Callers != 5 || r.Calls < 5 || r.MedianMS <= 0 || r.P99MS < r.MedianMS || r.ImagesS <= 0 || r.PeakRSSMB <= 0 {
		t.Errorf("%+v", r)
	}
	for _, args := range [][]string{
		{"callers", "mixnet_tiny", "--callers=-1"},
		{"soak", "mixnet_tiny", "--callers=0"},
		{"mixnet_tiny", "--batch", "0"},
		{"train", "mixnet_tiny", "--size=-1"},
		{"profile"},
		{"train", "mixnet_tiny", "--callers", "5"},
	} {
		if code, _, errs := invoke(t, append([]string{"bench"}, args...)...); code != exitUsage {
			t.Errorf("%v: exit code %d, %s", args, code, errs)
		}
	}
}

// TestBenchSoak runs the mixed load for a moment, and stops it early.
func TestBenchSoak(t *testing.T) {
	args := []string{"bench", "soak", "mobilenetv1_025", "shufflenet_v2_x0_5", "--callers", "3", "--json", "--time", "2s"}
	var r soakResult
	if err := json.Unmarshal([]byte(mustRun(t, args...)), &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Networks) != 2 || r.Calls < r.Kinds || r.Images < r.Calls || r.Compared != r.Calls-r.Kinds {
		t.Errorf("%+v", r)
	}
	if m := r.Memory; len(m.All) < 10 || m.Start <= 0 || m.Median <= 0 || m.End <= 0 || m.Largest < 0 {
		t.Errorf("memory %+v", m)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	args[8] = "1h"
	code, out, errs := invokeWith(t, ctx, nil, args...)
	if err := json.Unmarshal([]byte(out), &r); err != nil || code == exitOK {
		t.Errorf("stopped early: exit code %d, %v, %s\n%s", code, err, errs, out)
	}
	if code, _, errs := invoke(t, "bench", "soak", "mixnet_tiny", "--time", "1s"); code != exitUsage || !strings.Contains(errs, "channels") {
		t.Errorf("a network of another number of channels: exit code %d, %s", code, errs)
	}
}

// Of a network that finds objects, making boxes is a part of what is measured,
// for batches, several callers and mixed loads too.
func TestBenchDetector(t *testing.T) {
	const network = "mobilenetv2_035_ssdlite96"
	for batch, least := range map[int]int{1: 1, 2: 101} {
		var r benchResult
		text := mustRun(t, "bench", network, "--time", "1ms", "--json", "-b", strconv.Itoa(batch), "--score", "0.1")
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			t.Fatal(err)
		}
		if r.Found == nil || *r.Found < least || r.BoxesMS <= 0 || r.MedianMS < r.BoxesMS {
			t.Errorf("batch %d: %s", batch, text)
		}
	}
	if text := mustRun(t, "bench", network, "--time", "1ms", "--score", "0.99999"); !strings.Contains(text, "make 0 boxes") {
		t.Errorf("nothing scores that much: %s", text)
	}
	if text := mustRun(t, "bench", "mixnet_tiny", "--time", "1ms"); strings.Contains(text, "box") {
		t.Error(text)
	}
	mustRun(t, "bench", "callers", network, "--time", "1ms")
	mustRun(t, "bench", "soak", network, "--time", "100ms")
	mustRun(t, "bench", "profile", network)
	if code, _, errs := invoke(t, "bench", network, "--score", "1"); code != exitUsage || !strings.Contains(errs, "--score") {
		t.Errorf("exit code %d, %s", code, errs)
	}
}

// Other bits than the first time are an error.
func TestSoakComparesOutputs(t *testing.T) {
	s := soak{first: map[soakKind]uint64{}}
	p, err := randomProgram("mixnet_tiny", engine.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	s.programs = []*measured{p}
	kind, other := soakKind{0, 1, 96, 96}, soakKind{0, 2, 96, 96}
	for _, err := range []error{s.check(kind, []float32{1, 2}), s.check(other, []float32{3}), s.check(kind, []float32{1, 2})} {
		if err != nil {
			t.Error(err)
		}
	}
	if err := s.check(kind, []float32{1, 2.0000002}); err == nil || !strings.Contains(err.Error(), "mixnet_tiny, batch 1, 96×96") {
		t.Errorf("another output: error %v", err)
	}
	if s.calls != 4 || s.images != 5 || s.compared != 2 {
		t.Errorf("%d calls, %d images, %d compared", s.calls, s.images, s.compared)
	}
}
