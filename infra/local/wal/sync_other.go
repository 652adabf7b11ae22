//go:build !linux

package wal

import "os"

// syncData makes the contents and the size of f durable, on macOS also past
// the cache of the drive.
func syncData(f *os.File) error { return f.Sync() }
