package parquet

import (
	"errors"
	"iter"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"loch/shared/event"
	"loch/shared/fault"
)

func TestRowsComeBackAsTheyWere(t *testing.T) {
	for name, rows := range map[string][]event.Row{
		"none": {}, "extremes": extremes(), "traffic": madeUp(1, 3000),
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "f.parquet")
			n, err := WriteEvents(path, each(rows))
			if err != nil || n != int64(len(rows)) {
				t.Fatalf("wrote %d of %d rows: %v", n, len(rows), err)
			}
			i := 0
			err = ReadEvents(path, func(r *event.Row) error {
				if !sameRow(*r, rows[i]) {
					t.Fatalf("row %d came back changed:\n got %+v\nwant %+v", i, *r, rows[i])
				}
				i++
				return nil
			})
			if err != nil || i != len(rows) {
				t.Fatalf("read %d of %d rows: %v", i, len(rows), err)
			}
		})
	}
}

func TestRejectedComeBackAsTheyWere(t *testing.T) {
	rows := []event.Rejected{
		{Project: "default", ReceivedTimeMS: 1795425600123, Protocol: "mixpanel", RequestID: "r1", BatchIndex: -1,
			Reason: event.ReasonUndecodable, Field: "properties.time", PayloadBytes: 7, Sealed: []byte{0, 255, 1}},
		{ReceivedTimeMS: 1, RequestID: "r2", Reason: event.ReasonUnknownToken},
	}
	path := filepath.Join(t.TempDir(), "f.parquet")
	if _, err := WriteRejected(path, each(rows)); err != nil {
		t.Fatal(err)
	}
	var got []event.Rejected
	if err := ReadRejected(path, func(r *event.Rejected) error { got = append(got, *r); return nil }); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, rows) {
		t.Fatalf("got %+v, want %+v", got, rows)
	}
}

// The columns must be event.Columns, in order, with the types that DuckDB and
// Athena are promised.
func TestSchemaFollowsColumns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f.parquet")
	if _, err := WriteEvents(path, each(madeUp(1, 10))); err != nil {
		t.Fatal(err)
	}
	file := openFile(t, path)
	fields := file.Schema().Fields()
	if len(fields) != len(event.Columns) {
		t.Fatalf("%d columns, want %d", len(fields), len(event.Columns))
	}
	kinds := map[event.Type]string{
		event.Text: "STRING", event.JSON: "STRING", event.Int: "INT(64,true)", event.Float: "DOUBLE",
		event.Bool: "BOOLEAN", event.Time: "TIMESTAMP(isAdjustedToUTC=false,unit=MILLIS)", event.Date: "DATE",
	}
	for i, c := range event.Columns {
		if f := fields[i]; f.Name() != c.Name || f.Optional() != c.Nullable || f.Type().String() != kinds[c.Type] {
			t.Errorf("column %d is %s %s optional=%v; want %s %s optional=%v",
				i, f.Name(), f.Type(), f.Optional(), c.Name, kinds[c.Type], c.Nullable)
		}
	}
}

// What stands in the files, beyond the values: readers other than ours depend
// on it.
func TestFileUsesOnlyWhatEveryReaderKnows(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f.parquet")
	rows := madeUp(2, 5000)
	if _, err := WriteEvents(path, each(rows)); err != nil {
		t.Fatal(err)
	}
	file := openFile(t, path)
	if v, _ := file.Lookup(MetaRows); v != "5000" {
		t.Errorf("%s is %q", MetaRows, v)
	}
	if v, _ := file.Lookup(MetaSchemaVersion); v != strconv.Itoa(event.SchemaVersion) {
		t.Errorf("%s is %q", MetaSchemaVersion, v)
	}
	for _, c := range file.Metadata().RowGroups[0].Columns {
		m := c.MetaData
		if m.Codec != format.Zstd {
			t.Errorf("%v is compressed by %v", m.PathInSchema, m.Codec)
		}
		for _, e := range m.Encoding {
			if e != format.Plain && e != format.RLE && e != format.RLEDictionary {
				t.Errorf("%v uses encoding %v", m.PathInSchema, e)
			}
		}
		if name := m.PathInSchema[0]; name == "browser" && m.DictionaryPageOffset == 0 {
			t.Errorf("%s has no dictionary", name)
		} else if name == "insert_id" && m.DictionaryPageOffset != 0 {
			t.Errorf("%s has a dictionary", name)
		}
	}
}

// The library's own reader, which knows only the file's schema, must see the
// same values.
func TestGenericReaderAgrees(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f.parquet")
	rows := madeUp(3, 500)
	if _, err := WriteEvents(path, each(rows)); err != nil {
		t.Fatal(err)
	}
	type some struct {
		Event    string   `parquet:"event"`
		UserID   *string  `parquet:"user_id"`
		Time     int64    `parquet:"time,timestamp(millisecond:local)"`
		Revenue  *float64 `parquet:"revenue"`
		IsBot    bool     `parquet:"is_bot"`
		Date     int32    `parquet:"date,date"`
		Received int64    `parquet:"received_time,timestamp(millisecond:local)"`
	}
	got, err := parquet.ReadFile[some](path)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range rows {
		g := got[i]
		if g.Event != r.Name || g.Time != r.TimeMS || g.IsBot != r.IsBot || g.Received != r.ReceivedTimeMS || g.Date != 20780 {
			t.Fatalf("row %d: got %+v", i, g)
		}
		if (g.UserID == nil) != (r.UserID == "") || (g.UserID != nil && *g.UserID != r.UserID) {
			t.Fatalf("row %d: user_id %v, want %q", i, g.UserID, r.UserID)
		}
		if (g.Revenue == nil) != math.IsNaN(r.Revenue) || (g.Revenue != nil && *g.Revenue != r.Revenue) {
			t.Fatalf("row %d: revenue %v, want %v", i, g.Revenue, r.Revenue)
		}
	}
}

func TestRowGroupsAreBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f.parquet")
	row := extremes()[0]
	const n = RowGroupRows + 1
	_, err := WriteEvents(path, func(yield func(*event.Row, error) bool) {
		for range n {
			if !yield(&row, nil) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	footer, err := ReadFooter(path)
	if err != nil || footer != (Footer{Rows: n, RowGroups: 2, SchemaVersion: event.SchemaVersion}) {
		t.Fatalf("footer %+v: %v", footer, err)
	}
}

func TestInvalidTextIsMended(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f.parquet")
	row := extremes()[0]
	row.Browser = "Chr\xffome"
	if _, err := WriteEvents(path, each([]event.Row{row})); err != nil {
		t.Fatal(err)
	}
	err := ReadEvents(path, func(r *event.Row) error {
		if r.Browser != "Chr\uFFFDome" {
			t.Errorf("browser is %q", r.Browser)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestADateThatIsNoneDoesNotHoldUpTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f.parquet")
	rows := extremes()[:1]
	for _, date := range []string{"", "yesterday", "12345-01-01", "2026-11-23"} {
		rows = append(rows, rows[0])
		rows[len(rows)-1].Date = date
	}
	if _, err := WriteEvents(path, each(rows)); err != nil {
		t.Fatal(err)
	}
	var got []string
	if err := ReadEvents(path, func(r *event.Row) error { got = append(got, r.Date); return nil }); err != nil {
		t.Fatal(err)
	}
	want := []string{"1970-01-01", "1970-01-01", "1970-01-01", "1970-01-01", "2026-11-23"}
	if !slices.Equal(got, want) {
		t.Fatalf("dates are %v, want %v", got, want)
	}
}

func TestFailureLeavesNoFile(t *testing.T) {
	gone := errors.New("the source ran dry")
	path := filepath.Join(t.TempDir(), "f.parquet")
	row := extremes()[0]
	_, err := WriteEvents(path, func(yield func(*event.Row, error) bool) {
		if yield(&row, nil) {
			yield(nil, gone)
		}
	})
	if !errors.Is(err, gone) {
		t.Errorf("error is %v", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file is still there (%v)", err)
	}
	if _, err := WriteEvents(filepath.Join(t.TempDir(), "no", "such", "folder"), each([]event.Row{})); err == nil {
		t.Error("no folder: no error")
	}
}

// A disk that takes no more is met at the end at the latest: Close must say so
// and leave nothing.
func TestWriterTellsOfAFailingDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f.parquet")
	w, err := CreateEvents(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(madeUp(1, 10)); err != nil {
		t.Fatal(err)
	}
	if err := w.file.Close(); err != nil { // every write fails from here on
		t.Fatal(err)
	}
	if err := w.Close(); fault.CodeOf(err) != fault.Unavailable || !errors.Is(err, os.ErrClosed) {
		t.Fatalf("error is %v", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("the file is still there (%v)", err)
	}
	if err := w.Write(madeUp(1, 1)); err == nil {
		t.Fatal("writing goes on after a failure")
	}
}

func TestAFileIsNeverOverwritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f.parquet")
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := WriteEvents(path, each(extremes())); err == nil {
		t.Fatal("no error")
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "precious" {
		t.Fatalf("now %q, %v", b, err)
	}
}

// A byte that was changed on the disk is found in whichever column it is.
func TestDamageIsFound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f.parquet")
	if _, err := WriteEvents(path, each(madeUp(4, 400))); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range openFile(t, path).Metadata().RowGroups[0].Columns {
		// The last byte of a column's chunk is the last of its data page.
		start := c.MetaData.DataPageOffset
		if d := c.MetaData.DictionaryPageOffset; d > 0 {
			start = d
		}
		broken := slices.Clone(whole)
		broken[start+c.MetaData.TotalCompressedSize-1] ^= 0x20
		if err := os.WriteFile(path, broken, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := ReadEvents(path, func(*event.Row) error { return nil }); err == nil {
			t.Errorf("a changed byte in %v was not found", c.MetaData.PathInSchema)
		}
	}
	for _, cut := range []int{0, 3, len(whole) / 2, len(whole) - 1} {
		if err := os.WriteFile(path, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Rows(path); err == nil {
			t.Errorf("a file cut to %d of %d bytes opens", cut, len(whole))
		}
	}
}

// A value of a client's choice must not end up in the footer, which every
// reader loads whole.
func TestFooterDoesNotGrowWithPayload(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f.parquet")
	row := madeUp(1, 1)[0]
	row.Properties = `{"note":"` + strings.Repeat("marker", 50_000) + `"}`
	if _, err := WriteEvents(path, each([]event.Row{row})); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Size() > 32<<10 {
		t.Fatalf("the file has %d bytes (%v); the payload compresses to far less", info.Size(), err)
	}
}

func each[T any](rows []T) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		for i := range rows {
			if !yield(&rows[i], nil) {
				return
			}
		}
	}
}

// sameRow compares with NaN equal to NaN.
func sameRow(a, b event.Row) bool {
	if math.IsNaN(a.Revenue) && math.IsNaN(b.Revenue) {
		a.Revenue, b.Revenue = 0, 0
	}
	return a == b
}

func openFile(t *testing.T, path string) *parquet.File {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	p, err := open(f)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
