package duckdb

import (
	"cmp"
	"slices"
	"time"
)

// dated are the files of one date of the events tier, and the instants between
// which its events lie: from is in it, to is not.
type dated struct {
	from, to int64 // milliseconds
	paths    []string
}

// byDate are the dates of compacted files, the newest first.
func byDate(files []compactedFile) []dated {
	at := map[string]int{}
	var dates []dated
	for _, f := range files {
		i, ok := at[f.Date]
		if !ok {
			d := dated{from: -1 << 62, to: 1 << 62} // a folder that is no date may hold any
			if day, err := time.Parse(time.DateOnly, f.Date); err == nil {
				d.from, d.to = day.UnixMilli(), day.AddDate(0, 0, 1).UnixMilli()
			}
			i = len(dates)
			at[f.Date] = i
			dates = append(dates, d)
		}
		dates[i].paths = append(dates[i].paths, f.Path)
	}
	slices.SortFunc(dates, func(a, b dated) int { return cmp.Compare(b.to, a.to) })
	return dates
}
