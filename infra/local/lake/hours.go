package lake

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"loch/infra/local/parquet"
)

// windowRows is how many rows wait to be put in order. Requests that are
// answered together reach the log a little out of order, never by more than
// this; so the files come out sorted without a segment being held in memory.
const windowRows = 4096

// hours splits rows into one file for each hour in which some arrived.
type hours[T any] struct {
	commit  *Commit
	segment uint64
	tier    Tier
	create  func(path string) (*parquet.Writer[T], error)
	at      func(*T) int64 // when a row arrived

	window []T
	files  map[int64]*parquet.Writer[T] // by hours since 1970
}

func (h *hours[T]) add(rows []T) error {
	for len(rows) > 0 {
		if h.window == nil {
			h.window = make([]T, 0, windowRows)
		}
		n := min(len(rows), windowRows-len(h.window))
		h.window = append(h.window, rows[:n]...)
		rows = rows[n:]
		if len(h.window) == windowRows {
			if err := h.write(windowRows / 2); err != nil {
				return err
			}
		}
	}
	return nil
}

// write takes the n rows that arrived first out of the window.
func (h *hours[T]) write(n int) error {
	h.sort()
	for from := 0; from < n; {
		hour := h.hour(from)
		to := from + 1
		for to < n && h.hour(to) == hour {
			to++
		}
		w, err := h.file(hour)
		if err != nil {
			return err
		}
		if err := w.Write(h.window[from:to]); err != nil {
			return err
		}
		from = to
	}
	h.window = slices.Delete(h.window, 0, n)
	return nil
}

// sort puts the window in order of arrival. Rows are large, so places are sorted
// and each row is moved once.
func (h *hours[T]) sort() {
	sorted := true
	for i := 1; i < len(h.window) && sorted; i++ {
		sorted = h.at(&h.window[i-1]) <= h.at(&h.window[i])
	}
	if sorted {
		return
	}
	places := make([]int, len(h.window))
	for i := range places {
		places[i] = i
	}
	slices.SortStableFunc(places, func(a, b int) int {
		return cmp.Compare(h.at(&h.window[a]), h.at(&h.window[b]))
	})
	ordered := make([]T, len(h.window), windowRows)
	for to, from := range places {
		ordered[to] = h.window[from]
	}
	h.window = ordered
}

func (h *hours[T]) hour(i int) int64 {
	const ms = int64(time.Hour / time.Millisecond)
	at := h.at(&h.window[i])
	if at < 0 {
		at -= ms - 1 // so that the division rounds down
	}
	return at / ms
}

func (h *hours[T]) file(hour int64) (*parquet.Writer[T], error) {
	if w := h.files[hour]; w != nil {
		return w, nil
	}
	start := time.Unix(hour*3600, 0).UTC()
	path, err := h.commit.Path(h.tier, fmt.Sprintf("dt=%s/hour=%s/%020d.parquet",
		start.Format(time.DateOnly), start.Format("15"), h.segment))
	if err != nil {
		return nil, err
	}
	w, err := h.create(path)
	if err != nil {
		return nil, err
	}
	if h.files == nil {
		h.files = map[int64]*parquet.Writer[T]{}
	}
	h.files[hour] = w
	return w, nil
}

func (h *hours[T]) close() error {
	if err := h.write(len(h.window)); err != nil {
		return err
	}
	for _, w := range h.files {
		if err := w.Close(); err != nil {
			return err
		}
	}
	return nil
}

func (h *hours[T]) abort() {
	for _, w := range h.files {
		w.Abort()
	}
}
