package lookup

import "loch/shared/profile"

// answer is the body of a lookup.
type answer struct {
	DistinctID string `json:"distinct_id"` // as it was asked
	PersonID   string `json:"person_id"`   // the lake id, as SQL has it
	profile.Shown
}

func answerOf(asked string, p profile.Profile) answer {
	return answer{DistinctID: asked, PersonID: p.ID, Shown: p.Show(p.Traits)}
}
