package reporttest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"loch/shared/event"
	"loch/shared/profile"
	"loch/shared/sql"
)

// trial is a smaller case that may fail as well.
type trial struct {
	set Set
	c   Case
}

// mostTrials bounds the search: what is small enough to be read need not be the
// smallest.
const mostTrials = 500

// shrink makes a failing case smaller as long as it fails, and shows what is left.
// All trials of a round are loaded at once.
func shrink(t *testing.T, load Load, d sql.Dialect, set Set, c Case) {
	t.Helper()
	now := trial{set, c}
	engine := load(t, map[string]Set{"whole": set})
	failure := kindOf(check(t.Context(), engine, d, "whole", set, c))
	asked := 0
	for asked < mostTrials {
		next, found := smaller(t, load, d, now, failure, &asked)
		if !found {
			break
		}
		now = next
	}
	engine = load(t, map[string]Set{"shrunk": now.set})
	t.Errorf("%s\n%s", now, check(t.Context(), engine, d, "shrunk", now.set, now.c))
}

func smaller(t *testing.T, load Load, d sql.Dialect, from trial, failure string, asked *int) (trial, bool) {
	var list []trial
	for size := max(len(from.set.Rows)/2, 1); size >= 1; size /= 2 {
		for at := 0; at+size <= len(from.set.Rows); at += size {
			list = append(list, trial{Set{slices.Concat(from.set.Rows[:at], from.set.Rows[at+size:]), from.set.Profiles}, from.c})
		}
	}
	for i := range from.set.Profiles {
		list = append(list, trial{Set{from.set.Rows, slices.Delete(slices.Clone(from.set.Profiles), i, i+1)}, from.c})
	}
	for _, spec := range shorter(decode(from.c.Spec)) {
		text, err := json.Marshal(spec)
		if err != nil {
			continue
		}
		c := from.c
		c.Spec = string(text)
		list = append(list, trial{from.set, c})
	}
	plainer := from.c
	plainer.Env.MinCell, plainer.Env.SessionGap = 0, 0
	if plainer != from.c {
		list = append(list, trial{from.set, plainer})
	}
	sets := map[string]Set{}
	for i := range list {
		sets[fmt.Sprintf("trial-%d", i)] = list[i].set
	}
	engine := load(t, sets)
	for i := range list {
		*asked++
		if fails(failure, func() string {
			return check(t.Context(), engine, d, fmt.Sprintf("trial-%d", i), list[i].set, list[i].c)
		}) {
			return list[i], true
		}
	}
	return from, false
}

// fails tells whether a smaller case has the failure that is looked for. One that
// is no good spec any more, or that the oracle cannot read, has another.
func fails(failure string, ask func() string) (failed bool) {
	defer func() {
		if recover() != nil {
			failed = false
		}
	}()
	complaint := ask()
	return complaint != "" && kindOf(complaint) == failure
}

// kindOf is the beginning of a complaint: the place, without its numbers, or the
// error's words.
func kindOf(complaint string) string {
	first, _, _ := strings.Cut(complaint, "\n")
	if place, _, ok := strings.Cut(first, ": "); ok && strings.HasPrefix(first, "at ") {
		first = place
	}
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return -1
		}
		return r
	}, first)
}

// shorter are specs with one member or item less, or one in the place of a list.
func shorter(v any) (list []any) {
	switch v := v.(type) {
	case map[string]any:
		for k, below := range v {
			if k == "name" { // the oracle gives no names
				continue
			}
			without := maps.Clone(v)
			delete(without, k)
			list = append(list, without)
			for _, one := range shorter(below) {
				with := maps.Clone(without)
				with[k] = one
				list = append(list, with)
			}
		}
	case []any:
		for i, below := range v {
			list = append(list, slices.Concat(v[:i], v[i+1:]))
			for _, one := range shorter(below) {
				changed := slices.Clone(v)
				changed[i] = one
				list = append(list, changed)
			}
		}
	}
	return list
}

// String is a case as a person reads it.
func (t trial) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s of %d events: %s\n", t.c.Kind, len(t.set.Rows), t.c.Spec)
	fmt.Fprintf(&b, "zone %s, silence %v, min_cell %d, now %s\n", t.c.Env.Timezone, t.c.Env.SessionGap, t.c.Env.MinCell, t.c.Env.Now.UTC().Format(time.RFC3339))
	for i := range t.set.Rows {
		b.WriteString(line(&t.set.Rows[i]))
	}
	for i := range t.set.Profiles {
		b.WriteString(person(&t.set.Profiles[i]))
	}
	return b.String()
}

func line(r *event.Row) string {
	bot := ""
	if r.IsBot {
		bot = " bot"
	}
	return fmt.Sprintf("  %s %q %s by user %q device %q, received +%d ms, id %s, country %q path %q width %d revenue %v%s %s\n",
		time.UnixMilli(r.TimeMS).UTC().Format("2006-01-02T15:04:05.000Z"), r.Name, r.Kind, r.UserID, r.DeviceID, r.ReceivedTimeMS-r.TimeMS, r.InsertID,
		r.Country, r.PagePath, r.ScreenWidth, r.Revenue, bot, r.Properties)
}

func person(p *profile.Snapshot) string {
	return fmt.Sprintf("  profile %q %q: traits %s country %q channel %q gone %v, written %d\n",
		p.PersonID, p.GroupKey, p.Traits, p.Seen.Place.Country, p.Seen.Arrival.Channel, p.Gone, p.SnapshotMS)
}
