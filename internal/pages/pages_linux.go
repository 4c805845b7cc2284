package pages

import "syscall"

// adviseHuge asks for large pages for b, which is aligned to them. Where the
// system refuses, small pages do as well.
func adviseHuge(b []byte) { _ = syscall.Madvise(b, syscall.MADV_HUGEPAGE) }

// physical returns the machine's memory in bytes, 0 if it is not known.
func physical() uint64 {
	var info syscall.Sysinfo_t
	if err := syscall.Sysinfo(&info); err != nil {
		return 0
	}
	return uint64(info.Totalram) * uint64(info.Unit)
}
