package data

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
)

// member is a file in a tar archive.
type member struct {
	name string // without a slash in front
	place
}

// tarLister reads the headers of an archive.
type tarLister struct {
	file    *io.SectionReader
	path    string
	archive int
	left    *leftOut

	files map[string]place  // by name; the last of a name counts
	links map[string]string // symbolic links, by name
	order []string          // the names, in the order of the archive

	linked int // files that links to folders have added
}

// listTar returns the files of an archive as they would lie unpacked: links lead
// to what they link to, and of files of one name the last one is there. Only
// headers are read.
func listTar(f Shard, path string, archive int, left *leftOut) ([]member, error) {
	t := &tarLister{file: io.NewSectionReader(f, 0, f.Size()), path: path, archive: archive, left: left, files: map[string]place{}, links: map[string]string{}}
	r := tar.NewReader(t.file)
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: after %d files: %w", path, len(t.order), cutShort(err))
		}
		if err := t.add(h); err != nil {
			return nil, err
		}
	}
	t.follow()
	return t.members(), nil
}

// add notes one member.
func (t *tarLister) add(h *tar.Header) error {
	name := cleanMember(h.Name)
	switch {
	case isSparse(h):
		if isPicture(name) {
			return fmt.Errorf("%s: %w: %s is stored as a sparse file: unpack the archive", t.path, ErrLayout, h.Name)
		}
		t.left.add("sparse file in an archive", name)
	case h.Typeflag == tar.TypeReg || h.Typeflag == tar.TypeCont:
		at, err := t.file.Seek(0, io.SeekCurrent)
		if err != nil {
			return err
		}
		if h.Size > t.file.Size()-at {
			return fmt.Errorf("%s: %w: it is cut short in %s", t.path, ErrCorrupt, h.Name)
		}
		t.put(name, place{t.archive, at, h.Size})
	case h.Typeflag == tar.TypeLink:
		p, ok := t.files[cleanMember(h.Linkname)]
		if !ok {
			t.left.add("link to nothing in its archive", name)
			return nil
		}
		t.put(name, p)
	case h.Typeflag == tar.TypeSymlink:
		target := path.Join(path.Dir("/"+name), h.Linkname)
		if path.IsAbs(h.Linkname) {
			target = h.Linkname
		}
		t.forget(name)
		t.links[name] = cleanMember(target)
		t.order = append(t.order, name)
	case h.Typeflag != tar.TypeDir && h.Typeflag != tar.TypeXGlobalHeader:
		t.left.add("no regular file", name)
	}
	return nil
}

// put adds a file in place of an earlier one of its name.
func (t *tarLister) put(name string, p place) {
	t.forget(name)
	t.files[name] = p
	t.order = append(t.order, name)
}

// forget removes a name that comes again.
func (t *tarLister) forget(name string) {
	_, file := t.files[name]
	_, link := t.links[name]
	if file || link {
		t.left.add("earlier file of the same name in an archive", name)
		delete(t.files, name)
		delete(t.links, name)
	}
}

// members returns the files in the order of the archive.
func (t *tarLister) members() []member {
	list := make([]member, 0, len(t.files))
	for i := len(t.order) - 1; i >= 0; i-- { // the last of a name counts
		name := t.order[i]
		if p, ok := t.files[name]; ok {
			list = append(list, member{name, p})
			delete(t.files, name)
		}
	}
	slices.Reverse(list)
	return list
}

// maxLinked bounds the files that links to folders add.
const maxLinked = 1 << 22

// follow puts files where symbolic links lead to them: first those that lead to
// files, then those that lead to folders.
func (t *tarLister) follow() {
	if len(t.links) == 0 {
		return
	}
	var folders []string
	for _, name := range slices.Clone(t.order) {
		target, ok := t.links[name]
		if !ok {
			continue
		}
		if p, ok := t.files[t.resolve(target)]; ok {
			t.files[name] = p
		} else {
			folders = append(folders, name)
		}
	}
	sorted := slices.Sorted(maps.Keys(t.files))
	for _, link := range folders {
		if !t.linkFolder(link, t.resolve(t.links[link]), sorted) {
			t.left.add("link to nothing in its archive", link)
		}
	}
}

// resolve follows links at the end of a path and within it.
func (t *tarLister) resolve(name string) string {
	const most, longest = 40, 4096
	for range most {
		next := ""
		for at := 0; at <= len(name) && len(name) <= longest; at++ {
			if at < len(name) && name[at] != '/' {
				continue
			}
			if target, ok := t.links[name[:at]]; ok {
				next = cleanMember(target + name[at:])
				break
			}
		}
		if next == "" {
			return name
		}
		name = next
	}
	return name
}

// linkFolder puts the files of a folder below a link to it, and reports whether
// there are any.
func (t *tarLister) linkFolder(link, folder string, files []string) bool {
	if folder == "" || strings.HasPrefix(link+"/", folder+"/") {
		return false // it leads back to a folder around it
	}
	first, _ := slices.BinarySearch(files, folder+"/")
	n := first
	for ; n < len(files) && strings.HasPrefix(files[n], folder+"/"); n++ {
		if t.linked++; t.linked > maxLinked {
			return false
		}
		t.put(link+files[n][len(folder):], t.files[files[n]])
	}
	return n > first
}

// hasEnd reports whether an archive ends in zeros, as tar marks its end. One that
// is cut between two files does not.
func hasEnd(f Shard) (bool, error) {
	var block [512]byte
	n, err := f.ReadAt(block[:], max(0, f.Size()-int64(len(block))))
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	return n == 0 || block == [512]byte{}, nil
}

// cleanMember is a member's name as tar unpacks it: below the folder where tar
// is called, whatever the name says.
func cleanMember(name string) string { return path.Clean("/" + name)[1:] }

// isSparse says whether a member's content is stored without its holes.
func isSparse(h *tar.Header) bool {
	if h.Typeflag == tar.TypeGNUSparse {
		return true
	}
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return true
		}
	}
	return false
}
