package command

import (
	"io"
	"strconv"
	"strings"
)

// column is a column of a table.
type column struct {
	name  string
	right bool // numbers stand to the right
	whole bool // never cut: a number or a time that is cut is another one
}

// cell is one value, already safe to print.
type cell struct {
	text string
	null bool
}

const (
	// narrow is how far a column may be cut to make a table fit.
	narrow = 8
	// widest bounds a column where the screen has no width of its own: nobody
	// reads further, and --json has the rest.
	widest = 1000
)

// table writes rows between lines, as wide as the screen at most. When even
// narrow columns do not fit side by side, each row is written as a list.
func (s screen) table(w io.Writer, columns []column, rows [][]cell) error {
	out := &strings.Builder{}
	widths := natural(columns, rows)
	if s.width > 0 && !shrink(widths, columns, s.width-3*len(columns)-1) {
		s.records(out, columns, rows)
		_, err := io.WriteString(w, out.String())
		return err
	}
	s.rule(out, widths, "╭", "┬", "╮")
	s.row(out, widths, func(i int) string {
		return s.paint(bold, fit(columns[i].name, widths[i], columns[i].right))
	})
	s.rule(out, widths, "├", "┼", "┤")
	for _, r := range rows {
		s.row(out, widths, func(i int) string { return s.value(r[i], fit(r[i].text, widths[i], columns[i].right)) })
	}
	s.rule(out, widths, "╰", "┴", "╯")
	_, err := io.WriteString(w, out.String())
	return err
}

// value paints a cell.
func (s screen) value(c cell, text string) string {
	if c.null {
		return s.paint(dim, text)
	}
	return text
}

func (s screen) rule(w *strings.Builder, widths []int, left, middle, right string) {
	parts := make([]string, len(widths))
	for i, n := range widths {
		parts[i] = strings.Repeat("─", n+2)
	}
	w.WriteString(s.paint(dim, left+strings.Join(parts, middle)+right) + "\n")
}

func (s screen) row(w *strings.Builder, widths []int, text func(i int) string) {
	bar := s.paint(dim, "│")
	for i := range widths {
		w.WriteString(bar + " " + text(i) + " ")
	}
	w.WriteString(bar + "\n")
}

// records writes each row as a list of names and values.
func (s screen) records(w *strings.Builder, columns []column, rows [][]cell) {
	name := 0
	for _, c := range columns {
		name = max(name, cells.StringWidth(c.name))
	}
	name = min(name, s.width/2)
	for n, r := range rows {
		head := "── row " + strconv.Itoa(n+1) + " "
		w.WriteString(s.paint(dim, head+strings.Repeat("─", max(0, s.width-cells.StringWidth(head)))) + "\n")
		for i, c := range r {
			value := fit(c.text, min(cells.StringWidth(c.text), max(narrow, s.width-name-2)), false)
			w.WriteString(s.paint(bold, fit(columns[i].name, name, false)) + "  " + s.value(c, value) + "\n")
		}
	}
}

// natural is how wide each column would like to be.
func natural(columns []column, rows [][]cell) []int {
	widths := make([]int, len(columns))
	for i, c := range columns {
		widths[i] = cells.StringWidth(c.name)
		for _, r := range rows {
			widths[i] = max(widths[i], cells.StringWidth(r[i].text))
		}
		widths[i] = min(widths[i], widest)
	}
	return widths
}

// shrink cuts the widest columns until all fit into room, but none that must stay
// whole. It says whether they fit.
func shrink(widths []int, columns []column, room int) bool {
	over := -room
	for _, w := range widths {
		over += w
	}
	for ; over > 0; over-- {
		most := -1
		for i, w := range widths {
			if w > narrow && !columns[i].whole && (most < 0 || w > widths[most]) {
				most = i
			}
		}
		if most < 0 {
			return false
		}
		widths[most]--
	}
	return true
}
