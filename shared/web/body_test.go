package web_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"loch/shared/fault"
	"loch/shared/web"
)

func gzipped(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	return compressed(t, w, &out, b)
}

func zlibbed(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	return compressed(t, zlib.NewWriter(&out), &out, b)
}

func deflated(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, flate.DefaultCompression)
	if err != nil {
		t.Fatal(err)
	}
	return compressed(t, w, &out, b)
}

func compressed(t testing.TB, w io.WriteCloser, out *bytes.Buffer, b []byte) []byte {
	t.Helper()
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// readBody reads a body under a budget of its own, as wide as need be.
func readBody(r *http.Request, maxBytes int64) (body []byte, release func(), err error) {
	return readOver(httptest.NewRecorder(), r, maxBytes)
}

func readOver(w http.ResponseWriter, r *http.Request, maxBytes int64) (body []byte, release func(), err error) {
	share := shared.Share()
	body, err = web.Body(w, r, share, maxBytes)
	return body, share.Release, err
}

var shared = web.NewBudget(1<<30, time.Now)

func post(body []byte, encodings ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/track", bytes.NewReader(body))
	for _, e := range encodings {
		r.Header.Add("Content-Encoding", e)
	}
	return r
}

func TestBodyReadsEachEncoding(t *testing.T) {
	text := []byte(strings.Repeat(`{"event":"A"} `, 5000))
	for _, c := range []struct {
		name, encoding string
		body           []byte
	}{
		{"as it is", "", text},
		{"identity", "identity", text},
		{"gzip", "gzip", gzipped(t, text)},
		{"gzip in capitals", " GZIP ", gzipped(t, text)},
		{"x-gzip", "x-gzip", gzipped(t, text)},
		{"two gzip members", "gzip", append(gzipped(t, text[:100]), gzipped(t, text[100:])...)},
		{"deflate as zlib", "deflate", zlibbed(t, text)},
		{"deflate bare", "deflate", deflated(t, text)},
	} {
		t.Run(c.name, func(t *testing.T) {
			for range 3 { // the second and third come from the pools
				r := post(c.body)
				if c.encoding != "" {
					r.Header.Set("Content-Encoding", c.encoding)
				}
				got, release, err := readBody(r, int64(len(text)))
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got, text) {
					t.Fatalf("got %d bytes, want %d, or other bytes", len(got), len(text))
				}
				release()
				release()
			}
		})
	}
}

func TestBodyWithoutABody(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/track", nil)
	got, release, err := readBody(r, 10)
	release()
	if err != nil || len(got) != 0 {
		t.Fatalf("got %d bytes and %v", len(got), err)
	}
}

func TestBodyRefuses(t *testing.T) {
	text := []byte(strings.Repeat("x", 1001))
	whole := gzipped(t, []byte("hello, hello, hello"))
	for _, c := range []struct {
		name string
		r    *http.Request
		want fault.Code
	}{
		{"one byte over the limit", post(text), fault.TooLarge},
		{"one byte over the limit, gzip", post(gzipped(t, text), "gzip"), fault.TooLarge},
		{"one byte over the limit, deflate", post(zlibbed(t, text), "deflate"), fault.TooLarge},
		{"not gzip", post([]byte("plain words"), "gzip"), fault.Invalid},
		{"gzip cut short", post(whole[:len(whole)-9], "gzip"), fault.Invalid},
		{"gzip with a wrong checksum", post(flipped(whole, len(whole)-6), "gzip"), fault.Invalid},
		{"gzip of nothing at all", post([]byte{}, "gzip"), fault.Invalid},
		{"deflate of one byte", post([]byte{0x78}, "deflate"), fault.Invalid},
		{"deflate of noise", post([]byte{0xff, 0xff, 0xff}, "deflate"), fault.Invalid},
		{"two encodings in a line", post(whole, "gzip, gzip"), fault.Invalid},
		{"two encodings in two lines", post(whole, "gzip", "gzip"), fault.Invalid},
		{"brotli", post(whole, "br"), fault.Invalid},
		{"a connection that breaks off", broken(""), fault.Unavailable},
		{"a connection that breaks off in gzip", broken("gzip"), fault.Unavailable},
		{"a body over http's own limit", limited(text, 10), fault.TooLarge},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, release, err := readBody(c.r, 1000)
			if release == nil {
				t.Fatal("release is nil")
			}
			release()
			if got != nil || fault.CodeOf(err) != c.want {
				t.Fatalf("got %d bytes and %v (%s), want %s", len(got), err, fault.CodeOf(err), c.want)
			}
		})
	}
}

func flipped(b []byte, i int) []byte {
	b = bytes.Clone(b)
	b[i] ^= 0xff
	return b
}

func limited(body []byte, n int64) *http.Request {
	r := post(body)
	r.Body = http.MaxBytesReader(nil, r.Body, n)
	return r
}

// broken is a request whose connection ends inside the body.
func broken(encoding string) *http.Request {
	var head bytes.Buffer
	w := gzip.NewWriter(&head)
	_, _ = w.Write([]byte("the beginning"))
	_ = w.Flush()
	r := post(nil)
	r.Body = io.NopCloser(io.MultiReader(&head, errReader{io.ErrUnexpectedEOF}))
	if encoding != "" {
		r.Header.Set("Content-Encoding", encoding)
	}
	return r
}

type errReader struct{ err error }

func (e errReader) Read([]byte) (int, error) { return 0, e.err }

// TestBodyStopsABomb sends 64 MB of zeros in 64 KB, and an endless
// run of empty gzip members, and measures that neither was ever unfolded.
func TestBodyStopsABomb(t *testing.T) {
	const limit = 1 << 20
	bomb := gzipped(t, make([]byte, 64<<20))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, release, err := readBody(post(bomb, "gzip"), limit)
	release()
	runtime.ReadMemStats(&after)
	if fault.CodeOf(err) != fault.TooLarge {
		t.Fatalf("got %v, want too_large", err)
	}
	if spent := after.TotalAlloc - before.TotalAlloc; spent > 8*limit {
		t.Fatalf("refusing a bomb allocated %d bytes with a limit of %d", spent, limit)
	}

	endless := &repeat{piece: bytes.Repeat(gzipped(t, nil), 1000)}
	r := post(nil, "gzip")
	r.Body = io.NopCloser(endless)
	_, release, err = readBody(r, limit)
	release()
	if fault.CodeOf(err) != fault.TooLarge {
		t.Fatalf("got %v, want too_large", err)
	}
	if endless.sent > 66<<20 { // it is heard out, up to a bound
		t.Fatalf("an endless body was read for %d bytes", endless.sent)
	}
}

type repeat struct {
	piece []byte
	at    int
	sent  int64
}

func (r *repeat) Read(p []byte) (int, error) {
	n := copy(p, r.piece[r.at:])
	r.at = (r.at + n) % len(r.piece)
	r.sent += int64(n)
	return n, nil
}

// TestBodyBuffersAreNotShared holds several bodies at once, in many goroutines,
// and releases each twice: a buffer that got into the pool twice would show.
func TestBodyBuffersAreNotShared(t *testing.T) {
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(g), 1))
			for range 100 {
				want := bytes.Repeat([]byte{byte(rnd.IntN(256))}, rnd.IntN(100_000))
				r := post(want)
				if rnd.IntN(2) == 0 {
					r = post(gzipped(t, want), "gzip")
				}
				got, release, err := readBody(r, 1<<20)
				if err != nil || !bytes.Equal(got, want) {
					t.Errorf("got %d bytes and %v, want %d", len(got), err, len(want))
				}
				release()
				release()
			}
		})
	}
	wg.Wait()
}

// TestRefusedBodyIsHeardOut counts that a refused body is read to its end, up to a
// bound, whatever it is refused for.
func TestRefusedBodyIsHeardOut(t *testing.T) {
	for name, c := range map[string]struct {
		bytes, want int64
		encoding    string
		budget      int64
	}{
		"over the limit":      {24 << 20, 24 << 20, "", 1 << 20},
		"over every bound":    {200 << 20, 64 << 20, "", 1 << 20},
		"not gzip":            {24 << 20, 24 << 20, "gzip", 1 << 20},
		"an unknown encoding": {24 << 20, 24 << 20, "br", 1 << 20},
		"over the budget":     {24 << 20, 24 << 20, "", 1 << 10},
	} {
		t.Run(name, func(t *testing.T) {
			sent := &repeat{piece: make([]byte, 4096)}
			r := post(nil)
			r.Body, r.ContentLength = io.NopCloser(io.LimitReader(sent, c.bytes)), -1
			if c.encoding != "" {
				r.Header.Set("Content-Encoding", c.encoding)
			}
			budget := web.NewBudget(c.budget, time.Now)
			if _, err := web.Body(httptest.NewRecorder(), r, budget.Share(), 100_000); err == nil {
				t.Fatal("not refused")
			}
			if sent.sent < c.want || sent.sent > c.want+1<<20 {
				t.Errorf("%d bytes were read, want about %d", sent.sent, c.want)
			}
		})
	}
}

// TestBodyLargeRefusalIsRead shows over a real connection why Body hears a
// client out: the answer must arrive, not a reset. Nothing of it is held.
func TestBodyLargeRefusalIsRead(t *testing.T) {
	for _, c := range []struct {
		name   string
		budget *web.Budget
		header string
		want   int
	}{
		{"over the limit", web.NewBudget(1<<20, time.Now), "", http.StatusRequestEntityTooLarge},
		{"over the limit by and by", web.NewBudget(1<<20, time.Now), "unknown length", http.StatusRequestEntityTooLarge},
		{"not gzip", web.NewBudget(1<<20, time.Now), "gzip", http.StatusBadRequest},
		{"no encoding that is known", web.NewBudget(1<<20, time.Now), "br", http.StatusBadRequest},
		{"no memory", web.NewBudget(1<<10, time.Now), "unknown length", http.StatusServiceUnavailable},
	} {
		t.Run(c.name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, err := web.Body(w, r, c.budget.Share(), 100_000)
				web.WriteError(w, r, err)
			}))
			defer srv.Close()
			for range 2 {
				var body io.Reader = bytes.NewReader(make([]byte, 24<<20))
				if c.header != "" {
					body = io.MultiReader(body) // whose length net/http does not know
				}
				r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL, body)
				if err != nil {
					t.Fatal(err)
				}
				if c.header == "gzip" || c.header == "br" {
					r.Header.Set("Content-Encoding", c.header)
				}
				resp, err := http.DefaultClient.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				if err := resp.Body.Close(); err != nil {
					t.Fatal(err)
				}
				if resp.StatusCode != c.want {
					t.Fatalf("got %d, want %d", resp.StatusCode, c.want)
				}
			}
			if used := c.budget.Used(); used != 0 {
				t.Errorf("%d bytes are still charged", used)
			}
		})
	}
}

func FuzzBody(f *testing.F) {
	f.Add([]byte("plain"), "", int64(10))
	f.Add(gzipped(f, []byte("hello")), "gzip", int64(4))
	f.Add(zlibbed(f, []byte("hello")), "deflate", int64(5))
	f.Add(deflated(f, bytes.Repeat([]byte("a"), 9999)), "deflate", int64(100))
	f.Add([]byte{0x1f, 0x8b, 8, 0x1c, 0, 0, 0, 0, 0, 0}, "x-gzip", int64(0))
	f.Fuzz(func(t *testing.T, body []byte, encoding string, limit int64) {
		limit = max(0, limit%(1<<16))
		r := post(body)
		r.Header["Content-Encoding"] = []string{encoding}
		got, release, err := readBody(r, limit)
		defer release()
		if int64(len(got)) > limit {
			t.Fatalf("%d bytes over a limit of %d", len(got), limit)
		}
		if int64(cap(got)) > 2*limit+256<<10 {
			t.Fatalf("a buffer of %d bytes for a limit of %d", cap(got), limit)
		}
		var known *fault.Error
		if err != nil && !errors.As(err, &known) {
			t.Fatalf("an error that is no fault: %T", err)
		}
		if err == nil && encoding == "" && !bytes.Equal(got, body) {
			t.Fatal("a plain body changed")
		}
	})
}

func BenchmarkBody(b *testing.B) {
	for _, events := range []int{1, 50, 2000} {
		text := sampleEvents(events)
		for _, encoding := range []string{"", "gzip", "deflate"} {
			body := text
			switch encoding {
			case "gzip":
				body = gzipped(b, text)
			case "deflate":
				body = zlibbed(b, text)
			}
			b.Run(fmt.Sprintf("events=%d/encoding=%s", events, encoding), func(b *testing.B) {
				r := post(nil)
				if encoding != "" {
					r.Header.Set("Content-Encoding", encoding)
				}
				reader := bytes.NewReader(nil)
				r.Body = io.NopCloser(reader)
				r.ContentLength = int64(len(body))
				b.SetBytes(int64(len(text)))
				b.ReportAllocs()
				for b.Loop() {
					reader.Reset(body)
					_, release, err := readBody(r, 10<<20)
					if err != nil {
						b.Fatal(err)
					}
					release()
				}
			})
		}
	}
}

// sampleEvents is about 1 KB of JSON an event, with values that differ, since
// nothing inflates as fast as repetition.
func sampleEvents(n int) []byte {
	rnd := rand.New(rand.NewPCG(1, 2))
	var b bytes.Buffer
	b.WriteByte('[')
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		_, _ = fmt.Fprintf(&b, `{"event":"Page %d","properties":{"time":%d.%03d,"$insert_id":"%016x"`,
			rnd.IntN(40), 1_795_000_000+rnd.IntN(1_000_000), rnd.IntN(1000), rnd.Uint64())
		for p := range 20 {
			_, _ = fmt.Fprintf(&b, `,"property_%d":"value %08x of it"`, p, rnd.Uint32())
		}
		b.WriteString("}}")
	}
	b.WriteByte(']')
	return b.Bytes()
}
