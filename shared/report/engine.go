// Package report turns questions into SQL and names the engine that answers
// them. The SQL surface comes first: an Engine answers one read-only statement
// over the relations events, events_raw, profiles and rejected, the same on
// DuckDB and on Athena.
package report

import (
	"context"
	"time"
)

// Limits bound one statement.
type Limits struct {
	Rows int           // more rows are cut and Result.Truncated is set
	Time time.Duration // when it runs out the statement is cancelled: fault.Timeout
}

// Column is one column of a Result. Type is the SQL type's name as the engine
// spells it, in capitals: "VARCHAR", "BIGINT", "TIMESTAMP".
type Column struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// Result is the answer to a statement. Values are what encoding/json writes
// faithfully: nil, bool, string, json.Number, and lists and maps of those. Times
// are text, "2026-11-23 20:19:34.5" in UTC; integers beyond 2^53 are json.Number.
type Result struct {
	Columns   []Column      `json:"columns"`
	Rows      [][]any       `json:"rows"`
	RowCount  int           `json:"row_count"`
	Truncated bool          `json:"truncated"`
	Elapsed   time.Duration `json:"-"`
}

// Engine answers SQL.
type Engine interface {
	// Query runs one SELECT (or DESCRIBE, SHOW TABLES, EXPLAIN, SUMMARIZE) that a
	// person wrote for a project. Only that project's rows are visible. Errors:
	// fault.Invalid with the engine's own words about the statement and its
	// position, fault.Forbidden for a statement that is not read-only or reaches
	// beyond the relations, fault.Timeout, fault.TooLarge when memory runs out,
	// fault.Unavailable.
	Query(ctx context.Context, project, statement string, limits Limits) (Result, error)
}
