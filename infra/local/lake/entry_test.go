package lake

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestLedgerNames(t *testing.T) {
	if number, id, ok := parseLedgerName(ledgerName(42, RollID(7))); !ok || number != 42 || id != "roll-00000000000000000007" {
		t.Errorf("got %d %q %v", number, id, ok)
	}
	for _, name := range []string{
		"", "notes.txt", "000000000001-.json", "000000000001-a.json.tmp", "1-a.json", "000000000001-A.json", "00000000000x-a.json",
	} {
		if number, id, ok := parseLedgerName(name); ok {
			t.Errorf("%q is taken for commit %d, %q", name, number, id)
		}
	}
	for id, want := range map[string]uint64{RollID(0): 0, RollID(1<<64 - 1): 1<<64 - 1} {
		if got, ok := parseRollID(id); !ok || got != want {
			t.Errorf("%s is segment %d, %v", id, got, ok)
		}
	}
	for _, id := range []string{"roll-7", "compact-00000000000000000007", "roll-0000000000000000000x"} {
		if _, ok := parseRollID(id); ok {
			t.Errorf("%q is taken for a roll-over", id)
		}
	}
}

// What is in a ledger file is moved and deleted by name, so a file that somebody
// else wrote must not lead out of the lake, and nothing may bring Open down.
func FuzzLedgerEntry(f *testing.F) {
	e := Entry{Number: 3, ID: "compact-1", Kind: KindCompact, TimeMS: 5, RowsIn: 3, RowsOut: 2, Duplicates: 1,
		Added: []File{{Path: "events/a.parquet", Rows: 2, Bytes: 100, CRC32C: 7}}, Removed: []string{"landing/dt=x/b.parquet"}}
	b, err := e.encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"id":"x","removed":["../vault.key"]}`))
	f.Add([]byte(`{"id":"x","added":[{"path":"landing/../../x.parquet"}]}`))
	f.Add([]byte(`{"id":"x","added":[{"path":"landing/x.parquet","rows":-1}]}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := decodeEntry(b)
		if err != nil {
			return
		}
		paths := e.Removed
		for _, file := range e.Added {
			paths = append(paths, file.Path)
		}
		for _, rel := range paths {
			tier, _, _ := strings.Cut(rel, "/")
			if strings.Contains(rel, "..") && strings.Contains("/"+rel+"/", "/../") || !slices.Contains(tiers, Tier(tier)) {
				t.Fatalf("path %q is taken", rel)
			}
		}
		again, err := e.encode()
		if err != nil {
			t.Fatal(err)
		}
		back, err := decodeEntry(again)
		if err != nil || !reflect.DeepEqual(normal(back), normal(e)) {
			t.Fatalf("%+v became %+v: %v", e, back, err)
		}
	})
}

// normal forgets the difference between a list that is empty and none.
func normal(e Entry) Entry {
	if len(e.Added) == 0 {
		e.Added = nil
	}
	if len(e.Removed) == 0 {
		e.Removed = nil
	}
	return e
}
