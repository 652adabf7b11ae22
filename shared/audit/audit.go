// Package audit is the ledger of what was done with people's data: who opened
// whose personal traits, who exported and who erased whom, when and why.
//
// Each entry carries a keyed hash of itself and of the entry before it, so a row
// that was changed, taken out or put in breaks the chain from there on, and
// nobody without the vault's key can mend it. An entry names a person by lake id
// only: after an erasure it says that somebody was erased, and no longer who.
package audit

import "context"

// Kind says what was done.
type Kind string

// The kinds.
const (
	Read       Kind = "read"        // personal traits were shown in clear, or, without Fields, a dry run of an erasure told that there is somebody
	Export     Kind = "export"      // everything about a person was handed out
	EraseBegun Kind = "erase_begun" // an erasure was ordered; it is carried out even after a crash
	EraseDone  Kind = "erase_done"  // and has been carried out
	Rotate     Kind = "rotate"      // the key file was replaced
)

// Entry is one row of the ledger.
type Entry struct {
	Seq       uint64   `json:"seq"` // from 1, without gaps
	TimeMS    int64    `json:"time_ms"`
	Project   string   `json:"project,omitempty"`
	Kind      Kind     `json:"kind"`
	Key       string   `json:"key,omitempty"`    // the API key's name, "operator" for the data folder's owner; never a secret
	Person    string   `json:"person,omitempty"` // lake id
	Fields    []string `json:"fields,omitempty"` // names of the traits that were opened
	Why       string   `json:"why,omitempty"`    // as the asker gave it, personal values taken out
	RequestID string   `json:"request_id,omitempty"`

	// Of an erasure: all lake ids that it is about, the person's first, what was
	// asked for besides, and for EraseDone the Seq of its EraseBegun. Of an export of
	// many people: all of them.
	IDs        []string `json:"ids,omitempty"`
	Suppress   bool     `json:"suppress,omitempty"`
	RemoveRows bool     `json:"remove_rows,omitempty"`
	Begun      uint64   `json:"begun,omitempty"`

	Hash []byte `json:"hash"` // HMAC-SHA-256 of the entry before and of this one without Hash
}

// Store keeps entries. Its methods may be called from many goroutines.
type Store interface {
	// Append keeps the entry that next makes of the newest one (the zero Entry
	// where there is none), and returns it when it is durable. No two calls see
	// the same newest entry. next may be called again if the store has to.
	Append(ctx context.Context, next func(newest Entry) (Entry, error)) (Entry, error)
	// Walk calls fn for every entry from the given Seq on, in order, until fn
	// returns an error, which it returns.
	Walk(ctx context.Context, from uint64, fn func(Entry) error) error
}
