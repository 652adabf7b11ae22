package trino_test

import (
	"fmt"
	"testing"

	"loch/infra/aws/glue"
	"loch/infra/aws/tiers"
	"loch/shared/event"
	"loch/shared/report/laketest"
	"loch/shared/schema/schematest"
)

// schemas runs the contract of schema.Source. It is compared when there is something
// of all: files with a summary and without one, rows in them that came again or are to
// be removed, and rows that only landed; and when all is compacted.
func schemas(t *testing.T, e *engine) {
	schematest.Run(t, schematest.Effort{Seeds: 1, Steps: 4, Every: 4, Names: 1}, func(t *testing.T) schematest.Lake {
		l := e.newLake(t, glue.JSON)
		engine := l.athena(t)
		k := l.keeper(engine)
		removals, step := 0, 0
		return schematest.Lake{
			Lake: laketest.Lake{
				Engine: engine,
				Put:    func(_ *testing.T, rows []event.Row) { l.land(rows) },
				Upkeep: func(*testing.T, int) {
					switch step++; step {
					case 2:
						k.compact(100)
						k.summarise()
					case 3:
						k.compact(1)
						removals++
						l.remove(removals, []string{fmt.Sprintf("%032x", 0xa1)})
					}
					k.save()
				},
				Remove: func(_ *testing.T, ids []string) { removals++; l.remove(removals, ids) },
			},
			Source: tiers.NewSchema(engine, l.bucket, l.name),
			Settle: func(*testing.T) {
				k.compact(100)
				k.sweep()
				k.summarise()
				k.save()
			},
		}
	})
}
