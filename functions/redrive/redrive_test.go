package redrive_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"loch/functions/redrive"
	"loch/shared/event/eventtest"
	"loch/shared/event/rowjson"
	"loch/shared/fault"
)

// world is a bucket and a stream in memory. At the call dies all of it stops, as
// if the process were killed there.
type world struct {
	objects map[string][]byte
	stream  map[string][]string // documents by kind
	calls   int
	dies    int  // at which call; 0 for never
	after   bool // what was called is done before it dies
	refuses bool // the stream takes nothing
}

func newWorld() *world {
	return &world{objects: map[string][]byte{}, stream: map[string][]string{}}
}

var errKilled = fault.New(fault.Internal, "killed")

func (w *world) step(do func()) error {
	w.calls++
	if w.dies > 0 && w.calls >= w.dies {
		if w.calls == w.dies && w.after {
			do()
		}
		return errKilled
	}
	do()
	return nil
}

func (w *world) List(_ context.Context, prefix string, fn func(key string, bytes int64, at time.Time) error) error {
	for _, key := range slices.Sorted(maps.Keys(w.objects)) {
		if strings.HasPrefix(key, prefix) {
			if err := fn(key, int64(len(w.objects[key])), time.Unix(1_795_000_000, 0)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *world) Get(_ context.Context, key string) (io.ReadCloser, error) {
	body, ok := w.objects[key]
	if !ok {
		return nil, fault.New(fault.NotFound, "no such object")
	}
	return io.NopCloser(bytes.NewReader(body)), nil
}

func (w *world) PutNew(_ context.Context, key string, body []byte) error {
	return w.step(func() {
		if _, there := w.objects[key]; !there {
			w.objects[key] = bytes.Clone(body)
		}
	})
}

func (w *world) Delete(_ context.Context, key string) error {
	return w.step(func() { delete(w.objects, key) })
}

func (w *world) Resend(_ context.Context, kind string, documents [][]byte) error {
	if w.refuses {
		return fault.New(fault.Unavailable, "the stream takes nothing")
	}
	return w.step(func() {
		for _, d := range documents {
			w.stream[kind] = append(w.stream[kind], string(d))
		}
	})
}

// put puts an object named after its content.
func (w *world) put(folder string, body []byte) string {
	sum := sha256.Sum256(body)
	key := folder + hex.EncodeToString(sum[:]) + ".ndjson"
	w.objects[key] = body
	return key
}

func (w *world) run(t *testing.T, change ...func(*redrive.Deps)) (redrive.Result, error) {
	t.Helper()
	d := redrive.Deps{Objects: w, Stream: w}
	for _, c := range change {
		c(&d)
	}
	return redrive.New(d)(t.Context(), nil)
}

// rows are n documents of rows, each another one.
func rows(from, n int) (documents []string) {
	for i := range n {
		documents = append(documents, string(rowjson.AppendRow(nil, eventtest.SampleRow(from+i))))
	}
	return documents
}

// failed is a line of an error object as Firehose writes it.
func failed(code, record string) string {
	line, err := json.Marshal(map[string]any{
		"attemptsMade": 1, "arrivalTimestamp": 1_795_413_600_200, "lastErrorCode": code, "lastErrorMessage": "m",
		"attemptEndingTimestamp": 1_795_413_600_300, "rawData": []byte(record), "sequenceNumber": "4959", "subSequenceNumber": nil,
		"dataCatalogTable": map[string]any{"databaseName": "loch"},
	})
	if err != nil {
		panic(err)
	}
	return string(line) + "\n"
}

const malformed = "DataFormatConversion.MalformedData"

func TestSpillsComeBack(t *testing.T) {
	w := newWorld()
	events, rejected := rows(0, 40), string(rowjson.AppendReceipt(nil, eventtest.SampleParcel("r", 2)))
	w.put("spill/events/dt=2026-11-23/", []byte(strings.Join(events[:10], "")))
	w.put("spill/events/dt=2026-11-24/", []byte(strings.Join(events[10:], "")))
	w.put("spill/rejected/dt=2026-11-23/", []byte(rejected))
	w.put("elsewhere/", []byte("x"))
	var told []redrive.Result
	got, err := redrive.New(redrive.Deps{Objects: w, Stream: w})(t.Context(), func(r redrive.Result) { told = append(told, r) })
	if want := (redrive.Result{SpillObjects: 3, SpillDocuments: 41}); err != nil || got != want || told[len(told)-1] != want || told[0].SpillObjects != 1 {
		t.Errorf("%+v, %v, want %+v; told %+v", got, err, want, told)
	}
	if !slices.Equal(w.stream["events"], events) || !slices.Equal(w.stream["rejected"], []string{rejected}) {
		t.Error("the stream has not got what was spilled, byte for byte")
	}
	if len(w.objects) != 1 {
		t.Errorf("left: %v", slices.Collect(maps.Keys(w.objects)))
	}
	if got, err := w.run(t); err != nil || got != (redrive.Result{}) {
		t.Errorf("a run with nothing to do: %+v, %v", got, err)
	}
}

// A spill that is not what its name says is not guessed at.
func TestDamagedSpillStays(t *testing.T) {
	w := newWorld()
	whole := []byte(strings.Join(rows(0, 2), ""))
	key := w.put("spill/events/dt=2026-11-23/", whole)
	w.objects[key] = whole[:len(whole)-100]
	got, err := w.run(t)
	if err != nil || got.Damaged != 1 || len(w.stream) != 0 || w.objects[key] == nil {
		t.Errorf("%+v, %v, stream %v", got, err, w.stream)
	}
}

// When the stream takes nothing, everything stays, and the run tells how much.
func TestStreamTakesNothing(t *testing.T) {
	w := newWorld()
	w.refuses = true
	for i := range 3 {
		w.put("spill/events/dt=2026-11-23/", []byte(rows(i, 1)[0]))
	}
	w.put("errors/events/format-conversion-failed/", []byte(failed(malformed, rows(9, 1)[0])))
	got, err := w.run(t)
	if err != nil || got.Waiting != 4 || got.WaitingBytes == 0 || got.OldestWaiting.IsZero() || len(w.objects) != 4 {
		t.Errorf("%+v, %v", got, err)
	}
}

// Of a record that one bad document spoiled the others come back, each with a
// count of its tries; the bad one is set aside with the reason.
func TestFailedRecords(t *testing.T) {
	w := newWorld()
	good := rows(0, 5)
	bad := strings.Replace(rows(7, 1)[0], `"skew_ms":-100`, `"skew_ms":"often"`, 1)
	note := string(rowjson.AppendReceipt(nil, eventtest.SampleParcel("r", 2)))
	w.objects["errors/events/format-conversion-failed/x"] = []byte(
		failed(malformed, good[0]+good[1]+bad+good[2]) + failed(malformed, good[3]+good[4]) + "rubbish\n")
	w.objects["errors/rejected/format-conversion-failed/y"] = []byte(failed(malformed, note+`{"mood":1}`))
	got, err := w.run(t)
	want := redrive.Result{ErrorObjects: 2, ErrorRecords: 4, ErrorDocuments: 6, SetAside: 3}
	if err != nil || got != want {
		t.Fatalf("%+v, %v, want %+v", got, err, want)
	}
	for i, doc := range w.stream["events"] {
		if doc != strings.Replace(good[i], "{", `{"loch_tries":1,`, 1) {
			t.Errorf("document %d came back as %s", i, doc)
		}
		if row, tries, err := rowjson.ParseRow([]byte(doc)); err != nil || tries != 1 || fmt.Sprintf("%+v", row) != fmt.Sprintf("%+v", *eventtest.SampleRow(i)) {
			t.Errorf("document %d is another row: %v", i, err)
		}
	}
	if len(w.stream["events"]) != 5 || len(w.stream["rejected"]) != 1 {
		t.Errorf("%d and %d documents came back, want 5 and 1", len(w.stream["events"]), len(w.stream["rejected"]))
	}
	var aside string
	for key, body := range w.objects {
		if !strings.HasPrefix(key, "unreadable/events/") && !strings.HasPrefix(key, "unreadable/rejected/") {
			t.Errorf("%s is left", key)
		}
		aside += string(body)
	}
	for _, words := range []string{`"reason":"skew_ms: the value does not fit the column"`, `"reason":"this is no line of failed records"`, `"lastErrorCode":"` + malformed} {
		if !strings.Contains(aside, words) {
			t.Errorf("not set aside with %s:\n%s", words, aside)
		}
	}
}

// A document that the stream refuses again and again is set aside in the end, and
// comes back when somebody says so.
func TestTriesAreBounded(t *testing.T) {
	w := newWorld()
	doc := rows(0, 1)[0]
	few := func(d *redrive.Deps) { d.MaxTries = 3 }
	for try := 1; ; try++ {
		w.objects["errors/events/format-conversion-failed/x"] = []byte(failed("DataFormatConversion.EntityNotFound", doc))
		w.stream = map[string][]string{}
		got, err := w.run(t, few)
		if err != nil {
			t.Fatal(err)
		}
		if got.SetAside == 1 {
			if try != 4 || len(w.stream) != 0 {
				t.Errorf("set aside at try %d, want 4", try)
			}
			break
		}
		doc = w.stream["events"][0]
		if want := fmt.Sprintf(`{"loch_tries":%d,"project"`, try); !strings.HasPrefix(doc, want) {
			t.Fatalf("try %d: %s", try, doc)
		}
	}
	if got, err := w.run(t, few); err != nil || got != (redrive.Result{}) || len(w.objects) != 1 {
		t.Errorf("what is set aside was touched: %+v, %v", got, err)
	}
	got, err := w.run(t, few, func(d *redrive.Deps) { d.Again = true })
	if err != nil || got.ErrorDocuments != 1 || len(w.objects) != 0 || !strings.HasPrefix(w.stream["events"][0], `{"loch_tries":1,"project"`) {
		t.Errorf("again: %+v, %v, %v", got, err, w.stream)
	}
	// What still cannot be read stays as it is.
	w.objects["errors/events/x"] = []byte(failed(malformed, "{}"))
	for range 3 {
		if _, err := w.run(t, func(d *redrive.Deps) { d.Again = true }); err != nil || len(w.objects) != 1 {
			t.Errorf("%v, objects %v", err, slices.Collect(maps.Keys(w.objects)))
		}
	}
}

// Wherever a run is killed, the next ones bring everything back: no document is
// lost, and what came twice is the same row in every column.
func TestKilledAnywhere(t *testing.T) {
	for dies := 1; ; dies++ {
		for _, after := range []bool{false, true} {
			w := newWorld()
			documents := rows(0, 30)
			for i := range 4 {
				w.put("spill/events/dt=2026-11-23/", []byte(strings.Join(documents[i*5:i*5+5], "")))
			}
			w.objects["errors/events/a"] = []byte(failed(malformed, strings.Join(documents[20:25], "")+"{}\n") + failed(malformed, strings.Join(documents[25:30], "")))
			w.dies, w.after = dies, after
			_, killed := w.run(t)
			calls := w.calls
			w.dies = 0
			if _, err := w.run(t); err != nil {
				t.Fatal(err)
			}
			seen := map[int64]string{}
			for _, doc := range w.stream["events"] {
				row, _, err := rowjson.ParseRow([]byte(doc))
				if err != nil {
					t.Fatal(err)
				}
				if before, twice := seen[row.BatchIndex]; twice && before != fmt.Sprintf("%+v", row) {
					t.Errorf("killed at call %d: a row came back changed", dies)
				}
				seen[row.BatchIndex] = fmt.Sprintf("%+v", row)
			}
			if len(seen) != 30 || len(w.objects) != 1 {
				t.Errorf("killed at call %d: %d of 30 rows, objects %v", dies, len(seen), slices.Collect(maps.Keys(w.objects)))
			}
			if killed == nil && after {
				if calls < 10 {
					t.Errorf("the run has %d calls; the test shows little", calls)
				}
				return
			}
		}
	}
}

// FuzzFailure: whatever lies under the error prefix, a run deals with it, and
// what it sends fits the columns.
func FuzzFailure(f *testing.F) {
	f.Add([]byte(failed(malformed, rows(0, 1)[0])), uint64(1))
	f.Add([]byte("{}\n[]\nnull\n{\"rawData\":\"e30=\"}"), uint64(2))
	f.Fuzz(func(t *testing.T, body []byte, seed uint64) {
		rng := rand.New(rand.NewPCG(seed, 1))
		w := newWorld()
		w.objects["errors/"+redrive.Kinds[rng.IntN(2)]+"/x"] = body
		got, err := w.run(t)
		if err != nil || w.objects["errors/events/x"] != nil {
			t.Fatalf("%+v, %v", got, err)
		}
		for _, doc := range w.stream["events"] {
			if _, _, err := rowjson.ParseRow([]byte(doc)); err != nil || !strings.HasSuffix(doc, "}\n") {
				t.Errorf("sent %q: %v", doc, err)
			}
		}
	})
}
