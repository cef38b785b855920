package api

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"tend/internal/testenv"
)

const knockVariable = "API_TEST_KNOCK"

func TestMain(m *testing.M) {
	if socket := os.Getenv(knockVariable); socket != "" {
		fmt.Print(knock(socket))
		return
	}
	os.Exit(m.Run())
}

// knock tries to get an answer and says how that went.
func knock(socket string) string {
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return "no connection: " + err.Error()
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET /v1/services HTTP/1.1\r\nHost: tend\r\n\r\n")
	if n, _ := conn.Read(make([]byte, 100)); n > 0 {
		return "an answer"
	}
	return "no answer"
}

// TestNobodyElseGetsIn: the peer is checked even where the permissions of the socket would let everybody in.
func TestNobodyElseGetsIn(t *testing.T) {
	testenv.NeedRoot(t)
	f := &fake{}
	server, _ := serve(t, f)
	dir := filepath.Dir(server.socket)
	program := filepath.Join(dir, "knock") // where this test's binary is, nobody else may look
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("cp", self, program).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for path, mode := range map[string]os.FileMode{dir: 0o755, server.socket: 0o777, program: 0o755} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	for uid, want := range map[uint32]string{0: "an answer", 65534: "no answer"} {
		cmd := exec.Command(program)
		cmd.Env = []string{knockVariable + "=" + server.socket}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
		if out, err := cmd.CombinedOutput(); err != nil || string(out) != want {
			t.Errorf("user %d: %s, %v", uid, out, err)
		}
	}
}
