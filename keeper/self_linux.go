package keeper

import (
	"os"
	"strconv"
)

// executable is this program, also after its file was replaced or deleted; see proc_pid_exe(5).
func executable() string { return "/proc/self/exe" }

// programOf returns the program that the process runs, also after its file was replaced or deleted.
func programOf(pid int) (Program, error) { return programAt("/proc/" + strconv.Itoa(pid) + "/exe") }

// NameProcess has ps and top show this process as tend; by itself it would be named after the link it was executed
// through. See proc_pid_comm(5).
func NameProcess() {
	os.WriteFile("/proc/self/comm", []byte(programName), 0) // a name is not worth an error
}
