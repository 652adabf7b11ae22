package athena

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"loch/infra/aws/glue"
	"loch/shared/event"
	"loch/shared/fault"
	"loch/shared/report"
)

var _ event.Journeyer = (*Engine)(nil)

// journeyTime is how long a journey may take: less than API Gateway waits.
const journeyTime = 25 * time.Second

// Journey implements event.Journeyer with one statement over the relation events. The
// files are sorted by person, so Athena opens few of them.
func (e *Engine) Journey(ctx context.Context, project string, ids []string, before *event.Moment, limit int) ([]event.Row, error) {
	if len(ids) == 0 || limit < 1 {
		return nil, nil
	}
	result, err := e.Query(ctx, project, journeySQL(ids, before, limit), report.Limits{Rows: limit, Time: journeyTime})
	if err != nil {
		return nil, err
	}
	rows := make([]event.Row, len(result.Rows))
	for i, cells := range result.Rows {
		if err := fillRow(&rows[i], cells); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// journeySQL asks for the newest rows of whoever has the ids.
func journeySQL(ids []string, before *event.Moment, limit int) string {
	names := make([]string, len(event.JourneyColumns))
	for i, name := range event.JourneyColumns {
		names[i] = glue.Name(name)
	}
	list := make([]string, len(ids))
	for i, id := range ids {
		list[i] = glue.Literal(id)
	}
	among := "(" + strings.Join(list, ", ") + ")"
	statement := "SELECT " + strings.Join(names, ", ") + " FROM events WHERE (user_id IN " + among + " OR user_id IS NULL AND device_id IN " + among + ")"
	if before != nil {
		// A moment is compared member by member, the time first; the date is for the
		// files alone, a day later than the time since the two are cut differently.
		at, received := instant(before.TimeMS), instant(before.ReceivedTimeMS)
		statement += " AND date <= DATE " + glue.Literal(time.UnixMilli(before.TimeMS).UTC().AddDate(0, 0, 1).Format(time.DateOnly)) +
			" AND (time < " + at + " OR time = " + at + " AND (received_time < " + received + " OR received_time = " + received +
			" AND (request_id < " + glue.Literal(before.RequestID) + " OR request_id = " + glue.Literal(before.RequestID) +
			" AND batch_index < " + strconv.FormatInt(before.BatchIndex, 10) + ")))"
	}
	return statement + " ORDER BY time DESC, received_time DESC, request_id DESC, batch_index DESC LIMIT " + strconv.Itoa(limit)
}

const sqlTime = "2006-01-02 15:04:05.000"

func instant(ms int64) string {
	return "TIMESTAMP " + glue.Literal(time.UnixMilli(ms).UTC().Format(sqlTime))
}

// fillRow puts the cells of an answer into a row.
func fillRow(r *event.Row, cells []any) error {
	if len(cells) != len(event.JourneyColumns) {
		return fault.Newf(fault.Internal, "Athena's answer has %d columns where %d were asked for", len(cells), len(event.JourneyColumns))
	}
	r.Revenue = event.NoRevenue
	for i, name := range event.JourneyColumns {
		if cells[i] == nil {
			continue
		}
		if err := fillCell(r, byName[name], cells[i]); err != nil {
			return err
		}
	}
	return nil
}

// byName are the lake's columns.
var byName = func() map[string]*event.Column {
	m := make(map[string]*event.Column, len(event.Columns))
	for i := range event.Columns {
		m[event.Columns[i].Name] = &event.Columns[i]
	}
	return m
}()

func fillCell(r *event.Row, c *event.Column, cell any) error {
	text, isText := cell.(string)
	number, _ := cell.(json.Number)
	var err error
	switch {
	case c.Str != nil && isText:
		*c.Str(r) = text
	case c.Type == event.Time && isText:
		var at time.Time
		if at, err = time.Parse("2006-01-02 15:04:05.999999999", text); err == nil {
			*c.Num(r) = at.UnixMilli()
		}
	case c.Num != nil && number != "":
		*c.Num(r), err = number.Int64()
	case c.Flt != nil && number != "":
		*c.Flt(r), err = number.Float64()
	case c.Flt != nil && isText: // "nan" and "inf", which are no amounts
	case c.Flag != nil:
		*c.Flag(r), _ = cell.(bool)
	default:
		return fault.Newf(fault.Internal, "Athena's answer has another type in the column %s than the lake", c.Name)
	}
	if err != nil {
		return fault.Wrap(err, fault.Internal, "Athena's answer has a value in the column "+c.Name+" that cannot be read")
	}
	return nil
}
