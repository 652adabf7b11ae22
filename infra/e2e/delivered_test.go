package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"loch/infra/aws/firehose"
	"loch/infra/aws/firehose/firehosetest"
	"loch/infra/aws/glue"
	"loch/infra/aws/s3/s3test"
	"loch/shared/event"
	"loch/shared/event/eventtest"
)

// TestDeliveredFiles has the sink of AWS send rows through the stand-in of Firehose
// while it fails, copies what that delivered into the data folder of one machine,
// and asks DuckDB, which has a Parquet reader and a view of its own: each row must
// have every value that was put, and be in the relation events once, however often
// it was delivered.
func TestDeliveredFiles(t *testing.T) {
	rows, files := deliver(t)
	data := filepath.Join(t.TempDir(), "data")
	s := start(t, data)
	s.track(map[string]any{"event": "of this machine", "properties": map[string]any{"token": token}})
	s.stop()
	for key, body := range files {
		path := filepath.Join(data, "lake", filepath.FromSlash(key))
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, body, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s = start(t, data)
	raw := s.number("select count(*) from events_raw")
	if once := s.number("select count(*) from events"); once != int64(len(rows))+1 || raw <= once {
		t.Errorf("%d rows were put beside one of this machine; events has %d, events_raw %d", len(rows), once, raw)
	}
	var selected []string
	for _, c := range event.Columns {
		switch c.Type {
		case event.Time:
			selected = append(selected, "epoch_ms("+c.Name+")::varchar as "+c.Name)
		case event.Float:
			selected = append(selected, c.Name)
		default:
			selected = append(selected, `"`+c.Name+`"::varchar as "`+c.Name+`"`)
		}
	}
	found := s.all("select " + strings.Join(selected, ", ") + " from events where event <> 'of this machine' order by request_id, batch_index")
	if len(found) != len(rows) {
		t.Fatalf("%d rows, want %d", len(found), len(rows))
	}
	for _, got := range found {
		id := fmt.Sprint(got["request_id"], " ", got["batch_index"])
		want := rows[id]
		if want == nil {
			t.Fatalf("row %s was never put", id)
		}
		for _, c := range event.Columns {
			if got, want := got[c.Name], inSQL(t, &c, want); got != want {
				t.Fatalf("row %s, column %s: %v, want %v", id, c.Name, got, want)
			}
		}
	}
}

// inSQL is a row's value as the statement of the test shows it.
func inSQL(t *testing.T, c *event.Column, r *event.Row) any {
	switch {
	case c.Str != nil:
		if s := *c.Str(r); s != "" || !c.Nullable {
			return s
		}
	case c.Num != nil:
		if n := *c.Num(r); n != 0 || !c.Nullable {
			return fmt.Sprint(n)
		}
	case c.Flt != nil:
		if f := *c.Flt(r); f == f {
			text, err := json.Marshal(f)
			if err != nil {
				t.Fatal(err)
			}
			return json.Number(text)
		}
	default:
		return fmt.Sprint(*c.Flag(r))
	}
	return nil
}

// deliver puts rows with every kind of value, some of which arrive twice, and
// returns them by request and place, and the files of the landing tier.
func deliver(t *testing.T) (rows map[string]*event.Row, files map[string][]byte) {
	t.Helper()
	bucket := s3test.Start(t)
	stream := func(name, prefix, table string) firehosetest.Stream {
		s := firehosetest.Stream{Name: name, Prefix: prefix, ErrorPrefix: "errors/" + name + "/!{firehose:error-output-type}/"}
		for _, t := range glue.Tables {
			if t.Name == table {
				for _, c := range t.Columns {
					s.Columns = append(s.Columns, firehosetest.Column(c))
				}
			}
		}
		return s
	}
	clock := func() time.Time { return time.UnixMilli(1_795_413_600_000) }
	stand, err := firehosetest.New(bucket.Bucket, clock, 11,
		stream("events", "landing/dt=!{timestamp:yyyy-MM-dd}/hour=!{timestamp:HH}/", glue.Landing),
		stream("rejected", "rejected/dt=!{timestamp:yyyy-MM-dd}/", glue.RejectedInput))
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(stand)
	t.Cleanup(front.Close)
	sink := firehose.New(firehose.Options{
		API:    firehose.NewClient("eu-north-1", front.URL, s3test.Credentials, nil),
		Events: "events", Rejected: "rejected", Objects: bucket.Bucket, Now: time.Now, Random: rand.Float64,
		Patience: time.Hour, CallTimeout: time.Hour, FirstPause: time.Millisecond,
	})
	stand.SetFaults(firehosetest.Faults{Record: .1, Refuse: .1, Fail: .1, Forget: .2, Twice: 1})
	rng := rand.New(rand.NewPCG(21, 21))
	rows = map[string]*event.Row{}
	for i := range 300 {
		p := eventtest.RandomParcel(rng, fmt.Sprintf("request-%03d", i))
		for j := range p.Rows {
			r := &p.Rows[j]
			r.Project, r.Name, r.InsertID = "default", "delivered", fmt.Sprintf("%d-%d", i, j)
			r.InsertIDSource = []string{event.InsertIDClient, event.InsertIDUntimed, event.InsertIDHash}[rng.IntN(3)]
			rows[fmt.Sprint(r.RequestID, " ", r.BatchIndex)] = r
		}
		if err := sink.Put(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	if err := stand.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	return rows, bucket.Objects(t, "landing/")
}
