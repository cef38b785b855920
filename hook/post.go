package hook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// postTime is how long an address may take to answer.
const postTime = 10 * time.Second

// errGivenUp: it makes no sense to try again.
type errGivenUp struct{ error }

func newClient() *http.Client {
	return &http.Client{
		Timeout:       postTime,
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true, TLSHandshakeTimeout: postTime},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // a POST would become a GET
	}
}

// post sends an event. No error names the address, which may be a secret.
func post(ctx context.Context, client *http.Client, address string, id int64, body []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return errGivenUp{errors.New("it is no address")}
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "tend")
	request.Header.Set("Tend-Event-Id", strconv.FormatInt(id, 10))
	answer, err := client.Do(request)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err
		}
		return err
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10))
	switch code := answer.StatusCode; {
	case code >= 200 && code < 300:
		return nil
	case code >= 500, code == http.StatusRequestTimeout, code == http.StatusTooManyRequests:
		return fmt.Errorf("it answered %s", answer.Status)
	default:
		return errGivenUp{fmt.Errorf("it answered %s", answer.Status)}
	}
}
