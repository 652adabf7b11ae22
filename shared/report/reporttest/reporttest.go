// Package reporttest holds what every engine must answer: the oracle, random cases
// that it is asked of, and cases made by hand.
//
// The oracle reads a spec's JSON again and answers it with plain loops over rows,
// as the specification's sentences say it (reports in the documentation), knowing
// nothing of SQL. Run asks an engine the same and compares number for number. A
// failure is shrunk to few rows and a short spec before it is shown.
package reporttest

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"loch/shared/event"
	"loch/shared/profile"
	"loch/shared/report"
	"loch/shared/sql"
)

// Set is what a project holds: event rows, each event once, and snapshots of
// profiles. Loading gives both the project's id.
type Set struct {
	Rows     []event.Row
	Profiles []profile.Snapshot
}

// Load makes an engine that holds sets, each as a project of the given id. What it
// opens it closes with t.Cleanup.
type Load func(t testing.TB, sets map[string]Set) report.Engine

// Case is a question: a report's kind, its spec as JSON, and the surroundings.
type Case struct {
	Kind string
	Spec string
	Env  report.Env
}

// kind is a report: how to make a random spec of it, and the oracle.
type kind struct {
	spec   func(g *maker) map[string]any
	oracle func(w *world, spec []byte) any
}

// kinds are the reports that Run asks.
var kinds = map[string]kind{
	"flows":     {flowsSpec, flows},
	"funnel":    {funnelSpec, funnel},
	"insights":  {insightsSpec, insights},
	"retention": {retentionSpec, retention},
	"sessions":  {sessionsSpec, sessions},
}

// Options are the size of a run.
type Options struct {
	Dialect sql.Dialect
	Seed    uint64
	Sets    int      // event sets
	Specs   int      // questions to each set, of each kind
	Kinds   []string // all where empty
}

// Run asks an engine random questions about random events.
func Run(t *testing.T, load Load, o Options) {
	if len(o.Kinds) == 0 {
		o.Kinds = slices.Sorted(maps.Keys(kinds))
	}
	sets, cases := map[string]Set{}, map[string][]Case{}
	for i := range o.Sets {
		g := &maker{rand.New(rand.NewPCG(o.Seed, uint64(i))), moment{}}
		name := fmt.Sprintf("set-%d", i)
		sets[name] = g.set()
		for _, kind := range o.Kinds {
			for range o.Specs {
				cases[name] = append(cases[name], g.question(kind))
			}
		}
	}
	engine := load(t, sets)
	wrong := make([]*failure, o.Sets)
	var all sync.WaitGroup
	turns := make(chan struct{}, atOnce)
	for i := range o.Sets {
		all.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			name := fmt.Sprintf("set-%d", i)
			for _, c := range cases[name] {
				if complaint := check(t.Context(), engine, o.Dialect, name, sets[name], c); complaint != "" {
					wrong[i] = &failure{trial{sets[name], c}, complaint}
					return
				}
			}
		})
	}
	all.Wait()
	for _, f := range wrong {
		if f != nil {
			t.Errorf("%s\n%s", f.trial, f.complaint)
			shrink(t, load, o.Dialect, f.set, f.c)
			return
		}
	}
}

// atOnce is how many questions are asked at the same time.
const atOnce = 4

// failure is a case with what is wrong with its answer.
type failure struct {
	trial
	complaint string
}

// check asks one question and says what is wrong with the answer, "" for nothing.
func check(ctx context.Context, engine report.Engine, d sql.Dialect, project string, set Set, c Case) string {
	got, statement, err := ask(ctx, engine, d, project, c)
	if err != nil {
		return fmt.Sprintf("%v\n%s", err, statement)
	}
	if complaint := against(set, c, got); complaint != "" {
		return complaint + "\n" + statement
	}
	return ""
}

// against says where the oracle answers otherwise, "" for nowhere.
func against(set Set, c Case, got any) string {
	want := kinds[c.Kind].oracle(worldOf(set, c.Env), []byte(c.Spec))
	if place, differ := differ(got, plain(want), ""); differ != "" {
		return fmt.Sprintf("at %s: %s", place, differ)
	}
	return ""
}

// ask has an engine answer a question, and gives the answer as plain JSON.
func ask(ctx context.Context, engine report.Engine, d sql.Dialect, project string, c Case) (answer any, statement string, err error) {
	spec, err := report.Parse(c.Kind, []byte(c.Spec))
	if err != nil {
		return nil, "", err
	}
	st, err := spec.Compile(d, c.Env)
	if err != nil {
		return nil, "", err
	}
	result, err := engine.Query(ctx, project, st.SQL, report.Limits{Rows: report.MaxRows, Time: time.Minute})
	if err != nil {
		return nil, st.SQL, err
	}
	made, err := st.Answer(result)
	if err != nil {
		return nil, st.SQL, err
	}
	text, err := json.Marshal(made)
	if err != nil {
		return nil, st.SQL, err
	}
	return decode(string(text)), st.SQL, nil
}
