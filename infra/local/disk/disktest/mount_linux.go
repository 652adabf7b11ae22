package disktest

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// The flags tell the child what it is. They are not for people.
var (
	childTest = flag.String("disktest.name", "", "set by disktest: the test that has the small disk")
	childDir  = flag.String("disktest.dir", "", "set by disktest: where the small disk is to be")
)

// OnSmallDisk runs body in a child process, with dir an empty folder on a file
// system of the given size. The test fails if body does. Call it first thing in
// a test: what stands before it runs in both processes.
func OnSmallDisk(t *testing.T, size int64, body func(t *testing.T, dir string)) {
	t.Helper()
	if *childTest == t.Name() {
		mount(t, *childDir, size)
		body(t, *childDir)
		return
	}

	// A plain mount namespace is enough for root. Others, and root in a
	// container without the right to mount, get that right inside a user
	// namespace of their own.
	var out []byte
	var err error
	for _, user := range []bool{false, true} {
		if !user && os.Geteuid() != 0 {
			continue
		}
		if out, err = runChild(t, user); started(err) {
			break
		}
	}
	switch {
	case !started(err):
		t.Fatalf("no small disk can be had: %v. The test needs the right to mount: run it as root, or let users make namespaces (sysctl user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns)", err)
	case err != nil:
		t.Fatalf("on the small disk: %v\n%s", err, out)
	case !bytes.Contains(out, []byte("--- PASS: "+t.Name()+" ")):
		t.Fatalf("the test did not run on the small disk:\n%s", out)
	}
}

// started tells whether there was a child at all.
func started(err error) bool {
	if err == nil {
		return true
	}
	_, ended := errors.AsType[*exec.ExitError](err)
	return ended
}

func runChild(t *testing.T, user bool) ([]byte, error) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatalf("finding the test's own program: %v", err)
	}
	child := exec.CommandContext(t.Context(), self,
		"-test.run="+pattern(t.Name()), "-test.v", "-test.count=1", "-test.timeout=5m",
		"-disktest.name="+t.Name(), "-disktest.dir="+t.TempDir())
	child.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if user {
		child.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		child.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		child.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	return child.CombinedOutput()
}

// mount puts a file system in memory on dir, seen by this process and its
// children only.
func mount(t *testing.T, dir string, size int64) {
	t.Helper()
	// Without this the mount would show up in the parent's view as well.
	if err := syscall.Mount("none", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		t.Fatalf("making the mounts private: %v", err)
	}
	if err := syscall.Mount("loch-disktest", dir, "tmpfs", 0, fmt.Sprintf("size=%d,mode=0700", size)); err != nil {
		t.Fatalf("mounting the small disk: %v", err)
	}
}

// ReadOnly makes a small disk read-only from now on. No file on it may be open
// for writing.
func ReadOnly(t *testing.T, dir string) {
	t.Helper()
	if err := syscall.Mount("loch-disktest", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatalf("making the small disk read-only: %v", err)
	}
}
