// Package hub fetches published weights by name, such as
// "mixnet_s.ft_in1k", from the Hugging Face hub into a cache on disk.
//
// What is in the cache is used without asking the network. A download that
// breaks off goes on where it stopped, its size and SHA-256 are compared with
// what the hub states, and two processes that want the same file download it
// once.
package hub

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// DefaultEndpoint is the public hub.
const DefaultEndpoint = "https://huggingface.co"

const (
	defaultOwner = "timm"              // of the repositories of timm's weights
	fileName     = "model.safetensors" // in every repository
)

// Environment variables that change where files come from and are kept.
const (
	EnvEndpoint = "HF_ENDPOINT"  // a mirror's address
	EnvCache    = "MIXNET_CACHE" // the cache's directory
)

// Errors of Get, to be tested with errors.Is.
var (
	ErrOffline  = errors.New("not in the cache, and downloads are switched off")
	ErrNotFound = errors.New("the hub has no such file")
	ErrDamaged  = errors.New("the download is damaged")
	ErrName     = errors.New("not a name of weights")
)

// Client fetches weights. The zero value uses the public hub and the user's
// cache. A Client is safe for concurrent use.
type Client struct {
	// Endpoint is the hub's address. Empty means that of the environment
	// variable HF_ENDPOINT, or else DefaultEndpoint.
	Endpoint string
	// Cache is the directory that files are kept in. Empty means that of the
	// environment variable MIXNET_CACHE, or else "mixnet" in the user's cache
	// directory.
	Cache string
	// Offline allows no downloads.
	Offline bool
	// Progress, if set, is called now and then during a download with the
	// bytes that are there and the bytes in all, or -1 if unknown.
	Progress func(done, total int64)
	// Waiting, if set, is called before a try that follows a failed one, with
	// what failed and how long it waits.
	Waiting func(err error, wait time.Duration)
	// HTTP is the client used; nil means one with sensible time limits.
	HTTP *http.Client
	// Patience is how long a download may stand still before it is tried
	// again. 0 means 30 seconds.
	Patience time.Duration

	retryDelay time.Duration // before the second try, doubled for each after it; 0 means half a second
}

// weightsName is owner/repository; both as the hub allows them.
var weightsName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9][A-Za-z0-9._-]{0,95}$`)

// Repository returns the hub's repository of a name: "timm/NAME" unless the
// name has an owner. The forms "hf-hub:OWNER/NAME" and "hf_hub:OWNER/NAME" of
// timm are understood.
func Repository(name string) (string, error) {
	repo := name
	for _, prefix := range []string{"hf-hub:", "hf_hub:"} {
		repo = strings.TrimPrefix(repo, prefix)
	}
	if !strings.Contains(repo, "/") {
		repo = defaultOwner + "/" + repo
	}
	if !weightsName.MatchString(repo) || strings.Contains(repo, "..") {
		return "", fmt.Errorf("%q: %w: expected something like mixnet_s.ft_in1k", name, ErrName)
	}
	return repo, nil
}

// CacheDir returns the directory that files are kept in.
func (c *Client) CacheDir() (string, error) {
	if dir := cmp.Or(c.Cache, os.Getenv(EnvCache)); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no directory for the cache: set %s: %w", EnvCache, err)
	}
	return filepath.Join(dir, "mixnet"), nil
}

// Path returns where the file of a name is kept, whether it is there or not.
func (c *Client) Path(name string) (string, error) {
	repo, err := Repository(name)
	if err != nil {
		return "", err
	}
	dir, err := c.CacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "hub", filepath.FromSlash(repo), fileName), nil
}

// URL returns the address of the file of a name.
func (c *Client) URL(name string) (string, error) {
	repo, err := Repository(name)
	if err != nil {
		return "", err
	}
	endpoint := cmp.Or(c.Endpoint, os.Getenv(EnvEndpoint), DefaultEndpoint)
	return strings.TrimRight(endpoint, "/") + "/" + repo + "/resolve/main/" + fileName, nil
}

// Get returns the path of the weights of a name. It looks into the cache, then
// into that of the huggingface_hub package, and downloads the file if neither
// has it.
func (c *Client) Get(ctx context.Context, name string) (string, error) {
	path, err := c.Path(name)
	if err != nil {
		return "", err
	}
	if ok, err := complete(path); ok || err != nil {
		return path, err
	}
	if theirs := fromPython(name); theirs != "" {
		return theirs, nil
	}
	url, err := c.URL(name)
	if err != nil {
		return "", err
	}
	if c.Offline {
		err = ErrOffline
	} else {
		err = c.download(ctx, url, path)
	}
	if err != nil {
		return "", byHand(name, url, path, err)
	}
	return path, nil
}

// byHand adds to an error what the user can do.
func byHand(name, url, path string, err error) error {
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("weights %s: %w", name, err)
	}
	return fmt.Errorf("weights %s: %w\n  to put the file in place by hand, save %s\n  as %s\n  or give the path of a weight file instead of the name", name, err, redacted(url), path)
}

// complete reports whether the cache has a file, with the size that was
// recorded when it was downloaded. A file put there by hand has no record. If
// the file was touched since it was last compared, its SHA-256 is compared
// again: the error about another one wraps ErrDamaged.
func complete(path string) (bool, error) {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return false, nil
	}
	if !sized(path, info.Size()) {
		return false, nil
	}
	r, err := readRecord(path)
	if err != nil || r.SHA256 == "" || r.Compared == info.ModTime().UnixNano() {
		return true, nil
	}
	if err := compare(path, r); err != nil {
		return false, err
	}
	r.Compared = info.ModTime().UnixNano()
	_ = writeRecord(path, r) // in a cache that cannot be written it is compared again
	return true, nil
}

// compare reads a file and compares its SHA-256 with the recorded one.
func compare(path string, r record) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != r.SHA256 {
		return fmt.Errorf("%s: %w: its SHA-256 is %s, when it came it was %s; without the file it is fetched anew", path, ErrDamaged, got, r.SHA256)
	}
	return nil
}

// Verify reads a file of the cache and compares its SHA-256 with the one that
// the hub stated. The error about another one wraps ErrDamaged. Of files put
// there by hand nothing is known, nor of those of hubs that state none.
func (e Entry) Verify() error {
	r, err := readRecord(e.Path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && r.SHA256 == "" {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", e.Path, err)
	}
	return compare(e.Path, r)
}

// fromPython returns the file in the cache of Python's huggingface_hub, which
// timm fills, or "".
func fromPython(name string) string {
	repo, err := Repository(name)
	if err != nil {
		return ""
	}
	dir := os.Getenv("HF_HUB_CACHE")
	if dir == "" {
		home := os.Getenv("HF_HOME")
		if home == "" {
			user, err := os.UserHomeDir()
			if err != nil {
				return ""
			}
			home = filepath.Join(user, ".cache", "huggingface")
		}
		dir = filepath.Join(home, "hub")
	}
	dir = filepath.Join(dir, "models--"+strings.ReplaceAll(repo, "/", "--"))
	commit, err := os.ReadFile(filepath.Join(dir, "refs", "main"))
	if err != nil || !regexp.MustCompile(`^[0-9a-f]{40}$`).Match(commit) {
		return ""
	}
	path := filepath.Join(dir, "snapshots", string(commit), fileName)
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return ""
	}
	return path
}

// Entry is a file of the cache.
type Entry struct {
	Name string // as Get takes it
	Path string
	Size int64
}

// Cached lists the files of the cache by name, those that are as long as when
// they came.
func (c *Client) Cached() ([]Entry, error) {
	dir, err := c.CacheDir()
	if err != nil {
		return nil, err
	}
	paths, err := filepath.Glob(filepath.Join(escapeGlob(dir), "hub", "*", "*", fileName))
	if err != nil {
		return nil, err
	}
	var entries []Entry
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil || !sized(path, info.Size()) {
			continue
		}
		repo := filepath.Dir(path)
		name := filepath.Base(repo)
		if owner := filepath.Base(filepath.Dir(repo)); owner != defaultOwner {
			name = owner + "/" + name
		}
		entries = append(entries, Entry{name, path, info.Size()})
	}
	return entries, nil
}

func sized(path string, size int64) bool {
	r, err := readRecord(path)
	return errors.Is(err, fs.ErrNotExist) || err == nil && (r.Size < 0 || r.Size == size)
}

// escapeGlob makes a path match itself.
func escapeGlob(path string) string {
	if filepath.Separator == '\\' {
		return path // Windows has no escapes; '*' and '?' cannot be in its names
	}
	return regexp.MustCompile(`[*?\[\\]`).ReplaceAllString(path, `\$0`)
}
