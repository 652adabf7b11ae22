package firehosetest_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"loch/infra/aws/firehose/firehosetest"
)

// bucket is a bucket in memory that fails on demand.
type bucket struct {
	objects map[string][]byte
	fail    bool
}

func (b *bucket) PutNew(_ context.Context, key string, body []byte) error {
	if b.fail {
		return errors.New("the bucket fails")
	}
	b.objects[key] = body
	return nil
}

// world is a stand-in with a clock and a bucket.
type world struct {
	*firehosetest.Server
	*bucket
	t   *testing.T
	url string
	now time.Time
}

func start(t *testing.T, s firehosetest.Stream) *world {
	t.Helper()
	w := &world{bucket: &bucket{objects: map[string][]byte{}}, t: t, now: time.Date(2026, 11, 23, 22, 59, 58, 0, time.UTC)}
	stand, err := firehosetest.New(w.bucket, func() time.Time { return w.now }, 5, s)
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(stand)
	t.Cleanup(front.Close)
	w.Server, w.url = stand, front.URL
	return w
}

var plain = firehosetest.Stream{
	Name: "s", Columns: []firehosetest.Column{{Name: "a", Type: "string"}, {Name: "n", Type: "bigint"}},
	Prefix: "data/", ErrorPrefix: "errors/!{firehose:error-output-type}/",
}

// send makes a call by hand and returns the error's code or the answer.
func (w *world) send(target, body string) (code string, answer map[string]any) {
	w.t.Helper()
	r, err := http.NewRequest(http.MethodPost, w.url, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "Firehose_20150804."+target)
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AK/20261123/eu-north-1/firehose/aws4_request")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return "none", nil
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		w.t.Fatalf("%s: %v", text, err)
	}
	code, _ = answer["__type"].(string)
	return code, answer
}

func batch(records ...string) string {
	var b strings.Builder
	b.WriteString(`{"DeliveryStreamName":"s","Records":[`)
	for i, r := range records {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`{"Data":"` + base64.StdEncoding.EncodeToString([]byte(r)) + `"}`)
	}
	return b.String() + "]}"
}

// put sends records that must be taken.
func (w *world) put(records ...string) {
	w.t.Helper()
	if code, answer := w.send("PutRecordBatch", batch(records...)); code != "" || answer["FailedPutCount"] != 0.0 {
		w.t.Fatalf("%s %v", code, answer)
	}
}

func (w *world) keys() []string { return slices.Sorted(maps.Keys(w.objects)) }

func TestLimits(t *testing.T) {
	w := start(t, plain)
	kb := strings.Repeat("x", 1024)
	for name, c := range map[string]struct{ target, body, want string }{
		"500 records":       {"PutRecordBatch", batch(slices.Repeat([]string{"{}"}, 500)...), ""},
		"501 records":       {"PutRecordBatch", batch(slices.Repeat([]string{"{}"}, 501)...), "InvalidArgumentException"},
		"no records":        {"PutRecordBatch", batch(), "InvalidArgumentException"},
		"1000 KiB":          {"PutRecordBatch", batch(strings.Repeat(kb, 1000)), ""},
		"a byte more":       {"PutRecordBatch", batch(strings.Repeat(kb, 1000) + "x"), "InvalidArgumentException"},
		"under 4 MiB":       {"PutRecordBatch", batch(slices.Repeat([]string{strings.Repeat(kb, 1000)}, 3)...), ""},
		"over 4 MiB":        {"PutRecordBatch", batch(slices.Repeat([]string{strings.Repeat(kb, 1000)}, 4)...), "InvalidArgumentException"},
		"unknown stream":    {"PutRecordBatch", strings.Replace(batch("{}"), `"s"`, `"z"`, 1), "ResourceNotFoundException"},
		"unknown operation": {"DeleteEverything", batch("{}"), "UnknownOperationException"},
		"unknown member":    {"PutRecordBatch", strings.Replace(batch("{}"), "{", `{"x":1,`, 1), "SerializationException"},
		"not base64":        {"PutRecordBatch", `{"DeliveryStreamName":"s","Records":[{"Data":"!"}]}`, "SerializationException"},
		"one record":        {"PutRecord", `{"DeliveryStreamName":"s","Record":{"Data":"e30="}}`, ""},
		"batch as one":      {"PutRecord", batch("{}"), "InvalidArgumentException"},
	} {
		if code, _ := w.send(c.target, c.body); code != c.want {
			t.Errorf("%s: %q, want %q", name, code, c.want)
		}
	}
	if got := w.Totals(); got.Records != 500+1+3+1 || got.BilledBytes != (501+4*200)*5120 {
		t.Errorf("accepted %+v", got)
	}
	resp, err := http.Post(w.url, "application/x-amz-json-1.1", strings.NewReader(batch("{}")))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden && resp.StatusCode != http.StatusBadRequest {
		t.Errorf("an unsigned call: %d", resp.StatusCode)
	}
}

func TestQuotas(t *testing.T) {
	s := plain
	s.QuotaCalls, s.QuotaRecords, s.QuotaBytes = 2, 4, 1000
	w := start(t, s)
	w.put("{}", "{}", "{}")
	if code, answer := w.send("PutRecordBatch", batch("{}", "{}")); code != "" || answer["FailedPutCount"] != 1.0 {
		t.Errorf("%s %v, want one record over the quota", code, answer)
	}
	if code, _ := w.send("PutRecordBatch", batch("{}")); code != "ServiceUnavailableException" {
		t.Errorf("the third call of a second: %q", code)
	}
	w.now = w.now.Add(time.Second)
	if code, answer := w.send("PutRecordBatch", batch(strings.Repeat("x", 600), strings.Repeat("x", 600))); code != "" || answer["FailedPutCount"] != 1.0 {
		t.Errorf("%s %v, want one record over the bytes of a second", code, answer)
	}
}

// A buffer is delivered when it is old or full; the folder's time is that of its
// oldest record.
func TestBuffersByTimeAndSize(t *testing.T) {
	s := plain
	s.Prefix = "d/dt=!{timestamp:yyyy-MM-dd}/hour=!{timestamp:HH}/x!{firehose:random-string}-"
	least := *firehosetest.LeastBufferBytes
	*firehosetest.LeastBufferBytes = 1 << 20
	t.Cleanup(func() { *firehosetest.LeastBufferBytes = least })
	s.BufferBytes, s.BufferInterval = 1<<20, 60*time.Second
	w := start(t, s)
	w.put(`{"a":"x"}`)
	w.now = w.now.Add(59 * time.Second)
	w.put(`{"a":"y"}`)
	if err := w.Deliver(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(w.objects) != 0 {
		t.Fatalf("delivered early: %v", w.keys())
	}
	w.now = w.now.Add(2 * time.Second)
	if err := w.Deliver(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := w.keys(); len(got) != 1 || !regexp.MustCompile(`^d/dt=2026-11-23/hour=22/x[a-z0-9]{11}-s-1-2026-11-23-23-00-59-[a-z0-9]{36}\.parquet$`).MatchString(got[0]) {
		t.Fatalf("delivered as %v", got)
	}
	for range 1 << 4 {
		w.put(`{"a":"` + strings.Repeat("x", 60_000) + `"}`)
	}
	if err := w.Deliver(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := w.keys(); len(got) != 1 {
		t.Fatalf("960 KB in a buffer of 1 MiB: %d objects", len(got))
	}
	w.put(`{"a":"` + strings.Repeat("x", 120_000) + `"}`)
	if err := w.Deliver(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := w.keys(); len(got) != 2 || !strings.HasPrefix(got[1], "d/dt=2026-11-23/hour=23/") {
		t.Errorf("1080 KB in a buffer of 1 MiB: %v", got)
	}
}

// What the bucket does not take waits.
func TestBucketFails(t *testing.T) {
	w := start(t, plain)
	w.put(`{"a":"x"}`)
	w.fail = true
	for range 2 {
		if err := w.Flush(t.Context()); err == nil {
			t.Error("Flush into a bucket that fails = nil")
		}
	}
	w.put(`{"a":"y"}`)
	w.fail = false
	if err := w.Flush(t.Context()); err != nil || len(w.objects) != 2 {
		t.Errorf("Flush = %v, %v", err, w.keys())
	}
}

func TestStreamsThatCannotBeMade(t *testing.T) {
	for name, change := range map[string]func(*firehosetest.Stream){
		"name":                    func(s *firehosetest.Stream) { s.Name = "a b" },
		"small buffer":            func(s *firehosetest.Stream) { s.BufferBytes = 1 << 20 },
		"long interval":           func(s *firehosetest.Stream) { s.BufferInterval = time.Hour },
		"no columns":              func(s *firehosetest.Stream) { s.Columns = nil },
		"upper case":              func(s *firehosetest.Stream) { s.Columns = []firehosetest.Column{{Name: "A", Type: "string"}} },
		"unknown type":            func(s *firehosetest.Stream) { s.Columns = []firehosetest.Column{{Name: "a", Type: "text"}} },
		"column twice":            func(s *firehosetest.Stream) { s.Columns = append(s.Columns, s.Columns[0]) },
		"error type in prefix":    func(s *firehosetest.Stream) { s.Prefix = "x/!{firehose:error-output-type}/" },
		"no error prefix":         func(s *firehosetest.Stream) { s.Prefix, s.ErrorPrefix = "x/!{timestamp:yyyy}/", "" },
		"error prefix says not":   func(s *firehosetest.Stream) { s.ErrorPrefix = "errors/!{timestamp:yyyy}/" },
		"unknown expression":      func(s *firehosetest.Stream) { s.Prefix = "x/!{partitionKeyFromQuery:p}/" },
		"unknown letters":         func(s *firehosetest.Stream) { s.Prefix = "x/!{timestamp:yyyy-QQ}/" },
		"expression without end":  func(s *firehosetest.Stream) { s.Prefix = "x/!{timestamp:yyyy" },
		"quote that does not end": func(s *firehosetest.Stream) { s.Prefix = "x/!{timestamp:'year=yyyy}/" },
	} {
		s := plain
		change(&s)
		if _, err := firehosetest.New(&bucket{}, time.Now, 1, s); err == nil {
			t.Errorf("%s: a stream was made", name)
		}
	}
	s := plain
	s.Prefix, s.ErrorPrefix = "x/", ""
	w := start(t, s)
	w.put(`{"a":"x"}`, "no JSON")
	if err := w.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := w.keys(); len(got) != 2 || !strings.HasPrefix(got[0], "2026/11/23/22/s-1-") || !strings.HasPrefix(got[1], "x/2026/11/23/22/s-1-") {
		t.Errorf("without expressions: %v, want folders of the time after the prefix", got)
	}
}

// Failures are of the kinds that were asked for, and their records are kept or
// not as the service would.
func TestFaults(t *testing.T) {
	w := start(t, plain)
	count := func(f firehosetest.Faults) (codes map[string]int, failed, kept int) {
		w.SetFaults(f)
		before := w.Totals().Records
		codes = map[string]int{}
		for range 300 {
			code, answer := w.send("PutRecordBatch", batch("{}"))
			codes[code]++
			if n, ok := answer["FailedPutCount"].(float64); ok {
				failed += int(n)
			}
		}
		return codes, failed, int(w.Totals().Records - before)
	}
	if codes, failed, kept := count(firehosetest.Faults{Record: .3}); codes[""] != 300 || failed < 50 || failed > 130 || kept != 300-failed {
		t.Errorf("records: %v, %d failed, %d kept", codes, failed, kept)
	}
	if codes, _, kept := count(firehosetest.Faults{Refuse: .3}); codes["ServiceUnavailableException"] < 50 || kept != codes[""] {
		t.Errorf("refused: %v, %d kept", codes, kept)
	}
	if codes, _, kept := count(firehosetest.Faults{Fail: .5}); codes["InternalFailure"] < 100 || kept <= codes[""] || kept >= 300 {
		t.Errorf("failed: %v, %d kept", codes, kept)
	}
	if codes, _, kept := count(firehosetest.Faults{Forget: .3}); codes["none"] < 50 || kept != 300 {
		t.Errorf("forgotten: %v, %d kept", codes, kept)
	}
	if codes, _, kept := count(firehosetest.Faults{AwayUntil: w.now.Add(time.Minute)}); codes["none"] != 300 || kept != 0 {
		t.Errorf("away: %v, %d kept", codes, kept)
	}
	w.now = w.now.Add(time.Minute)
	w.put("{}")
	w.SetFaults(firehosetest.Faults{Twice: 1})
	if err := w.Flush(t.Context()); err != nil || len(w.objects) != 2 {
		t.Errorf("twice: %v, %v", err, w.keys())
	}
	var bodies [][]byte
	for _, body := range w.objects {
		bodies = append(bodies, body)
	}
	if !bytes.Equal(bodies[0], bodies[1]) {
		t.Error("an object that is delivered twice is not the same")
	}
}
