package hub

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"
)

// A file of the cache that is not what came is told: when it is used if it was
// touched since, and by Verify in any case.
func TestChangedFileInCache(t *testing.T) {
	h := newHub(t, content(t))
	c := h.client(t)
	h.expect(t, c)
	path, _ := c.Path(name)
	entries, err := c.Cached()
	if err != nil || len(entries) != 1 || entries[0].Verify() != nil {
		t.Fatalf("cached %v, %v", entries, err)
	}
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	bad := append([]byte(nil), h.data...)
	bad[len(bad)/2] ^= 4
	if err := os.WriteFile(path, bad, 0o666); err != nil {
		t.Fatal(err)
	}
	later := before.ModTime().Add(time.Second)
	if err := os.Chtimes(path, later, later); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Get(t.Context(), name); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), h.sum) {
		t.Errorf("a changed file: %v", err)
	}
	if err := os.Chtimes(path, before.ModTime(), before.ModTime()); err != nil {
		t.Fatal(err)
	}
	if err := entries[0].Verify(); !errors.Is(err, ErrDamaged) {
		t.Errorf("verified: %v", err)
	}
	// The same content under a new time is compared once and remembered.
	if err := os.WriteFile(path, h.data, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, later, later); err != nil {
		t.Fatal(err)
	}
	h.expect(t, c)
	if r, err := readRecord(path); err != nil || r.Compared != later.UnixNano() {
		t.Errorf("record %+v, %v", r, err)
	}
	if len(h.ranges) != 1 {
		t.Errorf("%d downloads", len(h.ranges))
	}
}

// A password in the hub's address is neither printed nor stored.
func TestPasswordIsNotTold(t *testing.T) {
	h := newHub(t, content(t))
	c := h.client(t)
	c.Endpoint = strings.Replace(h.hubURL, "http://", "http://user:secret@", 1)
	h.expect(t, c)
	path, _ := c.Path(name)
	record, err := os.ReadFile(recordPath(path))
	if err != nil || strings.Contains(string(record), "secret") || !strings.Contains(string(record), "http://user:xxxxx@") {
		t.Errorf("record %s, %v", record, err)
	}
	offline := *c
	offline.Offline = true
	for _, endpoint := range []string{c.Endpoint, "ftp://user:secret@example.org", "http://user:secret@127.0.0.1:1", "http://user:sec%ret@host", "http://user:secret@ho st"} {
		for _, client := range []Client{*c, offline} {
			client.Endpoint, client.Cache = endpoint, t.TempDir()
			_, err := client.Get(t.Context(), "mixnet_s.other")
			if err == nil || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "sec%ret") {
				t.Errorf("%s: %v", endpoint, err)
			}
		}
	}
}

// A way back from an encrypted connection to a plain one is refused once, not
// tried again.
func TestDowngradeOfDownload(t *testing.T) {
	h := newHub(t, content(t))
	gets := 0
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			gets++
		}
		h.serveHub(w, r)
	}))
	defer secure.Close()
	c := h.client(t)
	c.Endpoint, c.HTTP = secure.URL, secure.Client()
	if _, err := c.Get(t.Context(), name); err == nil || !strings.Contains(err.Error(), "not encrypted") {
		t.Errorf("error %v", err)
	}
	if gets != 1 || len(h.ranges) != 0 {
		t.Errorf("%d requests, %d reached the plain host", gets, len(h.ranges))
	}
}

func TestSumInCapitals(t *testing.T) {
	h := newHub(t, content(t))
	h.sum = strings.ToUpper(h.sum)
	c := h.client(t)
	h.expect(t, c)
	path, _ := c.Path(name)
	if r, err := readRecord(path); err != nil || r.SHA256 != strings.ToLower(h.sum) {
		t.Errorf("record %+v, %v", r, err)
	}
	h.sum = strings.Repeat("A", 64)
	c = h.client(t)
	if _, err := c.Get(t.Context(), name); !errors.Is(err, ErrDamaged) {
		t.Errorf("another sum: %v", err)
	}
}

// Where no hub can be reached, few tries are made, and what is waited for is
// told.
func TestWaitingIsTold(t *testing.T) {
	h := newHub(t, content(t))
	c := h.client(t)
	c.Endpoint = "http://127.0.0.1:1"
	var told []time.Duration
	c.Waiting = func(err error, wait time.Duration) {
		if err == nil {
			t.Error("waiting without a reason")
		}
		told = append(told, wait)
	}
	if _, err := c.Get(t.Context(), name); err == nil || !strings.Contains(err.Error(), "after 2 tries") {
		t.Errorf("error %v", err)
	}
	if len(told) != 1 || told[0] != c.retryDelay {
		t.Errorf("told of waits %v", told)
	}
}
