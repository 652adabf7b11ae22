//go:build !linux

package duckdb

// confine does nothing where the kernel has no fitting limit: the statement's
// own memory limit must do.
func confine(int64) error { return nil }

// physicalMemory is not known here.
func physicalMemory() int64 { return 0 }
