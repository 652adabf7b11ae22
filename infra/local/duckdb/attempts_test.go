package duckdb

import (
	"database/sql/driver"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"loch/shared/fault"
	"loch/shared/report"
	"loch/shared/sql"
)

// TestAttempts compares the walk with one that looks through all events for every
// step of every attempt.
func TestAttempts(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for n := range 20_000 {
		f := follower{steps: 2 + r.IntN(3), window: int64(r.IntN(12)), which: []string{sql.BestAttempt, sql.FirstAttempt, sql.AllAttempts}[r.IntN(3)]}
		for range r.IntN(3) {
			after := 1 + r.IntN(f.steps-1)
			f.exclusions = append(f.exclusions, [2]int{after, after + 1 + r.IntN(f.steps-after)})
		}
		var events []int64
		for range r.IntN(14) {
			events = append(events, int64(r.IntN(20))<<sql.AttemptBits|1<<r.IntN(f.steps+len(f.exclusions)))
		}
		want := followNaively(f, events)
		if got := f.follow(events); !reflect.DeepEqual(got, want) {
			t.Fatalf("%d: %d steps in %d, %s, exclusions %v, events %v: %v, want %v", n, f.steps, f.window, f.which, f.exclusions, events, got, want)
		}
	}
}

func followNaively(f follower, events []int64) [][]int64 {
	first := func(bit int, from int64) (found int64, ok bool) {
		for _, e := range events {
			if t := e >> sql.AttemptBits; e>>bit&1 == 1 && t >= from && (!ok || t < found) {
				found, ok = t, true
			}
		}
		return found, ok
	}
	var all [][]int64
	for start, ok := first(0, 0); ok; start, ok = first(0, start+1) {
		attempt := []int64{start}
	steps:
		for step := 1; step < f.steps; step++ {
			t, ok := first(step, attempt[step-1])
			if !ok || t > start+f.window {
				break
			}
			for x, e := range f.exclusions {
				if e[0] <= step && step < e[1] {
					if ended, ok := first(f.steps+x, attempt[e[0]-1]+1); ok && ended < t {
						break steps
					}
				}
			}
			attempt = append(attempt, t)
		}
		all = append(all, attempt)
	}
	found := [][]int64{}
	for _, a := range all {
		switch f.which {
		case sql.AllAttempts:
			if len(found) > 0 {
				last := found[len(found)-1]
				over := last[0] + f.window
				if len(last) == f.steps {
					over = last[f.steps-1]
				}
				if a[0] <= over {
					continue
				}
			}
			found = append(found, a)
		case sql.FirstAttempt:
			if len(found) == 0 {
				found = append(found, a)
			}
		default:
			if len(found) == 0 {
				found = append(found, a)
			} else if len(a) > len(found[0]) {
				found[0] = a
			}
		}
	}
	return found
}

// TestAttemptsRefusals holds that what the function is not made for is an error, and
// no end of the worker.
func TestAttemptsRefusals(t *testing.T) {
	none, some := []any{}, []any{int64(1), int64(2)}
	for _, values := range [][]driver.Value{
		{some, int64(0), none, int64(1), "best"},
		{some, int64(23), none, int64(1), "best"},
		{some, int64(22), some, int64(1), "best"},
		{some, int64(3), none, int64(-1), "best"},
		{some, int64(3), none, int64(1), "worst"},
		{some, int64(3), []any{int64(1)}, int64(1), "best"},
		{some, int64(3), []any{int64(2), int64(2)}, int64(1), "best"},
		{some, int64(3), []any{int64(1), int64(4)}, int64(1), "best"},
		{[]any{nil}, int64(3), none, int64(1), "best"},
	} {
		if _, err := followed(values); err == nil || !strings.Contains(err.Error(), sql.AttemptsFunction) {
			t.Errorf("%v: %v", values, err)
		}
	}
	w := newWorld(t)
	for _, statement := range []string{
		"SELECT funnel_attempts([1], 40, CAST([] AS BIGINT[]), 1, 'best')",
		"SELECT funnel_attempts([1], 2, CAST([] AS BIGINT[]), 1)",
	} {
		if _, err := w.engine.Query(t.Context(), "p", statement, report.Limits{Rows: 10, Time: time.Minute}); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%s: %v", statement, err)
		}
	}
	got, err := w.engine.Query(t.Context(), "p", fmt.Sprintf("SELECT funnel_attempts([%d, %d, NULL], 2, CAST([] AS BIGINT[]), 5, 'best')", 3<<22|1, 4<<22|2), report.Limits{Rows: 10, Time: time.Minute})
	if err == nil {
		t.Errorf("%v, want an error for the null", got)
	}
}
