package boxes

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// yamlFile is what a data.yaml says: its keys with a scalar, a list of scalars
// or a map of scalars. Other values, and what is nested deeper, are passed over.
type yamlFile map[string]yamlValue

type yamlValue struct {
	scalar string
	list   []string // of a list
	keys   []string // of a map, with list as its values
	isList bool
}

// parseYAML reads the part of YAML that data sets are described in: mappings of
// scalars, of lists and of mappings, in blocks or in brackets.
func parseYAML(text string) (yamlFile, error) {
	y := yamlFile{}
	key := ""
	open := "" // a value in brackets that goes on
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimRight(uncomment(line), " \t\r\n")
		bare := strings.TrimLeft(line, " \t")
		indented := len(bare) < len(line)
		fail := func(err error) error { return fmt.Errorf("line %d: %w", number, err) }
		switch {
		case open != "":
			if open += " " + bare; closes(open) {
				v, err := flow(open)
				if err != nil {
					return nil, fail(err)
				}
				y[key], open = v, ""
			}
		case bare == "" || bare == "---" || bare == "...":
		case indented && key == "":
			return nil, fail(errors.New("an indented line without a key above it"))
		case strings.HasPrefix(bare, "- ") || bare == "-":
			v := y[key]
			v.isList = true
			v.list = append(v.list, unquote(strings.TrimSpace(bare[1:])))
			y[key] = v
		case indented:
			v := y[key]
			k, s, ok := pair(bare)
			if !ok || v.isList || v.scalar != "" { // of a text in several lines, or deeper
				continue
			}
			v.keys, v.list = append(v.keys, k), append(v.list, unquote(s))
			y[key] = v
		default:
			k, s, ok := pair(bare)
			if !ok {
				return nil, fail(fmt.Errorf("%q: want a key and a colon", bare))
			}
			if key = k; inBrackets(s) && !closes(s) {
				open = s
				continue
			}
			v, err := value(s)
			if err != nil {
				return nil, fail(err)
			}
			y[key] = v
		}
	}
	if open != "" {
		return nil, fmt.Errorf("line %d: the file is cut off: a bracket is not closed", number)
	}
	return y, nil
}

func inBrackets(s string) bool { return strings.HasPrefix(s, "[") || strings.HasPrefix(s, "{") }

// value reads what stands behind a key on its line.
func value(s string) (yamlValue, error) {
	switch {
	case s == "|" || s == ">" || s == "|-" || s == ">-":
		return yamlValue{scalar: s}, nil
	case inBrackets(s):
		return flow(s)
	}
	return yamlValue{scalar: unquote(s)}, nil
}

// quoted calls f for every byte of s with whether it is within quotes, until it
// returns false.
func quoted(s string, f func(i int, within bool) bool) {
	var quote byte
	for i := range len(s) {
		switch c := s[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
			if !f(i, true) {
				return
			}
			continue
		case (c == '"' || c == '\'') && (i == 0 || strings.ContainsRune(" [{,:-", rune(s[i-1]))):
			quote = c
		}
		if !f(i, quote != 0) {
			return
		}
	}
}

// uncomment cuts a comment off.
func uncomment(line string) string {
	end := len(line)
	quoted(line, func(i int, within bool) bool {
		if !within && line[i] == '#' && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t') {
			end = i
			return false
		}
		return true
	})
	return line[:end]
}

// pair parts a line at the colon behind its key.
func pair(s string) (key, value string, ok bool) {
	at := -1
	quoted(s, func(i int, within bool) bool {
		if !within && s[i] == ':' && (i+1 == len(s) || s[i+1] == ' ' || s[i+1] == '\t') {
			at = i
			return false
		}
		return true
	})
	if at < 0 {
		return "", "", false
	}
	return unquote(strings.TrimSpace(s[:at])), strings.TrimSpace(s[at+1:]), true
}

// closes reports whether the brackets of a value are closed.
func closes(s string) bool {
	depth := 0
	quoted(s, func(i int, within bool) bool {
		if !within {
			switch s[i] {
			case '[', '{':
				depth++
			case ']', '}':
				depth--
			}
		}
		return true
	})
	return depth <= 0
}

// flow reads a list or a map in brackets.
func flow(s string) (yamlValue, error) {
	s = strings.TrimSpace(s)
	if len(s) < 2 || s[0] == '[' && s[len(s)-1] != ']' || s[0] == '{' && s[len(s)-1] != '}' {
		return yamlValue{}, fmt.Errorf("%q: want a list or a map in brackets", s)
	}
	v := yamlValue{isList: s[0] == '['}
	inner := s[1 : len(s)-1]
	from := 0
	add := func(item string) {
		item = strings.TrimSpace(item)
		if item == "" {
			return
		}
		if k, value, ok := pair(item); ok && !v.isList {
			v.keys, item = append(v.keys, k), value
		} else if k, value, ok := strings.Cut(item, ":"); ok && !v.isList {
			v.keys, item = append(v.keys, unquote(strings.TrimSpace(k))), strings.TrimSpace(value)
		}
		v.list = append(v.list, unquote(item))
	}
	quoted(inner, func(i int, within bool) bool {
		if !within && inner[i] == ',' {
			add(inner[from:i])
			from = i + 1
		}
		return true
	})
	add(inner[from:])
	if !v.isList && len(v.keys) != len(v.list) {
		return yamlValue{}, fmt.Errorf("%q: want keys with values", s)
	}
	return v, nil
}

func unquote(s string) string {
	switch n := len(s); {
	case n >= 2 && s[0] == '"' && s[n-1] == '"':
		return s[1 : n-1]
	case n >= 2 && s[0] == '\'' && s[n-1] == '\'':
		return strings.ReplaceAll(s[1:n-1], "''", "'")
	}
	return s
}

// strings returns a value's texts: its scalar, or its list.
func (v yamlValue) strings() []string {
	if len(v.keys) == 0 && !v.isList {
		if v.scalar == "" || v.scalar == "null" || v.scalar == "~" {
			return nil
		}
		return []string{v.scalar}
	}
	return v.list
}

// maxClasses bounds the numbers of classes.
const maxClasses = 1 << 16

// numbered returns the names of a list, or of a map from numbers.
func (v yamlValue) numbered() ([]string, error) {
	if len(v.keys) == 0 {
		return v.list, nil
	}
	names := make([]string, 0, len(v.keys))
	for i, k := range v.keys {
		n, err := strconv.Atoi(k)
		if err != nil || n < 0 || n >= maxClasses {
			return nil, fmt.Errorf("class %q: want a number from 0", k)
		}
		for len(names) <= n {
			names = append(names, "")
		}
		names[n] = v.list[i]
	}
	for i, n := range names {
		if n == "" {
			return nil, fmt.Errorf("there is no class %d, but others above it", i)
		}
	}
	return names, nil
}
