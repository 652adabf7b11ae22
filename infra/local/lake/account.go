package lake

import (
	"fmt"
	"strings"
)

// Account is what Verify found: the figures, and what is wrong with them.
//
// It adds up when Received = Stored + Rejected + Duplicates + Removed and no
// problem is listed.
type Account struct {
	OK bool `json:"ok"`

	Received   int64 `json:"received"`   // inputs in acknowledged requests
	Stored     int64 `json:"stored"`     // event rows, in the lake and in the log
	Rejected   int64 `json:"rejected"`   // rejected inputs, in the lake and in the log
	Duplicates int64 `json:"duplicates"` // event rows that compaction left out
	Removed    int64 `json:"removed"`    // event rows of erased people, which it left out as well

	InLake Place `json:"in_lake"`
	InLog  Place `json:"in_log"` // durable, not rolled over yet

	Commits  int   `json:"commits"`  // entries in the ledger
	Files    int   `json:"files"`    // in the lake now, all tiers
	Bytes    int64 `json:"bytes"`    // of those files
	Segments int   `json:"segments"` // of the log

	Problems []string `json:"problems"` // what does not add up
	Warnings []string `json:"warnings"` // what is odd and harms no figure
}

// Place counts what one of the two stores holds. Requests and Received of the
// lake count all that ever came, since compaction forgets requests.
type Place struct {
	Requests int64 `json:"requests"`
	Received int64 `json:"received"`
	Rows     int64 `json:"rows"`
	Rejected int64 `json:"rejected"`
}

// String tells the account in a few lines.
func (a Account) String() string {
	var b strings.Builder
	verdict := "it adds up"
	if !a.OK {
		verdict = "IT DOES NOT ADD UP"
	}
	fmt.Fprintf(&b, "received %d = stored %d + rejected %d + duplicates %d + removed %d: %s\n",
		a.Received, a.Stored, a.Rejected, a.Duplicates, a.Removed, verdict)
	fmt.Fprintf(&b, "in the lake: %d event rows and %d rejected inputs in %d files (%d bytes), by %d commits\n",
		a.InLake.Rows, a.InLake.Rejected, a.Files, a.Bytes, a.Commits)
	fmt.Fprintf(&b, "in the log:  %d event rows and %d rejected inputs of %d requests in %d segments\n",
		a.InLog.Rows, a.InLog.Rejected, a.InLog.Requests, a.Segments)
	for _, p := range a.Problems {
		fmt.Fprintf(&b, "problem: %s\n", p)
	}
	for _, w := range a.Warnings {
		fmt.Fprintf(&b, "warning: %s\n", w)
	}
	return b.String()
}

// most is how many problems or warnings are spelled out. A folder that was lost
// would else fill screens with its files.
const most = 100

func note(list *[]string, unsaid *int, format string, args ...any) {
	if len(*list) >= most {
		*unsaid++
		return
	}
	*list = append(*list, fmt.Sprintf(format, args...))
}
