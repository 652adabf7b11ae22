package command

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// maxAnswer bounds what is read of an answer.
	maxAnswer = 512 << 20
	// pollFirst and pollLast are how long a slow query is left alone between two
	// looks.
	pollFirst = 250 * time.Millisecond
	pollLast  = 3 * time.Second
)

// refusal is an error that the server answered.
type refusal struct {
	status  int
	Code    string `json:"code"`
	Message string `json:"message"`
	Field   string `json:"field"`
}

// Error returns the server's words.
func (r *refusal) Error() string {
	words := r.Message
	if words == "" {
		words = "the server answered " + strconv.Itoa(r.status) + " " + http.StatusText(r.status)
	}
	if r.Field != "" {
		words = r.Field + ": " + words
	}
	switch r.status {
	case http.StatusUnauthorized:
		words += "\nname a key with --key, or a data folder with --data"
	}
	return words
}

// call asks /api for JSON. A query that takes long is answered with 202 and a
// place to look; call looks there until it is done.
func (t *tools) call(ctx context.Context, s *Session, method, path, key string, body any, headers ...header) ([]byte, error) {
	var payload []byte
	if body != nil {
		var err error
		if payload, err = json.Marshal(body); err != nil {
			return nil, err
		}
	}
	answer, where, err := ask(ctx, s, method, path, key, payload, headers)
	for wait := pollFirst; err == nil && where != ""; wait = min(wait*2, pollLast) {
		if err := t.sleep(ctx, wait); err != nil {
			return nil, err
		}
		answer, where, err = ask(ctx, s, http.MethodGet, where, key, nil, nil)
	}
	return answer, err
}

// header is a further header of a request.
type header struct{ name, value string }

// reasonHeader tells the server's ledger why somebody asks. A header has one
// line.
func reasonHeader(why string) header {
	return header{"X-Reason", clean(strings.Join(strings.Fields(why), " "), 0)}
}

// ask makes one request. where is set when the answer is not ready.
func ask(ctx context.Context, s *Session, method, path, key string, payload []byte, headers []header) (answer []byte, where string, err error) {
	r, err := http.NewRequestWithContext(ctx, method, s.BaseURL+path, bytes.NewReader(payload))
	if err != nil {
		return nil, "", UsageError(err)
	}
	r.Header.Set("Accept", "application/json")
	for _, h := range headers {
		if h.value != "" {
			r.Header.Set(h.name, h.value)
		}
	}
	if payload != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	response, err := s.Client.Do(r)
	if err != nil {
		return nil, "", unreachable(err)
	}
	defer response.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return nil, "", unreachable(err)
	}
	switch {
	case response.StatusCode == http.StatusAccepted && strings.HasPrefix(response.Header.Get("Location"), "/"):
		return nil, response.Header.Get("Location"), nil
	case response.StatusCode/100 == 2:
		return answer, "", nil
	}
	return nil, "", refused(response.StatusCode, answer)
}

// refused reads an error answer. One that is not Loch's, such as a proxy's, is
// known by its status only.
func refused(status int, answer []byte) *refusal {
	var body struct {
		Error refusal `json:"error"`
	}
	if err := json.Unmarshal(answer, &body); err != nil {
		body.Error = refusal{}
	}
	body.Error.status = status
	return &body.Error
}

// unreachable puts words to a network error.
func unreachable(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return &exit{code: exitFailed, words: "no server answers there: " + op.Err.Error() + "\nstart one with: loch serve", cause: err}
	}
	return &exit{code: exitFailed, words: "the connection failed: " + err.Error(), cause: err}
}
