package command

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const taken = `{"error":null,"status":1}`

// collector is a server that keeps what is posted.
type collector struct {
	t    *testing.T
	mu   sync.Mutex
	seen map[string]int // digest of path and body: how often
	from map[string]bool
	then func(n int, w http.ResponseWriter) bool // may answer itself
	n    int
}

func (c *collector) handle(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		c.t.Error(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	if c.then != nil && c.then(c.n, w) {
		return
	}
	if c.seen == nil {
		c.seen, c.from = map[string]int{}, map[string]bool{}
	}
	c.seen[fmt.Sprintf("%x", sha256.Sum256([]byte(r.URL.RequestURI()+"\n"+string(body))))]++
	c.from[r.Header.Get("X-Forwarded-For")] = true
	_, _ = w.Write([]byte(taken))
}

func TestSeed(t *testing.T) {
	c := &collector{t: t}
	f := newFake(t, c.handle)
	out, errs, code := f.run(newSeed, "--events", "3000", "--days", "7")
	if code != 0 {
		t.Errorf("code %d, %s", code, errs)
	}
	golden(t, "seed.txt", out)
	golden(t, "seed-progress.txt", errs)
	if len(c.from) < 100 || c.from[""] {
		t.Errorf("%d senders", len(c.from))
	}
	for _, n := range c.seen {
		if n != 1 {
			t.Errorf("a request came %d times", n)
		}
	}

	again := &collector{t: t}
	g := newFake(t, again.handle)
	if _, _, code := g.run(newSeed, "--events", "3000", "--days", "7", "--concurrency", "9"); code != 0 {
		t.Errorf("code %d", code)
	}
	if !maps.Equal(c.seen, again.seen) {
		t.Error("the same seed sent other requests")
	}
}

func TestSeedForPrograms(t *testing.T) {
	c := &collector{t: t}
	f := newFake(t, c.handle)
	out, errs, code := f.run(newSeed, "--events", "500", "--days", "3", "--end", "2026-06-01", "--json")
	var u summary
	if err := json.Unmarshal([]byte(out), &u); err != nil || code != 0 || errs != "" {
		t.Fatalf("code %d, %v, %q", code, err, errs)
	}
	if u.Sent != 500 || u.Accepted != 500 || u.Refused != 0 || u.Requests != c.n || u.People == 0 || u.To.After(time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)) || u.From.Before(time.Date(2026, 5, 29, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("%+v", u)
	}
}

// TestSeedIsPatient answers 429 and 503 for a while, and cuts connections.
func TestSeedIsPatient(t *testing.T) {
	c := &collector{t: t}
	c.then = func(n int, w http.ResponseWriter) bool {
		switch n {
		case 3:
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(http.StatusTooManyRequests)
		case 4:
			w.WriteHeader(http.StatusServiceUnavailable)
		case 5:
			w.Header().Set("Retry-After", "Mon, 23 Nov 2026 20:31:00 GMT")
			w.WriteHeader(http.StatusServiceUnavailable)
		case 6:
			panic(http.ErrAbortHandler)
		default:
			return false
		}
		return true
	}
	f := newFake(t, c.handle)
	out, errs, code := f.run(newSeed, "--events", "200", "--days", "2", "--concurrency", "1", "--json")
	var u summary
	if err := json.Unmarshal([]byte(out), &u); err != nil || code != 0 {
		t.Fatalf("code %d, %v, %q", code, err, errs)
	}
	if u.Accepted != 200 || u.Retries != 4 {
		t.Errorf("%+v", u)
	}
	// 7 s are asked for; then 400 ms, of which half by chance; then until 20:31.
	if len(f.slept) != 4 || f.slept[0] != 7*time.Second || f.slept[1] != 300*time.Millisecond || f.slept[2] < 52*time.Second || f.slept[3] != 1200*time.Millisecond {
		t.Errorf("slept %v", f.slept)
	}
	if slices.Max(slices.Collect(maps.Values(c.seen))) > 1 {
		t.Error("a request that was taken was sent again")
	}
}

func TestSeedGivesUp(t *testing.T) {
	f := newFake(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	out, errs, code := f.run(newSeed, "--events", "200", "--concurrency", "1")
	if code != exitFailed || out != "" || !strings.Contains(errs, "after 12 tries") {
		t.Errorf("code %d, %q, %q", code, out, errs)
	}
	if len(f.slept) != attempts-1 || slices.Max(f.slept) > lastWait {
		t.Errorf("slept %v", f.slept)
	}
	f = newFake(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte(`{"error":"1 of 1 records rejected; the first, at index 0: no project has this token","status":0}`))
	})
	if _, errs, code := f.run(newSeed, "--events", "200"); code != exitFailed || !strings.Contains(errs, "no project has this token") || len(f.slept) > 0 {
		t.Errorf("code %d, %q, slept %v", code, errs, f.slept)
	}
	f = newFake(t, nil)
	f.server.Close()
	if _, errs, code := f.run(newSeed, "--events", "200"); code != exitFailed || !strings.Contains(errs, "loch serve") {
		t.Errorf("code %d, %q", code, errs)
	}
}

// TestSeedTellsWhatWasRefused has some records refused, in both ways.
func TestSeedTellsWhatWasRefused(t *testing.T) {
	c := &collector{t: t}
	c.then = func(n int, w http.ResponseWriter) bool {
		switch n {
		case 5:
			_, _ = w.Write([]byte(`{"error":"1 of 1 records rejected; the first, at index 0: its time is no time","status":0}`))
		case 9:
			w.WriteHeader(http.StatusRequestEntityTooLarge)
		default:
			return false
		}
		return true
	}
	f := newFake(t, c.handle)
	out, errs, code := f.run(newSeed, "--events", "400", "--days", "2", "--concurrency", "1", "--end", "2026-11-20")
	if code != exitPartly || !strings.Contains(errs, "its time is no time") || !strings.Contains(out, "refused") || !strings.Contains(out, "Done in part") {
		t.Errorf("code %d, %q\n%s", code, errs, out)
	}
}

// TestSeedStopsCleanly interrupts in the middle: what was accepted is counted.
func TestSeedStopsCleanly(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	c := &collector{t: t}
	c.then = func(n int, _ http.ResponseWriter) bool {
		if n == 300 {
			stop()
		}
		return false
	}
	f := newFake(t, c.handle)
	out, errs, code := f.runWith(ctx, "", newSeed, "--events", "100000")
	if code != exitPartly || !strings.Contains(out, "Interrupted") || strings.Contains(errs, "loch:") {
		t.Errorf("code %d, %q\n%s", code, errs, out)
	}
	before, halt := context.WithCancel(t.Context())
	halt()
	if _, errs, code := f.runWith(before, "", newSeed); code != exitInterrupted || strings.Contains(errs, "loch:") {
		t.Errorf("code %d, %q", code, errs)
	}
}

// TestSeedInATerminal draws the bar: it must end, and leave its last state.
func TestSeedInATerminal(t *testing.T) {
	c := &collector{t: t}
	f := newFake(t, c.handle)
	f.look = screen{width: 100, colour: true, live: true}
	out, errs, code := f.run(newSeed, "--events", "2000", "--days", "5")
	if code != 0 || !strings.Contains(errs, "100 %") || !strings.Contains(errs, "2,000 of 2,000 events") {
		t.Errorf("code %d, %q", code, errs)
	}
	golden(t, "seed-colour.txt", out)
}

func TestSeedToAnotherServer(t *testing.T) {
	c := &collector{t: t}
	f := newFake(t, c.handle)
	f.connect = fmt.Errorf("must not be asked")
	out, errs, code := f.run(newSeed, "--events", "300", "--url", f.server.URL+"/", "--token", "T")
	if code != 0 || !strings.Contains(out, "--url "+f.server.URL) {
		t.Errorf("code %d, %q\n%s", code, errs, out)
	}
	for _, args := range [][]string{
		{"--url", f.server.URL}, {"--events", "0"}, {"--days", "0"}, {"--concurrency", "0"}, {"--end", "tomorrow"}, {"now"},
	} {
		if _, errs, code := f.run(newSeed, args...); code != exitUsage || errs == "" {
			t.Errorf("%q: code %d, %q", args, code, errs)
		}
	}
}
