package duckdb

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	engine "github.com/duckdb/duckdb-go/v2"

	"loch/shared/fault"
)

// database is the DuckDB of a worker: in memory, with one connection.
type database struct {
	conn     *sql.Conn
	settings settings
	known    functions // what the guard knows about DuckDB's functions
	dropped  dropCache
	removed  string // what removedTable holds
}

// openDatabase opens DuckDB and, for a worker that answers people, locks it.
func openDatabase(s settings) (*database, error) {
	if err := confine(s.MemoryBytes + unaccounted(s.MemoryBytes)); err != nil {
		return nil, fault.Wrap(err, fault.Internal, "a worker's memory cannot be bounded")
	}
	connector, err := engine.NewConnector("", nil)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "DuckDB cannot be opened")
	}
	conn, err := sql.OpenDB(connector).Conn(context.Background())
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "DuckDB cannot be opened")
	}
	if err := registerAttempts(conn); err != nil {
		return nil, fault.Wrap(err, fault.Internal, "DuckDB does not take a function")
	}
	db := &database{conn: conn, settings: s, known: knownFunctions()}
	for _, statement := range s.statements() {
		if _, err := conn.ExecContext(context.Background(), statement); err != nil {
			return nil, fault.Wrap(err, fault.Internal, "DuckDB does not take a setting")
		}
	}
	return db, nil
}

// statements are the SQL of the settings, in an order that matters: what is
// locked comes last.
func (s settings) statements() []string {
	spill := s.MaxSpill
	if spill <= 0 {
		spill = max(8*s.MemoryBytes, 2<<30) // or a statement could fill the disk that events are to go to
	}
	list := []string{
		"SET GLOBAL memory_limit = " + literal(fmt.Sprintf("%dB", s.MemoryBytes)),
		fmt.Sprintf("SET GLOBAL threads = %d", max(s.Threads, 1)),
		"SET GLOBAL temp_directory = " + literal(s.SpillDir),
		"SET GLOBAL max_temp_directory_size = " + literal(fmt.Sprintf("%dB", spill)),
		"SET GLOBAL TimeZone = 'UTC'",
		"SET GLOBAL errors_as_json = true", // or the place of an error could only be guessed
		"SET GLOBAL autoinstall_known_extensions = false",
		"SET GLOBAL autoload_known_extensions = false",
		"SET GLOBAL allow_community_extensions = false",
		"SET GLOBAL allow_persistent_secrets = false",
		// Files are never changed, so what a footer says holds. Their data are
		// left to the operating system's cache, which is not counted as ours.
		"SET GLOBAL parquet_metadata_cache = true",
		"SET GLOBAL enable_external_file_cache = false",
	}
	if s.Trusted {
		return list
	}
	folders := make([]string, len(s.Readable))
	for i, f := range s.Readable {
		folders[i] = literal(f)
	}
	return append(list,
		"SET GLOBAL allowed_directories = ["+strings.Join(folders, ", ")+"]",
		"SET GLOBAL enable_external_access = false",
		"SET GLOBAL lock_configuration = true",
	)
}

// script runs trusted SQL and returns the rows of its last statement.
func (db *database) script(ctx context.Context, statements string) ([][]any, error) {
	if !db.settings.Trusted {
		return nil, fault.New(fault.Internal, "this worker answers people and runs no scripts")
	}
	list, err := db.rows(ctx, statements)
	if err != nil {
		err = place{}.fault(ctx, err)
		if code := fault.CodeOf(err); code == fault.Invalid || code == fault.Forbidden {
			err = fault.Wrap(err, fault.Internal, "a script of ours does not run: "+err.Error()) // no person wrote it
		}
		return nil, err
	}
	return list, nil
}

// rows runs SQL of ours and returns all its rows.
func (db *database) rows(ctx context.Context, statement string, args ...any) (list [][]any, err error) {
	rows, err := db.conn.QueryContext(ctx, statement, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // an error of reading is in rows.Err
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		row := make([]any, len(columns))
		into := make([]any, len(columns))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		list = append(list, row)
	}
	return list, rows.Err()
}

// text runs SQL of ours that gives one text.
func (db *database) text(ctx context.Context, statement string, args ...any) (s string, err error) {
	err = db.conn.QueryRowContext(ctx, statement, args...).Scan(&s)
	return s, err
}

// literal is s as a text in SQL.
func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// identifier is s as a name in SQL.
func identifier(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

// list is texts as a list in SQL.
func list(texts []string) string {
	quoted := make([]string, len(texts))
	for i, s := range texts {
		quoted[i] = literal(s)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
