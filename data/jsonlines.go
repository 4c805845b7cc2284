package data

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// readJSON adds the pictures of lines that each are a JSON object, as in Hugging
// Face's metadata.jsonl: its members are read like a CSV file's columns.
func (l *list) readJSON(r io.Reader) error {
	var objects []map[string]json.RawMessage
	names := map[string]bool{}
	for d := json.NewDecoder(r); ; {
		var object map[string]json.RawMessage
		err := d.Decode(&object)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("%w: object %d: %w", ErrCorrupt, len(objects)+1, err)
		}
		objects = append(objects, object)
		for name := range object {
			names[name] = true
		}
	}
	if len(objects) == 0 {
		return nil
	}
	header := slices.Sorted(maps.Keys(names))
	rows := [][]string{header}
	for _, object := range objects {
		row := make([]string, len(header))
		for i, name := range header {
			row[i] = jsonText(object[name])
		}
		rows = append(rows, row)
	}
	return l.table(rows)
}

// jsonText is a member's value as a CSV file has it: "" for null and for none.
func jsonText(raw json.RawMessage) string {
	var text string
	switch {
	case len(raw) == 0 || string(raw) == "null":
		return ""
	case json.Unmarshal(raw, &text) == nil:
		return text
	}
	return strings.TrimSpace(string(raw))
}
