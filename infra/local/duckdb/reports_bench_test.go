package duckdb

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"text/tabwriter"
	"time"

	"loch/shared/report"
	"loch/shared/sql"
)

// BenchmarkReports asks each question of Loch and then of ClickHouse, over the same
// files, and prints the medians of a few rounds, their ratio, and whether both said
// the same:
//
//	make bench-reports
//
// Where LOCH_BENCH_CLICKHOUSE, the folder of its package, is not set, Loch alone is
// asked.
func BenchmarkReports(b *testing.B) {
	const rounds = 3
	w := reportsLake(b)
	asked := reportQuestions
	loch := make([]timed, len(asked))
	for i, q := range asked {
		for range rounds {
			began := time.Now()
			answer := q.ask(b, w)
			took := time.Since(began)
			loch[i].times = append(loch[i].times, took)
			loch[i].rows = figuresOf(b, q, answer)
		}
	}
	files := w.snapshot()
	events, links := files.Events, files.Links
	w.close()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &usage); err != nil {
		b.Fatal(err)
	}
	var there []timed
	if dir := os.Getenv("LOCH_BENCH_CLICKHOUSE"); dir != "" {
		there = askClickHouse(b, dir, events, links, rounds)
	}
	out := tabwriter.NewWriter(os.Stderr, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(out, "\n\tLoch, ms\tClickHouse, ms\tratio\t  answers\n")
	for i, q := range asked {
		mine := loch[i].median()
		fmt.Fprintf(out, "%s\t%d\t", q.name, mine.Milliseconds())
		if there == nil || q.clickhouse == "" {
			fmt.Fprintf(out, "\t\t\n")
			continue
		}
		same := "  equal"
		if !slices.EqualFunc(loch[i].rows, there[i].rows, slices.Equal) {
			same = "  DIFFER"
			b.Errorf("%s: Loch says %.300s, ClickHouse %.300s", q.name, fmt.Sprint(loch[i].rows), fmt.Sprint(there[i].rows))
		}
		theirs := there[i].median()
		fmt.Fprintf(out, "%d\t%.2f\t%s\n", theirs.Milliseconds(), mine.Seconds()/theirs.Seconds(), same)
	}
	_ = out.Flush()
	fmt.Fprintf(os.Stderr, "peak memory: Loch's worker %d MB", usage.Maxrss>>10)
	if there != nil {
		fmt.Fprintf(os.Stderr, ", ClickHouse with node %d MB", there[len(there)-1].peakBytes>>20)
	}
	fmt.Fprintln(os.Stderr)
}

// timed is what one of the two said to a question, and how long it took.
type timed struct {
	rows      [][]string
	times     []time.Duration
	peakBytes int64
}

func (t *timed) median() time.Duration {
	if len(t.times) == 0 {
		return 0
	}
	slices.Sort(t.times)
	return t.times[len(t.times)/2]
}

// ask compiles the report, has the engine answer it, and gives the answer as JSON.
func (q *reportQuestion) ask(t testing.TB, w *world) any {
	t.Helper()
	if q.journey {
		rows, err := w.engine.Journey(context.Background(), "p", askedPerson.ids(), nil, 100)
		if err != nil {
			t.Fatal(err)
		}
		list := make([]any, len(rows))
		for i, r := range rows {
			list[i] = []any{r.TimeMS, r.Name}
		}
		return list
	}
	if q.schema {
		facts, err := w.engine.Facts(context.Background(), "p", "")
		if err != nil || len(facts) == 0 {
			t.Fatal(err, len(facts))
		}
		return nil
	}
	s, err := report.Parse(q.kind, []byte(`{"from":"2026-11-01","to":"2026-11-30",`+q.spec[1:]))
	if err != nil {
		t.Fatal(err)
	}
	statement, err := s.Compile(sql.DuckDB, report.Env{Now: time.UnixMilli(day0).AddDate(0, 6, 0)})
	if err != nil {
		t.Fatal(err)
	}
	r, err := w.engine.Query(context.Background(), "p", statement.SQL, report.Limits{Rows: report.MaxRows, Time: 10 * time.Minute})
	if err != nil {
		t.Fatalf("%s: %v", q.name, err)
	}
	answer, err := statement.Answer(r)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(answer)
	if err != nil {
		t.Fatal(err)
	}
	var plain any
	if err := json.Unmarshal(text, &plain); err != nil {
		t.Fatal(err)
	}
	return plain
}

// figuresOf are the figures of an answer as rows of text, as ClickHouse gives them.
func figuresOf(t testing.TB, q reportQuestion, answer any) [][]string {
	t.Helper()
	if q.figures == nil {
		return nil
	}
	var rows [][]string
	for _, row := range q.figures(answer) {
		rows = append(rows, texts(row))
	}
	return rows
}

// texts writes values so that both sides' can be compared.
func texts(row []any) []string {
	list := make([]string, len(row))
	for i, v := range row {
		switch v := v.(type) {
		case float64:
			list[i] = strconv.FormatFloat(v, 'f', -1, 64)
		case int:
			list[i] = strconv.Itoa(v)
		default:
			list[i] = fmt.Sprint(v)
		}
	}
	return list
}
