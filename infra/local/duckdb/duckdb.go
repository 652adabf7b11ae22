// Package duckdb answers SQL over the lake of one machine, and compacts it. It
// is the only package that links DuckDB, which is written in C++.
//
// A statement of a person is run in a process of its own: the same program,
// started again as a worker (worker.go). DuckDB is a large library, and ending
// a statement that asks for too much is not something that it can always do:
// it looks for an interruption between two batches of rows only, it keeps no
// account of the memory that some functions take, and a long enough pattern or
// a deep enough JSON text runs it out of stack. In a worker none of this
// matters. The operating system bounds its memory, its time ends by a signal,
// and the process that takes in events goes on.
//
// What a statement may do is decided twice. The guard (guard.go) lets DuckDB's
// own parser read it and accepts only what it knows to be harmless; then the
// database itself is locked: no file but the lake's, no extensions, no settings.
//
// What a statement sees is one moment: the files of a lake.Snapshot, and the
// events that are still in the write-ahead log, which are written to small
// Parquet files when a statement asks for them (hot.go). The four relations are
// views over those files (views.go), cut down to one project.
//
// Compact rewrites what landed into few large files, one commit a bounded piece
// of work (compact.go). It keeps the promise that the views rely on: within the
// events tier no event occurs twice. Rows of people who were erased with their rows
// are in no relation (removed.go), are written by no merge, and files that hold any
// are written anew (sweep.go).
package duckdb
