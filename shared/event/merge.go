package event

import (
	"encoding/json"
	"strconv"
	"strings"
)

// Merge is what an identity event asks for: that From and Into are one person.
// Where a decoder finds one, it says so; whether it counts is for the project's
// identity scheme to say.
type Merge struct {
	Into    ID   // whose person stays
	From    ID   // what becomes another of that person's identifiers
	OnlyNew bool // nothing happens unless From is new: whoever asks can prove nothing
	// OrVisitor says, with OnlyNew, that From may have been seen: by its form it is an
	// identifier that an SDK made up for a visitor, which nobody guesses.
	OrVisitor bool
}

// MergedMember is the member of the context column in which the outcome of a
// merge stands. A website may send a member of this name, but no row with the flag
// FlagMerged, and ours stands first.
const MergedMember = "loch_merged"

// AddMerged writes into a row what a merge has led to: the lake ids that are one
// person now, and which of them is the person's. SQL resolves people by it. Of
// two rows that name an id the one with more ids is the newer.
func AddMerged(row *Row, person string, ids []string) {
	AddFlag(row, FlagMerged)
	// Two fields of text always encode.
	value, _ := json.Marshal(struct {
		Person string   `json:"person"`
		IDs    []string `json:"ids"`
	}{person, ids})
	member := strconv.Quote(MergedMember) + ":" + string(value)
	rest, isObject := strings.CutPrefix(strings.TrimSpace(row.Context), "{")
	switch {
	case !isObject || strings.TrimSpace(rest) == "}":
		row.Context = "{" + member + "}"
	default:
		row.Context = "{" + member + "," + rest
	}
}
