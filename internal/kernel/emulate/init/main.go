//go:build linux

// Command init is the only process of the emulated machine: it runs /test, in
// the folder that the first line of /args names and with the arguments of the
// others, and switches the machine off.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

func main() {
	for dir, kind := range map[string]string{"/proc": "proc", "/sys": "sysfs", "/tmp": "tmpfs", "/dev": "devtmpfs"} {
		if err := mount(dir, kind); err != nil {
			fmt.Println(err)
		}
	}
	if err := run(); err != nil {
		fmt.Println("EMULATED FAIL:", err)
	} else {
		fmt.Println("EMULATED PASS")
	}
	time.Sleep(time.Second) // the serial line is slow
	if err := syscall.Reboot(syscall.LINUX_REBOOT_CMD_POWER_OFF); err != nil {
		fmt.Println("power off:", err)
	}
	time.Sleep(time.Hour)
}

func mount(dir, kind string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := syscall.Mount(kind, dir, kind, 0, ""); err != nil {
		return fmt.Errorf("mount %s: %w", dir, err)
	}
	return nil
}

func run() error {
	args, err := os.ReadFile("/args")
	if err != nil {
		return err
	}
	dir, rest, _ := strings.Cut(string(args), "\n")
	cmd := exec.Command("/test", strings.Fields(rest)...)
	cmd.Dir = dir
	cmd.Env = []string{"HOME=/tmp", "TMPDIR=/tmp", "EMULATED=1"}
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd.Run()
}
