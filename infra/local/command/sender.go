package command

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"hash/maphash"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"loch/shared/sample"
)

const (
	// attempts is how often one request is tried. With the waits below that is
	// about a minute and a half, which outlasts a restart.
	attempts  = 12
	firstWait = 200 * time.Millisecond
	lastWait  = 15 * time.Second
	// queued is how many requests wait for each sender.
	queued = 16
)

// tally counts what became of the requests.
type tally struct {
	requests int
	events   int
	updates  int
	bytes    int64
	accepted int // events
	taken    int // updates
	again    int
	retries  int
	problem  string // the first refusal, in the server's words
}

// sender posts requests like the browsers and servers that they are made up to
// come from: what one of them sends stays in order, and what the server cannot
// take now is sent again later.
type sender struct {
	session *Session
	tools   tools
	workers int
	report  func(t tally)
	wait    func(note string) // says that the server asks for patience, or no longer does

	mu    sync.Mutex
	tally tally
}

// send posts all requests of a generator. It stops at the first failure that
// trying again does not mend, and when ctx ends.
func (s *sender) send(ctx context.Context, g *sample.Generator) (tally, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	seed := maphash.MakeSeed()
	queues := make([]chan sample.Request, s.workers)
	var working sync.WaitGroup
	for i := range queues {
		queues[i] = make(chan sample.Request, queued)
		working.Go(func() {
			for r := range queues[i] {
				if ctx.Err() != nil {
					continue // drain
				}
				if err := s.one(ctx, &r); err != nil {
					stop(err)
				}
			}
		})
	}
	for r := range g.All() {
		// One client, one queue: a profile must not be updated before it is made.
		q := queues[maphash.Comparable(seed, r.Address)%uint64(len(queues))]
		select {
		case q <- r:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
	}
	for _, q := range queues {
		close(q)
	}
	working.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tally, context.Cause(ctx)
}

// one posts a request until it is taken or refused for good.
func (s *sender) one(ctx context.Context, r *sample.Request) error {
	wait := firstWait
	for try := 1; ; try++ {
		verdict, after, err := s.post(ctx, r)
		switch {
		case err != nil && ctx.Err() != nil:
			return ctx.Err()
		case err == nil && verdict.final():
			return s.add(r, &verdict)
		case try == attempts && err != nil:
			return unreachable(err)
		case try == attempts:
			return fmt.Errorf("the server still answers %d after %d tries: %s", verdict.status, attempts, verdict.words())
		}
		s.mu.Lock()
		s.tally.retries++
		s.mu.Unlock()
		s.wait(patience(&verdict, err))
		// Half of the wait by chance, so that senders do not come back together.
		pause := max(after, wait/2+time.Duration(s.tools.jitter()*float64(wait/2)))
		if err := s.tools.sleep(ctx, min(pause, time.Minute)); err != nil {
			return err
		}
		s.wait("")
		wait = min(wait*2, lastWait)
	}
}

func patience(v *verdict, err error) string {
	switch {
	case err != nil:
		return "no connection, trying again"
	case v.status == http.StatusTooManyRequests:
		return "the server asks to go slower"
	default:
		return "the server is not ready, trying again"
	}
}

// verdict is what the server said to one request.
type verdict struct {
	status int
	good   int    // records taken, when not all were; all is -1
	error  string // the server's words
}

// final says whether the same request would get the same answer again.
func (v *verdict) final() bool {
	switch v.status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return false
	}
	return true
}

func (v *verdict) words() string {
	if v.error != "" {
		return v.error
	}
	return strconv.Itoa(v.status) + " " + http.StatusText(v.status)
}

// post makes one try. after is how long the server asks to wait.
func (s *sender) post(ctx context.Context, r *sample.Request) (v verdict, after time.Duration, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.session.BaseURL+r.Path, bytes.NewReader(r.Body))
	if err != nil {
		return v, 0, err
	}
	r.SetHeaders(request.Header)
	// The made-up sender. The server believes it from its own socket, and from
	// proxies that it was told to trust.
	request.Header.Set("X-Forwarded-For", r.Address.String())
	response, err := s.session.Client.Do(request)
	if err != nil {
		return v, 0, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	if err != nil {
		return v, 0, err
	}
	v = verdict{status: response.StatusCode, good: -1}
	var told struct {
		Error  *string `json:"error"`
		Status int     `json:"status"`
	}
	switch err := json.Unmarshal(body, &told); {
	case err != nil && v.status == http.StatusOK: // "1", or not Loch at all
		if string(bytes.TrimSpace(body)) != "1" {
			v.good, v.error = 0, "the answer is not one of an ingest route"
		}
	case told.Error != nil:
		v.good, v.error = told.Status, *told.Error
	}
	return v, retryAfter(response.Header.Get("Retry-After"), s.tools.now()), nil
}

// retryAfter reads the header in both of its forms.
func retryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.Atoi(text); err == nil {
		return time.Duration(max(0, seconds)) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

// add counts a final verdict. It returns an error when the next request would
// fare no better.
func (s *sender) add(r *sample.Request, v *verdict) error {
	s.mu.Lock()
	t := &s.tally
	t.requests++
	t.events += r.Events
	t.updates += r.Updates
	t.again += r.Again
	t.bytes += int64(len(r.Body))
	records, good := r.Events+r.Updates, v.good
	switch {
	case v.status/100 != 2:
		good = 0
	case good < 0:
		good = records
	}
	if r.Events > 0 {
		t.accepted += min(good, r.Events)
	} else {
		t.taken += min(good, r.Updates)
	}
	if good < records && t.problem == "" {
		t.problem = v.words()
	}
	now := *t
	s.mu.Unlock()
	s.report(now)
	switch v.status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed:
		return fmt.Errorf("the server refuses the sample: %s", v.words())
	}
	return nil
}
