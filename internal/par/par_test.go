package par

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestEveryPartRunsOnce(t *testing.T) {
	for _, threads := range []int{1, 2, 3, 8} {
		p := New(threads)
		for parts := range 20 {
			for range 50 {
				ran := make([]atomic.Int32, parts)
				p.Run(parts, func(i int) { ran[i].Add(1) })
				for i := range ran {
					if n := ran[i].Load(); n != 1 {
						t.Fatalf("%d threads, %d parts: part %d ran %d times", threads, parts, i, n)
					}
				}
			}
		}
		p.Close()
	}
}

func TestZeroAndNilPoolWork(t *testing.T) {
	var zero Pool
	for _, p := range []*Pool{nil, &zero} {
		n := 0
		p.Run(3, func(int) { n++ })
		p.Each(3, func(worker, _ int) { n += 1 + worker })
		p.Close()
		if n != 6 || p.Threads() != 1 {
			t.Errorf("%d parts ran on %d threads, want 6 on 1", n, p.Threads())
		}
	}
}

// Parts that run at the same time must see different workers.
func TestWorkersDiffer(t *testing.T) {
	p := New(4)
	defer p.Close()
	var busy [4]atomic.Bool
	for range 200 {
		p.Each(16, func(worker, _ int) {
			if busy[worker].Swap(true) {
				t.Error("worker already busy")
			}
			pauseFor(time.Microsecond)
			busy[worker].Store(false)
		})
	}
}

func pauseFor(d time.Duration) {
	for start := time.Now(); time.Since(start) < d; {
		pause(1)
	}
}

func TestNestedAndConcurrentRuns(t *testing.T) {
	p := New(3)
	defer p.Close()
	var total atomic.Int64
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range 100 {
				p.Run(5, func(int) {
					p.Run(4, func(int) { total.Add(1) })
				})
			}
		})
	}
	wg.Wait()
	if got := total.Load(); got != 16*100*20 {
		t.Errorf("%d parts ran, want %d", got, 16*100*20)
	}
}

// The caller sleeps when a worker's part is long, and workers sleep between
// tasks that are far apart.
func TestSleepingAndWaking(t *testing.T) {
	p := New(2)
	defer p.Close()
	for range 5 {
		var n atomic.Int32
		p.Run(2, func(int) {
			time.Sleep(3 * time.Millisecond)
			n.Add(1)
		})
		if n.Load() != 2 {
			t.Fatalf("returned after %d of 2 parts", n.Load())
		}
		time.Sleep(3 * time.Millisecond)
	}
}

func TestOneProcessor(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	p := New(4)
	defer p.Close()
	var n atomic.Int32
	for range 1000 {
		p.Run(8, func(int) { n.Add(1) })
	}
	if n.Load() != 8000 {
		t.Errorf("%d parts ran, want 8000", n.Load())
	}
}

func TestRunAfterClose(t *testing.T) {
	p := New(2)
	p.Run(2, func(int) {})
	p.Close()
	p.Close()
	var n atomic.Int32
	for range 10 {
		p.Run(4, func(int) { n.Add(1) })
	}
	if n.Load() != 40 {
		t.Errorf("%d parts ran after Close, want 40", n.Load())
	}
}

// A pool that nobody refers to must not leave its workers behind.
func TestCollectedPoolEndsWorkers(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 10 {
		p := New(3)
		p.Run(3, func(int) { p.Threads() })
	}
	for deadline := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before; {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
		runtime.GC()
		time.Sleep(time.Millisecond)
	}
}

func TestRunDoesNotAllocate(t *testing.T) {
	p := New(2)
	defer p.Close()
	var n atomic.Int64
	f := func(int) { n.Add(1) }
	g := func(int, int) { n.Add(1) }
	if a := testing.AllocsPerRun(100, func() { p.Run(2, f); p.Each(2, g) }); a != 0 {
		t.Errorf("%v allocations", a)
	}
}

func TestSplitCovers(t *testing.T) {
	for n := range 40 {
		for parts := 1; parts < 10; parts++ {
			at := 0
			for i := range parts {
				from, to := Split(n, parts, i)
				if from != at || to < from || to-from > n/parts+1 {
					t.Fatalf("part %d of %d in %d: [%d, %d), after %d", i, n, parts, from, to, at)
				}
				at = to
			}
			if at != n {
				t.Fatalf("%d in %d parts covers %d", n, parts, at)
			}
		}
	}
}

func BenchmarkRun(b *testing.B) {
	p := New(2)
	defer p.Close()
	var n atomic.Int64
	f := func(int) { n.Add(1) }
	for b.Loop() {
		p.Run(2, f)
	}
}
