package store

import (
	"errors"
	"strings"
	"syscall"
	"testing"

	"github.com/mixnet-go/mixnet/data"
)

// A disk that is full before the cache is: what was unused the longest goes, and
// where nothing is left to go, the error says so.
func TestFullDisk(t *testing.T) {
	srv, files := shardsOn(t, 4, 60)
	size := len(srv.objects["/photos/set-0000.tar"])
	o := srv.options(t)
	mount := func(bytes string) {
		t.Helper()
		o.Dir = t.TempDir()
		if err := syscall.Mount("tmpfs", o.Dir, "tmpfs", 0, "size="+bytes); err != nil {
			t.Skip("a small disk takes root:", err)
		}
		dir := o.Dir
		t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	}
	mount("512k")
	if 4*size < 512<<10 {
		t.Fatalf("four shards of %d bytes fit", size)
	}
	sameAsDisk(t, open(t, o, pattern(4)), files, data.Config{Window: 1})
	mount("64k")
	if _, err := Open(t.Context(), o, pattern(4)); !errors.Is(err, ErrFull) || !strings.Contains(err.Error(), "disk has no room left") {
		t.Errorf("a disk smaller than a shard: %v", err)
	}
}
