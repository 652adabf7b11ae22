package report_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"loch/shared/report"
)

func TestHide(t *testing.T) {
	for _, c := range []struct {
		name    string
		persons []int64
		total   int64
		minCell int64
		want    string
	}{
		{"the default shows all", []int64{1, 2, 100}, 103, 0, "[false false false]"},
		{"a group of one is everybody's smallest", []int64{1, 2}, 3, 1, "[false false]"},
		{"nothing is small", []int64{10, 20}, 30, 5, "[false false]"},
		{"a small one takes the next smallest with it, or it could be subtracted", []int64{100, 3, 20}, 123, 5, "[false true true]"},
		{"two small ones hide each other", []int64{100, 3, 4}, 107, 5, "[false true true]"},
		{"everybody is few", []int64{2, 1}, 3, 5, "[true true]"},
		{"nobody is shown as nobody", []int64{0, 3, 50, 60}, 113, 5, "[false true true false]"},
		{"people in no segment count as one", []int64{50, 60}, 112, 5, "[true false]"},
	} {
		if got := fmt.Sprint(report.Hide(c.persons, c.total, c.minCell)); got != c.want {
			t.Errorf("%s: %v of %d: got %s, want %s", c.name, c.persons, c.total, got, c.want)
		}
	}
}

// TestHideLeavesNothingToSubtract holds the rule on random break-downs: every
// shown segment is large or empty, and what is hidden is as a whole nobody, or
// large, or everybody.
func TestHideLeavesNothingToSubtract(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		persons := make([]int64, r.IntN(8))
		var total int64
		for i := range persons {
			persons[i] = r.Int64N(12)
			total += persons[i]
		}
		outside := r.Int64N(3)
		total += outside
		minCell := r.Int64N(9)
		hidden := report.Hide(persons, total, minCell)
		var rest int64
		all := true
		for i, n := range persons {
			if hidden[i] {
				continue
			}
			if minCell > 1 && n > 0 && n < minCell {
				t.Fatalf("%v, at least %d: %v shows %d", persons, minCell, hidden, n)
			}
			rest += n
			all = all && n == 0
		}
		if missing := total - rest; minCell > 1 && !all && missing > 0 && missing < minCell {
			t.Fatalf("%v of %d, at least %d: %v leaves %d to be told by subtraction", persons, total, minCell, hidden, missing)
		}
	}
}
