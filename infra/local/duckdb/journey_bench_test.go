package duckdb

import (
	"context"
	"crypto/md5"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"loch/infra/local/lake"
	"loch/shared/event"
)

// The benchmark of journeys runs over ten million events of ninety days, made
// straight as files of the events tier: visits of eight events, by 400,000 people,
// of whom a third have a user's id, some with many visits and most with few. One
// more person comes every day, for one event.
//
//	go test -run '^$' -bench Journey ./infra/local/duckdb
const (
	journeyEvents = 10_000_000
	journeyDays   = 90
	journeyPeople = 400_000
	dailyPerson   = journeyPeople + 2 // one with a user's id
)

// journeyColumns are the columns that are not null, by name, out of the day d,
// the event's number i, its visit v and the person p.
var journeyColumns = map[string]string{
	"project": "'p'", "event": "['Page View','Page View','Page View','Sign Up','Add Card','Purchase'][CAST(1 + hash(i, d) % 6 AS BIGINT)]",
	"kind": "'event'", "protocol": "'mixpanel'", "insert_id": "md5('i' || i || '-' || d)", "insert_id_source": "'client'",
	"device_id":   "md5('d' || p || '-' || (hash(v, d, 3) % (1 + p % 3)))",
	"user_id":     "CASE WHEN p % 3 = 0 AND hash(v, d, 4) % 4 > 0 THEN md5('u' || p) END",
	"time_source": "'client'", "skew_ms": "0", "country": "['DE','US','FR','JP'][1 + p % 4]", "browser": "'Chrome'", "os": "'Windows'", "device_type": "'desktop'",
	"is_bot": "false", "page_host": "'example.com'", "page_path": "'/docs/' || (hash(i, 5) % 300)", "page_url": "'https://example.com/docs/' || (hash(i, 5) % 300)",
	"channel": "'direct'", "lib": "'web'", "request_id": "md5('r' || i || '-' || d)", "batch_index": "0", "schema_version": "1",
	"properties": `'{"$plan":"pro","amount":' || (hash(i, 6) % 10000) || ',"$current_url":"https://example.com/docs/' || (hash(i, 5) % 300) ||
		'","mp_lib":"web","$screen_height":1080,"$screen_width":1920,"title":"Billing and plans, page ' || (hash(i, 5) % 300) ||
		'","referrer":"https://www.example.org/search","session":"' || md5('s' || i || '-' || d) || '","flag":true,"list":[1,2,3]}'`,
}

func journeySelect(day int, date string, events int) string {
	b := &strings.Builder{}
	b.WriteString("SELECT ")
	at := "TIMESTAMP " + literal(date) + " + to_milliseconds(CAST(hash(v, 7) % 86000000 + 30000 * (i % 8) AS BIGINT))"
	for i, c := range event.Columns {
		if i > 0 {
			b.WriteString(", ")
		}
		expression := journeyColumns[c.Name]
		switch {
		case c.Name == "date":
			expression = "DATE " + literal(date)
		case c.Name == "time":
			expression = "(" + at + ")::TIMESTAMP_MS"
		case c.Name == "received_time":
			expression = "(" + at + " + INTERVAL 1 SECOND)::TIMESTAMP_MS"
		case expression == "":
			expression = "NULL::" + storedType(c.Type)
		default:
			expression = "(" + expression + ")::" + storedType(c.Type)
		}
		b.WriteString(expression + " AS " + identifier(c.Name))
	}
	// A square has many come seldom and few come often.
	fmt.Fprintf(b, " FROM (SELECT *, CASE WHEN i = 0 THEN %d ELSE CAST(floor(%d * pow((hash(v, d) %% 1000003) / 1000003.0, 2)) AS BIGINT) END AS p "+
		"FROM (SELECT n AS i, CAST(n // 8 AS BIGINT) AS v, %d AS d FROM range(%d) r(n)))", dailyPerson, journeyPeople, day, events)
	return b.String()
}

var journeys struct {
	once sync.Once
	dir  string
}

// journeyLake makes the lake, once a run.
func journeyLake(b *testing.B) *world {
	b.Helper()
	journeys.once.Do(func() {
		var err error
		if journeys.dir, err = os.MkdirTemp("", "loch-journeys-"); err != nil {
			b.Fatal(err)
		}
		began := time.Now()
		w := openWorld(b, journeys.dir, Options{MemoryLimitBytes: 4 << 30})
		defer w.close()
		worker, err := startWorker(w.engine.compactorSettings(), w.engine.options.Logger)
		if err != nil {
			b.Fatal(err)
		}
		defer worker.close()
		commit, err := w.lake.Begin("journeys")
		if err != nil {
			b.Fatal(err)
		}
		const events = journeyEvents / journeyDays
		for day := range journeyDays {
			date := time.UnixMilli(day0).UTC().AddDate(0, 0, -day).Format(time.DateOnly)
			path, err := commit.Path(lake.Events, fmt.Sprintf("project=p/date=%s/journeys.parquet", date))
			if err != nil {
				b.Fatal(err)
			}
			m := &merge{pass: &pass{worker: worker}}
			copying := fmt.Sprintf("COPY (SELECT * FROM (%s) ORDER BY %s) TO %s (%s)",
				journeySelect(day, date, events), personOrder, literal(path), fileOptions(w.engine.effort.groupRows))
			if _, err := m.trusted(context.Background(), copying); err != nil {
				b.Fatal(err)
			}
		}
		if err := commit.Finish(entryOf("journeys")); err != nil {
			b.Fatal(err)
		}
		size := int64(0)
		for _, path := range w.snapshot().Events {
			size += sizeOf(path)
		}
		fmt.Fprintf(os.Stderr, "a lake of %d events was made in %.0f s: %d files, %d MB\n",
			events*journeyDays, time.Since(began).Seconds(), journeyDays, size>>20)
	})
	return openWorld(b, journeys.dir, Options{MemoryLimitBytes: 4 << 30})
}

// idsOf are the lake ids of a made-up person.
func idsOf(p int) []string {
	sum := func(s string) string { return fmt.Sprintf("%x", md5.Sum([]byte(s))) }
	ids := []string{sum(fmt.Sprint("u", p))}
	for device := range 1 + p%3 {
		ids = append(ids, sum(fmt.Sprintf("d%d-%d", p, device)))
	}
	return ids
}

// processorTime is what this process has used, which a busy machine does not
// change as it does the time on the clock.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkJourney reads the newest hundred events of people who come often,
// sometimes, seldom, and once a day; of many people, each for the first time; and
// what else support may do.
func BenchmarkJourney(b *testing.B) {
	w := journeyLake(b)
	read := func(b *testing.B, p int, before *event.Moment) []event.Row {
		b.Helper()
		rows, err := w.engine.Journey(context.Background(), "p", idsOf(p), before, 100)
		if err != nil {
			b.Fatal(err)
		}
		return rows
	}
	for _, who := range []struct {
		name   string
		person int
	}{{"often", 0}, {"weekly", 300}, {"seldom", 150_000}, {"an event a day", dailyPerson}, {"nobody", journeyPeople + 99}} {
		b.Run(who.name, func(b *testing.B) {
			events, began := 0, processorTime()
			for b.Loop() {
				events = len(read(b, who.person, nil))
			}
			b.ReportMetric(float64((processorTime()-began).Milliseconds())/float64(b.N), "cpu-ms/op")
			b.ReportMetric(float64(events), "events")
		})
	}
	b.Run("next page", func(b *testing.B) {
		page := read(b, 300, nil)
		last := page[len(page)-1].Moment()
		for b.Loop() {
			read(b, 300, &last)
		}
	})
	b.Run("many people", func(b *testing.B) {
		r := rand.New(rand.NewPCG(5, 5))
		var took []time.Duration
		for b.Loop() {
			began := time.Now()
			read(b, int(journeyPeople*math.Pow(r.Float64(), 2)), nil)
			took = append(took, time.Since(began))
		}
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)/2].Milliseconds()), "p50-ms")
		b.ReportMetric(float64(took[len(took)*99/100].Milliseconds()), "p99-ms")
	})
	b.Run("first after a start", func(b *testing.B) {
		for b.Loop() {
			w.engine.footers = newFooters()
			read(b, 300, nil)
		}
	})
}

// BenchmarkJourneyBySQL is what the same costs as a statement, for comparison.
func BenchmarkJourneyBySQL(b *testing.B) {
	w := journeyLake(b)
	list := "('" + strings.Join(idsOf(300), "', '") + "')"
	statement := "SELECT " + strings.Join(event.JourneyColumns, ", ") + " FROM events WHERE user_id IN " + list +
		" OR (user_id IS NULL AND device_id IN " + list + ") ORDER BY time DESC LIMIT 100"
	for b.Loop() {
		w.query(statement)
	}
}
