//go:build !linux

package local_test

import "os/exec"

// endWithUs does nothing: other systems have no such thing. A process that is killed
// leaves DynamoDB Local behind.
func endWithUs(*exec.Cmd) {}
