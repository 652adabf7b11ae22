package trino_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"loch/infra/aws/glue"
	"loch/shared/event"
	"loch/shared/report"
	"loch/shared/report/laketest"
)

// relations runs the contract of the relations, over what landed.
func relations(t *testing.T, e *engine) {
	laketest.Run(t, laketest.Effort{Seeds: 1, Steps: 16, Every: 8}, func(t *testing.T) laketest.Lake {
		l := e.newLake(t, glue.JSON)
		l.publish(glue.Manifest{Since: "2026-10-31T00"})
		removals := 0
		return laketest.Lake{
			Engine: direct{l},
			Put:    func(_ *testing.T, rows []event.Row) { l.land(rows) },
			Upkeep: func(*testing.T, int) {},
			Remove: func(_ *testing.T, ids []string) { removals++; l.remove(removals, ids) },
		}
	})
}

type direct struct{ l *lake }

func (d direct) Query(ctx context.Context, project, statement string, limits report.Limits) (report.Result, error) {
	r, err := d.l.engine.Query(ctx, d.l.name, "WITH "+strings.Join(glue.Definitions(project, map[string]bool{"events": true}, true), ", ")+" "+statement)
	for _, row := range r.Rows {
		for i := range row {
			if s, ok := row[i].(string); ok && len(s) == 23 && s[10] == ' ' && s[19] == '.' {
				row[i] = strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
			}
			if n, ok := row[i].(json.Number); ok {
				row[i] = n
			}
		}
	}
	return report.Result{Rows: r.Rows, RowCount: len(r.Rows)}, err
}
