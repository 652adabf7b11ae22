package duckdb

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// ClickHouse reads the files of the events tier as they are. Who a device belongs to
// it is given as a table with an index, made beforehand; Loch finds it out each time.
func clickhouseSetup(t testing.TB, events, links []string) []string {
	t.Helper()
	var devices []string
	for _, path := range links {
		if !strings.HasPrefix(filepath.Base(path), "persons-") {
			devices = append(devices, path)
		}
	}
	read := func(paths []string) string { // which takes a pattern, not a list
		dir := t.TempDir()
		for i, path := range paths {
			if err := os.Symlink(path, filepath.Join(dir, strconv.Itoa(i)+".parquet")); err != nil {
				t.Fatal(err)
			}
		}
		return "file(" + literal(dir+"/*.parquet") + ", Parquet)"
	}
	return []string{
		"SET max_threads = 2, session_timezone = 'UTC'",
		"CREATE DATABASE lake ENGINE = Atomic",
		"USE lake",
		"CREATE TABLE links ENGINE = Join(ANY, LEFT, device_id) AS SELECT assumeNotNull(device_id) AS device_id, " +
			"argMin(assumeNotNull(user_id), (received_time, time, batch_index, user_id)) AS user_id FROM " + read(devices) + " GROUP BY device_id",
		"CREATE VIEW files AS SELECT * FROM " + read(events),
		"CREATE VIEW events AS SELECT event, date, is_bot, country, toUnixTimestamp64Milli(assumeNotNull(time)) AS t, " +
			"coalesce(user_id, nullIf(joinGet(links, 'user_id', assumeNotNull(device_id)), ''), device_id) AS person FROM files",
	}
}

// askClickHouse asks the questions that it has an answer to.
func askClickHouse(b *testing.B, dir string, events, links []string, rounds int) []timed {
	b.Helper()
	type named struct {
		Name string `json:"name"`
		SQL  string `json:"sql"`
	}
	ask := struct {
		Setup     []string `json:"setup"`
		Rounds    int      `json:"rounds"`
		Questions []named  `json:"questions"`
	}{Setup: clickhouseSetup(b, events, links), Rounds: rounds}
	for _, q := range reportQuestions {
		if q.clickhouse != "" {
			ask.Questions = append(ask.Questions, named{q.name, q.clickhouse})
		}
	}
	text, err := json.Marshal(ask)
	if err != nil {
		b.Fatal(err)
	}
	path := filepath.Join(b.TempDir(), "questions.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		b.Fatal(err)
	}
	command := exec.CommandContext(b.Context(), "node", "ask.mjs", path)
	command.Dir, command.Stderr = dir, os.Stderr
	out, err := command.Output()
	if err != nil {
		b.Fatalf("ClickHouse: %v", err)
	}
	answers := map[string]timed{}
	for line := range bytes.Lines(out) {
		var a struct {
			Name         string    `json:"name"`
			Rows         [][]any   `json:"rows"`
			Milliseconds []float64 `json:"milliseconds"`
			PeakBytes    int64     `json:"peak_bytes"`
		}
		if err := json.Unmarshal(line, &a); err != nil {
			b.Fatal(err)
		}
		t := timed{peakBytes: a.PeakBytes}
		for _, row := range a.Rows {
			t.rows = append(t.rows, texts(row))
		}
		for _, ms := range a.Milliseconds {
			t.times = append(t.times, time.Duration(ms*float64(time.Millisecond)))
		}
		answers[a.Name] = t
	}
	list := make([]timed, len(reportQuestions))
	for i, q := range reportQuestions {
		list[i] = answers[q.name]
		list[i].peakBytes = max(list[i].peakBytes, list[max(i-1, 0)].peakBytes)
	}
	return list
}
