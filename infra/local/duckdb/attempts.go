package duckdb

import (
	golang "database/sql"
	"database/sql/driver"
	"errors"
	"math"
	"slices"

	engine "github.com/duckdb/duckdb-go/v2"

	"loch/shared/sql"
)

// follows is the function sql.AttemptsFunction, which follows one person through
// the steps of a funnel. SQL finds the next event of each start with a sort and a
// join for each step; here the person's events are sorted once and walked once.
type follows struct{}

func registerAttempts(conn *golang.Conn) error {
	return engine.RegisterScalarUDF(conn, sql.AttemptsFunction, follows{})
}

// Config implements engine.ScalarFunc.
func (follows) Config() engine.ScalarFuncConfig {
	number, err := engine.NewTypeInfo(engine.TYPE_BIGINT)
	list, err2 := engine.NewListInfo(number)
	lists, err3 := engine.NewListInfo(list)
	text, err4 := engine.NewTypeInfo(engine.TYPE_VARCHAR)
	if err := errors.Join(err, err2, err3, err4); err != nil {
		panic(err) // these types are there
	}
	return engine.ScalarFuncConfig{InputTypeInfos: []engine.TypeInfo{list, number, list, number, text}, ResultTypeInfo: lists}
}

// Executor implements engine.ScalarFunc.
func (follows) Executor() engine.ScalarFuncExecutor {
	return engine.ScalarFuncExecutor{RowExecutor: followed}
}

// followed reads the arguments of one person and follows them.
func followed(values []driver.Value) (any, error) {
	f := follower{}
	steps, ok1 := values[1].(int64)
	window, ok2 := values[3].(int64)
	which, ok3 := values[4].(string)
	ends, err := numbers(values[2])
	if !ok1 || !ok2 || !ok3 || err != nil || steps < 1 || steps > sql.AttemptBits || window < 0 || len(ends)%2 != 0 ||
		int(steps)+len(ends)/2 > sql.AttemptBits || which != sql.BestAttempt && which != sql.FirstAttempt && which != sql.AllAttempts {
		return nil, errors.New("the steps, exclusions, window or kind of " + sql.AttemptsFunction + " are not such as it takes")
	}
	events, err := numbers(values[0])
	if err != nil {
		return nil, err
	}
	f.steps, f.window, f.which = int(steps), window, which
	for i := 0; i < len(ends); i += 2 {
		if ends[i] < 1 || ends[i] >= ends[i+1] || ends[i+1] > steps {
			return nil, errors.New("an exclusion of " + sql.AttemptsFunction + " is not between two of its steps")
		}
		f.exclusions = append(f.exclusions, [2]int{int(ends[i]), int(ends[i+1])})
	}
	return f.follow(events), nil
}

func numbers(v driver.Value) ([]int64, error) {
	list, ok := v.([]any)
	if !ok {
		return nil, errors.New(sql.AttemptsFunction + " takes lists of numbers")
	}
	all := make([]int64, len(list))
	for i, v := range list {
		if all[i], ok = v.(int64); !ok {
			return nil, errors.New(sql.AttemptsFunction + " takes lists of numbers without nulls")
		}
	}
	return all, nil
}

// follower follows one person's attempts.
type follower struct {
	steps      int
	window     int64
	which      string
	exclusions [][2]int // the step behind which one ends an attempt, and the step before which

	at [sql.AttemptBits][]int64 // when each step, and then each excluded event, happened
}

// follow tells the instants of the attempts asked for, each as far as it got. Events
// are packed, see sql.Attempts. The later an attempt starts the later is all that
// follows, so nothing is looked at twice.
func (f *follower) follow(events []int64) [][]int64 {
	slices.Sort(events)
	for _, e := range events {
		for bit := range f.steps + len(f.exclusions) {
			if e>>bit&1 == 1 {
				f.at[bit] = append(f.at[bit], e>>sql.AttemptBits)
			}
		}
	}
	var next [sql.AttemptBits]int
	attempt := make([]int64, f.steps)
	found := [][]int64{}
	over := int64(math.MinInt64) // when the last attempt that counts was
	for _, start := range f.at[0] {
		if f.which == sql.AllAttempts && start <= over {
			continue
		}
		attempt[0] = start
		reached := f.reach(attempt, &next)
		switch {
		case f.which == sql.AllAttempts || len(found) == 0:
			found = append(found, slices.Clone(attempt[:reached]))
		case reached > len(found[0]):
			found[0] = slices.Clone(attempt[:reached])
		}
		if f.which == sql.FirstAttempt || f.which == sql.BestAttempt && reached == f.steps {
			break
		}
		if over = start + f.window; reached == f.steps {
			over = attempt[reached-1]
		}
	}
	return found
}

// reach takes the steps after the first as long as they are there in time and no
// excluded event is before them. next are places in f.at before which nothing is
// of use to this attempt or to a later one.
func (f *follower) reach(attempt []int64, next *[sql.AttemptBits]int) int {
	var ended [sql.AttemptBits]int64 // when an excluded event happened, MaxInt64 if it did not
	for step := 1; ; step++ {
		for x, e := range f.exclusions {
			if e[0] == step {
				ended[x] = f.from(f.steps+x, attempt[step-1]+1, next)
			}
		}
		if step == f.steps {
			return step
		}
		t := f.from(step, attempt[step-1], next)
		if t == math.MaxInt64 || t-attempt[0] > f.window {
			return step
		}
		for x, e := range f.exclusions {
			if e[0] <= step && step < e[1] && ended[x] < t {
				return step
			}
		}
		attempt[step] = t
	}
}

// from is when something next happens, t included.
func (f *follower) from(bit int, t int64, next *[sql.AttemptBits]int) int64 {
	list := f.at[bit]
	for next[bit] < len(list) && list[next[bit]] < t {
		next[bit]++
	}
	if next[bit] == len(list) {
		return math.MaxInt64
	}
	return list[next[bit]]
}
