package onnx

import (
	"regexp"
	"strconv"
	"strings"
)

// moduleName is how PyTorch names a parameter: modules with dots between them.
var moduleName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z0-9_]+)*\.weight(_[0-9]+)?$`)

// base returns what the names of a layer's parameters begin with: that of its
// weights where PyTorch gave it, or else the node's.
func (c *converter) base(weights string) string {
	if moduleName.MatchString(weights) {
		return weights[:strings.LastIndex(weights, ".weight")]
	}
	name := strings.Trim(c.name(), "/")
	if module, op, ok := cutLast(name, "/"); ok && strings.HasPrefix(op, c.node.op) {
		name = module
	}
	name = strings.ReplaceAll(name, "/", ".")
	return strings.Map(func(r rune) rune {
		if r == '.' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}, name)
}

// shared returns the name of several branches, that of the first without its
// number.
func shared(name string) string {
	if s, number, ok := cutLast(name, "."); ok && s != "" {
		if _, err := strconv.Atoi(number); err == nil {
			return s
		}
	}
	return name
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}
