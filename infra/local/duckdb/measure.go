package duckdb

import (
	"context"

	"loch/infra/local/parquet"
	"loch/shared/report"
)

var _ report.Measurer = (*Engine)(nil)

// Measure implements report.Measurer. Of compacted events it looks at the files of
// the dates alone; what landed since is read for every statement, as the links of
// devices and the profiles are.
func (e *Engine) Measure(ctx context.Context, project string, r report.Reading) (report.Measured, error) {
	moment, err := e.hot.freeze(ctx)
	if err != nil {
		return report.Measured{}, err
	}
	defer moment.release()
	f := moment.files(project)
	var events []string
	for _, c := range f.Compacted {
		if c.Date >= r.From && c.Date <= r.To {
			events = append(events, c.Path)
		}
	}
	m, sizes := report.Measured{}, map[string]int64{}
	add := func(paths []string, columns []string, as string) error {
		for _, path := range paths {
			of, err := parquet.ColumnBytes(path)
			if err != nil {
				return err
			}
			m.Files++
			if as != "" { // all of it, under one name
				for _, n := range of {
					sizes[as] += n
				}
				continue
			}
			for _, name := range columns {
				sizes[name] += of[name]
			}
		}
		return ctx.Err()
	}
	for _, one := range []struct {
		paths []string
		as    string
	}{{events, ""}, {f.Fresh, ""}, {f.Links, "(links)"}, {f.Persons, "(persons)"}} {
		if err := add(one.paths, r.Columns, one.as); err != nil {
			return report.Measured{}, err
		}
	}
	if r.Profiles {
		if err := add(f.Profiles, nil, "(profiles)"); err != nil {
			return report.Measured{}, err
		}
	}
	for name, n := range sizes {
		m.Bytes += n
		m.Columns = append(m.Columns, report.ColumnBytes{Name: name, Bytes: n})
	}
	m.Sort()
	return m, nil
}
