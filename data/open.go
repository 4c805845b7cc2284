package data

import (
	"fmt"
	"os"
	"path/filepath"
)

// Open reads the data set at path, a folder, telling its layout from what is
// in it: IDX files, CIFAR's binary files, or class folders, with or without
// folders train, val and test above them.
func Open(path string) (*Splits, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("%w: %s is a file: give the folder that holds the data", ErrLayout, path)
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	name := filepath.Base(abs)
	fsys := os.DirFS(path)
	if s, err := OpenIDX(fsys, name); s != nil || err != nil {
		return s, err
	}
	if s, err := OpenCIFAR(fsys, name); s != nil || err != nil {
		return s, err
	}
	return openFolders(path)
}
