package pages

import "syscall"

// adviseHuge asks for large pages for b, which is aligned to them. Where the
// system refuses, small pages do as well.
func adviseHuge(b []byte) { _ = syscall.Madvise(b, syscall.MADV_HUGEPAGE) }
