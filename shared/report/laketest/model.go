package laketest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"loch/shared/event"
)

// The definitions of the contract, written down as plainly as possible, over all
// rows that were ever received.

// model is what was received, and whom to forget.
type model struct {
	rows    []event.Row
	merges  map[string]string // in project p: an identifier, and whom it was merged into
	removed map[string]bool   // lake ids of project p whose rows are to go
}

// sender is whose row it is.
func sender(r event.Row) string { return cmp.Or(r.UserID, r.DeviceID) }

// tied tells whether a row of an identity call names somebody who is to be removed.
func (m *model) tied(r event.Row) bool {
	if r.Kind != event.KindIdentify && r.Kind != event.KindAlias {
		return false
	}
	for id := range m.removed {
		if strings.Contains(r.Properties+r.Context, id) {
			return true
		}
	}
	return false
}

// kept are the rows of project p that are not to be removed.
func (m *model) kept() []event.Row {
	var kept []event.Row
	for _, r := range m.rows {
		if r.Project == "p" && !m.removed[sender(r)] && !m.tied(r) {
			kept = append(kept, r)
		}
	}
	return kept
}

// eventOf is what makes two rows the same event.
func eventOf(r event.Row) string {
	switch r.InsertIDSource {
	case event.InsertIDHash:
		return fmt.Sprint("hash|", r.InsertID)
	case event.InsertIDUntimed:
		return fmt.Sprint("untimed|", r.Name, "|", sender(r), "|", r.InsertID)
	}
	return fmt.Sprint("client|", r.Name, "|", sender(r), "|", r.TimeMS, "|", r.InsertID)
}

// newest keeps of each event the row that was received last.
func newest(rows []event.Row) []event.Row {
	best := map[string]event.Row{}
	for _, r := range rows {
		old, seen := best[eventOf(r)]
		if !seen || cmp.Or(
			cmp.Compare(r.ReceivedTimeMS, old.ReceivedTimeMS),
			strings.Compare(r.RequestID, old.RequestID),
			cmp.Compare(r.BatchIndex, old.BatchIndex)) > 0 {
			best[eventOf(r)] = r
		}
	}
	var kept []event.Row
	for _, r := range best {
		kept = append(kept, r)
	}
	return kept
}

// links are the devices' first users, with the links that all rows show.
func (m *model) links() map[string]string {
	first, users := map[string]event.Row{}, map[string]string{}
	for _, r := range m.rows {
		if r.Project != "p" || r.DeviceID == "" || r.UserID == "" || strings.Contains(r.Flags, event.FlagNotLinked) || m.removed[r.DeviceID] || m.removed[r.UserID] {
			continue
		}
		old, seen := first[r.DeviceID]
		if !seen || cmp.Or(
			cmp.Compare(r.ReceivedTimeMS, old.ReceivedTimeMS),
			cmp.Compare(r.TimeMS, old.TimeMS),
			cmp.Compare(r.BatchIndex, old.BatchIndex),
			strings.Compare(r.UserID, old.UserID)) < 0 {
			first[r.DeviceID], users[r.DeviceID] = r, r.UserID
		}
	}
	return users
}

// person resolves the person of rows: the user, or the device's first user, or
// the device; and whom that was merged into.
func (m *model) person() func(event.Row) string {
	links := m.links()
	return func(r event.Row) string {
		return m.root(cmp.Or(r.UserID, links[r.DeviceID], r.DeviceID))
	}
}

// owned is a user with the devices that were linked to it first.
func (m *model) owned(user string) []string {
	ids := []string{user}
	for device, first := range m.links() {
		if first == user {
			ids = append(ids, device)
		}
	}
	slices.Sort(ids)
	return ids
}

// root is the person that an identifier was merged into.
func (m *model) root(id string) string {
	for m.merges[id] != "" {
		id = m.merges[id]
	}
	return id
}

// merge makes two users one person and returns the event that says so.
func (m *model) merge(at int64, into, from string) event.Row {
	keeps, goes := m.root(into), m.root(from)
	if keeps != goes {
		m.merges[goes] = keeps
	}
	var ids []string
	for i := range users {
		if id := user(i); m.root(id) == keeps {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	r := Row("$create_alias", at)
	r.Kind, r.UserID, r.DeviceID = event.KindAlias, into, ""
	r.Context = `{"page":{"loch_merged":"no"}}`
	event.AddMerged(&r, keeps, ids)
	return r
}

const users = 12

// Lake ids have 32 hexadecimal digits.
func user(i int) string   { return fmt.Sprintf("%032x", 0xa0+i) }
func device(i int) string { return fmt.Sprintf("%032x", 0xd0+i) }

// lines are rows as text, sorted.
func lines(rows []event.Row, person func(event.Row) string) []string {
	var list []string
	for _, r := range rows {
		list = append(list, strings.Join([]string{
			r.Name, r.InsertID, r.InsertIDSource, orNull(r.DeviceID), orNull(r.UserID), instant(r.TimeMS), instant(r.ReceivedTimeMS),
			r.RequestID, fmt.Sprint(r.BatchIndex), r.Properties, r.Date, revenue(r), fmt.Sprint(r.IsBot), orNull(person(r)),
		}, "|"))
	}
	slices.Sort(list)
	return list
}

// shown are the columns of a line, for project p.
const shown = "event, insert_id, insert_id_source, device_id, user_id, time, received_time, request_id, batch_index, properties, date, revenue, is_bot"

func orNull(s string) string { return cmp.Or(s, "<nil>") }

func revenue(r event.Row) string {
	if r.Revenue != r.Revenue {
		return "<nil>"
	}
	return fmt.Sprint(r.Revenue)
}

// instant is a time as results give it.
func instant(ms int64) string {
	return time.UnixMilli(ms).UTC().Format("2006-01-02 15:04:05.999")
}
