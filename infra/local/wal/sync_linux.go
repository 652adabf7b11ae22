package wal

import (
	"errors"
	"os"
	"syscall"
)

// syncData makes the contents and the size of f durable. It leaves out the
// time stamps, which saves a write of the journal where the size stays.
func syncData(f *os.File) error {
	for {
		err := syscall.Fdatasync(int(f.Fd()))
		if err == nil {
			return nil
		}
		if !errors.Is(err, syscall.EINTR) {
			return &os.PathError{Op: "fdatasync", Path: f.Name(), Err: err}
		}
	}
}
