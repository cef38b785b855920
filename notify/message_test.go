package notify

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func pointer[T any](v T) *T { return &v }

func TestParse(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, datagram string
		want           Message
		fails          string // part of the error
	}{
		{"ready", "READY=1", Message{Ready: true}, ""},
		{"ready, with an end of line", "READY=1\n", Message{Ready: true}, ""},
		{"ready, with a zero byte at the end", "READY=1\x00", Message{Ready: true}, ""},
		{"not ready", "READY=0", Message{}, ""},
		{"reloading", "RELOADING=1\nMONOTONIC_USEC=1500000", Message{Reloading: true, Since: 1500 * time.Millisecond}, ""},
		{"stopping", "STOPPING=1\nSTATUS=Good bye…", Message{Stopping: true, Status: pointer("Good bye…")}, ""},
		{"a status with an equals sign", "STATUS=a=b", Message{Status: pointer("a=b")}, ""},
		{"a status is taken back", "STATUS=", Message{Status: pointer("")}, ""},
		{"a status that is no text", "STATUS=\xff\nREADY=1", Message{Ready: true}, "STATUS"},
		{"a status with commands for a terminal", "STATUS=\x1b[2Jx\ty", Message{Status: pointer(" [2Jx y")}, ""},
		{"errors", "ERRNO=2\nBUSERROR=org.x.Failed\nVARLINKERROR=x.y\nEXIT_STATUS=3",
			Message{Errno: 2, BusError: "org.x.Failed", VarlinkError: "x.y", ExitStatus: pointer(3)}, ""},
		{"an exit status of 0", "EXIT_STATUS=0", Message{ExitStatus: pointer(0)}, ""},
		{"an exit status that is none", "EXIT_STATUS=256", Message{}, "EXIT_STATUS"},
		{"a main process", "MAINPID=4711\nMAINPIDFDID=12345678901", Message{MainPID: 4711, MainInode: 12345678901}, ""},
		{"a main process by descriptor", "MAINPIDFD=1", Message{MainFD: true}, ""},
		{"no main process", "MAINPID=0", Message{}, "MAINPID"},
		{"a negative main process", "MAINPID=-1", Message{}, "MAINPID"},
		{"alive", "WATCHDOG=1", Message{Ping: true}, ""},
		{"not alive", "WATCHDOG=trigger", Message{Trigger: true}, ""},
		{"another watchdog", "WATCHDOG_USEC=20000", Message{Watchdog: pointer(20 * time.Millisecond)}, ""},
		{"no watchdog", "WATCHDOG_USEC=18446744073709551615", Message{Watchdog: pointer(time.Duration(0))}, ""},
		{"more time", "EXTEND_TIMEOUT_USEC=5000000", Message{Extend: 5 * time.Second}, ""},
		{"much more time than there is", "EXTEND_TIMEOUT_USEC=18446744073709551615", Message{Extend: 9223372036854775 * time.Microsecond}, ""},
		{"more time that is none", "EXTEND_TIMEOUT_USEC=5s", Message{}, "EXTEND_TIMEOUT_USEC"},
		{"store", "FDSTORE=1\nFDNAME=db\nFDPOLL=0", Message{Store: true, Name: "db", NoPoll: true}, ""},
		{"store with a name that is none", "FDSTORE=1\nFDNAME=a:b", Message{Store: true}, "FDNAME"},
		{"store with a long name", "FDSTORE=1\nFDNAME=" + strings.Repeat("x", 256), Message{Store: true}, "FDNAME"},
		{"remove", "FDSTOREREMOVE=1\nFDNAME=db", Message{Remove: true, Name: "db"}, ""},
		{"access", "NOTIFYACCESS=main", Message{Access: AccessMain}, ""},
		{"access for nobody known", "NOTIFYACCESS=you", Message{}, "NOTIFYACCESS"},
		{"forgive", "RESTART_RESET=1", Message{ResetFailures: true}, ""},
		{"barrier", "BARRIER=1", Message{Barrier: true}, ""},
		{"a barrier that is not alone", "READY=1\nBARRIER=1", Message{Barrier: true}, "BARRIER"},
		{"unknown keys", "X_FOO=1\nREADY=1\nnonsense\n=\n", Message{Ready: true}, ""},
		{"a key twice", "STATUS=one\nSTATUS=two", Message{Status: pointer("one")}, ""},
		{"nothing", "", Message{}, ""},
		{"a zero byte in the middle", "READY=1\x00STATUS=x", Message{}, "zero byte"},
		{"too long", "READY=1\nX=" + strings.Repeat("x", MaxMessage), Message{}, "longer"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := Parse([]byte(test.datagram))
			if text(got) != text(test.want) {
				t.Errorf("it says %s, should be %s", text(got), text(test.want))
			}
			if failed := err != nil; failed != (test.fails != "") || failed && !strings.Contains(err.Error(), test.fails) {
				t.Errorf("the error is %v, should speak of %q", err, test.fails)
			}
		})
	}
}

func text(m Message) string {
	b, _ := json.Marshal(m)
	return string(b)
}

func TestIsPing(t *testing.T) {
	t.Parallel()
	for datagram, want := range map[string]bool{"WATCHDOG=1": true, "WATCHDOG=1\nSTATUS=x": false, "WATCHDOG=trigger": false, "WATCHDOG=1\nX=y": true, "": false} {
		if m, _ := Parse([]byte(datagram)); m.IsPing() != want {
			t.Errorf("%q is a ping: %v", datagram, !want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, datagram := range []string{
		"READY=1\nSTATUS=x\nMAINPID=1", "WATCHDOG=1", "FDSTORE=1\nFDNAME=x\nFDPOLL=0", "BARRIER=1", "\x00", "=\n=", "EXTEND_TIMEOUT_USEC=99999999999999999999",
		"NOTIFYACCESS=all\nERRNO=5\nEXIT_STATUS=-1\nWATCHDOG_USEC=0",
	} {
		f.Add([]byte(datagram))
	}
	f.Fuzz(func(t *testing.T, datagram []byte) {
		m, _ := Parse(datagram)
		switch {
		case m.MainPID < 0, m.Extend < 0, m.Since < 0, m.Errno < 0, m.Watchdog != nil && *m.Watchdog < 0:
			t.Errorf("something is negative: %s", text(m))
		case m.ExitStatus != nil && (*m.ExitStatus < 0 || *m.ExitStatus > 255):
			t.Errorf("no exit status: %d", *m.ExitStatus)
		case m.Status != nil && (!utf8.ValidString(*m.Status) || strings.ContainsAny(*m.Status, "\n\x00")):
			t.Errorf("no line: %q", *m.Status)
		case m.Name != "" && CheckName(m.Name) != nil:
			t.Errorf("no name: %q", m.Name)
		case m.Barrier && m.Ready:
			t.Error("a barrier is not alone")
		case len(datagram) > MaxMessage && text(m) != text(Message{}):
			t.Errorf("of %d bytes: %s", len(datagram), text(m))
		}
	})
}
