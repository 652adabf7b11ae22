package wal

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"loch/shared/event"
)

var update = flag.Bool("update", false, "write the golden file of this schema version")

// goldenParcels are what the golden files hold.
func goldenParcels() []*event.Parcel {
	first := sampleParcel("request-1", 7)
	first.Rows[1] = event.Row{Revenue: event.NoRevenue} // all null
	first.Rows[2].Revenue = 19.99
	first.Rows[2].Currency = "EUR"
	first.Rows[3].IsBot, first.Rows[3].BotReason = true, "agent"
	first.Rows[4].PageTitle = "not UTF-8: \xff\xfe"
	return []*event.Parcel{first, sampleParcel("request-2", 1), {Receipt: event.Receipt{RequestID: "request-3"}}}
}

// writeGolden writes the golden parcels with a fixed clock and returns the
// file's bytes.
func writeGolden(t *testing.T) []byte {
	t.Helper()
	dir := t.TempDir()
	l, _ := mustOpen(t, dir, Options{
		NoSync: true, After: 41,
		Now: func() time.Time { return time.UnixMilli(1_795_000_000_000) },
	})
	for _, p := range goldenParcels() {
		if err := l.Put(context.Background(), p); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(filepath.Join(dir, fileName(42)))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestFormatIsPinned holds the bytes on disk still: who changes them breaks
// the logs that are out there. Together with the next test it also says that
// event.SchemaVersion has to grow when event.Columns does.
func TestFormatIsPinned(t *testing.T) {
	name := filepath.Join("testdata", fmt.Sprintf("schema-%d.wal", event.SchemaVersion))
	got := writeGolden(t)
	if *update {
		if err := os.WriteFile(name, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatalf("%v; a new schema version needs a golden file of its own: run this test with -update, and keep the old files", err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the log is written differently from %s. If event.Columns has changed, event.SchemaVersion must grow; else the version of the format or of the codec must", name)
	}
}

// TestOlderFilesCanBeRead reads the golden file of each schema version so far.
func TestOlderFilesCanBeRead(t *testing.T) {
	names, err := filepath.Glob(filepath.Join("testdata", "schema-*.wal"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			h, err := decodeHeader(b)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, fileName(h.seq)), b, 0o600); err != nil {
				t.Fatal(err)
			}
			l, found := mustOpen(t, dir, Options{})
			if found.CutBytes != 0 {
				t.Errorf("%d bytes were cut", found.CutBytes)
			}
			stored := map[string]bool{}
			for _, c := range h.columns {
				stored[c.name] = true
			}
			got, want := readAll(t, l), goldenParcels()
			if len(got) != len(want) {
				t.Fatalf("%d parcels, want %d", len(got), len(want))
			}
			for i := range got {
				null := event.Row{Revenue: event.NoRevenue}
				for j := range want[i].Rows {
					for _, c := range event.Columns {
						row := &want[i].Rows[j]
						if !stored[c.Name] {
							row = &null
						}
						if g, w := value(c, &got[i].Rows[j]), value(c, row); g != w && c.Name != "schema_version" {
							t.Errorf("parcel %d, row %d: %s = %q, want %q", i, j, c.Name, g, w)
						}
					}
				}
				got[i].Rows, want[i].Rows = nil, nil
				if words(got[i]) != words(want[i]) {
					t.Errorf("parcel %d\ngot  %s\nwant %s", i, words(got[i]), words(want[i]))
				}
			}
		})
	}
}

// FuzzHeader reads any bytes as a header.
func FuzzHeader(f *testing.F) {
	h := header{seq: 3, prevSeq: 2, prevEnd: 999, openedAt: time.UnixMilli(5), columns: storedColumns(event.Columns)}
	f.Add(h.encode())
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := decodeHeader(b)
		if err != nil {
			return
		}
		size := h.size
		if again := h.encode(); !bytes.Equal(again, b[:size]) {
			t.Errorf("encoded once more\ngot  %q\nwant %q", again, b[:size])
		}
	})
}
