package trino_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"loch/infra/aws/glue"
	"loch/infra/aws/s3"
	"loch/infra/aws/trino"
	"loch/shared/event"
	"loch/shared/event/rowjson"
	"loch/shared/manifest"
	"loch/shared/report"
)

// engine is the one Trino of this package, and the S3 server that it reads.
type engine struct {
	*trino.Server
	url     string
	backend *s3mem.Backend
	tables  []glue.Table // as they are deployed
	lakes   atomic.Int64
	sets    int // of random events; LOCH_TRINO_SETS says how many
}

// TestTrino runs everything that needs Trino. It takes seconds to start, so there
// is one for all; each test has a bucket and a database of its own.
func TestTrino(t *testing.T) {
	e := &engine{backend: s3mem.New(), sets: 10}
	if text := os.Getenv("LOCH_TRINO_SETS"); text != "" {
		var err error
		if e.sets, err = strconv.Atoi(text); err != nil {
			t.Fatalf("LOCH_TRINO_SETS is no number of sets: %v", err)
		}
	}
	server := httptest.NewServer(gofakes3.New(e.backend).Server())
	t.Cleanup(server.Close)
	e.url = server.URL
	if err := e.backend.CreateBucket("catalog"); err != nil {
		t.Fatal(err)
	}
	template, err := os.ReadFile("../glue/template.json")
	if err != nil {
		t.Fatal(err)
	}
	if e.tables, err = glue.ReadTemplate(template); err != nil {
		t.Fatal(err)
	}
	home, err := filepath.Abs("../../../build/trino")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	began := time.Now()
	e.Server, err = trino.Start(ctx, trino.Options{Home: home, Dir: dir, S3Endpoint: e.url, Bucket: "catalog", Log: log})
	if err != nil {
		text, _ := os.ReadFile(log.Name())
		t.Fatalf("%v\n%s", err, text)
	}
	t.Logf("Trino has started in %v", time.Since(began).Round(time.Millisecond))
	t.Cleanup(e.Close)
	for name, test := range map[string]func(*testing.T, *engine){
		"statements":  statements,
		"answers":     answers,
		"compaction":  compaction,
		"parquet":     parquet,
		"state":       state,
		"schema":      schemas,
		"the reports": reports,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, e)
		})
	}
}

// lake is a database with the tables of the catalogue, over a bucket.
type lake struct {
	t      testing.TB
	engine *engine
	name   string // of both
	bucket *s3.Bucket
	files  int
}

// newBucket makes a lake without tables.
func (e *engine) newBucket(t testing.TB) *lake {
	t.Helper()
	l := &lake{t: t, engine: e, name: fmt.Sprintf("lake%d", e.lakes.Add(1))}
	if err := e.backend.CreateBucket(l.name); err != nil {
		t.Fatal(err)
	}
	l.bucket = s3.New(s3.Options{
		Region: "us-east-1", Bucket: l.name, Endpoint: e.url, Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	return l
}

// newLake makes a lake with all tables. Landed rows are JSON documents, as the stream
// takes them; format says otherwise where a test wants Parquet.
func (e *engine) newLake(t testing.TB, landing glue.Format) *lake {
	t.Helper()
	l := e.newBucket(t)
	l.createTables(landing, func(string) bool { return true })
	l.publish(&manifest.Manifest{})
	return l
}

// createTables makes those tables of the catalogue that are wanted.
func (l *lake) createTables(landing glue.Format, wanted func(table string) bool) {
	l.t.Helper()
	l.run("CREATE SCHEMA " + l.name + " WITH (location = 's3://" + l.name + "/')")
	for _, table := range l.engine.tables {
		if !wanted(table.Name) {
			continue
		}
		table.Partitions = slices.Clone(table.Partitions)
		switch table.Name {
		case glue.Snapshots, glue.RejectedInput:
			table.Format = glue.JSON
		case glue.Landing:
			table.Format = landing
			// Rows of tests are of a few days. Each hour there could be is one more to
			// ask the bucket about.
			table.Partitions[0].Range = "2026-10-31,2026-11-05"
			table.Partitions[1].Range = "10,11"
		}
		l.run(trino.CreateTable(table, l.name))
	}
}

// publish makes the view that says which files count, and those over it.
func (l *lake) publish(m *manifest.Manifest) {
	l.t.Helper()
	l.run("CREATE OR REPLACE VIEW " + glue.Rows + " AS " + glue.RowsView(m, l.name))
}

func (l *lake) run(statement string) trino.Result {
	l.t.Helper()
	r, err := l.engine.Query(l.t.Context(), l.name, statement)
	if err != nil {
		l.t.Fatalf("%v\n%s", err, statement)
	}
	return r
}

func (l *lake) put(key string, body []byte) {
	l.t.Helper()
	if err := l.bucket.PutNew(l.t.Context(), key, body); err != nil {
		l.t.Fatal(err)
	}
}

// land puts rows into the landing tier, as one file of the day on which the first
// arrived.
func (l *lake) land(rows []event.Row) {
	l.t.Helper()
	l.files++
	l.putRows(time.UnixMilli(rows[0].ReceivedTimeMS).UTC().Format("landing/dt=2006-01-02")+fmt.Sprintf("/hour=10/%06d", l.files), rows)
}

func (l *lake) putRows(key string, rows []event.Row) {
	l.t.Helper()
	var body []byte
	for i := range rows {
		body = rowjson.AppendRow(body, &rows[i])
	}
	l.put(key, body)
}

func (l *lake) list(prefix string) (keys []string) {
	l.t.Helper()
	err := l.bucket.List(l.t.Context(), prefix, func(key string, _ int64, _ time.Time) error {
		keys = append(keys, key)
		return nil
	})
	if err != nil {
		l.t.Fatal(err)
	}
	return keys
}

// ask gives the rows of a person's statement.
func (l *lake) ask(engine report.Engine, statement string) string {
	l.t.Helper()
	answer, err := engine.Query(l.t.Context(), "p", statement, report.Limits{Time: 5 * time.Minute})
	if err != nil {
		l.t.Fatalf("%s: %v", statement, err)
	}
	return fmt.Sprint(answer.Rows)
}

func (l *lake) remove(n int, ids []string) {
	l.t.Helper()
	l.put(fmt.Sprintf("removals/%d.json", n), []byte(`{"project":"p","ids":["`+strings.Join(ids, `","`)+`"],"time_ms":1}`))
}

func statements(t *testing.T, e *engine) {
	r, err := e.Query(t.Context(), "", "SELECT 1 AS one, 'a' AS letter UNION ALL SELECT 2, NULL ORDER BY one")
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	fmt.Fprint(&text, r.Columns, r.Rows)
	if want := "[{one integer} {letter varchar(1)}] [[1 a] [2 <nil>]]"; text.String() != want {
		t.Errorf("got %s, want %s", text.String(), want)
	}
	if _, err := e.Query(t.Context(), "", "SELECT FROM"); err == nil || !strings.Contains(err.Error(), "SYNTAX_ERROR") {
		t.Errorf("a wrong statement: %v", err)
	}
}
