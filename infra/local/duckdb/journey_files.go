package duckdb

import (
	"cmp"
	"slices"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"loch/infra/local/parquet"
)

// footers remembers what files tell about whose events they hold. Files never
// change, and a file's entry has some kilobytes.
type footers struct {
	known *lru.Cache[string, *parquet.Whose]
}

// rememberedFooters is above the files of a lake of years.
const rememberedFooters = 4096

func newFooters() footers {
	known, err := lru.New[string, *parquet.Whose](rememberedFooters)
	if err != nil {
		panic(err) // the size is a constant above 0
	}
	return footers{known}
}

func (f footers) of(path string) (*parquet.Whose, error) {
	if w, ok := f.known.Get(path); ok {
		return w, nil
	}
	w, err := parquet.ReadWhose(path)
	if err == nil {
		f.known.Add(path, w)
	}
	return w, err
}

// Times that are before and after any event's.
const (
	never   = -1 << 62
	forever = 1 << 62
)

// byDate are compacted files, those of the newest date first.
func byDate(files []compactedFile) []datedFile {
	list := make([]datedFile, len(files))
	for i, f := range files {
		list[i] = datedFile{path: f.Path, from: never, to: forever} // a folder that is no date may hold any
		if day, err := time.Parse(time.DateOnly, f.Date); err == nil {
			list[i].from, list[i].to = day.UnixMilli(), day.AddDate(0, 0, 1).UnixMilli()
		}
	}
	slices.SortStableFunc(list, func(a, b datedFile) int { return cmp.Compare(b.to, a.to) })
	return list
}

// undated are files that hold events of any time.
func undated(paths []string) []datedFile {
	list := make([]datedFile, len(paths))
	for i, path := range paths {
		list[i] = datedFile{path: path, from: never, to: forever}
	}
	return list
}
