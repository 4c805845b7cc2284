package data

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Open reads the data set at path, telling its layout from what is in it.
//
// A folder may hold IDX files, CIFAR's binary files, Oxford-IIIT Pets or
// Food-101 as published, WebDataset shards, Parquet files, or class folders,
// with or without folders train, val and test above them. A file may be a tar
// archive, a Parquet file or a list ([OpenTar], [OpenParquet], [OpenList]).
func Open(path string) (*Splits, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	if !info.IsDir() {
		return openFile(path)
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	name := filepath.Base(abs)
	fsys := os.DirFS(path)
	for _, open := range []func() (*Splits, error){
		func() (*Splits, error) { return OpenIDX(fsys, name) },
		func() (*Splits, error) { return OpenCIFAR(fsys, name) },
		func() (*Splits, error) { return openPets(path) },
		func() (*Splits, error) { return openFood(path) },
		func() (*Splits, error) { return openShards(path) },
	} {
		if s, err := open(); s != nil || err != nil {
			return s, err
		}
	}
	t, err := walk(path)
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	if len(t.paths) == 0 && len(t.tables) > 0 {
		return OpenParquet(t.tables...)
	}
	return classFolders(t, "class folders")
}

// openFile reads a data set that is one file.
func openFile(path string) (*Splits, error) {
	lower := strings.ToLower(path)
	switch filepath.Ext(lower) {
	case ".tar":
		return OpenTar(path)
	case ".parquet":
		return OpenParquet(path)
	case ".csv", ".txt":
		return OpenList(path)
	case ".gz", ".tgz", ".zip", ".zst":
		return nil, fmt.Errorf("%w: %s is compressed: unpack it first", ErrLayout, path)
	}
	return nil, fmt.Errorf("%w: %s: of files, .tar, .parquet, .csv and .txt are read; else give the folder that holds the data", ErrLayout, path)
}

// openShards reads the tar archives directly in a folder; it returns nil if
// there are none.
func openShards(root string) (*Splits, error) {
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	var files []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".tar") && !e.IsDir() {
			files = append(files, filepath.Join(root, e.Name()))
		}
	}
	if len(files) == 0 {
		return nil, nil
	}
	return OpenTar(files...)
}
