package store

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"strconv"
	"strings"
)

// ErrAddress says that something is no address of objects.
var ErrAddress = errors.New("not an address of tar shards")

// Is reports whether a name is an address, of one object or of several.
func Is(name string) bool {
	scheme, _, ok := strings.Cut(name, "://")
	switch scheme {
	case "s3", "gs", "https", "http":
		return ok
	}
	return false
}

// address is where an object is.
type address struct {
	text        string // as it was given
	scheme      string
	bucket, key string   // of s3 and gs
	url         *url.URL // of https and http
}

// parse reads the address of one object.
func parse(text string) (address, error) {
	a := address{text: text}
	scheme, rest, _ := strings.Cut(text, "://")
	a.scheme = scheme
	name := rest
	switch scheme {
	case "s3", "gs":
		a.bucket, a.key, _ = strings.Cut(rest, "/")
		if a.bucket == "" || a.key == "" || strings.ContainsAny(a.bucket, "?#@:%") {
			return a, fmt.Errorf("%w: %q: want %s://BUCKET/KEY", ErrAddress, text, scheme)
		}
		name = a.key
	default:
		u, err := url.Parse(text)
		if err != nil || u.Host == "" {
			return a, fmt.Errorf("%w: an %s address that cannot be read", ErrAddress, scheme)
		}
		a.url, name = u, u.Path
	}
	if !strings.EqualFold(path.Ext(name), ".tar") {
		return a, fmt.Errorf("%w: %s: of objects, only tar archives (.tar) are read", ErrAddress, a)
	}
	return a, nil
}

// String is the address without passwords.
func (a address) String() string {
	if a.url == nil {
		return a.text
	}
	u := *a.url
	u.RawQuery = "" // it may hold a signature
	return u.Redacted()
}

// maxNames bounds what braces stand for.
const maxNames = 1 << 20

// Expand returns the names that a pattern stands for, as a shell does:
// {0000..1281} is a range of numbers, of as many digits, and {train,val} is a
// list; of several braces, the last one changes first. A name without braces
// stands for itself.
func Expand(pattern string) ([]string, error) {
	names := []string{""}
	for rest := pattern; rest != ""; {
		before, after, found := strings.Cut(rest, "{")
		if strings.Contains(before, "}") {
			return nil, fmt.Errorf("%w: %q has a } without a {", ErrAddress, pattern)
		}
		words := []string{""}
		rest = ""
		if found {
			inside, tail, closed := strings.Cut(after, "}")
			if !closed || strings.Contains(inside, "{") {
				return nil, fmt.Errorf("%w: %q: want {0000..1281} or {train,val}, none within another", ErrAddress, pattern)
			}
			var err error
			if words, err = braces(inside); err != nil {
				return nil, fmt.Errorf("%w: %q: %w", ErrAddress, pattern, err)
			}
			rest = tail
		}
		if len(names)*len(words) > maxNames {
			return nil, fmt.Errorf("%w: %q stands for more than %d names", ErrAddress, pattern, maxNames)
		}
		all := make([]string, 0, len(names)*len(words))
		for _, n := range names {
			for _, w := range words {
				all = append(all, n+before+w)
			}
		}
		names = all
	}
	return names, nil
}

// braces returns what the text within braces stands for.
func braces(inside string) ([]string, error) {
	first, last, isRange := strings.Cut(inside, "..")
	if !isRange {
		words := strings.Split(inside, ",")
		if len(words) < 2 {
			return nil, fmt.Errorf("{%s} is neither a range nor a list", inside)
		}
		return words, nil
	}
	from, err := strconv.ParseUint(first, 10, 32)
	to, err2 := strconv.ParseUint(last, 10, 32)
	if err != nil || err2 != nil || from > to {
		return nil, fmt.Errorf("{%s} is no range of numbers that grow", inside)
	}
	if to-from >= maxNames {
		return nil, fmt.Errorf("{%s} are more than %d numbers", inside, maxNames)
	}
	width := 0
	if len(first) > 1 && first[0] == '0' || len(last) > 1 && last[0] == '0' {
		if width = len(first); len(last) != width {
			return nil, fmt.Errorf("{%s}: both ends of a range with leading zeros have as many digits", inside)
		}
	}
	var words []string
	for i := from; i <= to; i++ {
		words = append(words, fmt.Sprintf("%0*d", width, i))
	}
	return words, nil
}
