package data

import (
	"fmt"
	"path"
	"strings"
	"unicode"
)

// part is one of the parts of a set.
type part int

const (
	noPart part = iota
	trainPart
	valPart
	testPart
)

// String returns the name that [Splits] has for the part.
func (p part) String() string { return [...]string{"train", "train", "val", "test"}[p] }

// partWords are the words that name a part: Hugging Face's.
var partWords = map[string]part{
	"train": trainPart, "training": trainPart,
	"validation": valPart, "valid": valPart, "val": valPart, "dev": valPart,
	"test": testPart, "testing": testPart, "eval": testPart, "evaluation": testPart,
}

// partSuffixes are what such a word is joined with, as in testset.
var partSuffixes = []string{"sets", "set", "data", "images", "image", "imgs", "img", "pictures", "photos", "split", "folder"}

// partOf returns the part that a folder's or file's name stands for: a part's
// word anywhere in it, between what is no letter or where a capital begins a
// word. Several says that there are words of different parts.
func partOf(name string) (p part, several bool) {
	for _, w := range nameWords(name) {
		q := partWords[w]
		for i := 0; q == noPart && i < len(partSuffixes); i++ {
			if stem, ok := strings.CutSuffix(w, partSuffixes[i]); ok {
				q = partWords[stem]
			}
		}
		switch {
		case q == noPart || q == p:
		case p != noPart:
			return noPart, true
		default:
			p = q
		}
	}
	return p, false
}

// nameWords returns the words of a name, in lower case: runs of letters, parted
// as well where a small letter comes before a capital.
func nameWords(name string) []string {
	var words []string
	var word []rune
	end := func() {
		if len(word) > 0 {
			words = append(words, strings.ToLower(string(word)))
			word = word[:0]
		}
	}
	small := false
	for _, r := range name {
		if !unicode.IsLetter(r) || small && unicode.IsUpper(r) {
			end()
		}
		if unicode.IsLetter(r) {
			word = append(word, r)
		}
		small = unicode.IsLower(r)
	}
	end()
	return words
}

// pathPart returns the part that a file is of, by the words in its name and in
// those of its folders. File is a path with slashes below the set's root.
func pathPart(file string) (part, error) {
	p := noPart
	for name := range strings.SplitSeq(file, "/") {
		q, several := partOf(name)
		switch {
		case several, p != noPart && q != noPart && p != q:
			return noPart, fmt.Errorf("%w: the name %s has words of several parts: rename it, or give it alone", ErrLayout, file)
		case q != noPart:
			p = q
		}
	}
	return p, nil
}

// setName returns what is left of a path without its parts' words and its
// numbers: files of one set have it in common.
func setName(file string) string {
	dir, base := path.Split(file)
	var words []string
	for _, w := range nameWords(dir + " " + strings.TrimSuffix(base, path.Ext(base))) {
		if p, _ := partOf(w); p == noPart && w != "of" {
			words = append(words, w)
		}
	}
	return strings.Join(words, " ")
}

// PathPart returns the part that a file is of — "train", "val" or "test", or ""
// for none — by the words in its name and in those of its folders. File is a
// path with slashes below the set's root.
func PathPart(file string) (string, error) {
	p, err := pathPart(file)
	if err != nil || p == noPart {
		return "", err
	}
	return p.String(), nil
}
