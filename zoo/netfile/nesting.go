package netfile

import "bytes"

// maxNesting bounds brackets within brackets and the parts of dotted keys. No
// network file needs more than four; the time that TOML takes grows with the
// square.
const maxNesting = 8

// nestedTooDeep returns the line on which data nests deeper than maxNesting, or
// 0 if it does nowhere.
func nestedTooDeep(data []byte) int {
	line, depth, dots := 1, 0, 0
	for i := 0; i < len(data); i++ {
		switch c := data[i]; c {
		case '\n':
			line++
			dots = 0
		case '#':
			i += lineEnd(data[i:]) - 1
		case '"', '\'':
			n := stringEnd(data[i:])
			line += bytes.Count(data[i:i+n], []byte{'\n'})
			i += n - 1
		case '[', '{':
			depth++
			dots = 0
		case ']', '}':
			depth = max(depth-1, 0)
		case ',', '=':
			dots = 0
		case '.':
			dots++
		}
		if depth > maxNesting || dots > maxNesting {
			return line
		}
	}
	return 0
}

// lineEnd returns the length of b without its line end and what follows.
func lineEnd(b []byte) int {
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		return i
	}
	return len(b)
}

// stringEnd returns the length of the string that b begins with.
func stringEnd(b []byte) int {
	quote := b[:1]
	multiline := bytes.HasPrefix(b, bytes.Repeat(quote, 3))
	if multiline {
		quote = b[:3]
	}
	for i := len(quote); i < len(b); i++ {
		switch {
		case b[i] == '\\' && quote[0] == '"':
			i++
		case b[i] == '\n' && !multiline:
			return i
		case bytes.HasPrefix(b[i:], quote):
			return i + len(quote)
		}
	}
	return len(b)
}
