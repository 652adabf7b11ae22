package lake

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// used is a data folder after some use: two segments rolled over, the first of
// them compacted, and something in the log.
func used(t *testing.T) *shop {
	t.Helper()
	s := openShop(t, t.TempDir())
	s.put(t, parcel(noon, 1, "a", "b", "b"))
	s.rollAll(t)
	s.put(t, parcel(noon.Add(time.Hour), 0, "c"))
	s.rollAll(t)
	c := mustBegin(t, s.lake, "compact-1")
	c.Remove("landing/dt=2026-11-23/hour=12/00000000000000000001.parquet")
	put(t, c, Events, "project=default/date=2026-11-23/compact-1.parquet", "a", "b")
	mustFinish(t, c, Entry{Kind: KindCompact, TimeMS: noon.UnixMilli(), RowsIn: 3, RowsOut: 2, Duplicates: 1})
	s.put(t, parcel(noon.Add(2*time.Hour), 2, "d"))
	return s
}

func TestVerifyCountsEverything(t *testing.T) {
	s := used(t)
	var steps [][2]int
	a, err := Verify(t.Context(), s.lake, s.log, func(done, total int) { steps = append(steps, [2]int{done, total}) })
	if err != nil {
		t.Fatal(err)
	}
	if a.Bytes == 0 {
		t.Error("the files have no bytes")
	}
	a.Bytes = 0
	got, err := json.Marshal(a)
	want := `{"ok":true,"received":8,"stored":4,"rejected":3,"duplicates":1,"removed":0,` +
		`"in_lake":{"requests":2,"received":5,"rows":3,"rejected":1},"in_log":{"requests":1,"received":3,"rows":1,"rejected":2},` +
		`"commits":3,"files":3,"bytes":0,"segments":1,"problems":[],"warnings":[]}`
	if err != nil || string(got) != want {
		t.Errorf("got  %s\nwant %s (%v)", got, want, err)
	}
	if text := a.String(); !strings.HasPrefix(text, "received 8 = stored 4 + rejected 3 + duplicates 1 + removed 0: it adds up\n") {
		t.Errorf("in words: %s", text)
	}
	if n := len(steps); n != 7 || steps[0] != [2]int{1, 7} || steps[n-1] != [2]int{7, 7} {
		t.Errorf("progress was %v", steps)
	}
}

// Each kind of damage is found and named, by the file and the figure.
func TestVerifyFindsDamage(t *testing.T) {
	const (
		landing = "lake/landing/dt=2026-11-23/hour=13/00000000000000000002.parquet"
		events  = "lake/events/project=default/date=2026-11-23/compact-1.parquet"
		second  = "ledger/000000000002-roll-00000000000000000002.json"
		third   = "ledger/000000000003-compact-1.json"
	)
	for name, c := range map[string]struct {
		harm    func(t *testing.T, dir string)
		problem string // a part of one of the problems
		warning string
	}{
		"file gone": {
			harm:    func(t *testing.T, dir string) { remove(t, dir, landing) },
			problem: landing + " with 1 rows, added by roll-00000000000000000002, is missing",
		},
		"file cut": {
			harm:    func(t *testing.T, dir string) { edit(t, dir, events, func(b []byte) []byte { return b[:len(b)-1] }) },
			problem: events + " has",
		},
		"byte changed": {
			harm: func(t *testing.T, dir string) {
				edit(t, dir, events, func(b []byte) []byte { b[len(b)/3] ^= 1; return b })
			},
			problem: events + " is damaged: its checksum is",
		},
		"file swapped for one of other rows": {
			harm: func(t *testing.T, dir string) {
				remove(t, dir, landing)
				writeRows(t, filepath.Join(dir, landing), "c", "c2")
			},
			problem: "8 inputs were received; 5 stored + 3 rejected + 1 duplicates + 0 removed make 9, which is 1 off",
		},
		"file brought back": {
			harm: func(t *testing.T, dir string) {
				path := filepath.Join(dir, "lake/landing/dt=2026-11-23/hour=12/00000000000000000001.parquet")
				if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
					t.Fatal(err)
				}
				writeRows(t, path, "a", "b", "b")
			},
			problem: "hour=12/00000000000000000001.parquet: queries see its 3 rows, and no commit added it",
		},
		"ledger file gone": {
			harm:    func(t *testing.T, dir string) { remove(t, dir, second) },
			problem: "the ledger has no commit number 2: 1 file(s) are missing before " + third,
		},
		"last ledger file gone": {
			harm:    func(t *testing.T, dir string) { remove(t, dir, third) },
			problem: events + ": queries see its 2 rows, and no commit added it",
		},
		"ledger file unreadable": {
			harm:    func(t *testing.T, dir string) { edit(t, dir, second, func(b []byte) []byte { return b[:20] }) },
			problem: second + ": not a ledger entry",
		},
		"ledger file of another commit": {
			harm: func(t *testing.T, dir string) {
				edit(t, dir, second, func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("02\""), []byte("09\"")) })
			},
			problem: second + ": a ledger file holds the entry of another commit",
		},
		"receipt changed": {
			harm: func(t *testing.T, dir string) {
				edit(t, dir, second, func(b []byte) []byte {
					return bytes.Replace(b, []byte(`"received": 1`), []byte(`"received": 2`), 1)
				})
			},
			problem: "commit roll-00000000000000000002: 2 inputs were received, 1 stored and 0 rejected",
		},
		"rows of a file changed in the ledger": {
			harm: func(t *testing.T, dir string) {
				edit(t, dir, second, func(b []byte) []byte {
					return bytes.Replace(b, []byte(`"rows": 1`), []byte(`"rows": 4`), 1)
				})
			},
			problem: landing + " has 1 rows, the ledger says 4",
		},
		"duplicates changed": {
			harm: func(t *testing.T, dir string) {
				edit(t, dir, third, func(b []byte) []byte {
					return bytes.Replace(b, []byte(`"duplicates": 1`), []byte(`"duplicates": 2`), 1)
				})
			},
			problem: "commit compact-1: 3 rows in, 2 out, 0 removed and 2 duplicates",
		},
		"rows removed that were duplicates": {
			harm: func(t *testing.T, dir string) {
				edit(t, dir, third, func(b []byte) []byte {
					return bytes.Replace(b, []byte(`"duplicates": 1`), []byte(`"duplicates": 1, "rows_removed": 1`), 1)
				})
			},
			problem: "commit compact-1: 3 rows in, 2 out, 1 removed and 1 duplicates",
		},
		"more rows in than the files had": {
			harm: func(t *testing.T, dir string) {
				edit(t, dir, third, func(b []byte) []byte {
					b = bytes.Replace(b, []byte(`"duplicates": 1`), []byte(`"duplicates": 7`), 1)
					return bytes.Replace(b, []byte(`"rows_in": 3`), []byte(`"rows_in": 9`), 1)
				})
			},
			problem: "commit compact-1: 9 rows in and 2 out, its files had 3 and 2",
		},
		"stray folder in staging": {
			harm:    func(t *testing.T, dir string) {}, // made after Open, which clears staging
			warning: "staging/half-done is a stray",
		},
		"stray file in the lake": {
			harm:    func(t *testing.T, dir string) { write(t, dir, "lake/landing/README.txt") },
			warning: "lake/landing/README.txt is a stray",
		},
		"stray file in the ledger": {
			harm:    func(t *testing.T, dir string) { write(t, dir, "ledger/notes.txt") },
			warning: "ledger/notes.txt is not a commit",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := used(t)
			if err := s.log.Close(); err != nil {
				t.Fatal(err)
			}
			c.harm(t, s.dir)
			s = openShop(t, s.dir)
			if strings.HasPrefix(c.warning, "staging") {
				if err := os.Mkdir(filepath.Join(s.dir, "staging/half-done"), 0o750); err != nil {
					t.Fatal(err)
				}
			}
			a, err := Verify(t.Context(), s.lake, s.log, nil)
			if err != nil {
				t.Fatal(err)
			}
			if c.problem != "" && (a.OK || !strings.Contains(strings.Join(a.Problems, "\n"), c.problem)) {
				t.Errorf("no problem says %q:\n%s", c.problem, a)
			}
			if c.warning != "" && (!a.OK || !strings.Contains(strings.Join(a.Warnings, "\n"), c.warning)) {
				t.Errorf("no warning says %q:\n%s", c.warning, a)
			}
		})
	}
}

func TestVerifyFindsAReceiptThatDoesNotFit(t *testing.T) {
	s := openShop(t, t.TempDir())
	p := parcel(noon, 1, "a")
	p.Receipt.Received = 5
	s.put(t, p)
	check := func(want string) {
		t.Helper()
		a, err := Verify(t.Context(), s.lake, s.log, nil)
		if err != nil || a.OK || !strings.Contains(a.String(), want) {
			t.Fatalf("%v\n%s", err, a)
		}
	}
	check("log segment 1, request req-a: 5 inputs were received, 1 rows and 1 rejected inputs are kept")
	s.rollAll(t) // what is there goes into the lake all the same
	check("commit roll-00000000000000000001: 5 inputs were received, 1 stored and 1 rejected")
}

func TestVerifyFindsADamagedLog(t *testing.T) {
	s := openShop(t, t.TempDir())
	s.put(t, parcel(noon, 0, "a"), parcel(noon, 0, "b"))
	files, err := filepath.Glob(filepath.Join(s.dir, "wal", "*.wal"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	b, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)-10] ^= 1
	if err := os.WriteFile(files[0], b, 0o600); err != nil {
		t.Fatal(err)
	}
	a, err := Verify(t.Context(), s.lake, s.log, nil)
	if err != nil || a.OK || !strings.Contains(a.String(), "log segment 1 cannot be read to its end") {
		t.Fatalf("%v\n%s", err, a)
	}
}

func TestVerifyStops(t *testing.T) {
	s := used(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Verify(ctx, s.lake, s.log, nil); !errors.Is(err, context.Canceled) {
		t.Fatalf("error is %v", err)
	}
	s.adds(t, 8, 4, 3)
	if n := len(s.lake.readers); n != 0 {
		t.Errorf("%d snapshots were not released", n)
	}
}

func TestAccountStaysReadable(t *testing.T) {
	l := mustOpen(t, t.TempDir())
	c := mustBegin(t, l, "roll-x")
	for i := range 3 * most {
		put(t, c, Landing, "f"+strings.Repeat("x", i/26)+string(rune('a'+i%26))+".parquet")
	}
	mustFinish(t, c, Entry{Kind: KindRoll, TimeMS: 1})
	if err := os.RemoveAll(l.path("landing")); err != nil {
		t.Fatal(err)
	}
	a, err := Verify(t.Context(), mustOpen(t, l.dir), nil, nil)
	if err != nil || len(a.Problems) != most+1 || a.Problems[most] != "and 200 more" {
		t.Fatalf("%v\n%s", err, a)
	}
}

func remove(t *testing.T, dir, name string) {
	t.Helper()
	if err := os.Remove(filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, dir, name string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte("notes"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func edit(t *testing.T, dir, name string, change func([]byte) []byte) {
	t.Helper()
	path := filepath.Join(dir, name)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	changed := change(bytes.Clone(b))
	if bytes.Equal(b, changed) {
		t.Fatal("the test changes nothing")
	}
	if err := os.WriteFile(path, changed, 0o600); err != nil {
		t.Fatal(err)
	}
}
