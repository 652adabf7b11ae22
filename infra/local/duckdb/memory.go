package duckdb

// minMemory is the least that a worker gets: below it DuckDB cannot even spill.
const minMemory = 128 << 20

// defaultMemory is the memory limit of all statements together, on a machine
// with this much memory (0 when that is not known).
func defaultMemory(physical int64) int64 {
	const most = 4 << 30
	if physical <= 0 {
		return 1 << 30
	}
	return min(physical/4, most)
}

// unaccounted is what a worker may allocate beyond the memory limit that DuckDB
// keeps to: DuckDB does not count its vectors and the texts in them.
func unaccounted(limit int64) int64 { return limit + 512<<20 }
