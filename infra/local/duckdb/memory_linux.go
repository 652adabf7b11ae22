package duckdb

import (
	"bufio"
	"bytes"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// rlimitData is RLIMIT_DATA, which package syscall does not name. On Linux it
// counts every private writable page that is mapped, so an allocation that goes
// too far fails, and DuckDB says so, where else the kernel would have to choose
// a process to kill.
const rlimitData = 2

// confine bounds what this process may still allocate, and puts it last in the
// queue for the processor and first for the kernel's out-of-memory killer: the
// server must not suffer from a statement. It is best effort; the statement's
// own memory limit holds without it.
func confine(bytes int64) error {
	mapped, err := readKB("/proc/self/status", "VmData:")
	if err != nil {
		return err
	}
	most := uint64(mapped) + uint64(bytes)
	if err := syscall.Setrlimit(rlimitData, &syscall.Rlimit{Cur: most, Max: most}); err != nil {
		return err
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}); err != nil {
		return err
	}
	if err := os.WriteFile("/proc/self/oom_score_adj", []byte("900"), 0); err != nil {
		return err
	}
	return syscall.Setpriority(syscall.PRIO_PROCESS, 0, 5)
}

// physicalMemory is the machine's memory, or what the control group leaves of
// it.
func physicalMemory() int64 {
	total, err := readKB("/proc/meminfo", "MemTotal:")
	if err != nil {
		return 0
	}
	for _, path := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		b, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		if most, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64); err == nil && most > 0 {
			total = min(total, most)
		}
	}
	return total
}

// readKB finds "Name:   123 kB" in a file and returns bytes.
func readKB(path, name string) (int64, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	lines := bufio.NewScanner(bytes.NewReader(b))
	for lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), name); ok {
			kb, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kb << 10, err
		}
	}
	return 0, os.ErrNotExist
}
