package snapshot_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/parquet-go/parquet-go"

	"loch/infra/aws/glue"
	"loch/infra/aws/s3/s3test"
	"loch/infra/aws/snapshot"
	"loch/shared/profile"
)

func sampleRows() []profile.Snapshot {
	var texts [18]string
	copy(texts[:], profile.SeenTexts)
	s := profile.Snapshot{Project: "shop", PersonID: "01", GroupKey: "company", Traits: `{"plan":"pro"}`, FirstMS: 1, LastMS: 2, UpdatedMS: 3, SnapshotMS: 4}
	for i, p := range s.Seen.Texts() {
		*p = texts[i] // each holds its own name
	}
	return []profile.Snapshot{s, {Project: "shop", PersonID: "02", Traits: "{}", SnapshotMS: 4, Gone: true}}
}

// A file has the table's columns by name and type, and each holds what is its own.
func TestEncode(t *testing.T) {
	body, err := snapshot.Encode(sampleRows())
	if err != nil {
		t.Fatal(err)
	}
	f, err := parquet.OpenFile(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(glue.Tables, func(table glue.Table) bool { return table.Name == glue.Snapshots })
	types := map[string]string{"STRING": "string", "BOOLEAN": "boolean", "TIMESTAMP(isAdjustedToUTC=true,unit=MILLIS)": "timestamp"}
	var got []glue.Column
	for _, field := range f.Schema().Fields() {
		got = append(got, glue.Column{Name: field.Name(), Type: types[field.Type().String()]})
	}
	if !slices.Equal(got, glue.Tables[i].Columns) || glue.Tables[i].Folder != snapshot.Folder {
		t.Errorf("the file has %v\nthe table %v", got, glue.Tables[i].Columns)
	}
	rows := make([]parquet.Row, 3)
	reader := f.RowGroups()[0].Rows()
	defer reader.Close()
	n, err := reader.ReadRows(rows)
	if n != 2 || err != nil && !errors.Is(err, io.EOF) {
		t.Fatalf("%d rows, %v", n, err)
	}
	for c, column := range got {
		value, empty := rows[0][c], rows[1][c]
		if slices.Contains(profile.SeenTexts, column.Name) && (value.String() != column.Name || !empty.IsNull()) {
			t.Errorf("%s holds %s and %s", column.Name, value, empty)
		}
	}
	if rows[0][4].Int64() != 1 || rows[0][6].Int64() != 3 || !rows[1][4].IsNull() || rows[1][len(got)-1].Boolean() != true {
		t.Errorf("%v", rows[:2])
	}
}

func TestFiles(t *testing.T) {
	server := s3test.Start(t)
	files := snapshot.New(server.Bucket)
	if err := files.Put(t.Context(), "full-1.parquet", sampleRows()); err != nil {
		t.Fatal(err)
	}
	if names, err := files.List(t.Context()); err != nil || !slices.Equal(names, []string{"full-1.parquet"}) {
		t.Fatalf("%v, %v", names, err)
	}
	if err := files.Delete(t.Context(), "full-1.parquet"); err != nil {
		t.Fatal(err)
	}
	if names, err := files.List(t.Context()); err != nil || len(names) != 0 {
		t.Errorf("%v, %v", names, err)
	}
}
