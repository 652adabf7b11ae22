package report

import (
	"strings"
	"testing"
	"time"

	"loch/shared/sql"
)

// TestScanReadsWhatIsAskedFor holds that a scan has the columns that were asked
// for and no others, once each.
func TestScanReadsWhatIsAskedFor(t *testing.T) {
	day := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	s, err := newScan(&Common{From: day, To: day}, sql.DuckDB, &Env{})
	if err != nil {
		t.Fatal(err)
	}
	s.field(sql.E("person"), s.person())
	s.field(sql.E("place"), sql.E("row_number() OVER (PARTITION BY ? ORDER BY ?)", s.person(), sql.List(s.order()...)))
	s.only(Events{Names: []string{"A"}})
	const want = `SELECT x.person AS person, row_number() OVER (PARTITION BY x.person ORDER BY x.t, x.received, x.insert_id, x.event) AS place
FROM (
  SELECT e.person_id AS person, epoch_ms(e."time") AS t, epoch_ms(e.received_time) AS received, e.insert_id AS insert_id, e.event AS event
  FROM events e
  WHERE e."date" BETWEEN DATE '2026-11-23' AND DATE '2026-11-23'
    AND (e."time" >= TIMESTAMP '2026-11-23 00:00:00.000' AND e."time" < TIMESTAMP '2026-11-24 00:00:00.000')
    AND NOT e.is_bot
    AND e.event IN ('A')
) x`
	if got := s.query().String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, strings.TrimSpace(want))
	}
}
