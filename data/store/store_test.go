package store

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/internal/fetch"
)

// What comes from a store is what comes from the disk, and is fetched once.
func TestSameAsDisk(t *testing.T) {
	srv, files := shardsOn(t, 4, 20)
	o := srv.options(t)
	sameAsDisk(t, open(t, o, pattern(4)), files, data.Config{})
	if n := srv.gets.Load(); n != 4 {
		t.Errorf("%d requests for four shards", n)
	}
	sameAsDisk(t, open(t, o, pattern(4)), files, data.Config{})
	sameAsDisk(t, open(t, o, "s3://photos/set-0000.tar", "s3://photos/set-000{1,2,3}.tar"), files, data.Config{})
	if n := srv.gets.Load(); n != 4 {
		t.Errorf("%d requests after the set was opened again", n)
	}
	o.Dir = t.TempDir()
	sameAsDisk(t, open(t, o, srv.URL+"/photos/set-{0000..0003}.tar"), files, data.Config{})
}

// With room for a part of the set, a window of shards is mixed: the same batches
// as from the disk, and never more bytes than there is room for.
func TestWindow(t *testing.T) {
	const shards = 12
	srv, files := shardsOn(t, shards, 16)
	info, err := os.Stat(files[0])
	if err != nil {
		t.Fatal(err)
	}
	o := srv.options(t)
	o.MaxBytes = 6*info.Size() + 5*4096 // the shards are not all of one size
	s := open(t, o, pattern(shards))
	if _, err := batches(t, s.Train, data.Config{}); !errors.Is(err, data.ErrWindow) || !strings.Contains(err.Error(), "at most 5") {
		t.Errorf("a shuffle over all shards: %v", err)
	}
	done := make(chan struct{})
	var most int64
	var watch sync.WaitGroup
	watch.Go(func() {
		for {
			most = max(most, cachedBytes(t, o.Dir))
			select {
			case <-done:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	})
	sameAsDisk(t, s, files, data.Config{Window: 3})
	close(done)
	watch.Wait()
	if most > o.MaxBytes {
		t.Errorf("the cache held %d bytes, it may hold %d", most, o.MaxBytes)
	}
	// A set that was opened before is not fetched as a whole again: its index is
	// kept.
	before := srv.sent.Load()
	again := open(t, o, pattern(shards))
	if n := srv.sent.Load() - before; n != 0 {
		t.Errorf("%d bytes came to open the set again", n)
	}
	sameAsDisk(t, again, files, data.Config{Window: 3})
}

// Connections that break cost nothing but what was under way.
func TestCutConnections(t *testing.T) {
	srv, files := shardsOn(t, 2, 40)
	size := 0
	for _, content := range srv.objects {
		size += len(content)
	}
	srv.cut = 9000
	o := srv.options(t)
	waits := 0
	o.Waiting = func(error, time.Duration) { waits++ }
	sameAsDisk(t, open(t, o, pattern(2)), files, data.Config{})
	if waits == 0 || srv.gets.Load() < int64(size/9000) {
		t.Errorf("%d waits and %d requests: nothing was cut", waits, srv.gets.Load())
	}
	if n := srv.sent.Load(); n > int64(size)*3/2 {
		t.Errorf("%d bytes were sent of %d", n, size)
	}
}

// A download that a killed process has left is gone on with.
func TestResumesPart(t *testing.T) {
	srv, files := shardsOn(t, 1, 40)
	o := srv.options(t)
	content := srv.objects["/photos/set-0000.tar"]
	srv.cut = len(content) / 2
	ctx, cancel := context.WithCancel(t.Context())
	o.Waiting = func(error, time.Duration) { cancel() }
	if _, err := Open(ctx, o, pattern(1)); !errors.Is(err, context.Canceled) {
		t.Fatalf("an open that was stopped: %v", err)
	}
	o.Waiting = nil
	srv.set(func() { srv.cut = 0 })
	srv.sent.Store(0)
	sameAsDisk(t, open(t, o, pattern(1)), files, data.Config{})
	if n := srv.sent.Load(); n > int64(len(content)/2+1) {
		t.Errorf("%d bytes were sent for the second half of %d", n, len(content))
	}
}

// An object that is replaced between is an error that names it, not another
// picture and not a damaged one.
func TestChanged(t *testing.T) {
	srv, files := shardsOn(t, 3, 16)
	o := srv.options(t)
	s := open(t, o, pattern(3))
	srv.set(func() { srv.objects["/photos/set-0001.tar"] = archive(t, 9, 16) })
	sameAsDisk(t, s, files, data.Config{}) // as long as it is in the cache
	for _, f := range glob(t, o.Dir, "*set-0001.tar") {
		if err := os.Remove(f); err != nil {
			t.Fatal(err)
		}
	}
	_, err := batches(t, s.Train, data.Config{})
	if !errors.Is(err, ErrChanged) || !errors.Is(err, data.ErrUnavailable) || !strings.Contains(err.Error(), "s3://photos/set-0001.tar") {
		t.Errorf("an object that has changed: %v", err)
	}
	if err := os.WriteFile(files[1], srv.objects["/photos/set-0001.tar"], 0o666); err != nil {
		t.Fatal(err)
	}
	sameAsDisk(t, open(t, o, pattern(3)), files, data.Config{}) // opened anew it is the new one
}

// A file of the cache that was changed is noticed.
func TestDamagedCache(t *testing.T) {
	srv, files := shardsOn(t, 1, 16)
	o := srv.options(t)
	open(t, o, pattern(1))
	f := glob(t, o.Dir, "*.tar")[0]
	b, err := os.ReadFile(f)
	if err != nil {
		t.Fatal(err)
	}
	b[700] ^= 1
	if err := os.WriteFile(f, b, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(glob(t, o.Dir, "*.index")[0], []byte("none"), 0o666); err != nil {
		t.Fatal(err)
	}
	sameAsDisk(t, open(t, o, pattern(1)), files, data.Config{})
	srv.set(func() { srv.flip = true })
	o.Dir = t.TempDir()
	if _, err := Open(t.Context(), o, pattern(1)); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "set-0000.tar") {
		t.Errorf("a wrong byte: %v", err)
	}
}

func glob(t *testing.T, dir, name string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, name))
	if err != nil || len(found) == 0 {
		t.Fatalf("no %s in %s: %v", name, dir, err)
	}
	return found
}

// Errors say what is wrong and where.
func TestErrors(t *testing.T) {
	srv, _ := shardsOn(t, 2, 4)
	o := srv.options(t)
	none := o
	none.Getenv = func(name string) string {
		if strings.HasPrefix(name, "AWS_") && name != "AWS_ENDPOINT_URL" {
			return ""
		}
		return o.Getenv(name)
	}
	small := o
	small.MaxBytes = 100
	for _, c := range []struct {
		o       Options
		pattern string
		deny    bool
		want    error
		says    string
	}{
		{o, "s3://photos/set-{0000..0002}.tar", false, ErrNotFound, "s3://photos/set-0002.tar: the store has no such object (404, NoSuchKey"},
		{o, "s3://others/set-0000.tar", false, ErrNotFound, "s3://others/set-0000.tar"},
		{o, pattern(2), true, ErrDenied, "SignatureDoesNotMatch: as the test wants): the request was signed with the key key"},
		{none, pattern(2), true, ErrDenied, "set AWS_ACCESS_KEY_ID"},
		{small, pattern(2), false, ErrFull, "the cache " + o.Dir + " may hold 100"},
		{o, "s3://photos/set.zip", false, ErrAddress, "only tar archives"},
		{o, "s3://photos", false, ErrAddress, "BUCKET/KEY"},
		{o, "s3://photos/a.tar", false, ErrNotFound, "a.tar"},
		{o, "s3://photos/{a.tar", false, ErrAddress, "{0000..1281}"},
		{o, "https://user:secret@127.0.0.1:1/a.tar?sig=x", false, nil, "https://user:xxxxx@127.0.0.1:1/a.tar: after 3 tries"},
	} {
		srv.set(func() { srv.deny = c.deny })
		_, err := Open(t.Context(), c.o, c.pattern)
		if err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, want one that says %q", c.pattern, err, c.says)
		}
	}
}

// A server that is away for a while is waited for; one that stays away ends
// reading with an error, and no picture is skipped for it.
func TestServerAway(t *testing.T) {
	srv, files := shardsOn(t, 3, 16)
	o := srv.options(t)
	o.retry.Tries = 1000
	s := open(t, o, pattern(3))
	forget := func() {
		for _, f := range glob(t, o.Dir, "*.tar") {
			_ = os.Remove(f)
		}
	}
	forget()
	srv.set(func() { srv.down = true })
	time.AfterFunc(50*time.Millisecond, func() { srv.set(func() { srv.down = false }) })
	sameAsDisk(t, s, files, data.Config{})

	o.retry.Tries = 2
	s = open(t, o, pattern(3))
	forget()
	srv.set(func() { srv.down = true })
	if _, err := batches(t, s.Train, data.Config{MaxBad: 48}); !errors.Is(err, data.ErrUnavailable) || !strings.Contains(err.Error(), "after 2 tries: the store answers 503, SlowDown") {
		t.Errorf("a server that stays away: %v", err)
	}
}

// Those that wait for a shard somebody else fetches share its failure: they do
// not wait for the store one after the other.
func TestServerAwayForAll(t *testing.T) {
	srv, _ := shardsOn(t, 1, 16)
	o := srv.options(t)
	s := open(t, o, pattern(1))
	for _, f := range glob(t, o.Dir, "*.tar") {
		if err := os.Remove(f); err != nil {
			t.Fatal(err)
		}
	}
	const readers = 8
	var asked atomic.Int64
	var begun, all sync.WaitGroup
	begun.Add(readers)
	srv.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		begun.Wait()
		time.Sleep(50 * time.Millisecond) // so that all of them wait
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	for range readers {
		all.Go(func() {
			begun.Done()
			if _, err := s.shards.openFile(0); !errors.Is(err, data.ErrUnavailable) {
				t.Errorf("a server that stays away: %v", err)
			}
		})
	}
	all.Wait()
	// A reader that begins to wait too late tries itself.
	if n := asked.Load(); n >= int64(readers*s.shards.retry.Tries) {
		t.Errorf("%d requests of %d readers", n, readers)
	}
}

// Several processes share a cache; here, several sets of one. Nothing is fetched
// twice.
func TestSharedCache(t *testing.T) {
	srv, files := shardsOn(t, 4, 16)
	o := srv.options(t)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			s, err := Open(t.Context(), o, pattern(4))
			if err != nil {
				t.Error(err)
				return
			}
			sameAsDisk(t, s, files, data.Config{})
			s.Wait()
		})
	}
	all.Wait()
	if n := srv.gets.Load(); n != 4 {
		t.Errorf("%d requests for four shards", n)
	}
}

// A download that stands still is tried again.
func TestPatience(t *testing.T) {
	content := archive(t, 0, 4)
	first := true
	var mu sync.Mutex
	stall := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"x"`)
		mu.Lock()
		hang := first && r.Method == http.MethodGet
		first = first && !hang
		mu.Unlock()
		if hang {
			w.Header().Set("Content-Length", "99999")
			_, _ = w.Write(content[:1000])
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
			return
		}
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(string(content)))
	})
	srv := newServer(t, nil)
	srv.Config.Handler = stall
	o := Options{Dir: t.TempDir(), Patience: 100 * time.Millisecond, retry: fetch.Retry{Tries: 3, Delay: time.Millisecond}}
	var told []string
	o.Waiting = func(err error, _ time.Duration) { told = append(told, err.Error()) }
	open(t, o, srv.URL+"/a.tar")
	if !slices.ContainsFunc(told, func(s string) bool { return strings.Contains(s, "nothing came for 100ms") }) {
		t.Errorf("told %v", told)
	}
}
