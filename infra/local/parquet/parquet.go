// Package parquet writes the lake's files and reads them back.
//
// There are three shapes: event rows, whose columns come from event.Columns in
// that order, rejected inputs, and snapshots of profiles. Everything else that opens the files
// (DuckDB, Athena, a notebook) is somebody else's Parquet reader, so the
// package keeps to what all of them understand: flat columns, dictionary and
// plain pages, zstd, plain timestamps that are UTC by agreement.
//
// A writer is done when Close returns: the file has its footer and has reached
// the disk. Before that the file is not readable at all, so a crash cannot
// leave half of one that looks whole.
package parquet

import (
	"iter"

	"loch/shared/event"
	"loch/shared/profile"
)

// The footer's key-value metadata: which version of event.Columns wrote the
// file, and how many rows it holds. The second repeats what Parquet says
// itself, for tools that show metadata and for people.
const (
	MetaSchemaVersion = "loch.schema_version"
	MetaRows          = "loch.rows"
)

// RowGroupRows is the most rows in one row group: about what DuckDB and Athena
// hand to one thread at a time.
const RowGroupRows = 120_000

// CreateEvents starts a file of event rows. The file must not exist yet.
func CreateEvents(path string) (*Writer[event.Row], error) {
	return create(path, &events)
}

// CreateRejected starts a file of rejected inputs. The file must not exist yet.
func CreateRejected(path string) (*Writer[event.Rejected], error) {
	return create(path, &rejected)
}

// CreateProfiles starts a file of profile snapshots. The file must not exist yet.
func CreateProfiles(path string) (*Writer[profile.Snapshot], error) {
	return create(path, &profiles)
}

// WriteEvents writes a whole file of event rows and returns how many there
// were. When rows yields an error the file is removed and the error returned.
// A row is copied, so the same one may be yielded again with other contents.
func WriteEvents(path string, rows iter.Seq2[*event.Row, error]) (int64, error) {
	w, err := CreateEvents(path)
	if err != nil {
		return 0, err
	}
	return w.fill(rows)
}

// WriteRejected is WriteEvents for rejected inputs.
func WriteRejected(path string, rows iter.Seq2[*event.Rejected, error]) (int64, error) {
	w, err := CreateRejected(path)
	if err != nil {
		return 0, err
	}
	return w.fill(rows)
}

// fill drains rows into w and closes it.
func (w *Writer[T]) fill(rows iter.Seq2[*T, error]) (int64, error) {
	batch := make([]T, 0, chunkRows)
	for row, err := range rows {
		if err == nil && len(batch) == cap(batch) {
			err = w.Write(batch)
			batch = batch[:0]
		}
		if err != nil {
			w.Abort()
			return 0, err
		}
		batch = append(batch, *row)
	}
	if err := w.Write(batch); err != nil {
		w.Abort()
		return 0, err
	}
	return w.Rows(), w.Close()
}
