package stack

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"loch/shared/checkup"
	"loch/shared/fault"
)

// Checks are what can be seen of a stack from outside, in an order in which somebody
// would look.
func (s *Stack) Checks() []checkup.Check {
	return []checkup.Check{
		{Name: "stack", Look: s.lookAtResources},
		{Name: "functions", Look: s.lookAtFunctions},
		{Name: "concurrency", Look: s.lookAtConcurrency},
		{Name: "stream of events", Look: s.lookAtEvents},
		{Name: "stream of rejects", Look: s.lookAtRejected},
		{Name: "tables", Look: s.lookAtTables},
		{Name: "vault's backups", Look: s.lookAtBackups},
		{Name: "bucket of the lake", Look: s.lookAtLake},
		{Name: "bucket of answers", Look: s.lookAtAnswers},
		{Name: "key of the vault", Look: s.lookAtVaultKey},
		{Name: "key of the data", Look: s.lookAtDataKey},
		{Name: "workgroup", Look: s.lookAtWorkgroup},
		{Name: "columns", Look: s.lookAtColumns},
		{Name: "compaction", Look: s.lookAtCompaction},
		{Name: "spills", Look: s.lookAtSpills},
		{Name: "unconverted", Look: s.lookAtErrors},
		{Name: "alarms", Look: s.lookAtAlarms},
		{Name: "who is told", Look: s.lookAtTopic},
		{Name: "tag of costs", Look: s.lookAtTag},
	}
}

// deploy is what mends most.
func (s *Stack) deploy() string { return "deploy again: make deploy STACK=" + s.Name }

// blind is the finding of a check that got no answer: right is what it asked by.
func (s *Stack) blind(err error, what, right string) checkup.Finding {
	switch {
	case denied(err):
		return checkup.Unseen("no right to "+right, "give it to whoever runs this, or look in AWS's console")
	case absent(err):
		return checkup.Bad(what+" is not there", s.deploy())
	case stranger(err) || fault.CodeOf(err) == fault.Unauthorized:
		return checkup.Unseen("AWS takes the credentials no more", "sign in anew: aws sso login, or aws configure")
	}
	return checkup.Unseen(wordsOf(err), "look again in a minute")
}

// wordsOf leaves AWS's own words out, which may name roles and people.
func wordsOf(err error) string {
	if r, ok := errors.AsType[*Refused](err); ok {
		return r.Service + " answers " + r.Code
	}
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f.Error()
	}
	return err.Error()
}

// problems collects what is wrong with one thing.
type problems []string

func (p *problems) addf(format string, args ...any) { *p = append(*p, fmt.Sprintf(format, args...)) }

// unless adds words if something is not so.
func (p *problems) unless(good bool, words string) {
	if !good {
		*p = append(*p, words)
	}
}

// finding is well if there is no problem.
func (p *problems) finding(well, do string) checkup.Finding {
	const shown = 4
	list := *p
	if len(list) == 0 {
		return checkup.Well(well)
	}
	if len(list) > shown {
		list = append(list[:shown:shown], fmt.Sprintf("and %d more", len(list)-shown))
	}
	return checkup.Bad(strings.Join(list, "; "), do)
}

// since says how long ago a time was.
func (s *Stack) since(t time.Time) string {
	d := s.access.Now().Sub(t)
	unit := func(n int, name string) string {
		if n != 1 {
			name += "s"
		}
		return strconv.Itoa(n) + " " + name + " ago"
	}
	switch {
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return unit(int(d.Minutes()), "minute")
	case d < 48*time.Hour:
		return unit(int(d.Hours()), "hour")
	}
	return unit(int(d.Hours()/24), "day")
}
