package host

import (
	"os"
	"strconv"
	"strings"
	"syscall"
)

// machineMemory is what the machine has, or what the process's control group
// leaves it if that is less.
func machineMemory() int64 {
	var info syscall.Sysinfo_t
	memory := int64(unknownMemory)
	if syscall.Sysinfo(&info) == nil {
		memory = int64(info.Totalram) * int64(info.Unit)
	}
	for _, file := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		if n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && n > 0 {
			memory = min(memory, n)
		}
	}
	return memory
}
