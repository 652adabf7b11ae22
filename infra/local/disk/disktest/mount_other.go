//go:build !linux

package disktest

import "testing"

// OnSmallDisk needs mount namespaces, which only Linux has.
func OnSmallDisk(t *testing.T, _ int64, _ func(t *testing.T, dir string)) {
	t.Helper()
	t.Fatal("no small disk can be had: this test needs Linux")
}

// ReadOnly needs a small disk, which only Linux gives.
func ReadOnly(t *testing.T, _ string) {
	t.Helper()
	t.Fatal("no small disk can be had: this test needs Linux")
}
