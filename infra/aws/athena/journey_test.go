package athena_test

import (
	"context"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"loch/infra/aws/athena/athenatest"
	"loch/shared/event"
	"loch/shared/fault"
)

// journeyColumns are the columns of a journey as Trino types them.
func journeyColumns() []athenatest.Column {
	kinds := map[string]string{
		"time": "timestamp(3)", "received_time": "timestamp(3)", "revenue": "double", "batch_index": "bigint", "is_bot": "boolean",
	}
	list := make([]athenatest.Column, len(event.JourneyColumns))
	for i, name := range event.JourneyColumns {
		list[i] = athenatest.Column{Name: name, Type: "varchar"}
		if kind, ok := kinds[name]; ok {
			list[i].Type = kind
		}
	}
	return list
}

func cells(values map[string]any) []any {
	row := make([]any, len(event.JourneyColumns))
	for i, name := range event.JourneyColumns {
		row[i] = values[name]
	}
	return row
}

func TestJourney(t *testing.T) {
	ids := []string{"0123456789abcdef0123456789abcdef", "it's"}
	server, engine := open(t, gives(journeyColumns(),
		cells(map[string]any{
			"event": "Bought", "kind": "event", "user_id": ids[0], "time": "2026-11-23 20:19:34.500", "received_time": "2026-11-23 20:19:35.001",
			"revenue": json.Number("12.5"), "properties": `{"a":1}`, "request_id": "r1", "batch_index": json.Number("3"), "project": "p",
		}),
		cells(map[string]any{"event": "Seen", "device_id": ids[1], "time": "2026-11-23 20:19:00.000", "revenue": "NaN", "batch_index": json.Number("0")}),
	))
	rows, err := engine.Journey(t.Context(), "p", ids, nil, 7)
	if err != nil || len(rows) != 2 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	a, b := rows[0], rows[1]
	if a.Name != "Bought" || a.Kind != event.KindEvent || a.UserID != ids[0] || a.TimeMS != 1795465174500 || a.ReceivedTimeMS != 1795465175001 ||
		a.Revenue != 12.5 || a.Properties != `{"a":1}` || a.BatchIndex != 3 || a.Project != "p" {
		t.Errorf("the first row is %+v", a)
	}
	if b.Name != "Seen" || b.DeviceID != ids[1] || !math.IsNaN(b.Revenue) || b.ReceivedTimeMS != 0 {
		t.Errorf("the second row is %+v", b)
	}
	before := rows[0].Moment()
	if _, err := engine.Journey(t.Context(), "p", ids, &before, 7); err != nil {
		t.Fatal(err)
	}
	said := server.Statements()
	for _, want := range []string{
		`user_id IN ('0123456789abcdef0123456789abcdef', 'it''s') OR user_id IS NULL AND device_id IN (`,
		"ORDER BY time DESC, received_time DESC, request_id DESC, batch_index DESC LIMIT 7",
	} {
		if !strings.Contains(said[0], want) {
			t.Errorf("the statement lacks %q:\n%s", want, said[0])
		}
	}
	const place = "date <= DATE '2026-11-24' AND (time < TIMESTAMP '2026-11-23 20:19:34.500' OR time = TIMESTAMP '2026-11-23 20:19:34.500' AND " +
		"(received_time < TIMESTAMP '2026-11-23 20:19:35.001' OR received_time = TIMESTAMP '2026-11-23 20:19:35.001' AND " +
		"(request_id < 'r1' OR request_id = 'r1' AND batch_index < 3)))"
	if !strings.Contains(said[1], place) {
		t.Errorf("the statement of the second page lacks its place:\n%s", said[1])
	}
	if rows, err := engine.Journey(t.Context(), "p", nil, nil, 7); err != nil || rows != nil || len(server.Statements()) != 2 {
		t.Errorf("nobody's journey: %v, %v", rows, err)
	}
}

func TestJourneyThatCannotBeRead(t *testing.T) {
	columns := journeyColumns()
	columns[0].Type = "bigint"
	for name, run := range map[string]athenatest.Run{
		"another type":  gives(columns, cells(map[string]any{"event": json.Number("1")})),
		"fewer columns": gives(columns[:3], cells(nil)[:3]),
	} {
		_, engine := open(t, run)
		if _, err := engine.Journey(t.Context(), "p", []string{"x"}, nil, 1); fault.CodeOf(err) != fault.Internal {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, engine := open(t, func(context.Context, string, string) (athenatest.Answer, error) {
		return athenatest.Answer{}, &athenatest.Failure{Reason: "INTERNAL_ERROR", Category: 1}
	})
	if _, err := engine.Journey(t.Context(), "p", []string{"x"}, nil, 1); err == nil {
		t.Error("a failure is an empty journey")
	}
}
