package lake

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"loch/shared/fault"
)

// The kinds of commit that the lake can check.
const (
	KindRoll    = "roll"    // a segment of the log became landing and rejected files
	KindCompact = "compact" // files were written anew, without duplicates and without rows of erased people
)

// The kinds of commit whose rows nobody adds up.
const (
	KindProfiles  = "profiles"  // snapshots of profiles
	KindSummaries = "summaries" // what the files of events hold
)

// Entry is one commit as the ledger keeps it. A caller of Finish fills Kind,
// TimeMS and the counts that its kind has; the rest is the lake's to fill.
type Entry struct {
	Number uint64 `json:"number"` // 1 for the first commit of a data folder, no gaps
	ID     string `json:"id"`
	Kind   string `json:"kind"`
	TimeMS int64  `json:"time_ms"`

	// Of a roll: the segment of the log, how many requests and inputs it held,
	// and what became of them. Digest is over the requests' receipts, so that
	// the same number on another segment is noticed.
	Segment  uint64 `json:"segment,omitempty"`
	Requests int64  `json:"requests,omitempty"`
	Received int64  `json:"received,omitempty"`
	Stored   int64  `json:"stored,omitempty"`
	Rejected int64  `json:"rejected,omitempty"`
	Digest   string `json:"digest,omitempty"`

	// Of a compaction: event rows in the removed and in the added files. What
	// is missing between the two were rows of erased people, and duplicates.
	RowsIn      int64 `json:"rows_in,omitempty"`
	RowsOut     int64 `json:"rows_out,omitempty"`
	RowsRemoved int64 `json:"rows_removed,omitempty"`
	Duplicates  int64 `json:"duplicates,omitempty"`

	Added   []File   `json:"added,omitempty"`
	Removed []string `json:"removed,omitempty"` // paths below lake/
}

// File is a file of the lake as it was when it was committed.
type File struct {
	Path   string `json:"path"` // below lake/, with slashes
	Rows   int64  `json:"rows"`
	Bytes  int64  `json:"bytes"`
	CRC32C uint32 `json:"crc32c"` // of the whole file
}

// Tier is the tier that the file is in.
func (f File) Tier() Tier { return tierOf(f.Path) }

func tierOf(rel string) Tier {
	tier, _, _ := strings.Cut(rel, "/")
	return Tier(tier)
}

// rows adds up the rows of the files that e adds to the given tiers.
func (e *Entry) rows(of ...Tier) int64 {
	var n int64
	for _, f := range e.Added {
		for _, t := range of {
			if f.Tier() == t {
				n += f.Rows
			}
		}
	}
	return n
}

// A ledger file is named by number and id, so that the list of names alone
// tells the order of commits, the gaps, and what was committed.
func ledgerName(number uint64, id string) string {
	return fmt.Sprintf("%012d-%s.json", number, id)
}

func parseLedgerName(name string) (number uint64, id string, ok bool) {
	digits, rest, _ := strings.Cut(name, "-")
	id, isJSON := strings.CutSuffix(rest, ".json")
	number, err := strconv.ParseUint(digits, 10, 64)
	ok = isJSON && err == nil && checkID(id) == nil && ledgerName(number, id) == name
	return number, id, ok
}

// RollID is the id of the commit that rolls a segment over.
func RollID(segment uint64) string { return fmt.Sprintf("roll-%020d", segment) }

// parseRollID is the reverse of RollID.
func parseRollID(id string) (segment uint64, ok bool) {
	digits, isRoll := strings.CutPrefix(id, "roll-")
	segment, err := strconv.ParseUint(digits, 10, 64)
	return segment, isRoll && err == nil && RollID(segment) == id
}

// checkID keeps ids fit for a file name, everywhere.
func checkID(id string) error {
	if id == "" || len(id) > 100 || strings.Trim(id, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return fault.New(fault.Invalid, "a commit's id is made of a-z, 0-9 and -, at most 100 of them")
	}
	return nil
}

// checkPath refuses what would lie outside its tier.
func checkPath(rel string) error {
	tier, below, _ := strings.Cut(rel, "/")
	known := false
	for _, t := range tiers {
		known = known || string(t) == tier
	}
	if !known || below == "" || filepath.ToSlash(filepath.Clean(rel)) != rel ||
		!filepath.IsLocal(rel) || strings.ContainsRune(rel, '\\') || !strings.HasSuffix(rel, suffix) {
		return fault.New(fault.Invalid, "a lake file's path is <tier>/<folders>/<name>.parquet, with no . or .. in it")
	}
	return nil
}

// encode writes an entry for people and programs to read.
func (e *Entry) encode() ([]byte, error) {
	b, err := json.MarshalIndent(e, "", " ")
	return append(b, '\n'), err
}

// decodeEntry reads what encode wrote. Paths are checked, since what it returns
// is moved and deleted.
func decodeEntry(b []byte) (Entry, error) {
	var e Entry
	if err := json.Unmarshal(b, &e); err != nil {
		return Entry{}, fault.Wrap(err, fault.Internal, "not a ledger entry")
	}
	if err := checkID(e.ID); err != nil {
		return Entry{}, err
	}
	for _, f := range e.Added {
		if err := checkPath(f.Path); err != nil {
			return Entry{}, err
		}
		if f.Rows < 0 || f.Bytes < 0 {
			return Entry{}, fault.New(fault.Internal, "a ledger entry counts below zero")
		}
	}
	for _, rel := range e.Removed {
		if err := checkPath(rel); err != nil {
			return Entry{}, err
		}
	}
	return e, nil
}

// compactAddsUp tells whether each row that a compaction took is accounted for.
func (e *Entry) compactAddsUp() bool {
	return e.RowsRemoved >= 0 && e.Duplicates >= 0 && e.RowsIn == e.RowsOut+e.RowsRemoved+e.Duplicates
}

// check proves that the counts agree with the files, before they are believed.
// A mistake found now costs a try; found later it would cost the proof.
func (e *Entry) check() error {
	if e.TimeMS <= 0 {
		return fault.New(fault.Invalid, "a commit needs its time")
	}
	events, rejected := e.rows(Landing, Events), e.rows(Rejected)
	switch e.Kind {
	case KindRoll:
		if events != e.Stored || rejected != e.Rejected {
			return fault.Newf(fault.Internal, "the files hold %d event rows and %d rejected rows, the roll-over counted %d and %d",
				events, rejected, e.Stored, e.Rejected)
		}
	case KindCompact:
		if events != e.RowsOut || !e.compactAddsUp() {
			return fault.Newf(fault.Internal, "the files hold %d event rows; the compaction counted %d in, %d out, %d removed and %d duplicates",
				events, e.RowsIn, e.RowsOut, e.RowsRemoved, e.Duplicates)
		}
	}
	return nil
}
