package athena

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/athena"
	"github.com/aws/aws-sdk-go-v2/service/athena/types"

	"loch/infra/aws/glue"
	"loch/shared/fault"
	"loch/shared/report"
)

// read reads the answer of a statement that has ended.
func (e *Engine) read(ctx context.Context, execution *types.QueryExecution, limits report.Limits) (report.Result, error) {
	if execution.Status.State != types.QueryExecutionStateSucceeded {
		return report.Result{}, failure(execution.Status)
	}
	r := reader{answer: report.Result{Columns: []report.Column{}, Rows: [][]any{}}, rows: limits.Rows, bytes: maxResultBytes}
	in := &athena.GetQueryResultsInput{QueryExecutionId: execution.QueryExecutionId}
	for first := true; ; first = false {
		out, err := e.api.GetQueryResults(ctx, in)
		if err != nil {
			return report.Result{}, explain(ctx, err)
		}
		if out.ResultSet == nil {
			return report.Result{}, fault.New(fault.Unavailable, "Athena's answer is empty")
		}
		more, err := r.page(out.ResultSet, first, execution.StatementType)
		if err != nil {
			return report.Result{}, err
		}
		if !more || aws.ToString(out.NextToken) == "" {
			r.answer.RowCount = len(r.answer.Rows)
			return r.answer, nil
		}
		in.NextToken = out.NextToken
	}
}

// reader puts an answer together from its pages.
type reader struct {
	answer report.Result
	forms  []form
	rows   int // how many more there may be
	bytes  int // the same
}

// page adds a page and tells whether more may come.
func (r *reader) page(set *types.ResultSet, first bool, statement types.StatementType) (bool, error) {
	rows := set.Rows
	if first {
		if set.ResultSetMetadata == nil {
			return false, fault.New(fault.Unavailable, "Athena's answer does not say what its columns are")
		}
		var header []string
		for _, c := range set.ResultSetMetadata.ColumnInfo {
			name, kind := aws.ToString(c.Name), aws.ToString(c.Type)
			header = append(header, name)
			r.answer.Columns = append(r.answer.Columns, report.Column{Name: name, Type: typeName(c)})
			r.forms = append(r.forms, formOf(kind))
		}
		// A query's first row repeats the columns' names.
		if len(rows) > 0 && (statement == types.StatementTypeDml || repeats(rows[0], header)) {
			rows = rows[1:]
		}
	}
	for _, row := range rows {
		if r.rows == 0 || r.bytes < 0 {
			r.answer.Truncated = true
			return false, nil
		}
		cells := make([]any, len(r.forms))
		for i := range min(len(row.Data), len(cells)) {
			text := row.Data[i].VarCharValue
			if text == nil {
				continue
			}
			r.bytes -= len(*text)
			value, err := r.forms[i].value(*text)
			if err != nil {
				return false, fault.Wrap(err, fault.Internal, "a value of the answer does not have its column's type")
			}
			cells[i] = value
		}
		r.answer.Rows = append(r.answer.Rows, cells)
		r.rows--
	}
	return true, nil
}

func repeats(row types.Row, header []string) bool {
	if len(row.Data) != len(header) {
		return false
	}
	for i, d := range row.Data {
		if aws.ToString(d.VarCharValue) != header[i] {
			return false
		}
	}
	return true
}

// fromCatalogue answers what needs no Athena: which relations there are, and what
// columns they have.
func (a *admitted) fromCatalogue(limits report.Limits) (report.Result, bool) {
	var answer report.Result
	switch {
	case a.tables:
		answer.Columns = []report.Column{{Name: "name", Type: "VARCHAR"}}
		for _, name := range glue.Relations {
			answer.Rows = append(answer.Rows, []any{name})
		}
	case a.describe != "":
		answer.Columns = []report.Column{{Name: "column_name", Type: "VARCHAR"}, {Name: "column_type", Type: "VARCHAR"}}
		for _, c := range glue.Columns(a.describe) {
			answer.Rows = append(answer.Rows, []any{c.Name, shownType(c.Type)})
		}
	default:
		return answer, false
	}
	if limits.Rows > 0 && len(answer.Rows) > limits.Rows {
		answer.Rows, answer.Truncated = answer.Rows[:limits.Rows], true
	}
	answer.RowCount = len(answer.Rows)
	return answer, true
}

// shownType is the SQL type of a column of the catalogue.
func shownType(hive string) string {
	if hive == "string" {
		return "VARCHAR"
	}
	return strings.ToUpper(hive)
}
