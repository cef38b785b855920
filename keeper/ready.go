package keeper

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"tend"
)

const readyLine = "ready"

// errNoReport means that every process that could have reported is gone.
var errNoReport = errors.New("nobody reported")

// ReadyAwaited reports whether somebody waits for ReportReady: only the first supervisor of a chain is waited for.
func ReadyAwaited() bool { return inherited(readyVariable) >= 0 }

// ReportReady tells whoever waits for the chain that the supervisor listens, or, by an error, that it cannot. Only the
// first supervisor of a chain has somebody to tell; elsewhere it does nothing. It is called once.
func ReportReady(err error) {
	fd := inherited(readyVariable)
	os.Unsetenv(readyVariable)
	if fd < 0 {
		return
	}
	pipe := os.NewFile(uintptr(fd), "ready pipe")
	defer pipe.Close()
	fmt.Fprintln(pipe, report(err)) // whoever waited may have given up
}

func report(err error) string {
	if err == nil {
		return readyLine
	}
	var failure *tend.Error
	if !errors.As(err, &failure) {
		failure = tend.Errorf(tend.CodeFailed, "%w", err)
	}
	line, err := json.Marshal(failure)
	if err != nil {
		return err.Error()
	}
	return string(line)
}

// awaitReport waits for the line: nil if it says ready, the error that it holds, errNoReport if there is none, ctx's
// error when that is done.
func awaitReport(ctx context.Context, pipe *os.File) error {
	stop := context.AfterFunc(ctx, func() { pipe.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	line, err := bufio.NewReader(pipe).ReadString('\n')
	switch {
	case ctx.Err() != nil && err != nil:
		return ctx.Err()
	case errors.Is(err, io.EOF):
		return errNoReport
	case err != nil:
		return fmt.Errorf("waiting for the supervisor: %w", err)
	case line == readyLine+"\n":
		return nil
	}
	failure := new(tend.Error)
	if err := json.Unmarshal([]byte(line), failure); err != nil || failure.Message == "" {
		return fmt.Errorf("the supervisor reported %q", line)
	}
	return failure
}
