package web_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"loch/shared/fault"
	"loch/shared/web"
)

// Many clients that each hold back the end of a body that unfolds to the limit hold
// the budget together and no more; the others are told to come again; and when they
// go, everything is there again.
func TestBudgetHoldsBodiesTogether(t *testing.T) {
	const clients, limit, bytesInAll = 40, 2 << 20, 16 << 20
	budget := web.NewBudget(bytesInAll, time.Now)
	bomb := gzipped(t, make([]byte, limit-100))
	let := make(chan struct{})
	var all sync.WaitGroup
	results := make(chan error, clients)
	held := make(chan struct{}, clients)
	for range clients {
		body := &heldBody{first: bytes.NewReader(bomb[:len(bomb)-8]), waits: held, let: let}
		all.Go(func() {
			r := post(nil, "gzip")
			r.Body, r.ContentLength = io.NopCloser(body), int64(len(bomb))
			share := budget.Share()
			defer share.Release()
			_, err := web.Body(httptest.NewRecorder(), r, share, limit)
			results <- err
		})
	}
	for range clients { // each holds what it could get, or was refused and is heard out
		<-held
	}
	used := budget.Used()
	if used > bytesInAll || used < 6<<20 {
		t.Errorf("%d bytes are charged of %d", used, bytesInAll)
	}
	small := budget.Share()
	if _, err := web.Body(httptest.NewRecorder(), post(make([]byte, 60_000)), small, limit); err != nil {
		t.Errorf("a small body is starved: %v", err)
	}
	small.Release()
	close(let)
	all.Wait()
	close(results)
	refused := 0
	for err := range results {
		if fault.CodeOf(err) == fault.Unavailable {
			refused++
		}
	}
	if refused < clients-10 {
		t.Errorf("%d of %d were refused", refused, clients)
	}
	if used := budget.Used(); used != 0 {
		t.Errorf("%d bytes are still charged", used)
	}
	if kept, _ := budget.Kept(); kept > bytesInAll/16 {
		t.Errorf("%d bytes wait for the next requests", kept)
	}
}

// heldBody is a body whose end is held back: it says so when it is asked for it.
type heldBody struct {
	first *bytes.Reader
	waits chan<- struct{}
	let   <-chan struct{}
	said  bool
}

func (h *heldBody) Read(p []byte) (int, error) {
	if h.first.Len() > 0 {
		return h.first.Read(p)
	}
	if !h.said {
		h.said = true
		h.waits <- struct{}{}
	}
	<-h.let
	return 0, io.EOF
}

// However shares come, grow and go, what is charged is what they hold, large ones
// never take the part of small ones, and in the end nothing is left.
func TestBudgetAgainstOracle(t *testing.T) {
	const bytesInAll = 32 << 20
	budget := web.NewBudget(bytesInAll, time.Now)
	rnd := rand.New(rand.NewPCG(8, 9))
	type open struct {
		share *web.Share
		held  int64
	}
	var shares []*open
	sum := func() (all, large int64) {
		for _, s := range shares {
			all += s.held
			if s.held > 1<<20 {
				large += s.held
			}
		}
		return all, large
	}
	for range 5000 {
		switch {
		case len(shares) == 0 || rnd.IntN(4) == 0:
			shares = append(shares, &open{share: budget.Share()})
		case rnd.IntN(4) == 0:
			i := rnd.IntN(len(shares))
			shares[i].share.Release()
			shares = append(shares[:i], shares[i+1:]...)
		default:
			s := shares[rnd.IntN(len(shares))]
			n := rnd.Int64N(1 << rnd.IntN(23))
			before := s.held
			s.held += n
			all, large := sum()
			fits := all <= bytesInAll && (s.held <= 1<<20 || large <= bytesInAll-bytesInAll/4)
			if err := s.share.Take(n); (err == nil) != fits {
				t.Fatalf("%d more for a share of %d: %v; %d in all, %d of large ones", n, before, err, all, large)
			}
			if !fits {
				s.held = before
			}
		}
		if all, _ := sum(); budget.Used() != all {
			t.Fatalf("%d bytes are charged, %d are held", budget.Used(), all)
		}
	}
	for _, s := range shares {
		s.share.Release()
	}
	if budget.Used() != 0 {
		t.Errorf("%d bytes are left", budget.Used())
	}
}

// What waits for the next requests is bounded, however many there were at once.
func TestShelfIsBounded(t *testing.T) {
	budget := web.NewBudget(1<<30, time.Now)
	body := gzipped(t, make([]byte, 1<<20))
	shares := make([]*web.Share, 0, 40)
	for range cap(shares) {
		share := budget.Share()
		if _, err := web.Body(httptest.NewRecorder(), post(body, "gzip"), share, 4<<20); err != nil {
			t.Fatal(err)
		}
		if _, err := share.Scratch(1 << 20); err != nil {
			t.Fatal(err)
		}
		shares = append(shares, share)
	}
	for _, share := range shares {
		share.Release()
	}
	if kept, inflaters := budget.Kept(); kept > 16<<20 || kept == 0 || inflaters > 32 {
		t.Errorf("%d bytes and %d decompressors are kept", kept, inflaters)
	}
}

// A client that stalls inside its body loses its share, and hears that it may send
// again; the next on the same server is served.
func TestStalledBodyIsGivenUp(t *testing.T) {
	budget := web.NewBudget(1<<20, time.Now)
	budget.SetPace(10*time.Millisecond, 1<<20)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		share := budget.Share()
		defer share.Release()
		_, err := web.Body(w, r, share, 10_000)
		if err != nil {
			web.WriteError(w, r, err)
		}
	}))
	defer srv.Close()
	conn, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := fmt.Fprint(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nthe beginning"); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" {
		t.Errorf("answer %d", resp.StatusCode)
	}
	if used := budget.Used(); used != 0 {
		t.Errorf("%d bytes are still charged", used)
	}
}

// deadlines is a connection that notes what it is told.
type deadlines struct {
	*httptest.ResponseRecorder
	set []time.Time
}

func (d *deadlines) SetReadDeadline(t time.Time) error { d.set = append(d.set, t); return nil }

// The time for a body grows with what came of it, up to a most, and at the end the
// handler has all of it.
func TestBodyDeadlines(t *testing.T) {
	start := time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)
	budget := web.NewBudget(64<<20, func() time.Time { return start })
	budget.SetPace(20*time.Second, 1000)
	w := &deadlines{ResponseRecorder: httptest.NewRecorder()}
	r := post(nil)
	pieces := []io.Reader{
		bytes.NewReader(make([]byte, 10_000)), bytes.NewReader(make([]byte, 10_000)), bytes.NewReader(make([]byte, 1_000_000)),
	}
	r.Body, r.ContentLength = io.NopCloser(io.MultiReader(pieces...)), -1
	if _, err := web.Body(w, r, budget.Share(), 2<<20); err != nil {
		t.Fatal(err)
	}
	want := []time.Duration{20 * time.Second, 30 * time.Second, 40 * time.Second}
	for i, d := range want {
		if i >= len(w.set) || w.set[i].Sub(start) != d {
			t.Fatalf("deadlines %v, want them to begin %v after the start", w.set, want)
		}
	}
	if last := w.set[len(w.set)-1].Sub(start); last != web.MaxBodyTime {
		t.Errorf("the last deadline is %v after the start", last)
	}
}
