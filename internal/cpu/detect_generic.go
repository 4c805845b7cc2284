//go:build !amd64 || purego

package cpu

// purego tells that this build has no assembly.
const purego = true

func detect() []Level { return []Level{Generic} }

func detectFeatures() Feature { return 0 }
