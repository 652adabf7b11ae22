// Package disktest gives a test a small disk of its own, so that it can be
// filled for real.
//
// OnSmallDisk runs the test once more in a child process that has a private
// view of the mounted file systems. There it mounts a file system in memory of
// just the size that was asked for. When the child ends, the kernel takes all
// of it away, even if the child was killed.
//
//	func TestFullDisk(t *testing.T) {
//		disktest.OnSmallDisk(t, 4<<20, func(t *testing.T, dir string) {
//			ballast := disktest.Fill(t, dir)
//			… // every write to dir gets ENOSPC
//			ballast.Remove()
//			… // there is room again
//		})
//	}
//
// It works for root and, where the kernel lets users make namespaces, for
// everybody. Where neither is allowed the test fails and says so: a test of a
// full disk that is left out proves nothing.
package disktest

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// pattern returns the value of -test.run that selects one test, which may be a
// subtest.
func pattern(name string) string {
	parts := strings.Split(name, "/")
	for i, p := range parts {
		parts[i] = "^" + regexp.QuoteMeta(p) + "$"
	}
	return strings.Join(parts, "/")
}

// Ballast is a file that takes up all the room of a disk.
type Ballast struct {
	t    *testing.T
	path string
}

// Fill writes a file into dir until the disk has no room left. It fails the
// test if dir is on a disk with more than 1 GiB free, which can only be a
// mistake.
func Fill(t *testing.T, dir string) *Ballast {
	t.Helper()
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		t.Fatalf("asking for the free space of %s: %v", dir, err)
	}
	if s.Bavail*uint64(s.Bsize) > 1<<30 {
		t.Fatalf("%s has more than 1 GiB free: it is no disk to be filled", dir)
	}
	b := &Ballast{t: t, path: filepath.Join(dir, "ballast")}
	f, err := os.Create(b.path)
	if err != nil {
		t.Fatalf("making the ballast: %v", err)
	}
	// First large pieces and then single bytes, for the last page too.
	for _, size := range []int{1 << 20, 4096, 1} {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, size))
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("filling the disk: %v", err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatalf("closing the ballast: %v", err)
	}
	return b
}

// Remove makes all the room free again.
func (b *Ballast) Remove() {
	b.t.Helper()
	if err := os.Remove(b.path); err != nil {
		b.t.Fatalf("removing the ballast: %v", err)
	}
}

// Shrink makes n bytes free again.
func (b *Ballast) Shrink(n int64) {
	b.t.Helper()
	s, err := os.Stat(b.path)
	if err == nil {
		err = os.Truncate(b.path, max(s.Size()-n, 0))
	}
	if err != nil {
		b.t.Fatalf("shrinking the ballast: %v", err)
	}
}
