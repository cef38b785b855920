package probe

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"tend"
)

// Checker makes attempts that connect. It may be used by several goroutines.
type Checker struct{ transport *http.Transport }

// Reached is who has answered: whoever holds this address.
type Reached struct {
	Address netip.AddrPort // zero: none
	Here    bool           // that is an address of this host
	Socket  string         // the path of a unix socket, "" for none
}

func (r Reached) String() string {
	if r.Socket != "" {
		return r.Socket
	}
	return r.Address.String()
}

// NewChecker returns a Checker. It asks nobody else on the way, follows no redirect, keeps no connection open and, since
// services ask for no secret here, takes every certificate.
func NewChecker() *Checker {
	return &Checker{&http.Transport{
		DialContext: dial, DisableKeepAlives: true, DisableCompression: true, MaxResponseHeaderBytes: 64 << 10,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}}
}

// Check makes one attempt of a tcp or http check. An error says in words what the answer was.
func (c *Checker) Check(ctx context.Context, check tend.Check) (Reached, error) {
	switch check.Kind {
	case tend.CheckTCP:
		return checkTCP(ctx, check.Target)
	case tend.CheckHTTP:
		return c.checkHTTP(ctx, check)
	}
	return Reached{}, fmt.Errorf("%s is not checked by connecting", check)
}

func checkTCP(ctx context.Context, target string) (Reached, error) {
	if !strings.Contains(target, ":") {
		target = "localhost:" + target
	}
	conn, err := dial(ctx, "tcp", target)
	if err != nil {
		return Reached{}, inWords(ctx, err, target)
	}
	defer conn.Close()
	return reached(conn), nil
}

// dial connects. This host is asked under both of its addresses, without anybody who might know the name.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	var dialer net.Dialer
	if path, ok := ctx.Value(socketKey{}).(string); ok {
		conn, err := dialer.DialContext(ctx, "unix", path)
		note(ctx, conn)
		return conn, err
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	hosts := []string{host}
	if host == "localhost" {
		hosts = []string{"127.0.0.1", "::1"}
	}
	var first error
	for _, host := range hosts {
		conn, err := dialer.DialContext(ctx, network, net.JoinHostPort(host, port))
		if err == nil {
			note(ctx, conn)
			return conn, nil
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}

// What a dial is told, and tells, by its context.
type (
	socketKey  struct{} // string: the path to connect to
	reachedKey struct{} // *atomic.Pointer[Reached]: who asks may have gone when it is set
)

func note(ctx context.Context, conn net.Conn) {
	if at, ok := ctx.Value(reachedKey{}).(*atomic.Pointer[Reached]); ok && conn != nil {
		r := reached(conn)
		at.Store(&r)
	}
}

func reached(conn net.Conn) Reached {
	remote, ok := conn.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return Reached{Socket: conn.RemoteAddr().String()}
	}
	r := Reached{Address: remote.AddrPort()}
	if local, ok := conn.LocalAddr().(*net.TCPAddr); ok {
		r.Here = remote.IP.IsLoopback() || remote.IP.Equal(local.IP)
	}
	return r
}

// mostBody is how much is read of an answer, bytes.
const mostBody = 256 << 10

func (c *Checker) checkHTTP(ctx context.Context, check tend.Check) (Reached, error) {
	var at atomic.Pointer[Reached]
	ctx = context.WithValue(ctx, reachedKey{}, &at)
	if check.Socket != "" {
		ctx = context.WithValue(ctx, socketKey{}, check.Socket)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, check.Target, nil)
	if err != nil {
		return Reached{}, err
	}
	request.Header.Set("User-Agent", "tend")
	if user := request.URL.User; user != nil {
		password, _ := user.Password()
		request.SetBasicAuth(user.Username(), password)
	}
	answer, err := c.transport.RoundTrip(request) // which follows nothing
	asked := "GET " + request.URL.Redacted()
	r, where := Reached{}, request.URL.Host
	if reached := at.Load(); reached != nil {
		r, where = *reached, reached.String()
	} else if check.Socket != "" {
		where = check.Socket
	}
	if err != nil {
		return r, inWords(ctx, err, where)
	}
	defer answer.Body.Close()
	low, high, _ := tend.ParseStatusRange(check.Status)
	if answer.StatusCode < low || answer.StatusCode > high {
		return r, fmt.Errorf("%s: %s%s", asked, answer.Status, instead(check.Status))
	}
	if check.Body == "" {
		return r, nil
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, mostBody))
	if bytes.Contains(text, []byte(check.Body)) {
		return r, nil
	}
	if err != nil {
		return r, fmt.Errorf("%s: %s, but then %w", asked, answer.Status, inWords(ctx, err, where))
	}
	return r, fmt.Errorf("%s: %s, but the answer does not have %q in it", asked, answer.Status, check.Body)
}

// instead says which status was asked for, if it is not the usual one.
func instead(status string) string {
	if status == "" {
		return ""
	}
	return " instead of " + status
}

// inWords makes a short text of what went wrong with a connection: "connection refused on 127.0.0.1:8000".
func inWords(ctx context.Context, err error, where string) error {
	var op *net.OpError
	if errors.As(err, &op) && op.Addr != nil && op.Op == "dial" {
		where = op.Addr.String()
	}
	var asked *url.Error
	if errors.As(err, &asked) {
		err = asked.Err
	}
	var number syscall.Errno
	var name *net.DNSError
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded), errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("no answer from %s within %s", where, within(ctx))
	case errors.As(err, &name) && name.IsNotFound:
		return fmt.Errorf("there is no host %s", name.Name)
	case errors.As(err, &number):
		return fmt.Errorf("%s on %s", number.Error(), where)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), err.Error() == closedBeforeAsked:
		return fmt.Errorf("%s has closed the connection without an answer", where)
	}
	return err
}

// closedBeforeAsked is what package net/http says, by no value of its own, when the server has closed before it was asked.
const closedBeforeAsked = "http: server closed idle connection"

// within is how long the attempt was given.
func within(ctx context.Context) tend.Duration {
	if t, ok := ctx.Value(timeoutKey{}).(time.Duration); ok {
		return tend.Duration(t)
	}
	return 0
}

type timeoutKey struct{}
