package pebble

import (
	"context"
	"testing"

	"github.com/cockroachdb/pebble/v2"

	"loch/shared/vault"
)

// To erase one of many writes a few files anew around each of the records, and not
// the store. What was erased is gone from every level all the same.
func TestErasureWritesLittle(t *testing.T) {
	people := 200_000 // so many that there are two levels
	if testing.Short() {
		people /= 20 // so few that there may be one, and nothing is said of what is written
	}
	dir, ctx := t.TempDir(), context.Background()
	v := openTestVault(t, dir, quietly())
	var planned []planted
	for range 3 {
		planned = append(planned, plant(t, v, 2))
	}
	fillVault(t, v, people)
	for range 3 {
		planned = append(planned, plant(t, v, 2))
	}
	written := func() (bytes uint64) {
		for _, l := range v.peb.Metrics().Levels {
			bytes += l.TableBytesCompacted
		}
		return bytes
	}
	erase := func(p planted) {
		t.Helper()
		_, err := v.Erase(ctx, "", []vault.ID{p.owner}, false)
		must(t, err)
		p.mustBe(t, dir, false)
	}
	erase(planned[0]) // with it goes what the store was about to do anyway
	m := v.peb.Metrics()
	if !testing.Short() && (m.Levels[lowest].TablesCount == 0 || m.Levels[lowest-1].TablesCount == 0) {
		t.Fatalf("the test proves little of so few levels\n%s", m)
	}
	size, before := uint64(m.Total().TablesSize), written()
	for _, p := range planned[1:] {
		erase(p)
	}
	each := (written() - before) / uint64(len(planned)-1)
	if !testing.Short() && each > size/5 {
		t.Errorf("to erase one of %d people writes %d of %d bytes anew", people, each, size)
	}
	t.Logf("%d of %d bytes", each, size)
}

func TestCuts(t *testing.T) {
	places := [][2][]byte{{[]byte("m"), []byte("mz")}, {[]byte("c"), []byte("cz")}}
	few, many := make([]pebble.LevelMetrics, lowest+1), make([]pebble.LevelMetrics, lowest+1)
	few[5] = pebble.LevelMetrics{TablesCount: enoughFiles + 40, TablesSize: 10 * fileSizes[1]}
	many[4], many[6].TablesCount = few[5], 1_000_000
	many[5].TablesCount = 1
	var c cuts
	var e pebble.EventListener
	c.listen(&e)
	look := func(when string, want map[string]string) {
		t.Helper()
		for from, cut := range want {
			if _, end, err := c.policy([]byte(from)); err != nil || string(end) != cut {
				t.Errorf("%s, a file that begins with %s ends before %q, want %q (%v)", when, from, end, cut, err)
			}
		}
	}
	into := func(level int) pebble.CompactionInfo {
		return pebble.CompactionInfo{Output: pebble.LevelInfo{Level: level}}
	}
	whole := map[string]string{"a": "", "c": "", "n": ""}
	cut := map[string]string{"a": "c", "c": "cz\x00", "cz": "cz\x00", "cz\x00": "m", "m": "mz\x00", "n": ""}
	look("without a scrub", whole)

	end := c.around(places, few)
	look("in a scrub", cut)
	e.CompactionBegin(into(lowest))
	look("in a merge into the lowest level", whole)
	e.FlushBegin(pebble.FlushInfo{})
	look("in a flush beside it", cut)
	e.FlushEnd(pebble.FlushInfo{})
	e.CompactionEnd(into(lowest))
	e.CompactionBegin(into(lowest - 1))
	look("in a merge above it", cut)
	end()
	look("after the scrub", whole)

	end = c.around(places, many)
	look("where there are many files", whole)
	e.FlushBegin(pebble.FlushInfo{})
	look("where there are many files, in a flush", cut)
	e.FlushEnd(pebble.FlushInfo{})
	end()
}
