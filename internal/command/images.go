package command

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/mixnet-go/mixnet/vision"
)

// hidden reports a name that data sets leave out too: one that begins with a
// dot, as the companions "._a.jpg" do that macOS writes on other file systems.
func hidden(name string) bool { return strings.HasPrefix(name, ".") && name != "." && name != ".." }

// imageFiles returns the images that arguments name: files as they are, and of
// folders every file with an image's extension, in order.
func imageFiles(args []string) ([]string, error) {
	var files []string
	for _, arg := range args {
		info, err := os.Stat(arg)
		if arg == "-" || (err == nil && !info.IsDir()) {
			files = append(files, arg)
			continue
		}
		if err != nil {
			return nil, err
		}
		found, err := imagesBelow(arg)
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("%s: no images in this folder, that is, no names that end in one of %s", arg, strings.Join(vision.Extensions(), " "))
		}
		files = append(files, found...)
	}
	return files, nil
}

// eachImage makes something for every image that arguments name, and with what
// failed for every argument that names none.
func eachImage[T any](args []string, blank func(image, failure string) T) []T {
	var all []T
	for _, arg := range args {
		files, err := imageFiles([]string{arg})
		if err != nil {
			all = append(all, blank(arg, err.Error()))
		}
		for _, f := range files {
			all = append(all, blank(f, ""))
		}
	}
	return all
}

// imagesBelow returns the images of a folder and of those in it, symbolic links
// followed, but a folder that is inside itself only once.
func imagesBelow(root string) ([]string, error) {
	var files []string
	var walk func(dir string, above []fs.FileInfo) error
	walk = func(dir string, above []fs.FileInfo) error {
		self, err := os.Stat(dir)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(above, func(a fs.FileInfo) bool { return os.SameFile(a, self) }) {
			return nil
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		for _, entry := range entries {
			path := filepath.Join(dir, entry.Name())
			info, err := os.Stat(path)
			switch {
			case hidden(entry.Name()):
			case err != nil && errors.Is(err, fs.ErrNotExist):
				continue // a link that leads nowhere
			case err != nil:
				return err
			case info.IsDir():
				if err := walk(path, append(slices.Clip(above), self)); err != nil {
					return err
				}
			case info.Mode().IsRegular() && vision.IsPicture(path):
				files = append(files, path)
			}
		}
		return nil
	}
	return files, walk(root, nil)
}

// The most bytes read of an image: of a file, whose size is known, and of a
// pipe.
const (
	maxImageFile = 1 << 30
	maxImagePipe = 256 << 20
)

// readImage reads a file, or standard input for "-". A pipe without a writer is
// empty, instead of waited for.
func readImage(e *env, file string) ([]byte, error) {
	if file == "-" {
		return readPipe(e.stdin)
	}
	f, err := os.OpenFile(file, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		content, err := readPipe(f)
		if err == nil && len(content) == 0 {
			err = errors.New("not a file but a pipe or a device, and nothing comes out of it")
		}
		return content, err
	case info.Size() > maxImageFile:
		return nil, fmt.Errorf("larger than %s", formatBytes(maxImageFile))
	}
	content := make([]byte, info.Size())
	n, err := io.ReadFull(f, content)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil // it has shrunk
	}
	return content[:n], err
}

func readPipe(in io.Reader) ([]byte, error) {
	content, err := io.ReadAll(io.LimitReader(in, maxImagePipe+1))
	if err == nil && len(content) > maxImagePipe {
		err = fmt.Errorf("larger than %s", formatBytes(maxImagePipe))
	}
	return content, err
}
