package parts

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		text string
		env  map[string]string
		want Share
		err  string
	}{
		{text: "0/1", want: Share{0, 1}},
		{text: "17/256", want: Share{17, 256}},
		{text: "4/4", err: "from 0 to 3"},
		{text: "-1/4", err: "no number"},
		{text: "1/0", err: "from 1"},
		{text: "1/100001", err: "from 1 to 100000"},
		{text: "3", err: "I/N"},
		{text: "auto", err: "neither"},
		{text: "auto", env: map[string]string{slurmID: "3", slurmCount: "8", slurmMin: "0", slurmMax: "7"}, want: Share{3, 8}},
		{text: "auto", env: map[string]string{slurmID: "3", slurmCount: "2", slurmMin: "3", slurmMax: "5"}, err: "auto/N"},
		{text: "auto", env: map[string]string{slurmID: "1", slurmCount: "8", slurmMin: "1", slurmMax: "8"}, err: "numbered from 0"},
		{text: "auto/8", env: map[string]string{slurmID: "5", slurmCount: "2", slurmMin: "3", slurmMax: "5"}, want: Share{5, 8}},
		{text: "auto/8", env: map[string]string{slurmID: "8"}, err: "from 0 to 7"},
		{text: "auto/8", env: map[string]string{kubernetesIndex: "7"}, want: Share{7, 8}},
		{text: "auto", env: map[string]string{kubernetesIndex: "7"}, err: "completions"},
		{text: "auto/8", env: map[string]string{kubernetesIndex: "7", slurmID: "7"}, err: "both"},
	} {
		got, _, err := Parse(c.text, func(name string) string { return c.env[name] })
		if c.err == "" && (err != nil || got != c.want) || c.err != "" && (!errors.Is(err, ErrShare) || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%s with %v: %v, %v; want %v, %q", c.text, c.env, got, err, c.want, c.err)
		}
	}
}

// Shares cover everything once, in order, evenly.
func TestRange(t *testing.T) {
	for _, n := range []int{0, 1, 7, 100, 100_000_001} {
		for _, of := range []int{1, 3, 8, 256} {
			next := 0
			for i := range of {
				from, to := Share{i, of}.Range(n)
				if from != next || to-from < n/of || to-from > n/of+1 {
					t.Fatalf("share %d of %d of %d: %d to %d after %d", i, of, n, from, to, next)
				}
				next = to
			}
			if next != n {
				t.Errorf("%d shares of %d end at %d", of, n, next)
			}
		}
	}
}

// Parts come back in order, and whatever is not a whole job is named.
func TestFind(t *testing.T) {
	dir := t.TempDir()
	job := Job{"command": "count", "images": "6"}
	for i := range 3 {
		if err := Write(dir, Share{i, 3}, job, []int{2 * i, 2*i + 1}); err != nil {
			t.Fatal(err)
		}
		if done, err := Done(dir, Share{i, 3}, job); err != nil || !done {
			t.Fatalf("part %d: %v, %v", i, done, err)
		}
	}
	files, err := Find(dir)
	if err != nil {
		t.Fatal(err)
	}
	next := 0
	for _, f := range files {
		for line, err := range f.Records() {
			var v int
			if err != nil || json.Unmarshal(line, &v) != nil || v != next {
				t.Fatalf("%s: %q, %v; want %d", f.Path, line, err, next)
			}
			next++
		}
	}
	if next != 6 {
		t.Errorf("%d records", next)
	}
	if _, err := Done(dir, Share{0, 3}, Job{"command": "count", "images": "7"}); !errors.Is(err, ErrForeign) || !strings.Contains(err.Error(), "its images is 6, not 7") {
		t.Errorf("a part of another job: %v", err)
	}
	other, more := t.TempDir(), t.TempDir()
	if err := errors.Join(Write(other, Share{1, 3}, Job{"command": "sum"}, []int{1}), Write(more, Share{1, 3}, job, []int{2, 3}), Write(more, Share{1, 4}, job, []int{2})); err != nil {
		t.Fatal(err)
	}
	at := func(dir string, i, of int) string { return Path(dir, Share{i, of}) }
	cut := filepath.Join(t.TempDir(), "cut.jsonl")
	whole, err := os.ReadFile(at(dir, 1, 3))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(cut, whole[:len(whole)-2], 0o666); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		paths []string
		want  error
		says  []string
	}{
		{[]string{at(dir, 0, 3), at(dir, 2, 3)}, ErrParts, []string{"1 of 3 are missing: part-00001-of-00003.jsonl"}},
		{[]string{dir, at(more, 1, 3)}, ErrParts, []string{at(dir, 1, 3), at(more, 1, 3), "same part"}},
		{[]string{dir, at(more, 1, 4)}, ErrParts, []string{at(more, 1, 4), "of 4"}},
		{[]string{at(dir, 0, 3), at(other, 1, 3), at(dir, 2, 3)}, ErrForeign, []string{at(other, 1, 3), "its command is sum, not count"}},
		{[]string{t.TempDir()}, ErrParts, []string{"no part-"}},
	} {
		_, err := Find(c.paths...)
		for _, s := range c.says {
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), s) {
				t.Errorf("%v: %v, want one that says %q", c.paths, err, s)
			}
		}
	}
	files, err = Find(at(dir, 0, 3), cut, at(dir, 2, 3))
	if err != nil {
		t.Fatal(err)
	}
	var last error
	for _, err := range files[1].Records() {
		last = err
	}
	if !errors.Is(last, ErrParts) || !strings.Contains(last.Error(), cut) {
		t.Errorf("a part that is cut short: %v", last)
	}
}

// Bytes that are no part are an error, whatever they are.
func FuzzPart(f *testing.F) {
	f.Add([]byte(`{"part":0,"of":1,"records":1,"job":{"a":"b"}}` + "\n{}\n"))
	f.Add([]byte("{"))
	f.Fuzz(func(t *testing.T, b []byte) {
		path := filepath.Join(t.TempDir(), "p")
		if err := os.WriteFile(path, b, 0o666); err != nil {
			t.Fatal(err)
		}
		files, err := Find(path)
		if err != nil {
			return
		}
		n := 0
		for _, err := range files[0].Records() {
			if err != nil {
				return
			}
			n++
		}
		if n != files[0].Count {
			t.Error(n)
		}
	})
}
