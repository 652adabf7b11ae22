// Package checkup is the shape of a look at whether all is well: what is looked at, what
// was found, and what to do about it.
//
// Whoever knows a part of the product writes checks for it, and `loch doctor` makes them
// and shows what they found. A check only looks. It says so where it could not: that is
// neither well nor wrong.
package checkup

import "context"

// State says how something is.
type State string

// The states.
const (
	OK      State = "ok"
	Warning State = "warning" // it works, and somebody should know
	Wrong   State = "wrong"
	Unknown State = "unknown" // it could not be looked at
)

// Finding is what a check found.
type Finding struct {
	State State  `json:"state"`
	Words string `json:"found"`        // what was seen, in words of ours
	Do    string `json:"do,omitempty"` // what to do about it; empty where all is well
}

// Check is one thing that is looked at.
type Check struct {
	Name string // "vault key"
	Look func(ctx context.Context) Finding
}

// Well says that something is as it should be.
func Well(words string) Finding { return Finding{State: OK, Words: words} }

// Warn says that something works, and what somebody should know of it.
func Warn(words, do string) Finding { return Finding{Warning, words, do} }

// Bad says that something is wrong, and what to do.
func Bad(words, do string) Finding { return Finding{Wrong, words, do} }

// Unseen says that something could not be looked at, why, and how it can be.
func Unseen(words, do string) Finding { return Finding{Unknown, words, do} }
