package local_test

import (
	"os/exec"
	"syscall"
)

// endWithUs has a process end when this one does, even if that is killed.
func endWithUs(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
