package duckdb

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"loch/shared/fault"
	"loch/shared/report"
)

// answer runs one statement of a person.
func (db *database) answer(ctx context.Context, q *question) (*report.Result, error) {
	st, err := db.admit(ctx, q.Statement)
	if err != nil {
		return nil, err
	}
	if st.tables {
		return showTables(), nil
	}
	if err := db.makeViews(ctx, q, st); err != nil {
		return nil, err
	}
	if st.explain != "" {
		return db.explained(ctx, q, st)
	}
	columns, err := db.describe(ctx, q, st)
	if err != nil {
		return nil, err
	}
	return db.read(ctx, q, st, columns)
}

// showTables answers SHOW TABLES. DuckDB would list the tables that are behind
// the relations.
func showTables() *report.Result {
	r := &report.Result{Columns: []report.Column{{Name: "name", Type: "VARCHAR"}}, RowCount: len(relations)}
	for _, name := range relations {
		r.Rows = append(r.Rows, []any{name})
	}
	return r
}

// at is where errors of a text are to be told, in which the body of the
// statement begins at offset.
func (db *database) at(q *question, st *statement, offset int) place {
	return place{statement: q.Statement, offset: offset - st.at, folders: db.folders()}
}

func (db *database) folders() []string {
	return append(slices.Clone(db.settings.Readable), db.settings.SpillDir)
}

// explained answers EXPLAIN: DuckDB's drawing of its plan, without the names of
// files.
func (db *database) explained(ctx context.Context, q *question, st *statement) (*report.Result, error) {
	prefix := st.explain + "\n"
	list, err := db.rows(ctx, prefix+st.body)
	if err != nil {
		return nil, db.at(q, st, len(prefix)).fault(ctx, err)
	}
	r := &report.Result{Columns: []report.Column{{Name: "explain_key", Type: "VARCHAR"}, {Name: "explain_value", Type: "VARCHAR"}}}
	for _, row := range list {
		r.Rows = append(r.Rows, []any{fmt.Sprint(row[0]), db.withoutFiles(fmt.Sprint(row[1]))})
	}
	r.RowCount = len(r.Rows)
	return r, nil
}

// withoutFiles drops the lines of a plan that name files. Plans are drawn in
// boxes, in which a long name is broken at any place, so whole entries go.
func (db *database) withoutFiles(plan string) string {
	lines := strings.Split(plan, "\n")
	return strings.Join(slices.DeleteFunc(lines, func(line string) bool {
		return strings.ContainsRune(line, '/') || strings.Contains(line, ".parquet")
	}), "\n")
}

// describe asks DuckDB for the columns of a statement, and binds it for the
// first time: what is wrong with it comes out here.
func (db *database) describe(ctx context.Context, q *question, st *statement) ([]report.Column, error) {
	prefix, suffix := "DESCRIBE\n", ""
	if isShow(st.tree) {
		prefix, suffix = "DESCRIBE SELECT * FROM (\n", "\n)"
	}
	list, err := db.rows(ctx, prefix+st.body+suffix)
	if err != nil {
		return nil, db.at(q, st, len(prefix)).fault(ctx, err)
	}
	columns := make([]report.Column, len(list))
	for i, row := range list {
		columns[i] = report.Column{Name: fmt.Sprint(row[0]), Type: fmt.Sprint(row[1])}
	}
	return columns, nil
}

// isShow recognises DESCRIBE and SUMMARIZE.
func isShow(tree any) bool {
	n, _ := tree.(map[string]any)
	from, _ := n["from_table"].(map[string]any)
	return from["type"] == "SHOW_REF"
}

// read runs the statement as a subquery, which bounds its rows and has DuckDB
// spell the values that Go's types cannot hold. The order of the rows stays:
// DuckDB keeps it through a projection and a limit.
func (db *database) read(ctx context.Context, q *question, st *statement, columns []report.Column) (*report.Result, error) {
	values := make([]string, len(columns))
	names := make([]string, len(columns))
	forms := make([]form, len(columns))
	for i, c := range columns {
		names[i] = fmt.Sprintf("c%d", i)
		forms[i] = formOf(c.Type)
		values[i] = forms[i].sql(names[i])
	}
	prefix := "SELECT " + strings.Join(values, ", ") + " FROM (\n"
	text := fmt.Sprintf("%s%s\n) AS statement(%s) LIMIT %d", prefix, st.body, strings.Join(names, ", "), q.Rows+1)
	if err := db.wrapped(ctx, text, st); err != nil {
		return nil, err
	}
	rows, err := db.conn.QueryContext(ctx, text)
	if err != nil {
		return nil, db.at(q, st, len(prefix)).fault(ctx, err)
	}
	defer func() { _ = rows.Close() }() // an error of reading is in rows.Err

	r := &report.Result{Columns: columns, Rows: [][]any{}}
	raw := make([]any, len(columns))
	into := make([]any, len(columns))
	for i := range raw {
		into[i] = &raw[i]
	}
	bytes := 0
	for rows.Next() {
		if len(r.Rows) == q.Rows || bytes > q.Bytes {
			r.Truncated = true
			break
		}
		if err := rows.Scan(into...); err != nil {
			return nil, fault.Wrap(err, fault.Internal, "a value of the result cannot be read")
		}
		row := make([]any, len(columns))
		for i := range raw {
			if s, ok := raw[i].(string); ok {
				bytes += len(s)
			}
			if row[i], err = forms[i].value(raw[i]); err != nil {
				return nil, fault.Wrap(err, fault.Internal, "a value of the result cannot be read")
			}
		}
		bytes += 8 * len(columns)
		r.Rows = append(r.Rows, row)
	}
	if err := rows.Err(); err != nil {
		return nil, db.at(q, st, len(prefix)).fault(ctx, err)
	}
	r.RowCount = len(r.Rows)
	return r, nil
}
