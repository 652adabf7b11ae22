package report

import "slices"

// Hide says which of a break-down's segments are not to be shown, given how many
// persons each has and how many there are in all, where the project hides groups
// of fewer than minCell.
//
// A small segment is hidden, and so is its complement: where what is hidden adds
// up to fewer than minCell persons, whoever subtracts the rest from the total has
// the small ones all the same, so the next smallest segments are hidden as well.
// Persons may stand in several segments; the sum is then an upper bound, and
// total the persons of all segments together. Segments without persons are shown.
func Hide(persons []int64, total, minCell int64) []bool {
	hidden := make([]bool, len(persons))
	if minCell <= 1 {
		return hidden
	}
	var sum, shown int64
	some := false
	order := make([]int, 0, len(persons))
	for i, n := range persons {
		switch {
		case n == 0:
		case n < minCell:
			hidden[i], some = true, true
			sum += n
		default:
			order = append(order, i)
			shown += n
		}
	}
	// What is missing from the total tells as much as the hidden segments do.
	missing := max(sum, total-shown)
	if !some && (missing <= 0 || missing >= minCell) {
		return hidden
	}
	slices.SortStableFunc(order, func(a, b int) int { return int(min(1, max(-1, persons[a]-persons[b]))) })
	for _, i := range order {
		if sum >= minCell && max(sum, total-shown) >= minCell {
			break
		}
		hidden[i] = true
		sum += persons[i]
		shown -= persons[i]
	}
	return hidden
}
