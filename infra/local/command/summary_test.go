package command

import (
	"strings"
	"testing"
	"time"
)

// TestSummary shows the summaries of a run that went well and of one that did
// not.
func TestSummary(t *testing.T) {
	u := summary{
		Sent: 100_000, Accepted: 100_000, Again: 1197, Updates: 4361, Requests: 68_802, Bytes: 114_300_000,
		People: 16_880, SignUps: 324, Bots: 3001, Days: 30,
		From: time.Date(2026, 10, 24, 20, 0, 0, 0, time.UTC), To: time.Date(2026, 11, 23, 20, 0, 0, 0, time.UTC),
		Seconds: 11.9, Rate: 8403,
	}
	next := [][2]string{{"who a user is", "loch profile usr_1"}}
	var b strings.Builder
	if err := u.print(&b, screen{}, next); err != nil {
		t.Fatal(err)
	}
	u.Accepted, u.Refused, u.Problem, u.Retries = 99_998, 2, "1 of 1 records rejected; the first, at index 0: \x1b its time is no time", 17
	if err := u.print(&b, screen{}, next); err != nil {
		t.Fatal(err)
	}
	u.Interrupted = true
	if err := u.print(&b, screen{}, next); err != nil {
		t.Fatal(err)
	}
	golden(t, "summary.txt", b.String())
}
