package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"

	"tend"
)

// ErrNoSupervisor means that nobody answers at the socket. ErrCut means that the supervisor went away before it
// had answered: the request may be sent again.
var (
	ErrNoSupervisor = errors.New("no supervisor is running")
	ErrCut          = errors.New("the supervisor went away before it had answered")
)

// Client asks the supervisor behind one socket.
type Client struct {
	http *http.Client
}

// NewClient returns a client of the supervisor that listens at the path. Nothing is opened until it is used.
func NewClient(socket string) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", socket)
	}
	return &Client{http: &http.Client{Transport: &http.Transport{DialContext: dial, DisableCompression: true}}}
}

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Statuses tells how the services are.
func (c *Client) Statuses(ctx context.Context, q tend.Query) ([]tend.Status, error) {
	query := url.Values{"name": q.Words}
	if q.Brief {
		query.Set("brief", "")
	}
	answer, err := c.send(ctx, http.MethodGet, "/v1/services?"+query.Encode(), nil)
	if err != nil {
		return nil, err
	}
	defer answer.Close()
	var list List
	if err := json.NewDecoder(answer).Decode(&list); err != nil {
		return nil, cut(ctx, err)
	}
	return list.Services, nil
}

// Do has the request carried out and reports its news as they come. It returns nil when the work is over, however it
// went for each service: that is in the news. An error concerns the request as a whole.
func (c *Client) Do(ctx context.Context, r tend.Request, report func(tend.Progress)) error {
	answer, err := c.send(ctx, http.MethodPost, "/v1/do", r)
	if err != nil {
		return err
	}
	defer answer.Close()
	for decoder := json.NewDecoder(answer); ; {
		var l line
		switch err := decoder.Decode(&l); {
		case err != nil:
			return cut(ctx, err)
		case l.Error != nil:
			return l.Error
		case l.Done:
			return nil
		case l.Progress != nil:
			report(*l.Progress)
		}
	}
}

// Changed tells the supervisor that definitions were changed in the database.
func (c *Client) Changed(ctx context.Context) error {
	answer, err := c.send(ctx, http.MethodPost, "/v1/changed", nil)
	if err != nil {
		return err
	}
	return answer.Close()
}

// send returns the body of a good answer, or the error that the answer holds.
func (c *Client) send(ctx context.Context, method, path string, body any) (io.ReadCloser, error) {
	var content io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("encoding the request: %w", err)
		}
		content = bytes.NewReader(data)
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://tend"+path, content)
	if err != nil {
		return nil, fmt.Errorf("making the request: %w", err)
	}
	answer, err := c.http.Do(request)
	if err != nil {
		var dial *net.OpError
		if errors.As(err, &dial) && dial.Op == "dial" && ctx.Err() == nil {
			return nil, fmt.Errorf("%w: %w", ErrNoSupervisor, dial.Err)
		}
		return nil, cut(ctx, err)
	}
	if answer.StatusCode < 300 {
		return answer.Body, nil
	}
	defer answer.Body.Close()
	var l line
	if err := json.NewDecoder(answer.Body).Decode(&l); err != nil || l.Error == nil {
		return nil, fmt.Errorf("the supervisor answered with HTTP status %d", answer.StatusCode)
	}
	return nil, l.Error
}

// cut says that an answer was cut off, unless it was the caller who gave up.
func cut(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("%w: %w", ErrCut, err)
}
